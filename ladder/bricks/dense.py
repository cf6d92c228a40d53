"""Fully connected layers."""

import aesara.tensor as at
import numpy as np


def dense_init(rng, in_dim, out_dim, fan=None):
    """Initial weights: normal, with standard deviation 1 / sqrt(fan).

    Parameters
    ----------
    rng : numpy RandomState
    in_dim, out_dim : int
        If ``in_dim`` is a NumPy float32, its root is taken in float32, as in
        the original's decoder; the last bits depend on it.
    fan : int, optional
        1 over the variance; None: ``in_dim``.

    Returns
    -------
    (in_dim, out_dim) float64
    """
    return rng.randn(int(in_dim), int(out_dim)) / np.sqrt(in_dim if fan is None else fan)


def dense(hs, W):
    """``h W`` for each h in a list, with examples flattened first.

    Parameters
    ----------
    hs : list of (examples, …) float32, one for each path through the layer
    W : (in, out) float32

    Returns
    -------
    list of (examples, out) float32
    """
    return [at.dot(as_matrix(h), W) for h in hs]


def as_matrix(h):
    """(examples, …) -> (examples, units); a matrix is returned unchanged."""
    return h.flatten(2) if h.ndim > 2 else h
