"""Split a training set into examples to train on, labelled ones and a validation set.

Source: ``setup_data`` and ``make_datastream`` in the original's ``run.py``.
Messages name the command line's options, as the numbers come from there.
"""

from dataclasses import dataclass

import numpy as np

from ladder.data import NO_LABEL
from ladder.data.labeled_set import fixed_labelled_set, train_on
from ladder.data.registry import n_training_examples
from ladder.errors import UserError
from ladder.option_types import MOST_DATA_SEED


@dataclass(frozen=True)
class Split:
    """Positions in the training set, each an int64 array of shape (n,)."""

    train: np.ndarray
    """All examples to train on, in permuted order; the labelled are among them."""
    labeled: np.ndarray
    """Those whose labels are used."""
    valid: np.ndarray
    """The validation set, in ascending order, all of it labelled; may be empty."""


def split_training_set(
    targets, dseed, n_labeled=None, n_unlabeled=None, valid_set_size=10000, dataset="the data set", fixed=()
):
    """Choose training, labelled and validation examples as the original does.

    Parameters
    ----------
    targets : int64 array, shape (N,)
        Classes of the whole training set; -1 where there is no label.
    dseed : int or None
        ``--dseed``; 0 or None keeps the order of the file.
    n_labeled : int or None
        ``--labeled-samples``; 0 or None means all that have a label.
    n_unlabeled : int or None
        ``--unlabeled-samples``; None means what the registry says for the data set, or all.
    valid_set_size : int
        ``--valid-set-size``; smaller where fewer examples are left.
    dataset : str
        Its name, for messages and for the registry.
    fixed : tuple of int
        ``--labeled-indices``: the labelled examples, which are always among those that train; () for none.

    Returns
    -------
    Split

    Raises
    ------
    UserError
        If the numbers do not fit the data set or each other.
    """
    if n_unlabeled is None:
        n_unlabeled = min(n_training_examples(dataset) or len(targets), len(targets))
    labeled = fixed_labelled_set(fixed, targets, dataset) if fixed else None
    _check_sizes(n_unlabeled, n_labeled or len(fixed), valid_set_size, len(targets), dataset, bool(fixed))
    order = permutation(len(targets), dseed)
    train = order[:n_unlabeled]
    rest = np.setdiff1d(order, train)
    if fixed:
        train, rest = train_on(train, labeled, rest)
    else:
        labeled = labeled_indices(targets, train, n_labeled, dataset)
    return Split(train=train, labeled=labeled, valid=rest[targets[rest] != NO_LABEL][:valid_set_size])


def _check_sizes(n_unlabeled, n_labeled, valid_set_size, n_examples, dataset, is_fixed):
    if n_unlabeled < 1:
        raise UserError(f"--unlabeled-samples {n_unlabeled} leaves nothing to train on: use 1 or more.")
    if n_unlabeled > n_examples:
        raise UserError(
            f"--unlabeled-samples {n_unlabeled} is more than the {n_examples} training examples "
            f"of {dataset}: use {n_examples} or fewer."
        )
    if n_labeled < 0:
        raise UserError(f"--labeled-samples {n_labeled} is negative: use 0 for all, or a positive number.")
    if n_labeled > n_unlabeled:
        which = f"--labeled-indices with {n_labeled} positions" if is_fixed else f"--labeled-samples {n_labeled}"
        raise UserError(
            f"{which} is more than the {n_unlabeled} examples to train on: "
            f"use {n_unlabeled} or fewer, or raise --unlabeled-samples."
        )
    if valid_set_size < 0:
        raise UserError(f"--valid-set-size {valid_set_size} is negative: use 0 for none, or a positive number.")


def permutation(n_examples, dseed):
    """The positions 0 to n_examples - 1, int64, shuffled by ``RandomState(dseed)``.

    With a dseed of 0 or None they stay in order.  Raises UserError if dseed
    cannot seed a ``RandomState``.
    """
    order = np.arange(n_examples)
    if dseed:
        if not 0 < dseed <= MOST_DATA_SEED:
            raise UserError(f"--dseed {dseed} cannot seed the permutation: use a number from 0 to {MOST_DATA_SEED}.")
        np.random.RandomState(dseed).shuffle(order)
    return order


def labeled_indices(targets, train, n_labeled=None, dataset="the data set"):
    """The examples of ``train`` whose labels are used.

    If fewer are asked for than there are: the same number from each class,
    class after class, the first ones of each in the order of ``train``.
    Otherwise all of them, in the order of ``train``.

    Parameters
    ----------
    targets : int64 array, shape (N,)
        -1 where there is no label.
    train : int64 array, shape (n,)
    n_labeled : int or None
        0 or None means all.
    dataset : str
        Its name, for messages.

    Returns
    -------
    int64 array, shape (n_labeled,)

    Raises
    ------
    UserError
        If the classes cannot be represented equally, or nothing is labelled.
    """
    candidates = train[targets[train] != NO_LABEL]
    if len(candidates) == 0:
        raise UserError(
            f"none of the {len(train)} examples to train on has a label in {dataset}: "
            "raise --unlabeled-samples or convert the data set with labels."
        )
    if not n_labeled or n_labeled == len(candidates):
        return candidates
    n_classes = int(targets.max()) + 1
    _check_balance(n_labeled, len(candidates), n_classes, dataset)
    return _balanced(targets, candidates, n_labeled // n_classes, n_classes, dataset)


def _check_balance(n_labeled, n_candidates, n_classes, dataset):
    if n_labeled > n_candidates:
        raise UserError(
            f"--labeled-samples {n_labeled} is more than the {n_candidates} examples of {dataset} "
            f"that have a label and are trained on: use {n_candidates} or fewer."
        )
    if n_labeled < n_classes:
        raise UserError(
            f"--labeled-samples {n_labeled} is fewer than the {n_classes} classes of {dataset}: "
            f"use a multiple of {n_classes}."
        )
    if n_labeled % n_classes:
        raise UserError(
            f"--labeled-samples {n_labeled} does not divide by the {n_classes} classes of {dataset}: "
            f"use a multiple of {n_classes}."
        )


def _balanced(targets, candidates, per_class, n_classes, dataset):
    chosen = []
    for label in range(n_classes):
        members = candidates[targets[candidates] == label]
        if len(members) < per_class:
            raise UserError(
                f"--labeled-samples {per_class * n_classes} needs {per_class} examples of each class, but "
                f"class {label} of {dataset} has {len(members)} to train on: use fewer labelled samples."
            )
        chosen.append(members[:per_class])
    return np.concatenate(chosen)
