"""Adversarial noise: the directions in which a cost grows fastest, as constants of the graph.

"Adversarial Learning with Ladder Networks" (2016), section 5.4; ``vat`` is
Miyato et al. (2015), "Distributional Smoothing with Virtual Adversarial
Training".
"""

import aesara.tensor as at
import numpy as np
from aesara.gradient import disconnected_grad


def direction(kind, gradient):
    """u, the direction of the noise, for each example separately.

    Parameters
    ----------
    kind : str
        ``sgn``: sign(U); ``udg``: U itself; ``1N`` and ``vat``: U / ‖U‖;
        ``kN``: sqrt(k) U / ‖U‖, which has the power of ``sgn``.
    gradient : (examples, …) float32
        U, the gradient of the cost, with k entries per example.

    Returns
    -------
    (examples, …) float32, a constant for gradients; 0 where U is 0
    """
    if kind == "sgn":
        u = at.sgn(gradient)
    elif kind == "udg":
        u = gradient
    elif kind in ("1N", "vat"):
        u = unit_norm(gradient)
    elif kind == "kN":
        k = at.cast(gradient[0].size, "float32")
        u = at.sqrt(k) * unit_norm(gradient)
    else:
        raise ValueError(f"unknown kind of adversarial noise: {kind}")
    return disconnected_grad(u)


def unit_norm(x):
    """Each example divided by its L2 norm; (examples, …) -> the same shape, 0 where x is 0.

    Each is divided by its largest entry first, because the squares of small gradients would underflow.
    """
    axes = tuple(range(1, x.ndim))
    largest = at.abs(x).max(axis=axes, keepdims=True)
    x = x / at.switch(largest > 0, largest, np.float32(1))
    norm = at.sqrt(at.square(x).sum(axis=axes, keepdims=True))
    return x / at.switch(norm > 0, norm, np.float32(1))


def virtual_label(logits):
    """The network's own most probable class, held constant; (examples, classes) -> (examples,) int64."""
    return disconnected_grad(logits.argmax(axis=1))
