"""When checkpoints are written."""

import logging
import time

from ladder.runs import checkpoints
from ladder.training.extensions import Extension

logger = logging.getLogger("main")

#: Minutes between checkpoints within an epoch.
MINUTES = 5.0

#: Training takes at least this many times as long as writing, so not every short epoch ends with a checkpoint.
SHARE = 10


class Checkpoint(Extension):
    """Write a checkpoint at the end of every epoch, every few minutes, and when interrupted.

    It must be the last extension: a checkpoint includes what the others did.
    When training has ended, and they have saved the result, checkpoints are removed.

    Parameters
    ----------
    folder : Path
    state : RunState
    about : dict of plain values
        What else goes into the file: options, data, environment.
    minutes : float
        0: only at the ends of epochs.
    together : int
        How many runs write their checkpoints, one after the other.
    """

    def __init__(self, folder, state, about, minutes=MINUTES, together=1):
        self._folder, self._state, self._about, self._seconds = folder, state, about, 60 * minutes
        self._share = SHARE * together
        self._cost, self._failed = 0.0, False

    def before_training(self, loop):
        self._last = time.monotonic()

    def before_epoch(self, loop):
        self._state.begin_epoch()

    def after_updates(self, loop):
        if self._seconds and time.monotonic() - self._last >= self._seconds:
            self._save(loop)

    def after_epoch(self, loop):
        if time.monotonic() - self._last >= self._share * self._cost:
            self._save(loop)

    def on_interrupt(self, loop):
        self._save(loop)

    def after_training(self, loop):
        checkpoints.remove(self._folder)

    def _save(self, loop):
        # The next update will stop training; the previous checkpoint is worth more than this one.
        if not self._state.is_finite():
            return
        start = time.monotonic()
        values, arrays = self._state.get(loop)
        try:
            checkpoints.write(self._folder, loop.updates_done, {**self._about, **values}, arrays)
            self._failed = False
        except OSError as error:
            self._warn(loop, error)
        self._last = time.monotonic()
        self._cost = self._last - start

    def _warn(self, loop, error):
        """Warn once, until a checkpoint succeeds again."""
        if not self._failed:
            logger.warning(
                "Warning: no checkpoint could be written after update %d (%s): training goes on, and earlier "
                "checkpoints are kept",
                loop.updates_done,
                error.strerror,
            )
        self._failed = True
