"""What ``run.py train --dry-run`` prints about a configuration."""

import math

from rich.table import Table

from ladder.augmentation_specs import resolve_augmentation
from ladder.backends import c
from ladder.batches import labeled_batch_size, unlabeled_batch_size
from ladder.cli.printing import print_table
from ladder.pretraining import resolve_pretraining


def print_network(experiment):
    """Print data set, layers and parameter counts; nothing is compiled.

    Parameters
    ----------
    experiment : Experiment
    """
    c.import_without_compiler()
    from ladder.training.functions import build_training_graph

    p, split = experiment.p, experiment.split
    ladder, _ = build_training_graph(p, experiment.in_dim)
    counts = _parameters_by_layer(ladder)
    print(_examples(experiment))
    print(_batches(p, split))
    print_table(_layers(ladder, counts))
    augmenting = resolve_augmentation(p)
    if augmenting is not None:
        print(f"Training images are changed: {augmenting}")
    for line in _adversarial_noise(ladder):
        print(line)
    if (how := resolve_pretraining(p, ladder.layers)) is not None:
        print(_pretraining(how, p.from_))
    print(f"{sum(counts.values()):,} parameters in total")


def _examples(experiment):
    """The numbers of training, labelled and validation examples, and the shape of one example."""
    p, examples, split = experiment.p, experiment.examples, experiment.split
    labelled = "no labels used" if p.unsupervised else f"{len(split.labeled)} of them labelled"
    return (
        f"{examples.name}: {len(split.train)} training examples, {labelled}, {len(split.valid)} for validation; "
        f"one example is {' x '.join(map(str, examples.in_dim))}"
    )


def _batches(p, split):
    """The batch sizes, and the number of updates in an epoch."""
    n = len(split.train)
    size = unlabeled_batch_size(p, n)
    labelled = (
        "" if p.unsupervised else f"{min(len(split.labeled), labeled_batch_size(p, len(split.labeled)))} labelled, "
    )
    updates = math.ceil(n / size)
    in_words = "1 update" if updates == 1 else f"{updates} updates"
    return f"{labelled}{min(n, size)} unlabelled examples in an update; {in_words} in an epoch"


def _layers(ladder, counts):
    """The table of layers; ``counts`` is the result of ``_parameters_by_layer``."""
    table = Table(
        "layer",
        "type",
        "dim",
        "activation",
        "noise",
        "decoder",
        "cost weight",
        "in encoder",
        "in decoder",
        title="Layers, and their numbers of parameters",
    )
    for layer in ladder.layers:
        table.add_row(
            str(layer.number),
            _type(layer),
            layer.shape_in_words(),
            layer.encoder_act if layer.number else "",
            f"{layer.noise_std:g}",
            layer.decoder_in_words,
            f"{layer.denoising_cost:g}",
            f"{counts['f', layer.number]:,}",
            f"{counts['g', layer.number]:,}",
        )
    return table


def _type(layer):
    """The kind of a layer, with its filters or windows."""
    if not layer.filter_size:
        return layer.kind
    usual = layer.filter_size if layer.is_pooling else 1
    stride = "" if layer.stride == usual else f", stride {layer.stride}"
    return f"{layer.kind} {layer.filter_size} x {layer.filter_size}{stride}"


def _adversarial_noise(ladder):
    """A line for each half that gets adversarial noise, and one for the virtual adversarial cost."""
    for half, (kind, taus) in ladder.adversarial.items():
        if taus:
            where = ", ".join(f"{tau:g} at layer {i}" for i, tau in taus.items())
            yield f"Adversarial noise on {half.replace('labeled', 'labelled')} examples: {kind}, tau {where}"
    if ladder.vat_costs:
        where = ", ".join(f"{weight:g} at layer {i}, radius {r:g}" for i, (weight, r) in ladder.vat_costs.items())
        yield f"Virtual adversarial cost of unlabelled examples: weight {where}"


def _pretraining(how, source):
    """Which layers are pre-trained, and how or from which folder."""
    layers = "layer 1" if how.top == 1 else f"layers 1 to {how.top}"
    epochs = f"{how.epochs} epochs" if how.model == "dae-joint" else f"{how.epochs} epochs each"
    return f"Pre-trained first: {layers} ({how.model}, {f'from {source}' if source else epochs})"


def _parameters_by_layer(ladder):
    """(f or g, layer number) -> number of learnt parameters."""
    counts = {(path, layer.number): 0 for path in "fg" for layer in ladder.layers}
    for parameter in ladder.learnt:
        path, number, _ = parameter.name.split("_", 2)
        counts[path, int(number)] += parameter.get_value(borrow=True).size
    return counts
