"""Early stopping when the validation error no longer falls, and the parameters of the best epoch."""

import logging

import numpy as np

from ladder.runs.log_rows import VALID_BEST
from ladder.training.extensions import Extension
from ladder.training.stopping import best_epoch, patience_is_over

logger = logging.getLogger("main")


class EarlyStopping(Extension):
    """Ends training, as if the epoch had been the last, once patience has run out.

    Parameters
    ----------
    patience : int
        Epochs without a lower validation error.
    log : Log
        The rows of the epochs before the current one.
    """

    def __init__(self, patience, log):
        self._patience, self._log = patience, log

    def before_training(self, loop):
        # A run may have been killed between its last epoch and its end.
        self._look(loop, self._log.rows[: loop.epochs_done])

    def after_epoch(self, loop):
        self._look(loop, [*self._log.rows, loop.row])

    def _look(self, loop, rows):
        loop.ended = patience_is_over(self._patience, rows)
        if loop.ended:
            logger.info(
                "Training ends after epoch %d: the lowest validation error was that of epoch %d",
                loop.epochs_done,
                best_epoch(rows),
            )


class KeepBest(Extension):
    """Keeps the arrays of the epoch with the lowest validation error (the first, if several tie).

    Parameters
    ----------
    shareds : ParameterStore
    names : list of str
        Those of parameters and running averages.
    log : Log
        The rows of the epochs before the current one.
    estimate_statistics : function without arguments
        Sets the running averages to those of the whole training set.
    evaluate : function without arguments -> dict of name -> float
        Costs over the validation set.

    Attributes
    ----------
    kept : dict of name -> array
        As they were after that epoch; empty before the first has ended.  Checkpoints include them.  When training has
        ended, the running averages are those of the whole training set.
    """

    def __init__(self, shareds, names, log, estimate_statistics, evaluate):
        self._shareds, self.names, self._log = shareds, names, log
        self._estimate_statistics, self._evaluate = estimate_statistics, evaluate
        self.kept = {}

    def after_epoch(self, loop):
        if best_epoch([*self._log.rows, loop.row]) == loop.epochs_done:
            self.kept = self._copies()

    def after_training(self, loop):
        last = self._copies()
        self._set(self.kept)
        self._estimate_statistics()
        self._check_finite()
        loop.row["best_epoch"] = best_epoch(self._log.rows)
        loop.row.update({VALID_BEST + name: value for name, value in self._evaluate().items()})
        self.kept = self._copies()
        self._set(last)

    def _check_finite(self):
        """Like ``Session`` for the last parameters, but only warn: training has gone past these."""
        if not all(np.isfinite(array).all() for array in self._copies().values()):
            logger.warning(
                "Warning: the best epoch's statistics for test data are not finite numbers, as its parameters are too "
                "large: a smaller --lr may do better"
            )

    def _copies(self):
        return {name: np.array(self._shareds[name].get_value(borrow=True)) for name in self.names}

    def _set(self, arrays):
        for name, array in arrays.items():
            self._shareds[name].set_value(array)
