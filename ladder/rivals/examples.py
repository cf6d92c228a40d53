"""The arrays that a rival is fitted to and tested on: those of ``run.py train`` with the same options."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ladder.data import NO_LABEL
from ladder.data.preprocessing import TrainingData
from ladder.data.record import read
from ladder.errors import UserError
from ladder.rivals.neighbours import Neighbours


@dataclass(frozen=True)
class Part:
    """Some labelled examples: features (n, inputs) float32, and targets (n,) int64."""

    features: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class RivalExamples:
    """The data of one rival, preprocessed and flat.

    Attributes
    ----------
    features : (n, inputs) float32
        Features of the training examples, in the order of the file.
    targets : (n,) int64
        -1 unless the label is used.
    valid, test : Part
        ``valid`` may be empty.
    as_taken : Examples
        The whole training split as a network would take it.
    """

    features: np.ndarray
    targets: np.ndarray
    valid: Part
    test: Part
    as_taken: object = field(repr=False)

    @cached_property
    def neighbours(self):
        """The nearest training examples of all examples (Neighbours), found when first needed."""
        return Neighbours(self.features, {"valid": self.valid.features, "test": self.test.features})

    def part(self, name):
        """'valid' or 'test' -> Part."""
        return {"valid": self.valid, "test": self.test}[name]

    @property
    def labelled(self):
        """Which of the training examples have a label that is used: (n,) bool."""
        return self.targets != NO_LABEL


class ExamplesOfRuns:
    """Makes :class:`RivalExamples`, one for all rivals with the same data.

    Seeds with the same training examples share neighbours.
    """

    def __init__(self):
        self._key = self._last = None

    def __call__(self, experiment):
        """The examples of a rival.

        Parameters
        ----------
        experiment : Experiment, its examples as they were read
        """
        key = replace(experiment.p, rival="", encoder_layers=())
        if key != self._key:
            before, self._last = self._last, None
            made = rival_examples(experiment)
            if before is not None and np.array_equal(before.features, made.features):
                made.neighbours.take_over(before.neighbours)
            self._key, self._last = key, made
        return self._last


def rival_examples(experiment):
    """The RivalExamples of an Experiment whose examples are as they were read."""
    p, split = experiment.p, experiment.split
    training = TrainingData(p, experiment.examples, split)
    test = read(p, "test", experiment.examples.record)
    tested = np.flatnonzero(test.targets != NO_LABEL)
    if len(tested) == 0:
        raise UserError(f"{p.dataset} has no labelled test examples: convert it with some.")
    low, high, n_classes = test.targets[tested].min(), test.targets[tested].max(), experiment.examples.n_classes
    if low < 0 or high >= n_classes:
        raise UserError(
            f"{p.dataset}: the labels of its test examples go from {low} to {high}, but its classes are 0 to "
            f"{n_classes - 1}: convert it with --no-label, where a number means no label, or with --renumber-labels."
        )
    examples = training.preprocess(experiment.examples)
    train = np.sort(split.train)  # so that all seeds that train on everything have the same graph
    targets = np.full(len(examples.targets), NO_LABEL)
    targets[split.labeled] = examples.targets[split.labeled]
    return RivalExamples(
        _flat(examples.features, train),
        targets[train],
        Part(_flat(examples.features, split.valid), examples.targets[split.valid]),
        Part(_flat(training.preprocess(test).features, tested), test.targets[tested]),
        examples,
    )


def _flat(features, positions):
    return features[positions].reshape(len(positions), math.prod(features.shape[1:]))
