"""What a run records about its data: how they were read, and what they were, so that changes are noticed.

The record is part of the run's ``data.json``: ``divided_by``, ``read_range``
(lowest and highest value as read), and ``splits``, the number of examples and
the SHA-256 of labels and features of the splits ``train`` and ``test``.
"""

import hashlib
import logging
from dataclasses import replace

import numpy as np

from ladder.data import scaling
from ladder.data.examples import BEFORE_IT_WAS_DECIDED, load_examples
from ladder.data.hdf5 import HDF5Dataset, find_dataset, split_names
from ladder.errors import UserError
from ladder.options import source_names

logger = logging.getLogger("main.data")

SPLITS = ("train", "test")


def load_training_set(p, record=None):
    """The training examples, with the record of the data set.

    Parameters
    ----------
    p : Options
    record : dict or None
        The run's own, if it is resumed.

    Returns
    -------
    Examples
    """
    examples = read(p, "train", record)
    logger.info("%s: features are %s", examples.name, examples.reading)
    low, high = float(examples.features.min()), float(examples.features.max())
    splits = {"train": fingerprint(examples)}
    try:
        if "test" in split_names(find_dataset(p.dataset)):
            splits["test"] = fingerprint(load_examples(p.dataset, "test", p.sources, examples.divided_by))
    except UserError:
        pass  # training does not need a test set; evaluation reports the error
    if record is not None:
        splits.update(record.get("splits", {}))  # as they were when the run began
    kept = {"divided_by": float(examples.divided_by), "read_range": (low, high), "splits": splits}
    return replace(examples, record=kept)


def read(p, split, record=None):
    """One split, read as the run reads it.

    Parameters
    ----------
    p : Options
    split : str
    record : dict or None
        The run's ``data.json``; None: there is no run yet.
    """
    divided_by = p.divide_by
    if record is None:
        return load_examples(p.dataset, split, p.sources, divided_by)
    if divided_by is None:
        divided_by = record.get("divided_by", BEFORE_IT_WAS_DECIDED)
    try:
        find_dataset(p.dataset)
    except UserError as error:
        raise UserError(
            f"the run's data set is missing (evaluate and attack take it from elsewhere with --dataset FILE): {error}"
        ) from None
    return load_examples(p.dataset, split, p.sources, divided_by)


def reading_of_others(p, record):
    """How to read another data set so that it is scaled like that of a run: a record for :func:`read`.

    Parameters
    ----------
    p : Options
        Options that name the other data set.
    record : dict
        The run's ``data.json``.
    """
    path = find_dataset(p.dataset)
    if p.divide_by is not None or "divided_by" not in record:
        return {}
    split = "train" if "train" in split_names(path) else "test"
    stored = HDF5Dataset(path, split, source_names(p.sources))
    then = record["divided_by"], record["read_range"]
    if "images" in stored.description:
        return {"divided_by": scaling.divisor_of_pixels(*then)}
    return {"divided_by": scaling.divisor_of_others(stored.features, *then)}


def divided_otherwise(record, divided_by):
    """The ``data.json`` of a run (dict), as if its features had been divided by another number (> 0)."""
    was = record.get("divided_by", divided_by)
    low, high = record.get("read_range", record["feature_range"])
    return {**record, "divided_by": divided_by, "read_range": (low * was / divided_by, high * was / divided_by)}


def check_unchanged(p, record, folder, splits=SPLITS):
    """Refuse a data set that has changed since a run was trained; a missing one, or no record, is fine.

    Parameters
    ----------
    p : Options
    record : dict or None
    folder : Path, of the run
    splits : tuple of str

    Raises
    ------
    UserError
        Names what changed.
    """
    recorded = (record or {}).get("splits", {})
    try:
        there = split_names(find_dataset(p.dataset)) if recorded else ()
    except UserError:
        return
    for split in splits:
        if split in recorded and split in there:
            change = change_between(recorded[split], fingerprint(read(p, split, record)), p.dataset, split)
            if change:
                raise UserError(
                    f"{change} when {folder} was trained: put back the one that it was trained on, or train again "
                    "(evaluate and attack take another data set with --dataset)."
                )


def has_the_same(p, record):
    """Whether the data set that the options name has the same examples as a run, in every split; False if unknown.

    Parameters
    ----------
    p : Options
    record : dict
        The run's ``data.json``.
    """
    recorded = record.get("splits", {})
    if not recorded or not set(recorded) <= set(split_names(find_dataset(p.dataset))):
        return False
    try:
        # The test set first, because it is smaller.
        return all(recorded[split] == fingerprint(read(p, split, record)) for split in sorted(recorded))
    except UserError:  # it cannot even be read like the run's
        return False


def change_between(then, now, dataset, split):
    """How a split differs from a recorded one, as the beginning of a sentence; None if it does not.

    Parameters
    ----------
    then, now : dict, from :func:`fingerprint`
    dataset, split : str
    """
    which = {"train": "training", "test": "test"}[split]
    sentences = {
        "examples": f"has {now['examples']} {which} examples, and had {then['examples']}",
        "targets": f"has other labels on its {which} examples than",
        "features": f"has other values in its {which} examples than",
    }
    changes = [sentence for name, sentence in sentences.items() if then[name] != now[name]]
    return f"the data set {dataset} {changes[0]}" if changes else None


def fingerprint(examples):
    """The number of examples, and SHA-256 of their labels and features, as plain values."""
    return {
        "examples": len(examples.targets),
        "targets": sha256({"targets": examples.targets}),
        "features": sha256({"features": examples.features}),
    }


def sha256(arrays):
    """SHA-256 (str) of the names, types, shapes and contents of arrays (dict of name -> array)."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view("uint8"))
    return digest.hexdigest()
