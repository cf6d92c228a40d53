"""Decoder functions g: from the noisy z and the signal u from above to z_est.

``gauss`` is the Gaussian g of Rasmus et al. (2015), "Decoder for unsupervised
learning", equation (2), with mu(u) and v(u) as defined below it; ``sig`` and
``comparison_g2`` … ``comparison_g4`` are the alternatives compared in their
appendix, where ``comparison_g5`` is ``gauss`` itself; the rest are from the
original code.  (``mlp`` and ``amlp`` of Pezeshki et al. (2016) are in
:mod:`ladder.bricks.perceptron`.)  Each takes

z : (examples, units) or (examples, maps, height, width) float32
    The corrupted encoder's z of this layer.
u : float32, broadcast against z, or None
    The estimate of the layer above, projected down and normalised; None if the
    layer has no vertical input.
w, b : functions (initial value, name) -> parameter, broadcast against z
    They create multiplicative and additive parameters with the original's names.

and returns z_est, shaped like z, or None if there is no decoder.
"""

from functools import partial

import aesara.tensor as at

from ladder.bricks.activations import ACTIVATIONS
from ladder.bricks.costs import squared_error
from ladder.bricks.dense import as_matrix
from ladder.bricks.normalization import normalize, normalize_by_itself, per_unit
from ladder.bricks.perceptron import of_arrays
from ladder.decoder_specs import PERCEPTRONS, hidden_sizes


def none(z, u, w, b):
    """No decoder at this layer, and no denoising cost."""
    return None


def identity(z, u, w, b):
    """``z_est = z``."""
    return z


def lin(z, u, w, b):
    """``z_est = a1 z + b``; u is not used."""
    return w(1.0, "a1") * z + b(0.0, "b")


def relu(z, u, w, b):
    """``z_est = max(0, u + b)``; z is not used."""
    return ACTIVATIONS["relu"](u + b(0.0, "b"))


def sigmoid(z, u, w, b):
    """``z_est = s((u + b) c)``; z is not used."""
    return ACTIVATIONS["sigmoid"]((u + b(0.0, "b")) * w(1.0, "c"))


def sig(z, u, w, b):
    """``a1 + a2 z + a3 u + a4 z u + b1 s(c1 + c2 z + c3 u + c4 z u)``."""
    inner = b(0.0, "c1") + w(1.0, "c2") * z
    if u is not None:
        inner += w(0.0, "c3") * u + w(0.0, "c4") * z * u
    z_est = b(0.0, "a1") + w(1.0, "a2") * z + w(1.0, "b1") * at.sigmoid(inner)
    if u is not None:
        z_est += w(0.0, "a3") * u + w(0.0, "a4") * z * u
    return z_est


def comparison_g2(z, u, w, b):
    """``sig`` without the products z u."""
    inner = b(0.0, "c1") + w(1.0, "c2") * z
    if u is not None:
        inner += w(0.0, "c3") * u
    z_est = b(0.0, "a1") + w(1.0, "a2") * z + w(1.0, "b1") * at.sigmoid(inner)
    if u is not None:
        z_est += w(0.0, "a3") * u
    return z_est


def comparison_g3(z, u, w, b):
    """``sig`` without its sigmoid: ``a1 + a2 z + a3 u + a4 z u``."""
    z_est = b(0.0, "a1") + w(1.0, "a2") * z
    if u is not None:
        z_est += w(0.0, "a3") * u + w(0.0, "a4") * z * u
    return z_est


def comparison_g4(z, u, w, b):
    """``n(z) + n(u)`` with ``n(x) = w2 s(b1 + w1 x) + w3 x + b2``.

    b1 is shared by both, b2 belongs to z alone.
    """

    def n(x, name):
        w1, b1, w2 = w(1.0, "w1_" + name), b(0.0, "b1"), w(1.0, "w2_" + name)
        b2 = b(0.0, "b2") if x is z else 0
        return w2 * at.sigmoid(b1 + w1 * x) + w(0.0, "w3_" + name) * x + b2

    return n(z, "lat") if u is None else n(z, "lat") + n(u, "ver")


def _affine_z(z, w, b):
    """The Gaussian functions without u: ``w1 z + b1``."""
    b1 = b(0.0, "b1")
    return w(1.0, "w1") * z + b1


def _mu_and_v(u, w, b):
    """``mu = a1 s(a2 u + a3) + a4 u + a5``, ``v`` the same with a6 … a10."""
    mu = b(0.0, "a1") * at.sigmoid(w(1.0, "a2") * u + b(0.0, "a3")) + b(0.0, "a4") * u + b(0.0, "a5")
    v = b(0.0, "a6") * at.sigmoid(w(1.0, "a7") * u + b(0.0, "a8")) + b(0.0, "a9") * u + b(0.0, "a10")
    return mu, v


def gauss(z, u, w, b):
    """``z_est = (z - mu(u)) v(u) + mu(u)``: optimal if z is Gaussian given u."""
    if u is None:
        return _affine_z(z, w, b)
    mu, v = _mu_and_v(u, w, b)
    return (z - mu) * v + mu


def gauss_stable_v(z, u, w, b):
    """``gauss`` with v squashed into (0, 1) by one more sigmoid."""
    if u is None:
        return _affine_z(z, w, b)
    mu, v = _mu_and_v(u, w, b)
    return (z - mu) * at.sigmoid(v) + mu


#: The names in ``--decoder-spec``; "" stands for "0", whose zero has been stripped.
DECODERS = {
    "": none,
    "i": identity,
    "lin": lin,
    "relu": relu,
    "sigmoid": sigmoid,
    "sig": sig,
    "comparison_g2": comparison_g2,
    "comparison_g3": comparison_g3,
    "comparison_g4": comparison_g4,
    "comparison_g5": gauss,
    "gauss": gauss,
    "gauss_stable_v": gauss_stable_v,
}


def decoder_function(name):
    """The decoder function for a name in ``--decoder-spec``, without its trailing 0, e.g. 'gauss' or 'amlp:2:2'."""
    kind, sizes = hidden_sizes(name)
    return partial(of_arrays, kind, sizes) if kind in PERCEPTRONS else DECODERS[name]


def denoise(decoder, u_pre, z_corr, z_clean, m, s, w, b):
    """One layer of the decoder after its matrix product or deconvolution, and its denoising cost.

    Parameters
    ----------
    decoder : str, as :func:`decoder_function` takes it
    u_pre : float32, or None
        The projection of the estimate above, not yet normalised: shaped like
        z_corr, or (examples, maps, 1, 1) below global pooling.
    z_corr, z_clean : (examples, units) or (examples, maps, height, width) float32
        The corrupted encoder's z, and the clean z that z_est is compared with.
    m, s : (1, units) or (1, maps, 1, 1) float32, or None
        The clean path's mean and variance, with which z_est is normalised for
        the comparison (``zestbn``); None to compare it as it is.
    w, b : functions (initial value, name, shape=None) -> (units,) or (maps,) parameter
        With a shape: a parameter of this shape that all units share; for w it is
        normal, with the initial value as its standard deviation.

    Returns
    -------
    z_est : shaped like z_corr, or None if there is no decoder
    cost : scalar, the squared error averaged over examples and units, or None
    """
    u = None if u_pre is None else normalize_by_itself(u_pre)
    w, b = (_broadcast(make, z_corr.ndim) for make in (w, b))
    z_est = decoder_function(decoder)(z_corr, u, w, b)
    if z_est is None:
        return None, None
    z_est = _like(z_est, z_corr)
    compared = z_est if m is None else normalize(z_est, m, s)
    n_units = as_matrix(z_est).shape[1]
    return z_est, squared_error(compared, z_clean) / at.cast(n_units, "float32")


def _like(z_est, z):
    """z_est for every pixel of z: below global pooling u has only one pixel, and so has a z_est made of u alone."""
    return z_est if z_est.broadcastable == z.broadcastable else at.alloc(z_est, *z.shape)


def _broadcast(make, ndim):
    def made(init, name, shape=None):
        return per_unit(make(init, name), ndim) if shape is None else make(init, name, shape)

    return made
