"""Optimisers: plain functions from gradients to an ordered dict of updates, as in Lasagne's ``updates.py``.

They share one signature: gradients, parameters, learning rate, then options of
their own.
"""

import aesara
import aesara.tensor as at
import numpy as np

from ladder import bricks


def adam(gradients, parameters, learning_rate, beta1=0.1, beta2=0.001, epsilon=1e-8, step=bricks.adam_step):
    """Adam as Blocks 0.2 has it.

    Kingma and Ba (2014), except that the betas are what they call 1 - beta,
    the bias correction is in the rate, and epsilon is added to the root of the
    uncorrected second moment.  Blocks' decay factor of 1 - 1e-8 is 1 in
    float32 and left out.

    Parameters
    ----------
    gradients : list of float32 variables
    parameters : list of shared variables, one per gradient
    learning_rate : shared scalar or float
    beta1, beta2, epsilon : float
    step : function
        :func:`ladder.bricks.adam.adam_step`, or the fused one.

    Returns
    -------
    dict of shared variable -> new value, in order
        Besides the parameters: the moments ``<name>_mean`` and
        ``<name>_variance``, and ``adam_time``.

    Examples
    --------
    >>> x = aesara.shared(np.float32(1), name="x")
    >>> [shared.name for shared in adam([2 * x], [x], 0.01)]
    ['adam_time', 'x_mean', 'x_variance', 'x']
    """
    beta1, beta2, epsilon, one = (np.float32(x) for x in (beta1, beta2, epsilon, 1))
    time = aesara.shared(np.float32(0), name="adam_time")
    t = time + one
    rate = learning_rate * at.sqrt(one - (one - beta2) ** t) / (one - (one - beta1) ** t)
    updates = {time: t}
    for parameter, gradient in zip(parameters, gradients):
        mean, variance = (_buffer_for(parameter, kind) for kind in ("mean", "variance"))
        new_parameter, *moments = step(parameter, mean, variance, gradient, rate, beta1, beta2, epsilon)
        updates.update(zip((mean, variance, parameter), (*moments, new_parameter)))
    return updates


def gradient_norm(gradients, sum_of_squares=bricks.sum_of_squares):
    """L2 norm of all gradients taken together: a float32 scalar.

    Parameters
    ----------
    gradients : list of float32 variables
    sum_of_squares : function
        :func:`ladder.bricks.adam.sum_of_squares`, or the fused one, which Adam's pass over the gradients computes on the way.
    """
    return at.cast(at.sqrt(at.stack([sum_of_squares(gradient) for gradient in gradients]).sum()), "float32")


def _buffer_for(parameter, kind):
    zeros = np.zeros_like(parameter.get_value(borrow=True))
    return aesara.shared(zeros, name=f"{parameter.name}_{kind}", shape=zeros.shape)
