"""Scaling, contrast normalisation and whitening of a run's examples, in this order.

Data flows one way: ``load_training_set`` reads, ``choose_examples`` splits,
and preprocessing comes last, because scales and whitening are fitted to the
examples that train and applied to all.  The fitted parameters belong to the
run and are kept in its folder.  Features are copied, because runs with other
options share those that were read.

Source: ``setup_data`` and ``Whitening`` in the original's ``run.py``.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Optional

import numpy as np

from ladder.data.contrast import gradient_by_examples, normalise_contrast
from ladder.data.examples import choose_examples, load_examples
from ladder.data.feature_scale import FeatureScale, fit_rescaling, fit_standardization
from ladder.data.record import change_between, fingerprint, read
from ladder.data.whitening import Whitening, fit_whitening
from ladder.data.whitening_cache import cached_whitening
from ladder.errors import UserError

#: Examples processed at a time: enough for fast matrix products, few enough to save memory.
CHUNK = 1000


@dataclass(frozen=True)
class Fitted:
    """The preprocessing fitted to the examples that train; each part is None unless asked for."""

    scale: Optional[FeatureScale] = None
    whitening: Optional[Whitening] = None


class TrainingData:
    """The training set of a run, and its preprocessing, which can be applied to any features.

    Nothing is read or computed before it is needed.

    Parameters
    ----------
    p : Options
        The run's options.
    examples : Examples or None
        The training split as read, if it has been.
    split : Split or None
        Which of them train and validate, if that is known.
    record : dict or None
        What the run recorded about its data, see :mod:`ladder.data.record`.
    fitted : Fitted or None
        The preprocessing that the run saved; None: it is fitted anew.
    """

    def __init__(self, p, examples=None, split=None, record=None, fitted=None):
        self.p, self.record = p, record
        self._is_of_arrays = examples is not None and examples.path is None
        self._left_behind = None  # the record of the data set, if a pickle left the examples behind
        self.keep(fitted)
        if examples is not None:
            self.examples = examples
        if split is not None:
            self.split = split

    def keep(self, fitted):
        """Use the preprocessing that a run saved (Fitted) instead of fitting anew; None changes nothing."""
        if fitted is not None:
            self.fitted = fitted

    def __getstate__(self):
        """All but the examples that were trained on, unless it cannot be checked that those read again are the same."""
        state, examples = dict(vars(self)), vars(self).get("examples")
        record = examples and (examples.record or self.record or {})  # the run's own, if it was loaded
        if examples is not None and (self._is_of_arrays or "splits" in record):
            del state["examples"]
            # It is fitted to these examples, so it has to come along.
            state.update(fitted=self.fitted, _left_behind=record)
        return state

    def __deepcopy__(self, memo):
        return self  # once a network is trained, nothing changes it

    def read(self, split):
        """Examples of 'train' or 'test' as the run reads them.

        Raises
        ------
        UserError
            There is no such data set, or it is not the one that a network was trained on before it was pickled.
        """
        if self._is_of_arrays:
            have = "a pickle does not keep" if split == "train" else "have no test set"
            raise UserError(f"this network was trained on arrays, which {have}: give examples to predict instead.")
        if self._left_behind is None:
            return read(self.p, split, self.record)
        examples = load_examples(self.p.dataset, split, self.p.sources, self._left_behind["divided_by"])
        then = self._left_behind["splits"].get(split)
        change = then and change_between(then, fingerprint(examples), self.p.dataset, split)
        if change:
            raise UserError(f"{change} when this network was trained: put back the one that it was trained on.")
        return replace(examples, record=self._left_behind)

    @cached_property
    def examples(self):
        """The training split (Examples) as it was read."""
        return self.read("train")

    @cached_property
    def split(self):
        """Which examples train and validate (Split)."""
        return choose_examples(self.p, self.examples)

    @cached_property
    def fitted(self):
        """The preprocessing fitted to the examples that train (Fitted)."""
        scale = self._fit_scale()
        if not self.p.whiten_zca:
            return Fitted(scale)
        if self.examples.path is None:  # a user's own arrays, which have no folder for a cache
            return Fitted(scale, fit_whitening(lambda: self._parts_to_fit(scale)))
        return Fitted(scale, cached_whitening(self.examples.path, lambda: self._parts_to_fit(scale)))

    def _fit_scale(self):
        fit = fit_standardization if self.p.standardize else fit_rescaling if self.p.rescale else None
        return fit and fit(self._parts_that_train)

    def _parts_that_train(self):
        features, train = self.examples.features, self.split.train
        for start in range(0, len(train), CHUNK):
            part = features[train[start : start + CHUNK]]
            yield part.reshape(len(part), -1)

    def _parts_to_fit(self, scale):
        for part in self._parts_that_train():
            yield self._contrast_normalised(scale.apply(part) if scale else part)

    def preprocess(self, examples):
        """Examples (of any split) as the network takes them; the same object if there is nothing to do."""
        if not preprocesses(self.p):
            return examples
        return replace(examples, features=self.preprocess_features(examples.features), fitted=self.fitted)

    def preprocess_features(self, features):
        """Features as the network takes them.

        Parameters
        ----------
        features : float32 array, shape (N, …)

        Returns
        -------
        float32 array, shape (N, …)
            ``features`` itself if there is nothing to do.
        """
        if not preprocesses(self.p):
            return features
        result = np.empty_like(features)
        for start in range(0, len(features), CHUNK):
            part = features[start : start + CHUNK]
            flat = self._contrast_normalised(self._scaled(part))
            if self.fitted.whitening is not None:
                flat = self.fitted.whitening.apply(flat)
            result[start : start + CHUNK] = flat.reshape(part.shape)
        return result

    def gradient_by_features(self, features, gradient):
        """The gradient of a cost with respect to the features as read.

        Parameters
        ----------
        features : float32 array, shape (N, …)
            As read.
        gradient : float32 array, shape (N, …)
            With respect to the result of :meth:`preprocess_features`.

        Returns
        -------
        float32 array, shape (N, …)
        """
        flat = gradient.reshape(len(gradient), -1)
        if self.fitted.whitening is not None:
            flat = flat @ self.fitted.whitening.matrix  # symmetric, so not transposed
        if self.p.contrast_norm:
            flat = gradient_by_examples(self._scaled(features), self.p.contrast_norm, flat)
        if self.fitted.scale is not None:
            flat = flat / self.fitted.scale.divisor
        return flat.reshape(features.shape)

    def undo(self, features):
        """Preprocessed features as viewable images, float32 (N, …); returned as they are if nothing was fitted.

        Contrast normalisation cannot be undone, so it stays, and with it any scaling before it.
        """
        if self.fitted == Fitted():
            return features
        flat = features.reshape(len(features), -1)
        if self.fitted.whitening is not None:
            flat = self.fitted.whitening.undo(flat)
        if self.fitted.scale is not None and not self.p.contrast_norm:
            flat = self.fitted.scale.undo(flat)
        return flat.reshape(features.shape)

    def _scaled(self, features):
        """Flat and scaled: (N, …) -> (N, inputs)."""
        flat = features.reshape(len(features), -1)
        return flat if self.fitted.scale is None else self.fitted.scale.apply(flat)

    def _contrast_normalised(self, flat):
        return normalise_contrast(flat, self.p.contrast_norm) if self.p.contrast_norm else flat


class Preprocessor:
    """Preprocesses the training sets of a sweep, keeping one at a time in memory.

    Successive runs with the same data and preprocessing share one result.
    """

    def __init__(self):
        self._key, self._examples = None, None

    def __call__(self, p, examples, split, fitted=None):
        """The training split (Examples) as the network of ``p`` takes it.

        Parameters
        ----------
        p : Options
        examples : Examples, the training split as it was read
        split : Split
        fitted : Fitted or None
            The preprocessing of a resumed run; None: it is fitted.
        """
        trains = (split.train.tobytes(),) if fits(p) else ()
        data = (p.dataset, p.sources, p.divide_by)
        key = (*data, p.contrast_norm, p.whiten_zca, p.standardize, p.rescale, *trains)
        if key != self._key:
            self._key = self._examples = None  # free the last result's memory before the next one takes its own
            self._examples = TrainingData(p, examples, split, fitted=fitted).preprocess(examples)
            self._key = key
        return self._examples


def preprocesses(p):
    """Whether features are changed between reading and the network."""
    return bool(steps_in_words(p))


def fits(p):
    """Whether a scale or a whitening is fitted to the examples that train."""
    return bool(p.standardize or p.rescale or p.whiten_zca)


def steps_in_words(p):
    """The preprocessing steps between reading and the network, in words: list of str, first to last."""
    steps = ["standardised"] * p.standardize + ["rescaled"] * p.rescale
    steps += [f"contrast normalised to {p.contrast_norm}"] * bool(p.contrast_norm)
    return steps + ["ZCA-whitened"] * bool(p.whiten_zca)
