"""Convolutions, channels last, and the gradient for their filters.

The indices are those of :mod:`ladder.fused.convolution`.
"""

import jax

from ladder.backends.jax import convolution

LAYOUT = ("NHWC", "OIHW", "NHWC")


def convolve(operation, node):
    """:class:`ladder.fused.convolution.Convolution`: (x, W, height, width) -> y."""
    to, stride = node.outputs[0].type.shape[1:3], (operation.stride, operation.stride)

    def function(x, W, *_):
        K, pad = W.shape[2], operation.pad(W.shape[2])
        if operation.turned == operation.down:
            W = W[:, :, ::-1, ::-1]
        if not operation.down:
            return convolution.to_fine(x, W, stride, (pad, pad), to, LAYOUT)
        # The padding at the end follows from the size of the result.
        padding = [(pad, (m - 1) * operation.stride + K - n - pad) for n, m in zip(x.shape[1:3], to)]
        return jax.lax.conv_general_dilated(x, W, stride, padding, dimension_numbers=LAYOUT)

    return function


def filter_gradient(operation, node):
    """:class:`ladder.fused.convolution.FilterGradient`: (fine, coarse, K) -> the gradient for filters."""
    K, stride = node.outputs[0].type.shape[2], (operation.stride, operation.stride)
    pads = (operation.pad(K), operation.pad(K))
    layout = ("CHWN", "IHWO", "CNHW" if operation.down else "NCHW")

    def function(fine, coarse, _):
        gradient = convolution.filter_gradient(fine, coarse, stride, pads, (K, K), layout)
        return gradient[:, :, ::-1, ::-1] if operation.turned else gradient

    return function
