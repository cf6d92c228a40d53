"""Adam's update of one parameter, and the sum behind a gradient's norm."""

import aesara.tensor as at
import numpy as np


def adam_step(parameter, mean, variance, gradient, rate, beta1, beta2, epsilon):
    """The update of one parameter.

    Parameters
    ----------
    parameter, mean, variance, gradient : float32 variables of one shape
        ``mean`` and ``variance`` are the running moments of the gradient.
    rate : float32 scalar
        Includes the bias correction.
    beta1, beta2, epsilon : float32

    Returns
    -------
    list of the new parameter, mean and variance
    """
    one = np.float32(1)
    mean_t = beta1 * gradient + (one - beta1) * mean
    variance_t = beta2 * at.square(gradient) + (one - beta2) * variance
    step = rate * mean_t / (at.sqrt(variance_t) + epsilon)
    return [parameter - step, mean_t, variance_t]


def sum_of_squares(x):
    """The sum of the squared entries of a float32 variable: a scalar."""
    return at.square(x).sum()
