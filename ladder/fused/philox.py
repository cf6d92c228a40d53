"""Normals from a counter-based generator, Philox4x32-10 with Box-Muller, as one operation.

J. Salmon, M. Moraes, R. Dror and D. Shaw, Parallel random numbers: as easy as
1, 2, 3, Supercomputing 2011.
"""

from ladder.fused.normals import Normals, with_static_shape


class PhiloxNormal(Normals):
    """(state, size, size, …) -> next state, normals; no number is ever infinite or NaN.

    The state is an int64 vector: seed, stream, update.  Each call increases the
    update by one; a shorter draw is a prefix of a longer one.
    """

    kernels = ("normal.h", "philox.h")
    state_dtype, state_ndim = "int64", 1
    function = "philox_normal"

    def in_jax(self, node):
        from ladder.backends.jax.normals import philox_normals

        return with_static_shape(philox_normals, node)
