"""Maxout in C against NumPy, to the bit: equal pieces, NaN, and threads."""

from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from compare import assert_refused, assert_same_bits, spoilt

from ladder.backends import c
from ladder.fused.maxout import maxout as fused_maxout

PIECES = 3
IN_C = Mode(linker=c.mode().linker, optimizer=None)


@lru_cache(maxsize=None)
def maxout(ndim):
    """(x, gradient for the largest) -> the largest, gradient for x."""
    x, g = (at.TensorType("float32", shape=(None,) * ndim)() for _ in range(2))
    y = fused_maxout(x, PIECES)
    return aesara.function([x, g], [y, at.grad(None, x, known_grads={y: g})], mode=IN_C)


def numbers(n, units, *pixels):
    """Few different values, so that many pieces are equal."""
    rng = np.random.RandomState(n)
    x = rng.randint(-2, 3, (n, PIECES * units, *pixels)).astype("float32")
    return x, rng.randn(n, units, *pixels).astype("float32")


def truth(x, g):
    apart = x.reshape(len(x), PIECES, -1, *x.shape[2:])
    y = apart.max(1)
    return y, np.where(apart == y[:, None], g[:, None], np.float32(0)).reshape(x.shape)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (4, 3, 2, 5)])
def test_every_piece_that_is_the_largest_gets_the_gradient(shape):
    arrays = numbers(*shape)
    for found, expected in zip(maxout(len(shape))(*arrays), truth(*arrays), strict=True):
        assert found.dtype == "float32"
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("piece", range(PIECES))
def test_not_a_number_stays_in_its_unit(piece):
    x, g = numbers(7, 5)
    bad = spoilt({"x": x}, "x", np.nan, unit=5 * piece + 2)["x"]
    found, sound = (maxout(2)(each, g)[0] for each in (bad, x))
    assert np.isnan(found[0, 2])
    found[0, 2] = sound[0, 2]
    np.testing.assert_array_equal(found, sound)


def test_any_number_of_threads():
    arrays = numbers(300, 90)
    assert_same_bits(lambda: maxout(2)(*arrays))


def test_columns_that_are_no_units_are_refused():
    x, g = numbers(7, 5)
    assert_refused(maxout(2), (np.ascontiguousarray(x[:, :-1]), g))
