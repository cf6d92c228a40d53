"""Costs and errors of an epoch, on training and on validation data."""

import numpy as np

from ladder.runs.log_rows import TRAIN, VALID_APPROX, VALID_FINAL
from ladder.training.extensions import Extension


class TrainingMonitor(Extension):
    """Means over the epoch's updates of what the training function returns.

    Attributes
    ----------
    state : dict of plain values
        Of the epoch so far; can be set.
    """

    def __init__(self):
        self.state = {"sums": {}, "count": 0}

    def before_epoch(self, loop):
        self.state = {"sums": {}, "count": 0}

    def after_batch(self, loop, values):
        self.state["count"] += 1
        sums = self.state["sums"]
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value

    def after_epoch(self, loop):
        count = self.state["count"]
        loop.row.update({TRAIN + name: total / count for name, total in self.state["sums"].items()})


class ApproxTestMonitor(Extension):
    """Validation costs with the running averages, after every epoch.

    (The original also monitors before the first epoch, when the averages are
    still 0 and the costs say nothing.)

    Parameters
    ----------
    evaluate : function without arguments -> dict of name -> float
        Costs over the validation set with the statistics as they are.
    forget : function without arguments
        Makes the running averages start anew, as in the original: the next
        batches replace what they held.
    """

    def __init__(self, evaluate, forget):
        self._evaluate, self._forget = evaluate, forget

    def after_epoch(self, loop):
        self._forget()
        loop.row.update({VALID_APPROX + name: v for name, v in self._evaluate().items()})


class FinalTestMonitor(Extension):
    """After the last epoch: statistics from the whole training set, then validation.

    Parameters
    ----------
    estimate_statistics : function without arguments
    evaluate : function without arguments -> dict of name -> float, or None
        None if there is no validation set; statistics are still estimated,
        for the test set.
    """

    def __init__(self, estimate_statistics, evaluate=None):
        self._estimate_statistics, self._evaluate = estimate_statistics, evaluate

    def after_training(self, loop):
        self._estimate_statistics()
        if self._evaluate is not None:
            loop.row.update({VALID_FINAL + name: v for name, v in self._evaluate().items()})


def mean_over_batches(function, batches):
    """Means of a function's values over batches, weighted by their number of examples.

    Parameters
    ----------
    function : of a batch -> dict of name -> float
    batches : iterable of dict of arrays

    Returns
    -------
    dict of name -> float
    """
    values, weights = [], []
    for batch in batches:
        values.append(function(batch))
        weights.append(len(batch["features_unlabeled"]))
    return {name: float(np.average([v[name] for v in values], weights=weights)) for name in values[0]}
