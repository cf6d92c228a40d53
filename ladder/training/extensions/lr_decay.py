"""Linear decay of the learning rate."""

import numpy as np

from ladder.training.extensions import Extension


class LRDecay(Extension):
    """A rate that is constant at first, then falls linearly to 0 at the last epoch.

    After epoch k, counted from 1, with k > first the rate becomes
    ``lr * max(0, (last - k) / (last - first))``.

    Parameters
    ----------
    learning_rate : shared scalar
    lr : float
    first : float, ``num_epochs * lrate_decay``
    last : int, ``num_epochs``
    """

    def __init__(self, learning_rate, lr, first, last):
        self.learning_rate = learning_rate
        self.lr, self.first, self.last = lr, first, last

    def after_epoch(self, loop):
        self.learning_rate.set_value(np.float32(self.rate_after(loop.epochs_done)))
        loop.row["learning_rate"] = float(self.learning_rate.get_value())

    def rate_after(self, epoch):
        """Learning rate of the epoch after ``epoch``."""
        if epoch <= self.first:
            return self.lr
        return self.lr * max(0.0, (self.last - epoch) / (self.last - self.first))
