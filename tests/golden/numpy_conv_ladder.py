"""A ladder with layers of maps in float64 NumPy, written from the paper and the original's description.

Like ``numpy_ladder``, whose elementwise functions it uses, it shares nothing
with the package: its costs are the reference for ours, and its finite
differences the reference for our gradients.  A layer is a string, as on the
command line: ``convf:3:2:1:1``, ``maxpool:2:2``, ``fc:5`` …
"""

from types import SimpleNamespace

import numpy as np
from golden.numpy_ladder import ACTIVATIONS, SCALED, WITH_U, WITHOUT_U, normalize, perceptron

POOLINGS = ("maxpool", "meanpool", "globalmeanpool")

# --- Layers; maps are (examples, maps, height, width)


def correlation(x, W, border):
    """Filters (maps, maps below, K, K) applied unflipped: sums over the maps below and K x K pixels."""
    K = W.shape[2]
    x = surrounded(x, K - 1) if border == "full" else x
    height, width = (n - K + 1 for n in x.shape[2:])
    return sum(
        np.einsum("ncij,fc->nfij", x[:, :, i : i + height, j : j + width], W[:, :, i, j]) for i, j in np.ndindex(K, K)
    )


def convolution(x, W, border):
    """True convolution: with the filters flipped."""
    return correlation(x, W[:, :, ::-1, ::-1], border)


def surrounded(x, n):
    """x with n zeros on every side."""
    return np.pad(x, [(0, 0), (0, 0), (n, n), (n, n)])


def convolve(x, W, border, stride):
    """The encoder's convolution: filters are flipped with stride 1, but not with a larger one."""
    return convolution(x, W, border) if stride == 1 else correlation(x, W, border)[:, :, ::stride, ::stride]


def deconvolve(z, W, border, stride, shape):
    """The decoder's inverse: entries spread out, a true convolution with the opposite border, cropped."""
    n, maps, height, width = z.shape
    spread = np.zeros((n, maps, height * stride, width * stride))
    spread[:, :, ::stride, ::stride] = z
    u = convolution(spread, W, {"valid": "full", "full": "valid"}[border])
    return u[:, :, : shape[0], : shape[1]]


def windows(side, size, stride):
    """Slices of one axis; every pixel is in one, and only the last may be incomplete."""
    found, begin = [], 0
    while not found or (begin < side and found[-1].stop < side):
        found.append(slice(begin, begin + size))
        begin += stride
    return found


def max_pool(x, size, stride):
    down, across = (windows(side, size, stride) for side in x.shape[2:])
    return np.stack([np.stack([x[:, :, r, c].max((2, 3)) for c in across], 2) for r in down], 2)


def mean_pool(x, size, stride):
    down, across = (windows(side, size, stride) for side in x.shape[2:])
    return np.stack([np.stack([x[:, :, r, c].mean((2, 3)) for c in across], 2) for r in down], 2)


def unpool(z, size, shape):
    """Each entry copied over its window."""
    return z.repeat(size, 2).repeat(size, 3)[:, :, : shape[0], : shape[1]]


def global_mean_pool(x):
    return x.mean((2, 3), keepdims=True) * x.shape[3] * np.sqrt(3)


def parse(text):
    """Kind and numbers of a layer."""
    kind, *numbers = text.split(":")
    return kind, [int(n) for n in numbers]


def border_of(kind):
    return "full" if kind == "convf" else "valid"


def up(layer, h, W):
    """The layer's z before normalisation, from h of the layer below."""
    kind, numbers = parse(layer)
    if kind == "fc":
        return h.reshape(len(h), -1) @ W
    if kind == "maxpool":
        return max_pool(h, numbers[1], numbers[0])
    if kind == "meanpool":
        return mean_pool(h, numbers[1], numbers[0])
    return global_mean_pool(h) if kind == "globalmeanpool" else convolve(h, W, border_of(kind), numbers[2])


def down(above, z_est, W, dim):
    """The signal that the decoder's layer of this shape gets from the layer above."""
    kind, numbers = parse(above)
    if kind == "fc":
        return z_est.reshape(len(z_est), -1) @ W
    if kind in POOLINGS:
        u = unpool(z_est, numbers[1], dim[1:]) if kind != "globalmeanpool" else z_est
        # A maxout layer has several z for each u.
        return np.concatenate([u] * (dim[0] // u.shape[1]), axis=1)
    return deconvolve(z_est, W, border_of(kind), numbers[2], dim[1:])


# --- The network


def moments(x):
    """Mean and variance of units over examples, of maps over examples and pixels."""
    axes = (0,) if x.ndim == 2 else (0, 2, 3)
    return x.mean(axes, keepdims=True), x.var(axes, keepdims=True)


def per_unit(vector, like):
    return vector if like.ndim == 2 else vector[:, None, None]


def encoder(params, x, layers, acts, noise=None, stds=None, top_c=True, statistics=None):
    """One half through one path.

    Parameters
    ----------
    layers, acts : lists of str, layer 1 first; the top's activation is softmax
    noise : list of arrays or None, layer 0 first; None for the clean path
    stds : list of float, layer 0 first
    statistics : dict of layer number -> mean, variance, shaped as :func:`moments`' (default: the half's own)
    """
    noise = noise or [None] * (len(layers) + 1)
    noisy = lambda z, i: z if noise[i] is None else z + stds[i] * noise[i]
    h = noisy(x.astype("float64"), 0)
    path = SimpleNamespace(z={0: h}, h={0: h}, m={}, s={})
    for i, layer in enumerate(layers, start=1):
        top, kind = i == len(layers), layer.split(":")[0]
        z_pre = up(layer, h, params.get(f"f_{i}_W"))
        path.m[i], path.s[i] = statistics[i] if statistics else moments(z_pre)
        z = noisy(normalize(z_pre, path.m[i], path.s[i]), i)
        name = "softmax" if top else "linear" if kind in POOLINGS else acts[i - 1]
        h = z if name == "linear" else z + per_unit(params[f"f_{i}_b"], z)
        if name in SCALED or (name == "softmax" and top_c):
            h = h * per_unit(params[f"f_{i}_c"], z)
        h = ACTIVATIONS[name](h.reshape(len(h), -1) if top else h)
        path.z[i], path.h[i] = z, h
    return path


def decoder(params, layers, decoders, clean, corr, zestbn="bugfix"):
    """Estimates and costs by layer number; ``decoders``: (function, whether it gets u) or None, layer 0 first."""
    z_est, denois, top = {}, {}, len(layers)
    for i in range(top, -1, -1):
        if decoders[i] is None:
            continue
        (name, uses_u), z = decoders[i], corr.z[i]
        dim, above = z.shape[1:], None if i == top else layers[i]
        by_unit = above is None or above.startswith("fc")
        if by_unit:
            z = z.reshape(len(z), -1)
        own = {key.split("_", 2)[2]: value for key, value in params.items() if key.startswith(f"g_{i}_")}
        shared = name.startswith(("mlp", "amlp"))
        p = SimpleNamespace(**{key: v if shared or key == "W" else per_unit(v, z) for key, v in own.items()})
        if uses_u:
            u = corr.h[top] if above is None else down(above, z_est[i + 1], own.get("W"), dim)
            u = normalize(u, *moments(u)) + np.zeros_like(z)
            estimate = perceptron([z, u, z * u][: 2 + name.startswith("a")], p) if shared else WITH_U[name](z, u, p)
        else:
            estimate = perceptron([z], p) if shared else WITHOUT_U[name](z, p)
        z_est[i] = estimate = estimate.reshape(len(z), *dim)
        if i > 0 and zestbn == "bugfix":
            estimate = normalize(estimate, clean.m[i], clean.s[i])
        denois[i] = ((estimate - clean.z[i]) ** 2).mean()
    return z_est, denois


def forward(
    params, labeled, targets, unlabeled, *, layers, decoders, weights, noise, stds, acts, top_c=True, zestbn="bugfix"
):
    """Costs and activations of one batch.

    ``noise``: standard normals of the joined batch, layer 0 first; ``decoders``, ``weights`` and ``stds`` have one
    entry per layer, layer 0 first; ``layers`` and ``acts`` begin with layer 1.
    """
    params = {name: np.asarray(value, "float64") for name, value in params.items()}
    n, top, out = len(labeled), len(layers), SimpleNamespace(clean=SimpleNamespace(), corr=SimpleNamespace())
    for half, x, part in (("labeled", labeled, slice(None, n)), ("unlabeled", unlabeled, slice(n, None))):
        own = [None if draw is None else draw[part].astype("float64") for draw in noise]
        setattr(out.clean, half, encoder(params, x, layers, acts, top_c=top_c))
        setattr(out.corr, half, encoder(params, x, layers, acts, own, stds, top_c))
    out.z_est, out.denois = decoder(params, layers, decoders, out.clean.unlabeled, out.corr.unlabeled, zestbn)
    rows = np.arange(n)
    out.class_clean, out.class_corr = (
        -np.log(path.labeled.h[top][rows, targets]).mean() for path in (out.clean, out.corr)
    )
    out.error_clean = 100 * (out.clean.labeled.h[top].argmax(1) != targets).mean()
    out.total = out.class_corr + sum(weights[i] * cost for i, cost in out.denois.items())
    return out


def some_central_differences(f, params, n=4, step=1e-6):
    """Slopes of ``f(params)`` along up to n entries of every parameter: name -> (flat indices, slopes)."""
    params = {name: np.array(value, "float64") for name, value in params.items()}
    rng, found = np.random.RandomState(0), {}
    for name, value in params.items():
        entries, slopes = rng.permutation(value.size)[:n], []
        flat = value.reshape(-1)
        for k in entries:
            old, around = flat[k], []
            for move in (step, -step):
                flat[k] = old + move
                around.append(f(params))
            flat[k] = old
            slopes.append((around[0] - around[1]) / (2 * step))
        found[name] = entries, np.array(slopes)
    return found
