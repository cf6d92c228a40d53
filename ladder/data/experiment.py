"""The data of one run: which examples train, validate and test, and in what order."""

from dataclasses import dataclass

import numpy as np

from ladder.data import NO_LABEL
from ladder.data.hdf5 import HDF5Dataset, as_float32, find_dataset, scales_pixels
from ladder.data.schemes import SequentialScheme, ShuffledScheme
from ladder.data.splits import Split, split_training_set
from ladder.data.streams import DataStream, SemiDataStream
from ladder.errors import UserError
from ladder.hyper import resolve_layers


@dataclass(frozen=True)
class Examples:
    """Arrays of one split of a data set, in memory once and shared by all streams.

    Attributes
    ----------
    name : str, the data set's
    features : (N, …) float32
    targets : (N,) int64, -1 for no label
    """

    name: str
    features: np.ndarray
    targets: np.ndarray

    @property
    def in_dim(self):
        """Shape of one example."""
        return self.features.shape[1:]

    @property
    def n_classes(self):
        """Highest label + 1; 0 where nothing is labelled."""
        return int(self.targets.max(initial=NO_LABEL)) + 1


def load_examples(dataset, split):
    """Read one split of a data set given by name or HDF5 file.

    Raises
    ------
    UserError
        Where it is missing, damaged, or not what its name promises.
    """
    path = find_dataset(dataset)
    stored, name = HDF5Dataset(path, split), path.stem
    features = as_float32(stored.features, name, scale=scales_pixels(path), unit_interval=name == "mnist")
    return Examples(name, features, stored.targets)


def describe(examples):
    """What a run records of its training data: plain values for ``data.json``.

    Returns
    -------
    dict
        ``in_dim`` (tuple of int), ``n_classes``, ``feature_range`` (lowest, highest).
    """
    feature_range = (float(examples.features.min()), float(examples.features.max()))
    return {"in_dim": examples.in_dim, "n_classes": examples.n_classes, "feature_range": feature_range}


def choose_examples(p, examples):
    """Cut the training set by the options of ``p``, and check that it can train.

    Parameters
    ----------
    p : HyperParameters
    examples : Examples, the training split

    Returns
    -------
    Split
    """
    targets = examples.targets
    if p.unsupervised:
        # Any label will do: none is used.
        targets = np.zeros_like(targets)
    split = split_training_set(
        targets, p.dseed, p.labeled_samples, p.unlabeled_samples, p.valid_set_size, examples.name
    )
    _check_batches("--unlabeled-samples", len(split.train), "--batch-size", p.batch_size)
    if not p.unsupervised:
        _check_batches("--labeled-samples", len(split.labeled), "--batch-size", p.batch_size)
    _check_batches("--valid-set-size", len(split.valid), "--valid-batch-size", p.valid_batch_size)
    return split


def _check_batches(option, n, batch_option, batch_size):
    """A batch of one example has no variance, and all its units would be 0."""
    if n % batch_size == 1:
        raise UserError(
            f"{option}: {n} examples in batches of {batch_option} {batch_size} leave a last batch of one, "
            "which has no variance: change either."
        )


def check_classes(p, dataset, n_classes):
    """The top layer must have a unit for every class of the data set."""
    n_units = resolve_layers(p)[-1].size
    if not p.unsupervised and n_units < n_classes:
        raise UserError(
            f"--encoder-layers ends with {n_units} units, but {dataset} has {n_classes} classes: "
            f"end with {n_classes}."
        )


def training_stream(p, examples, split: Split):
    """Shuffled batches of both halves; an epoch ends when the unlabelled half does."""
    unlabeled = DataStream({"features": examples.features}, ShuffledScheme(split.train, p.batch_size))
    if p.unsupervised:
        return SemiDataStream(None, unlabeled)
    return SemiDataStream(_labeled(examples, ShuffledScheme(split.labeled, p.batch_size)), unlabeled)


def validation_stream(p, examples, indices):
    """Batches whose halves are the same images: labels for the error, the rest for denoising."""
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
