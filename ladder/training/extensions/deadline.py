"""The end of a command's time."""

import logging
import time

from ladder.training.extensions import Extension

logger = logging.getLogger("main")


class Deadline(Extension):
    """Interrupts training, as a signal does, once some minutes have passed since it was made.

    One serves all runs of a command.  What follows the last epoch is not cut short.

    Parameters
    ----------
    minutes : float
    """

    def __init__(self, minutes):
        self._minutes, self._until = minutes, time.monotonic() + 60 * minutes

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
