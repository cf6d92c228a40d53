"""The runs in a folder of results: what they were asked for, and what they reached."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ladder.errors import UserError
from ladder.experiments.ordering import numbers_in_order
from ladder.experiments.settings import settings_of
from ladder.training.evaluation import last_row, load_evaluations
from ladder.training.results import OPTIONS, load_options


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    folder : Path
    seed : int
    options, settings : dict
        See :func:`ladder.experiments.settings.settings_of`.
    epochs : int
        How many it has done.
    test_error, valid_error : float or None
        Per cent, after the last epoch; None where it was not evaluated, or
        has no validation set.
    made_with : str
        Version, commit, BLAS and threads.
    """

    folder: Path
    seed: int
    options: dict
    settings: dict
    epochs: int
    test_error: Optional[float]
    valid_error: Optional[float]
    made_with: str

    @property
    def finished(self):
        return self.epochs >= self.options["num_epochs"]


def find_runs(folder):
    """All runs below a folder that learnt to classify.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    runs : list of Run, by name of the folder, numbers in order
    problems : list of str
        A line for each that cannot be read.
    """
    runs, problems = [], []
    for path in sorted(folder.rglob(OPTIONS), key=lambda path: numbers_in_order(str(path))):
        try:
            options = load_options(path.parent)
            if not options["unsupervised"]:
                runs.append(_read(path.parent, options))
        except (UserError, OSError) as error:
            problems.append(f"{path.parent} is left out: {error}")
    return runs, problems


def _read(folder, options):
    row = last_row(folder)
    epochs = int(row.get("epoch", 0))
    test = load_evaluations(folder).get("test")
    # What was found before the run went on is out of date.
    test_error = test["error_percent"] if test and test["epochs"] == epochs else None
    return Run(
        folder, options["seed"], options, settings_of(options), epochs, test_error,
        row.get("valid_final_error_rate_clean"), _made_with(folder),
    )  # fmt: skip


def _made_with(folder):
    """What may round differently, in words."""
    try:
        found = json.loads((folder / "environment.json").read_text())
        blas = found.get("blas") or "unknown BLAS"
        commit = (found.get("commit") or "unknown")[:10]
        return f"version {found.get('ladder')}, commit {commit}, {blas}, threads {found.get('threads')}"
    except (OSError, ValueError, AttributeError, TypeError):
        return "no environment.json"
