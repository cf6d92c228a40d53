"""A convolutional ladder in PyTorch, optimised for speed.

What makes it fast on a CPU, in order of how much each saves: memory with
channels last; noise added and rectifiers applied in place; the bias as part of
PyTorch's batch normalisation where z is not needed; each half on its own path,
so that nothing is joined or split and no tensor is large enough for malloc to
hand its pages back to the system; no gradients for the clean labelled half; the
fused Adam.
"""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from network import CONVOLUTIONS, POOLINGS, first_averages, first_parameters, random_batch
from rivals_torch import RUNNING_UPDATES, normalize
from unavailable import Unavailable


def costs(parameters, network, batch, noise):
    """All costs of a batch.

    Parameters
    ----------
    parameters : dict of name -> tensor, filters as :func:`oriented` has them
    network : Network
    batch : dict of name -> tensor
    noise : function (slice of examples, layer number) -> standard normals, labelled examples first

    Returns
    -------
    dict of name -> scalar tensor: cost_total, cost_class_corr, denois0 …
    """
    n, top, layers = network.n_labeled, network.top, network.layers
    labeled, unlabeled = partial(noise, slice(0, n)), partial(noise, slice(n, n + network.n_unlabeled))
    x = batch["features_unlabeled"]
    clean, statistics, _ = encoder(parameters, network, x, None, network.bottom)
    _, _, logits = encoder(parameters, network, batch["features_labeled"], labeled, top + 1)
    corrupted, _, u = encoder(parameters, network, x, unlabeled, network.bottom)
    values = {"cost_class_corr": F.cross_entropy(logits, batch["targets_labeled"])}
    total, u = values["cost_class_corr"], torch.softmax(u, dim=1)
    for i in reversed(range(network.bottom, top + 1)):
        if i < top:
            u = downwards(parameters, layers[i], layers[i + 1], i, u)
        u = estimate = gauss(parameters, i, corrupted[i], batch_norm(u))
        if i > 0:
            estimate = normalize(estimate, *statistics[i])
        values[f"denois{i}"] = F.mse_loss(estimate, clean[i])
        total = total + network.denoising_costs[i] * values[f"denois{i}"]
    return {"cost_total": total, **values}


def encoder(parameters, network, x, noise, keep_from):
    """One half through all layers.

    Parameters
    ----------
    noise : function of a layer's number, or None for the clean path
    keep_from : int, number of the lowest layer whose z is needed afterwards

    Returns
    -------
    zs, statistics : dicts of layer number -> z; (mean, variance), only on the clean path
    logits : (examples, classes)
    """
    h = x if noise is None else torch.add(x, noise(0), alpha=network.noise_std)
    zs, statistics = {0: h}, {}
    for i, layer in enumerate(network.layers[1:], 1):
        z_pre, b = upwards(parameters, layer, i, h), parameters.get(f"f_{i}_b")
        if i < keep_from:
            h = corrupt(network, i, batch_norm(z_pre, b), noise)
        else:
            z, statistics[i] = normalized(z_pre) if noise is None else (batch_norm(z_pre), None)
            h = zs[i] = corrupt(network, i, z, noise)
            h = h if b is None else h + b.view(-1, *[1] * (h.ndim - 2))
        h = activation(parameters, network, i, h)
    return zs, statistics, h


def upwards(parameters, layer, i, h):
    """A layer's z before normalisation."""
    if layer.kind == "fc":
        return h.flatten(1) @ parameters[f"f_{i}_W"]
    if layer.kind in CONVOLUTIONS:
        return F.conv2d(h, parameters[f"f_{i}_W"], padding=layer.size - 1 if layer.kind == "convf" else 0)
    if layer.kind == "maxpool":
        return F.max_pool2d(h, layer.size, ceil_mode=True)
    return h.mean((2, 3), keepdim=True) * (layer.size * math.sqrt(3))


def downwards(parameters, layer, above, i, u):
    """The decoder's signal for a layer from the estimate of the layer above."""
    if above.kind == "fc":
        return u.flatten(1) @ parameters[f"g_{i}_W"]
    if above.kind == "convv" and above.size > 1:
        return full_convolution(u, parameters[f"g_{i}_W"])
    if above.kind in CONVOLUTIONS:
        return F.conv2d(u, parameters[f"g_{i}_W"])
    if above.kind == "maxpool":
        _, height, width = layer.shape
        copied = u.repeat_interleave(above.size, 2).repeat_interleave(above.size, 3)
        return copied[:, :, :height, :width]
    return u


def full_convolution(u, filters):
    """Spread each value over a window: a product, and a sum of windows.

    With channels last ``conv_transpose2d`` took thirty times as long.
    """
    (n, maps, height, width), size = u.shape, filters.shape[-1]
    windows = u.movedim(1, -1).reshape(-1, maps) @ filters.movedim(1, 0).reshape(maps, -1)
    windows = windows.view(n, height * width, -1).transpose(1, 2)
    return F.fold(windows, (height + size - 1, width + size - 1), size)


def corrupt(network, i, z, noise):
    """z with noise, in place; unchanged on the clean path."""
    return z if noise is None else z.add_(noise(i), alpha=network.noise_std)


def activation(parameters, network, i, h):
    """A layer's output, in place; at the top the logits, as the softmax is part of what follows."""
    if i == network.top:
        h = h.flatten(1)
        return h * parameters[f"f_{i}_c"] if network.top_c else h
    if network.layers[i].kind in POOLINGS:
        return h
    return F.relu_(h) if network.act == "relu" else F.leaky_relu_(h, 0.1)


def batch_norm(z, b=None):
    """Each unit or map normalised by itself, shifted by b."""
    return F.batch_norm(z, None, None, None, b, training=True, eps=1e-10)


def normalized(z):
    """The same, with the (mean, variance) that PyTorch's own function does not return."""
    variance, mean = torch.var_mean(z, dim=(0, 2, 3)[: z.ndim - 1], correction=0, keepdim=True)
    return normalize(z, mean, variance), (mean, variance)


def gauss(parameters, i, z, u):
    """The decoder's estimate of z; per unit where u is flat, per map where it is images."""
    noisy = z.flatten(1) if u.ndim == 2 else z
    a = [None] + [parameters[f"g_{i}_a{k}"].view(-1, *[1] * (u.ndim - 2)) for k in range(1, 11)]
    mu = a[1] * torch.sigmoid(a[2] * u + a[3]) + a[4] * u + a[5]
    v = a[6] * torch.sigmoid(a[7] * u + a[8]) + a[9] * u + a[10]
    return ((noisy - mu) * v + mu).view_as(z)


def clean_statistics(parameters, network, x):
    """Mean and unbiased variance of every layer of the clean labelled half, named as their averages."""
    h, found = x, {}
    with torch.no_grad():
        for i, layer in enumerate(network.layers[1:], 1):
            z_pre = upwards(parameters, layer, i, h)
            mean, variance = torch.zeros(2, layer.shape[0], device=x.device)
            # With momentum 1 the "running" statistics are this batch's.
            h = F.batch_norm(z_pre, mean, variance, None, parameters.get(f"f_{i}_b"), True, 1.0, 1e-10)
            # PyTorch's variance is unbiased by the number of values; the ladder's by that of images.
            n, values = len(x), z_pre.numel() // layer.shape[0]
            found[f"shared_f_{i}_bn_mean_clean"] = mean
            found[f"shared_f_{i}_bn_var_clean"] = variance * ((values - 1) / values * n / (n - 1))
            h = activation(parameters, network, i, h)
    return found


def oriented(network, arrays):
    """Turn filters by 180 degrees wherever PyTorch's conv2d applies them, which does not flip: name -> tensor.

    Applied twice it changes nothing.
    """
    flipped = set()
    for i, layer in enumerate(network.layers):
        flipped |= {f"f_{i}_W"} if layer.kind in CONVOLUTIONS else set()
        flipped |= {f"g_{i - 1}_W"} if layer.kind == "convf" else set()
    return {name: value.flip(2, 3) if name in flipped else value for name, value in arrays.items()}


def channels_last(tensor):
    return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def fresh_noise(network, examples, i, device="cpu", maps_last=True):
    """Noise of some examples at a layer; PyTorch draws fast into contiguous memory only.

    Parameters
    ----------
    examples : slice
    i : int, the layer's number
    device : str
    maps_last : bool
        Whether memory has channels last.
    """
    n, (maps, *image) = examples.stop - examples.start, network.layers[i].shape
    if not maps_last:
        return torch.randn(n, maps, *image, device=device)
    z = torch.randn(n, *image, maps, device=device)
    return z.movedim(-1, 1) if image else z


def first_tensors(network, parameters, device="cpu", maps_last=True):
    """Parameters, as :func:`oriented` has them, and running averages: two dicts of name -> tensor."""
    turned = oriented(network, {name: torch.tensor(value, device=device) for name, value in parameters.items()})
    return (
        {name: (channels_last(value) if maps_last else value).requires_grad_() for name, value in turned.items()},
        {name: torch.tensor(value, device=device) for name, value in first_averages(network).items()},
    )


class TorchConvLadder:
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
        # PyTorch's own generator: the one that the compiler puts in its place takes a second per update here.
        self._costs = torch.compile(costs, options={"fallback_random": True}) if compiled else costs
        self._statistics = torch.compile(clean_statistics) if compiled else clean_statistics

    def costs(self, batch, noise=None):
        """All costs of a batch of arrays, with new noise or with the tensors given, one per layer."""
        batch = {name: self._tensor(array) for name, array in batch.items()}
        draw = partial(fresh_noise, self.network, device=self._device)
        if noise is not None:
            draw = lambda examples, i: channels_last(noise[i][examples])  # noqa: E731
        return self._costs(self.parameters, self.network, batch, draw)

    def update(self, batch, noise=None):
        """One update; returns the total cost."""
        total = self.costs(batch, noise)["cost_total"]
        self._keep_averages(self._tensor(batch["features_labeled"]))
        self._adam.zero_grad()
        total.backward()
        self._adam.param_groups[0]["eps"] = self._epsilon()
        self._adam.step()
        self.updates_done += 1
        return total.item()

    def _tensor(self, array):
        return channels_last(torch.from_numpy(array).to(self._device))

    def _epsilon(self):
        """Blocks adds its 1e-8 to the root of the uncorrected second moment, PyTorch to that of the corrected."""
        return 1e-8 / (1 - 0.999 ** (self.updates_done + 1)) ** 0.5

    def _keep_averages(self, x):
        share = 1 / min(self.updates_done + 1, RUNNING_UPDATES)
        for name, new in self._statistics(self.parameters, self.network, x).items():
            self.averages[name].lerp_(new, share)

    def arrays(self, tensors):
        """Parameters or their gradients as the ladder has them: name -> array."""
        return {name: value.numpy() for name, value in oriented(self.network, tensors).items()}


def costs_and_gradients(network, parameters, batch, noise):
    """For the comparison with the ladder: dicts of name -> float and name -> array."""
    ladder = TorchConvLadder(network, parameters)
    values = ladder.costs(batch, [torch.from_numpy(array) for array in noise])
    gradients = torch.autograd.grad(values["cost_total"], list(ladder.parameters.values()))
    return ({name: value.item() for name, value in values.items()}, ladder.arrays(dict(zip(parameters, gradients))))


def after_update(network, parameters, batch, noise):
    """Parameters and running averages after one update, name -> array."""
    ladder = TorchConvLadder(network, parameters)
    ladder.update(batch, [torch.from_numpy(array) for array in noise])
    detached = {name: value.detach() for name, value in {**ladder.parameters, **ladder.averages}.items()}
    return ladder.arrays(detached)


def prepare(network, threads, compiled=False):
    """A contestant's update: a function without arguments."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    ladder = TorchConvLadder(network, first_parameters(network, rng), compiled)
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
