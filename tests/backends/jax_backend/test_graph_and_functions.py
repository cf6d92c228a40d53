"""Graphs as pure functions; compiled functions with shared variables against the C backend's."""

from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

import jax.numpy as jnp
from golden.evaluate import PYTHON

from ladder.backends import c
from ladder.backends import jax as jax_backend
from ladder.bricks.activations import softmax
from ladder.bricks.noise import GaussianNoise
from ladder.fused.noise import PhiloxNoise

jax_backend.configure()

from ladder.backends.jax.graph import pure_function


@pytest.fixture(autouse=True, scope="module")
def without_compiler():
    """As with the JAX backend: Aesara folds constants in Python."""
    with aesara.config.change_flags(cxx=""):
        yield


def shared(value, name):
    return aesara.shared(np.asarray(value, "float32"), name=name)


def value_of(variable):
    return np.asarray(variable.get_value())


# --- Pure functions


def test_which_shared_variables_change_and_which_are_constant():
    w, rate, mean, unused = (shared(k, name) for k, name in enumerate(("w", "rate", "mean", "unused")))
    x, noise = at.fvector(), PhiloxNoise(1)
    draw = noise.normal((3,))
    (state,) = noise.states()
    pure = pure_function([x], [(w * x + draw).sum()], {w: w - rate, mean: x.mean()})
    assert pure.changing == [w, mean, state] and pure.constant == [rate]
    assert not pure.convolves
    changing = [np.float32(5), np.float32(0), jnp.asarray(noise.get_states()[0])]
    outputs, changed = pure.call(changing, [np.float32(2)], [np.ones(3, "float32")])
    assert len(outputs) == 1 and len(changed) == 3
    assert changed[0] == 3 and changed[1] == 1
    np.testing.assert_array_equal(changed[2], [1, 0, 1])
    # No shared variable was changed.
    assert [value_of(v) for v in (w, rate, mean, unused)] == [0, 1, 2, 3] and (noise.get_states()[0] == [1, 0, 0]).all()


def test_an_update_of_ones_own_goes_before_that_of_a_stream():
    noise = PhiloxNoise(1)
    draw = noise.normal((2,))
    (state,) = noise.states()
    pure = pure_function([], [draw], {state: state + 5})
    assert pure.changing == [state] and pure.constant == []
    _, changed = pure.call([jnp.asarray(noise.get_states()[0])], [], [])
    np.testing.assert_array_equal(changed[0], [6, 5, 5])


def test_a_stream_that_only_an_update_needs_moves_on():
    noise, w = PhiloxNoise(1), shared([0, 0], "w")
    pure = pure_function([], [], {w: w + noise.normal((2,))})
    assert pure.changing == [w, *noise.states()]


def test_givens():
    """In outputs and updates, also with a shared variable that appears in neither."""
    x, y, w, other = at.fscalar(), at.fscalar(), shared(2, "w"), shared(3, "other")
    pure = pure_function([x], [w * y], {w: w + y}, {y: x * other})
    assert pure.changing == [w] and pure.constant == [other]
    outputs, changed = pure.call([2.0], [3.0], [5.0])
    assert outputs == [30] and changed == [17]


def test_the_graph_is_left_as_it_was():
    x, w = at.fvector(), shared(2, "w")
    y = (w * x).sum() + at.maximum(x, 0).sum()
    before = aesara.pprint(y)
    pure_function([x], [y], {w: w + y}, {x: 2 * x})
    assert aesara.pprint(y) == before


def test_whether_it_convolves():
    x, W = at.ftensor4(), at.ftensor4()
    y = at.nnet.conv2d(x, W)
    for outputs in ([y], at.grad(y.sum(), [x]), at.grad(y.sum(), [W])):
        assert pure_function([x, W], outputs).convolves


# --- Compiled functions


class Learner:
    """A layer with noise and an update, in a backend; C's runs in Python here, which takes no time to compile."""

    def __init__(self, module):
        rng = np.random.RandomState(0)
        self.w, self.count = shared(rng.randn(4, 3), "w"), aesara.shared(np.int64(0), name="count")
        self.rate, self.noise = shared(0.1, "rate"), GaussianNoise(7)
        x, t = at.fmatrix("x"), at.lvector("t")
        h = softmax(x @ self.w + 0.01 * self.noise.normal((3,)))
        cost = -at.log(h[at.arange(t.shape[0]), t]).mean()
        updates = {self.w: self.w - self.rate * at.grad(cost, self.w), self.count: self.count + x.shape[0]}
        found = at.argmax(h, axis=1)
        outputs = [cost, h, found, at.neq(found, t), x.shape[0], at.cast(cost, "float64"), x]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(c, "mode", lambda **options: PYTHON)
            self.function = module.function([x, t, at.fscalar("unused")], outputs, updates)

    def __call__(self, n, function=None):
        rng = np.random.RandomState(n)
        return (function or self.function)(rng.randn(n, 4).astype("float32"), rng.randint(0, 3, n), 0)

    def state(self):
        return [value_of(self.w), value_of(self.count), *map(np.asarray, self.noise.get_states())]


@lru_cache(maxsize=None)
def learners():
    """Compiled once; a test begins with :func:`restarted`."""
    both = Learner(jax_backend), Learner(c)
    return both, [[v.get_value() for v in (x.w, x.count, x.rate, *x.noise.states())] for x in both]


def restarted():
    both, first = learners()
    for learner, values in zip(both, first):
        for variable, value in zip((learner.w, learner.count, learner.rate, *learner.noise.states()), values):
            variable.set_value(value)
    return both


def assert_close(found, expected):
    for one, true in zip(found, expected, strict=True):
        assert one.dtype == true.dtype
        np.testing.assert_allclose(one, true, rtol=1e-5, atol=1e-6)


def test_as_in_the_c_backend():
    """Outputs with their types, and shared variables, with batches of several sizes."""
    ours, theirs = restarted()
    for n in (5, 2, 7, 5):
        found, expected = ours(n), theirs(n)
        assert all(isinstance(x, np.ndarray) for x in found)
        assert_close(found, expected)
        assert_close(ours.state(), theirs.state())
    assert value_of(ours.count) == 19


def test_shared_variables_can_be_set_before_between_and_after():
    ours, theirs = restarted()
    for k, n in enumerate((2, 2)):
        for learner in (ours, theirs):
            learner.w.set_value(learner.w.get_value() * np.float32(k + 2))
            learner.rate.set_value(np.float32(k))
        assert_close(ours(n), theirs(n))
        assert_close(ours.state(), theirs.state())
    kept, old = ours.w.get_value(), value_of(ours.w).copy()
    ours(2)
    np.testing.assert_array_equal(kept, old)
    assert not np.array_equal(value_of(ours.w), old)
    assert ours.w.get_value().dtype == "float32" and value_of(ours.count).dtype == "int64"


def test_aesara_can_go_on_with_what_jax_has_changed():
    ours, _ = restarted()
    ours(2)
    assert aesara.function([], 2 * ours.w, mode=PYTHON)().tolist() == (2 * value_of(ours.w)).tolist()


def test_other_shared_variables():
    """The same program with another run's variables: neither run changes the other's."""
    ours, _ = restarted()
    one, other = ours, Learner.__new__(Learner)
    other.w, other.rate = shared(value_of(one.w) + 1, "w"), shared(0.2, "rate")
    other.count = aesara.shared(np.int64(100))
    other.noise = GaussianNoise(8)
    other.noise.normal((3,))
    pairs = dict(zip(*((run.w, run.count, run.rate, *run.noise.states()) for run in (one, other))))
    function = one.function.on(pairs.get)
    before, (seed,) = one.state(), other.noise.get_states()
    found = other(5, function)
    assert all(np.array_equal(x, y) for x, y in zip(one.state(), before))
    assert value_of(other.count) == 105 and not np.array_equal(other.noise.get_states()[0], seed)
    after = other.state()
    one(5)
    assert all(np.array_equal(x, y) for x, y in zip(other.state(), after))
    # As if the values had been put into the first run's variables.
    one.w.set_value(before[0] + 1), one.rate.set_value(np.float32(0.2))
    one.noise.set_states([seed])
    assert_close(one(5), found)
    assert_close([value_of(one.w)], after[:1])


@pytest.mark.parametrize("offset", [0, 1, 16])
def test_arrays_that_were_handed_in_are_left_alone(offset):
    """Memory is donated to results, but never NumPy's, wherever it begins."""
    memory = np.zeros(5000, "float32")
    array = memory[(-memory.ctypes.data // 4) % 16 + offset :][:4096]
    w, x = aesara.shared(array, borrow=True), at.fvector()
    function = jax_backend.function([x], [w.sum(), x.sum()], {w: w + x})
    for k in range(3):
        handed = memory[(-memory.ctypes.data // 4) % 16 + offset :][:4096] + 1
        assert function(handed) == [4096 * k, 4096]
        assert (handed == 1).all() and (array == 0).all()
    assert (value_of(w) == 3).all()


def test_a_single_output_is_no_list():
    x = at.fvector()
    assert jax_backend.function([x], x.sum())(np.ones(3)).shape == ()
    assert [y.shape for y in jax_backend.function([x], [x.sum()])(np.ones(3))] == [()]


def test_types_of_inputs_and_outputs():
    """Inputs are converted to the graph's types, and outputs have them."""
    x, k = at.fvector(), at.lvector()
    outputs = [x, k, x + k, at.cast(k, "int8"), x > 1, k.sum(), at.cast(x, "float64") / 3]
    outputs += [at.argmax(x), at.constant(3), x.shape]
    found = jax_backend.function([x, k], outputs)([0.5, 2], [1, 2**40])
    assert [y.dtype for y in found] == [y.dtype for y in outputs]
    assert found[1].tolist() == [1, 2**40] and found[5] == 2**40 + 1
    assert found[6].tolist() == [0.5 / 3, 2 / 3]


def test_givens_of_a_function():
    x, y = at.fvector(), at.fvector()
    assert jax_backend.function([x], y.sum(), givens={y: 2 * x})([1, 2]) == 6


def test_a_wrong_number_of_inputs():
    function = jax_backend.function([at.fscalar()], at.constant(1))
    with pytest.raises(ValueError):
        function(1, 2)
    with pytest.raises(ValueError):
        function()
