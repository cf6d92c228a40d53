"""Optimisers: plain functions from gradients to an ordered dict of updates, as in Lasagne's ``updates.py``.

They share one signature: gradients, parameters, learning rate, then constants
of their own, and the function that applies a formula of
:mod:`ladder.bricks.optimiser`.  The constants and their defaults are in
:mod:`ladder.optimisation`.
"""

import aesara
import aesara.tensor as at
import numpy as np

from ladder import bricks
from ladder.bricks import optimiser as formulas
from ladder.optimisation import OPTIMISERS as CONSTANTS

_ADAM = CONSTANTS["adam"]


def sgd(gradients, parameters, learning_rate, step=bricks.optimiser_step):
    """Plain stochastic gradient descent: parameter - rate g.

    Parameters
    ----------
    gradients : list of float32 variables
    parameters : list of shared variables, one per gradient
    learning_rate : shared scalar or float
    step : function
        :func:`ladder.bricks.optimiser.optimiser_step`, or the fused one.

    Returns
    -------
    dict of shared variable -> new value, in order
        The parameters and their buffers ``<name>_<buffer>``, which start at 0.

    Examples
    --------
    >>> x = aesara.shared(np.float32(1), name="x")
    >>> [shared.name for shared in sgd([2 * x], [x], 0.01)]
    ['x']
    """
    return _updates(gradients, parameters, learning_rate, step, formulas.sgd, ())


def momentum(gradients, parameters, learning_rate, momentum, step=bricks.optimiser_step):
    """Descent with momentum: v = momentum v - rate g; parameter + v (Sutskever et al. 2013, equations 1 and 2).

    Algorithm 2 of the thesis differs: it keeps only the last gradient's step, not the velocity.
    """
    return _updates(gradients, parameters, learning_rate, step, formulas.momentum, ("velocity",), momentum=momentum)


def nesterov(gradients, parameters, learning_rate, momentum, step=bricks.optimiser_step):
    """Nesterov's momentum, with the gradient taken at the parameter (Bengio et al. 2012, equation 7)."""
    return _updates(gradients, parameters, learning_rate, step, formulas.nesterov, ("velocity",), momentum=momentum)


def adagrad(gradients, parameters, learning_rate, epsilon, step=bricks.optimiser_step):
    """Rates that fall with the sum of all squared gradients so far (Duchi et al. 2011)."""
    return _updates(gradients, parameters, learning_rate, step, formulas.adagrad, ("squares",), epsilon=epsilon)


def rmsprop(gradients, parameters, learning_rate, rho, epsilon, step=bricks.optimiser_step):
    """Gradients divided by the root of the running mean of their squares (Tieleman and Hinton 2012)."""
    constants = {"rho": rho, "epsilon": epsilon}
    return _updates(gradients, parameters, learning_rate, step, formulas.rmsprop, ("squares",), **constants)


def adadelta(gradients, parameters, learning_rate, rho, epsilon, step=bricks.optimiser_step):
    """Steps in the parameters' own units (Zeiler 2012, algorithm 1), times the learning rate."""
    constants = {"rho": rho, "epsilon": epsilon}
    return _updates(gradients, parameters, learning_rate, step, formulas.adadelta, ("squares", "steps"), **constants)


def adam(
    gradients,
    parameters,
    learning_rate,
    beta1=_ADAM["beta1"],
    beta2=_ADAM["beta2"],
    epsilon=_ADAM["epsilon"],
    step=bricks.optimiser_step,
):
    """Adam as in Blocks 0.2.

    As in Kingma and Ba (2014), except that the bias correction is in the rate,
    and epsilon is added to the root of the uncorrected second moment.  Blocks'
    betas are 1 - these; its decay factor of 1 - 1e-8 is 1 in float32, so it is
    left out.  Parameters and step are those of :func:`sgd`.

    Returns
    -------
    dict of shared variable -> new value, in order
        The parameters, their moments ``<name>_mean`` and
        ``<name>_variance``, and ``adam_time``.

    Examples
    --------
    >>> x = aesara.shared(np.float32(1), name="x")
    >>> [shared.name for shared in adam([2 * x], [x], 0.01)]
    ['adam_time', 'x_mean', 'x_variance', 'x']
    """
    return _adams(gradients, parameters, learning_rate, step, formulas.adam, (), beta1, beta2, epsilon)


def amsgrad(gradients, parameters, learning_rate, beta1, beta2, epsilon, step=bricks.optimiser_step):
    """Adam with the largest second moment so far (Reddi et al. 2018, algorithm 2), bias-corrected like :func:`adam`."""
    return _adams(gradients, parameters, learning_rate, step, formulas.amsgrad, ("largest",), beta1, beta2, epsilon)


#: Name of an optimiser -> its function.
OPTIMISERS = {
    function.__name__: function for function in (sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, amsgrad)
}


def gradient_norm(gradients, sum_of_squares=bricks.sum_of_squares):
    """L2 norm of all gradients taken together: a float32 scalar.

    Parameters
    ----------
    gradients : list of float32 variables
    sum_of_squares : function
        :func:`ladder.bricks.optimiser.sum_of_squares`, or the fused one, which an optimiser's pass over the gradients computes
        on the way.
    """
    return at.cast(at.sqrt(at.stack([sum_of_squares(gradient) for gradient in gradients]).sum()), "float32")


def clipped(gradients, norm, most):
    """Gradients scaled so that their joint norm is at most ``most`` (Pascanu et al. 2013, algorithm 1).

    Parameters
    ----------
    gradients : list of float32 variables
    norm : float32 scalar, from :func:`gradient_norm`
    most : float

    Returns
    -------
    list of float32 variables
    """
    most = np.float32(most)
    scale = most / at.maximum(norm, most)
    return [scale * gradient for gradient in gradients]


def _adams(gradients, parameters, learning_rate, step, formula, more_buffers, beta1, beta2, epsilon):
    """The moments' bias is corrected in the rate, once for all parameters."""
    beta1, beta2, one = (np.float32(x) for x in (1 - beta1, 1 - beta2, 1))
    time = aesara.shared(np.float32(0), name="adam_time")
    t = time + one
    rate = learning_rate * at.sqrt(one - (one - beta2) ** t) / (one - (one - beta1) ** t)
    buffers, constants = ("mean", "variance", *more_buffers), {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    return {time: t, **_updates(gradients, parameters, rate, step, formula, buffers, **constants)}


def _updates(gradients, parameters, rate, step, formula, buffers, **constants):
    """The updates of a formula for every parameter, each with buffers of its own."""
    constants = {name: np.float32(value) for name, value in constants.items()}
    updates = {}
    for parameter, gradient in zip(parameters, gradients):
        kept = [_buffer_for(parameter, kind) for kind in buffers]
        new_parameter, *new = step(formula, [parameter, *kept], gradient, rate, **constants)
        updates.update(zip((*kept, parameter), (*new, new_parameter)))
    return updates


def _buffer_for(parameter, kind):
    zeros = np.zeros_like(parameter.get_value(borrow=True))
    return aesara.shared(zeros, name=f"{parameter.name}_{kind}", shape=zeros.shape)
