"""``evaluation.json`` in the folder of a run: the results of ``run.py evaluate``, by part of the data set.

An entry ('test', 'valid') has ``error_percent``, ``n_wrong``, ``n``,
``statistics`` (whether those of batch normalisation were 'saved' by the run or
'estimated' again; 'none' for a rival), and ``epochs`` (how many the run had
done: once it trains on, the entry is out of date).  ``evaluation_best.json``
has the same for the parameters that ``--keep best`` kept, so that the two are
never mixed.
"""

import logging

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import save_json
from ladder.runs import lock
from ladder.runs.folder import EVALUATIONS, EVALUATIONS_OF_BEST

logger = logging.getLogger("main")

#: Which parameters were evaluated -> the file with the results.
FILES = {"last": EVALUATIONS, "best": EVALUATIONS_OF_BEST}

ENTRY_TYPES = {"error_percent": float, "n": int, "epochs": int}


def save_evaluation(folder, data_type, report, statistics, parameters="last"):
    """Add a result to the folder's file, which is replaced as a whole.

    Parameters
    ----------
    folder : RunFolder
    data_type : str
    report : dict with ``error_percent``, ``n_wrong`` and ``n``
    statistics : str, 'saved', 'estimated' or 'none'
    parameters : str, 'last' or 'best'
    """
    entry = {name: report[name] for name in ("error_percent", "n_wrong", "n")}
    entry.update(statistics=statistics, epochs=folder.epochs_done())
    with lock.turn(folder.path):  # another process may evaluate other examples
        try:
            found = _read(folder / FILES[parameters])
        except plain_json.NotJSON as error:
            logger.warning("Warning: %s was damaged (%s), and is replaced", folder / FILES[parameters], error)
            found = {}
        save_json(folder / FILES[parameters], {**found, data_type: entry})


def load_evaluations(folder, parameters="last", mend="delete it, and evaluate the run again"):
    """The saved entries: dict of data type -> entry, empty if there are none."""
    path = folder / FILES[parameters]
    try:
        return _read(path)
    except plain_json.NotJSON as error:
        raise UserError(f"{path} is damaged ({error}): {mend}.") from None


def _read(path):
    """The entries in a file; NotJSON if they are damaged."""
    if not path.exists():
        return {}
    found = plain_json.check(plain_json.read(path, "make it readable, or delete it"), dict, "the whole")
    for name, entry in found.items():
        checked = plain_json.check(entry, ENTRY_TYPES, f"'{name[:20]}'")
        if not 0 <= checked["error_percent"] <= 100 or checked["n"] < 1:
            raise plain_json.NotJSON(f"'{name[:20]}' has an error that is no part of the examples")
        found[name] = checked | entry
    return found
