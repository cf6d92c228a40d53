"""Max-pooling, channels last, and its gradient."""

import jax
import jax.numpy as jnp


def max_pool(operation, node):
    """:class:`ladder.fused.pooling.MaxPool`: the largest entry of each window, windows at the edge incomplete."""
    size, stride = operation.size, operation.stride
    to = node.outputs[0].type.shape[1:3]

    def function(x):
        padding = [(0, max(0, (m - 1) * stride + size - n)) for n, m in zip(x.shape[1:3], to)]
        return jax.lax.reduce_window(
            x, -jnp.inf, jax.lax.max, (1, size, size, 1), (1, stride, stride, 1), ((0, 0), *padding, (0, 0))
        )

    return function


def max_pool_gradient(operation):
    """:class:`ladder.fused.pooling.MaxPoolGradient`: (x, y, dy) -> the gradient for x, for all entries that are the largest."""
    size, stride = operation.size, operation.stride

    def function(x, y, dy):
        found = jnp.zeros_like(x)
        for a in range(size):
            for b in range(size):
                found += _through_tap(x, y, dy, (a, b), stride)
        return found

    def copied(x, y, dy):
        """Windows that do not overlap: each entry has one."""
        (y, dy) = (_over_windows(z, size, x.shape) for z in (y, dy))
        return jnp.where(x == y, dy, 0.0)

    return copied if size == stride else function


def _over_windows(z, size, shape):
    """Each entry copied over its window, cropped."""
    n, h, w, maps = z.shape
    windows = jnp.broadcast_to(z[:, :, None, :, None, :], (n, h, size, w, size, maps))
    return windows.reshape(n, h * size, w * size, maps)[:, : shape[1], : shape[2]]


def _through_tap(x, y, dy, tap, stride):
    """The gradient that entries get as entry ``tap`` of their windows."""
    spans = [(m - 1) * stride + 1 for m in y.shape[1:3]]
    beyond = [max(0, d + span - n) for d, span, n in zip(tap, spans, x.shape[1:3])]
    inside = jnp.pad(x, ((0, 0), (0, beyond[0]), (0, beyond[1]), (0, 0)), constant_values=-jnp.inf)
    seen = inside[:, tap[0] : tap[0] + spans[0] : stride, tap[1] : tap[1] + spans[1] : stride]
    spread = [(d, n - d - span, stride - 1) for d, span, n in zip(tap, spans, x.shape[1:3])]
    return jax.lax.pad(jnp.where(seen == y, dy, 0.0), 0.0, ((0, 0, 0), *spread, (0, 0, 0)))
