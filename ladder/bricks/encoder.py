"""One encoder layer after its matrix product or convolution (Rasmus et al. 2015, algorithm 1, both encoders' loops)."""

import numpy as np

from ladder.bricks.activations import apply_activation
from ladder.bricks.normalization import normalize, per_unit, statistics


def encode(z_pre, noise, std, b, c, act):
    """Normalise, add noise, activate.

    Parameters
    ----------
    z_pre : (examples, units) or (examples, maps, height, width) float32
    noise : shaped like z_pre, float32, or None
        Scaled, then added to z: standard normals, or the sum of Gaussian and adversarial noise from
        :func:`ladder.adversarial.plus`; None where nothing is added, as in the clean path.
    std : float
        The factor that scales ``noise``: its standard deviation, or 1 for such a sum.
    b, c : (units,) or (maps,) float32, or None
        Shift and scale before the activation; None if the layer has none.
    act : str, the activation as ``--act`` names it

    Returns
    -------
    z : the lateral signal, normalised and then corrupted by noise
    m, s : (1, units) or (1, maps, 1, 1), mean and variance of z_pre
    h : the layer's activation
    """
    m, s = statistics(z_pre)
    z = normalize(z_pre, m, s)
    if noise is not None:
        z = z + noise * np.float32(std)
    return z, m, s, activate(z, b, c, act)


def activate(z, b, c, act):
    """``act(c (z + b))``."""
    h = z if b is None else z + per_unit(b, z.ndim)
    return apply_activation(act, h if c is None else h * per_unit(c, z.ndim))
