"""The matrix products of one update alone, through Aesara's BLAS: a measure of the machine.

Both encoders over all examples: forward, for the weights and (above the first
layer) for the layer below; the decoder over the unlabelled half likewise.  52
products, 3.98 GFLOP.
"""

import numpy as np


def prepare(network, threads):
    """A contestant's update: a function without arguments."""
    from ladder.backends import c

    c.configure(threads)
    import aesara

    updates = {}
    for examples, below, above, needs_below in layers(network):
        for result, product in products_of_layer(examples, below, above, needs_below):
            updates.update(in_place(result, product))
    return aesara.function([], [], updates=updates, mode=c.mode())


def layers(network):
    """Every layer that is passed: (examples, units below, units above, whether the layer below learns)."""
    n, m = network.n_labeled, network.n_unlabeled
    for below, above in zip(network.dims, network.dims[1:]):
        encoder = (n + m, below, above, below != network.dims[0])
        yield from (encoder, encoder, (m, above, below, True))


def products_of_layer(examples, below, above, needs_below):
    """A layer's products, forward and backward: (shape of the result, symbolic factors)."""
    import aesara

    def matrix(*shape):
        return aesara.shared(np.ones(shape, "float32"), shape=shape)

    h, weights, gradient = matrix(examples, below), matrix(below, above), matrix(examples, above)
    yield (examples, above), (h, weights)
    yield (below, above), (h.T, gradient)
    if needs_below:
        yield (examples, below), (gradient, weights.T)


def in_place(shape, factors):
    """An update that writes the product into memory of its own, as BLAS's gemm does."""
    import aesara
    from aesara.tensor.blas import gemm_no_inplace

    result = aesara.shared(np.zeros(shape, "float32"), shape=shape)
    return {result: gemm_no_inplace(result, np.float32(1), *factors, np.float32(0))}
