"""``evaluation.json`` in the folder of a run: what ``run.py evaluate`` found, by data set part.

An entry ('test', 'valid') has ``error_percent``, ``n_wrong``, ``n``,
``statistics`` (where those of the batch normalisation came from: 'saved' by
the run or 'estimated' again), and ``epochs``, after how many it was found: a
run that trains on makes it out of date.
"""

from typing import Optional

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import save_json
from ladder.training.results import STATISTICS

EVALUATION, LOG = "evaluation.json", "log.jsonl"

ENTRY_TYPES = {"error_percent": float, "n": int, "epochs": int}

#: Lines at the end of a log, one of which is whole: no process leaves more that are not.
LOOKED_AT = 1000

#: Of a row of the log, what is used again.
ROW_TYPES = {"epoch": int, "valid_final_error_rate_clean": Optional[float]}


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
        found = plain_json.check(plain_json.read(path), dict, "the whole")
        for name, entry in found.items():
            found[name] = plain_json.check(entry, ENTRY_TYPES, f"'{name[:20]}'") | entry
        return found
    except plain_json.NotJSON as error:
        raise UserError(f"{path} is damaged ({error}): delete it, and evaluate the run again.") from None


def is_record(folder):
    """Whether a folder holds what a finished run found, without what it needs to go on or to be tested."""
    return (
        (folder / EVALUATION).exists() and not (folder / STATISTICS).exists() and not any(folder.glob("checkpoint-*"))
    )


def epochs_done(folder):
    """How many epochs a run has logged."""
    return last_row(folder).get("epoch", 0)


def last_row(folder):
    """The last complete row of a run's ``log.jsonl``; empty where there is none."""
    path = folder / LOG
    if not path.exists():
        return {}
    try:
        text = plain_json.read_bytes(path)
    except plain_json.NotJSON as error:
        raise UserError(f"{path} cannot be read, as {error}: restore it.") from None
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
    raise UserError(f"{path} is damaged, as no row of it can be read: restore it.")
