"""Denoising autoencoders: one layer of the encoder, or all, with a decoder back to the input.

Vincent et al. (2010), "Stacked Denoising Autoencoders: Learning Useful
Representations in a Deep Network with a Local Denoising Criterion": the input
of a layer is corrupted, encoded, decoded, and compared with the clean input.
The encoder is the ladder's own, batch normalisation and activation included.
"""

import aesara.tensor as at
import numpy as np

from ladder.bricks import costs
from ladder.bricks.activations import apply_activation
from ladder.bricks.dense import as_matrix, dense_init
from ladder.bricks.dropout import masking
from ladder.graph import ComputationGraph
from ladder.training.pretraining.stage import StageGraph
from ladder.training.step import descent


def autoencoder(ladder, pretraining, bottom, top, rng):
    """The updates of an autoencoder of the encoder's layers above ``bottom``, up to ``top``.

    Parameters
    ----------
    ladder : LadderAE
        Its parameters of these layers are trained; the others are left as they are.
    pretraining : ladder.pretraining.Pretraining
    bottom, top : int
        Numbers of the layer whose z is the input, and of the one whose h is the code.
    rng : RandomState
        For the initial weights of the decoder, if they are not tied.

    Returns
    -------
    StageGraph
        Its input is the clean z of layer ``bottom``, (examples, …) float32, already normalised.  Its parameters are
        ``f_1_W``, ``f_1_b``, ``f_1_c`` … of the encoder, and of the decoder back to layer i the bias ``r_i_b`` and,
        where weights are not tied, ``r_i_W``.
    """
    layers, parameters = ladder.layers, ladder.encoder_parameters()
    z = at.TensorType("float32", shape=(None, *layers[bottom].dim))("features_unlabeled")
    clean = ladder.begin_path(bottom, z, {}, parameters).h[bottom]
    corruption = _corruption(ladder, pretraining, bottom, top, z)
    act = ladder.begin_path(bottom, z, corruption, parameters)
    ladder.climb([(act, corruption)], layers[bottom + 1 : top + 1], parameters)
    output = _way_back(ladder, pretraining, act.h[top], bottom, top, rng)
    probabilities = pretraining.cost == "crossentropy"
    reconstruction = at.sigmoid(output) if probabilities else output
    error = costs.squared_error(reconstruction, clean)
    cost = costs.bernoulli_crossentropy(output, clean) if probabilities else error
    learnt = [v for v in ComputationGraph([cost]).parameters if _is_above(v.name, bottom)]
    norm, learning_rate, updates = descent(ladder.p, pretraining.lr, at.grad(cost, learnt), learnt, ladder.bricks)
    monitored = {"cost_total": cost, "cost_reconstruction": error, "total_gradient_norm": norm}
    return StageGraph(z, monitored, updates, learning_rate, ladder.shareds, ladder.noise, [v.name for v in learnt])


def _corruption(ladder, pretraining, bottom, top, z):
    """The corruption of the input of each layer, in the form of :mod:`ladder.corruption`."""
    corruption = {}
    for layer in ladder.layers[bottom:top]:
        strength = pretraining.strengths[layer.number] if pretraining.corruption else 0
        if strength > 0:
            draw = ladder.noise.normal((z.shape[0], *layer.dim))
            if pretraining.corruption == "gaussian":
                corruption[layer.number] = draw, strength
            else:
                corruption[f"h{layer.number}"] = masking(draw, strength)
    return corruption


def _way_back(ladder, pretraining, h, bottom, top, rng):
    """The code decoded down to layer ``bottom``, before the last activation: (examples, units of layer ``bottom``)."""
    for layer in reversed(ladder.layers[bottom:top]):
        i, above = layer.number, ladder.layers[layer.number + 1]
        bias = ladder.bias(np.zeros(layer.size), f"r_{i}_b")
        if pretraining.tied:
            product = at.dot(as_matrix(h), ladder.shareds[f"f_{i + 1}_W"].T)
        else:
            W = ladder.mapping(dense_init(rng, above.size, layer.size), f"r_{i}_W")
            (product,) = ladder.bricks.dense([h], W)
        h = product + bias
        if i > bottom:
            h = apply_activation(layer.act, h)
    return h


def _is_above(name, bottom):
    """Whether a parameter is this autoencoder's: of an encoder layer above ``bottom``, or a decoder to it or above."""
    path, number, _ = name.split("_", 2)
    return int(number) > bottom if path == "f" else int(number) >= bottom
