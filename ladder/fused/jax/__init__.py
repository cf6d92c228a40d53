"""The fused operations in JAX: plain functions from arrays to arrays.

Each module corresponds to the kernel of the same name in ``ladder/fused/c`` and
the operation of that name, whose ``in_jax`` imports it.  Units or maps are the
last axis, as in those.  XLA fuses elementwise work by itself, so these functions
say what is computed, not in what order memory is traversed.
"""
