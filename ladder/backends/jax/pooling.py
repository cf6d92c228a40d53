"""Max-pooling and mean-pooling of maps, and their gradients; (examples, height, width, maps)."""

import jax
import jax.numpy as jnp
import numpy as np


def largest(x, size, stride, to):
    """The largest entry of each window.

    Parameters
    ----------
    x : (examples, height, width, maps)
    size, stride : (int, int)
    to : (height', width')
    """
    return _over_each(x, size, stride, to, -jnp.inf, jax.lax.max)


def mean(x, size, stride, to):
    """The mean of each window, over the entries present if it is incomplete; arguments as for :func:`largest`."""
    total = _over_each(x, size, stride, to, 0.0, jax.lax.add)
    return total / _counts(size, stride, x.shape[1:3], to)


def mean_gradient(dy, size, stride, sides):
    """The gradient of :func:`mean` of maps with these sides: each entry gets its share of its windows' gradients."""
    n, *to, maps = dy.shape
    dy = dy / _counts(size, stride, sides, to)
    if size == stride:
        return _over_windows(dy, size, (n, *sides, maps))
    summed = lambda x: _over_each(x, size, stride, to, 0.0, jax.lax.add)
    (dx,) = jax.linear_transpose(summed, jax.ShapeDtypeStruct((n, *sides, maps), dy.dtype))(dy)
    return dx


def _over_each(x, size, stride, to, first, join):
    """Reduce the entries of each window with a binary function."""
    padding = [(0, max(0, (m - 1) * s + k - n)) for n, m, k, s in zip(x.shape[1:3], to, size, stride)]
    return jax.lax.reduce_window(x, first, join, (1, *size, 1), (1, *stride, 1), ((0, 0), *padding, (0, 0)))


def _counts(size, stride, sides, to):
    """How many entries each window has: (height', width', 1) float32."""
    along = [np.minimum(np.arange(m) * s + k, n) - np.arange(m) * s for m, s, k, n in zip(to, stride, size, sides)]
    return np.multiply.outer(*along)[..., None].astype("float32")


def gradient(x, dy, size, stride):
    """The gradient of :func:`largest`: it goes to all entries that are the largest of their windows.

    XLA may compute x separately for each of its uses, with different rounding, and then no entry would equal the
    largest.  The barrier prevents that on GPUs; a CPU ignores it, so x must round alike however it is computed
    (``normalize`` in ``ladder/fused/jax/columns.py``).
    """
    x = jax.lax.optimization_barrier(x)
    y = largest(x, size, stride, dy.shape[1:3])
    if size == stride:
        # Windows do not overlap: each entry is in one.
        y, dy = (_over_windows(z, size, x.shape) for z in (y, dy))
        return jnp.where(x == y, dy, 0.0)
    return sum(_through_tap(x, y, dy, tap, stride) for tap in np.ndindex(*size))


def _over_windows(z, size, shape):
    """Each entry copied over its window, cropped."""
    n, h, w, maps = z.shape
    windows = jnp.broadcast_to(z[:, :, None, :, None, :], (n, h, size[0], w, size[1], maps))
    return windows.reshape(n, h * size[0], w * size[1], maps)[:, : shape[1], : shape[2]]


def _through_tap(x, y, dy, tap, stride):
    """The gradient that entries get as entry ``tap`` of their windows."""
    spans = [(m - 1) * s + 1 for m, s in zip(y.shape[1:3], stride)]
    beyond = [max(0, d + span - n) for d, span, n in zip(tap, spans, x.shape[1:3])]
    inside = jnp.pad(x, ((0, 0), (0, beyond[0]), (0, beyond[1]), (0, 0)), constant_values=-jnp.inf)
    seen = inside[:, tap[0] : tap[0] + spans[0] : stride[0], tap[1] : tap[1] + spans[1] : stride[1]]
    # What falls beyond the edge is cut off by a negative padding.
    spread = [(d, n - d - span, s - 1) for d, n, span, s in zip(tap, x.shape[1:3], spans, stride)]
    return jax.lax.pad(jnp.where(seen == y, dy, 0.0), np.float32(0), ((0, 0, 0), *spread, (0, 0, 0)))
