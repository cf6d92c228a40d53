"""The same ladder in PyTorch, written as one would write it there.

For speed, it differs from the ladder in two ways: the clean labelled half is
needed only for the running statistics, so no gradients are kept for it, and the
other three (clean unlabelled, corrupted labelled, corrupted unlabelled) go
through each layer in one product.  Adam is PyTorch's own, fused.
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from network import first_averages, first_parameters, random_batch
from unavailable import Unavailable

#: Running averages cover this many of the last updates.
RUNNING_UPDATES = 10


def costs(parameters, network, batch, noise):
    """All costs of a batch.

    Parameters
    ----------
    parameters : dict of name -> tensor
    network : Network
    batch : dict of name -> tensor
    noise : list of standard normal tensors, one per layer, labelled examples first

    Returns
    -------
    dict of name -> scalar tensor: cost_total, cost_class_corr, denois0 …
    """
    if network.adversarial_tau:
        batch = {**batch, "features_labeled": adversarial(parameters, network, batch, noise)}
    clean, corrupted, logits = encoders(parameters, network, batch, noise)
    n = network.n_labeled
    values = {"cost_class_corr": F.cross_entropy(logits[:n], batch["targets_labeled"])}
    total, u = values["cost_class_corr"], torch.softmax(logits[n:], dim=1)
    for i in reversed(range(network.top + 1)):
        if i < network.top:
            u = u @ parameters[f"g_{i}_W"]
        z, mean, variance = clean[i]
        u = estimate = gauss(parameters, i, corrupted[i], normalize_by_itself(u))
        if i > 0:
            estimate = normalize(estimate, mean, variance)
        values[f"denois{i}"] = F.mse_loss(estimate, z)
        total = total + network.denoising_costs[i] * values[f"denois{i}"]
    return {"cost_total": total, **values}


def adversarial(parameters, network, batch, noise):
    """The labelled examples moved by tau times the sign of their cost's gradient, taken with the noise."""
    n, std = network.n_labeled, network.noise_std
    x = torch.add(batch["features_labeled"], noise[0][:n], alpha=std).requires_grad_()
    h = x
    for i in range(1, network.top + 1):
        z = torch.add(normalize_by_itself(h @ parameters[f"f_{i}_W"].detach()), noise[i][:n], alpha=std)
        h = activation(parameters, network, i, z)
    (gradient,) = torch.autograd.grad(F.cross_entropy(h, batch["targets_labeled"]), x)
    return torch.add(batch["features_labeled"], gradient.sign(), alpha=network.adversarial_tau)


def encoders(parameters, network, batch, noise):
    """The clean encoder of the unlabelled half and the corrupted one of both.

    Returns
    -------
    clean : list of (z, mean, variance), one per layer
    corrupted : list of z of the unlabelled half, one per layer
    logits : of the corrupted encoder, labelled examples first
    """
    n, m, std = network.n_labeled, network.n_unlabeled, network.noise_std
    x = batch["features_unlabeled"]
    noisy = torch.add(torch.cat([batch["features_labeled"], x]), noise[0], alpha=std)
    clean, corrupted = [(x, None, None)], [noisy[n:]]
    h = torch.cat([x, noisy])
    for i in range(1, network.top + 1):
        z, labeled, unlabeled = (h @ parameters[f"f_{i}_W"]).split([m, n, m])
        variance, mean = torch.var_mean(z, dim=0, correction=0)
        z = normalize(z, mean, variance)
        noisy = torch.cat([normalize_by_itself(labeled), normalize_by_itself(unlabeled)])
        noisy = torch.add(noisy, noise[i], alpha=std)
        clean.append((z, mean, variance))
        corrupted.append(noisy[n:])
        h = activation(parameters, network, i, torch.cat([z, noisy]))
    return clean, corrupted, h[m:]


def clean_statistics(parameters, network, x):
    """Mean and unbiased variance of every layer of the clean labelled half, named as their averages."""
    h, found = x, {}
    with torch.no_grad():
        for i in range(1, network.top + 1):
            z = h @ parameters[f"f_{i}_W"]
            variance, mean = torch.var_mean(z, dim=0, correction=0)
            found[f"shared_f_{i}_bn_mean_clean"] = mean
            found[f"shared_f_{i}_bn_var_clean"] = variance * (len(z) / (len(z) - 1))
            h = activation(parameters, network, i, normalize(z, mean, variance))
    return found


def activation(parameters, network, i, z):
    """A layer's output; at the top the logits, as the softmax is part of what follows."""
    h = z + parameters[f"f_{i}_b"]
    return torch.relu(h) if i < network.top else h * parameters[f"f_{i}_c"]


def gauss(parameters, i, z, u):
    """The decoder's estimate of z from the noisy z and the signal from above."""
    a = [None] + [parameters[f"g_{i}_a{k}"] for k in range(1, 11)]
    mu = a[1] * torch.sigmoid(a[2] * u + a[3]) + a[4] * u + a[5]
    v = a[6] * torch.sigmoid(a[7] * u + a[8]) + a[9] * u + a[10]
    return (z - mu) * v + mu


def normalize(z, mean, variance):
    return (z - mean) * torch.rsqrt(variance + 1e-10)


def normalize_by_itself(z):
    return F.batch_norm(z, None, None, training=True, eps=1e-10)


def fresh_noise(network, device="cpu"):
    """Noise of all layers, as :func:`costs` takes it."""
    return [torch.randn(shape, device=device) for shape in network.noise_shapes]


def first_tensors(network, parameters, device="cpu"):
    """Parameters and running averages: two dicts of name -> tensor."""
    return (
        {name: torch.tensor(value, device=device, requires_grad=True) for name, value in parameters.items()},
        {name: torch.tensor(value, device=device) for name, value in first_averages(network).items()},
    )


class TorchLadder:
    """Parameters, running averages and their update.

    Parameters
    ----------
    network : Network
    parameters : dict of name -> array
    compiled : bool
        Whether costs and their gradients go through ``torch.compile``.
    device : str
        Where all tensors are.
    """

    def __init__(self, network, parameters, compiled=False, device="cpu"):
        self.network, self._device = network, device
        self.parameters, self.averages = first_tensors(network, parameters, device)
        self.updates_done = 0
        self._adam = torch.optim.Adam(self.parameters.values(), lr=network.learning_rate, fused=True)
        self._costs = torch.compile(costs) if compiled else costs
        self._statistics = torch.compile(clean_statistics) if compiled else clean_statistics

    def update(self, batch, noise=None):
        """One update; ``batch`` holds arrays.  Returns the total cost."""
        network = self.network
        batch = {name: torch.from_numpy(array).to(self._device) for name, array in batch.items()}
        if noise is None:
            noise = fresh_noise(network, self._device)
        total = self._costs(self.parameters, network, batch, noise)["cost_total"]
        self._keep_averages(self._statistics(self.parameters, network, batch["features_labeled"]))
        self._adam.zero_grad()
        total.backward()
        self._adam.param_groups[0]["eps"] = self._epsilon()
        self._adam.step()
        self.updates_done += 1
        return total.item()

    def _epsilon(self):
        """Blocks adds its 1e-8 to the root of the uncorrected second moment, PyTorch to that of the corrected."""
        return 1e-8 / (1 - 0.999 ** (self.updates_done + 1)) ** 0.5

    def _keep_averages(self, statistics):
        share = 1 / min(self.updates_done + 1, RUNNING_UPDATES)
        for name, average in self.averages.items():
            average.lerp_(statistics[name], share)


def costs_and_gradients(network, parameters, batch, noise):
    """For the comparison with the ladder: dicts of name -> float and name -> array."""
    parameters = {name: torch.tensor(value, requires_grad=True) for name, value in parameters.items()}
    batch = {name: torch.from_numpy(array) for name, array in batch.items()}
    values = costs(parameters, network, batch, [torch.from_numpy(array) for array in noise])
    gradients = torch.autograd.grad(values["cost_total"], list(parameters.values()))
    return (
        {name: value.item() for name, value in values.items()},
        {name: gradient.numpy() for name, gradient in zip(parameters, gradients)},
    )


def after_update(network, parameters, batch, noise):
    """Parameters and running averages after one update, name -> array."""
    ladder = TorchLadder(network, parameters)
    ladder.update(batch, [torch.from_numpy(array) for array in noise])
    return {name: value.detach().numpy() for name, value in {**ladder.parameters, **ladder.averages}.items()}


def prepare(network, threads, compiled=False, adversarial_tau=0.0):
    """A contestant's update: a function without arguments."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    network = replace(network, adversarial_tau=adversarial_tau)
    ladder = TorchLadder(network, first_parameters(network, rng), compiled)
    batch = random_batch(network, rng)
    if compiled:
        _try_compiling(ladder, batch)
    return lambda: ladder.update(batch)


def _try_compiling(ladder, batch):
    """Make the first update, in which torch.compile calls a C++ compiler and more."""
    try:
        ladder.update(batch)
    except Exception as error:
        raise Unavailable(f"torch.compile failed: {str(error).strip().splitlines()[0]}") from error
