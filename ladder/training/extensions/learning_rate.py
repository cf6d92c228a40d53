"""The learning rate from epoch to epoch."""

import numpy as np

from ladder.training.extensions import Extension
from ladder.training.schedules import rate_after


class LearningRate(Extension):
    """Sets the rate of the first epoch, and after each epoch that of the next.

    Parameters
    ----------
    learning_rate : shared float32 scalar
    schedule : ladder.optimisation.Schedule
    log : Log
        The rows of the epochs before the current one.
    """

    def __init__(self, learning_rate, schedule, log):
        self._learning_rate, self._schedule, self._log = learning_rate, schedule, log

    def before_training(self, loop):
        self._set(self._log.rows[: loop.epochs_done])

    def after_epoch(self, loop):
        self._set([*self._log.rows, loop.row])
        loop.row["learning_rate"] = float(self._learning_rate.get_value())

    def _set(self, rows):
        self._learning_rate.set_value(np.float32(rate_after(self._schedule, rows)))
