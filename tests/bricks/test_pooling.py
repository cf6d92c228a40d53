"""Pooling layers and their inverses against loops over windows in float64."""

import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value

from ladder.bricks.pooling import global_mean_pool, max_pool, mean_pool, unpool

X = np.random.RandomState(0).randn(2, 3, 7, 8).astype("float32")


def windows(x, size, stride):
    """(row, column, slices of x) of every window; each reaches new pixels, and those at the edge may be incomplete."""
    starts = [[i for i in range(0, side, stride) if i == 0 or i - stride + size < side] for side in x.shape[2:]]
    for row, i in enumerate(starts[0]):
        for column, j in enumerate(starts[1]):
            yield row, column, (slice(None), slice(None), slice(i, i + size), slice(j, j + size))


def true_pool(x, size, stride, g=None):
    """The largest entries and, if g is given, the gradient of x, which goes to all entries that equal the largest."""
    parts = list(windows(x, size, stride))
    y, dx = np.zeros((*x.shape[:2], parts[-1][0] + 1, parts[-1][1] + 1)), np.zeros(x.shape)
    for row, column, part in parts:
        largest = x[part].max((2, 3), keepdims=True)
        y[:, :, row, column] = largest[:, :, 0, 0]
        if g is not None:
            dx[part] += (x[part] == largest) * g[:, :, row, column, None, None]
    return y, dx


def pooled(x, size, stride):
    """The pooled maps, and the gradient of their product with the numbers 1, 2, 3 …"""
    variable, g = at.ftensor4s(2)
    y = max_pool(variable, size, stride)
    shape = true_pool(x, size, stride)[0].shape
    numbers = 1 + np.arange(np.prod(shape)).reshape(shape)
    outputs = [y, at.grad((y * g).sum(), variable)]
    return *value(outputs, {variable: x, g: numbers.astype("float32")}), numbers


@pytest.mark.parametrize(
    "size, stride", [(2, 2), (3, 3), (3, 2), (3, 1), (4, 3), (2, 3), (1, 2), (5, 5), (9, 9), (9, 2)]
)
def test_max_pooling(size, stride):
    """Also where windows overlap, leave pixels out, or are larger than the maps."""
    y, dx, numbers = pooled(X, size, stride)
    expected, gradient = true_pool(X, size, stride, numbers)
    assert y.dtype == "float32" and y.shape == expected.shape
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, gradient)


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2)])
def test_of_equals_each_gets_the_whole_gradient(size, stride):
    """Such as the zeros after a rectifier."""
    x = np.maximum(0, np.round(X)).astype("float32")
    y, dx, numbers = pooled(x, size, stride)
    expected, gradient = true_pool(x, size, stride, numbers)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, gradient)
    assert np.count_nonzero(dx) > 1.5 * y.size


def test_one_image_and_one_pixel():
    for shape in [(1, 1, 1, 1), (1, 2, 3, 1)]:
        x = X[: shape[0], : shape[1], : shape[2], : shape[3]]
        np.testing.assert_array_equal(pooled(x, 2, 2)[0], true_pool(x, 2, 2)[0])


def test_global_mean_pool_is_scaled_by_the_width():
    """By the width alone, even where height and width differ, and by the square root of 3."""
    x = at.ftensor4()
    pooled = global_mean_pool(x, 8)
    y, dx = value([pooled, at.grad(pooled.sum(), x)], {x: X})
    assert y.shape == (2, 3, 1, 1) and y.dtype == "float32"
    np.testing.assert_allclose(y[:, :, 0, 0], X.astype("float64").mean((2, 3)) * 8 * np.sqrt(3), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, np.full(X.shape, 8 * np.sqrt(3) / 56), rtol=1e-6)


def test_global_mean_pool_has_the_scale_of_the_original():
    """It sums as many terms as a map has pixels, each weighted by sqrt(3) / width."""
    x, noise = at.ftensor4(), np.random.RandomState(1).randn(4000, 1, 5, 5).astype("float32")
    np.testing.assert_allclose(value(global_mean_pool(x, 5), {x: noise}).var(), 3, rtol=0.1)


@pytest.mark.parametrize("size, shape", [(2, (6, 8)), (2, (5, 7)), (3, (9, 12)), (3, (7, 11)), (3, (8, 10))])
def test_unpool_copies_over_windows(size, shape):
    z = at.ftensor4()
    Z = np.random.RandomState(2).randn(2, 3, 3, 4).astype("float32")
    u = unpool(z, size, shape)
    found, dz = value([u, at.grad(u.sum(), z)], {z: Z})
    expected = np.zeros((2, 3, *shape))
    counts = np.zeros((3, 4))
    for i in range(shape[0]):
        for j in range(shape[1]):
            expected[:, :, i, j] = Z[:, :, i // size, j // size]
            counts[i // size, j // size] += 1
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(dz, np.broadcast_to(counts, Z.shape))


@pytest.mark.parametrize("size", [2, 3])
def test_unpool_undoes_the_shape_of_max_pooling(size):
    x = at.ftensor4()
    u = value(unpool(max_pool(x, size, size), size, (7, 8)), {x: X})
    assert u.shape == X.shape and (u >= X).all()


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (2, 3), (9, 9)])
def test_mean_pooling(size, stride):
    """The mean of the entries that a window has, each of which gets an equal part of the gradient."""
    variable, g = at.ftensor4s(2)
    parts = list(windows(X, size, stride))
    expected, gradient = np.zeros((2, 3, parts[-1][0] + 1, parts[-1][1] + 1)), np.zeros(X.shape)
    G = 1 + np.arange(expected.size).reshape(expected.shape).astype("float32")
    for row, column, part in parts:
        expected[:, :, row, column] = X[part].astype("float64").mean((2, 3))
        gradient[part] += G[:, :, row, column, None, None] / X[part][0, 0].size
    y = mean_pool(variable, size, stride)
    found, dx = value([y, at.grad((y * g).sum(), variable)], {variable: X, g: G})
    assert found.dtype == "float32" and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, gradient, rtol=1e-5)


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2)])
def test_mean_pooling_as_in_pytorch(size, stride):
    """Where its windows are ours: it too leaves out those that would begin beyond the edge."""
    torch = pytest.importorskip("torch")
    x = at.ftensor4()
    expected = torch.nn.functional.avg_pool2d(
        torch.from_numpy(X), size, stride, ceil_mode=True, count_include_pad=False
    ).numpy()
    np.testing.assert_allclose(value(mean_pool(x, size, stride), {x: X}), expected, rtol=1e-5, atol=1e-6)
