"""The folder of a run: writing and reading the files in it.

``params.json``
    The options; as in the original, ``encoder_layers`` begins with the shape
    of one example.
``data.json``
    Shape, number of classes (with their names, if they have any) and range of
    the training data, how they were read, and fingerprints that tell whether
    they have changed.
``preprocessing.npz``
    If features are standardised, rescaled or whitened: the transformations, as
    fitted to the examples that trained.
``environment.json``
    Versions, BLAS, threads and commit; also those of earlier parts of the run, where they differed.
``log.txt``, ``log.jsonl``
    Lines for people; one JSON object per epoch for programs.
``log.csv``, ``events.out.tfevents.…``
    If asked for: the rows of ``log.jsonl`` for spreadsheets, and events for TensorBoard (:mod:`ladder.runs.events`).
``trained_params.npz``, ``running_statistics.npz``
    See :mod:`ladder.runs.arrays`; ``best_params.npz`` with ``--keep best``.
``evaluation.json``, ``evaluation_best.json``
    The results of ``run.py evaluate``, see :mod:`ladder.runs.evaluations`.
``attack.json``, ``rival.json``
    The results of ``run.py attack``, see :mod:`ladder.attacks.report`; for a rival, what was chosen, see
    :mod:`ladder.rivals.folders`.
``labeled.txt``, ``train.txt``, ``valid.txt``
    Positions of examples, with ``--save-split`` or ``--labeled-indices``; a pre-training has only the first: see
    :mod:`ladder.runs.split_files`.
``pretraining``
    What was trained before the labels were looked at: see :mod:`ladder.training.pretraining.folder`.
``failure.json``
    Why a run of a sweep failed: see :mod:`ladder.sweeps.swept`.
``checkpoint-….npz``
    Until the run is finished: see :mod:`ladder.runs.checkpoints`.
"""

import json
import math
import os
import shlex
from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from ladder import budget, plain_json
from ladder.data.description import check_image_reading, is_label
from ladder.data.feature_scale import FeatureScale
from ladder.data.npz import load_arrays
from ladder.data.preprocessing import Fitted
from ladder.data.whitening import Whitening
from ladder.errors import UserError
from ladder.files import remove_partials, save_arrays, save_json, write_ours
from ladder.options import TYPES, Options
from ladder.runs import arrays, split_files
from ladder.runs.log_rows import BEST_ERROR, FINAL_ERROR

#: The folder of runs that are given a name rather than a path.
RESULTS = "results"

OPTIONS_FILE, DATA, ENVIRONMENT, PREPROCESSING = "params.json", "data.json", "environment.json", "preprocessing.npz"
#: The entry in ``environment.json`` of an interrupted run that lists the other environments it was trained in before.
EARLIER = "earlier"
LOG, ROWS, SPREADSHEET = "log.txt", "log.jsonl", "log.csv"

#: The file that a sweep's folder has beside its runs, and the one that a failed run of a sweep has beside these files.
SWEEP, FAILURE = "sweep.json", "failure.json"
EVALUATIONS, EVALUATIONS_OF_BEST = "evaluation.json", "evaluation_best.json"
#: The results of ``run.py attack``, here or in a folder inside, and, for a rival, those of ``run.py rivals``.
ATTACK, RIVAL = "attack.json", "rival.json"
CHECKPOINTS = "checkpoint-*"

#: The most axes and inputs of an example.
MOST_AXES, MOST_INPUTS = 8, 2**48

#: Files that are written whole; a killed process may leave parts of them under other names.
WRITTEN_WHOLE = (
    *(DATA, PREPROCESSING, ENVIRONMENT, SPREADSHEET, *split_files.FILES),
    *(arrays.PARAMETERS, arrays.STATISTICS, arrays.BEST),
)

#: Files that hold the description and the results of a run, and that nothing else may replace.
OF_A_RUN = (OPTIONS_FILE, FAILURE, LOG, ROWS, EVALUATIONS, EVALUATIONS_OF_BEST, ATTACK, RIVAL, *WRITTEN_WHOLE)

#: The parts of fitted preprocessing, and the arrays of each.
FITTED = {"scale": (FeatureScale, ("shift", "divisor")), "whitening": (Whitening, ("mean", "matrix", "inverse"))}

DATA_TYPES = {
    "in_dim": Tuple[int, ...],
    "n_classes": int,
    "feature_range": Tuple[float, float],
    "divided_by": Optional[float],
    "read_range": Optional[Tuple[float, float]],
    "splits": Optional[dict],
    "classes": Optional[list],
    "images": Optional[dict],
}
FINGERPRINT_TYPES = {"examples": int, "targets": str, "features": str}
ENVIRONMENT_TYPES = {"backend": Optional[str], "threads": int}
JAX_ENVIRONMENT_TYPES = {"device": str, "matmul_precision": str}

#: How many rows at the end of a log are searched for a whole one.
LOOKED_AT = 1000

#: The entries of a log's row that are read back.
ROW_TYPES = {"epoch": int, FINAL_ERROR: Optional[float], BEST_ERROR: Optional[float], "best_epoch": Optional[int]}


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    path : Path
    """

    #: The file with the options.
    options_file = OPTIONS_FILE

    def __init__(self, path):
        self.path = Path(path)

    def __str__(self):
        return str(self.path)

    @property
    def typed(self):
        """The path, quoted for a shell."""
        return shlex.quote(str(self))

    def __truediv__(self, name):
        return self.path / name

    @classmethod
    def existing(cls, path, option=""):
        """The folder at ``path``, which must exist; ``option`` is the option that named it, if any."""
        if not _is_path(path) or not Path(path).is_dir():
            prefix = f"{option}: " if option else ""
            raise UserError(f"{prefix}there is no folder {path}: give the folder of a run, e.g. {RESULTS}/noname0.")
        return cls(path)

    @classmethod
    def begin(cls, save_to, p, in_dim):
        """Make the folder of a new run, and write its options there.

        From then on the run exists: it can be resumed, and is not begun again.

        Parameters
        ----------
        save_to : str
            A name, or a path with a folder in it; the first free number is appended.
        p : Options
        in_dim : tuple of int, shape of one example

        Raises
        ------
        UserError
            If it cannot be written; then no folder is left.
        """
        folder = cls(_make(save_to))
        try:
            folder.save_options(p, in_dim)
        except OSError as error:
            folder.path.rmdir()
            raise UserError(
                f"cannot write into {folder} ({error.strerror}): make room, or give another save_to."
            ) from None
        return folder

    def abandon(self):
        """Remove a run that was begun and has done nothing yet."""
        (self / self.options_file).unlink()
        self.path.rmdir()

    def remove_leftovers(self):
        """Remove what a killed process left half written; call it only while holding the folder."""
        for name in (self.options_file, *WRITTEN_WHOLE):
            remove_partials(self.path, name)

    # Options

    def has_options(self):
        return (self / self.options_file).exists()

    def save_options(self, p, in_dim):
        """Write ``params.json``."""
        save_json(self / self.options_file, as_saved(p, in_dim))

    def load_options(self):
        """The options of one of our runs; None if there is no ``params.json``.

        Returns
        -------
        dict of option name -> value
        """
        path = self / self.options_file
        if not path.exists():
            return None
        try:
            saved = plain_json.check(plain_json.read(path), dict, "the whole")
            unknown = [name for name in saved if name not in TYPES]
            if unknown:
                raise plain_json.NotJSON(f"'{unknown[0][:30]}' is not known")
            in_dim, *layers = plain_json.check(saved.get("encoder_layers", [[]]), list, "'encoder_layers'")
            plain_json.check(in_dim, Tuple[int, ...], "the shape in 'encoder_layers'")
            values = {**saved, "encoder_layers": layers}
            values = {name: plain_json.check(value, TYPES[name], f"'{name}'") for name, value in values.items()}
            return Options(**values).as_dict()
        except (plain_json.NotJSON, UserError, ValueError) as error:
            raise UserError(f"{path} is damaged ({str(error).rstrip('.')}): restore it, or train again.") from None

    # Data and preprocessing

    def save_data(self, description):
        """Write ``data.json``: what :func:`ladder.data.examples.describe` returns."""
        save_json(self / DATA, description)

    def load_data(self):
        """What :meth:`save_data` wrote, or None if it is missing."""
        path = self / DATA
        if not path.exists():
            return None
        try:
            data = plain_json.check(plain_json.read(path), DATA_TYPES, "the whole")
            if not all(0 < side < 2**31 for side in data["in_dim"]) or not 0 <= data["n_classes"] <= 2**63:
                raise plain_json.NotJSON("sizes are positive numbers")
            if len(data["in_dim"]) > MOST_AXES or math.prod(data["in_dim"]) > MOST_INPUTS:
                raise plain_json.NotJSON("an example is not that large")
            if data["divided_by"] is not None and (data["divided_by"] <= 0 or data["read_range"] is None):
                raise plain_json.NotJSON("'divided_by' is above 0, and 'read_range' beside it")
            if data["images"] is not None:
                data["images"] = check_image_reading(data["images"])
            if not all(map(is_label, data["classes"] or ())):
                raise plain_json.NotJSON("'classes' are names that can be printed, or numbers")
            for split, was in (data["splits"] or {}).items():
                plain_json.check(was, FINGERPRINT_TYPES, f"'{split}'")
            # Older runs have no fingerprints of their data.
            return {name: value for name, value in data.items() if value is not None}
        except plain_json.NotJSON as error:
            raise UserError(f"{path} is damaged ({error}): restore it, or train again.") from None

    def save_fitted(self, fitted):
        """Write ``preprocessing.npz`` if anything was fitted (Fitted or None)."""
        parts = {part: getattr(fitted, part, None) for part in FITTED}
        found = {
            f"{part}_{name}": getattr(values, name)
            for part, values in parts.items()
            if values is not None
            for name in FITTED[part][1]
        }
        if found:
            save_arrays(self / PREPROCESSING, found, compressed=False)

    def load_fitted(self, p, in_dim):
        """What :meth:`save_fitted` wrote.

        Parameters
        ----------
        p : Options
        in_dim : tuple of int

        Returns
        -------
        Fitted or None
            None if it is missing, as in older runs.
        """
        path = self / PREPROCESSING
        asked = {"scale": p.standardize or p.rescale, "whitening": bool(p.whiten_zca)}
        if not any(asked.values()) or not path.exists():
            return None
        saved, n_inputs = load_arrays(path), int(np.prod(in_dim, dtype=int))
        found = {}
        for part, (kind, names) in FITTED.items():
            if asked[part]:
                found[part] = kind(*(_fitted_array(saved, f"{part}_{name}", n_inputs, path) for name in names))
        return Fitted(**found)

    # Environment

    def save_environment(self, environment, goes_on=False):
        """Write ``environment.json``; for a run that goes on, with the other environments it was trained in before."""
        before = (self.load_environment() or {}) if goes_on else {}
        earlier = before.pop(EARLIER, [])
        earlier = earlier if isinstance(earlier, list) else []
        if before and before != json.loads(json.dumps(environment)):
            earlier = [*earlier, before]
        save_json(self / ENVIRONMENT, {**environment, EARLIER: earlier} if earlier else environment)

    def load_environment(self):
        """What :meth:`save_environment` wrote, unchecked; None if it cannot be read."""
        try:
            return plain_json.check(plain_json.read(self / ENVIRONMENT), dict, "the whole")
        except (UserError, plain_json.NotJSON):
            return None

    def backend_options(self):
        """The run's backend options: ``backend``, ``threads`` …; empty if they are unknown."""
        environment = self.load_environment()
        try:
            found = plain_json.check(environment, ENVIRONMENT_TYPES, "the whole")
            found["backend"] = found["backend"] or "c"  # the run is from before there was another
            if found["backend"] == "jax":
                found.update(plain_json.check(environment, JAX_ENVIRONMENT_TYPES, "the whole"))
                found["device"] = "cpu" if found["device"].startswith("cpu") else "gpu"
        except plain_json.NotJSON:
            return {}
        return found

    # What training leaves

    def is_finished(self):
        """Whether training reached its end and everything was saved."""
        path = self / arrays.STATISTICS
        return path.exists() and arrays.is_final(load_arrays(path), path)

    def is_record(self):
        """Whether the folder holds a finished run's results, but not its parameters."""
        return (
            (self / EVALUATIONS).exists()
            and not (self / arrays.STATISTICS).exists()
            and not any(self.path.glob(CHECKPOINTS))
        )

    def check_kept(self, parameters):
        """Refuse to use the 'best' parameters of a run that has none; 'last' ones are looked for when they are read."""
        if parameters == "best" and not (self / arrays.BEST).exists():
            raise UserError(
                f"--parameters best: {self} has no {arrays.BEST}, which a run trained with --keep best has once it was "
                "interrupted or has ended: use --parameters last, or train another."
            )

    def best_epoch(self):
        """The number of the epoch whose parameters were kept with ``--keep best``; None before the run's end."""
        return self.last_row().get("best_epoch")

    def epochs_done(self):
        """How many epochs the run has logged."""
        return self.last_row().get("epoch", 0)

    def rows(self):
        """All complete rows of ``log.jsonl``: list of dict."""
        rows, text = [], self._log()
        budget.ask(plain_json.memory(text), f"{self / ROWS}: its rows", "restore it")
        for line in filter(None, text.split(b"\n")):
            try:
                rows.append(plain_json.check(plain_json.parse(line), dict, "a row"))
            except plain_json.NotJSON:
                pass  # cut off while it was written
        return rows

    def save_rows(self, rows):
        """Write rows (list of dict) to ``log.jsonl``."""
        write_ours(self / ROWS, lambda f: f.write("".join(json.dumps(row) + "\n" for row in rows).encode()))

    def last_row(self):
        """The last complete row of ``log.jsonl``; empty if there is none."""
        text = self._log()
        lines = text.rstrip(b"\n").rsplit(b"\n", LOOKED_AT)[-LOOKED_AT:]
        for line in reversed(lines):
            try:
                row = plain_json.parse(line)
                checked = plain_json.check(row, ROW_TYPES, "a row")
                return {**row, **checked}
            except plain_json.NotJSON:
                continue  # cut off while it was written
        if text.startswith(b"{") and len(lines) == 1 or not text:
            return {}
        raise UserError(f"{self / ROWS} is damaged, as no row of it can be read: restore it.")

    def _log(self):
        """The bytes of ``log.jsonl``; empty if it is missing."""
        path = self / ROWS
        try:
            return plain_json.read_bytes(path) if path.exists() else b""
        except plain_json.NotJSON as error:
            raise UserError(f"{path} cannot be read, as {error}: restore it.") from None


def check_save_to(save_to):
    """Refuse a value that cannot name the folder of a run, being neither a name nor a path."""
    if not _is_path(save_to) or os.path.basename(os.fspath(save_to).rstrip("/")) in ("", ".", ".."):
        raise UserError(f"save_to is {save_to!r}, which names no folder: give a name, e.g. mine, or a path.")


def _is_path(value):
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return isinstance(text, str) and text != "" and "\0" not in text


def parent_of(save_to):
    """The folder (Path) in which runs with this name are made; slashes at the end of the name are ignored."""
    return Path(os.path.dirname(os.fspath(save_to).rstrip("/")) or RESULTS)


def is_of_a_run(path):
    """Whether a file (Path), existing or not, is a run's, in the folder of one; or the file that makes a sweep."""
    path = Path(os.path.realpath(path))
    if path.name == SWEEP and path.exists():
        return True
    if path.name == ATTACK and (path.parent.parent / OPTIONS_FILE).exists():
        return True
    return (path.name in OF_A_RUN or path.match(CHECKPOINTS)) and (path.parent / OPTIONS_FILE).exists()


def environments(environment):
    """The environments of a run's parts, from ``environment.json`` (dict): a list of dict, the first part's first."""
    earlier = environment.get(EARLIER)
    return [*(part for part in (earlier if isinstance(earlier, list) else []) if isinstance(part, dict)), environment]


def as_saved(p, in_dim):
    """Options as plain values, as in ``params.json`` and checkpoints."""
    return {**p.as_dict(), "encoder_layers": (tuple(in_dim), *p.encoder_layers)}


def _make(save_to):
    """Make the folder ``results/NAME0`` for a name or ``PATH0`` for a path, with the first free number."""
    check_save_to(save_to)
    base = parent_of(save_to) / os.path.basename(os.fspath(save_to).rstrip("/"))
    i = 0
    while True:
        path = Path(f"{base}{i}")
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError as error:
            # A link that leads nowhere may stand where a parent folder should be: no number helps then.
            if not os.path.lexists(path):
                raise UserError(
                    f"cannot make the folder {path}: {error.filename} is not a folder: give another save_to."
                ) from None
            i += 1
        except OSError as error:
            raise UserError(f"cannot make the folder {path} ({error.strerror}): give another save_to.") from None


def _fitted_array(saved, name, n_inputs, path):
    array = saved.get(name)
    shape = (n_inputs, n_inputs) if name.endswith(("matrix", "inverse")) else (n_inputs,)
    if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array.sum()):
        raise UserError(
            f"{path} has no array '{name}' of {' x '.join(map(str, shape))} numbers: restore it, or train again."
        )
    return array
