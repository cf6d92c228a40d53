"""An experiment: the options of a run with its training data, checked before anything is trained."""

import sys
from dataclasses import dataclass, replace
from typing import Optional

from ladder.adversarial_layers import resolve_adversarial
from ladder.augmentation_specs import resolve_augmentation
from ladder.batches import largest_batch, resolve_batches
from ladder.data import unscaled
from ladder.data.augmentation import check_images
from ladder.data.examples import Examples, check_fits, check_whitening, choose_examples, warn_of_missing_classes
from ladder.data.labeled_set import check_fixed
from ladder.data.preprocessing import preprocesses
from ladder.data.record import load_training_set
from ladder.data.splits import Split
from ladder.layers import resolve_layers
from ladder.network_size import check_memory, check_memory_of_whitening
from ladder.optimisation import resolve_optimisation, resolve_schedule
from ladder.options import Options
from ladder.pretraining import check_inputs, resolve_pretraining
from ladder.regularisation import resolve_regularisation
from ladder.rival_methods import check_rival, refuse_rival
from ladder.training.stopping import check_patience, check_validation


@dataclass(frozen=True)
class Experiment:
    """The options, examples and split of one run.

    Attributes
    ----------
    p : Options
    examples : Examples
        The training split, as it was read or (from :meth:`preprocessed`) as the network takes it.
    split : Split
        Which of them train, are labelled, and validate.
    as_read : Examples or None
        The training split as it was read, if ``examples`` are not.
    """

    p: Options
    examples: Examples
    split: Split
    as_read: Optional[Examples] = None

    @classmethod
    def on(cls, examples, p):
        """Check the experiment that trains on these examples, and return it."""
        split = choose_examples(p, examples)
        if p.rival:
            check_whitening(p, examples.in_dim)
            check_memory_of_whitening(p, examples.in_dim)
            return cls(p, examples, split)
        check_fits(p, examples.in_dim, examples.n_classes)
        check_images(p, examples.in_dim)
        check_memory(p, examples.in_dim, largest_batch(p, split))
        check_validation(p, split)
        if not p.unsupervised:
            warn_of_missing_classes(examples, split)
        check_inputs(p, examples.features)
        return cls(p, examples, split)

    @property
    def in_dim(self):
        """Shape of one example."""
        return self.examples.in_dim

    def preprocessed(self, preprocessor, fitted=None):
        """The same experiment, with its examples as the network takes them.

        Parameters
        ----------
        preprocessor : Preprocessor
        fitted : Fitted or None
            That of a run that is resumed; None: it is fitted here.
        """
        return self.taking(preprocessor(self.p, self.examples, self.split, fitted))

    def taking(self, examples):
        """The same experiment with its examples as the network takes them (Examples)."""
        return replace(self, examples=examples, as_read=self.examples)


def prepare(configurations):
    """Check options and data of every configuration before any is trained.

    Parameters
    ----------
    configurations : list of Options

    Returns
    -------
    list of Experiment
        The examples as they were read, shared by all that train on them.
    """
    return list(each_prepared(configurations))


def each_prepared(configurations):
    """Iterate over the same experiments, so that many of them need not be kept in memory."""
    for p in configurations:
        refuse_rival(p)
    return _each(configurations)


def prepare_all(configurations):
    """Like :func:`prepare`, but for both networks and rivals."""
    return list(_each(configurations))


def _each(configurations):
    for p in configurations:
        check_without_data(p)
    loaded, warned = {}, set()
    for p in configurations:
        data = p.dataset, p.sources, p.divide_by
        if data not in loaded:
            loaded[data] = load_training_set(p)
            _warn(loaded[data].lost)
        if data not in warned and not preprocesses(p):
            warned.add(data)
            _warn(unscaled.warning(loaded[data].features))
        yield Experiment.on(loaded[data], p)


def check_without_data(p):
    """Check everything about options that can be checked without data."""
    if p.rival:
        check_rival(p)
        check_fixed(p)
        return
    layers = resolve_layers(p)
    resolve_adversarial(p, layers)
    resolve_regularisation(p, layers)
    resolve_pretraining(p, layers)
    resolve_optimisation(p)
    resolve_schedule(p)
    resolve_batches(p)
    resolve_augmentation(p)
    check_patience(p)
    check_validation(p)
    check_fixed(p)


def _warn(sentence):
    if sentence is not None:
        print(sentence, file=sys.stderr)


def side_by_side(experiments):
    """Group experiments that differ only in their seeds.

    If some examples lack labels, the number of labelled ones may depend on the
    seed; batches then differ in size, and such runs are kept apart.

    Parameters
    ----------
    experiments : list of Experiment

    Returns
    -------
    list of lists of int, positions in ``experiments``, ordered by the first of each
    """
    groups = {}
    for i, experiment in enumerate(experiments):
        split = experiment.split
        sizes = [len(part) for part in (split.train, split.labeled, split.valid)]
        groups.setdefault(repr((replace(experiment.p, seed=1, dseed=1), sizes)), []).append(i)
    return list(groups.values())
