"""A fixed labelled set (``--labeled-indices``): the same examples have labels whatever the seed."""

import numpy as np

from ladder.data import NO_LABEL
from ladder.errors import UserError
from ladder.positions_file import MOST_POSITIONS


def check_fixed(p):
    """Refuse options that conflict with a fixed labelled set; without such a set nothing is checked."""
    if not p.labeled_indices:
        return
    if p.unsupervised:
        raise UserError("--labeled-indices says which labels are used, and --unsupervised uses none: give one of them.")
    if p.labeled_samples is not None:
        raise UserError(
            "--labeled-indices says which examples are labelled, and --labeled-samples draws others: give one of them."
        )
    if len(p.labeled_indices) > MOST_POSITIONS:
        raise UserError(f"--labeled-indices: give no more than {MOST_POSITIONS:,} positions.")
    values, counts = np.unique(p.labeled_indices, return_counts=True)
    if counts.max() > 1:
        raise UserError(f"--labeled-indices has position {values[counts.argmax()]} more than once: give each once.")


def fixed_labelled_set(positions, targets, dataset):
    """A fixed labelled set, checked against the data.

    Parameters
    ----------
    positions : tuple of int
        Each once, as :func:`check_fixed` ensures.
    targets : int64 array, shape (N,)
        Classes of the whole training set; -1 where there is no label.
    dataset : str, for messages

    Returns
    -------
    int64 array, shape (n,)
        In the order given, on which the order of batches depends.

    Raises
    ------
    UserError
        A position is not in the training split, its example has no label, or a class has no position.
    """
    chosen = np.array(positions, "int64")
    if chosen.max() >= len(targets):
        raise UserError(
            f"--labeled-indices has position {chosen.max()}, but the training split of {dataset} has {len(targets)} "
            f"examples: give positions from 0 to {len(targets) - 1}."
        )
    without = chosen[targets[chosen] == NO_LABEL]
    if len(without):
        raise UserError(
            f"--labeled-indices has position {without[0]}, whose example has no label in {dataset}, as have "
            f"{len(without)} of {len(chosen)}: leave them out."
        )
    missing = np.setdiff1d(np.unique(targets[targets != NO_LABEL]), targets[chosen])
    if len(missing):
        raise UserError(
            f"--labeled-indices has no example of class {missing[0]} of {dataset}: give at least one of each class."
        )
    return chosen


def train_on(train, labeled, rest):
    """Make a fixed labelled set part of the examples that train.

    Members of the set that were not drawn replace the last examples that were
    drawn and are not in the set; if all were drawn, nothing changes.

    Parameters
    ----------
    train, rest : int64 arrays
        Positions drawn to train, and the others.
    labeled : int64 array
        Positions of the set; no more than ``train`` has.

    Returns
    -------
    train, rest : int64 arrays of the same lengths, ``rest`` in ascending order
    """
    lacking = labeled[~np.isin(labeled, train)]
    if len(lacking) == 0:
        return train, rest
    places = np.flatnonzero(~np.isin(train, labeled))[-len(lacking) :]
    changed = train.copy()
    changed[places] = lacking
    return changed, np.setdiff1d(np.concatenate([train, rest]), changed)
