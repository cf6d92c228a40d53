"""Maxout (the largest of each unit's pieces) and its gradient; units or maps are the last axis."""

import jax
import jax.numpy as jnp


def largest(x, pieces):
    """(…, pieces units), all units' first pieces first -> the largest piece of each unit, (…, units)."""
    return _apart(x, pieces).max(axis=-2)


def gradient(x, dy, pieces):
    """It goes to all pieces that are largest; for the barrier, see ``ladder/backends/jax/pooling.py``."""
    x = jax.lax.optimization_barrier(x)
    apart = _apart(x, pieces)
    return jnp.where(apart == apart.max(axis=-2, keepdims=True), dy[..., None, :], 0.0).reshape(x.shape)


def _apart(x, pieces):
    return x.reshape(*x.shape[:-1], pieces, x.shape[-1] // pieces)
