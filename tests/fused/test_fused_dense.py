"""Fused products and their gradients against float64 products."""

import platform
from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from compare import (
    assert_nothing_leaks,
    assert_refused,
    assert_same_bits,
    bits,
    double,
    for_processors_without,
    normals,
    strided,
)

from ladder.backends import c, processor
from ladder.fused.dense import Dense, OuterProducts, dense

#: Examples of each path, units below, units above.  Tiles are 12 x 32 with AVX-512 and 6 x 16 with AVX2, and sums are
#: split after 400 k's: sizes below, at and beyond each of these; one row, column or k; several tiles of every height.
SIZES = [
    ((1,), 1, 1),
    ((1,), 7, 33),
    ((5,), 1, 3),
    ((12,), 16, 32),
    ((13,), 17, 31),
    ((2, 24), 15, 16),
    ((7, 100), 49, 65),
    ((6, 1, 11), 401, 10),
    ((100, 100, 100, 100), 31, 47),
    ((25, 3), 400, 15),
    ((9,), 850, 34),
    ((410, 395), 33, 14),
    *(((n,), n + 20, n + 5) for n in range(2, 24)),
]
#: Nothing to add up, nothing to compute, a path without examples.
EMPTY = [((3,), 0, 4), ((0,), 3, 4), ((3,), 4, 0), ((0, 5), 6, 7), ((5, 0, 2), 6, 40)]


@lru_cache(maxsize=None)
def compiled(n, of=None):
    """(W, x_1 …, g_1 …) -> y_1 …, the gradients for W and x_1 …; ``of``: the paths whose y has a gradient."""
    W, *variables = (at.fmatrix() for _ in range(1 + 2 * n))
    xs, gs = variables[:n], variables[n:]
    ys = dense(xs, W)
    known = {ys[i]: gs[i] for i in (range(n) if of is None else of)}
    wrt = [W, *(xs[i] for i in (range(n) if of is None else of))]
    gradients = aesara.grad(None, wrt, known_grads=known)
    mode = Mode(linker=c.mode().linker, optimizer=None)
    return aesara.function([W, *variables], [*ys, *gradients], mode=mode, on_unused_input="ignore")


def arrays_of(examples, below, above, seed=0):
    """W, x_1 …, g_1 …."""
    shapes = [(below, above), *((n, below) for n in examples), *((n, above) for n in examples)]
    return list(normals(dict(enumerate(shapes)), seed).values())


def split(arrays):
    n = len(arrays) // 2
    return arrays[0], arrays[1 : n + 1], arrays[n + 1 :]


def truth(W, xs, gs):
    """The results in float64, and the sums of their terms' absolute values, a fraction of which float32 can lose."""

    def products(W, xs, gs):
        outer = sum((x.T @ g for x, g in zip(xs, gs)), np.zeros(W.shape))
        return [*(x @ W for x in xs), outer, *(g @ W.T for g in gs)]

    W, *rest = double(dict(enumerate([W, *xs, *gs]))).values()
    xs, gs = rest[: len(xs)], rest[len(xs) :]
    return products(W, xs, gs), products(abs(W), list(map(abs, xs)), list(map(abs, gs)))


@pytest.mark.parametrize("examples, below, above", SIZES + EMPTY)
def test_products_and_gradients(examples, below, above):
    arrays = arrays_of(examples, below, above)
    expected, terms = truth(*split(arrays))
    for found, true, amount in zip(compiled(len(examples))(*arrays), expected, terms, strict=True):
        assert found.dtype == "float32" and found.shape == true.shape
        assert (abs(found - true) <= 1e-6 * amount).all()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags of x86 processors")
@pytest.mark.parametrize("extension", ["avx512f", "avx"])
def test_narrower_vectors(extension):
    """Compiled as for processors without AVX-512, and without AVX."""
    if extension == "avx512f" and processor.describe().get("vector_bits") == 256:
        pytest.skip("this processor has no wider vectors: the other tests compile for these")
    with for_processors_without(extension):
        function = compiled.__wrapped__(2)
    for examples, below, above in [((13, 7), 37, 30), ((7, 1), 450, 9), ((24, 30), 32, 16)]:
        arrays = arrays_of(examples, below, above)
        expected, terms = truth(*split(arrays))
        for found, true, amount in zip(function(*arrays), expected, terms, strict=True):
            assert (abs(found - true) <= 1e-6 * amount).all()


def test_numbers_of_the_real_layers():
    arrays = arrays_of((100, 100, 100), 784, 1000)
    expected, terms = truth(*split(arrays))
    for found, true, amount in zip(compiled(3)(*arrays), expected, terms, strict=True):
        assert (abs(found - true) <= 2e-6 * amount).all()


def test_paths_without_a_gradient_cost_none():
    """The clean labelled half is such a path; the weights' gradient is that of the others."""
    arrays = arrays_of((4, 5, 6), 7, 8)
    W, xs, gs = split(arrays)
    found = compiled(3, of=(0, 2))(*arrays)
    np.testing.assert_allclose(found[3], xs[0].T @ gs[0] + xs[2].T @ gs[2], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[4], gs[0] @ W.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[5], gs[2] @ W.T, rtol=1e-5, atol=1e-5)
    nodes = compiled(3, of=(0, 2)).maker.fgraph.toposort()
    assert sorted(len(node.inputs) for node in nodes if isinstance(node.op, (Dense, OuterProducts))) == [3, 4, 4]


def test_paths_that_lead_nowhere_are_left_out():
    """Through several layers."""
    x, other, V, W = (at.fmatrix() for _ in range(4))
    hs = [at.tanh(z) for z in dense([x, other], V)]
    mode = Mode(linker="py", optimizer=c.mode().optimizer)
    function = aesara.function([x, other, V, W], dense(hs, W)[0], mode=mode, on_unused_input="ignore")
    nodes = [node for node in function.maker.fgraph.toposort() if isinstance(node.op, Dense)]
    assert [len(node.outputs) for node in nodes] == [1, 1]


def test_an_entry_does_not_depend_on_its_neighbours():
    """The same bits for a path by itself and beside others, for some of its examples, and for some of the units."""
    W, (x, *_), _ = split(arrays_of((37, 4, 5), 450, 90))
    others = [np.full((50, 450), 3, "float32")] * 2
    g, gs = np.zeros((37, 90), "float32"), [np.zeros((50, 90), "float32")] * 2
    whole = compiled(1)(W, x, g)[0]
    assert bits([compiled(3)(W, others[0], x, others[1], gs[0], g, gs[1])[1]]) == bits([whole])
    assert bits([compiled(1)(W, x[5:8].copy(), g[5:8])[0]]) == bits([whole[5:8].copy()])
    assert bits([compiled(1)(W[:, 40:53].copy(), x, g[:, :13].copy())[0]]) == bits([whole[:, 40:53].copy()])


@pytest.mark.parametrize("examples, below, above", [((100, 60), 450, 300), ((100,), 784, 10), ((200, 200), 64, 130)])
def test_any_number_of_threads_gives_the_same_bits(examples, below, above):
    arrays = arrays_of(examples, below, above)
    assert_same_bits(lambda: compiled(len(examples))(*arrays))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["W", "x"])
def test_what_is_not_finite_stays_so_and_spreads_no_further_than_in_numpy(bad, place):
    W, xs, gs = split(arrays_of((14, 3), 21, 37))
    (W if place == "W" else xs[0])[2, 3] = bad
    with np.errstate(invalid="ignore"):
        expected = [*(x @ W for x in xs), sum(x.T @ g for x, g in zip(xs, gs)), *(g @ W.T for g in gs)]
    for found, true in zip(compiled(2)(W, *xs, *gs), expected, strict=True):
        np.testing.assert_allclose(found, true, rtol=1e-4, atol=1e-4)  # NaN only where NumPy has one


def test_arrays_anywhere_in_memory():
    arrays = arrays_of((13, 6), 19, 45)
    expected = bits(compiled(2)(*arrays))
    for others in zip(*map(strided, arrays)):
        assert bits(compiled(2)(*others)) == expected


def test_gradients_of_gradients():
    """The operations are each other's gradients: directional derivatives of sums of squares, by central differences."""
    rng, (n, below, above) = np.random.RandomState(1), (5, 4, 3)
    W, x1, x2, y1, y2 = variables = [at.fmatrix() for _ in range(5)]
    cost = (Dense(True)(W, y1) ** 2).sum() + (OuterProducts()(x1, x2, y1, y2) ** 2).sum()
    function = aesara.function(variables, [cost, *aesara.grad(cost, variables)], mode=Mode(c.mode().linker, None))
    shapes = ((below, above), (n, below), (n + 2, below), (n, above), (n + 2, above))
    arrays = [rng.randn(*shape).astype("float32") for shape in shapes]

    def true_cost(W, x1, x2, y1, y2):
        return ((y1 @ W.T) ** 2).sum() + ((x1.T @ y1 + x2.T @ y2) ** 2).sum()

    for i, gradient in enumerate(function(*arrays)[1:]):
        direction = rng.randn(*gradient.shape)
        around = []
        for move in (1e-5, -1e-5):
            moved = [a.astype("float64") for a in arrays]
            moved[i] += move * direction
            around.append(true_cost(*moved))
        np.testing.assert_allclose((gradient * direction).sum(), (around[0] - around[1]) / 2e-5, rtol=1e-4)


def test_shapes_are_told_without_computing():
    W, x, g = at.fmatrix(), at.fmatrix(), at.fmatrix()
    shapes = [*dense([x], W), Dense(True)(W, g), OuterProducts()(x, g)]
    function = aesara.function([W, x, g], [y.shape for y in shapes], mode=Mode("py", "fast_compile"))
    assert not any(isinstance(node.op, (Dense, OuterProducts)) for node in function.maker.fgraph.toposort())
    found = function(*(np.zeros(shape, "float32") for shape in ((4, 3), (5, 4), (5, 3))))
    assert list(map(tuple, found)) == [(5, 3), (5, 4), (4, 3)]


def test_sizes_that_do_not_fit_are_refused():
    W, x, g = (np.zeros(shape, "float32") for shape in ((4, 3), (5, 4), (5, 3)))
    for arrays in ((W, x[:, :3].copy(), g), (W, x, g[:4].copy()), (W, x, g[:, :2].copy())):
        assert_refused(compiled(1), arrays)


def test_other_kinds_of_arrays_are_refused():
    for W, x in ((at.dmatrix(), at.fmatrix()), (at.fmatrix(), at.dmatrix()), (at.fvector(), at.fmatrix())):
        with pytest.raises(TypeError, match="not 2-D of float32"):
            Dense(False)(W, x)


def test_nothing_leaks():
    rng = np.random.RandomState(0)
    W = rng.randn(1003, 40).astype("float32")
    of = {n: rng.randn(n, 1003).astype("float32") for n in (20, 30)}
    above = {n: rng.randn(n, 40).astype("float32") for n in (20, 30)}
    assert_nothing_leaks(lambda n: compiled(1)(W, of[n], above[n]))
