"""The max-norm constraint on weights, in one pass over them and, if some exceed the norm, a second."""

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import in2out, node_rewriter

from ladder.fused.operation import FusedOperation


def within_norm(W, most):
    """Fused :func:`ladder.bricks.max_norm.within_norm`: the same arguments and results."""
    return WithinNorm(most)(W)


class WithinNorm(FusedOperation):
    """W -> W, with each column of a matrix or each filter scaled down to a maximum norm.

    ``inplace`` overwrites W; a rewrite of the graph sets it where that is allowed.

    Parameters
    ----------
    most : float
    inplace : bool
    """

    __props__ = ("most", "inplace")
    kernels = ("columns.h", "max_norm.h")

    def __init__(self, most, inplace=False):
        self.most, self.inplace = float(most), inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def make_node(self, W):
        W = at.as_tensor_variable(W)
        if W.ndim not in (2, 4):
            raise TypeError(f"{self}: the weights are {W.type}, neither a matrix nor filters")
        return Apply(self, self.variables([W], [W.ndim]), [W.type()])

    def infer_shape(self, fgraph, node, shapes):
        return shapes

    def in_jax(self, node):
        from ladder.fused.jax.max_norm import within_norm

        return lambda W: within_norm(W, self.most)

    def c_code(self, node, name, inputs, outputs, sub):
        (W,), (new,) = inputs, outputs
        flags = "NPY_ARRAY_CARRAY" + ("" if self.inplace else " | NPY_ARRAY_ENSURECOPY")
        return f"""{{
            Py_XDECREF({new}); {new} = (PyArrayObject*)PyArray_FROM_OF((PyObject*){W}, {flags});
            if (!{new}) {sub["fail"]}
            ladder::within_norm({new}, {self.most!r}f);
        }}"""


@node_rewriter([WithinNorm], inplace=True)
def norm_in_place(fgraph, node):
    return None if node.op.inplace else WithinNorm(node.op.most, inplace=True)(*node.inputs, return_list=True)


# As for Aesara's own in-place operations.
optdb.register("ladder_norm_in_place", in2out(norm_in_place, ignore_newtrees=True), "fast_run", "inplace", position=99)
