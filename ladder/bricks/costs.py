"""Costs and error of a batch, each a float32 scalar."""

import aesara.tensor as at
import numpy as np

from ladder.bricks.dense import as_matrix


def categorical_crossentropy(y, p):
    """Mean of ``-log p[y]``: (examples,) int64, (examples, classes) -> scalar.

    p[y] is picked out by a sum over classes, which unlike Aesara's own
    cross-entropy runs in C; the zeros added change no bit of it.
    """
    of_y = at.eq(y.dimshuffle(0, "x"), at.arange(p.shape[1]))
    return -at.log((p * of_y).sum(axis=1)).mean()


def misclassification_rate(y, p):
    """Percentage of examples whose most probable class is not ``y``."""
    return at.cast(at.neq(y, p.argmax(axis=1)).mean() * np.float32(100.0), "float32")


def squared_error(estimate, z):
    """Squared error summed over units, averaged over examples.

    (examples, …), (examples, …) -> scalar
    """
    return at.square(as_matrix(estimate) - as_matrix(z)).sum(axis=1).mean()
