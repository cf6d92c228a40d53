"""What the fused operations are in JAX: plain functions from arrays to arrays.

Each module stands beside the kernel of the same name in ``ladder/fused/c`` and
the operation of that name, whose ``in_jax`` imports it.  Units, or maps, are
the last axis, as there.  XLA fuses elementwise work by itself, so these say
what is computed, not in what order memory is walked.
"""
