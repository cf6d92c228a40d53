"""The ladder's forward pass in float64 NumPy, written from the paper and the original's description.

It shares nothing with the package: its costs are the reference for ours, and
its finite differences the reference for our gradients.
"""

from types import SimpleNamespace

import numpy as np

EPSILON = 1e-10


def s(x):
    """Sigmoid."""
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ACTIVATIONS = {
    "relu": lambda x: np.where(x > 0, x, 0),
    "leakyrelu": lambda x: np.where(x > 0, x, 0.1 * x),
    "linear": lambda x: x,
    "softplus": lambda x: np.logaddexp(0, x),
    "sigmoid": s,
    "softmax": softmax,
    "leakyrelu:0.3": lambda x: np.where(x > 0, x, 0.3 * x),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "elu:0.5": lambda x: np.where(x > 0, x, 0.5 * (np.exp(np.minimum(x, 0)) - 1)),
    "maxout:2": lambda x: np.maximum(*np.split(x, 2, axis=1)),
    "maxout:3": lambda x: np.max(np.split(x, 3, axis=1), axis=0),
}

#: Activations of layers that multiply by c.
SCALED = ("sigmoid", "softplus", "tanh", "elu", "elu:0.5")


def g_sig(z, u, p):
    return p.a1 + p.a2 * z + p.a3 * u + p.a4 * z * u + p.b1 * s(p.c1 + p.c2 * z + p.c3 * u + p.c4 * z * u)


def g_gauss(z, u, p, squash=lambda v: v):
    mu = p.a1 * s(p.a2 * u + p.a3) + p.a4 * u + p.a5
    v = squash(p.a6 * s(p.a7 * u + p.a8) + p.a9 * u + p.a10)
    return (z - mu) * v + mu


def g4_half(x, p, name, b2):
    w1, w2, w3 = (getattr(p, f"w{k}_{name}") for k in (1, 2, 3))
    return w2 * s(p.b1 + w1 * x) + w3 * x + b2


def perceptron(inputs, p):
    """Pezeshki et al. (2016): inputs of one shape through layers W1, b1, W2 … of leaky rectifiers, the last linear."""
    x, k = np.stack(inputs, axis=-1), 1
    while hasattr(p, f"W{k}"):
        x = x @ getattr(p, f"W{k}") + getattr(p, f"b{k}")
        x = np.where(x > 0, x, 0.1 * x) if hasattr(p, f"W{k + 1}") else x
        k += 1
    return x[..., 0]


#: Decoder functions with u; ``p`` has their parameters as attributes.
WITH_U = {
    "i": lambda z, u, p: z,
    "lin": lambda z, u, p: p.a1 * z + p.b,
    "relu": lambda z, u, p: np.maximum(0, u + p.b),
    "sigmoid": lambda z, u, p: s((u + p.b) * p.c),
    "sig": g_sig,
    "comparison_g2": lambda z, u, p: p.a1 + p.a2 * z + p.a3 * u + p.b1 * s(p.c1 + p.c2 * z + p.c3 * u),
    "comparison_g3": lambda z, u, p: p.a1 + p.a2 * z + p.a3 * u + p.a4 * z * u,
    "comparison_g4": lambda z, u, p: g4_half(z, p, "lat", p.b2) + g4_half(u, p, "ver", 0),
    "comparison_g5": g_gauss,
    "gauss": g_gauss,
    "gauss_stable_v": lambda z, u, p: g_gauss(z, u, p, squash=s),
}

#: The same without u, for the functions that do not need it.
WITHOUT_U = {
    "i": lambda z, p: z,
    "lin": lambda z, p: p.a1 * z + p.b,
    "sig": lambda z, p: p.a1 + p.a2 * z + p.b1 * s(p.c1 + p.c2 * z),
    "comparison_g2": lambda z, p: p.a1 + p.a2 * z + p.b1 * s(p.c1 + p.c2 * z),
    "comparison_g3": lambda z, p: p.a1 + p.a2 * z,
    "comparison_g4": lambda z, p: g4_half(z, p, "lat", p.b2),
    "comparison_g5": lambda z, p: p.w1 * z + p.b1,
    "gauss": lambda z, p: p.w1 * z + p.b1,
    "gauss_stable_v": lambda z, p: p.w1 * z + p.b1,
}


def normalize(x, mean, variance):
    return (x - mean) / np.sqrt(variance + EPSILON)


def forward(
    params,
    labeled,
    targets,
    unlabeled,
    *,
    decoders,
    weights,
    noise,
    stds,
    acts=None,
    top_c=True,
    zestbn="bugfix",
    masks=(),
):
    """Costs and activations of one batch.

    Parameters
    ----------
    params : dict of name -> array
    labeled, unlabeled : arrays of examples; targets : int array
    decoders : list of (function, whether it gets u), or None; layer 0 first
    weights : denoising costs, layer 0 first
    noise : standard normals of the joined batch, layer 0 first (None: no noise)
    stds : standard deviations, layer 0 first
    acts : activations, layer 0 first (default: relu); the top is softmax
    top_c, zestbn : as on the command line
    masks : dict of name -> array
        'h1': what layer 1's h of the joined batch is multiplied by on its way up the corrupted encoder;
        'W1': what f_1_W is multiplied by there.
    """
    masks = dict(masks)
    params = {name: np.asarray(value, "float64") for name, value in params.items()}
    n = len(labeled)
    x = np.concatenate([labeled, unlabeled]).astype("float64").reshape(n + len(unlabeled), -1)
    top = len(weights) - 1
    acts = acts or ["relu"] * len(weights)
    out = SimpleNamespace(denois={})

    def noisy(z, i):
        return z if noise[i] is None else z + stds[i] * noise[i].reshape(len(z), -1).astype("float64")

    def encoder(corrupt):
        h = noisy(x, 0) if corrupt else x
        path = SimpleNamespace(z={0: h}, h={0: h}, mean={}, var={}, mean_l={}, var_l={})
        for i in range(1, top + 1):
            kept, kept_weights = (masks.get(name, 1) if corrupt else 1 for name in (f"h{i - 1}", f"W{i}"))
            z_pre = (h * kept) @ (params[f"f_{i}_W"] * kept_weights)
            l, u = z_pre[:n], z_pre[n:]
            path.mean_l[i], path.var_l[i] = l.mean(0), ((l - l.mean(0)) ** 2).mean(0)
            path.mean[i], path.var[i] = u.mean(0), ((u - u.mean(0)) ** 2).mean(0)
            z = np.concatenate([normalize(l, path.mean_l[i], path.var_l[i]), normalize(u, path.mean[i], path.var[i])])
            z = noisy(z, i) if corrupt else z
            name = "softmax" if i == top else acts[i]
            pre = z if name == "linear" else z + params[f"f_{i}_b"]
            if name in SCALED or (name == "softmax" and top_c):
                pre = pre * params[f"f_{i}_c"]
            h = ACTIVATIONS[name](pre)
            path.z[i], path.h[i] = z, h
        return path

    out.clean, out.corr = encoder(False), encoder(True)

    out.z_est, z_above = {}, None
    for i in range(top, -1, -1):
        if decoders[i] is None:
            z_above = None
            continue
        name, uses_u = decoders[i]
        prefix = f"g_{i}_"
        p = SimpleNamespace(**{k[len(prefix) :]: v for k, v in params.items() if k.startswith(prefix)})
        z = out.corr.z[i][n:]
        if uses_u and name in ("i", "lin"):
            z_est = WITH_U[name](z, None, p)  # W is there, but does nothing
        elif uses_u:
            u = out.corr.h[top][n:] if i == top else z_above @ p.W
            u = normalize(u, u.mean(0), u.var(0))
            z_est = WITH_U[name](z, u, p)
        else:
            z_est = WITHOUT_U[name](z, p)
        out.z_est[i] = z_above = z_est
        if i > 0 and zestbn == "bugfix":
            z_est = normalize(z_est, out.clean.mean[i], out.clean.var[i])
        out.denois[i] = ((z_est - out.clean.z[i][n:]) ** 2).mean()

    rows = np.arange(n)
    out.class_clean = -np.log(out.clean.h[top][rows, targets]).mean()
    out.class_corr = -np.log(out.corr.h[top][rows, targets]).mean()
    out.error_clean = 100 * (out.clean.h[top][:n].argmax(1) != targets).mean()
    out.total = out.class_corr + sum(weights[i] * cost for i, cost in out.denois.items())
    return out


def central_differences(f, params, step=1e-6):
    """Gradient of ``f(params)`` with respect to every entry of every parameter."""
    params = {name: np.array(value, "float64") for name, value in params.items()}
    gradients = {name: np.zeros_like(value) for name, value in params.items()}
    for name, value in params.items():
        for index in np.ndindex(value.shape):
            old = value[index]
            value[index] = old + step
            above = f(params)
            value[index] = old - step
            below = f(params)
            value[index] = old
            gradients[name][index] = (above - below) / (2 * step)
    return gradients
