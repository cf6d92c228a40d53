"""Convolutions, channels last, and the gradient for their filters.

The indices are those of :mod:`ladder.fused.convolution`: pixel i of the coarse
side meets pixel ``i * stride + d - pad`` of the fine side through tap d.
"""

import jax


def convolve(operation, node):
    """:class:`ladder.fused.convolution.Convolution`: (x, W, height, width) -> y."""
    to = node.outputs[0].type.shape[1:3]

    def function(x, W, *_):
        K, pad = W.shape[2], operation.pad(W.shape[2])
        stride, left = operation.stride, pad if operation.down else K - 1 - pad
        if operation.turned == operation.down:
            W = W[:, :, ::-1, ::-1]
        # What lies to the right follows from the size of the result.
        if operation.down:
            padding = [(left, (m - 1) * stride + K - n - left) for n, m in zip(x.shape[1:3], to)]
            strides, spread = (stride, stride), (1, 1)
        else:
            padding = [(left, m + K - 1 - left - ((n - 1) * stride + 1)) for n, m in zip(x.shape[1:3], to)]
            strides, spread = (1, 1), (stride, stride)
        return jax.lax.conv_general_dilated(
            x, W, strides, padding, lhs_dilation=spread, dimension_numbers=("NHWC", "OIHW", "NHWC")
        )

    return function


def filter_gradient(operation, node):
    """:class:`ladder.fused.convolution.FilterGradient`: (fine, coarse, K) -> the gradient for filters."""
    K = node.outputs[0].type.shape[2]

    def function(fine, coarse, _):
        pad, stride = operation.pad(K), operation.stride
        spans = [(m - 1) * stride + 1 for m in coarse.shape[1:3]]
        padding = [(pad, K - 1 + span - n - pad) for n, span in zip(fine.shape[1:3], spans)]
        # Maps take the place of examples, and examples are summed over.
        gradient = jax.lax.conv_general_dilated(
            fine,
            coarse,
            (1, 1),
            padding,
            rhs_dilation=(stride, stride),
            dimension_numbers=("CHWN", "IHWO", "CNHW" if operation.down else "NCHW"),
        )
        return gradient[:, :, ::-1, ::-1] if operation.turned else gradient

    return function
