"""A convolutional ladder in PyTorch, as one would first port it: the original's graph, line by line.

Both halves are joined and go through the clean and the corrupted encoder; each
half is normalised with its own statistics; filters are turned in every update;
Adam is PyTorch's, with its defaults.  ``rivals_torch_conv`` is the same network
optimised for speed.
"""

import numpy as np
import torch
import torch.nn.functional as F
from network import POOLINGS, first_parameters, random_batch
from rivals_torch_conv import downwards, gauss, oriented, upwards
from rivals_torch_joined import JoinedLadder, normalize


def costs(parameters, network, batch, noise):
    """Costs and statistics, as :class:`JoinedLadder` needs them."""
    n, top, layers = network.n_labeled, network.top, network.layers
    parameters = oriented(network, parameters)
    x = torch.cat([batch["features_labeled"], batch["features_unlabeled"]])
    clean, statistics, _ = encoder(parameters, network, x, None)
    corrupted, _, logits = encoder(parameters, network, x, noise)
    values = {"cost_class_corr": F.cross_entropy(logits[:n], batch["targets_labeled"])}
    total, u = values["cost_class_corr"], torch.softmax(logits[n:], dim=1)
    for i in reversed(range(network.bottom, top + 1)):
        if i < top:
            u = downwards(parameters, layers[i], layers[i + 1], i, u)
        u = estimate = gauss(parameters, i, corrupted[i][n:], normalize(u, *mean_and_variance(u)))
        if i > 0:
            estimate = normalize(estimate, *statistics[i][1])
        values[f"denois{i}"] = ((estimate - clean[i][n:]) ** 2).mean()
        total = total + network.denoising_costs[i] * values[f"denois{i}"]
    labeled = [(mean.flatten(), variance.flatten() * (n / (n - 1))) for (mean, variance), _ in statistics[1:]]
    return {"cost_total": total, **values}, labeled


def encoder(parameters, network, x, noise):
    """z of every layer, (mean, variance) of each half, and the logits."""
    n, std = network.n_labeled, network.noise_std
    h = x if noise is None else x + std * noise[0]
    zs, statistics = [h], [None]
    for i, layer in enumerate(network.layers[1:], 1):
        z = upwards(parameters, layer, i, h)
        of_halves = mean_and_variance(z[:n]), mean_and_variance(z[n:])
        z = torch.cat([normalize(z[:n], *of_halves[0]), normalize(z[n:], *of_halves[1])])
        if noise is not None:
            z = z + std * noise[i]
        zs.append(z)
        statistics.append(of_halves)
        h = activation(parameters, network, i, z)
    return zs, statistics, h


def activation(parameters, network, i, z):
    """A layer's output; at the top the logits, as the softmax is part of what follows."""
    top = i == network.top
    if network.layers[i].kind in POOLINGS and not top:
        return z
    h = z + parameters[f"f_{i}_b"].view(-1, *[1] * (z.ndim - 2))
    if top:
        return h.flatten(1) * parameters[f"f_{i}_c"] if network.top_c else h.flatten(1)
    return F.relu(h) if network.act == "relu" else F.leaky_relu(h, 0.1)


def mean_and_variance(z):
    """Mean and variance of each unit, or each map."""
    axes = (0, 2, 3)[: z.ndim - 1]
    return z.mean(axes, keepdim=True), z.var(axes, correction=0, keepdim=True)


def costs_and_gradients(network, parameters, *situation):
    """For the comparison with the ladder: see :class:`JoinedLadder`."""
    return JoinedLadder(costs, network, parameters).costs_and_gradients(*situation)


def after_update(network, parameters, *situation):
    """For the comparison with the ladder: see :class:`JoinedLadder`."""
    return JoinedLadder(costs, network, parameters).after_update(*situation)


def prepare(network, threads):
    """A contestant's update: a function without arguments."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    ladder = JoinedLadder(costs, network, first_parameters(network, rng))
    batch = random_batch(network, rng)
    return lambda: ladder.update(batch)
