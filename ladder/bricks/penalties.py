"""Penalties on the size of weights, and what they add to gradients."""

import aesara.tensor as at
import numpy as np


def l1(weights, package):
    """The sum of the absolute values of all entries: a float32 scalar.

    Parameters
    ----------
    weights : list of float32 variables, not empty
    package : ladder.bricks or ladder.fused
        The package that computes the sums.
    """
    return _sum(map(package.sum_of_absolutes, weights))


def l2(weights, package):
    """Half the sum of the squares of all entries: a float32 scalar whose gradient for W is W itself.

    Parameters
    ----------
    weights : list of float32 variables, not empty
    package : as for :func:`l1`
    """
    return _sum(map(package.sum_of_squares, weights)) * np.float32(0.5)


def sum_of_absolutes(x):
    """The sum of the absolute values of a float32 variable: a scalar."""
    return at.abs(x).sum()


def penalised(gradient, W, l1, l2):
    """The gradient of a cost with its penalties, from the gradient without them.

    Parameters
    ----------
    gradient, W : float32 variables of one shape
    l1, l2 : float
        The weights of the penalties in the cost.  Where W is 0, :func:`l1` has the gradient 0.
    """
    if l2:
        gradient = gradient + np.float32(l2) * W
    if l1:
        gradient = gradient + np.float32(l1) * at.sgn(W)
    return gradient


def _sum(terms):
    first, *others = terms
    return at.cast(sum(others, first), "float32")
