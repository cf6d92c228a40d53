"""Activation functions of the encoder (``--act``)."""

import aesara.tensor as at
import numpy as np

from ladder.activation_specs import parse_activation
from ladder.bricks.dense import as_matrix


def softmax(x):
    """Softmax over the last axis, with the maximum subtracted first.

    Written out as in the original (``softmax_n``), so that its cross-entropy
    rounds the same way.
    """
    e_x = at.exp(x - x.max(axis=-1, keepdims=True))
    return e_x / e_x.sum(axis=-1, keepdims=True)


def leakyrelu(x, slope):
    """x where it is above 0, else the slope times x (Maas et al. 2013)."""
    return at.switch(x > 0, x, np.float32(slope) * x)


def elu(x, alpha):
    """x where it is above 0, else ``alpha (exp(x) - 1)`` (Clevert et al. 2015, equation 15).

    The branch not taken must be finite, because its gradient is multiplied by 0.
    """
    below = at.switch(x > 0, np.float32(0), x)
    return at.switch(x > 0, x, np.float32(alpha) * at.expm1(below))


def maxout(x, pieces):
    """The largest of each unit's pieces (Goodfellow et al. 2013, equation 1).

    Parameters
    ----------
    x : (examples, pieces units) or (examples, pieces maps, height, width) float32
        The first piece of every unit, then the second of every unit …
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
    """The inverse of :func:`maxout` in the decoder: the u of a layer's h, copied to each of its z."""
    return u if pieces == 1 else at.concatenate([u] * pieces, axis=1)


#: Name -> function of x, and of the activation's number if it has one.
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
    """Apply an activation named as in ``--act``, e.g. 'leakyrelu:0.01', to float32 x."""
    activation = parse_activation(act)
    numbers = () if activation.number is None else (activation.number,)
    return ACTIVATIONS[activation.name](x, *numbers)
