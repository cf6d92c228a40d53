"""How far a run is, and whether a process is training it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ladder import plain_json
from ladder.errors import UserError
from ladder.live.tail import Times, last_rows, last_times
from ladder.runs import lock
from ladder.runs.arrays import STATISTICS
from ladder.runs.checkpoints import NAME as CHECKPOINTS
from ladder.runs.folder import FAILURE, LOG, OPTIONS_FILE, ROWS, SWEEP, RunFolder
from ladder.training.pretraining.folder import OF_A_RUN
from ladder.training.stopping import patience_is_over

#: The states of a run.  ``SILENT``: a process holds it but has written nothing for a long time.
STARTING, COMPILING, PRETRAINING = "starting", "compiling", "pre-training"
TRAINING, FINISHING, SILENT = "training", "finishing", "silent"
FINISHED, INTERRUPTED, UNREADABLE = "finished", "interrupted", "unreadable"

#: Further states of a sweep's runs.  ``PAUSED``: trained up to a rung, where it waits or was dropped.
TO_COME, PAUSED = "to come", "paused"

#: States in which a run is under way.
UNDER_WAY = (STARTING, COMPILING, PRETRAINING, TRAINING, FINISHING, SILENT)

#: A run without news for this long, and for this many epochs' time, is silent; checkpoints come every five minutes.
SILENT_SECONDS, SILENT_EPOCHS = 600, 3


@dataclass(frozen=True)
class Progress:
    """One run at one moment.

    Attributes
    ----------
    path : Path
    state : str, one of the above
    rows : list of dict of name -> number
        The last rows of its log, oldest first.
    num_epochs : int or None
        The number of epochs it is to train.
    epoch_seconds : float or None
        Duration of one epoch.
    since : float
        Seconds since it last wrote anything.
    left : float or None
        Seconds until its last epoch ends; with ``--patience`` it may end sooner.
    patience : int
        Epochs without a lower validation error after which it ends; 0: it never ends early.
    is_rival : bool
        Whether ``run.py rivals`` fits it.
    """

    path: Path
    state: str
    rows: list = field(default_factory=list)
    num_epochs: Optional[int] = None
    epoch_seconds: Optional[float] = None
    since: float = 0.0
    left: Optional[float] = None
    patience: int = 0
    is_rival: bool = False

    @property
    def epochs(self):
        """Epochs done."""
        return self.rows[-1]["epoch"] if self.rows else 0

    @property
    def is_under_way(self):
        # In a sweep that has just begun, no process holds a run yet.
        return self.state in UNDER_WAY or self.state == TO_COME and self.since < SILENT_SECONDS

    def course(self, name):
        """The values of a logged quantity over the last epochs: list of float."""
        return [row[name] for row in self.rows if name in row]

    def last(self, *names):
        """The last value of the first of these names that the log has; None if it has none of them."""
        return next((values[-1] for values in map(self.course, names) if values), None)


class Reader:
    """Reads runs repeatedly, rereading only the files that have changed."""

    def __init__(self):
        self._read = {}

    def read(self, path, now=None):
        """The Progress of the run in a folder; None if there is no run, or no longer one.

        Parameters
        ----------
        path : Path
        now : float, optional
            The time, as from ``time.time()``.
        """
        now = time.time() if now is None else now
        try:
            if not any((path / name).exists() for name in (OPTIONS_FILE, ROWS)):
                return None
            return self._progress(RunFolder(path), now)
        except (UserError, plain_json.NotJSON, OSError, ValueError, MemoryError):
            return Progress(path, UNREADABLE) if path.is_dir() else None

    def _progress(self, folder, now):
        num_epochs, patience, is_rival = self._cached(folder / OPTIONS_FILE, _planned) or (None, 0, False)
        rows = self._cached(folder / ROWS, last_rows) or []
        times = self._cached(folder / LOG, last_times) or Times()
        since = max(0.0, now - max(_signs_of_life(folder), default=now))
        last = bool(rows) and (rows[-1]["epoch"] == num_epochs or patience_is_over(patience, rows))
        state = self._state(folder, last, times, since)
        left = None
        if state == TRAINING and rows and times.epoch_seconds and num_epochs:
            left = _left(num_epochs - rows[-1]["epoch"], times.epoch_seconds, now - _modified(folder / ROWS))
        return Progress(folder.path, state, rows, num_epochs, times.epoch_seconds, since, left, patience, is_rival)

    def _state(self, folder, last, times, since):
        held = lock.is_held(folder)
        if self._cached(folder / STATISTICS, lambda path: folder.is_finished()) or folder.is_record():
            return FINISHED
        is_silent = since > max(SILENT_SECONDS, SILENT_EPOCHS * (times.epoch_seconds or 0))
        is_halved = self._cached(folder.path.parent / SWEEP, _is_halved)
        if not (folder / LOG).exists():
            if is_halved is not None:
                return TO_COME
            return INTERRUPTED if is_silent else STARTING  # it was begun, and its data are being preprocessed
        if held is None:  # a file system without locks
            held = not is_silent
        if not held:
            return PAUSED if is_halved and not (folder / FAILURE).exists() else INTERRUPTED
        if times.compiling:
            return COMPILING
        if is_silent:
            return SILENT
        if times.pretraining:
            return PRETRAINING
        return FINISHING if last else TRAINING

    def _cached(self, path, read):
        """The result of ``read`` for a file, cached until the file changes; None if there is no file."""
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        version = status.st_ino, status.st_mtime_ns, status.st_size
        known, found = self._read.get(path, (None, None))
        if known != version:
            found = read(path)
            self._read[path] = version, found
        return found


def _planned(path):
    """The options' number of epochs (None if missing) and patience (0 for none), and whether the run is a rival's."""
    options = plain_json.check(plain_json.read(path), dict, "the whole")
    num_epochs, patience = (
        value if type(value) is int and 0 < value < 10**9 else None
        for value in (options.get("num_epochs"), options.get("patience"))
    )
    return num_epochs, patience or 0, bool(options.get("rival"))


def _is_halved(path):
    """Whether the sweep of this file uses successive halving; a damaged file says nothing about its runs."""
    try:
        return plain_json.check(plain_json.read(path), dict, "the whole").get("halving") is not None
    except (plain_json.NotJSON, UserError):
        return False


def _signs_of_life(folder):
    """Modification times of the files that training writes."""
    written = [folder / name for name in (LOG, ROWS, OPTIONS_FILE)]
    written += [*folder.path.glob(CHECKPOINTS), *folder.path.glob(f"{OF_A_RUN}/*/{CHECKPOINTS}")]
    for path in written:
        if modified := _modified(path):
            yield modified


def _modified(path):
    try:
        return path.stat().st_mtime
    except OSError:  # another checkpoint took its place
        return 0.0


def _left(epochs, epoch_seconds, since_the_last):
    """Seconds left if the remaining epochs take as long as those before."""
    return max(0.0, epochs * epoch_seconds - min(max(0.0, since_the_last), epoch_seconds))
