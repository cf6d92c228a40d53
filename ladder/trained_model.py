"""``Model``: a trained network, as ``ladder.train`` and ``ladder.load`` return it."""

from dataclasses import replace
from functools import cached_property

import numpy as np

from ladder.arguments import ArgumentError, naming_arguments
from ladder.configured import ready
from ladder.data.description import is_label, labels_of_units
from ladder.data.own_examples import as_examples, as_in_training, warn_of_scale
from ladder.data.preprocessing import preprocesses
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.runs.folder import RunFolder, check_save_to
from ladder.training.evaluation import EVALUATED, classification_report
from ladder.training.provenance import environment
from ladder.training.stopping import best_epoch
from ladder.turns import Turns

#: Examples that are classified together.
AT_ONCE = 256

#: Aesara compiles in one thread at a time, and a compiled function stores its input where the next call overwrites it.
_one_at_a_time = Turns()


class Model:
    """A trained network.

    Attributes
    ----------
    options : Options
        What it was trained with; to train with another ``seed``, also give ``dseed=None``, see :class:`ladder.Options`.
    in_dim : tuple of int
        Shape of one example.
    classes : array or None
        The labels or names of the classes; None: they are 0, 1, …
    log : list of dict
        A row per epoch, and a final one: costs and errors by name.
    folder : Path or None
        Where it was trained, or loaded from.

    Examples
    --------
    >>> import ladder, numpy as np
    >>> model = ladder.train(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), num_epochs=1)
    >>> model.predict_proba(np.zeros((3, 64))).shape
    (3, 10)
    """

    def __init__(self, run, log):
        self._run, self.log = run, log
        self.options, self.in_dim = run.p, tuple(run.in_dim)
        n_units = resolve_layers(run.p, run.in_dim)[-1].size
        self.classes = np.array(labels_of_units(run.data["classes"], n_units)) if "classes" in run.data else None
        self._probabilities = None

    @cached_property
    def best(self):
        """The network of the epoch with the lowest validation error, as a Model, if ``keep='best'`` kept it.

        Raises
        ------
        ArgumentError
            It was not kept.

        Examples
        --------
        >>> import ladder
        >>> model = ladder.train(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), num_epochs=2,
        ...                      unlabeled_samples=1200, keep="best")
        >>> model.best.evaluate()["n"], model.log[-1]["best_epoch"] in (1, 2)
        (360, True)
        """
        if not self._run.keeps_best():
            raise ArgumentError("this network has no best parameters beside its last ones: train one with keep='best'.")
        return Model(replace(self._run, parameters="best"), self.log)

    @property
    def folder(self):
        return None if self._run.folder is None else self._run.folder.path

    def __repr__(self):
        layers = "-".join(self.options.encoder_layers)
        return f"<ladder.Model {'x'.join(map(str, self.in_dim))}-{layers}, {self.options.dataset}>"

    def __getstate__(self):
        # Compiled code is left out, and so is ``best``, which has some of its own and is made again on demand.
        return {**{name: value for name, value in vars(self).items() if name != "best"}, "_probabilities": None}

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : (examples, …) array of numbers
            Examples of the shape ``in_dim``, with or without axes of length 1, images also with their channels last;
            or flat.  Values as in the data set that the network was trained on (they are divided, scaled and whitened
            in the same way).

        Returns
        -------
        (examples, classes) float32
        """
        run = self._run
        with naming_arguments():
            run.check_knows_classes()
            values = as_examples(np.asarray(X), self.in_dim, "X is an array")
            features = as_in_training(values, "X", run.p.dataset, run.data)
            warn_of_scale(features, run.p, run.data)
            features = run.training.preprocess_features(features)
            with _one_at_a_time.lock:
                if self._probabilities is None:
                    ready()
                    classifier, _ = run.classifier()
                    self._probabilities = classifier.compile()
        n = min(AT_ONCE, run.at_once)
        return np.concatenate([self._of_whole_batch(features[i : i + n], n) for i in range(0, len(features), n)])

    def _of_whole_batch(self, features, n):
        """Probabilities of up to n examples, padded to n so that none depends on how many others are in the batch."""
        filled = np.zeros((n, *features.shape[1:]), "float32")
        filled[: len(features)] = features
        with _one_at_a_time.lock:
            return self._probabilities(filled)[: len(features)]

    def predict(self, X):
        """The most probable class of each example, (examples,); X as for :meth:`predict_proba`."""
        positions = self.predict_proba(X).argmax(axis=1)
        return positions if self.classes is None else self.classes[positions]

    def evaluate(self, data_type="test"):
        """The error on the data set that the network was trained on.

        Parameters
        ----------
        data_type : {'test', 'valid', 'train'}
            'train' normalises each batch with its own statistics.

        Returns
        -------
        dict
            ``error_percent``, ``n_wrong``, ``n``, ``error_percent_by_class``
            and ``confusion`` (rows are the true classes).
        """
        if data_type not in EVALUATED:
            raise ArgumentError(f"data_type is {data_type!r}, but must be one of {', '.join(EVALUATED)}.")
        with naming_arguments():
            self._run.check_knows_classes()
            with _one_at_a_time.lock:
                ready()
                report, _ = classification_report(self._run, data_type)
        return report

    def _with_statistics(self, arrays):
        """Arrays (TrainedArrays) with statistics for test data, which parameters from the original lack."""
        if arrays.statistics is not None:
            return arrays
        with _one_at_a_time.lock:
            ready()
            return arrays.with_statistics(self._run.classifier()[0].shareds)

    def save(self, save_to):
        """Write the network into a new folder, as ``run.py train`` does; returns the folder's path.

        The folder holds the last parameters and, if there are any, the best ones: to load what ``best.save`` wrote,
        give ``parameters='best'``.

        Parameters
        ----------
        save_to : str
            A name (``results/NAME0``, or the first free number) or a path (``PATH0``).

        Raises
        ------
        ArgumentError
            It was loaded with options or data that are not its own, its training has not ended, or a class cannot be
            printed.
        """
        run = self._run
        with naming_arguments():
            check_save_to(save_to)
            if run.reads_other_data():
                raise UserError(
                    "this network was loaded with data that may not be those that it was trained on, of which a folder "
                    "would tell: load it without them, to save it."
                )
            for label in run.data.get("classes", ()):
                if not is_label(label):
                    raise UserError(
                        f"the class {label!r} cannot be saved, as it cannot be printed: train with another name."
                    )
            last = run.load_arrays("last")
            _check_own(run, last)
            last = self._with_statistics(last)
            folder = RunFolder.begin(save_to, run.p, run.in_dim)
            folder.save_data(run.data)
            folder.save_fitted(run.training.fitted if preprocesses(run.p) else None)
            folder.save_environment(run.environment or environment())
            folder.save_rows(self.log)
            if run.keeps_best():
                best = run.load_arrays("best")
                best.save_best(folder, best.epoch or best_epoch(self.log))
            # Last: final statistics are a sign that everything else has been written.
            last.save(folder)
        return folder.path


def _check_own(run, last):
    """Refuse to save what no training produced: a run (TrainedRun) with other options, or one that has not ended."""
    if run.has_options and run.overridden:
        raise UserError(
            f"this network was loaded with another {', '.join(run.overridden)} than {run.folder} was trained with: load it "
            "without, to save it."
        )
    if run.has_options and last.statistics is not None and not last.final:
        raise UserError(
            f"the training of {run.folder} was interrupted or stopped, and a copy could not go on: copy its folder, or "
            f"finish it with run.py train --resume {run.folder.typed}."
        )
