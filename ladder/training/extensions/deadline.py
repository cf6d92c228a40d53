"""A time limit for a command."""

import logging
import math
import time
from numbers import Real

from ladder.errors import UserError
from ladder.training.extensions import Extension

logger = logging.getLogger("main")


def check_minutes(minutes):
    """Raise UserError unless it is a number above 0."""
    if not isinstance(minutes, Real) or not 0 < minutes < math.inf:
        raise UserError(f"--max-minutes is {minutes!r}, but must be a number above 0.")


class Deadline(Extension):
    """Interrupts training, as a signal does, once some minutes have passed since it was made.

    One serves all runs of a command.  What follows the last epoch is not cut short.

    Parameters
    ----------
    minutes : float
    """

    def __init__(self, minutes):
        self._minutes, self._until = minutes, time.monotonic() + 60 * minutes

    @classmethod
    def of(cls, minutes, save_to):
        """The deadline asked for from Python; UserError if that is no time, or there is no folder to go on in later."""
        check_minutes(minutes)
        if not save_to:
            raise UserError(
                "--max-minutes stops a run that goes on later, and without a folder none can: give --save-to, too."
            )
        return cls(minutes)

    @property
    def of_pretraining(self):
        """What interrupts pre-training: the same."""
        return self

    @property
    def is_over(self):
        return time.monotonic() >= self._until

    def before_training(self, loop):
        if loop.epochs_done < loop.num_epochs and not loop.ended:
            self.after_updates(loop)

    def after_updates(self, loop):
        if self.is_over and not loop.interrupted:
            logger.info("The %g minutes of --max-minutes are over: training stops here", self._minutes)
            loop.interrupted = True
