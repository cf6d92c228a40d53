"""What a data set holds, in numbers: splits, shapes, types, ranges, classes."""

from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np

from ladder.data import NO_LABEL, scaling, unscaled
from ladder.data.hdf5 import HDF5Dataset, find_dataset, split_names
from ladder.data.registry import has_pixels, needs_unit_interval
from ladder.options import source_names


@dataclass(frozen=True)
class SplitSummary:
    """What one split holds.

    Attributes
    ----------
    name : str
    n : int
        Examples.
    shape : tuple of int
        Of one example; images have their channels first.
    dtype : str, as stored
    lowest, highest : float, of the features as stored
    counts : dict of class -> int
        The number of examples of each class that occurs; -1 is "no label".
    reading : str
        What training reads, in words.
    warning : str or None
        Of the training split: a sentence about features that should be scaled.
    """

    name: str
    n: int
    shape: tuple
    dtype: str
    lowest: float
    highest: float
    counts: dict = field(default_factory=dict)
    reading: str = ""
    warning: Optional[str] = None

    @property
    def n_unlabelled(self):
        return self.counts.get(NO_LABEL, 0)

    @property
    def classes(self):
        """The classes that occur, in order: list of int."""
        return [label for label in self.counts if label != NO_LABEL]


def summarise(dataset, sources=(), divide_by=None):
    """What each split of a data set holds, the training split first.

    Parameters
    ----------
    dataset : str, a name or an HDF5 file
    sources : tuple of str, as given with ``--sources``
    divide_by : number or None, as given with ``--divide-by``

    Returns
    -------
    path : Path
    sources : tuple of str, all that the file has
    splits : list of SplitSummary

    Examples
    --------
    >>> path, sources, (train, test) = summarise("digits")
    >>> path.name, sources, train.n, test.shape, test.counts[3]
    ('digits.hdf5', ('features', 'targets'), 1437, (1, 8, 8), 37)
    """
    path = find_dataset(dataset)
    names, found = set(), []
    for split in sorted(split_names(path), key=lambda name: (name != "train", name != "test", name)):
        stored = HDF5Dataset(path, split, source_names(sources))
        if not found:  # the split that trains
            divided_by = divide_by or scaling.divisor_of_stored(stored, path.stem)
            warning = _warning(stored.features, path.stem, divided_by)
        names.update(stored.sources)
        found.append(_summary(split, stored, divided_by))
    return path, tuple(sorted(names)), [replace(found[0], warning=warning), *found[1:]]


def _warning(features, name, divided_by):
    scaling.check_range(features, name, divided_by, unit_interval=needs_unit_interval(name))
    # Data sets whose pixels are not scaled have presets that normalise contrast and whiten.
    return None if has_pixels(name) is False else unscaled.warning(features, divided_by)


def _summary(split, stored, divided_by):
    features = stored.features
    labels, counts = np.unique(stored.targets, return_counts=True)
    return SplitSummary(
        split,
        stored.num_examples,
        features.shape[1:],
        str(features.dtype),
        float(features.min()),
        float(features.max()),
        dict(zip(labels.tolist(), counts.tolist())),
        scaling.describe(features, divided_by, stored.is_turned),
    )
