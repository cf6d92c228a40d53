"""One update of the parameters: gradients, optimiser, running averages."""

from dataclasses import dataclass

import aesara
import aesara.tensor as at
import numpy as np

from ladder.graph import MAPPING, ComputationGraph, has_role
from ladder.optimisation import resolve_optimisation
from ladder.training.optimisers import OPTIMISERS, clipped, gradient_norm


def input_variables(in_dim):
    """The three inputs of a ladder's graph.

    Parameters
    ----------
    in_dim : tuple of int, shape of one example

    Returns
    -------
    features_labeled, targets_labeled, features_unlabeled
        (examples, …) float32, (examples,) int64, (examples, …) float32
    """
    features = at.TensorType("float32", shape=(None,) + tuple(in_dim))
    targets = at.TensorType("int64", shape=(None,))
    return features("features_labeled"), targets("targets_labeled"), features("features_unlabeled")


@dataclass(frozen=True)
class TrainingStep:
    """The values that one update computes, and those that it changes.

    Attributes
    ----------
    parameters : list of shared variables that the total cost teaches
    gradients : list of variables, one per parameter
    gradient_norm : scalar, L2 norm of all gradients together, before it is clipped
    learning_rate : shared float32 scalar
    updates : dict of shared variable -> new value
        Parameters, the optimiser's buffers, running averages of the clean statistics.
    """

    parameters: list
    gradients: list
    gradient_norm: object
    learning_rate: object
    updates: dict


def training_step(ladder):
    """The update of a ladder whose graph has been built.

    Parameters
    ----------
    ladder : LadderAE, after ``apply``

    Returns
    -------
    TrainingStep
    """
    parameters = list(ladder.learnt)
    gradients = _penalised(ladder, list(ladder.learnt.values()), parameters)
    norm, learning_rate, updates = descent(ladder.p, ladder.p.lr, gradients, parameters, ladder.bricks)
    if (most := ladder.regularisation.max_norm) is not None:
        mappings = (parameter for parameter in parameters if has_role(parameter, MAPPING))
        updates.update({W: ladder.bricks.within_norm(updates[W], most) for W in mappings})
    updates.update(ComputationGraph(ladder.clean_outputs()).updates)
    return TrainingStep(parameters, gradients, norm, learning_rate, updates)


def descent(p, lr, gradients, parameters, package):
    """The updates with which the optimiser of the options follows gradients.

    Parameters
    ----------
    p : Options
    lr : float, the rate of the first update
    gradients : list of float32 variables
    parameters : list of shared variables, one per gradient
    package : ladder.bricks or ladder.fused
        Provides ``sum_of_squares`` and ``optimiser_step``.

    Returns
    -------
    norm : float32 scalar, L2 norm of all gradients together, before it is clipped
    learning_rate : shared float32 scalar
    updates : dict of shared variable -> new value, for the parameters and the optimiser's buffers
    """
    norm = gradient_norm(gradients, package.sum_of_squares)
    learning_rate = aesara.shared(np.float32(lr), name="learning_rate")
    how = resolve_optimisation(p)
    followed = gradients if how.clip_norm is None else clipped(gradients, norm, how.clip_norm)
    optimise = OPTIMISERS[how.optimizer]
    updates = optimise(followed, parameters, learning_rate, **how.constants, step=package.optimiser_step)
    return norm, learning_rate, updates


def _penalised(ladder, gradients, parameters):
    """Add the gradients of the penalties to those of the other costs; an optimiser's pass can do so on the way."""
    weights = ladder.regularisation.penalties
    if not weights:
        return gradients
    l1, l2 = (weights.get(name, 0.0) for name in ("l1", "l2"))
    return [
        ladder.bricks.penalised(gradient, parameter, l1, l2) if has_role(parameter, MAPPING) else gradient
        for gradient, parameter in zip(gradients, parameters)
    ]
