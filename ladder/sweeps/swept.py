"""The runs of a sweep, as their folders show them."""

import math
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import printable, save_json
from ladder.options import Options
from ladder.runs import lock
from ladder.runs.folder import FAILURE, OPTIONS_FILE, SWEEP, RunFolder
from ladder.runs.log_rows import ERROR, FINAL_ERROR, by_epoch, is_number
from ladder.sweeps.halving import Halving
from ladder.tables.ordering import numbers_in_order
from ladder.tables.settings import OTHER_SEEDS, as_text, settings_of

#: The name of a run's folder, to which a number is appended.
RUN = "run"

#: How many files of new runs are written at once.
WRITERS = 32

SWEEP_TYPES = {"token": str, "random": Optional[dict], "halving": Optional[dict]}
HALVING_TYPES = {"factor": int, "first": Optional[int]}
FAILURE_TYPES = {"error": str, "attempts": int, "time": float}


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep.

    Attributes
    ----------
    folder : RunFolder
    p : Options
    setting : str
        What its options mean, without the seed and regardless of other runs.
    """

    folder: RunFolder
    p: Options
    setting: str

    @classmethod
    def at(cls, folder):
        """The run in a folder (RunFolder); None if there is none."""
        options = folder.load_options()
        return None if options is None else cls(folder, Options(**options), setting_of(Options(**options)))

    @property
    def key(self):
        """A key that is unique within a sweep."""
        return self.setting, self.p.seed


def setting_of(p):
    """What options mean, without the seed, as a text."""
    return as_text(settings_of(p))


def by_configuration(runs):
    """Group a sweep's runs (SweptRun) that differ only in seeds, of any kind: list of lists, ordered by first run."""
    found = {}
    for run in runs:
        settings = {name: value for name, value in settings_of(run.p).items() if name not in OTHER_SEEDS}
        found.setdefault(as_text(settings), []).append(run)
    return list(found.values())


@dataclass(frozen=True)
class Seen:
    """What the folder of a run shows at one moment.

    Attributes
    ----------
    finished : bool
    held : bool
        Whether a process is training it.
    epochs : int
        Epochs done, according to its log.
    errors : dict of int -> float
        Epoch -> validation error, per cent.
    final_error : float or None
        Error of a finished run, with its final statistics.
    failure : dict or None
        'error', 'attempts' and 'time' (seconds, as of ``time.time()``).
    """

    finished: bool = False
    held: bool = False
    epochs: int = 0
    errors: dict = field(default_factory=dict)
    final_error: Optional[float] = None
    failure: Optional[dict] = None

    def error_after(self, epochs):
        """The validation error after some epochs, or at the end of a run that ended before; infinite if there is none."""
        earlier = [epoch for epoch in self.errors if epoch <= epochs]
        return self.errors[max(earlier)] if earlier else math.inf


def look(run):
    """What the folder of a run (SweptRun) shows now; with a damaged result it counts as failed, and others go on."""
    folder, failure = run.folder, None
    # Before looking for a result: whoever finishes a run releases its lock afterwards.
    held = bool(lock.is_held(folder))
    finished, rows = False, []
    try:
        finished = folder.is_finished() or folder.is_record()
    except UserError as error:
        failure = _damage(error)
    try:
        rows = folder.rows()  # the rows of a run with a damaged result still count at a rung of halving
    except UserError as error:
        finished, failure = False, _damage(error)
    errors = by_epoch(rows, ERROR)
    last = rows[-1] if rows else {}
    epochs = last["epoch"] if type(last.get("epoch")) is int else 0
    final = last.get(FINAL_ERROR) if finished and is_number(last.get(FINAL_ERROR)) else None
    return Seen(
        finished, held and not finished, epochs, errors, final, None if finished else failure or _failure(folder)
    )


def _damage(error):
    return {"error": str(error), "attempts": 1, "time": 0.0}


def note_failure(run, error, attempts):
    """Record in a run's folder that it failed, and how often; whether that worked, as the disk may be at fault."""
    try:
        save_json(run.folder / FAILURE, {"error": error, "attempts": attempts, "time": time.time()})
    except OSError:
        return False
    return True


def forget_failure(run):
    """Remove the record of a failure, from the folder of a run that has since trained without one."""
    (run.folder / FAILURE).unlink(missing_ok=True)


def _failure(folder):
    if not (folder / FAILURE).exists():
        return None
    try:
        found = plain_json.check(plain_json.read(folder / FAILURE), FAILURE_TYPES, "the whole")
        return {**found, "error": printable(" ".join(found["error"].split()))}
    except (plain_json.NotJSON, UserError):
        return {"error": f"{folder / FAILURE} cannot be read", "attempts": 1, "time": 0.0}


class SweepFolder:
    """The folder of a sweep.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path):
        self.path = Path(path)
        self._known = {}

    def __str__(self):
        return str(self.path)

    @classmethod
    def existing(cls, path):
        """The folder of a sweep that was begun; ``UserError`` if there is none."""
        if not (Path(path) / SWEEP).is_file():
            raise UserError(f"there is no sweep in {path}: give the folder of one, e.g. results/thesis_table_13.")
        return cls(path)

    def make(self):
        """Create the folder if it is missing."""
        if (self.path / OPTIONS_FILE).exists():
            raise UserError(f"{self.path} is the folder of a run: give the sweep another name.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {self.path} ({error.strerror}): give another name.") from None

    def halving(self):
        """How the sweep is halved (Halving or None), as recorded when it was begun."""
        return self._read()[1]

    @property
    def token(self):
        """A text that is unique to this sweep."""
        return self._read()[0]

    def _read(self):
        """(token, Halving or None)."""
        try:
            found = plain_json.check(plain_json.read(self.path / SWEEP), SWEEP_TYPES, "the whole")
            halved = found["halving"]
            halving = None if halved is None else Halving(**plain_json.check(halved, HALVING_TYPES, "'halving'"))
        except (plain_json.NotJSON, UserError) as error:
            raise UserError(f"{self.path / SWEEP} is damaged ({str(error).rstrip('.')}): restore it.") from None
        return found["token"], halving

    def runs(self):
        """All runs that were begun, in the order of their numbers; each is read only once.

        Returns
        -------
        list of SweptRun
        """
        with os.scandir(self.path) as entries:
            names = sorted((entry.name for entry in entries if os.path.isdir(entry.path)), key=numbers_in_order)
        for name in names:
            if name not in self._known and (self.path / name / OPTIONS_FILE).exists():
                self._known[name] = self._run(name)
        return [self._known[name] for name in names if self._known.get(name) is not None]

    def _run(self, name):
        try:
            return SweptRun.at(RunFolder(self.path / name))
        except UserError as error:
            mend = f"remove {self.path / name}, and give the command of the sweep again"
            if (self.path / SWEEP).exists() and self.halving() is not None:
                mend = f"begin the sweep under another name than {self.path.name}"
            raise UserError(f"a run of the sweep cannot be read ({str(error).rstrip('.')}), or {mend}.") from None

    def begin(self, configurations, in_dims, search=None, halving=None):
        """Begin the runs that do not exist yet, so that no other process begins them as well.

        Parameters
        ----------
        configurations : list of Options
        in_dims : list of tuple of int, the shapes of one example
        search : ladder.sweeps.configurations.Search, optional
        halving : Halving, optional

        Returns
        -------
        list of SweptRun
            The runs of the configurations: in the order of these or, if the sweep is halved, in that of the folders, as
            the first of equals goes on, whatever order is given this time.
        """
        self.make()
        with lock.turn(self.path):
            there = {run.key: run for run in self.runs()}
            keys = [(setting_of(p), p.seed) for p in configurations]
            self._check_same_halving(halving, set(there), set(keys))
            token = self.token if (self.path / SWEEP).exists() else uuid.uuid4().hex
            new = {key: rest for key, *rest in zip(keys, configurations, in_dims) if key not in there}
            for key, folder in zip(new, self._begin_runs(list(new.values()))):
                there[key] = SweptRun(folder, new[key][0], key[0])
            # Last: if it is missing, no rung has been decided, and what a killed process left behind can be completed.
            save_json(self.path / SWEEP, {"token": token, **_definition(search, halving)})
        self._known.update({run.folder.path.name: run for run in there.values()})
        runs = [there[key] for key in dict.fromkeys(keys)]
        return runs if halving is None else sorted(runs, key=lambda run: numbers_in_order(str(run.folder)))

    def _begin_runs(self, new):
        """Make folders for runs, as :meth:`ladder.runs.folder.RunFolder.begin` does for one: list of RunFolder.

        Parameters
        ----------
        new : list of (Options, shape of one example)
        """
        taken = [int(path.name[len(RUN) :]) for path in self.path.glob(RUN + "*") if path.name[len(RUN) :].isdecimal()]
        first = 1 + max(taken, default=-1)
        folders = [RunFolder(self.path / f"{RUN}{first + i}") for i in range(len(new))]
        made = []
        try:
            for folder in folders:
                folder.path.mkdir()
                made.append(folder)
            # Each file must reach the disk before it counts; written in parallel, they wait a tenth of the time.
            with ThreadPoolExecutor(WRITERS) as pool:
                for _ in pool.map(lambda folder, one: folder.save_options(*one), folders, new):
                    pass
        except OSError as error:
            for folder in made:
                if not folder.has_options():
                    folder.path.rmdir()
            raise UserError(
                f"cannot write into {self.path} ({error.strerror}): make room, or give another name."
            ) from None
        return folders

    def _check_same_halving(self, halving, there, asked):
        """Refuse to compare configurations other than before on rungs that have been decided."""
        if not there or not (self.path / SWEEP).exists():
            return
        before = self.halving()
        if before == halving is not None and there < asked:
            raise UserError(
                f"{self.path} lacks {len(asked - there)} of these {len(asked)} runs, and its rungs would be decided anew: "
                "restore their folders if they were removed, or give another name."
            )
        if before != halving or halving is not None and there != asked:
            raise UserError(
                f"{self.path} has a sweep of other configurations, or one that is halved otherwise, and its rungs would "
                "be decided anew: repeat the command that began it, or give another name."
            )


def _definition(search, halving):
    drawn = None
    if search is not None:
        texts = {name: each if isinstance(each, str) else repr(each) for name, each in search.distributions.items()}
        drawn = {"n": search.n, "seed": search.seed, "draw": texts}
    halved = None if halving is None else {"factor": halving.factor, "first": halving.first}
    return {"random": drawn, "halving": halved}
