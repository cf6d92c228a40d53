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


def trained_parameters(ladder):
    """The parameters that the total cost teaches, sorted by name."""
    return list(ladder.learnt)


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
    norm = gradient_norm(gradients, ladder.bricks.sum_of_squares)
    learning_rate = aesara.shared(np.float32(ladder.p.lr), name="learning_rate")
    updates = optimiser_updates(ladder.p, gradients, norm, parameters, learning_rate, ladder.bricks)
    if (most := ladder.regularisation.max_norm) is not None:
        mappings = (parameter for parameter in parameters if has_role(parameter, MAPPING))
        updates.update({W: ladder.bricks.within_norm(updates[W], most) for W in mappings})
    updates.update(ComputationGraph(ladder.clean_outputs()).updates)
    return TrainingStep(parameters, gradients, norm, learning_rate, updates)


def optimiser_updates(p, gradients, norm, parameters, learning_rate, package):
    """What the optimiser of the options makes of gradients.

    Parameters
    ----------
    p : Options
    gradients : list of variables
    norm : scalar, L2 norm of all of them together
    parameters : list of shared variables, one per gradient
    learning_rate : shared float32 scalar
    package : ladder.bricks or ladder.fused
        Whose ``optimiser_step`` is taken.

    Returns
    -------
    dict of shared variable -> new value
        Parameters and the optimiser's buffers.
    """
    how = resolve_optimisation(p)
    followed = gradients if how.clip_norm is None else clipped(gradients, norm, how.clip_norm)
    optimise = OPTIMISERS[how.optimizer]
    return optimise(followed, parameters, learning_rate, **how.constants, step=package.optimiser_step)


def _penalised(ladder, gradients, parameters):
    """The gradients of the total cost, from those without penalties: an optimiser's pass adds these on its way."""
    weights = ladder.regularisation.penalties
    if not weights:
        return gradients
    l1, l2 = (weights.get(name, 0.0) for name in ("l1", "l2"))
    return [
        ladder.bricks.penalised(gradient, parameter, l1, l2) if has_role(parameter, MAPPING) else gradient
        for gradient, parameter in zip(gradients, parameters)
    ]
