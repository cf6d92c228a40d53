"""Costs and error rate of a batch, each a float32 scalar."""

import aesara.tensor as at
import numpy as np

from ladder.bricks.dense import as_matrix


def one_hot(y, scores):
    """Targets as one-hot rows: (examples,) int64, (examples, classes) -> (examples, classes) bool."""
    return at.eq(y.dimshuffle(0, "x"), at.arange(scores.shape[1]))


def categorical_crossentropy(y, p):
    """Mean of ``-log p[y]``: (examples,) int64, (examples, classes) -> scalar.

    p[y] is selected by a sum over classes, which, unlike Aesara's own
    cross-entropy, runs in C; adding zeros does not change a bit.
    """
    return -at.log((p * one_hot(y, p)).sum(axis=1)).mean()


def log_softmax(logits):
    """(examples, classes) -> logarithms of the probabilities, which never saturate."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - at.log(at.exp(shifted).sum(axis=1, keepdims=True))


def crossentropy_of_logits(y, logits):
    """:func:`categorical_crossentropy` of the softmax; its gradient never vanishes, however sure the network is.

    (examples,) int64, (examples, classes) -> scalar
    """
    return -(log_softmax(logits) * one_hot(y, logits)).sum(axis=1).mean()


def kl_divergence(logits, other_logits):
    """Mean of KL(p || q) over examples, p and q the softmax of each; scalar."""
    log_p, log_q = log_softmax(logits), log_softmax(other_logits)
    return (at.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()


def misclassification_rate(y, p):
    """Percentage of examples whose most probable class is not ``y``."""
    return at.cast(at.neq(y, p.argmax(axis=1)).mean() * np.float32(100.0), "float32")


def squared_error(estimate, z):
    """Squared error summed over units, averaged over examples.

    (examples, …), (examples, …) -> scalar
    """
    return at.square(as_matrix(estimate) - as_matrix(z)).sum(axis=1).mean()


def bernoulli_crossentropy(logits, x):
    """Cross-entropy of x and sigmoid(logits), summed over units, averaged over examples.

    Parameters
    ----------
    logits, x : (examples, …) float32
        x is between 0 and 1.

    Returns
    -------
    scalar
    """
    logits, x = as_matrix(logits), as_matrix(x)
    return (at.softplus(logits) - x * logits).sum(axis=1).mean()
