"""Maxout (the largest of each unit's pieces) and its gradient; units or maps are the last axis."""

from aesara.graph.basic import Apply
from aesara.tensor import TensorType

from ladder.fused.layout import channels_last, channels_second, matrix_or_maps
from ladder.fused.operation import FusedOperation


def maxout(x, pieces):
    """Fused :func:`ladder.bricks.activations.maxout`: the same arguments and results."""
    return channels_second(Maxout(pieces)(channels_last(x)))


class _Maxout(FusedOperation):
    """What the operation and its gradient have in common.

    Parameters
    ----------
    pieces : int
    """

    __props__ = ("pieces",)
    kernels = ("maxout.h",)

    def __init__(self, pieces):
        self.pieces = pieces


class Maxout(_Maxout):
    """x (…, pieces units) -> the largest piece of each unit, (…, units)."""

    def make_node(self, x):
        (x,) = self.variables([x], [matrix_or_maps(x)])
        *rows, columns = x.type.shape
        shape = *rows, columns and columns // self.pieces
        return Apply(self, [x], [TensorType("float32", shape=shape)()])

    def infer_shape(self, fgraph, node, shapes):
        *rows, columns = shapes[0]
        return [(*rows, columns // self.pieces)]

    def L_op(self, inputs, outputs, gradients):
        return [MaxoutGradient(self.pieces)(*inputs, *outputs, *gradients)]

    def in_jax(self, node):
        from ladder.fused.jax import maxout

        return lambda x: maxout.largest(x, self.pieces)

    def c_code(self, node, name, inputs, outputs, sub):
        return f"""{{ if (ladder::maxout({inputs[0]}, {self.pieces}, &{outputs[0]})) {sub["fail"]} }}"""


class MaxoutGradient(_Maxout):
    """x, Maxout's output and the gradient for it -> the gradient for x, which goes to all pieces that are largest."""

    def make_node(self, *inputs):
        ndim = matrix_or_maps(inputs[0])
        inputs = self.variables(inputs, [ndim] * 3)
        return Apply(self, inputs, [inputs[0].type()])

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0]]

    def in_jax(self, node):
        from ladder.fused.jax import maxout

        return lambda x, y, dy: maxout.gradient(x, dy, self.pieces)

    def c_code(self, node, name, inputs, outputs, sub):
        arguments = f"{', '.join(inputs)}, {self.pieces}"
        return f"""{{ if (ladder::maxout_gradient({arguments}, &{outputs[0]})) {sub["fail"]} }}"""
