"""Convolutions, channels last, and their gradients: two operations that are each other's gradients.

Every convolution connects a fine side and a coarse one.  Tap d of the filters
connects pixel i of the coarse side with pixel ``i * stride + d - pad`` of the fine
side, along both axes.  :class:`Convolution` goes from one side to the other, and
:class:`FilterGradient` sums over all pairs of connected pixels.
"""

import aesara.tensor as at
from aesara.gradient import DisconnectedType
from aesara.graph.basic import Apply, Constant
from aesara.link.c.params_type import ParamsType
from aesara.scalar import bool as boolean
from aesara.scalar import int64

from ladder.fused.dense import HEADERS, PRODUCTS
from ladder.fused.layout import channels_last, channels_second
from ladder.fused.operation import FusedOperation

KERNELS = (
    *PRODUCTS,
    "product.h",
    "maps.h",
    "windows.h",
    "gather.h",
    "spread.h",
    "filters.h",
    "pixels.h",
    "winograd.h",
    "winograd_maps.h",
    "winograd_filters.h",
    "convolution.h",
)


def convolve(x, W, border, stride):
    """Fused :func:`ladder.bricks.convolution.convolve`: the same arguments and results.

    Parameters
    ----------
    x : float32, (N, C, H, W)
    W : float32, (F, C, K, K)
    border : 'valid' or 'full'
    stride : int; from 2 on filters are not flipped

    Returns
    -------
    float32, (N, F, H', W')
    """
    full, x, W = _is_full(border), channels_last(x), at.as_tensor_variable(W)
    K, size = _sizes(W)[2], _sizes(x)[1:3]
    if full and stride == 1:
        operation, to = Convolution(False, 1, False, False), [n + K - 1 for n in size]
    else:
        operation = Convolution(True, stride, full, turned=stride == 1)
        to = [(n + K - 2 if full else n - K) // stride + 1 for n in size]
    return channels_second(operation(x, W, *to))


def deconvolve(z, W, border, stride, shape):
    """Fused :func:`ladder.bricks.convolution.deconvolve`: the same arguments and results.

    Parameters
    ----------
    z : float32, (N, C, h, w)
    W : float32, (F, C, K, K)
    border, stride : of the layer whose inverse this is
    shape : (H, W) of the result's maps

    Returns
    -------
    float32, (N, F, H, W)
    """
    full, z, W = _is_full(border), channels_last(z), at.as_tensor_variable(W)
    K = _sizes(W)[2]
    whole = [n * stride + (1 - K if full else K - 1) for n in _sizes(z)[1:3]]
    to = [min(n, m) if _known(n, m) else at.minimum(n, m) for n, m in zip(whole, shape, strict=True)]
    return channels_second(Convolution(False, stride, full, False)(z, W, *to))


def _is_full(border):
    if border not in ("valid", "full"):
        raise ValueError(f"A convolution's border is 'valid' or 'full', not {border!r}")
    return border == "full"


def _sizes(x):
    """The sizes of x: numbers where they are known, else variables."""
    return [x.shape[i] if n is None else n for i, n in enumerate(x.type.shape)]


def _known(*sizes):
    return all(isinstance(n, int) for n in sizes)


def _value(n):
    return int(n.data) if isinstance(n, Constant) else None


def _adjoint(W):
    return W.dimshuffle(1, 0, 2, 3)


def _flags(params):
    return ", ".join(f"{params}->{name}" for name in ("stride", "full", "turned", "down"))


class _Sides(FusedOperation):
    """What both operations have in common.

    Parameters
    ----------
    down : bool, whether the filters (to, from, K, K) lead from fine to coarse
    stride : int
    full : bool, whether the pad is K - 1 (instead of 0)
    turned : bool, whether tap d is at K - 1 - d in the filters
    """

    __props__ = ("down", "stride", "full", "turned")
    # Passed to the C code instead of written into it, so that all convolutions share one module.
    params_type = ParamsType(down=boolean, stride=int64, full=boolean, turned=boolean)
    kernels = KERNELS

    def __init__(self, down, stride, full, turned):
        if stride < 1:
            raise ValueError(f"A stride of {stride}")
        self.down, self.stride, self.full, self.turned = down, stride, full, turned

    def number(self, n):
        """A size as a variable; TypeError unless it is an integer."""
        n = at.constant(n, dtype="int64") if isinstance(n, int) else at.as_tensor_variable(n)
        if n.ndim or not n.dtype.startswith(("int", "uint")):
            raise TypeError(f"{self}: a size is {n.type}, not an integer")
        return n if n.dtype == "int64" else at.cast(n, "int64")

    def pad(self, K):
        """The width of the zero padding around the fine side."""
        return K - 1 if self.full else 0

    def convolution(self, down):
        return Convolution(down, self.stride, self.full, self.turned)

    def c_headers(self, **kwargs):
        return [*super().c_headers(**kwargs), *HEADERS, "<type_traits>"]


class Convolution(_Sides):
    """(x, W, height, width) -> y.

    x : (N, h, w, C), W : (F, C, K, K), y : (N, height, width, F); sizes are int64 scalars.
    """

    def make_node(self, x, W, height, width):
        x, W = self.variables([x, W], [4, 4])
        sizes = [self.number(n) for n in (height, width)]
        known = [_value(n) for n in sizes]
        if any(n is not None and n < 1 for n in known):
            raise TypeError(f"{self}: maps of {known} pixels")
        shape = (x.type.shape[0], *known, W.type.shape[0])
        return Apply(self, [x, W, *sizes], [at.TensorType("float32", shape=shape)()])

    def infer_shape(self, fgraph, node, shapes):
        return [(shapes[0][0], *node.inputs[2:], shapes[1][0])]

    def connection_pattern(self, node):
        return [[True], [True], [False], [False]]

    def L_op(self, inputs, outputs, gradients):
        x, W, *_ = inputs
        (dy,) = gradients
        dx = self.convolution(not self.down)(dy, _adjoint(W), *_sizes(x)[1:3])
        sides = (x, dy) if self.down else (dy, x)
        dW = FilterGradient(self.down, self.stride, self.full, self.turned)(*sides, _sizes(W)[2])
        return [dx, dW, DisconnectedType()(), DisconnectedType()()]

    def in_jax(self, node):
        from ladder.fused.jax import convolution

        return convolution.convolve(self, node)

    def c_code(self, node, name, inputs, outputs, sub):
        x, W, height, width = inputs
        return f"""
            if (ladder::convolve({x}, {W}, {height}, {width}, {_flags(sub["params"])}, &{outputs[0]}))
                {sub["fail"]}
        """


class FilterGradient(_Sides):
    """(fine, coarse, K) -> the gradient for the filters, from one side's maps and the gradients for the other's.

    fine : (N, H, W, C or F), coarse : (N, h, w, F or C), K : int64 scalar, result : (F, C, K, K).
    """

    def make_node(self, fine, coarse, K):
        fine, coarse = self.variables([fine, coarse], [4, 4])
        K = self.number(K)
        shape = (*self._channels(fine.type.shape[3], coarse.type.shape[3]), _value(K), _value(K))
        return Apply(self, [fine, coarse, K], [at.TensorType("float32", shape=shape)()])

    def _channels(self, fine, coarse):
        return (coarse, fine) if self.down else (fine, coarse)

    def infer_shape(self, fgraph, node, shapes):
        K = node.inputs[2]
        return [(*self._channels(shapes[0][3], shapes[1][3]), K, K)]

    def connection_pattern(self, node):
        return [[True], [True], [False]]

    def L_op(self, inputs, outputs, gradients):
        fine, coarse, _ = inputs
        (dW,) = gradients
        up, down = (_adjoint(dW), dW) if self.down else (dW, _adjoint(dW))
        dfine = self.convolution(False)(coarse, up, *_sizes(fine)[1:3])
        dcoarse = self.convolution(True)(fine, down, *_sizes(coarse)[1:3])
        return [dfine, dcoarse, DisconnectedType()()]

    def in_jax(self, node):
        from ladder.fused.jax import convolution

        return convolution.filter_gradient(self, node)

    def c_code(self, node, name, inputs, outputs, sub):
        fine, coarse, K = inputs
        return f"""
            if (ladder::filter_gradient({fine}, {coarse}, {K}, {_flags(sub["params"])}, &{outputs[0]}))
                {sub["fail"]}
        """
