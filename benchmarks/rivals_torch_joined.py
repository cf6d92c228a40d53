"""The ladder in PyTorch as one first ports it: the original's graph, line by line.

Both halves are joined and go through the clean and the corrupted encoder; each
half is normalised with its own statistics; Adam is PyTorch's as it comes.
``rivals_torch`` is the same network after somebody has looked for speed.
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from network import LARGE, first_averages, first_parameters, random_batch
from rivals_torch import RUNNING_UPDATES, activation, adversarial, gauss


def costs(parameters, network, batch, noise, averages, share):
    """Total cost of a batch; the running averages follow the clean labelled half."""
    n, top = network.n_labeled, network.top
    x = torch.cat([batch["features_labeled"], batch["features_unlabeled"]])
    clean, statistics, _ = encoder(parameters, network, x, None)
    if network.adversarial_tau:
        x = torch.cat([adversarial(parameters, network, batch, noise), batch["features_unlabeled"]])
    corrupted, _, logits = encoder(parameters, network, x, noise)
    for i in range(1, top + 1):
        (mean, variance), _ = statistics[i]
        averages[f"shared_f_{i}_bn_mean_clean"].lerp_(mean.detach(), share)
        averages[f"shared_f_{i}_bn_var_clean"].lerp_(variance.detach() * (n / (n - 1)), share)
    total = F.cross_entropy(logits[:n], batch["targets_labeled"])
    u = torch.softmax(logits[n:], dim=1)
    for i in reversed(range(top + 1)):
        if i < top:
            u = u @ parameters[f"g_{i}_W"]
        u = estimate = gauss(parameters, i, corrupted[i][n:], normalize(u, *mean_and_variance(u)))
        if i > 0:
            estimate = normalize(estimate, *statistics[i][1])
        total = total + network.denoising_costs[i] * ((estimate - clean[i][n:]) ** 2).mean()
    return total


def encoder(parameters, network, x, noise):
    """z of every layer, (mean, variance) of each half, and the logits."""
    n, std = network.n_labeled, network.noise_std
    h = x if noise is None else x + std * noise[0]
    zs, statistics = [h], [None]
    for i in range(1, network.top + 1):
        z = h @ parameters[f"f_{i}_W"]
        of_halves = mean_and_variance(z[:n]), mean_and_variance(z[n:])
        z = torch.cat([normalize(z[:n], *of_halves[0]), normalize(z[n:], *of_halves[1])])
        if noise is not None:
            z = z + std * noise[i]
        zs.append(z)
        statistics.append(of_halves)
        h = activation(parameters, network, i, z)
    return zs, statistics, h


def mean_and_variance(z):
    return z.mean(dim=0), z.var(dim=0, correction=0)


def normalize(z, mean, variance):
    return (z - mean) / torch.sqrt(variance + 1e-10)


def prepare(threads, adversarial_tau=0.0):
    """A contestant's update: a function without arguments."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    network = replace(LARGE, adversarial_tau=adversarial_tau)
    parameters = {
        name: torch.tensor(value, requires_grad=True) for name, value in first_parameters(network, rng).items()
    }
    averages = {name: torch.tensor(value) for name, value in first_averages(network).items()}
    adam = torch.optim.Adam(parameters.values(), lr=network.learning_rate)
    batch = {name: torch.from_numpy(array) for name, array in random_batch(network, rng).items()}
    done = 0

    def update():
        nonlocal done
        done += 1
        noise = [torch.randn(shape) for shape in network.noise_shapes]
        total = costs(parameters, network, batch, noise, averages, 1 / min(done, RUNNING_UPDATES))
        adam.zero_grad()
        total.backward()
        adam.step()
        return total.item()

    return update
