"""Compiled functions of a ladder: updates, validation, statistics, prediction."""

import copy

from ladder import backends
from ladder.graph import ComputationGraph
from ladder.model import LadderAE
from ladder.training.statistics import averaging, with_running_statistics
from ladder.training.step import input_variables, training_step


def build_training_graph(p, in_dim):
    """A ladder with its training graph.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example

    Returns
    -------
    ladder : LadderAE
    inputs : list of variables, named as in a training batch
    """
    ladder = LadderAE(p, in_dim)
    x, y, x_only = input_variables(in_dim)
    if p.unsupervised:
        ladder.apply(input_unlabeled=x_only)
        return ladder, [x_only]
    ladder.apply(x, y, x_only)
    return ladder, [x, y, x_only]


def compile_training(ladder, inputs, data):
    """Compile the updates of the parameters.

    Parameters
    ----------
    ladder : LadderAE
    inputs : list of variables
    data : dict of input name -> array, see ``SemiDataStream.sources`` and :func:`ladder.backends.updates`

    Returns
    -------
    updates : see :func:`ladder.backends.updates`
        It monitors ``cost_total``, ``cost_class_corr``, ``total_gradient_norm``,
        ``denois0`` …, ``vat0`` …, ``l1`` and ``l2``, all as they were before the update.
    step : TrainingStep
    """
    step = training_step(ladder)
    monitored = {"cost_total": ladder.costs.total, "total_gradient_norm": step.gradient_norm}
    if not ladder.p.unsupervised:
        monitored["cost_class_corr"] = ladder.costs.class_corr
    monitored.update(_denoising(ladder))
    monitored.update({f"vat{i}": cost for i, cost in ladder.costs.vat.items()})
    monitored.update({name: getattr(ladder.costs, name) for name in ("l1", "l2") if hasattr(ladder.costs, name)})
    return backends.updates(inputs, monitored, step.updates, data), step


def compile_validation(ladder, inputs):
    """A function from a validation batch to clean cost and error, with running statistics, and denoising costs.

    It advances the noise streams, as training does; restore them afterwards.
    """
    monitored = _denoising(ladder)
    if not ladder.p.unsupervised:
        x, y, _ = inputs
        classifier = build_classifier(ladder.p, ladder.in_dim, ladder.shareds, x, y)
        labelled = [classifier.costs.class_clean, classifier.error.clean]
        labelled = with_running_statistics(labelled, ladder.shareds)
        monitored.update(zip(("cost_class_clean", "error_rate_clean"), labelled))
    # Called once per epoch: between calls it must not hold memory (gigabytes with large maps) that updates need.
    return FunctionOfBatch(inputs, monitored, allow_gc=True)


def build_classifier(p, in_dim, shareds, x, y=None):
    """The labelled half of a ladder's clean path by itself, with statistics that running averages can replace.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    shareds : ParameterStore of the trained ladder
    x : (examples, …) float32
    y : (examples,) int64, optional

    Returns
    -------
    LadderAE, after ``apply``
    """
    ladder = LadderAE(p, in_dim, shareds, plain_graph=True)
    ladder.apply(input_labeled=x, target_labeled=y, clean_only=True)
    return ladder


def compile_statistics(p, in_dim, shareds):
    """A function of a training batch that updates only the running averages.

    The statistics belong to one half, so the other half's graph is left out.
    """
    ladder = LadderAE(p, in_dim, shareds)
    x, _, x_only = input_variables(in_dim)
    half = {"input_unlabeled": x_only} if p.unsupervised else {"input_labeled": x}
    # All paths share their products, so the corrupted one would draw its noise as well.
    ladder.apply(**half, clean_only=True)
    updates = ComputationGraph(ladder.clean_outputs()).updates
    return FunctionOfBatch(list(half.values()), {}, updates, allow_gc=True)


def estimate_statistics(update_averages, shareds, stream):
    """Estimate the statistics over one epoch of training batches, all with the same weight.

    The original's ``FinalTestMonitoring`` does the same.

    Parameters
    ----------
    update_averages : from :func:`compile_statistics`
    shareds : ParameterStore, whose running averages are set
    stream : SemiDataStream, the training batches
    """
    with averaging(shareds):
        for batch in stream.get_epoch_iterator():
            update_averages(batch)


def build_prediction_graph(p, in_dim, shareds):
    """The clean encoder by itself.

    Returns
    -------
    x : (examples, …) float32
    probabilities : (examples, classes) float32, normalised with the batch's own statistics
    """
    x, _, _ = input_variables(in_dim)
    return x, build_classifier(p, in_dim, shareds, x).clean_outputs()[0]


def _denoising(ladder):
    """Name -> denoising cost, for layers that give it a weight above 0; the others need not be computed."""
    weighed = [layer.number for layer in ladder.layers if layer.denoising_cost > 0]
    return {f"denois{i}": ladder.costs.denois[i] for i in weighed if i in ladder.costs.denois}


class FunctionOfBatch:
    """A compiled function from a batch (by name) to monitored values (by name).

    Parameters
    ----------
    inputs : list of variables
    monitored : dict of name -> scalar variable
    updates : dict of shared variable -> new value, optional
    allow_gc : bool, see :func:`ladder.backends.function`
    """

    def __init__(self, inputs, monitored, updates=None, allow_gc=False):
        self._names, self._monitored = [variable.name for variable in inputs], list(monitored)
        self._compiled = backends.function(inputs, list(monitored.values()), updates, allow_gc=allow_gc)

    def __call__(self, batch):
        values = self._compiled(*[batch[name] for name in self._names])
        return {name: float(value) for name, value in zip(self._monitored, values)}

    def on(self, others):
        """The same with other shared variables (a function from each to its replacement); only for the JAX backend."""
        other = copy.copy(self)
        other._compiled = self._compiled.on(others)
        return other
