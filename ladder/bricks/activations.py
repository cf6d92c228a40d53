"""Activation functions of the encoder (``--act``)."""

import aesara.tensor as at
import numpy as np

from ladder.activation_specs import parse_activation
from ladder.bricks.dense import as_matrix


def softmax(x):
    """Softmax over the last axis, with the maximum subtracted first.

    Written out as in the original (``softmax_n``), so that the cross-entropy of
    it rounds as it does there.
    """
    e_x = at.exp(x - x.max(axis=-1, keepdims=True))
    return e_x / e_x.sum(axis=-1, keepdims=True)


def leakyrelu(x, slope):
    """x, or the slope times x below 0 (Maas et al. 2013)."""
    return at.switch(x > 0, x, np.float32(slope) * x)


def elu(x, alpha):
    """x, or ``alpha (exp(x) - 1)`` below 0 (Clevert et al. 2015, equation 15).

    What is not chosen must be finite: its gradient is multiplied by 0.
    """
    below = at.switch(x > 0, np.float32(0), x)
    return at.switch(x > 0, x, np.float32(alpha) * at.expm1(below))


def maxout(x, pieces):
    """The largest of each unit's pieces (Goodfellow et al. 2013, equation 1).

    Parameters
    ----------
    x : (examples, pieces units) or (examples, pieces maps, height, width) float32
        All units' first pieces, then all units' second ones …
    pieces : int

    Returns
    -------
    (examples, units) or (examples, maps, height, width); the gradient goes to every piece that equals the largest
    """
    n, *rest = (x.shape[axis] for axis in range(x.ndim))
    apart = x.reshape((n, pieces, rest[0] // pieces, *rest[1:]), ndim=x.ndim + 1)
    largest = apart.max(axis=1)
    known = x.type.shape[1]
    return at.specify_shape(largest, (None, known and known // pieces, *x.type.shape[2:]))


def for_each_piece(u, pieces):
    """The inverse of :func:`maxout` in the decoder: u of a layer's h, copied for all its z."""
    return u if pieces == 1 else at.concatenate([u] * pieces, axis=1)


#: name -> function, of the activation's number too where it has one.
ACTIVATIONS = {
    "relu": lambda x: at.maximum(0, x),
    "leakyrelu": leakyrelu,
    "linear": lambda x: x,
    "softplus": lambda x: at.log(np.float32(1) + at.exp(x)),
    "sigmoid": at.sigmoid,
    "tanh": at.tanh,
    "elu": elu,
    "maxout": maxout,
    "softmax": lambda x: softmax(as_matrix(x)),
}


def apply_activation(act, x):
    """An activation as ``--act`` names it, e.g. 'leakyrelu:0.01', of float32 x; shaped as x, but for maxout."""
    activation = parse_activation(act)
    numbers = () if activation.number is None else (activation.number,)
    return ACTIVATIONS[activation.name](x, *numbers)
