"""Just the matrix products of one update, through a BLAS: a measure of the machine and of libraries.

Both encoders over all examples: forward, for the weights and (above the first
layer) for the layer below; the decoder over the unlabelled half likewise.  These
are 52 products, 3.98 GFLOP, as in the original.
"""

import ctypes

import numpy as np
from unavailable import Unavailable


def prepare(network, threads, library="aesara"):
    """A contestant's update: a function without arguments."""
    return {"aesara": through_blas, "mkl": through_mkl, "openblas": through_openblas}[library](network, threads)


def layers(network):
    """Every pass through a layer: (examples, units below, units above, whether the layer below learns)."""
    n, m = network.n_labeled, network.n_unlabeled
    for below, above in zip(network.dims, network.dims[1:]):
        encoder = (n + m, below, above, below != network.dims[0])
        yield from (encoder, encoder, (m, above, below, True))


def flop(network):
    """Multiplications and additions in the fused update's products."""
    n, m = network.n_labeled, network.n_unlabeled
    total = 0
    for below, above in zip(network.dims, network.dims[1:]):
        backward = 2 if below != network.dims[0] else 1
        total += 2 * below * above * (2 * (n + m) + backward * (n + 2 * m) + 3 * m)
    return total


def matrix(*shape):
    return np.ones(shape, "float32")


def through_blas(network, threads):
    """Through Aesara's BLAS."""
    from ladder.backends import c

    c.configure(threads)
    import aesara

    updates = {}
    for examples, below, above, needs_below in layers(network):
        for result, product in products_of_layer(examples, below, above, needs_below):
            updates.update(in_place(result, product))
    return aesara.function([], [], updates=updates, mode=c.mode())


def through_mkl(network, threads):
    """The same through MKL, on any processor."""
    from ladder.backends import blas

    library = blas.mkl()
    if library is None:
        raise Unavailable("pip install mkl")
    blas.find = lambda cxx: library  # this process is the contestant's own
    return through_blas(network, threads)


def products_of_layer(examples, below, above, needs_below):
    """A layer's products, forward and backward: (shape of the result, symbolic factors)."""
    import aesara

    def shared(*shape):
        return aesara.shared(matrix(*shape), shape=shape)

    h, weights, gradient = shared(examples, below), shared(below, above), shared(examples, above)
    yield (examples, above), (h, weights)
    yield (below, above), (h.T, gradient)
    if needs_below:
        yield (examples, below), (gradient, weights.T)


def in_place(shape, factors):
    """An update that writes the product into its own memory, as BLAS's gemm does."""
    import aesara
    from aesara.tensor.blas import gemm_no_inplace

    result = aesara.shared(np.zeros(shape, "float32"), shape=shape)
    return {result: gemm_no_inplace(result, np.float32(1), *factors, np.float32(0))}


def through_openblas(network, threads):
    """Through a current OpenBLAS, from the package scipy-openblas32."""
    try:
        import scipy_openblas32
    except ImportError as error:
        raise Unavailable("pip install scipy-openblas32") from error
    library = ctypes.CDLL(f"{scipy_openblas32.get_lib_dir()}/lib{scipy_openblas32.get_library()}.so")
    library.scipy_openblas_set_num_threads(threads)
    ROWS, PLAIN, TRANSPOSED, one, zero = 101, 111, 112, ctypes.c_float(1), ctypes.c_float(0)

    def call(left, right, turned=(False, False)):
        """A product of arrays, each possibly transposed, into its own memory."""
        (m, k), n = left.shape[:: -1 if turned[0] else 1], right.shape[0 if turned[1] else 1]
        result = np.zeros((m, n), "float32")
        turns = [TRANSPOSED if t else PLAIN for t in turned]
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (left, right, result)]
        arguments = (
            ROWS,
            *turns,
            m,
            n,
            k,
            one,
            pointers[0],
            left.shape[1],
            pointers[1],
            right.shape[1],
            zero,
            pointers[2],
            n,
        )
        return lambda kept=(left, right, result): library.scipy_cblas_sgemm(*arguments)

    calls = []
    for examples, below, above, needs_below in layers(network):
        h, weights, gradient = matrix(examples, below), matrix(below, above), matrix(examples, above)
        calls += [call(h, weights), call(h, gradient, (True, False))]
        if needs_below:
            calls.append(call(gradient, weights, (False, True)))
    return lambda: [made() for made in calls]
