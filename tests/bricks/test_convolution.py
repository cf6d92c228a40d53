"""Convolutions in both directions against SciPy's of single maps, in float64; initial filters to the bit."""

import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value
from scipy.signal import convolve2d, correlate2d

from ladder.bricks.convolution import conv_init, convolve, deconvolve, spread

BORDERS, STRIDES = ("valid", "full"), (1, 2, 3)
rng = np.random.RandomState(0)
X, W = rng.randn(2, 3, 8, 7).astype("float32"), rng.randn(4, 3, 3, 3).astype("float32")
Z, BACK = rng.randn(2, 4, 4, 3).astype("float32"), rng.randn(3, 4, 3, 3).astype("float32")


def by_maps(one_map, x, W):
    """Sums over the maps below of ``one_map(map, filter)``."""
    x, W = x.astype("float64"), W.astype("float64")
    return np.array([[sum(map(one_map, image, filters)) for filters in W] for image in x])


def true_convolve(x, W, border, stride):
    if stride == 1:
        return by_maps(lambda a, w: convolve2d(a, w, border), x, W)
    return by_maps(lambda a, w: correlate2d(a, w, border), x, W)[:, :, ::stride, ::stride]


def true_deconvolve(z, W, border, stride, shape):
    wide = np.zeros((*z.shape[:2], z.shape[2] * stride, z.shape[3] * stride))
    wide[:, :, ::stride, ::stride] = z
    other = {"valid": "full", "full": "valid"}[border]
    return by_maps(lambda a, w: convolve2d(a, w, other), wide, W)[:, :, : shape[0], : shape[1]]


def with_gradients(y, variables, arrays):
    """y, and the gradients of half its sum of squares."""
    return value([y, *at.grad(at.square(y).sum() / 2, variables)], dict(zip(variables, arrays)))


def assert_linear(found, function, x, W):
    """Check y, and the gradients of half its sum of squares, each along a random direction."""
    y, dx, dW = found
    expected = function(x, W)
    assert y.dtype == "float32" and y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    # y is linear in x and in W, so its change along a direction is exact.
    directions = np.random.RandomState(1)
    for gradient, along in ((dx, lambda d: function(d, W)), (dW, lambda d: function(x, d))):
        d = directions.randn(*gradient.shape)
        slope = (along(d) * expected).sum()
        np.testing.assert_allclose((gradient * d).sum(), slope, rtol=1e-4, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("border", BORDERS)
def test_convolution(border, stride):
    """True convolution with stride 1; with larger ones the filters are not flipped."""
    x, w = at.ftensor4s(2)
    found = with_gradients(convolve(x, w, border, stride), [x, w], [X, W])
    assert_linear(found, lambda x, W: true_convolve(x, W, border, stride), X, W)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("border", BORDERS)
def test_deconvolution(border, stride):
    """A true convolution of the spread-out entries with the opposite border, cropped to the shape below."""
    shape = (4 * stride + 1, 3 * stride + 2) if border == "valid" else (4 * stride - 2, max(1, 3 * stride - 3))
    z, w = at.ftensor4s(2)
    found = with_gradients(deconvolve(z, w, border, stride, shape), [z, w], [Z, BACK])
    assert_linear(found, lambda z, W: true_deconvolve(z, W, border, stride, shape), Z, BACK)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("border", BORDERS)
def test_the_inverse_has_the_shape_below(border, stride):
    x, w, back = at.ftensor4s(3)
    for height, width, size in [(8, 7, 3), (9, 5, 2), (6, 6, 1), (5, 10, 4)]:
        u = deconvolve(convolve(x, w, border, stride), back, border, stride, (height, width))
        shapes = {x: (1, 2, height, width), w: (3, 2, size, size), back: (2, 3, size, size)}
        found = value(u, {v: np.zeros(shape, "float32") for v, shape in shapes.items()})
        assert found.shape == (1, 2, height, width)


@pytest.mark.parametrize("stride", [2, 3])
def test_spread(stride):
    z = at.ftensor4()
    found = value(spread(z, stride), {z: Z})
    assert found.shape == (2, 4, 4 * stride, 3 * stride) and found.dtype == "float32"
    np.testing.assert_array_equal(found[:, :, ::stride, ::stride], Z)
    assert np.count_nonzero(found) == Z.size


@pytest.mark.parametrize("shape", [(3, 2, 5, 5), (10, 128, 1, 1), (1, 1, 1, 1)])
def test_first_filters_to_the_bit(shape):
    """Uniform with a variance of 1 / fan_in, the bound computed in float64."""
    _, below, size, _ = shape
    bound = np.float64(3.0 / (below * size * size)) ** 0.5
    expected = np.random.RandomState(7).uniform(-bound, bound, shape)
    found = conv_init(np.random.RandomState(7), shape)
    assert found.dtype == "float64"
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("fan", [None, 5000])
def test_first_filters_have_the_variance_of_units(fan):
    filters = conv_init(np.random.RandomState(0), (200, 8, 5, 5), fan)
    np.testing.assert_allclose(filters.std(), 1 / np.sqrt(fan or 8 * 5 * 5), rtol=0.01)
    assert abs(filters.mean()) < 1e-3
