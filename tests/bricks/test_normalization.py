"""Batch normalisation against closed forms in float64."""

import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value

from ladder.bricks.normalization import (
    EPSILON,
    normalize,
    normalize_by_itself,
    per_unit,
    running_average,
    statistics,
    unbiased,
)

Z = (np.random.RandomState(0).randn(7, 3) * [1, 10, 0.1] + [0, 5, -2]).astype("float32")


def evaluate(function, *arrays):
    arrays = [np.asarray(a, "float32") for a in arrays]
    variables = [at.TensorType("float32", shape=(None,) * a.ndim)() for a in arrays]
    return value(function(*variables), zip(variables, arrays))


def test_epsilon():
    assert EPSILON == np.float32(1e-10)


def test_statistics_are_of_the_population():
    mean, variance = evaluate(lambda z: list(statistics(z)), Z)
    assert mean.shape == variance.shape == (1, 3) and mean.dtype == variance.dtype == "float32"
    np.testing.assert_allclose(mean[0], Z.astype("float64").mean(0), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(variance[0], Z.astype("float64").var(0, ddof=0), rtol=1e-6)


def test_statistics_broadcast_along_the_batch():
    assert [v.broadcastable for v in statistics(at.fmatrix())] == [(True, False)] * 2


MAPS = np.random.RandomState(3).randn(4, 3, 5, 2) * [[[1]], [[10]], [[0.1]]] + [[[0]], [[5]], [[-2]]]
MAPS = MAPS.astype("float32")


def test_statistics_of_maps_are_over_examples_and_pixels():
    mean, variance = evaluate(lambda z: list(statistics(z)), MAPS)
    assert mean.shape == variance.shape == (1, 3, 1, 1) and mean.dtype == variance.dtype == "float32"
    np.testing.assert_allclose(mean[0, :, 0, 0], MAPS.astype("float64").mean((0, 2, 3)), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(variance[0, :, 0, 0], MAPS.astype("float64").var((0, 2, 3)), rtol=1e-6)
    assert [v.broadcastable for v in statistics(at.ftensor4())] == [(True, False, True, True)] * 2


def test_maps_are_normalised_one_by_one():
    u = MAPS.astype("float64")
    mean, variance = u.mean((0, 2, 3), keepdims=True), u.var((0, 2, 3), keepdims=True)
    expected = (u - mean) / np.sqrt(variance + 1e-10)
    np.testing.assert_allclose(evaluate(normalize_by_itself, MAPS), expected, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(evaluate(normalize, MAPS, mean, variance), expected, rtol=2e-5, atol=2e-6)


def test_a_number_for_each_map_is_broadcast_over_pixels():
    v = at.fvector()
    assert per_unit(v, 2) is v and per_unit(v, 1) is v
    assert per_unit(v, 4).broadcastable == (True, False, True, True)
    assert evaluate(lambda v, z: per_unit(v, 4) + 0 * z, [1, 2, 3], MAPS)[3, :, 4, 1].tolist() == [1, 2, 3]


def test_variance_of_values_far_from_zero():
    """E[z²] - E[z]² would lose everything in float32."""
    _, variance = evaluate(lambda z: list(statistics(z)), [[4096.0], [4098.0]])
    assert variance.tolist() == [[1]]


def test_normalize():
    z = evaluate(normalize, Z, Z.mean(0, keepdims=True), Z.var(0, keepdims=True))
    assert z.dtype == "float32"
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(z.std(0), 1, rtol=1e-5)


def test_epsilon_is_added_to_the_variance_under_the_root():
    z = evaluate(normalize, [[3e-5]], [[1e-5]], [[3e-10]])
    np.testing.assert_allclose(z, 2e-5 / np.sqrt(4e-10), rtol=1e-5)


def test_a_constant_unit_gives_zeros():
    constant = np.full((4, 2), 0.7, "float32")
    assert (evaluate(normalize_by_itself, constant) == 0).all()


def test_normalize_by_itself():
    u = Z.astype("float64")
    expected = (u - u.mean(0)) / np.sqrt(u.var(0) + 1e-10)
    np.testing.assert_allclose(evaluate(normalize_by_itself, Z), expected, rtol=2e-5, atol=2e-6)


def test_normalize_by_itself_has_the_epsilon_too():
    u = np.float32([[1e-5], [-1e-5]])  # variance 1e-10
    np.testing.assert_allclose(evaluate(normalize_by_itself, u), [[0.5**0.5], [-(0.5**0.5)]], rtol=1e-5)


@pytest.mark.parametrize("n", [2, 3, 100])
def test_unbiased(n):
    z = np.random.RandomState(n).randn(n, 4)
    size = at.lscalar()
    scaled = unbiased(at.constant(z.var(0).astype("float32")), size)
    assert scaled.dtype == "float32"
    np.testing.assert_allclose(value(scaled, {size: n}), z.var(0, ddof=1), rtol=1e-6)


def test_running_average_is_the_mean_of_all():
    values = np.random.RandomState(1).randn(12, 3)
    average = np.full(3, 99.0)  # the past, forgotten with counter 1
    for k, new in enumerate(values, start=1):
        average = evaluate(running_average, new, average, k)
        assert average.dtype == "float32"
        np.testing.assert_allclose(average, values[:k].mean(0), rtol=1e-5, atol=1e-6)


def test_running_average_with_a_full_counter_forgets_slowly():
    np.testing.assert_allclose(evaluate(running_average, 20.0, 10.0, 10.0), 11.0, rtol=1e-6)
