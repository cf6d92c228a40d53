"""Our numbers compared with those that the original code computed.

Every golden file holds a configuration, its inputs, and what the original
code made of them (initial values, noise, activations, costs, gradients,
parameters after updates).  ``check`` builds the same network here and reports
how far apart the two are.
"""
