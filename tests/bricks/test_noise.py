"""Gaussian noise: the original's bits, moments, streams, states."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
import scipy.stats
from golden.evaluate import PYTHON
from golden.load import group, load

from ladder.backends import c
from ladder.bricks.noise import GaussianNoise

SHAPES = [(20, 1, 5, 6), (20, 20), (20, 15), (20, 10), (20, 10)]


def sampler(noise, shapes, mode=PYTHON):
    """A function without arguments that draws noise of each shape."""
    arrays = [np.zeros(shape, "float32") for shape in shapes]
    inputs = [at.TensorType("float32", shape=(None,) * len(shape))() for shape in shapes]
    function = aesara.function(inputs, [noise.like(x) for x in inputs], mode=mode)
    return lambda: function(*arrays)


@pytest.fixture(scope="module")
def golden():
    return load("fc_small_gauss")[0]


def test_bits_in_python(golden):
    draws = sampler(GaussianNoise(seed=1), SHAPES)()
    for i, draw in enumerate(draws):
        assert draw.dtype == "float32"
        expected = golden[f"noisy__noise__{i}"]
        # The uniform numbers have the same bits, but log and cosine are NumPy's, not the C library's.
        np.testing.assert_allclose(draw, expected, rtol=1e-5, atol=1e-6, err_msg=f"stream {i}")


def test_bits_in_c(golden):
    """Calls 1, 2 and 6 of five streams, in the mode of real runs."""
    draw = sampler(GaussianNoise(seed=1), SHAPES, mode=c.mode())
    calls = [draw() for _ in range(6)]
    for i in range(5):
        first, second, sixth = (calls[k][i] for k in (0, 1, 5))
        np.testing.assert_array_equal(first, golden[f"noisy__noise__{i}"])
        np.testing.assert_array_equal(second.ravel()[:64], golden[f"calls__noise_call2__{i}"])
        np.testing.assert_array_equal(sixth, golden[f"pertn__noise__{i}"])


def test_first_states(golden):
    noise = GaussianNoise(seed=1)
    for shape in SHAPES:
        noise.like(at.TensorType("float32", shape=(None,) * len(shape))())
    states = noise.get_states()
    assert len(states) == 5 and all(state.shape == (15360, 6) for state in states)
    stored = group(golden, "noisy__mrg_rstate_first3rows__")
    assert sorted(stored) == list("01234")
    for i, rows in stored.items():
        np.testing.assert_array_equal(states[int(i)][:3], rows)


def test_moments_and_independence():
    draw = sampler(GaussianNoise(seed=3), [(60, 50), (60, 50)])
    a, b, c_, d = (x.ravel() for _ in range(2) for x in draw())
    for x in (a, b):
        assert scipy.stats.kstest(x, "norm").pvalue > 0.01
        assert abs(x.mean()) < 0.05 and abs(x.var() - 1) < 0.08
    # Two layers, two calls: nothing is drawn twice.
    correlations = np.corrcoef([a, b, c_, d])[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 0.06


def test_seeds_differ_and_repeat():
    one, again, two = (sampler(GaussianNoise(seed), [(4, 5)])()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != two).all()


def test_the_kth_call_takes_the_kth_stream():
    """So a layer without noise, which makes no call, shifts the streams of later layers."""
    draws = sampler(GaussianNoise(seed=1), [(4, 5)] * 3)()
    (alone,) = sampler(GaussianNoise(seed=1), [(4, 5)])()
    np.testing.assert_array_equal(alone, draws[0])
    assert (draws[0] != draws[1]).all() and (draws[1] != draws[2]).all()


def test_draws_are_kept_for_a_look():
    noise = GaussianNoise(seed=1)
    x = at.fmatrix()
    assert noise.like(x) is noise.draws[0] and noise.draws[0].dtype == "float32"


def test_states_bring_back_the_numbers():
    noise = GaussianNoise(seed=1)
    draw = sampler(noise, [(4, 5), (4, 3)])
    draw()
    states = noise.get_states()
    second, third = draw(), draw()
    noise.set_states(states)
    for expected in (second, third):
        for drawn, stored in zip(draw(), expected):
            np.testing.assert_array_equal(drawn, stored)
    assert (second[0] != third[0]).all()


def test_states_are_copies():
    noise = GaussianNoise(seed=1)
    draw = sampler(noise, [(4, 5)])
    states = noise.get_states()
    before = states[0].copy()
    draw()
    np.testing.assert_array_equal(states[0], before)


def test_every_compiled_function_moves_the_streams_on():
    noise = GaussianNoise(seed=1)
    x = at.fmatrix()
    z = noise.like(x)
    f, g = (aesara.function([x], z, mode=PYTHON) for _ in range(2))
    (first,) = sampler(GaussianNoise(seed=1), [(4, 5)])()
    array = np.zeros((4, 5), "float32")
    np.testing.assert_array_equal(f(array), first)
    assert (g(array) != first).all()
