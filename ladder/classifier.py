"""``LadderClassifier``: a ladder network as a scikit-learn estimator."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ladder.api import checked_callbacks, heard, train_experiment, whole
from ladder.arguments import naming_arguments
from ladder.configured import ready
from ladder.data import NO_LABEL, rounding
from ladder.data.description import is_label
from ladder.data.examples import Examples
from ladder.data.own_examples import as_examples
from ladder.data.splits import split_training_set
from ladder.errors import UserError
from ladder.option_types import MOST_NOISE_SEED
from ladder.options import DEFAULTS, Options
from ladder.training.experiment import Experiment, check_without_data
from ladder.training.into_folders import check_compiler
from ladder.training.upkeep import Upkeep

#: Options that do not apply to data in arrays, with labels for some of the examples.
OF_THE_DATA = {"dataset", "sources", "divide_by", "unsupervised", "rival", "from_", "labeled_indices"}

#: Options that choose the training examples, where the rest is left for validation.
OF_THE_SPLIT = "unlabeled_samples", "seed", "dseed"

#: Argument of the estimator -> command-line option, where their names differ.
ARGUMENTS = {
    "hidden": "encoder_layers",
    "denoising_cost": "denoising_cost_x",
    "decoder": "decoder_spec",
    "activation": "act",
    "noise_std": "f_local_noise_std",
    "epochs": "num_epochs",
    "learning_rate": "lr",
    "decay_from": "lrate_decay",
}

#: Option -> the argument that sets it.
BY_ARGUMENT = {
    **{option: argument for argument, option in ARGUMENTS.items()},
    **{"batch_size": "batch_size", "unlabeled_batch_size": "unlabeled_batch_size"},
}

#: The same for all options that a message may name.  ``options`` may give the noise layer by layer.
BEHIND_OPTIONS = {**BY_ARGUMENT, "super_noise_std": "noise_std"}


class LadderClassifier(ClassifierMixin, BaseEstimator):
    """A ladder network that learns from labelled and unlabelled examples.

    Parameters
    ----------
    hidden : tuple of int or str, or str
        Layers between input and output: numbers of units or, for images,
        layers as in ``--encoder-layers`` ('convv:64:3:1:1' …).
    denoising_cost : float or tuple of float
        Weights of the denoising costs, the paper's lambda: one per layer from
        the input to the output (``len(hidden) + 2``), or one number for the
        input, a hundredth of which is used at the first hidden layer and a
        ten-thousandth above, much as in the paper.  0: no decoder at all, an
        ordinary network with noise and batch normalisation.
    decoder : str or tuple of str
        Decoder functions, one for all layers or one per layer.
    activation : str or tuple of str
        As ``--act``: 'relu', 'leakyrelu:0.1', 'maxout:2' …, one for all layers or one per layer.
    noise_std : float
        Standard deviation of the noise at the input and at every layer.
    epochs : int
        Minimum number of epochs; small data sets are seen more often, until
        ``min_updates`` updates have been made.
    min_updates : int
        Minimum number of updates; 0: ``epochs`` alone counts.
    batch_size : int
        Labelled examples per update, no more than there are; 0: all.
    unlabeled_batch_size : int, optional
        Unlabelled examples per update, likewise; default: ``batch_size``.
    learning_rate : float
        Learning rate of Adam.
    decay_from : float
        Fraction of the epochs after which the learning rate falls linearly to 0.
    scale : {'rescale', 'standardize', None}
        Scale each feature to the range from 0 to 1, or to mean 0 and standard
        deviation 1, on the examples of ``fit``; None: take features as they are,
        which suits images whose pixels go from 0 to 1.  Numbers are first rounded
        to float32: subtract an offset that is large compared with their spread
        (a warning reports it).
    in_dim : tuple of int, optional
        Shape of one example, e.g. (1, 28, 28), where layers need maps and ``X`` is flat or has its channels last,
        in ``predict`` as in ``fit``.
    options : dict, optional
        Further options of ``run.py train``, by their names there.
    callbacks : list of ladder.Extension, optional
    random_state : int, RandomState or None
        Source of randomness for initial weights, noise and the order of examples.
    verbose : bool
        Print a line per epoch, and show a progress bar.

    Attributes
    ----------
    classes_ : array of the labels, sorted
    n_features_in_ : int
    n_epochs_ : int
        Number of epochs trained.
    model_ : ladder.Model
        Costs by epoch are in ``model_.log``.

    Notes
    -----
    The label -1 means "no label", as in ``sklearn.semi_supervised``; so do
    None and NaN, and among strings the string '-1'.

    Rasmus et al. (2015), "Semi-Supervised Learning with Ladder Networks",
    algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from ladder import LadderClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) % 18 == 0, y, -1)  # 100 labels
    >>> clf = LadderClassifier(hidden=(60,), epochs=5, min_updates=0, random_state=1).fit(X / 16, few)
    >>> clf.predict_proba(X[:2] / 16).shape
    (2, 10)
    """

    def __init__(
        self,
        hidden=(250, 100, 50),
        denoising_cost=1000.0,
        decoder="gauss",
        activation="relu",
        noise_std=0.3,
        epochs=100,
        min_updates=1500,
        batch_size=100,
        unlabeled_batch_size=None,
        learning_rate=0.002,
        decay_from=0.67,
        scale="rescale",
        in_dim=None,
        options=None,
        callbacks=None,
        random_state=None,
        verbose=False,
    ):
        self.hidden = hidden
        self.denoising_cost = denoising_cost
        self.decoder = decoder
        self.activation = activation
        self.noise_std = noise_std
        self.epochs = epochs
        self.min_updates = min_updates
        self.batch_size = batch_size
        self.unlabeled_batch_size = unlabeled_batch_size
        self.learning_rate = learning_rate
        self.decay_from = decay_from
        self.scale = scale
        self.in_dim = in_dim
        self.options = options
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y):
        """Train on labelled and unlabelled examples.

        Parameters
        ----------
        X : (examples, features) or, for images, (examples, maps, height, width)
            Numbers.
        y : (examples,)
            Labels; -1: no label.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            An argument, or the data, cannot be used; the message names it.
        TrainingStopped
            A cost was not finite.
        """
        before = vars(self).copy()
        try:
            with naming_arguments(BEHIND_OPTIONS), heard(self.verbose):
                callbacks = checked_callbacks(self.callbacks)
                X = self._checked_X(X, reset=True)
                classes, targets = self._encode(y, len(X))
                experiment = self._experiment(X, targets, classes)
                check_compiler(ready(), experiment)
                model = train_experiment(experiment, None, callbacks, Upkeep(progress=bool(self.verbose)))
        except BaseException:  # keep what an earlier fit left intact, including its number of features
            vars(self).clear()
            vars(self).update(before)
            raise
        self.classes_, self.model_, self.n_epochs_ = classes, model, model.log[-1]["epoch"]
        return self

    def predict_proba(self, X):
        """Probabilities of ``classes_``, (examples, classes) float32."""
        check_is_fitted(self)
        with naming_arguments(BEHIND_OPTIONS):
            return self.model_.predict_proba(self._checked_X(X))

    def predict(self, X):
        """The most probable label of each example."""
        positions = self.predict_proba(X).argmax(axis=1)
        return self.classes_[positions]

    def save(self, save_to):
        """Write the network into the folder of a run, see :meth:`ladder.Model.save`; returns its path."""
        check_is_fitted(self)
        return self.model_.save(save_to)

    # What training needs

    def _experiment(self, X, targets, classes):
        record = {"divided_by": 1.0, "read_range": (float(X.min()), float(X.max())), "classes": classes.tolist()}
        examples = Examples("X", X, targets, record=record)
        more, seed = self._more_options(), check_random_state(self.random_state).randint(1, MOST_NOISE_SEED + 1)
        n, n_labelled = len(X), int((targets != NO_LABEL).sum())
        if "unlabeled_samples" in more:  # the rest is for validation
            asked = Options.of(**{"seed": seed, **{name: more[name] for name in OF_THE_SPLIT if name in more}})
            split = split_training_set(targets, asked.dseed, 0, asked.unlabeled_samples)
            n, n_labelled = len(split.train), len(split.labeled)
        batch_size, unlabeled_batch_size = _batch_sizes(self.batch_size, self.unlabeled_batch_size, n, n_labelled)
        per_update = batch_size if unlabeled_batch_size is None else unlabeled_batch_size
        per_epoch = -(-n // (per_update or n))
        epochs = max(whole(self.epochs, "epochs"), -(-whole(self.min_updates, "min_updates", 0) // per_epoch))
        p = Options.of(
            **{
                "encoder_layers": (*_as_tuple(self.hidden), str(len(classes))),
                **self._decoder_options(),
                "act": self.activation,
                "f_local_noise_std": self.noise_std,
                "super_noise_std": self.noise_std,
                "num_epochs": epochs,
                "batch_size": batch_size,
                "unlabeled_batch_size": unlabeled_batch_size,
                "lr": self.learning_rate,
                "lrate_decay": self.decay_from,
                **_scaling(self.scale),
                "labeled_samples": n_labelled,
                "unlabeled_samples": n,
                "seed": seed,
                "noise": "philox",
                "dataset": "X",
                **more,
            }
        )
        check_without_data(p)
        return Experiment.on(examples, p)

    def _more_options(self):
        if not isinstance(self.options, (dict, type(None))):
            raise UserError(f"options is {self.options!r}, but must be a dict of options by name.")
        options = self.options or {}
        if "encoder_layers" in options:
            raise UserError("options has 'encoder_layers', which hidden and the classes decide: leave it out.")
        for name in (BY_ARGUMENT.keys() - {"f_local_noise_std"}) & options.keys():
            raise UserError(f"options has '{name}', which the argument {BY_ARGUMENT[name]} decides: give that.")
        for name in OF_THE_DATA.intersection(options):
            value, default = options[name], DEFAULTS[name]
            if type(value) is not type(default) or value != default:
                raise UserError(f"options has '{name}', which the arrays that are given to fit decide: leave it out.")
        return {name: value for name, value in options.items() if name not in OF_THE_DATA}

    def _decoder_options(self):
        n = len(_as_tuple(self.hidden)) + 2
        costs = self.denoising_cost
        if np.asarray(costs).dtype.kind not in "iuf":
            raise UserError(f"denoising_cost is {costs!r}, but must be a number, or one for each layer.")
        if isinstance(costs, Real) and not isinstance(costs, bool):
            costs = (costs, costs / 100, *[costs / 10_000] * (n - 2))
        return {"denoising_cost_x": costs, "decoder_spec": self.decoder if np.any(costs) else "0"}

    def _checked_X(self, X, reset=False):
        """X as float32, in the shape of examples."""
        given = X
        X = validate_data(self, X, dtype="float32", allow_nd=True, reset=reset, ensure_min_samples=1 + reset)
        if reset and (lost := rounding.warning(np.asarray(given), X, "X")):
            warnings.warn(lost.removeprefix("Warning: "))
        if self.in_dim is None:
            return X
        in_dim = _as_tuple(self.in_dim)
        if not all(type(side) is int and side >= 1 for side in in_dim):
            raise UserError(f"in_dim is {self.in_dim!r}, but must be whole numbers, 1 or more.")
        return as_examples(X, in_dim, f"in_dim is {self.in_dim}, but X is an array")

    def _encode(self, y, n):
        """The sorted classes, and the labels as positions among them, (n,) int64; NO_LABEL where there is no label."""
        if y is None:
            raise ValueError("This LadderClassifier estimator requires y to be passed, but the target y is None.")
        if isinstance(y, (list, tuple)) and any(isinstance(label, str) for label in y):
            y = np.array(y, dtype=object)  # else NaN would become the text 'nan'
        y = column_or_1d(y, warn=True)
        check_consistent_length(y, np.empty(n))
        has_label = ~_is_missing(y)
        labels = y[has_label]
        if labels.dtype.kind == "O":
            if len({isinstance(label, str) for label in labels}) > 1:
                raise ValueError("y has labels that are texts and others that are not: give labels of one kind.")
            labels = np.array(labels.tolist())
        check_classification_targets(labels)
        classes, positions = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has labels of {len(classes)} class, but at least 2 classes are needed to train.")
        if hidden := [label for label in classes.tolist() if not is_label(label)]:
            warnings.warn(f"y has the label {hidden[0]!r}, which cannot be printed: save will refuse it.")
        targets = np.full(n, NO_LABEL, dtype="int64")
        targets[has_label] = positions
        return classes, targets


def _is_missing(y):
    """Where there is no label."""
    if y.dtype.kind in "iuf":
        return (y == NO_LABEL) | (y != y)
    return np.array([_stands_for_none(label) for label in y], dtype=bool)


def _stands_for_none(label):
    # Comparing pandas' NA with itself gives NA, which has no truth value.
    if label is None or type(label).__name__ == "NAType":
        return True
    return label != label or str(label) == str(NO_LABEL) or (isinstance(label, Real) and label == NO_LABEL)


def _batch_sizes(asked, asked_unlabeled, n, n_labelled):
    """The largest batch sizes, up to those asked for, that leave no last batch of one, which would have no variance.

    Returns
    -------
    labelled : int
    unlabelled : int or None
        As in the options: 0 means all, None the same as labelled.
    """
    if n_labelled < 2:
        raise UserError(f"y has {n_labelled} labelled examples, but at least 2 are needed to train.")
    if asked_unlabeled is None:
        return _largest("batch_size", asked, n, {"examples": n, "labelled examples": n_labelled}), None
    labeled = _largest("batch_size", asked, n, {"labelled examples": n_labelled})
    return labeled, _largest("unlabeled_batch_size", asked_unlabeled, n, {"examples": n})


def _largest(name, size, n, counts):
    if not isinstance(size, Integral) or not (size == 0 or size >= 2):
        raise UserError(f"{name} is {size!r}, but must be a whole number, 2 or more, or 0 for all.")
    if size == 0:
        return 0
    for smaller in range(min(int(size), n), 1, -1):
        if all(count % smaller != 1 for count in counts.values()):
            return smaller
    of = ", ".join(f"{count} {what}" for what, count in counts.items())
    raise UserError(f"{of}: every {name} up to {size} leaves a batch of one: give a larger one.")


def _scaling(scale):
    if scale not in (None, "rescale", "standardize"):
        raise UserError(f"scale is {scale!r}, but must be 'rescale', 'standardize' or None.")
    return {scale: True} if scale else {}


def _as_tuple(value):
    return tuple(value.split("-")) if isinstance(value, str) else tuple(np.atleast_1d(value).tolist())
