"""The data of one run: which examples train, validate and test, and in what order."""

from dataclasses import dataclass

import numpy as np

from ladder.data.hdf5 import HDF5Dataset, as_float32, find_dataset
from ladder.data.schemes import SequentialScheme, ShuffledScheme
from ladder.data.splits import NO_LABEL, Split, split_training_set
from ladder.data.streams import DataStream, SemiDataStream
from ladder.errors import UserError


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
    stored = HDF5Dataset(find_dataset(dataset), split)
    features = as_float32(stored.features, dataset, unit_interval=dataset == "mnist")
    return Examples(dataset, features, stored.targets)


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
        targets, p.dseed, p.labeled_samples, p.unlabeled_samples, p.valid_set_size, p.dataset
    )
    _check_batches(p, "--unlabeled-samples", len(split.train))
    if not p.unsupervised:
        _check_batches(p, "--labeled-samples", len(split.labeled))
    return split


def _check_batches(p, option, n):
    """A batch of one example has no variance, and all its units would be 0."""
    if n == 1 or n % p.batch_size == 1:
        raise UserError(
            f"{option}: {n} examples in batches of --batch-size {p.batch_size} leave a last batch of one, "
            "which has no variance: change either."
        )


def check_classes(p, examples):
    """The top layer must have a unit for every class."""
    top = p.encoder_layers[-1]
    n_units = int(str(top).rpartition(":")[2])
    if not p.unsupervised and n_units < examples.n_classes:
        raise UserError(
            f"--encoder-layers ends with {n_units} units, but {examples.name} has "
            f"{examples.n_classes} classes: end with {examples.n_classes}."
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
