"""scikit-learn's estimators behind the names of :mod:`ladder.rival_methods`, and the values that are tried for each.

Whatever is not set here has scikit-learn's default.  Grids are small, as a
hundred labels can only choose among few candidates.
"""

import warnings
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ladder.data import NO_LABEL
from ladder.errors import UserError
from ladder.rival_methods import hidden_units

#: The most iterations for a convex problem, solved or not; scikit-learn's 100 are too few for images.
MOST_STEPS = 1000

#: The most passes over the labelled examples for an MLP.
MOST_PASSES = 500

#: The most rounds of propagation (scikit-learn's default) and of spreading; the record says where they were too few.
MOST_ROUNDS = 1000


@dataclass(frozen=True)
class Method:
    """A method as scikit-learn has it.

    Attributes
    ----------
    make : function of Options, RivalExamples and parameters by name -> estimator
    grid : dict of parameter -> values, in the order in which they are preferred where errors are equal
    fits : str
        What the estimator is fitted to: the 'labelled' examples, 'all' examples with -1 for "no label", or the 'graph' of
        neighbours.
    base : str
        The method whose parameters are chosen first, and kept; '' for none.
    """

    make: Callable
    grid: dict
    fits: str = "labelled"
    base: str = ""


def check_installed():
    """Refuse to begin without scikit-learn."""
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise UserError(
            "the rivals are scikit-learn's, which is not installed: run `pip install scikit-learn`."
        ) from None


def _logistic_regression(p, examples, C):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=MOST_STEPS)


def _nearest_neighbours(p, examples, n_neighbors):
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors)


def _support_vectors(p, examples, C):
    from sklearn.svm import SVC

    return SVC(C=C)


def _mlp(p, examples, alpha):
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(hidden_units(p), alpha=alpha, max_iter=MOST_PASSES, random_state=p.seed)


def _label_propagation(p, examples, n_neighbors):
    from sklearn.semi_supervised import LabelPropagation

    return LabelPropagation(kernel=examples.neighbours.kernel(n_neighbors), max_iter=MOST_ROUNDS)


def _label_spreading(p, examples, n_neighbors, alpha):
    from sklearn.semi_supervised import LabelSpreading

    return LabelSpreading(kernel=examples.neighbours.kernel(n_neighbors), alpha=alpha, max_iter=MOST_ROUNDS)


def _self_training(p, examples, threshold, C):
    from sklearn.semi_supervised import SelfTrainingClassifier

    return SelfTrainingClassifier(_logistic_regression(p, examples, C), threshold=threshold)


def _self_training_mlp(p, examples, threshold, alpha):
    from sklearn.semi_supervised import SelfTrainingClassifier

    return SelfTrainingClassifier(_mlp(p, examples, alpha), threshold=threshold)


_THRESHOLDS = {"threshold": (0.75, 0.95)}
_GRAPHS = {"n_neighbors": (5, 10, 20)}

METHODS = {
    "logistic-regression": Method(_logistic_regression, {"C": (0.01, 0.1, 1.0, 10.0, 100.0)}),
    "knn": Method(_nearest_neighbours, {"n_neighbors": (1, 3, 5, 9)}),
    "svm": Method(_support_vectors, {"C": (0.1, 1.0, 10.0, 100.0)}),
    "mlp": Method(_mlp, {"alpha": (1e-4, 1e-2, 1.0)}),
    "label-propagation": Method(_label_propagation, _GRAPHS, "graph"),
    "label-spreading": Method(_label_spreading, {**_GRAPHS, "alpha": (0.2, 0.8, 0.99)}, "graph"),
    "self-training": Method(_self_training, _THRESHOLDS, "all", "logistic-regression"),
    "self-training-mlp": Method(_self_training_mlp, _THRESHOLDS, "all", "mlp"),
}


@dataclass(frozen=True)
class FittedMethod:
    """A fitted estimator.

    Attributes
    ----------
    examples : RivalExamples
    fits : str, see :class:`Method`
    estimator : of scikit-learn
    """

    examples: object
    fits: str
    estimator: object

    def of_training(self, chosen):
        """The classes that it predicts for some training examples: (n,) bool -> (m,) int64."""
        if self.fits == "graph":
            return self.estimator.transduction_[chosen]
        return self.estimator.predict(self.examples.features[chosen])

    def of_part(self, name):
        """The classes that it predicts for the examples of 'valid' or 'test': (m,) int64."""
        if self.fits != "graph":
            return self.estimator.predict(self.examples.part(name).features)
        with np.errstate(invalid="ignore"):  # where no label arrives, it divides 0 by 0
            probabilities = self.estimator.predict_proba(self.examples.neighbours.positions(name))
        unreached = int(np.isnan(probabilities[:, 0]).sum())
        if unreached:
            warnings.warn(
                f"no label reaches {unreached} of {len(probabilities)} examples ({name}): they get the first class",
                stacklevel=2,
            )
        return self.estimator.classes_[probabilities.argmax(axis=1)]


def fit(p, examples, parameters, targets=None):
    """Fit the method of a rival's options.

    Parameters
    ----------
    p : Options
    examples : RivalExamples
    parameters : dict of name -> value
    targets : (n,) int64, optional
        Labels in place of the examples' own, -1 for none.

    Returns
    -------
    FittedMethod
    """
    method = METHODS[p.rival]
    targets = examples.targets if targets is None else targets
    estimator = method.make(p, examples, **parameters)
    if method.fits == "labelled":
        estimator.fit(examples.features[targets != NO_LABEL], targets[targets != NO_LABEL])
    else:
        estimator.fit(examples.neighbours.positions() if method.fits == "graph" else examples.features, targets)
    return FittedMethod(examples, method.fits, estimator)
