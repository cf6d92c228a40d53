"""What the numbers in ``targets`` mean: classes from 0 without a gap, and -1 for "no label"."""

import logging
import re
import shlex

import numpy as np

from ladder.data import NO_LABEL
from ladder.errors import UserError

logger = logging.getLogger("main.data")

#: A message lists at most this many labels.
MOST_LISTED = 12


def as_class_numbers(targets, where):
    """Targets as whole numbers, one per example.

    Parameters
    ----------
    targets : array, shape (N,) or (N, 1)
        Integers, booleans, or floats that are whole.
    where : str
        What to call them in messages.

    Returns
    -------
    int64 array, shape (N,)

    Raises
    ------
    UserError
        If they are anything else.
    """
    if targets.dtype.kind not in "buif":
        raise UserError(
            f"{where} are of type {targets.dtype}: they must be whole numbers, one class number per example."
        )
    if targets.ndim == 0 or targets.size != len(targets):
        raise UserError(
            f"{where} have the shape {targets.shape}: give one class number per example (for one-hot rows, argmax(axis=1))."
        )
    targets = targets.reshape(-1)
    if targets.dtype.kind == "f":
        _check_whole(targets, where)
    elif targets.dtype == np.uint64 and targets.size and targets.max() > np.iinfo("int64").max:
        raise UserError(f"{where} go up to {targets.max()}: number the classes from 0.")
    return targets.astype("int64")


def _check_whole(targets, where):
    wrong = np.flatnonzero(~((targets == np.floor(targets)) & (np.abs(targets) < 2**31)))
    if len(wrong):
        what = "not a number (write -1 for 'no label')" if np.isnan(targets[wrong[0]]) else "not a whole number"
        raise UserError(
            f"{where} hold {targets[wrong[0]]:g} at position {wrong[0]}, which is {what}, as are {len(wrong)} of "
            f"{len(targets)}: give each example one class number."
        )


def check_labels(targets, source, given=None):
    """Refuse labels that are not classes from 0 without a gap, or are all of one class; no labels at all are fine.

    Parameters
    ----------
    targets : int64 array, shape (N,)
        Of the examples that train.
    source : str or Path
        The file that holds them, to which the suggested command applies.
    given : dict or None
        The options that it was read or converted with, as :func:`mend` takes them; the command repeats them.

    Raises
    ------
    UserError
        Names the labels, what they may mean, and a command for each meaning.
    """
    labels = np.unique(targets)
    classes = labels[labels != NO_LABEL]
    consecutive = len(classes) == 0 or (classes[0] == 0 and classes[-1] == len(classes) - 1)
    if consecutive and len(classes) != 1:
        return
    given = given or {}
    found = f"the labels of {source} are {_listed(labels)}"
    renumbering = mend(source, given, {"--renumber-labels": ""})
    if len(classes) == 1:
        raise UserError(
            f"{found}: {_why_single(labels, source, given)}; if there are no classes, train with --unsupervised on data "
            f"without labels, which {mend(source, given, _without_labels(given))} makes."
        )
    gap = f"{found}, where classes count from 0 without a gap"
    unlabelled = " (-1 remains 'no label')" if len(classes) < len(labels) else ""
    if _last_is_apart(classes) and "--no-label" not in given:  # it takes one number
        marking = mend(source, given, {"--no-label": classes[-1], "--renumber-labels": ""})
        raise UserError(
            f"{gap}: if {classes[-1]} means 'no label', convert with {marking}; if it is a class, with {renumbering}"
            f"{unlabelled}."
        )
    raise UserError(f"{gap}: {renumbering} numbers them 0 to {len(classes) - 1}{unlabelled}.")


def _why_single(labels, source, given):
    """Why nothing can be learnt from the labels, a single class with or without -1, and what else they may mean."""
    if NO_LABEL not in labels:
        return "a single class, of which nothing can be learnt"
    left = f"which leaves the single class {labels[-1]}"
    if "--no-label" in given:
        return f"{given['--no-label']} means 'no label', {left}"
    both = mend(source, given, {"--no-label": "none", "--renumber-labels": ""})
    return f"-1 means 'no label', {left}; if -1 is a class, convert with {both}"


def _without_labels(given):
    """The options that leave out labels and, with them, all options about labels."""
    features = [entry for entry in given.get("--sources", "").split(",") if entry.startswith("features")]
    return {"--sources": ",".join([*features, "targets=none"]), "--no-label": None, "--renumber-labels": None}


def _last_is_apart(classes):
    """Whether two or more classes count from 0 or 1 without a gap, followed by one beyond a gap, such as 255."""
    *others, last = classes
    return (
        len(others) > 1 and others[0] in (0, 1) and others[-1] == others[0] + len(others) - 1 and last > others[-1] + 1
    )


def mend(source, *several):
    """The command that converts a data set again with some options of ``convert arrays``.

    Parameters
    ----------
    source : str or Path
        The file.
    *several : dicts of option -> value
        Later ones replace earlier ones; '' for an option without a value, None for one that is left out.

    Examples
    --------
    >>> mend("x.npz", {"--sources": "targets=y"}, {"--renumber-labels": ""})
    '`run.py convert arrays --input x.npz --sources targets=y --renumber-labels --name x-new`'
    """
    options = {option: value for given in several for option, value in given.items()}
    words = [
        f"{option} {shlex.quote(str(value))}" if value != "" else option
        for option, value in options.items()
        if value is not None
    ]
    stem = str(source).replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    name = re.sub(r"[^A-Za-z0-9_]+", "-", stem).strip("-") or "data"  # a name that convert accepts
    return (
        "`" + " ".join(["run.py convert arrays --input", shlex.quote(str(source)), *words, f"--name {name}-new"]) + "`"
    )


def check_minus_one(several, no_label, renumber, source):
    """Refuse targets in which -1 would change its meaning, or log the meaning that it gets.

    Parameters
    ----------
    several : list of int64 arrays
    no_label : int or None
        As for :func:`mark_unlabelled`.
    renumber : bool
        Whether the classes are renumbered.
    source : str or Path
        The file that holds them.

    Raises
    ------
    UserError
        -1 is a class and would keep its number, or means "no label" beside a single class.
    """
    labels = np.unique(np.concatenate(several))
    if NO_LABEL not in labels:
        return
    if no_label is None and not renumber:
        raise UserError(
            f"{source} has the target -1, which is a class with --no-label none, but would be read as 'no label': add "
            "--renumber-labels."
        )
    if no_label in labels and no_label != NO_LABEL:
        both = f"-1 means 'no label', as {no_label} does"
        classes = labels[(labels != NO_LABEL) & (labels != no_label)]
        if len(classes) == 1:
            raise UserError(
                f"the labels of {source} are {_listed(labels)}: {both}, which leaves the single class {classes[0]}: if "
                f"-1 is a class, replace -1 by {labels[-1] + 1} in the targets."
            )
        logger.info("%s: %s; if -1 is a class, give it another number", source, both)


def mark_unlabelled(targets, no_label):
    """Targets in which -1 means "no label".

    Parameters
    ----------
    targets : int64 array
    no_label : int or None
        The target that means it so far, in addition to -1; None: every target is a class, even -1.
    """
    return np.where(_is_unlabelled(targets, no_label), NO_LABEL, targets)


def renumbered(several, no_label):
    """Arrays of targets with all their classes renumbered from 0, in the same order.

    Parameters
    ----------
    several : list of int64 arrays
    no_label : int or None
        As for :func:`mark_unlabelled`.

    Returns
    -------
    list of int64 arrays
    classes : int64 array
        The old number of each new one.
    """
    every = np.concatenate(several)
    classes = np.unique(every[~_is_unlabelled(every, no_label)])
    numbers = [
        np.where(_is_unlabelled(targets, no_label), NO_LABEL, np.searchsorted(classes, targets)) for targets in several
    ]
    return numbers, classes


def _is_unlabelled(targets, no_label):
    if no_label is None:
        return np.full(targets.shape, False)
    return (targets == NO_LABEL) | (targets == no_label)


def _listed(labels):
    if len(labels) <= MOST_LISTED:
        return ", ".join(map(str, labels[:-1])) + f" and {labels[-1]}" if len(labels) > 1 else str(labels[0])
    head = ", ".join(map(str, labels[:6]))
    return f"{head} … {labels[-2]}, {labels[-1]} ({len(labels)} different ones)"
