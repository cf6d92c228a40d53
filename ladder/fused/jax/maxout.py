"""The largest of each unit's pieces, units or maps last, and its gradient."""

import jax
import jax.numpy as jnp


def largest(x, pieces):
    """Of (…, pieces units), all units' first pieces first: (…, units)."""
    return _apart(x, pieces).max(axis=-2)


def gradient(x, dy, pieces):
    """All pieces get it that are the largest; the barrier as in ``ladder/backends/jax/pooling.py``."""
    x = jax.lax.optimization_barrier(x)
    apart = _apart(x, pieces)
    return jnp.where(apart == apart.max(axis=-2, keepdims=True), dy[..., None, :], 0.0).reshape(x.shape)


def _apart(x, pieces):
    return x.reshape(*x.shape[:-1], pieces, x.shape[-1] // pieces)
