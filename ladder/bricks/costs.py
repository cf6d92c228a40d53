"""Costs and error of a batch, each a float32 scalar."""

import aesara.tensor as at
import numpy as np
from aesara.tensor.nnet.basic import categorical_crossentropy as crossentropy


def categorical_crossentropy(y, p):
    """Mean of ``-log p[y]``: (examples,) int64, (examples, classes) -> scalar."""
    return crossentropy(p, y).mean()


def misclassification_rate(y, p):
    """Percentage of examples whose most probable class is not ``y``."""
    return at.cast(at.neq(y, p.argmax(axis=1)).mean() * np.float32(100.0), "float32")


def squared_error(estimate, z):
    """Squared error summed over units, averaged over examples.

    (examples, …), (examples, …) -> scalar
    """
    return at.square(estimate.flatten(2) - z.flatten(2)).sum(axis=1).mean()
