"""Max-pooling, channels last, against loops over windows, and its inverse against the brick's; to the bit."""

from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from compare import assert_refused, assert_same_bits, bits, strided
from golden.evaluate import PYTHON

from ladder import bricks, fused
from ladder.backends import c
from ladder.fused.pooling import MaxPool, MaxPoolGradient
from ladder.layer_specs import pooled_side

#: Side of a window, stride: windows that are adjacent, overlapping, apart, or larger than the maps.
WINDOWS = [(2, 2), (3, 3), (3, 2), (3, 1), (2, 3), (1, 2), (9, 9), (9, 2)]
HEIGHT, WIDTH = 7, 8
IN_C = Mode(linker=c.mode().linker, optimizer=None)


@lru_cache(maxsize=None)
def pooling(size, stride, module=fused, height=HEIGHT, width=WIDTH):
    """(x, gradient for the pooled maps) -> pooled maps, gradient for x."""
    x, g = at.TensorType("float32", shape=(None, None, height, width))(), at.ftensor4()
    y = module.max_pool(x, size, stride)
    dx = at.grad(None, x, known_grads={y: g})
    return aesara.function([x, g], [y, dx], mode=IN_C if module is fused else PYTHON)


def numbers(n, maps, size, stride, height=HEIGHT, width=WIDTH):
    """Maps without equal entries, and whole numbers as the gradient, so that sums are exact."""
    rng = np.random.RandomState(n + maps)
    shape = n, maps, *(pooled_side(side, size, stride) for side in (height, width))
    return rng.randn(n, maps, height, width).astype("float32"), rng.randint(-9, 9, shape).astype("float32")


def truth(x, g, size, stride):
    y, dx = np.empty_like(g), np.zeros_like(x)
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            down, across = (slice(k * stride, k * stride + size) for k in (i, j))
            part = (slice(None), slice(None), down, across)
            largest = x[part].max((2, 3), keepdims=True)
            y[:, :, i, j] = largest[:, :, 0, 0]
            dx[part] += np.where(x[part] == largest, g[:, :, i, j, None, None], 0)
    return [y, dx]


def assert_equal(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == "float32"
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("size, stride", WINDOWS)
def test_max_pooling_and_its_gradient(size, stride):
    """For several numbers of examples and maps."""
    for n, maps in [(1, 1), (2, 3), (5, 33), (13, 40)]:
        x, g = numbers(n, maps, size, stride)
        assert_equal(pooling(size, stride)(x, g), truth(x, g, size, stride))


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2)])
def test_of_equals_each_gets_the_whole_gradient(size, stride):
    """Equal entries such as the zeros after a rectifier, against the loops and the brick."""
    x, g = numbers(3, 4, size, stride)
    x = np.maximum(0, np.round(x))
    found = pooling(size, stride)(x, g)
    assert_equal(found, truth(x, g, size, stride))
    assert_equal(found, pooling(size, stride, bricks)(x, g))


@pytest.mark.parametrize("size, stride", WINDOWS)
def test_as_the_brick(size, stride):
    x, g = numbers(2, 5, size, stride)
    assert_equal(pooling(size, stride)(x, g), pooling(size, stride, bricks)(x, g))


def test_maps_of_one_pixel_and_of_one_row():
    for height, width in [(1, 1), (1, 6), (5, 1)]:
        x, g = numbers(2, 3, 2, 2, height, width)
        assert_equal(pooling(2, 2, fused, height, width)(x, g), truth(x, g, 2, 2))


@pytest.mark.parametrize("where", [(0, 0), (1, 1), (0, 1), (6, 7)])
def test_nan_shows_in_its_window(where):
    """At the beginning, in the middle or at the end of its window; no other window changes."""
    x, g = numbers(2, 5, 2, 2)
    good = truth(x, g, 2, 2)[0]
    x[1, 3, where[0], where[1]] = np.nan
    y = pooling(2, 2)(x, g)[0]
    assert np.argwhere(np.isnan(y)).tolist() == [[1, 3, where[0] // 2, where[1] // 2]]
    np.testing.assert_array_equal(y[~np.isnan(y)], good[~np.isnan(y)])


def test_infinities_are_numbers():
    x, g = numbers(1, 3, 2, 2)
    x[0, 0], x[0, 1, 3, 3] = -np.inf, np.inf
    assert_equal(pooling(2, 2)(x, g), truth(x, g, 2, 2))


def test_no_example():
    y, dx = pooling(2, 2)(*numbers(0, 3, 2, 2))
    assert y.shape == (0, 3, 4, 4) and dx.shape == (0, 3, 7, 8)


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2)])
def test_elements_may_lie_anywhere_in_memory(size, stride):
    x, g = numbers(2, 5, size, stride)
    expected = bits(pooling(size, stride)(x, g))
    for other in strided(x):
        assert bits(pooling(size, stride)(other, g)) == expected
    for other in strided(g):
        assert bits(pooling(size, stride)(x, other)) == expected


def test_the_same_bits_with_any_number_of_threads():
    values = numbers(11, 33, 3, 2)
    assert_same_bits(lambda: pooling(3, 2)(*values))


def test_memory_kept_from_a_call_fits_the_next():
    for n, maps in [(3, 4), (3, 4), (2, 4), (3, 40), (1, 1)]:
        for size, stride in [(2, 2), (2, 3)]:
            x, g = numbers(n, maps, size, stride)
            assert_equal(pooling(size, stride)(x, g), truth(x, g, size, stride))


def test_gradients_of_another_size_are_refused():
    x, g = numbers(2, 3, 2, 2)
    for shape in [(1, 3, 4, 4), (2, 4, 4, 4), (2, 3, 4, 5)]:
        assert_refused(pooling(2, 2), [x, np.zeros(shape, "float32")])


def test_wrong_types():
    known = at.TensorType("float32", shape=(None, 3, 7, 8))()
    for x in (at.TensorType("float64", shape=(None, 3, 7, 8))(), at.fmatrix(), at.ftensor3()):
        with pytest.raises(TypeError):
            fused.max_pool(x, 2, 2)
    with pytest.raises(TypeError, match="size of the maps must be known"):
        fused.max_pool(at.ftensor4(), 2, 2)
    with pytest.raises(TypeError):
        MaxPoolGradient(2, 2)(known, known, at.dtensor4())


def test_static_shapes():
    x = at.TensorType("float32", shape=(None, 3, 7, 8))()
    assert fused.max_pool(x, 2, 2).type.shape == (None, 3, 4, 4)
    assert fused.max_pool(x, 3, 2).type.shape == (None, 3, 3, 4)
    y = fused.max_pool(x, 2, 2)
    assert at.grad(y.sum(), x).type.shape == x.type.shape
    assert fused.unpool(y, 2, (7, 8)).type.shape == (None, 3, 7, 8)


def test_operations_of_other_windows_are_others():
    assert MaxPool(2, 2) == MaxPool(2, 2) != MaxPool(3, 2)


@pytest.mark.parametrize("size, shape", [(2, (6, 8)), (2, (5, 7)), (3, (9, 12)), (3, (7, 11))])
def test_unpool_as_the_brick(size, shape):
    """The estimates, and the gradient: a sum over each window."""
    z, g = at.TensorType("float32", shape=(None, 5, 3, 4))(), at.TensorType("float32", shape=(None, 5, *shape))()
    rng = np.random.RandomState(0)
    for n in (1, 3):
        values = [rng.randint(-9, 9, (n, 5, *sides)).astype("float32") for sides in ((3, 4), shape)]
        results = []
        for module in (fused, bricks):
            u = module.unpool(z, size, shape)
            results.append(aesara.function([z, g], [u, at.grad((u * g).sum(), z)], mode=PYTHON)(*values))
        assert_equal(*results)


# --- Mean-pooling


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (2, 3)])
def test_mean_pooling_and_its_gradient_as_the_brick(size, stride):
    """Windows that are adjacent, overlap or leave pixels out; incomplete at the edge."""
    x, g = at.TensorType("float32", shape=(None, None, HEIGHT, WIDTH))(), at.ftensor4()

    def built(module, mode):
        y = module.mean_pool(x, size, stride)
        return aesara.function([x, g], [y, at.grad(None, x, known_grads={y: g})], mode=mode)

    pooled, plain = built(fused, IN_C), built(bricks, PYTHON)
    for n, maps in [(2, 3), (5, 33)]:
        values = numbers(n, maps, size, stride)
        for found, expected in zip(pooled(*values), plain(*values), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    flat, g = np.full((2, 3, HEIGHT, WIDTH), 0.5, "float32"), numbers(2, 3, size, stride)[1]
    assert (pooled(flat, g)[0] == 0.5).all()
    values = numbers(13, 40, size, stride)
    assert_same_bits(lambda: pooled(*values))
