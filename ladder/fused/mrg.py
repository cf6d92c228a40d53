"""Normals from Aesara's own generator, MRG31k3p with Box-Muller, as one operation.

P. L'Ecuyer and R. Touzin, Fast combined multiple recursive generators with
multipliers of the form a = ±2^d ± 2^e, Winter Simulation Conference 2000.
"""

from aesara.compile.mode import optdb
from aesara.graph.rewriting.basic import in2out, node_rewriter

from ladder.fused.normals import Normals, with_static_shape


class MRGNormal(Normals):
    """What ``aesara.sandbox.rng_mrg.MRG_RandomStream.normal`` draws from a state, bit for bit if libm is glibc's.

    (state, size, size, …) -> next state, normals.  The state is an int32
    matrix (substreams, 6).  With n, the count of numbers, rounded up to even,
    uniform i comes from substream i modulo the number of substreams; normals j
    and j + n / 2 are made from uniforms j and j + n / 2.

    ``inplace`` overwrites the state; a rewrite of the graph sets it where that
    is allowed.
    """

    __props__ = ("inplace",)
    kernels = ("normal.h", "mrg.h")
    state_dtype, state_ndim = "int32", 2

    def __init__(self, inplace=False):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def in_jax(self, node):
        from ladder.backends.jax.normals import mrg_normals

        return with_static_shape(mrg_normals, node)

    @property
    def function(self):
        return f"mrg_normal<{'true' if self.inplace else 'false'}>"


@node_rewriter([MRGNormal], inplace=True)
def mrg_in_place(fgraph, node):
    return None if node.op.inplace else MRGNormal(inplace=True)(*node.inputs, return_list=True)


# After the rewrites that change what is computed, as for Aesara's own uniforms.
optdb.register("ladder_mrg_in_place", in2out(mrg_in_place, ignore_newtrees=True), "fast_run", "inplace", position=99)
