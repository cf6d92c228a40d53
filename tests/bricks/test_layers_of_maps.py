"""Layers of maps: a map is a unit, and every pixel of it an example."""

import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value

from ladder.bricks import denoise, encode
from ladder.bricks.encoder import activate

rng = np.random.RandomState(0)
SHAPE = (4, 3, 2, 5)
Z_PRE, NOISE, Z_CLEAN, U = rng.randn(4, *SHAPE).astype("float32") * 2 + 1
B, C, M, S = rng.uniform(0.5, 2, (4, 3)).astype("float32")


def as_rows(maps):
    """(examples, maps, height, width) -> (pixels, maps)."""
    return maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])


def assert_same(maps, rows):
    assert maps.dtype == "float32"
    np.testing.assert_allclose(as_rows(maps) if maps.ndim else maps, rows, rtol=1e-5, atol=1e-6)


def constants(*arrays):
    return [None if array is None else at.constant(array) for array in arrays]


@pytest.mark.parametrize("act", ["relu", "leakyrelu", "linear", "softplus", "sigmoid"])
def test_encode(act):
    """Statistics have one entry per map; b and c are broadcast over pixels."""
    for noise, b, c in [(NOISE, B, C), (None, B, None), (None, None, None)]:
        maps = encode(*constants(Z_PRE, noise), 0.3, *constants(b, c), act)
        rows = encode(*constants(as_rows(Z_PRE), None if noise is None else as_rows(noise)), 0.3, *constants(b, c), act)
        maps, rows = value([*maps]), value([*rows])
        assert maps[0].shape == maps[3].shape == SHAPE and maps[1].shape == maps[2].shape == (1, 3, 1, 1)
        for found, expected in zip(maps, rows):
            assert_same(found, expected)


def test_a_softmax_of_maps_is_over_all_units_of_an_example():
    probabilities = value(activate(at.constant(Z_PRE), None, None, "softmax"))
    assert probabilities.shape == (4, 30)
    exponents = np.exp(Z_PRE.reshape(4, 30).astype("float64"))
    np.testing.assert_allclose(probabilities, exponents / exponents.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("decoder", ["gauss", "sig", "comparison_g4", "lin"])
def test_denoise(decoder):
    """The parameters of a map are the same for all its pixels; the cost is averaged over maps and pixels."""
    rng, results = np.random.RandomState(1), []
    make = lambda init, name: at.constant(np.float32(init) + rng.uniform(-0.5, 0.5, 3).astype("float32"))
    for turn in (lambda x: x, as_rows):
        rng.seed(1)  # the same parameters again
        m, s = (x.reshape((1, 3, 1, 1)[: turn(U).ndim]) for x in (M, S))
        made = denoise(decoder, *constants(turn(U), turn(NOISE), turn(Z_CLEAN), m, s), make, make)
        results.append(value([*made]))
    (z_est, cost), (expected, expected_cost) = results
    assert z_est.shape == SHAPE and cost.shape == ()
    assert_same(z_est, expected)
    np.testing.assert_allclose(cost, expected_cost, rtol=1e-5)


def test_below_global_pooling_all_pixels_get_the_same():
    """u has one pixel, and is normalised over examples alone."""
    make = lambda init, name: at.constant(np.full(3, init + 0.25, "float32"))
    one = np.ascontiguousarray(U[:, :, :1, :1])
    everywhere = np.broadcast_to(one, SHAPE).copy()
    found, expected = (
        value([*denoise("gauss", *constants(u, NOISE, Z_CLEAN, None, None), make, make)]) for u in (one, everywhere)
    )
    for ours, theirs in zip(found, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
