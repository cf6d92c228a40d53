"""How much memory a network needs, and how many examples it takes at once."""

import math

from ladder import budget
from ladder.adversarial_layers import resolve_adversarial, resolve_vat_cost
from ladder.batches import smaller_batches
from ladder.layers import resolve_layers
from ladder.regularisation import resolve_regularisation

#: Copies of each parameter while training: itself, its gradient, two moments, and the last good value.
COPIES = 5

#: The approximate number of arrays of every layer's size that an update keeps.
ARRAYS_OF_A_LAYER = 6

#: The same for each pass of adversarial noise or a virtual adversarial cost.
ARRAYS_OF_A_PASS = 3

#: The same for dropout, and copies of the encoder's weights for drop-connect: normals, masks, masked values.
ARRAYS_OF_DROPOUT, COPIES_OF_DROP_CONNECT = 3, 3

#: The approximate number of square float64 arrays that fitting a whitening takes: the covariance, its axes, workspace.
ARRAYS_OF_A_WHITENING = 4


def check_memory(p, in_dim, batch_size=0):
    """Check the memory for a network's parameters and, if it is trained, for an update and a whitening.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    batch_size : int
        Examples in the larger half of an update; 0 if nothing is trained.
    """
    layers = resolve_layers(p, in_dim)
    pairs = list(zip(layers, layers[1:]))
    up, down = (sum(_n_weights(*sizes(below, layer), layer) for below, layer in pairs) for sizes in (_up, _down))
    size = 4 * up
    if batch_size:
        n_arrays = ARRAYS_OF_A_LAYER + ARRAYS_OF_A_PASS * _n_passes(p, layers)
        regularisation = resolve_regularisation(p, layers)
        n_arrays += ARRAYS_OF_DROPOUT * bool(regularisation.dropout)
        n_numbers = COPIES * (up + down) + COPIES_OF_DROP_CONNECT * bool(regularisation.drop_connect) * up
        size = 4 * (n_numbers + n_arrays * batch_size * sum(layer.size for layer in layers))
    budget.ask(size, "a network of these --encoder-layers", f"give fewer units, or {smaller_batches(p)}")
    if batch_size:
        check_memory_of_whitening(p, in_dim)


def check_memory_of_whitening(p, in_dim):
    """Check the memory for fitting a whitening, if ``p`` asks for one.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int, shape of one example
    """
    n_inputs = math.prod(in_dim)
    if p.whiten_zca:
        budget.ask(8 * ARRAYS_OF_A_WHITENING * n_inputs**2, f"--whiten-zca of {n_inputs:,} inputs", "leave it out")


def _n_passes(p, layers):
    """How many passes through the network an update takes for adversarial noise and virtual adversarial costs."""
    halves = [(kind, taus) for kind, taus in resolve_adversarial(p, layers).values() if taus]
    iterated = sum(len(taus) if p.adv_path == "layers" else 1 for kind, taus in halves if kind == "vat")
    costs = len(resolve_vat_cost(p, layers))
    return (iterated + costs) * p.vat_iterations + costs + sum(kind != "vat" for kind, _ in halves)


def _up(below, layer):
    """The shapes that the encoder's weights lead from and to, for one example."""
    return below.h_dim, layer.dim


def _down(below, layer):
    """The same for the decoder's weights, lower layer first: z of both layers."""
    return below.dim, layer.dim


def _n_weights(below, above, layer):
    """The number of weights between these shapes; the layer is the upper one."""
    if layer.is_pooling:
        return 0
    if layer.is_convolution:
        return below[0] * above[0] * layer.filter_size**2
    return math.prod(below) * math.prod(above)


def examples_at_once(layers):
    """How many examples a call may take if the result does not depend on the batch.

    As many as keep all activations of one encoder within 2^26 numbers
    (256 MB), and no more than 1,000.

    Parameters
    ----------
    layers : tuple of Layer
    """
    return max(1, min(1000, 2**26 // sum(layer.size for layer in layers)))
