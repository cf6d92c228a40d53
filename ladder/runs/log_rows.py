"""Rows of ``log.jsonl``: the names of the validation errors in them, and the course of a number over the epochs."""

import math

#: Prefixes of the names of costs and errors: means over an epoch's updates; on the validation set, with running
#: averages in every epoch's row; in the last row, with final statistics, and those of the best epoch.
TRAIN, VALID_APPROX, VALID_FINAL, VALID_BEST = BEGINNINGS = ("train_", "valid_approx_", "valid_final_", "valid_best_")

#: The validation error in per cent.
ERROR, FINAL_ERROR, BEST_ERROR = (
    f"{beginning}error_rate_clean" for beginning in (VALID_APPROX, VALID_FINAL, VALID_BEST)
)


def by_epoch(rows, name):
    """A number of the log by epoch.

    Parameters
    ----------
    rows : list of dict
        Where two are of one epoch, the later one counts.
    name : str

    Returns
    -------
    dict of int -> float
        For the rows that have both, where the number is finite.

    Examples
    --------
    >>> by_epoch([{"epoch": 1, ERROR: 9.5}, {"epoch": 2, ERROR: float("nan")}, {FINAL_ERROR: 7.0}], ERROR)
    {1: 9.5}
    """
    found = {}
    for row in rows:
        epoch, value = row.get("epoch"), row.get(name)
        if type(epoch) is int and is_number(value):
            found[epoch] = float(value)
    return found


def is_number(value):
    """Whether an entry is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)
