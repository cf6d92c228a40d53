"""Pooling layers, and their inverses in the decoder."""

import aesara.tensor as at
import numpy as np
from aesara.tensor.signal.pool import pool_2d


def max_pool(x, size, stride):
    """The largest entry of each window; windows at the edge may be incomplete.

    Parameters
    ----------
    x : (examples, maps, height, width) float32
    size : int, side of a window
    stride : int, from one window to the next

    Returns
    -------
    (examples, maps, height', width') float32; the gradient goes to every entry that equals the largest
    """
    return pool_2d(x, ws=(size, size), stride=(stride, stride), ignore_border=False, mode="max")


def mean_pool(x, size, stride):
    """The mean of each window; for an incomplete window at the edge, of the entries it has.

    Parameters and result are those of :func:`max_pool`.
    """
    return pool_2d(x, ws=(size, size), stride=(stride, stride), ignore_border=False, mode="average_exc_pad")


def global_mean_pool(x, width):
    """The mean of each map, times its width and sqrt(3) as in the original.

    (examples, maps, height, width) -> (examples, maps, 1, 1)
    """
    return x.mean(axis=(2, 3), keepdims=True) * np.float32(width) * np.float32(np.sqrt(3))


def unpool(z, size, shape):
    """Copy each entry over its window, the inverse of :func:`max_pool` and :func:`mean_pool` with a stride of ``size``.

    ``(examples, maps, h, w) -> (examples, maps, *shape)``, cropped where a window was incomplete
    """
    n, maps, h, w = z.shape
    windows = at.alloc(z.dimshuffle(0, 1, 2, "x", 3, "x"), n, maps, h, size, w, size)
    return windows.reshape((n, maps, h * size, w * size))[:, :, : shape[0], : shape[1]]
