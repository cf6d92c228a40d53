"""``evaluation.json`` in the folder of a run: what ``run.py evaluate`` found, by data set part.

An entry ('test', 'valid') has ``error_percent``, ``n_wrong``, ``n``,
``statistics`` (where those of the batch normalisation came from: 'saved' by
the run or 'estimated' again), and ``epochs``, after how many it was found: a
run that trains on makes it out of date.
"""

import json

from ladder.errors import UserError
from ladder.files import save_json
from ladder.training.results import STATISTICS

EVALUATION, LOG = "evaluation.json", "log.jsonl"


def save_evaluation(folder, data_type, report, statistics):
    """Add what was found to the folder's file, which is replaced whole.

    Parameters
    ----------
    folder : Path
    data_type : str
    report : dict with ``error_percent``, ``n_wrong`` and ``n``
    statistics : str, 'saved' or 'estimated'
    """
    entry = {name: report[name] for name in ("error_percent", "n_wrong", "n")}
    entry.update(statistics=statistics, epochs=epochs_done(folder))
    try:
        found = load_evaluations(folder)
    except UserError:
        found = {}  # a damaged file is what this one replaces
    save_json(folder / EVALUATION, {**found, data_type: entry})


def load_evaluations(folder):
    """What was saved: dict of data type -> entry; empty where nothing was."""
    path = folder / EVALUATION
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
        for entry in found.values():
            float(entry["error_percent"]), int(entry["n"]), int(entry["epochs"])
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and evaluate the run again.") from None


def is_record(folder):
    """Whether a folder holds what a finished run found, without what it needs to go on or to be tested."""
    return (folder / EVALUATION).exists() and not (folder / STATISTICS).exists() and not any(folder.glob("checkpoint-*"))


def epochs_done(folder):
    """How many epochs a run has logged."""
    return int(last_row(folder).get("epoch", 0))


def last_row(folder):
    """The last complete row of a run's ``log.jsonl``; empty where there is none."""
    try:
        lines = (folder / LOG).read_text().splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            row = json.loads(line)
        except ValueError:
            continue  # cut off while it was written
        if isinstance(row, dict):
            return row
    return {}
