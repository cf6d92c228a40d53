"""Aesara's MRG31k3p as one operation, against Aesara's own graph."""

import platform

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.load import load

from ladder.backends import c
from ladder.bricks.noise import GaussianNoise
from ladder.fused.mrg import MRGNormal
from ladder.fused.noise import FastMRGNoise

SHAPES = [(20, 1, 5, 6), (20, 20), (20, 15), (20, 10), (20, 10)]
# One number, odd and even, fewer than the 15360 substreams, as many, more, part of a block of 64.
SIZES = [(1, 1), (1, 2), (3, 21), (200, 10), (7, 2194), (1, 15359), (15360, 1), (15360, 2), (7, 8779), (200, 250)]


class Source:
    """A noise source's draws for two layers, compiled for any two sizes."""

    def __init__(self, noise):
        self.noise = noise
        rows, columns = at.lscalars(2)
        outputs = [noise.normal((rows, columns)), noise.normal((columns, rows))]
        self.draw = aesara.function([rows, columns], outputs, mode=c.mode())
        self.first = noise.get_states()


@pytest.fixture(scope="module")
def plain():
    return Source(GaussianNoise(seed=1))


@pytest.fixture(scope="module")
def fast():
    return Source(FastMRGNoise(seed=1))


@pytest.fixture(scope="module")
def operation():
    """The operation itself: (state, rows, columns) -> next state, normals; any number of substreams."""
    inputs = [at.imatrix(), *at.lscalars(2)]
    return aesara.function(inputs, MRGNormal()(*inputs), mode=c.mode())


def ulps(x, y):
    """The largest distance of two float32 arrays, in units in the last place."""
    x, y = (bits.astype("int64") for bits in (x.view("int32"), y.view("int32")))
    x, y = (np.where(bits < 0, -(bits & 0x7FFFFFFF), bits) for bits in (x, y))
    return np.abs(x - y).max()


def assert_same(drawn, expected):
    """Two units in the last place at most, and none with the library whose functions were copied."""
    assert drawn.shape == expected.shape and drawn.dtype == expected.dtype == np.float32
    assert ulps(drawn, expected) <= (0 if platform.libc_ver()[0] == "glibc" else 2)


def random_states(n, seed=0):
    return np.random.RandomState(seed).randint(1, 2147462579, (n, 6)).astype("int32")


def test_ulps():
    one = np.ones(1, "float32")
    assert ulps(one, np.nextafter(one, 2 * one)) == 1
    assert ulps(np.float32([1e-45]), np.float32([-1e-45])) == 2


@pytest.mark.parametrize("seed", [1, 2147462578])
def test_first_states(seed):
    sources = [GaussianNoise(seed), FastMRGNoise(seed)]
    for source in sources:
        for _ in range(2):
            source.normal((2, 3))
    for expected, state in zip(*(source.get_states() for source in sources)):
        assert state.dtype == expected.dtype
        np.testing.assert_array_equal(state, expected)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_numbers_and_states(plain, fast, size):
    """Three successive calls, each drawing from two streams."""
    states = [random_states(15360, seed) for seed in range(2)]
    for source in (plain, fast):
        source.noise.set_states(states)
    for _ in range(3):
        for expected, drawn in zip(plain.draw(*size), fast.draw(*size)):
            assert_same(drawn, expected)
        for expected, state in zip(plain.noise.get_states(), fast.noise.get_states()):
            np.testing.assert_array_equal(state, expected)


def test_four_million_numbers(plain, fast):
    for source in (plain, fast):
        source.noise.set_states(source.first)
    for expected, drawn in zip(plain.draw(2000, 1001), fast.draw(2000, 1001)):
        assert_same(drawn, expected)
        assert np.isfinite(drawn).all()


@pytest.mark.parametrize("substreams", [1, 7, 64, 100, 300])
def test_other_numbers_of_substreams(plain, operation, substreams):
    states = random_states(substreams)
    before = states.copy()
    for size in ((3, 5), (13, 77)):
        plain.noise.set_states([states, states])
        next_states, normals = operation(states, *size)
        assert_same(normals, plain.draw(*size)[0])
        np.testing.assert_array_equal(next_states, plain.noise.get_states()[0])
    np.testing.assert_array_equal(states, before)


def test_the_smallest_and_the_largest_uniforms(plain, operation):
    """In all four combinations: 2^-31 and the last float before 1."""
    states = np.zeros((8, 6), "int32")
    states[[0, 1, 4, 6], 1] = 512
    plain.noise.set_states([states, states])
    _, normals = operation(states, 2, 4)
    assert_same(normals, plain.draw(2, 4)[0])
    radii = np.hypot(*normals.astype("float64"))
    np.testing.assert_allclose(radii, np.sqrt(-2 * np.log([2.0**-31] * 2 + [1 - 2.0**-24] * 2)), rtol=1e-6)


def test_numbers_of_the_original():
    """Calls 1, 2 and 6 of five streams, one of which draws 4-D noise."""
    golden, noise = load("fc_small_gauss")[0], FastMRGNoise(seed=1)
    inputs = [at.TensorType("float32", shape=(None,) * len(shape))() for shape in SHAPES]
    draw = aesara.function(inputs, [noise.like(x) for x in inputs], mode=c.mode())
    calls = [draw(*(np.zeros(shape, "float32") for shape in SHAPES)) for _ in range(6)]
    for i in range(5):
        first, second, sixth = (calls[k][i] for k in (0, 1, 5))
        assert ulps(first, golden[f"noisy__noise__{i}"]) <= 2
        assert ulps(second.ravel()[:64], golden[f"calls__noise_call2__{i}"]) <= 2
        assert ulps(sixth, golden[f"pertn__noise__{i}"]) <= 2


def test_each_goes_on_where_the_other_stopped(plain, fast):
    plain.noise.set_states(plain.first)
    plain.draw(30, 50)
    fast.noise.set_states(plain.noise.get_states())
    for expected, drawn in zip(plain.draw(30, 50), fast.draw(30, 50)):
        assert_same(drawn, expected)


def test_the_state_is_overwritten(fast, operation):
    """It is not copied at each call, unless something else needs it."""
    memory = [state.get_value(borrow=True).ctypes.data for state in fast.noise.states()]
    fast.draw(3, 4)
    assert [state.get_value(borrow=True).ctypes.data for state in fast.noise.states()] == memory
    nodes = fast.draw.maker.fgraph.toposort()
    assert [node.op.inplace for node in nodes if isinstance(node.op, MRGNormal)] == [True, True]
    nodes = operation.maker.fgraph.toposort()
    assert [node.op.inplace for node in nodes if isinstance(node.op, MRGNormal)] == [False]


def test_states_of_the_wrong_kind(operation):
    with pytest.raises(TypeError, match="int32"):
        MRGNormal()(at.fmatrix(), 3)
    for state in np.zeros((0, 6), "int32"), np.zeros((6, 5), "int32"):
        with pytest.raises(ValueError, match="6 columns"):
            operation(state, 3, 4)
