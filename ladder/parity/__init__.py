"""Compare our numbers with those that the original code computed.

Every golden file holds a configuration, its inputs, and what the original
code computed from them (initial values, noise, activations, costs, gradients,
parameters after updates).  ``check`` builds the same network here and reports
how far apart the two are.
"""
