"""Side by side with the original: our numbers against those its code computed.

Every golden file holds a configuration, its inputs, and what the original
code made of them (initial values, noise, activations, costs, gradients,
parameters after updates).  ``check`` builds the same thing here and says how
far apart the two are.
"""
