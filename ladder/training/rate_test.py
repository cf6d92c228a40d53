"""A learning-rate range test: the cost while the rate rises from update to update (Smith 2017, section 3.3)."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ladder.batches import unlabeled_batch_size
from ladder.errors import TrainingStopped, UserError
from ladder.optimisation import OF_SCHEDULES
from ladder.training.extensions import Extension
from ladder.training.upkeep import Upkeep

#: The test ends when a cost is this many times the lowest one so far.
DIVERGED = 4.0

#: Why the test ended.
ALL_MADE = "all updates were made"
ROSE = f"the cost rose to {DIVERGED:g} times its lowest value"
NOT_FINITE = "then the cost was not finite"

#: Options with which only the test changes the rate, and nothing follows the validation error.
NO_SCHEDULE = {
    "lr_schedule": "constant",
    "warmup_epochs": 0,
    **dict.fromkeys(OF_SCHEDULES),
    "patience": 0,
    "keep": "last",
}

#: Standard deviation of the Gaussian that smooths the costs, as a fraction of all updates; it causes no lag.
SMOOTHING = 0.03


@dataclass(frozen=True)
class RateTest:
    """What a range test found.

    Attributes
    ----------
    rates : (updates,) float64
    costs : (updates,) float64, the total cost of each update's batch before the update
    end : str, why it ended: ``ALL_MADE``, ``ROSE`` or ``NOT_FINITE``

    Examples
    --------
    >>> rates = np.geomspace(1e-4, 1, 41)
    >>> found = RateTest(rates, np.log10(rates / 0.01) ** 2, ALL_MADE)
    >>> round(found.lowest, 6)
    0.01
    """

    rates: np.ndarray
    costs: np.ndarray
    end: str

    @property
    def smoothed(self):
        """The costs, smoothed: (updates,) float64."""
        return gaussian_filter1d(self.costs, SMOOTHING * len(self.costs), mode="nearest")

    @property
    def lowest(self):
        """The rate at which the smoothed cost was lowest."""
        return float(self.rates[np.argmin(self.smoothed)])

    @property
    def suggested(self):
        """The rate at which the smoothed cost fell fastest before its minimum; None if that is at the first rate."""
        before = self.smoothed[: np.argmin(self.smoothed) + 1]
        return float(self.rates[np.argmin(np.diff(before))]) if len(before) > 1 else None


def range_test(experiment, lowest, highest, updates):
    """Train a new network with rates that rise exponentially.

    Parameters
    ----------
    experiment : Experiment, its examples as the network takes them
    lowest, highest : float
    updates : int

    Returns
    -------
    RateTest

    Examples
    --------
    >>> from ladder.options import Options
    >>> from ladder.training.experiment import prepare
    >>> (experiment,) = prepare([Options.of(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0))])
    >>> found = range_test(experiment, 1e-5, 1.0, 30)
    >>> found.rates[0], bool(found.lowest > 1e-4)
    (1e-05, True)
    """
    from ladder.training.session import Session

    rising = Rising(lowest, highest, updates)
    n = len(experiment.split.train)
    batches = math.ceil(n / unlabeled_batch_size(experiment.p, n))
    # Validation says nothing about a rate that changes all the time, and no schedule is to follow it.
    split = replace(experiment.split, valid=experiment.split.valid[:0])
    p = replace(experiment.p, num_epochs=math.ceil(updates / batches) + 1, **NO_SCHEDULE)
    experiment = replace(experiment, p=p, split=split)
    session = Session(experiment, None, Upkeep(progress=False), [rising])
    rising.begin(session.learning_rate)
    session.updates.at_once = 1  # several updates in one call, best on a GPU, would share one rate
    try:
        session.train()
    except TrainingStopped:
        rising.end = NOT_FINITE
    if session.loop.interrupted and rising.end is None:
        raise KeyboardInterrupt("the range test was interrupted")
    if len(rising.costs) < 2:
        raise UserError(f"the cost is not finite at a learning rate of {lowest:g}: give a lower --from.")
    return RateTest(np.array(rising.rates), np.array(rising.costs), rising.end)


class Rising(Extension):
    """Raises the rate after each update, and ends training when there is nothing more to see.

    Parameters
    ----------
    lowest, highest : float
    updates : int
    """

    def __init__(self, lowest, highest, updates):
        self._planned = np.geomspace(lowest, highest, updates).tolist()
        self.rates, self.costs, self.end = [], [], None

    def begin(self, learning_rate):
        """Take hold of the rate, a shared variable."""
        self._learning_rate = learning_rate

    def before_training(self, loop):
        self._set()

    def after_batch(self, loop, values):
        if len(self.costs) == len(self._planned) or not math.isfinite(values["cost_total"]):
            return
        self.rates.append(self._current)
        self.costs.append(values["cost_total"])

    def after_updates(self, loop):
        if self.costs[-1] > DIVERGED * min(self.costs):
            self.end = ROSE
        elif len(self.costs) == len(self._planned):
            self.end = ALL_MADE
        if self.end is not None:
            loop.interrupted = True
        self._set()

    def after_epoch(self, loop):
        # The schedule has just set another rate.
        self._set()

    def _set(self):
        self._current = self._planned[min(len(self.costs), len(self._planned) - 1)]
        self._learning_rate.set_value(np.float32(self._current))
