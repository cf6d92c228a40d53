"""Noise in JAX against the C backend's operations, and uniforms against Aesara's."""

from functools import lru_cache

import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

import jax.numpy as jnp
from aesara.sandbox.rng_mrg import MRG_RandomStream

from ladder.backends import c
from ladder.backends import jax as jax_backend
from ladder.fused.noise import FastMRGNoise, PhiloxNoise

jax_backend.configure()

from ladder.backends.jax.normals import box_muller, mrg_uniforms

#: One number, odd, whole rounds of the 15360 substreams and a little more, part of a Philox group of 256, maps.
SHAPES = [(1, 1), (7, 3), (2, 15360), (1, 15361), (1, 255), (3, 1, 5, 7), (20, 3, 16, 17)]
M2 = 2147462579
SOURCES = {
    "mrg": lambda: FastMRGNoise(seed=1),
    "mrg, largest seed": lambda: FastMRGNoise(seed=M2 - 1),
    "philox": lambda: PhiloxNoise(seed=1),
    "philox, seed of 64 bits": lambda: PhiloxNoise(seed=2**62 + 2**33 + 12345),
}


class Draws:
    """Two calls of one function in each backend, from the same states: normals, and next states."""

    def __init__(self, noise):
        outputs = [noise.normal(shape) for shape in SHAPES]
        self.noise, self.functions = noise, {module: module.function([], outputs) for module in (c, jax_backend)}
        self.first = noise.get_states()

    def __call__(self, module):
        self.noise.set_states(self.first)
        normals = [*self.functions[module](), *self.functions[module]()]
        return normals, [np.asarray(state) for state in self.noise.get_states()]


@lru_cache(maxsize=None)
def draws(kind):
    """One function per kind, as states can be put in."""
    return Draws(SOURCES[kind]())


def ulps(x, y):
    """The largest distance of two float32 arrays, in units in the last place."""
    x, y = (bits.astype("int64") for bits in (x.view("int32"), y.view("int32")))
    x, y = (np.where(bits < 0, -(bits & 0x7FFFFFFF), bits) for bits in (x, y))
    return np.abs(x - y).max()


def assert_same(found, expected):
    for drawn, true, shape in zip(found[0], expected[0], 2 * SHAPES, strict=True):
        assert drawn.shape == shape and drawn.dtype == "float32"
        assert ulps(drawn, true) <= 2, shape
    for state, true in zip(found[1], expected[1], strict=True):
        assert state.dtype == true.dtype
        np.testing.assert_array_equal(state, true)


def with_states_of(kind):
    """The function of the kind's generator, with the first states of this very kind."""
    draw, other = draws(kind.split(",")[0]), SOURCES[kind]()
    for shape in SHAPES:
        other.normal(shape)
    draw.first = other.get_states()
    return draw


@pytest.mark.parametrize("kind", SOURCES)
def test_normals_and_next_states(kind):
    draw = with_states_of(kind)
    assert_same(draw(jax_backend), draw(c))


def test_mrg_from_any_state():
    """With the smallest and largest numbers that a state can have."""
    draw, rng = draws("mrg"), np.random.RandomState(0)
    draw.first = [
        rng.choice([0, 1, 2, 511, 512, M2 - 2, M2 - 1, *rng.randint(0, M2, 9)], s.shape).astype("int32")
        for s in draw.first
    ]
    assert_same(draw(jax_backend), draw(c))


def test_philox_after_many_updates():
    """The update's number has 64 bits, too, and each draw has its own stream."""
    draw = draws("philox")
    draw.first = [np.array([3, k, 2**32 - 1 + k * 2**33], "int64") for k in range(len(SHAPES))]
    found = draw(jax_backend)
    assert_same(found, draw(c))
    assert [state[2] for state in found[1]] == [2**32 + 1 + k * 2**33 for k in range(len(SHAPES))]
    assert not any(np.array_equal(first, second) for first, second in zip(found[0], found[0][len(SHAPES) :]))


@pytest.mark.parametrize("seed", [1, M2 - 1])
def test_uniforms_are_aesaras(seed):
    """To the bit, with Aesara's own number of substreams for each size, in two calls."""
    streams = MRG_RandomStream(seed)
    uniforms = [streams.uniform(shape) for shape in [(1,), (5, 3), (2, 3, 4, 5), (9, 101)]]
    states = [state for state, *_ in streams.state_updates]
    first, results = [state.get_value() for state in states], []
    for module in (jax_backend, c):
        function = module.function([], uniforms)
        for state, value in zip(states, first):
            state.set_value(value)
        results.append([*function(), *function(), *(np.asarray(state.get_value()) for state in states)])
    for found, expected in zip(*results, strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_uniforms_of_few_substreams():
    """Number i comes from substream i modulo their number; those beyond the last number do not advance."""
    state = np.random.RandomState(1).randint(1, M2, (5, 6)).astype("int32")
    after, uniforms = map(np.asarray, mrg_uniforms(jnp.asarray(state), 13))
    for k, size in enumerate([3, 3, 3, 2, 2]):
        alone, numbers = mrg_uniforms(jnp.asarray(state[k : k + 1]), size)
        np.testing.assert_array_equal(uniforms[k::5], numbers)
        np.testing.assert_array_equal(after[k : k + 1], alone)


def test_normals_of_extreme_uniforms():
    """Finite, and as in float64, from the smallest uniform of either generator to 1."""
    u = np.float32([2.0**-32, 4.6566126e-10, 1e-3, 0.5, 0.70710677, 0.70710681, 1 - 2.0**-24, 1])
    v = np.float32([2.0**-32, 4.6566126e-10, 0.125, 0.25, 0.5, 0.75, 1 - 2.0**-24, 1])
    u, v = (x.ravel() for x in np.meshgrid(u, v))
    found = box_muller(jnp.asarray(u), jnp.asarray(v))
    radius = np.sqrt(-2 * np.log(u.astype("float64")))
    theta = (np.float32(2 * np.pi) * v).astype("float64")
    for normals, expected in zip(found, (radius * np.cos(theta), radius * np.sin(theta))):
        assert np.isfinite(normals).all()
        np.testing.assert_allclose(normals, expected, rtol=3e-7, atol=1e-7 * radius.max())
