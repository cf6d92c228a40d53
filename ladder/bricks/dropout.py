"""Masks of dropout and drop-connect."""

from statistics import NormalDist

import aesara.tensor as at
import numpy as np


def drop_mask(normals, p):
    """A mask that drops each entry with probability p and scales the others by 1 / (1 - p).

    So the mean is the same as without a mask (inverted dropout: Srivastava et al. 2014, section 10).

    Parameters
    ----------
    normals : float32 standard normals, of any shape
        An entry is dropped where its normal is above the quantile of 1 - p, which happens with probability p.
    p : float, above 0 and below 1

    Returns
    -------
    float32, shaped like ``normals``: 0 or 1 / (1 - p)

    Examples
    --------
    >>> drop_mask(at.constant(np.float32([-1.0, 0.1, 2.0])), 0.5).eval()
    array([2., 0., 0.], dtype=float32)
    """
    return at.switch(_dropped(normals, p), np.float32(0), np.float32(1 / (1 - p)))


def masking(normals, p):
    """The same mask, unscaled: 0 with probability p, else 1 (masking noise: Vincent et al. 2010, section 3.3)."""
    return at.switch(_dropped(normals, p), np.float32(0), np.float32(1))


def _dropped(normals, p):
    # By symmetry, from the quantile of p: 1 - p would lose the digits of a small p.
    return at.gt(normals, np.float32(-NormalDist().inv_cdf(p)))
