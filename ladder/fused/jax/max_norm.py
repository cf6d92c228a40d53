"""The max-norm constraint on weights."""

import jax.numpy as jnp


def within_norm(W, most):
    """:class:`ladder.fused.max_norm.WithinNorm`."""
    axes, most = ((0,) if W.ndim == 2 else (1, 2, 3)), jnp.float32(most)
    norm = jnp.sqrt(jnp.square(W).sum(axis=axes, keepdims=True))
    return W * (most / jnp.maximum(norm, most))
