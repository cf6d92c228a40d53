"""Penalties on the size of weights."""

import aesara.tensor as at
import numpy as np


def l1(weights):
    """The sum of the absolute values of all entries: a float32 scalar.

    Parameters
    ----------
    weights : list of float32 variables, not empty
    """
    return _added(at.abs(W).sum() for W in weights)


def l2(weights):
    """Half the sum of the squares of all entries: a float32 scalar whose gradient for W is W itself.

    Parameters
    ----------
    weights : list of float32 variables, not empty
    """
    return _added(at.square(W).sum() for W in weights) * np.float32(0.5)


def _added(terms):
    first, *others = terms
    return sum(others, first)
