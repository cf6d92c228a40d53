"""Contrast normalisation and whitening of a run's examples.

Data flows one way: ``load_examples`` reads, ``choose_examples`` splits, and
what is here comes last, because whitening is fitted to the examples that
train and applied to all.  Features are copied: those that were read are
shared by runs with other options.

Source: ``setup_data`` and ``Whitening`` in the original's ``run.py``.
"""

from dataclasses import replace
from functools import cached_property

import numpy

from ladder.data.contrast import gradient_by_examples, normalise_contrast
from ladder.data.experiment import choose_examples, load_examples
from ladder.data.hdf5 import find_dataset
from ladder.data.whitening_cache import cached_whitening

#: Examples at a time: enough for fast products, few for memory.
CHUNK = 1000


class TrainingData:
    """The training set of a run, and what its options do to any features.

    Nothing is read or computed before it is asked for.

    Parameters
    ----------
    p : HyperParameters
        Of which the shape of the examples may be missing.
    examples : Examples or None
        The training split as it was read, if it was.
    split : Split or None
        What of it trains and validates, if that is known.
    """

    def __init__(self, p, examples=None, split=None):
        self.p = p
        if examples is not None:
            self.examples = examples
        if split is not None:
            self.split = split

    @cached_property
    def examples(self):
        """The training split (Examples) as it was read."""
        return load_examples(self.p.dataset, "train")

    @cached_property
    def split(self):
        """What of it trains and validates (Split)."""
        return choose_examples(self.p, self.examples)

    @cached_property
    def whitening(self):
        """A Whitening fitted to the examples that train; None where there is none."""
        if not self.p.whiten_zca:
            return None
        return cached_whitening(find_dataset(self.p.dataset), self._parts_to_fit)

    def _parts_to_fit(self):
        features, train = self.examples.features, self.split.train
        for start in range(0, len(train), CHUNK):
            yield self._contrast_normalised(features[train[start : start + CHUNK]])

    def preprocess(self, examples):
        """Examples (of any split) as the network takes them; the same object where nothing is to do."""
        if not preprocesses(self.p):
            return examples
        return replace(examples, features=self.preprocess_features(examples.features))

    def preprocess_features(self, features):
        """Features as the network takes them.

        Parameters
        ----------
        features : float32 array, shape (N, …)

        Returns
        -------
        float32 array, shape (N, …)
            ``features`` itself where nothing is to do.
        """
        if not preprocesses(self.p):
            return features
        result = numpy.empty_like(features)
        for start in range(0, len(features), CHUNK):
            part = features[start : start + CHUNK]
            flat = self._contrast_normalised(part)
            if self.whitening is not None:
                flat = self.whitening.apply(flat)
            result[start : start + CHUNK] = flat.reshape(part.shape)
        return result

    def gradient_by_features(self, features, gradient):
        """The gradient of a cost by the features as they were read.

        Parameters
        ----------
        features : float32 array, shape (N, …)
            As they were read.
        gradient : float32 array, shape (N, …)
            By what :meth:`preprocess_features` makes of them.

        Returns
        -------
        float32 array, shape (N, …)
        """
        flat = gradient.reshape(len(gradient), -1)
        if self.whitening is not None:
            flat = flat @ self.whitening.matrix  # which is symmetric
        if self.p.contrast_norm:
            flat = gradient_by_examples(features.reshape(len(features), -1), self.p.contrast_norm, flat)
        return flat.reshape(features.shape)

    def undo_whitening(self, features):
        """Whitened features as images that can be looked at, float32 (N, …); others are returned as they are.

        Contrast normalisation remains, as what it takes away is gone.
        """
        if self.whitening is None:
            return features
        return self.whitening.undo(features.reshape(len(features), -1)).reshape(features.shape)

    def _contrast_normalised(self, features):
        flat = features.reshape(len(features), -1)
        return normalise_contrast(flat, self.p.contrast_norm) if self.p.contrast_norm else flat


class Preprocessor:
    """Preprocesses the training sets of a sweep, one at a time in memory.

    Runs that differ in nothing that matters here share one result.
    """

    def __init__(self):
        self._key, self._examples = None, None

    def __call__(self, p, examples, split):
        """The training split (Examples) as the network of ``p`` takes it.

        Parameters
        ----------
        p : HyperParameters
        examples : Examples, the training split as it was read
        split : Split
        """
        whitened = (split.train.tobytes(),) if p.whiten_zca else ()
        key = (p.dataset, p.contrast_norm, *whitened)
        if key != self._key:
            self._key = self._examples = None  # the last one's memory is free before the next one's is taken
            self._examples = TrainingData(p, examples, split).preprocess(examples)
            self._key = key
        return self._examples


def preprocesses(p):
    """Whether a network takes anything but the features as they are read."""
    return bool(p.contrast_norm or p.whiten_zca)
