"""A small network as the decoder function, shared by all units of a layer.

Pezeshki, Fan, Brakel, Courville and Bengio (2016), "Deconstructing the Ladder
Network Architecture": ``mlp`` maps z and u of a unit to its z_est, ``amlp``
(augmented) maps z, u and their product.  Hidden layers are leaky rectifiers, the
output is linear.  Weights and biases belong to a layer of the ladder, not to one
of its units.  Without u, both take z alone.
"""

import aesara.tensor as at
import numpy as np

from ladder.bricks.activations import ACTIVATIONS
from ladder.decoder_specs import hidden_sizes

SLOPE = 0.1

#: Standard deviation of the initial weights.  With larger ones, up to 1 over the square root of the units below, a
#: layer with a small denoising cost often keeps a function whose estimate is uninformative (docs/activations.md).
FIRST_WEIGHTS = 0.025


def inputs(kind, z, u):
    """The network's inputs for a unit: z, u and, for 'amlp', z u."""
    if u is None:
        return [z]
    return [z, u, z * u] if kind == "amlp" else [z, u]


def layers(kind, sizes, has_u, w, b):
    """(W, b) of every layer, the output's last; W is (units below, units), b (units,)."""
    n_inputs = (3 if kind == "amlp" else 2) if has_u else 1
    widths = [n_inputs, *sizes, 1]
    for k, (below, units) in enumerate(zip(widths, widths[1:]), start=1):
        yield w(FIRST_WEIGHTS, f"W{k}", (below, units)), b(0.0, f"b{k}", (units,))


def n_weights(decoder, has_u):
    """The number of weights and biases of a network such as 'amlp:2:2'."""
    kind, sizes = hidden_sizes(decoder)
    count = lambda init, name, shape: int(np.prod(shape))
    return sum(map(sum, layers(kind, sizes, has_u, count, count)))


def of_arrays(kind, sizes, z, u, w, b):
    """z_est by matrix products, with a row for every unit of every example.

    Parameters
    ----------
    kind : 'mlp' or 'amlp'
    sizes : tuple of int, units of the hidden layers
    z, u, w, b : see ``ladder.bricks.decoder``
    """
    signals = inputs(kind, z, u)
    x = at.stack([at.zeros_like(z) + signal for signal in signals], axis=-1).reshape((-1, len(signals)))
    *hidden, output = layers(kind, sizes, u is not None, w, b)
    for W, bias in hidden:
        x = ACTIVATIONS["leakyrelu"](at.dot(x, W) + bias, SLOPE)
    W, bias = output
    return at.specify_shape((at.dot(x, W) + bias).reshape(z.shape, ndim=z.ndim), z.type.shape)


def unrolled(kind, sizes, z, u, w, b):
    """The same for scalars z and u, term by term; w and b then make arrays of scalars."""
    x = inputs(kind, z, u)
    *hidden, output = layers(kind, sizes, u is not None, w, b)
    for W, bias in hidden:
        x = [ACTIVATIONS["leakyrelu"](_affine(x, W[:, k], bias[k]), SLOPE) for k in range(len(bias))]
    W, bias = output
    return _affine(x, W[:, 0], bias[0])


def _affine(x, weights, bias):
    return sum((weight * signal for weight, signal in zip(weights, x)), start=bias)
