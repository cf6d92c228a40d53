"""Resolve the options of adversarial noise and virtual adversarial costs: their layers, tau, radius and weight.

As in :mod:`ladder.layers`, conflicts are found without data or a compiler, and
nothing here imports Aesara.
"""

import math

from ladder.errors import UserError
from ladder.option_names import as_typed
from ladder.per_layer import per_layer


def resolve_adversarial(p, layers):
    """The adversarial noise of each half by layer, checked.

    Parameters
    ----------
    p : Options
    layers : tuple of Layer

    Returns
    -------
    dict of 'labeled', 'unlabeled' -> (kind, dict of layer number -> tau above 0)
        Taus are scaled according to ``adv_scale``: ``dim`` multiplies that of
        layer i by the square root of the ratio of its units to the input's, so
        that noise of a given norm has the same power per unit in every layer.
    """
    numbers = _adversarial_layers(p, layers)
    resolved = {}
    for half, suffix in (("labeled", ""), ("unlabeled", "_unlabeled")):
        taus = _by_adversarial_layer(p, "adv_tau" + suffix, numbers)
        scales = {i: math.sqrt(layers[i].size / layers[0].size) if p.adv_scale == "dim" else 1.0 for i in numbers}
        chosen = {i: tau * scales[i] for i, tau in taus.items() if tau > 0}
        resolved[half] = (getattr(p, "adv_kind" + suffix), chosen)
    _check_adversarial_use(p, layers, resolved)
    return resolved


def resolve_vat_cost(p, layers):
    """The layers with a virtual adversarial cost, checked.

    Parameters
    ----------
    p : Options
    layers : tuple of Layer

    Returns
    -------
    dict of layer number -> (weight above 0, radius above 0)
    """
    numbers = _adversarial_layers(p, layers)
    weights, radii = (_by_adversarial_layer(p, name, numbers) for name in ("vat_cost", "vat_radius"))
    costs = {i: (weight, radii[i]) for i, weight in weights.items() if weight > 0}
    for i, (_, radius) in costs.items():
        if radius == 0:
            raise UserError(
                f"--vat-cost weighs layer {i}, whose --vat-radius is 0: give a radius above 0, or weight 0."
            )
    if costs and p.unsupervised:
        raise UserError(
            "--vat-cost compares probabilities of classes, which --unsupervised does not train: leave one out."
        )
    if p.vat_noise_std > 0 and p.adv_path != "layers" and not costs:
        raise UserError(
            "--vat-noise-std is noise of the passes of --adv-path layers and of --vat-cost: give either, or leave it out."
        )
    return costs


def _adversarial_layers(p, layers):
    """The layer numbers in ``--adv-layers``, checked."""
    numbers = tuple(p.adv_layers)
    if not numbers:
        raise UserError("--adv-layers names no layer: give at least one, such as 0 (without noise: --adv-tau 0).")
    for i in numbers:
        if not 0 <= i < len(layers):
            raise UserError(f"--adv-layers: there is no layer {i}: choose from 0 (the input) to {len(layers) - 1}.")
    if len(set(numbers)) < len(numbers):
        raise UserError(f"--adv-layers names a layer twice: {','.join(map(str, numbers))}.")
    return numbers


def _by_adversarial_layer(p, name, numbers):
    """Expand one value for all of ``--adv-layers``, or one for each, to a dict by layer, lowest first."""
    values = per_layer(getattr(p, name), len(numbers), as_typed(name), "of --adv-layers", first="")
    return dict(sorted(zip(numbers, values)))


def _check_adversarial_use(p, layers, resolved):
    """Refuse noise that affects no cost, and a path that cannot produce it."""
    for half, (kind, taus) in resolved.items():
        if p.adv_path == "layers" and taus and kind != "vat":
            option = "--adv-kind" + ("-unlabeled" if half == "unlabeled" else "")
            raise UserError(f"--adv-path layers is for {option} vat, but it is {kind}: give vat, or another path.")
    if resolved["labeled"][1] and p.unsupervised:
        raise UserError("--adv-tau is noise on labelled examples, which --unsupervised does not use: leave one out.")
    has_cost = resolve_vat_cost(p, layers) or any(layer.decoder and layer.denoising_cost > 0 for layer in layers)
    if resolved["unlabeled"][1] and not has_cost:
        raise UserError(
            "--adv-tau-unlabeled is noise on unlabelled examples, which need a --denoising-cost-x above 0 "
            "at a layer with a decoder: give one, or leave the noise out."
        )
