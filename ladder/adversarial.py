"""Adversarial noise and virtual adversarial costs of a ladder: the passes that their gradients are taken through.

"Adversarial Learning with Ladder Networks" (2016), section 5.4; layer by layer,
Shinoda, Worrall and Brostow (2017), "Virtual Adversarial Ladder Networks for
Semi-supervised Learning".  Directions u are constants of the graph, one for
each example, see :func:`ladder.bricks.adversarial.direction`.
"""

import aesara.tensor as at
import numpy as np
from aesara.gradient import disconnected_grad

from ladder.bricks.adversarial import direction, virtual_label
from ladder.bricks.costs import crossentropy_of_logits, kl_divergence


def adversarial_noise(ladder, half, x, target, parameters, corruption):
    """Adversarial noise, tau u, for one half of the batch.

    The gradient of the half's supervised cost, or of the divergence that
    ``vat`` climbs, is taken through the corrupted path with this update's
    Gaussian noise and the half's own statistics, through the clean path, or,
    for each layer by itself, through passes that begin there (``adv_path``).

    Parameters
    ----------
    ladder : LadderAE
    half : str
    x : (examples, …) float32
    target : (examples,) int64, or None
        None: the label is the network's own argmax on that path.
    parameters : as for ``LadderAE.encoder``
    corruption : dict
        Corruption of the corrupted path, see :mod:`ladder.corruption`.

    Returns
    -------
    dict of layer number -> tau u, shaped like the layer's z; empty if all taus are 0
    """
    kind, taus = ladder.adversarial[half]
    if not taus:
        return {}
    if ladder.p.adv_path == "layers":
        us = _virtual_by_layer(ladder, x, parameters, corruption, taus)
    else:
        corruption = corruption if ladder.p.adv_path == "corr" else {}
        (act,) = ladder.encoder([(x, corruption)], parameters, through_z=taus)
        if kind == "vat":
            us = _virtual_together(ladder, x, parameters, corruption, act, taus)
        else:
            label = virtual_label(act.logits) if target is None else target.flatten()
            us = _directions(kind, crossentropy_of_logits(label, act.logits), act, taus)
    return {i: us[i] * np.float32(tau) for i, tau in taus.items()}


def virtual_adversarial_costs(ladder, corr, parameters):
    """The virtual adversarial cost of each layer: how far its z can move the corrupted path's probabilities.

    Parameters
    ----------
    ladder : LadderAE
    corr : namespace, the corrupted path's activations of the unlabelled half
    parameters : as for ``LadderAE.encoder``

    Returns
    -------
    dict of layer number -> scalar
        The Kullback-Leibler divergence from the probabilities, held constant,
        to those of a pass from z + radius u.
    """
    costs, logits = {}, disconnected_grad(corr.logits)
    for i, (_, radius) in ladder.vat_costs.items():
        u = _virtual_direction(ladder, i, corr.z[i], logits, parameters)
        moved = _logits_from(ladder, i, corr.z[i] + u * np.float32(radius), parameters)
        costs[i] = kl_divergence(logits, moved)
        costs[i].name = f"vat{i}"
    return costs


def plus(corruption, adversarial):
    """A path's corruption with adversarial noise (dict of layer number -> tau u) added to its Gaussian noise."""
    corruption = dict(corruption)
    for i, tau_u in adversarial.items():
        draw, std = corruption.get(i, (0, 0))
        corruption[i] = (tau_u + draw * np.float32(std) if std else tau_u, 1.0)
    return corruption


def _directions(kind, cost, act, numbers):
    """u by layer number, from the gradients of one cost with respect to the z of these layers."""
    gradients = at.grad(cost, [act.z[i] for i in numbers])
    return {i: direction(kind, U) for i, U in zip(numbers, gradients)}


def _random_direction(ladder, z):
    """A random unit vector for each example, drawn after the Gaussian noise."""
    return direction("1N", ladder.noise.like(z))


def _virtual_together(ladder, x, parameters, corruption, act, numbers):
    """u by layer number, from power iterations that move all these layers at once on the path ``act``."""
    us, logits = {i: _random_direction(ladder, act.z[i]) for i in numbers}, disconnected_grad(act.logits)
    for _ in range(ladder.p.vat_iterations):
        moved = {i: u * np.float32(ladder.p.vat_xi) for i, u in us.items()}
        (act,) = ladder.encoder([(x, plus(corruption, moved))], parameters, through_z=numbers)
        us = _directions("vat", kl_divergence(logits, act.logits), act, numbers)
    return us


# Passes that begin at the z of a layer, with their own Gaussian noise there and above


def _virtual_by_layer(ladder, x, parameters, corruption, numbers):
    """u by layer number: from the corrupted path's z before its noise, away from the clean path's probabilities."""
    clean, corr = ladder.encoder([(x, {}), (x, corruption)], parameters)
    starts = {i: x if i == 0 else _before_noise(ladder, corr.z_pre[i]) for i in numbers}
    return {i: _virtual_direction(ladder, i, z, clean.logits, parameters) for i, z in starts.items()}


def _before_noise(ladder, z_pre):
    """A layer's z without noise: z_pre, normalised."""
    return ladder.bricks.encode(z_pre, None, 0.0, None, None, "linear")[0]


def _virtual_direction(ladder, i, z, logits, parameters):
    """u along which passes that begin at the z of layer i leave the probabilities of these logits fastest."""
    z, logits = disconnected_grad(z), disconnected_grad(logits)
    u = _random_direction(ladder, z)
    for _ in range(ladder.p.vat_iterations):
        moved = z + u * np.float32(ladder.p.vat_xi)
        u = direction("vat", at.grad(kl_divergence(logits, _logits_from(ladder, i, moved, parameters)), moved))
    return u


def _logits_from(ladder, i, z, parameters):
    """The logits, (examples, classes), of a pass that begins at the z of layer i."""
    noise = _draw_from(ladder, i, z.shape[0]) if ladder.p.vat_noise_std > 0 else {}
    act = ladder.begin_path(i, z, noise, parameters)
    ladder.climb([(act, noise)], ladder.layers[i + 1 :], parameters)
    return act.logits


def _draw_from(ladder, i, n):
    """Gaussian noise for n examples at layer i and above, as ``LadderAE.encoder`` takes it.

    All these layers share one stream: making a stream takes time, and there are many passes.
    """
    layers, noise, start = ladder.layers[i:], {}, 0
    draw = ladder.noise.normal((n * sum(layer.size for layer in layers),))
    for layer in layers:
        stop = start + n * layer.size
        noise[layer.number] = draw[start:stop].reshape((n, *layer.dim)), ladder.p.vat_noise_std
        start = stop
    return noise
