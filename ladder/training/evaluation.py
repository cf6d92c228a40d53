"""Evaluation: a trained run with its data, and its error, overall and by class."""

import logging
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from ladder import backends, budget
from ladder.batches import unlabeled_batch_size, without_a_batch_of_one
from ladder.combinations import only
from ladder.data import NO_LABEL
from ladder.data.description import with_known_classes
from ladder.data.examples import check_fits, describe, sequential_batches, training_stream
from ladder.data.preprocessing import TrainingData, fits
from ladder.data.record import (
    change_between,
    check_unchanged,
    divided_otherwise,
    fingerprint,
    has_the_same,
    reading_of_others,
)
from ladder.data.registry import n_training_examples, name_of
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.network_size import check_memory, examples_at_once
from ladder.option_names import as_typed
from ladder.options import Options
from ladder.runs.arrays import BEST, PARAMETERS, TrainedArrays
from ladder.runs.evaluations import FILES, save_evaluation
from ladder.runs.folder import OPTIONS_FILE, PREPROCESSING, RunFolder

logger = logging.getLogger("main")

#: Splits that can be evaluated: test examples, those left over for validation, and training examples.
EVALUATED = ("test", "valid", "train")

#: Options that ask for data other than the run's, and those that ask for another preprocessing.
OF_DATA = {"dataset", "sources", "divide_by"}
OF_PREPROCESSING = {"contrast_norm", "whiten_zca", "standardize", "rescale"}


@dataclass(frozen=True)
class TrainedRun:
    """A trained network with its training data: from a folder, ours or the original's, or in memory.

    Attributes
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    data : dict
        What is recorded about its training data, see :func:`ladder.data.examples.describe`.
    training : TrainingData
        Of the data set asked for; read on first use, which is rare for our own finished runs.
    folder : RunFolder or None
    arrays : TrainedArrays or None
        None: read from the folder.
    overridden : tuple of str
        Options that are not the run's own; a copy of its data set counts as its own.
    parameters : str
        Which ones are used: 'last', or 'best' for those that ``--keep best`` kept.
    best : TrainedArrays or None
        The best ones, of a run in memory that kept them.
    has_options : bool
        Whether it was read from a folder with its own options.
    environment : dict or None
        What that folder says about where it was trained.
    """

    p: Options
    in_dim: tuple
    data: dict
    training: TrainingData
    folder: Optional[RunFolder] = None
    arrays: Optional[TrainedArrays] = None
    overridden: tuple = ()
    parameters: str = "last"
    best: Optional[TrainedArrays] = None
    has_options: bool = False
    environment: Optional[dict] = None

    @classmethod
    def load(cls, path, given=(), parameters="last"):
        """The run in a folder.

        Parameters
        ----------
        path : str or Path
        given : dict of option name -> value or list of one value
            Options that override the run's; needed where its folder has none.
        parameters : str, 'last' or 'best'
        """
        folder = RunFolder.existing(path)
        folder.check_kept(parameters)
        stored, record = folder.load_options(), folder.load_data()
        asked = only(dict(given))
        given = _not_its_own(asked, stored)
        p = _options(folder, stored, given)
        resolve_layers(p)
        if record is None:
            training = TrainingData(p)
            data = describe(training.examples)
        elif OF_DATA & given.keys() and not _is_a_copy(given, p, record):
            # Data other than the run's, or read differently; the network's inputs and outputs stay as they were.
            # The run's own divisor is for its own data, unless it is 1, which takes any features as they are.
            own = asked.get("divide_by") is None and p.divide_by != 1
            p_of_data = replace(p, divide_by=None) if own else p
            training = TrainingData(p_of_data, record=reading_of_others(p_of_data, record))
            data = record if given.get("divide_by") is None else divided_otherwise(record, p.divide_by)
        else:
            if not given.pop("dataset", None):
                check_unchanged(p, record, folder)
            elif stored is not None and p.unlabeled_samples is None and (n := _n_of_the_run(stored, record)):
                # The name of the run's data set implies how many examples train; that of a copy may imply another.
                p = (
                    p
                    if n == _n_of_the_run({**stored, "dataset": p.dataset}, record)
                    else replace(p, unlabeled_samples=n)
                )
            training, data = TrainingData(p, record=record), record
        in_dim = data["in_dim"]
        check_fits(p, in_dim, data["n_classes"])
        check_memory(p, in_dim)
        if stored is None or not OF_PREPROCESSING & given.keys():
            fitted = folder.load_fitted(p, in_dim)
            if fits(p) and fitted is None and record is not None and OF_DATA & given.keys():
                raise UserError(
                    f"{folder} has no {PREPROCESSING}, so there is no telling how its examples were scaled or whitened: "
                    "restore it, or leave out the options of other data."
                )
            training.keep(fitted)
        own = {"has_options": stored is not None, "environment": folder.load_environment()}
        return cls(p, in_dim, data, training, folder, overridden=tuple(sorted(given)), parameters=parameters, **own)

    @classmethod
    def in_memory(cls, experiment, training, arrays, folder=None, best=None):
        """The run of a trained experiment, with its examples as the network takes them."""
        data = describe(experiment.examples)
        return cls(experiment.p, experiment.in_dim, data, training, folder, arrays, best=best)

    def reads_other_data(self):
        """Whether it reads data other than those that its folder records."""
        return bool(OF_DATA & set(self.overridden)) and self.folder.load_data() is not None

    def held(self):
        """The same run, holding in memory the arrays that its folder has now; the record of a run has none."""
        arrays = self.load_arrays("last") if (self.folder / PARAMETERS).exists() else None
        return replace(self, arrays=arrays, best=self.load_arrays("best") if self.keeps_best() else None)

    def load_arrays(self, parameters=None):
        """The learnt arrays (TrainedArrays) of the 'last' or the 'best' epoch; by default, the ones that are used."""
        if (parameters or self.parameters) == "best":
            return TrainedArrays.load_best(self.folder) if self.best is None else self.best
        return TrainedArrays.load(self.folder) if self.arrays is None else self.arrays

    def keeps_best(self):
        """Whether it has the parameters of its best epoch."""
        return self.best is not None or (self.folder is not None and (self.folder / BEST).exists())

    @property
    def name(self):
        """What messages call it."""
        return "this network" if self.folder is None else str(self.folder)

    def check_knows_classes(self):
        if self.p.unsupervised:
            raise UserError(f"{self.name} was trained without labels, so it knows no classes: train one with labels.")

    def classifier(self, recompute_statistics=False):
        """Its TrainedClassifier, with statistics for test data.

        Returns
        -------
        classifier : TrainedClassifier
        statistics : str
            'saved' by the run, or 'estimated' from the training data, as the original does.
        """
        from ladder.training.trained import TrainedClassifier

        classifier = TrainedClassifier(self.p, self.in_dim, self.load_arrays())
        if classifier.has_final_statistics and not recompute_statistics:
            return classifier, "saved"
        self._estimate_statistics(classifier.shareds)
        return classifier, "estimated"

    def _estimate_statistics(self, shareds):
        from ladder.training.functions import compile_statistics, estimate_statistics

        if self.overridden:
            self._check_trained_on(self.training.examples)
        logger.info("Estimating batch-normalisation statistics over the training data")
        examples = self.training.preprocess(self.training.examples)
        stream = training_stream(self.p, examples, self.training.split)
        estimate_statistics(compile_statistics(self.p, self.in_dim, shareds), shareds, stream)

    def _check_trained_on(self, examples):
        """Refuse examples other than those that it was trained on, if it is known which those are."""
        then = self.data.get("splits", {}).get("train")
        change = then and change_between(then, fingerprint(examples), self.p.dataset, "train")
        if change:
            raise UserError(
                f"{change} when {self.name} was trained, and statistics for test data are estimated over those: give the "
                "data set that it was trained on, or leave out --recompute-statistics (run.py train --resume finishes "
                "an interrupted run)."
            )

    @property
    def at_once(self):
        """How many examples the classifier takes at a time; with fixed statistics, the result does not depend on it."""
        return examples_at_once(resolve_layers(self.p, self.in_dim))

    def probabilities(self, features, indices):
        """Class probabilities of the examples at these positions.

        Parameters
        ----------
        features : (examples, …) float32, as the network takes them
        indices : (n,) int64

        Returns
        -------
        (n, classes) float32
        """
        classifier, _ = self.classifier()
        classify, n = classifier.compile(), self.at_once
        return np.concatenate([classify(features[indices[i : i + n]]) for i in range(0, len(indices), n)])

    def examples(self, data_type):
        """The Examples of 'test', 'valid' or 'train' as they were read, and the positions that count."""
        if data_type == "test":
            examples = self.training.read("test")
            indices = np.arange(len(examples.targets))
        else:
            examples = self.training.examples
            indices = self.training.split.train if data_type == "train" else self.training.split.valid
        if len(indices) == 0:
            raise UserError("--data-type valid: no examples were left over to validate the run with: use test.")
        if examples.in_dim != self.in_dim:
            raise UserError(
                f"{examples.name} has examples of shape {examples.in_dim}, but the network was trained on "
                f"{self.in_dim}: give the data set it was trained on with --dataset."
            )
        return with_known_classes(examples, self.data), indices

    def labelled_examples(self, data_type):
        """The same for the examples that have a label."""
        examples, indices = self.examples(data_type)
        indices = indices[examples.targets[indices] != NO_LABEL]
        if len(indices) == 0:
            raise UserError(f"--data-type {data_type}: {examples.name} has no labelled examples there.")
        n_units = resolve_layers(self.p, self.in_dim)[-1].size
        low, high = examples.targets[indices].min(), examples.targets[indices].max()
        if low < 0 or high >= n_units:
            raise UserError(
                f"--data-type {data_type}: the labels of {examples.name} go from {low} to {high}, but the network "
                f"knows the classes 0 to {n_units - 1}: give the data set that it was trained on."
            )
        return examples, indices


def _not_its_own(given, stored):
    """The options given that differ from those a run has anyway (``stored``; None if these are not known).

    ``dataset`` always counts as different: the data set of that name may have changed.
    """
    if stored is None:
        return given
    own = Options(**stored)
    return {name: value for name, value in given.items() if name == "dataset" or value != getattr(own, name)}


def _is_a_copy(given, p, record):
    """Whether the data asked for are the run's own, in another place."""
    return OF_DATA & given.keys() == {"dataset"} and has_the_same(p, record)


def _n_of_the_run(stored, record):
    """How many examples of a run's data set train, by its name, which a copy may not share; None: not known."""
    n_examples = record["splits"].get("train", {}).get("examples")
    return n_examples and min(n_training_examples(name_of(Options(**stored).dataset)) or n_examples, n_examples)


def _options(folder, stored, given):
    """The options of the run in a folder, overridden by those given."""
    if stored is None and "encoder_layers" not in given:
        raise UserError(
            f"{folder} has no {OPTIONS_FILE}: give the options that the network was trained with "
            "(--encoder-layers, --labeled-samples …)."
        )
    options = {**(stored or {}), **given}
    if stored is None and not options.get("unsupervised"):
        # Decoder, cost weights and adversarial noise do not affect the error.
        n = len(options["encoder_layers"]) + 1
        options = {**options, "denoising_cost_x": (0.0,) * n, "decoder_spec": ("0",), "adv_tau_unlabeled": (0.0,)}
    return Options(**options)


def classification_report(run, data_type="test", recompute_statistics=False, backend=None):
    """The error of a run.

    Parameters
    ----------
    run : TrainedRun
    data_type : str
        'test', 'valid', or 'train', which normalises each batch with its own statistics.
    recompute_statistics : bool
        Estimate the statistics for test data again.
    backend : dict or None
        Arguments for :func:`ladder.backends.configure`, called once the data are checked; None: it has been called.

    Returns
    -------
    report : dict, what :func:`error_report` finds
    statistics : str
        Which were used: 'saved', 'estimated', or 'of each batch'.
    """
    examples, indices = run.labelled_examples(data_type)
    if backend is not None:
        backends.configure(**backend)
    from ladder.training.trained import TrainedClassifier

    if data_type == "train":
        classifier, statistics = TrainedClassifier(run.p, run.in_dim, run.load_arrays()), "of each batch"
        probabilities = classifier.compile(running_statistics=False)
        batch_size = without_a_batch_of_one(unlabeled_batch_size(run.p, len(indices)), len(indices))
    else:
        classifier, statistics = run.classifier(recompute_statistics)
        probabilities, batch_size = classifier.compile(), run.at_once
    batches = sequential_batches(run.training.preprocess(examples), indices, batch_size)
    guesses = np.concatenate([probabilities(x).argmax(axis=1) for x, _ in batches])
    return error_report(examples.targets[indices], guesses), statistics


def denoising_report(run, data_type="test", backend=None):
    """The denoising costs of a run by name; parameters as for :func:`classification_report`."""
    examples, indices = run.examples(data_type)
    if backend is not None:
        backends.configure(**backend)
    from ladder.training.trained import denoising_costs

    return denoising_costs(run.p, run.load_arrays(), run.training.preprocess(examples), indices)


def error_report(targets, guesses):
    """Errors overall and by class.

    Parameters
    ----------
    targets, guesses : (N,) int64

    Returns
    -------
    dict
        ``error_percent``, ``n_wrong``, ``n``, ``error_percent_by_class`` (None
        for a class without examples), and ``confusion``: rows are the true
        classes, columns the guesses.

    Examples
    --------
    >>> error_report(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))["error_percent_by_class"]
    [0.0, 50.0]
    """
    n_classes = int(max(targets.max(), guesses.max())) + 1
    budget.ask(16 * n_classes**2, f"a confusion matrix of {n_classes:,} classes", "test on data with fewer of them")
    confusion = np.zeros((n_classes, n_classes), int)
    np.add.at(confusion, (targets, guesses), 1)
    n, right = confusion.sum(axis=1), confusion.diagonal()
    return {
        "error_percent": float(100 * (n.sum() - right.sum()) / n.sum()),
        "n_wrong": int(n.sum() - right.sum()),
        "n": int(n.sum()),
        "error_percent_by_class": [float(100 * (t - r) / t) if t else None for t, r in zip(n, right)],
        "confusion": confusion.tolist(),
    }


def evaluate_and_keep(path, backend=None, parameters="last"):
    """Find the test error of one of our runs, and keep it in its folder."""
    run = TrainedRun.load(path, parameters=parameters)
    keep_evaluation(run, "test", *classification_report(run, backend=backend))


def keep_evaluation(run, data_type, report, statistics):
    """Save a result for ``run.py table``, with a warning if the folder is not writable.

    With other options, or on training data normalised batch by batch, the error
    is not the run's own; and the parameters of an interrupted run may be older
    than its log.  Such results are not kept.
    """
    folder = run.folder
    if not (folder and data_type != "train" and folder.has_options() and folder.is_finished()):
        return
    if run.overridden:
        logger.info("Not kept in %s, as %s: not the run's own", folder, ", ".join(map(as_typed, run.overridden)))
        return
    try:
        save_evaluation(folder, data_type, report, statistics, run.parameters)
    except (OSError, UserError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        logger.warning("%s is not kept in %s (%s): run.py table will not find it", FILES[run.parameters], folder, why)
