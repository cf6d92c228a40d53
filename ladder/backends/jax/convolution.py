"""Convolutions from a coarse side to a fine one, and the gradient for their filters; for both graphs.

Pixel i of the coarse side meets pixel ``i * stride + d - pad`` of the fine side through tap d.  A layout gives the
order of axes of both operands and of the result, in JAX's letters.
"""

import jax


def to_fine(coarse, W, stride, pads, sides, layout):
    """The maps of the fine side.

    Parameters
    ----------
    coarse : float32 maps
    W : float32 filters, from the coarse side's maps to the fine one's
    stride, pads, sides : (int, int)
        Along height and width; ``sides`` are those of the result.
    layout : (str, str, str), e.g. ('NHWC', 'OIHW', 'NHWC')
    """
    padding = [
        (K - 1 - pad, n + pad - (m - 1) * s - 1)
        for K, pad, n, m, s in zip(_sides(W, layout[1]), pads, sides, _sides(coarse, layout[0]), stride)
    ]
    return jax.lax.conv_general_dilated(coarse, W, (1, 1), padding, lhs_dilation=stride, dimension_numbers=layout)


def filter_gradient(fine, coarse, stride, pads, sizes, layout):
    """The gradient for filters of these sizes (height, width), from one side's maps and the other side's gradients."""
    padding = [
        (pad, K - pad + (m - 1) * s - n)
        for K, pad, n, m, s in zip(sizes, pads, _sides(fine, layout[0]), _sides(coarse, layout[1]), stride)
    ]
    # Maps take the place of examples, and examples are summed over.
    return jax.lax.conv_general_dilated(fine, coarse, (1, 1), padding, rhs_dilation=stride, dimension_numbers=layout)


def _sides(x, axes):
    return x.shape[axes.index("H")], x.shape[axes.index("W")]
