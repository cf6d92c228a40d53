"""Max-pooling and mean-pooling, channels last, with their gradients; and their inverse in the decoder."""

import aesara.tensor as at
from aesara.graph.basic import Apply

from ladder.fused.layout import channels_last, channels_second
from ladder.fused.operation import FusedOperation
from ladder.layer_specs import pooled_side


def max_pool(x, size, stride):
    """Fused :func:`ladder.bricks.pooling.max_pool`: the same arguments and results."""
    return channels_second(MaxPool(size, stride)(channels_last(x)))


def mean_pool(x, size, stride):
    """Fused :func:`ladder.bricks.pooling.mean_pool`: the same arguments and results."""
    return channels_second(MeanPool(size, stride)(channels_last(x)))


def unpool(z, size, shape):
    """:func:`ladder.bricks.pooling.unpool` in the memory layout of fused operations."""
    z = channels_last(z)
    n, h, w, maps = z.shape
    windows = at.alloc(z.dimshuffle(0, 1, "x", 2, "x", 3), n, h, size, w, size, maps)
    u = windows.reshape((n, h * size, w * size, maps))[:, : shape[0], : shape[1]]
    return channels_second(at.specify_shape(u, (None, *shape, z.type.shape[3])))


class _Pooling(FusedOperation):
    """What the operation and its gradient have in common.

    Parameters
    ----------
    size, stride : int, of the windows
    """

    __props__ = ("size", "stride")
    kernels = ("pooling.h",)

    def __init__(self, size, stride):
        self.size, self.stride = size, stride

    @property
    def windows(self):
        """Size and stride along both axes, as ``ladder/backends/jax/pooling.py`` takes them."""
        return (self.size, self.size), (self.stride, self.stride)


class _PoolUp(_Pooling):
    """x (examples, height, width, maps) -> one number per window; windows at the edge may be incomplete."""

    kernel = ""

    def make_node(self, x):
        (x,) = self.variables([x], [4])
        n, *sides, maps = x.type.shape
        if None in sides:
            raise TypeError(f"{self}: the size of the maps must be known, not {x.type}")
        shape = (n, *(pooled_side(side, self.size, self.stride) for side in sides), maps)
        return Apply(self, [x], [at.TensorType("float32", shape=shape)()])

    def infer_shape(self, fgraph, node, shapes):
        _, height, width, _ = node.outputs[0].type.shape
        return [(shapes[0][0], at.constant(height), at.constant(width), shapes[0][3])]

    def c_code(self, node, name, inputs, outputs, sub):
        _, height, width, _ = node.outputs[0].type.shape
        sizes = f"{self.size}, {self.stride}, {height}, {width}"
        return f"""{{ if (ladder::{self.kernel}({inputs[0]}, {sizes}, &{outputs[0]})) {sub["fail"]} }}"""


class MaxPool(_PoolUp):
    """x (examples, height, width, maps) -> the largest entry of each window."""

    kernel = "max_pool"

    def L_op(self, inputs, outputs, gradients):
        return [MaxPoolGradient(self.size, self.stride)(*inputs, *outputs, *gradients)]

    def in_jax(self, node):
        from ladder.backends.jax import pooling

        to = node.outputs[0].type.shape[1:3]
        return lambda x: pooling.largest(x, *self.windows, to)


class MeanPool(_PoolUp):
    """x (examples, height, width, maps) -> the mean of each window."""

    kernel = "mean_pool"

    def L_op(self, inputs, outputs, gradients):
        _, height, width, _ = inputs[0].type.shape
        return [MeanPoolGradient(self.size, self.stride, height, width)(*gradients)]

    def in_jax(self, node):
        from ladder.backends.jax import pooling

        to = node.outputs[0].type.shape[1:3]
        return lambda x: pooling.mean(x, *self.windows, to)


class MaxPoolGradient(_Pooling):
    """x, MaxPool's output and the gradient for it -> the gradient for x, which goes to all entries that are largest."""

    def make_node(self, *inputs):
        inputs = self.variables(inputs, [4, 4, 4])
        return Apply(self, inputs, [inputs[0].type()])

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0]]

    def in_jax(self, node):
        from ladder.backends.jax import pooling

        return lambda x, y, dy: pooling.gradient(x, dy, *self.windows)

    def c_code(self, node, name, inputs, outputs, sub):
        function = f"max_pool_gradient<{str(self.size == self.stride).lower()}>"
        arguments = f"{', '.join(inputs)}, {self.size}, {self.stride}"
        return f"""{{ if (ladder::{function}({arguments}, &{outputs[0]})) {sub["fail"]} }}"""


class MeanPoolGradient(_Pooling):
    """The gradient for MeanPool's output -> that for its x, each entry's share from every window that it is in.

    Parameters
    ----------
    size, stride : int, of the windows
    height, width : int, of the maps
    """

    __props__ = ("size", "stride", "height", "width")

    def __init__(self, size, stride, height, width):
        super().__init__(size, stride)
        self.height, self.width = height, width

    def make_node(self, dy):
        (dy,) = self.variables([dy], [4])
        n, *_, maps = dy.type.shape
        return Apply(self, [dy], [at.TensorType("float32", shape=(n, self.height, self.width, maps))()])

    def infer_shape(self, fgraph, node, shapes):
        ((n, _, _, maps),) = shapes
        return [(n, at.constant(self.height), at.constant(self.width), maps)]

    def in_jax(self, node):
        from ladder.backends.jax import pooling

        return lambda dy: pooling.mean_gradient(dy, *self.windows, (self.height, self.width))

    def c_code(self, node, name, inputs, outputs, sub):
        function = f"mean_pool_gradient<{str(self.size == self.stride).lower()}>"
        arguments = f"{inputs[0]}, {self.size}, {self.stride}, {self.height}, {self.width}"
        return f"""{{ if (ladder::{function}({arguments}, &{outputs[0]})) {sub["fail"]} }}"""
