"""What every noise source must provide: normals that are independent and repeatable, with shapes known beforehand."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
import scipy.stats
from threadpoolctl import threadpool_info, threadpool_limits

from ladder.backends import c
from ladder.bricks.noise import GaussianNoise
from ladder.fused.mrg import MRGNormal
from ladder.fused.noise import FastMRGNoise, PhiloxNoise, noise_source
from ladder.fused.normals import Normals

SOURCES = {"mrg": FastMRGNoise, "philox": PhiloxNoise}
ROWS, COLUMNS = 200, 500  # enough for two threads


class Draws:
    """Two layers of a source, compiled once and set to the first states of any seed."""

    def __init__(self, kind):
        self.kind, self.noise = kind, kind(1)
        rows, columns = at.lscalars(2)
        outputs = [self.noise.normal((rows, columns)) for _ in range(2)]
        self.function = aesara.function([rows, columns], outputs, mode=c.mode())

    def restart(self, seed):
        other = self.kind(seed)
        for _ in range(2):
            other.normal((1, 1))
        self.noise.set_states(other.get_states())

    def __call__(self, rows=ROWS, columns=COLUMNS):
        return self.function(rows, columns)


@pytest.fixture(scope="module", params=SOURCES.values(), ids=SOURCES)
def draws(request):
    return Draws(request.param)


def test_moments_and_distribution(draws):
    draws.restart(seed=3)
    for x in (draw.ravel().astype("float64") for draw in (*draws(1000, 1000), *draws(999, 1001))):
        n = x.size
        assert np.isfinite(x).all()
        # Five standard errors each.
        assert abs(x.mean()) < 5 / np.sqrt(n)
        assert abs(x.var() - 1) < 5 * np.sqrt(2 / n)
        assert abs(scipy.stats.skew(x)) < 5 * np.sqrt(6 / n)
        assert abs(scipy.stats.kurtosis(x)) < 5 * np.sqrt(24 / n)
        assert scipy.stats.kstest(x, "norm").pvalue > 1e-3
        # Tails, which the Kolmogorov-Smirnov test hardly sees: 63 numbers beyond 4 are expected in a million.
        assert 30 < (np.abs(x) > 4).sum() < 100


def test_squares_and_neighbours_do_not_correlate(draws):
    """For numbers from the same pair of uniforms, for adjacent ones, and for those a whole row apart."""
    draws.restart(seed=4)
    x = draws(1000, 1000)[0].ravel().astype("float64")
    for lag in (1, 2, 64, 128, 256, 1000, 15360, x.size // 2):
        for y in (x, x**2):
            assert abs(np.corrcoef(y[lag:], y[:-lag])[0, 1]) < 5 / np.sqrt(x.size - lag), lag


def largest_correlation(numbers):
    return np.abs(np.corrcoef(numbers)[np.triu_indices(len(numbers), 1)]).max()


def test_layers_and_updates_are_independent(draws):
    draws.restart(seed=1)
    numbers = np.array([draw.ravel() for _ in range(3) for draw in draws()])
    for x in (numbers, numbers**2, np.sign(numbers)):
        assert largest_correlation(x) < 5 / np.sqrt(ROWS * COLUMNS)


def test_seeds(draws):
    """MRG is linear and Aesara's first state is the seed six times over, so two seeds' magnitudes are correlated."""
    numbers = []
    for seed in (1, 2):
        draws.restart(seed)
        numbers.append(draws()[0].ravel())
    numbers, independent = np.array(numbers), 5 / np.sqrt(ROWS * COLUMNS)
    assert largest_correlation(numbers) < independent
    if draws.kind is FastMRGNoise:
        assert 0.25 < largest_correlation(numbers**2) < 0.35
    else:
        assert largest_correlation(numbers**2) < independent


def test_seeds_repeat(draws):
    draws.restart(5)
    first = [draws(3, 5) for _ in range(2)]
    draws.restart(5)
    for expected in first:
        np.testing.assert_array_equal(draws(3, 5), expected)
    assert (first[0][0] != first[0][1]).all() and (first[0][0] != first[1][0]).all()
    draws.restart(6)
    assert (draws(3, 5)[0] != first[0][0]).all()


def test_states_bring_back_the_numbers(draws):
    draws()
    states = draws.noise.get_states()
    kept = [state.copy() for state in states]
    second, third = draws(7, 9), draws(7, 9)
    np.testing.assert_array_equal(states, kept)  # get_states returns copies
    draws.noise.set_states(states)
    for expected in (second, third):
        np.testing.assert_array_equal(draws(7, 9), expected)
    np.testing.assert_array_equal(states, kept)


def test_every_compiled_function_moves_the_streams_on(draws):
    z = draws.noise.draws[0]
    rows, columns = z.owner.inputs[1:]
    other = aesara.function([rows, columns], z, mode=c.mode())
    draws.restart(1)
    expected = [draws(4, 5)[0] for _ in range(3)]
    draws.restart(1)
    for function, numbers in zip((draws, other, draws), expected):
        np.testing.assert_array_equal(np.reshape(function(4, 5), (-1, 4, 5))[0], numbers)


@pytest.mark.parametrize("size", [(ROWS, COLUMNS), (201, 501)], ids=str)
def test_threads_do_not_change_a_bit(draws, size):
    if "-fopenmp" not in MRGNormal().c_compile_args():
        pytest.skip("compiled without OpenMP")
    results = []
    for threads in (1, 2, 3):
        draws.restart(7)
        with threadpool_limits(threads):
            assert threads in [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]
            results.append([*draws(*size), *draws(*size), *draws.noise.get_states()])
    for other in results[1:]:
        for expected, found in zip(results[0], other):
            np.testing.assert_array_equal(found, expected)


def test_no_numbers(draws):
    assert [draw.shape for draw in draws(0, 5)] == [(0, 5)] * 2
    with pytest.raises(ValueError):
        draws(-1, 5)


@pytest.mark.parametrize("kind", SOURCES.values(), ids=SOURCES)
def test_static_shapes(kind):
    noise, n = kind(1), at.lscalar()
    x = at.TensorType("float32", shape=(None, 3, 1))()
    assert noise.normal((4, np.int64(5))).type.shape == (4, 5)
    assert noise.normal((n + 1, 5)).type.shape == (None, 5)
    assert noise.normal((x.shape[0], 3, 1)).type.shape == noise.like(x).type.shape == (None, 3, 1)
    assert noise.normal(()).type.shape == ()
    assert all(draw.dtype == "float32" for draw in noise.draws) and len(noise.draws) == 5


@pytest.mark.parametrize("kind", SOURCES.values(), ids=SOURCES)
def test_shapes_need_no_numbers(kind):
    x = at.fmatrix()
    shape = aesara.function([x], kind(1).like(x).shape, mode=c.mode(), no_default_updates=True)
    assert not any(isinstance(node.op, Normals) for node in shape.maker.fgraph.toposort())
    assert list(shape(np.zeros((3, 4), "float32"))) == [3, 4]


@pytest.mark.parametrize("kind", SOURCES.values(), ids=SOURCES)
def test_gradients_take_noise_for_a_constant(kind):
    """The derivative of sum(x * noise) is the noise, also where sizes are computed from x."""
    source, x = kind(1), at.fmatrix()
    z, other = source.like(x), source.normal((at.cast(x.sum(), "int64"), 2))
    gradient = at.grad((x * z).sum() + other.sum(), x)
    found, noise = aesara.function([x], [gradient, z], mode=c.mode())(np.ones((3, 4), "float32"))
    np.testing.assert_array_equal(found, noise)


def test_source_by_name():
    assert type(noise_source("mrg", 1)) is FastMRGNoise
    assert type(noise_source("mrg", 1, plain=True)) is GaussianNoise
    assert type(noise_source("philox", 1)) is type(noise_source("philox", 1, plain=True)) is PhiloxNoise


def test_philox_numbers_maps_in_the_order_of_memory_of_fused_layers():
    """A draw for maps equals the draw for a matrix of the same pixels, channels last."""
    maps, pixels = (PhiloxNoise(3).normal(shape) for shape in [(2, 3, 4, 5), (2 * 4 * 5, 3)])
    drawn, matrix = aesara.function([], [maps, pixels], mode=c.mode())()
    assert np.array_equal(drawn.transpose(0, 2, 3, 1).reshape(-1, 3), matrix)
