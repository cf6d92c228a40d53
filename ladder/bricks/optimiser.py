"""Each optimiser's update of one parameter, as a formula; and the sum behind a gradient's norm.

A formula takes a gradient, a learning rate, the parameter and the optimiser's
buffers for it, all of one shape except the rate, and returns the new parameter
and buffers.  Constants are float32.
"""

import aesara.tensor as at
import numpy as np

ONE = np.float32(1)


def optimiser_step(formula, state, gradient, rate, **constants):
    """Apply a formula to one parameter.

    Parameters
    ----------
    formula : function, one of those below
    state : sequence of float32 variables
        The parameter, then its buffers.
    gradient : float32 variable
    rate : float32 scalar
    constants : float32 numbers by name

    Returns
    -------
    list of variables, the new ``state``
    """
    return formula(gradient, rate, *state, **constants)


def sgd(gradient, rate, parameter):
    """Plain gradient descent."""
    return [parameter - rate * gradient]


def momentum(gradient, rate, parameter, velocity, momentum):
    """Polyak (1964), as in Sutskever et al. (2013), equations 1 and 2."""
    velocity = momentum * velocity - rate * gradient
    return [parameter + velocity, velocity]


def nesterov(gradient, rate, parameter, velocity, momentum):
    """Nesterov's accelerated gradient, as in Bengio et al. (2012), equation 7: taken at the parameter itself."""
    velocity = momentum * velocity - rate * gradient
    return [parameter + momentum * velocity - rate * gradient, velocity]


def adagrad(gradient, rate, parameter, squares, epsilon):
    """Duchi et al. (2011): rates fall with the sum of all squared gradients so far."""
    squares = squares + at.square(gradient)
    return [parameter - rate * gradient / (at.sqrt(squares) + epsilon), squares]


def rmsprop(gradient, rate, parameter, squares, rho, epsilon):
    """Tieleman and Hinton (2012): the rate is divided by the root of a running mean of squared gradients."""
    squares = rho * squares + (ONE - rho) * at.square(gradient)
    return [parameter - rate * gradient / (at.sqrt(squares) + epsilon), squares]


def adadelta(gradient, rate, parameter, squares, steps, rho, epsilon):
    """Zeiler (2012), algorithm 1, with its step multiplied by the rate (1 in the paper)."""
    squares = rho * squares + (ONE - rho) * at.square(gradient)
    step = at.sqrt(steps + epsilon) / at.sqrt(squares + epsilon) * gradient
    steps = rho * steps + (ONE - rho) * at.square(step)
    return [parameter - rate * step, squares, steps]


def adam(gradient, rate, parameter, mean, variance, beta1, beta2, epsilon):
    """Kingma and Ba (2014), with the bias correction in the rate; the betas here are their 1 - beta."""
    mean = beta1 * gradient + (ONE - beta1) * mean
    variance = beta2 * at.square(gradient) + (ONE - beta2) * variance
    return [parameter - rate * mean / (at.sqrt(variance) + epsilon), mean, variance]


def amsgrad(gradient, rate, parameter, mean, variance, largest, beta1, beta2, epsilon):
    """Reddi et al. (2018): Adam with the largest second moment so far, so that no rate ever rises."""
    mean = beta1 * gradient + (ONE - beta1) * mean
    variance = beta2 * at.square(gradient) + (ONE - beta2) * variance
    largest = at.maximum(largest, variance)
    return [parameter - rate * mean / (at.sqrt(largest) + epsilon), mean, variance, largest]


def sum_of_squares(x):
    """The sum of the squared entries of a float32 variable: a scalar."""
    return at.square(x).sum()
