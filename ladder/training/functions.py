"""Compiled functions of a ladder: one update, validation, statistics, prediction."""

import aesara

from ladder.data.experiment import training_stream
from ladder.graph.computation import ComputationGraph
from ladder.model import LadderAE
from ladder.training.statistics import averaging, with_running_statistics
from ladder.training.step import input_variables, training_step


def build_training_graph(p):
    """A ladder with its training graph.

    Parameters
    ----------
    p : HyperParameters

    Returns
    -------
    ladder : LadderAE
    inputs : list of variables, those of a training batch, by name
    """
    ladder = LadderAE(p)
    x, y, x_only = input_variables(p.encoder_layers[0])
    if p.unsupervised:
        ladder.apply(input_unlabeled=x_only)
        return ladder, [x_only]
    ladder.apply(x, y, x_only)
    return ladder, [x, y, x_only]


def compile_training(ladder, inputs, lr, mode):
    """The function that makes one update.

    Returns
    -------
    function : batch (dict of arrays) -> dict of name -> float
        ``cost_total``, ``cost_class_corr``, ``total_gradient_norm`` and
        ``denois0`` …, all of before the update.
    step : TrainingStep
    """
    step = training_step(ladder, lr)
    monitored = {"cost_total": ladder.costs.total, "total_gradient_norm": step.gradient_norm}
    if not ladder.p.unsupervised:
        monitored["cost_class_corr"] = ladder.costs.class_corr
    monitored.update(_denoising(ladder))
    return _by_name(inputs, monitored, mode, updates=step.updates), step


def compile_validation(ladder, inputs, mode):
    """A function of a validation batch: clean cost and error with running statistics, denoising costs.

    The noise streams move on as in training; put them back afterwards.
    """
    monitored = _denoising(ladder)
    if not ladder.p.unsupervised:
        x, y, _ = inputs
        classifier = build_classifier(ladder.p, ladder.shareds, x, y)
        labelled = [classifier.costs.class_clean, classifier.error.clean]
        labelled = with_running_statistics(labelled, ladder.shareds)
        monitored.update(zip(("cost_class_clean", "error_rate_clean"), labelled))
    return _by_name(inputs, monitored, mode)


def build_classifier(p, shareds, x, y=None):
    """The labelled half of a ladder by itself, its statistics replaceable by running averages.

    Parameters
    ----------
    p : HyperParameters
    shareds : ParameterStore of the trained ladder
    x : (examples, …) float32
    y : (examples,) int64, optional

    Returns
    -------
    LadderAE, after ``apply``
    """
    ladder = LadderAE(p, shareds, plain_graph=True)
    ladder.apply(input_labeled=x, target_labeled=y)
    return ladder


def compile_statistics(p, shareds, mode):
    """A function of a training batch that updates the running averages alone.

    The statistics belong to one half, so the other half's graph is left out.
    """
    ladder = LadderAE(p, shareds)
    x, _, x_only = input_variables(p.encoder_layers[0])
    half = {"input_unlabeled": x_only} if p.unsupervised else {"input_labeled": x}
    ladder.apply(**half)
    updates = ComputationGraph(ladder.clean_outputs()).updates
    return _by_name(list(half.values()), {}, mode, updates=updates)


def compile_statistics_estimate(p, shareds, examples, split, mode):
    """A function without arguments: the statistics over one epoch of training batches.

    It sets the running averages in ``shareds``, every batch having the same
    weight, as the original's ``FinalTestMonitoring`` does.  It is compiled when
    first called: training need not wait for what it needs at its end.
    """

    def estimate():
        update_averages = compile_statistics(p, shareds, mode)
        with averaging(shareds):
            for batch in training_stream(p, examples, split).get_epoch_iterator():
                update_averages(batch)

    return estimate


def build_prediction_graph(p, shareds):
    """The clean encoder by itself.

    Returns
    -------
    x : (examples, …) float32
    probabilities : (examples, classes) float32, normalised with the batch's own statistics
    """
    x, _, _ = input_variables(p.encoder_layers[0])
    return x, build_classifier(p, shareds, x).clean_outputs()[0]


def _denoising(ladder):
    """Name -> denoising cost, of the layers where it weighs anything; no others need be computed."""
    weighed = [layer.number for layer in ladder.layers if layer.denoising_cost > 0]
    return {f"denois{i}": ladder.costs.denois[i] for i in weighed if i in ladder.costs.denois}


def _by_name(inputs, monitored, mode, updates=None):
    """A compiled function from a batch by name to monitored values by name."""
    compiled = aesara.function(
        inputs, list(monitored.values()), updates=updates, mode=mode, on_unused_input="ignore"
    )
    names = [variable.name for variable in inputs]

    def call(batch):
        values = compiled(*[batch[name] for name in names])
        return {name: float(value) for name, value in zip(monitored, values)}

    return call
