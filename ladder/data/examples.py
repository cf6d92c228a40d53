"""The data of one run: which examples train, validate and test, and in what order."""

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ladder.batches import labeled_batch_size, unlabeled_batch_size, unlabeled_option
from ladder.data import NO_LABEL, rounding, scaling
from ladder.data.hdf5 import HDF5Dataset, find_dataset, split_names
from ladder.data.labels import check_labels
from ladder.data.registry import needs_unit_interval
from ladder.data.schemes import SequentialScheme, ShuffledScheme
from ladder.data.splits import Split, split_training_set
from ladder.data.streams import DataStream, SemiDataStream
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import source_names

#: Value of ``divided_by`` for runs from before it was recorded.
BEFORE_IT_WAS_DECIDED = "before it was decided"

#: With this many validation examples per class, a random order hardly ever leaves a class out.
PER_CLASS = 10

logger = logging.getLogger("main.data")


@dataclass(frozen=True)
class Examples:
    """The arrays of one split of a data set, held in memory once and shared by all streams.

    Attributes
    ----------
    name : str, the data set's
    features : (N, …) float32
    targets : (N,) int64, -1 for no label
    divided_by : number
        What the stored features were divided by.
    sources : tuple of str
        The sources in the file.
    path : Path or None
        The data set's file.
    reading : str
        In words, what the file holds and what was done to it.
    record : dict
        What a run records about the data set, see :mod:`ladder.data.record`.
    description : dict
        The description in its file, see :mod:`ladder.data.description`.
    lost : str or None
        For the training split: a warning about features whose values float32 can hardly tell apart.
    fitted : Fitted or None
        The fitted preprocessing that was applied, see :mod:`ladder.data.preprocessing`.
    """

    name: str
    features: np.ndarray
    targets: np.ndarray
    divided_by: float = 1
    sources: tuple = ()
    path: Optional[Path] = None
    reading: str = ""
    record: dict = field(default_factory=dict)
    description: dict = field(default_factory=dict)
    lost: Optional[str] = None
    fitted: Optional[Any] = None

    @property
    def in_dim(self):
        """Shape of one example."""
        return self.features.shape[1:]

    @property
    def n_classes(self):
        """Highest label + 1; 0 if nothing is labelled."""
        return int(self.targets.max(initial=NO_LABEL)) + 1


def load_examples(dataset, split, sources=(), divided_by=None):
    """Read one split of a data set, given by its name or as an HDF5 file.

    Parameters
    ----------
    dataset : str
    split : str
    sources : tuple of str
        As given with ``--sources``.
    divided_by : number, ``BEFORE_IT_WAS_DECIDED`` or None
        What to divide the features by; None: what :func:`ladder.data.scaling.divisor` finds from the training split.

    Raises
    ------
    UserError
        If it is missing, damaged, or not what its name promises.
    """
    path = find_dataset(dataset)
    names = source_names(sources)
    stored, name = HDF5Dataset(path, split, names), path.stem
    if divided_by == BEFORE_IT_WAS_DECIDED:
        divided_by = scaling.divisor_before_it_was_decided(stored.features, name)
    elif divided_by is None:
        divided_by = scaling.divisor_of_stored(stored, name, lambda: _features_that_train(path, stored, split, names))
    features = scaling.as_float32(stored.features, name, divided_by, unit_interval=needs_unit_interval(name))
    lost = rounding.warning(stored.features, features, name, divided_by) if split == "train" else None
    reading = scaling.describe(stored.features, divided_by, stored.is_turned)
    about = {"description": stored.description, "lost": lost}
    return Examples(name, features, stored.targets, divided_by, stored.sources, path, reading, **about)


def _features_that_train(path, stored, split, names):
    """The training split's features as stored; those of ``stored`` if their dtype decides or no split trains."""
    if split == "train" or stored.features.dtype.kind == "f" or "train" not in split_names(path):
        return stored.features
    return HDF5Dataset(path, "train", names).features


def describe(examples):
    """What a run records about its training data: plain values for ``data.json``.

    Returns
    -------
    dict
        ``in_dim`` (tuple of int), ``n_classes``, ``feature_range`` (lowest and highest, as the network takes them),
        the class names and how images were read if the file says so, and the record of
        :mod:`ladder.data.record` if there is one.
    """
    feature_range = (float(examples.features.min()), float(examples.features.max()))
    return {
        "in_dim": examples.in_dim,
        "n_classes": examples.n_classes,
        "feature_range": feature_range,
        **examples.description,
        **examples.record,
    }


def choose_examples(p, examples):
    """Split the training set according to the options ``p``, and check that it can be trained on.

    Parameters
    ----------
    p : Options
    examples : Examples, the training split

    Returns
    -------
    Split
    """
    targets = examples.targets
    if p.unsupervised:
        # Any label will do: none is used.
        targets = np.zeros_like(targets)
    else:
        _check_labelled(p, examples)
        sources = {"--sources": ",".join(p.sources)} if p.sources else {}
        check_labels(targets, examples.path or p.dataset, sources)
    split = split_training_set(
        targets, p.dseed, p.labeled_samples, p.unlabeled_samples, p.valid_set_size, examples.name, p.labeled_indices
    )
    if not p.rival:  # rivals have no batches
        _check_all_batches(p, split)
    return split


def warn_of_missing_classes(examples, split):
    """Warn if the validation set lacks classes that it would have if the examples were in random order."""
    trained, validate = np.unique(examples.targets[split.labeled]), examples.targets[split.valid]
    missing = np.setdiff1d(trained, validate)
    if len(missing) and len(validate) >= PER_CLASS * len(trained):
        logger.warning(
            "Warning: the validation set, the first %d of the examples of %s that do not train, has only %d of %d classes, "
            "as it is sorted by class: %s",
            len(validate),
            examples.name,
            len(trained) - len(missing),
            len(trained),
            "shuffle the examples" if examples.path is None else "convert it again with --shuffle",
        )


def _check_all_batches(p, split):
    n_unlabeled, n_labeled = len(split.train), len(split.labeled)
    _check_batches("--unlabeled-samples", n_unlabeled, unlabeled_option(p), unlabeled_batch_size(p, n_unlabeled))
    if not p.unsupervised:
        labels = "--labeled-indices" if p.labeled_indices else "--labeled-samples"
        _check_batches(labels, n_labeled, "--batch-size", labeled_batch_size(p, n_labeled))
    _check_batches("--valid-set-size", len(split.valid), "--valid-batch-size", p.valid_batch_size)


def _check_labelled(p, examples):
    if (examples.targets != NO_LABEL).any():
        return
    others = [source for source in examples.sources if source not in source_names(p.sources).values()]
    if others:
        raise UserError(
            f"{p.dataset} has no source 'targets', but {' and '.join(others)}: say which are the labels, e.g. with "
            f"--sources targets={others[-1]}."
        )
    without = ", or train with --unsupervised" * any(p.denoising_cost_x)  # which needs a denoising cost
    raise UserError(f"no training example of {p.dataset} has a label: convert it with labels{without}.")


def _check_batches(option, n, batch_option, batch_size):
    """Refuse a last batch of one example: it has no variance, and all its units would be 0."""
    if n == 1:
        raise UserError(
            f"{option}: a single example has no variance, and there is no second to take with it: use more."
        )
    if n % batch_size == 1:
        raise UserError(
            f"{option}: {n} examples in batches of {batch_option} {batch_size} leave a last batch of one, "
            "which has no variance: change one of the two."
        )


def check_fits(p, in_dim, n_classes):
    """Check that the top layer has a unit for every class, and that whitening keeps a component for every input."""
    check_whitening(p, in_dim)
    n_units = resolve_layers(p, in_dim)[-1].size
    if not p.unsupervised and n_units < n_classes:
        raise UserError(
            f"--encoder-layers ends with {n_units} units, but {p.dataset} has {n_classes} classes: "
            f"end with {n_classes}."
        )


def check_whitening(p, in_dim):
    """Check that whitening keeps a component for every input."""
    n_inputs = math.prod(in_dim)
    if p.whiten_zca and p.whiten_zca != n_inputs:
        raise UserError(
            f"--whiten-zca is {p.whiten_zca}, but an example has {n_inputs} inputs "
            f"({' x '.join(map(str, in_dim))}) and whitening keeps them all: give {n_inputs}, or 0 for none."
        )


def training_stream(p, examples, split: Split):
    """Shuffled batches of both halves; an epoch ends when the unlabelled half does."""
    scheme = ShuffledScheme(split.train, unlabeled_batch_size(p, len(split.train)))
    unlabeled = DataStream({"features": examples.features}, scheme)
    if p.unsupervised:
        return SemiDataStream(None, unlabeled)
    scheme = ShuffledScheme(split.labeled, labeled_batch_size(p, len(split.labeled)))
    return SemiDataStream(_labeled(examples, scheme), unlabeled)


def validation_stream(p, examples, indices):
    """Batches whose halves are the same images: the labelled half for the error, the other for denoising."""
    both = [ShuffledScheme(indices, p.valid_batch_size) for _ in range(2)]
    unlabeled = DataStream({"features": examples.features}, both[1])
    return SemiDataStream(None if p.unsupervised else _labeled(examples, both[0]), unlabeled)


def sequential_batches(examples, indices, batch_size):
    """Batches in the order of ``indices``: (features, targets) pairs."""
    stream = _labeled(examples, SequentialScheme(indices, batch_size))
    for batch in SemiDataStream(stream, None).get_epoch_iterator():
        yield batch["features_labeled"], batch["targets_labeled"]


def _labeled(examples, scheme):
    return DataStream({"features": examples.features, "targets": examples.targets}, scheme)
