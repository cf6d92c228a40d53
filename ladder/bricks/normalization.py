"""Batch normalisation without scale and shift, and its running averages.

Rasmus et al. (2015), section 3, "batch normalization"; each half of a batch
is normalised with statistics of its own.
"""

import aesara.tensor as at
import numpy as np

#: Added to the variance under the root.
EPSILON = np.float32(1e-10)


def statistics(z):
    """Mean and population variance of each unit over the batch.

    Parameters
    ----------
    z : (examples, units) float32

    Returns
    -------
    mean, variance : (1, units) float32
    """
    return z.mean(axis=0, keepdims=True), z.var(axis=0, keepdims=True)


def normalize(z, mean, variance):
    """``(z - mean) / sqrt(variance + epsilon)``, broadcast over the batch."""
    return (z - mean) / at.sqrt(variance + EPSILON)


def normalize_by_itself(u):
    """``u`` with its own mean and variance taken out (the decoder's ``u``).

    The variance is taken of the centred values, in the original's order.
    """
    u = u - u.mean(axis=0, keepdims=True)
    return u / at.sqrt(u.var(axis=0, keepdims=True) + EPSILON)


def unbiased(variance, n):
    """Population variance of ``n`` examples scaled to the sample variance."""
    n = at.cast(n, "float32")
    return n / (n - np.float32(1)) * variance


def running_average(new, old, counter):
    """The mean of the last ``counter`` values, ``old`` being that of the others.

    With ``counter`` 1 the past is forgotten.
    """
    one = np.float32(1)
    return one / counter * new + (one - one / counter) * old
