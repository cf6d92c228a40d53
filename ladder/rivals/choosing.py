"""Choosing a method's parameters: the values with the fewest errors on examples outside the test set.

If there are validation examples, they decide.  Otherwise the labelled examples
are divided into folds with equal shares of the classes, and each fold is
classified by an estimator fitted without its labels (cross-validation).
"""

import itertools
import warnings
from dataclasses import dataclass, replace
from typing import Tuple

import numpy as np

from ladder.data import NO_LABEL
from ladder.rivals import methods

#: The most folds of the labelled examples.
FOLDS = 5


@dataclass(frozen=True)
class Candidate:
    """Some values of a method's parameters, and the error with them.

    Attributes
    ----------
    parameters : dict of name -> value
    error_percent : float or None
        None if there is nothing to choose by.
    """

    parameters: dict
    error_percent: float


@dataclass(frozen=True)
class ChosenParameters:
    """What was chosen, how, and from what.

    Attributes
    ----------
    parameters : dict of name -> value
    how : str, in words
    candidates : tuple of Candidate, in the order in which they were tried
    """

    parameters: dict
    how: str
    candidates: Tuple[Candidate, ...]


def choose(p, examples):
    """Choose the parameters of a rival's method.

    Parameters
    ----------
    p : Options
    examples : RivalExamples

    Returns
    -------
    ChosenParameters
        If errors are equal, the first in the grid's order is taken.
    """
    method = methods.METHODS[p.rival]
    base = choose_base(p, examples)
    fixed = base.parameters if base else {}
    tried = [dict(zip(method.grid, values)) | fixed for values in itertools.product(*method.grid.values())]
    folds = [] if len(examples.valid.targets) else folds_of(examples.targets, p.seed)
    if "n_neighbors" in method.grid:
        tried = _few_enough(tried, method, examples, folds)
    if len(examples.valid.targets):
        how = f"{len(examples.valid.targets)} validation examples"
        errors = [_validation_error(p, examples, parameters) for parameters in tried]
    elif folds:
        how = f"{len(folds)}-fold cross-validation of the labelled examples"
        errors = [_cross_validation_error(p, examples, parameters, folds) for parameters in tried]
    else:
        how = "nothing, as a class has a single label: the first of the grid"
        return ChosenParameters(tried[0], how, (Candidate(tried[0], None),))
    candidates = tuple(map(Candidate, tried, errors))
    best = min(candidates, key=lambda candidate: candidate.error_percent)
    return ChosenParameters(best.parameters, how, (base.candidates if base else ()) + candidates)


def choose_base(p, examples):
    """The choice for the method that self-training is built around; None for other methods."""
    base = methods.METHODS[p.rival].base
    return choose(replace(p, rival=base), examples) if base else None


def folds_of(targets, seed):
    """Folds of the labelled examples, the same for every method of a seed.

    Parameters
    ----------
    targets : (n,) int64, -1 for no label
    seed : int

    Returns
    -------
    list of (n,) bool
        Which examples are in each; as many folds as the rarest class has labels, up to :data:`FOLDS`; [] for one label.
    """
    from sklearn.model_selection import StratifiedKFold

    labelled = np.flatnonzero(targets != NO_LABEL)
    n_folds = min(FOLDS, int(np.unique(targets[labelled], return_counts=True)[1].min()))
    if n_folds < 2:
        return []
    folds = []
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for _, held_out in splitter.split(labelled[:, np.newaxis], targets[labelled]):
        fold = np.zeros(len(targets), bool)
        fold[labelled[held_out]] = True
        folds.append(fold)
    return folds


def _few_enough(tried, method, examples, folds):
    """The candidates for which there are enough neighbours: among labelled examples, or in the graph."""
    if method.fits == "graph":
        most = len(examples.targets)
        examples.neighbours.find(max(candidate["n_neighbors"] for candidate in tried))
    else:
        most = int(examples.labelled.sum()) - max((int(fold.sum()) for fold in folds), default=0)
    fit = [candidate for candidate in tried if candidate["n_neighbors"] <= most]
    return fit or [tried[0] | {"n_neighbors": most}]


def _validation_error(p, examples, parameters):
    fitted = _fit_quietly(p, examples, parameters)
    return float(100 * np.mean(fitted.of_part("valid") != examples.valid.targets))


def _cross_validation_error(p, examples, parameters, folds):
    wrong = 0
    for fold in folds:
        fitted = _fit_quietly(p, examples, parameters, np.where(fold, NO_LABEL, examples.targets))
        wrong += int((fitted.of_training(fold) != examples.targets[fold]).sum())
    return 100 * wrong / int(examples.labelled.sum())


def _fit_quietly(p, examples, parameters, targets=None):
    """Fit a candidate without its warnings: only its error counts, and the warnings of the chosen one are recorded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return methods.fit(p, examples, parameters, targets)
