"""Optimisers: plain functions from gradients to an ordered dict of updates."""

import aesara
import aesara.tensor as at
import numpy as np


def adam_step(parameter, mean, variance, gradient, rate, beta1, beta2, epsilon):
    """One parameter's update.

    Returns
    -------
    parameter, mean, variance : their new values
    squares : scalar, the sum of the squared gradient
    """
    one = np.float32(1)
    mean_t = beta1 * gradient + (one - beta1) * mean
    variance_t = beta2 * at.square(gradient) + (one - beta2) * variance
    step = rate * mean_t / (at.sqrt(variance_t) + epsilon)
    return parameter - step, mean_t, variance_t, at.square(gradient).sum()


def adam(gradients, parameters, learning_rate, beta1=0.1, beta2=0.001, epsilon=1e-8, step=adam_step):
    """Adam as Blocks 0.2 has it.

    Kingma and Ba (2014), with the betas counted the other way round (they are
    1 - beta there), the bias correction in the rate, and epsilon added to the
    root of the uncorrected second moment.  Blocks' decay factor of 1 - 1e-8 is
    1 in float32 and left out.

    Parameters
    ----------
    gradients : list of variables
    parameters : list of shared variables, one a gradient
    learning_rate : shared scalar or float
    beta1, beta2, epsilon : float
    step : function
        :func:`adam_step`, or the fused one.

    Returns
    -------
    updates : dict of shared variable -> new value, in order
        Besides the parameters the moments ``<name>_mean``,
        ``<name>_variance``, and ``adam_time``.
    gradient_norm : float32 scalar
        L2 norm of all gradients taken together.
    """
    beta1, beta2, epsilon, one = (np.float32(x) for x in (beta1, beta2, epsilon, 1))
    time = aesara.shared(np.float32(0), name="adam_time")
    t = time + one
    rate = learning_rate * at.sqrt(one - (one - beta2) ** t) / (one - (one - beta1) ** t)
    updates, squares = {time: t}, []
    for parameter, gradient in zip(parameters, gradients):
        mean, variance = (_buffer_for(parameter, kind) for kind in ("mean", "variance"))
        new = step(parameter, mean, variance, gradient, rate, beta1, beta2, epsilon)
        updates.update(zip((mean, variance, parameter), (new[1], new[2], new[0])))
        squares.append(new[3])
    return updates, at.cast(at.sqrt(at.stack(squares).sum()), "float32")


def _buffer_for(parameter, kind):
    zeros = np.zeros_like(parameter.get_value(borrow=True))
    return aesara.shared(zeros, name=f"{parameter.name}_{kind}", shape=zeros.shape)
