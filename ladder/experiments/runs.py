"""The runs in a folder of results: what they were asked for, and what they reached."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ladder import plain_json
from ladder.errors import UserError
from ladder.experiments.attacked import load_attacks
from ladder.experiments.ordering import numbers_in_order
from ladder.experiments.settings import settings_of
from ladder.training.evaluation import is_record, last_row, load_evaluations
from ladder.training.results import OPTIONS, is_finished, load_options


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
    finished : bool
        Whether it came to its end and saved everything, or is the record of such a run.
    attacked : dict of attack -> float
        Test error under it, per cent, see :func:`ladder.experiments.attacked.load_attacks`.
    """

    folder: Path
    seed: int
    options: dict
    settings: dict
    epochs: int
    test_error: Optional[float]
    valid_error: Optional[float]
    made_with: str
    finished: bool
    attacked: dict = field(default_factory=dict)


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
        # One bad run must not end the table, whatever is wrong with it.
        except (UserError, OSError, ValueError, TypeError, MemoryError) as error:
            problems.append(f"{path.parent} is left out: {error}")
    return runs, problems


def _read(folder, options):
    row = last_row(folder)
    epochs = row.get("epoch", 0)
    test = load_evaluations(folder).get("test")
    # What was found before the run went on is out of date.
    test_error = test["error_percent"] if test and test["epochs"] == epochs else None
    finished = epochs >= options["num_epochs"] and (is_finished(folder) or is_record(folder))
    return Run(
        folder,
        options["seed"],
        options,
        settings_of(options),
        epochs,
        test_error,
        row.get("valid_final_error_rate_clean"),
        _made_with(folder),
        finished,
        load_attacks(folder, options["dataset"], epochs, test and test["n"]),
    )


def _made_with(folder):
    """What may round differently, in words."""
    try:
        found = plain_json.check(plain_json.read(folder / "environment.json"), dict, "the whole")
    except (UserError, plain_json.NotJSON):
        return "no environment.json"
    ladder, commit, blas, threads = (str(found.get(name))[:100] for name in ("ladder", "commit", "blas", "threads"))
    commit = "unknown" if commit == "None" else commit
    blas = "unknown BLAS" if blas in ("None", "") else blas
    return f"version {ladder}, commit {commit[:10]}, {blas}, threads {threads}"
