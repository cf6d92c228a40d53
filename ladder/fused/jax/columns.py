"""Batch normalisation by columns, and its gradient.

A column is a unit or a map, on the last axis.  All other axes, examples and
pixels, are rows.
"""

import math

import jax
import jax.numpy as jnp

from ladder.bricks.normalization import EPSILON


def mean(x):
    """Mean of each column, kept as (1, …, columns)."""
    return total(x) * (1.0 / n_rows(x))


def total(x):
    """Sum of each column, kept as (1, …, columns).

    For maps in two stages, whole rows of pixels first: a CPU adds up long rows six times as fast as short ones,
    and a sum over all pixels would have a hundred times the rounding error (the C backend sums in float64).
    """
    if x.ndim == 2:
        return x.sum(axis=0, keepdims=True)
    *images, width, columns = x.shape
    by_pixel = x.reshape(math.prod(images), width * columns).sum(axis=0)
    return by_pixel.reshape(width, columns).sum(axis=0).reshape(*[1] * (x.ndim - 1), columns)


def n_rows(x):
    """How many entries a column has."""
    return math.prod(x.shape[:-1])


def statistics(x):
    """Mean and population variance of each column."""
    m = mean(x)
    return m, mean(jnp.square(x - m))


def normalize(x, m, s):
    """``(x - mean) / sqrt(variance + epsilon)``.

    By a division, not a product with the reciprocal: XLA recomputes the result in each kernel that needs it,
    and in some of them a product would become part of a fused multiply-add, which rounds differently.  The
    gradient of max-pooling, which looks for the largest entries, would then not find them.
    """
    return (x - m) / jnp.sqrt(s + EPSILON)


def reciprocal_deviation(variance):
    """``1 / sqrt(variance + epsilon)``."""
    return 1 / jnp.sqrt(variance + EPSILON)


def rounded(product, s):
    """A product that is rounded before anything is added to it, see :func:`normalize`.

    Its bits are XORed with a number that is 0, as variances ``s`` (1, …, columns) are not negative, but the
    compiler does not know that.
    """
    nothing = (s < 0).astype(jnp.int32)
    return jax.lax.bitcast_convert_type(jax.lax.bitcast_convert_type(product, jnp.int32) ^ nothing, jnp.float32)


def normalization_gradient(g, normalized, reciprocal):
    """From the gradient for normalised columns to that for the columns before normalisation.

    Parameters
    ----------
    g, normalized : (rows, …, columns)
    reciprocal : (1, …, columns), see :func:`reciprocal_deviation`
    """
    return (g - mean(g) - normalized * mean(g * normalized)) * reciprocal
