"""The max-norm constraint on weights."""

import aesara.tensor as at
import numpy as np


def within_norm(W, most):
    """Each unit's incoming weights, scaled down to norm ``most`` where their norm is above it.

    Srivastava et al. (2014), section 5.1; the thesis's equation 6.

    Parameters
    ----------
    W : (in, out) or (maps, maps below, height, width) float32
        A unit's incoming weights are a column, or a filter over all its inputs.
    most : float

    Returns
    -------
    float32, shaped like W; weights within the norm are unchanged to the bit
    """
    axes, most = ((0,) if W.ndim == 2 else (1, 2, 3)), np.float32(most)
    norm = at.sqrt(at.square(W).sum(axis=axes, keepdims=True))
    return W * (most / at.maximum(norm, most))
