"""The gradient that attacks follow, compiled from a trained network."""

import aesara.tensor as at
import numpy as np
from aesara.gradient import Lop

from ladder import backends
from ladder.bricks.activations import softmax
from ladder.bricks.costs import crossentropy_of_logits, one_hot
from ladder.training.functions import build_classifier
from ladder.training.statistics import with_running_statistics
from ladder.training.step import input_variables


def compile_input_gradient(p, in_dim, shareds):
    """The gradient of a classifier's cost with respect to its inputs, with running statistics.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    shareds : ParameterStore, with the parameters and statistics to use

    Returns
    -------
    function : (x: (examples, …) float32, y: (examples,) int64) -> (examples, …) float32
        See :func:`log_odds_gradient`.
    """
    x, y, _ = input_variables(in_dim)
    classifier = build_classifier(p, in_dim, shareds, x)
    (logits,) = with_running_statistics([classifier.act.clean.labeled.logits], shareds)
    return backends.function([x, y], log_odds_gradient(logits, x, y), allow_gc=True)


def compile_batch_gradient(p, in_dim, shareds):
    """The gradient of a batch's cost with respect to its inputs, through the batch's own statistics.

    As for adversarial noise in training, the cost is the mean cross-entropy,
    and examples affect each other's means and variances.

    Parameters
    ----------
    p, in_dim, shareds : as for :func:`compile_input_gradient`

    Returns
    -------
    function : (x: (examples, …) float32, y: (examples,) int64) -> (examples, …) float32
    """
    x, y, _ = input_variables(in_dim)
    logits = build_classifier(p, in_dim, shareds, x).act.clean.labeled.logits
    return backends.function([x, y], at.grad(crossentropy_of_logits(y, logits), x), allow_gc=True)


def log_odds_gradient(logits, x, y):
    """Gradient of each example's ``log((1 - p[y]) / p[y])`` with respect to its own inputs.

    It points in the same direction as the gradient of the cross-entropy
    ``-log p[y]``, which is ``1 - p[y]`` times this one.  An attack must do
    without that factor: where the network is sure, it rounds to 0 (at some 17
    nats in float32) and takes the gradient with it.  Here nothing saturates,
    because ``p`` itself is never computed.

    Parameters
    ----------
    logits : (examples, classes) float32, before the softmax
    x : (examples, …) float32
        Any variable that the logits are computed from, example by example: the
        network's input, or a variable it is computed from, to attack in that one's units.
    y : (examples,) int64

    Returns
    -------
    (examples, …) float32
    """
    is_true = one_hot(y, logits)
    others = softmax(at.switch(is_true, np.finfo("float32").min, logits))
    # d/dlogits of logsumexp(the other classes' logits) - (the true class's)
    return Lop(logits, x, at.switch(is_true, np.float32(-1), others))
