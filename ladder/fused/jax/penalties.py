"""What penalties add to gradients, and the sum of absolute weights."""

import jax.numpy as jnp

from ladder.fused.jax.optimiser import sum_of_all


def penalised(gradient, W, l1, l2):
    """:class:`ladder.fused.penalties.Penalised`."""
    return gradient + jnp.float32(l2) * W + jnp.float32(l1) * jnp.sign(W)


def sum_of_absolutes(x):
    """:class:`ladder.fused.penalties.SumOfAbsolutes`."""
    return sum_of_all(jnp.abs(x))
