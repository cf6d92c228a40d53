"""Batch normalisation without scale and shift, and its running averages.

Rasmus et al. (2015), section 3, "batch normalization"; each half of a batch
is normalised with its own statistics.
"""

import aesara.tensor as at
import numpy as np

#: Added to the variance under the square root.
EPSILON = np.float32(1e-10)


def statistics(z):
    """Mean and population variance of each unit over the batch, of each map over batch and pixels.

    Parameters
    ----------
    z : (examples, units) or (examples, maps, height, width) float32

    Returns
    -------
    mean, variance : (1, units) or (1, maps, 1, 1) float32
    """
    axes = _all_but_units(z)
    return z.mean(axis=axes, keepdims=True), z.var(axis=axes, keepdims=True)


def _all_but_units(z):
    """The axes over which statistics are taken: examples, and pixels if there are any."""
    return (0, *range(2, z.ndim))


def per_unit(vector, ndim):
    """A value per unit or map, made to broadcast over examples and pixels.

    (units,) -> (units,) where ``ndim`` is 2 or less, (1, maps, 1, 1) where it is 4
    """
    return vector if ndim <= 2 else vector.dimshuffle("x", 0, *["x"] * (ndim - 2))


def normalize(z, mean, variance):
    """``(z - mean) / sqrt(variance + epsilon)``, broadcast over the batch."""
    return (z - mean) / at.sqrt(variance + EPSILON)


def normalize_by_itself(u):
    """``u`` normalised with its own mean and variance (the decoder's ``u``).

    The variance is computed from the centred values, in the original's order.
    """
    axes = _all_but_units(u)
    u = u - u.mean(axis=axes, keepdims=True)
    return u / at.sqrt(u.var(axis=axes, keepdims=True) + EPSILON)


def unbiased(variance, n):
    """The population variance times n / (n - 1), ``n`` being the number of examples: a unit's sample variance.

    As in the original, n does not count pixels, so the result for a map exceeds its sample variance, by about 1 / n.
    """
    n = at.cast(n, "float32")
    return n / (n - np.float32(1)) * variance


def running_average(new, old, counter):
    """The mean of the last ``counter`` values, where ``old`` is the mean of all but ``new``.

    With ``counter`` 1 the past is forgotten.
    """
    one = np.float32(1)
    return one / counter * new + (one - one / counter) * old
