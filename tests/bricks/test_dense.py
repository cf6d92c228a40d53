"""Fully connected layers: initial weights to the bit, products, flattening."""

import aesara.tensor as at
import numpy as np
from golden.evaluate import value
from golden.load import load

from ladder.bricks.dense import dense, dense_init


def test_first_weights_are_the_draws_over_the_root_of_their_inputs():
    W = dense_init(np.random.RandomState(3), 7, 5)
    assert W.shape == (7, 5) and W.dtype == "float64"
    np.testing.assert_array_equal(W, np.random.RandomState(3).randn(7, 5) / np.sqrt(7))


def test_first_weights_for_another_fan():
    W = dense_init(np.random.RandomState(3), 7, 5, fan=12)
    np.testing.assert_array_equal(W, np.random.RandomState(3).randn(7, 5) / np.sqrt(12))


def test_a_float32_size_has_a_float32_root():
    W = dense_init(np.random.RandomState(3), np.float32(7), 5)
    assert W.shape == (7, 5)
    np.testing.assert_array_equal(W, np.random.RandomState(3).randn(7, 5) / np.float64(np.sqrt(np.float32(7))))
    # 7 has no exact root, so the two differ.
    assert (W != dense_init(np.random.RandomState(3), 7, 5)).any()


def test_the_originals_first_weights():
    """One generator draws the encoder, the encoder again (discarded), and the decoder."""
    arrays, meta = load("fc_small_gauss")
    rng = np.random.RandomState(meta["p_effective"]["seed"])
    sizes = [30, 20, 15, 10, 10]
    encoder = [dense_init(rng, a, b) for a, b in zip(sizes, sizes[1:])]
    for a, b in zip(sizes, sizes[1:]):
        dense_init(rng, a, b)
    decoder = [dense_init(rng, np.float32(b), a) for a, b in reversed(list(zip(sizes, sizes[1:])))]
    names = [f"f_{i}_W" for i in (1, 2, 3, 4)] + [f"g_{i}_W" for i in (3, 2, 1, 0)]
    for name, W in zip(names, encoder + decoder):
        np.testing.assert_array_equal(W.astype("float32"), arrays["init__" + name], err_msg=name)


def test_dense():
    x, W = np.random.RandomState(0).randn(4, 6).astype("float32"), at.constant(np.ones((6, 2), "float32"))
    matrix, maps = at.fmatrix(), at.ftensor4()
    expected = np.repeat(x.sum(1, keepdims=True), 2, axis=1)
    np.testing.assert_allclose(value(dense([matrix], W)[0], {matrix: x}), expected, rtol=1e-5)
    np.testing.assert_allclose(value(dense([maps], W)[0], {maps: x.reshape(4, 1, 2, 3)}), expected, rtol=1e-5)


def test_maps_are_flattened_in_rows():
    maps = at.ftensor4()
    W = at.constant(np.eye(6, dtype="float32"))
    x = np.arange(12, dtype="float32").reshape(2, 1, 2, 3)
    np.testing.assert_array_equal(value(dense([maps], W)[0], {maps: x}), x.reshape(2, 6))


def test_each_path_by_itself():
    rng = np.random.RandomState(0)
    W, first, second = (rng.randn(*shape).astype("float32") for shape in ((3, 2), (4, 3), (5, 3)))
    paths = [at.fmatrix(), at.fmatrix()]
    for found, x in zip(dense(paths, at.constant(W)), (first, second), strict=True):
        np.testing.assert_allclose(value(found, dict(zip(paths, (first, second)))), x @ W, rtol=1e-5)
