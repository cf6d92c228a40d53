"""The ladder in PyTorch, as one would first port it: the original's graph, line by line.

Both halves are joined and go through the clean and the corrupted encoder; each
half is normalised with its own statistics; Adam is PyTorch's, with its
defaults.  ``rivals_torch`` is the same network optimised for speed.
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from network import first_averages, first_parameters, random_batch
from rivals_torch import RUNNING_UPDATES, activation, adversarial, gauss


class JoinedLadder:
    """Parameters, running averages and their update.

    Parameters
    ----------
    costs : function (parameters, network, batch, noise) of dicts and lists of tensors
        It returns all costs by name and, for every layer above the input, the
        mean and unbiased variance of the clean labelled half.
    network : Network
    parameters : dict of name -> array
    """

    def __init__(self, costs, network, parameters):
        self._costs, self.network = costs, network
        self.parameters = {name: torch.tensor(value, requires_grad=True) for name, value in parameters.items()}
        self.averages = {name: torch.tensor(value) for name, value in first_averages(network).items()}
        self.updates_done = 0
        self._adam = torch.optim.Adam(self.parameters.values(), lr=network.learning_rate)

    def costs(self, batch, noise):
        """Costs and statistics, as above; ``batch`` and ``noise`` hold arrays."""
        batch = {name: torch.from_numpy(array) for name, array in batch.items()}
        return self._costs(self.parameters, self.network, batch, [torch.as_tensor(draw) for draw in noise])

    def update(self, batch, noise=None):
        """One update; returns the total cost."""
        if noise is None:
            noise = [torch.randn(shape) for shape in self.network.noise_shapes]
        values, statistics = self.costs(batch, noise)
        self.updates_done += 1
        share = 1 / min(self.updates_done, RUNNING_UPDATES)
        for i, (mean, variance) in enumerate(statistics, 1):
            self.averages[f"shared_f_{i}_bn_mean_clean"].lerp_(mean.detach(), share)
            self.averages[f"shared_f_{i}_bn_var_clean"].lerp_(variance.detach(), share)
        self._adam.zero_grad()
        values["cost_total"].backward()
        self._adam.step()
        return values["cost_total"].item()

    def costs_and_gradients(self, batch, noise):
        """For the comparison with the ladder: dicts of name -> float and name -> array."""
        values, _ = self.costs(batch, noise)
        gradients = torch.autograd.grad(values["cost_total"], list(self.parameters.values()))
        return (
            {name: value.item() for name, value in values.items()},
            {name: gradient.numpy() for name, gradient in zip(self.parameters, gradients)},
        )

    def after_update(self, batch, noise):
        """Parameters and running averages after one update, name -> array."""
        self.update(batch, noise)
        return {name: value.detach().numpy() for name, value in {**self.parameters, **self.averages}.items()}


def costs(parameters, network, batch, noise):
    """Costs and statistics, as :class:`JoinedLadder` needs them."""
    n, top = network.n_labeled, network.top
    x = torch.cat([batch["features_labeled"], batch["features_unlabeled"]])
    clean, statistics, _ = encoder(parameters, network, x, None)
    if network.adversarial_tau:
        x = torch.cat([adversarial(parameters, network, batch, noise), batch["features_unlabeled"]])
    corrupted, _, logits = encoder(parameters, network, x, noise)
    values = {"cost_class_corr": F.cross_entropy(logits[:n], batch["targets_labeled"])}
    total, u = values["cost_class_corr"], torch.softmax(logits[n:], dim=1)
    for i in reversed(range(top + 1)):
        if i < top:
            u = u @ parameters[f"g_{i}_W"]
        u = estimate = gauss(parameters, i, corrupted[i][n:], normalize(u, *mean_and_variance(u)))
        if i > 0:
            estimate = normalize(estimate, *statistics[i][1])
        values[f"denois{i}"] = ((estimate - clean[i][n:]) ** 2).mean()
        total = total + network.denoising_costs[i] * values[f"denois{i}"]
    labeled = [(mean, variance * (n / (n - 1))) for (mean, variance), _ in statistics[1:]]
    return {"cost_total": total, **values}, labeled


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


def costs_and_gradients(network, parameters, *situation):
    """For the comparison with the ladder: see :class:`JoinedLadder`."""
    return JoinedLadder(costs, network, parameters).costs_and_gradients(*situation)


def after_update(network, parameters, *situation):
    """For the comparison with the ladder: see :class:`JoinedLadder`."""
    return JoinedLadder(costs, network, parameters).after_update(*situation)


def prepare(network, threads, adversarial_tau=0.0):
    """A contestant's update: a function without arguments."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    network = replace(network, adversarial_tau=adversarial_tau)
    ladder = JoinedLadder(costs, network, first_parameters(network, rng))
    batch = random_batch(network, rng)
    return lambda: ladder.update(batch)
