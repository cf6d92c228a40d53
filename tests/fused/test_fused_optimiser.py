"""The fused optimiser step against the plain formulas and, for Adam, Blocks' in float64."""

import sys
from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from compare import (
    Graph,
    assert_nothing_leaks,
    assert_refused,
    assert_same_bits,
    bits,
    normals,
    shortened,
    spoilt,
    strided,
)
from golden.evaluate import PYTHON

from ladder import bricks, fused
from ladder.backends import c
from ladder.bricks import optimiser as formulas
from ladder.fused.optimiser import OptimiserStep, SumOfSquares, optimiser_step
from ladder.optimisation import OPTIMISERS
from ladder.training import optimisers
from ladder.training.optimisers import gradient_norm

#: No element, one and many: sums have 16 lanes, a thread takes 4096 elements at a time, and from 40961 on several work.
SHAPES = [(), (0,), (1,), (15,), (7, 5), (16, 256), (2, 3, 683), (45001,)]
DEFAULTS, OTHERS = dict(beta1=0.9, beta2=0.999, epsilon=1e-8), dict(beta1=0.7, beta2=0.95, epsilon=0.1)
RATE = np.array(0.01, dtype="float32")
#: Adam's constants as its formula takes them.
CONSTANTS = dict(beta1=0.3, beta2=0.05, epsilon=0.1)
STATE = ("x", "m", "v")


def shapes(*shape):
    return dict(x=shape, m=shape, v=shape, g=shape, rate=())


def values_of(*shape):
    values = normals(shapes(*shape))
    return {**values, "v": values["v"] ** 2, "rate": RATE}


def copied(values):
    """Copies, for operations that overwrite their inputs."""
    return {name: array.copy() for name, array in values.items()}


def assert_near(found, expected):
    for array, true in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, true, rtol=1e-6, atol=1e-7)


def some(seed):
    """An array of each shape."""
    return list(normals(dict(enumerate(SHAPES)), seed).values())


class Learner:
    """Parameters of all shapes, whose gradients are passed in."""

    def __init__(self, package, mode, options, name="adam"):
        parameters = [aesara.shared(x, shape=x.shape, name=f"x{i}") for i, x in enumerate(some(99))]
        gradients = [parameter.type() for parameter in parameters]
        self.updates = optimisers.OPTIMISERS[name](gradients, parameters, RATE, step=package.optimiser_step, **options)
        norm = gradient_norm(gradients, package.sum_of_squares)
        self.step = aesara.function(gradients, norm, updates=self.updates, mode=mode)
        self.state = self.values()

    def restart(self):
        for shared, first in zip(self.updates, self.state):
            shared.set_value(first)

    def values(self):
        """Time; mean, variance and value of each parameter."""
        return [shared.get_value() for shared in self.updates]


@pytest.fixture(scope="module", params=[DEFAULTS, OTHERS], ids=["defaults", "others"])
def options(request):
    return request.param


@pytest.fixture(scope="module")
def learner(options):
    return Learner(fused, c.mode(), options)


def blocks(values, gradients, t, beta1, beta2, epsilon):
    """Adam's update as in Blocks 0.2, in float64, but with the betas of Kingma and Ba."""
    beta1, beta2 = 1 - beta1, 1 - beta2
    rate = RATE * np.sqrt(1 - (1 - beta2) ** t) / (1 - (1 - beta1) ** t)
    for (m, v, x), g in zip(values, gradients):
        m = beta1 * g + (1 - beta1) * m
        v = beta2 * g**2 + (1 - beta2) * v
        yield m, v, x - rate * m / (np.sqrt(v) + epsilon)


def test_five_updates(learner, options):
    """The parameters and moments, and the norm of all gradients together."""
    plain = Learner(bricks, PYTHON, options)
    learner.restart()
    truth = [(0 * x, 0 * x, x.astype("float64")) for x in some(99)]
    for t in range(1, 6):
        gradients = some(t)
        norms = learner.step(*gradients), plain.step(*gradients)
        truth = list(blocks(truth, [g.astype("float64") for g in gradients], t, **options))
        expected = np.linalg.norm(np.concatenate([g.ravel() for g in gradients]).astype("float64"))
        for norm in norms:
            assert norm.dtype == "float32"
            np.testing.assert_allclose(norm, expected, rtol=1e-6)
        true_values = [t, *(x for values in truth for x in values)]
        for found, same, true in zip(learner.values(), plain.values(), true_values):
            assert found.dtype == "float32" and found.shape == np.shape(true)
            assert_near([found], [same])
            # 1 - 0.001 and its powers lose digits in float32, so the first rates are not exact.
            np.testing.assert_allclose(found, true, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("name", [name for name in OPTIMISERS if name != "adam"])
def test_five_updates_of_the_others(name):
    """The results are those of the plain formulas."""
    gradients, found = [some(t) for t in range(5)], []
    for package, mode in ((fused, c.mode()), (bricks, PYTHON)):
        learner = Learner(package, mode, OPTIMISERS[name], name)
        found.append([[learner.step(*g), *learner.values()] for g in gradients][-1])
    assert len(found[0]) > len(SHAPES)
    assert_near(*found)


def test_in_place(learner):
    """Parameters and moments are not copied, and no references are kept."""
    nodes = learner.step.maker.fgraph.toposort()
    assert [node.op.inplace for node in nodes if isinstance(node.op, OptimiserStep)] == [True] * len(SHAPES)
    assert not any(isinstance(node.op, SumOfSquares) for node in nodes)  # Adam adds them up
    gradients, memory, references = some(7), [], []
    for _ in range(4):
        learner.step(*gradients)
        arrays = [shared.get_value(borrow=True) for shared in learner.updates][1:]
        memory.append([array.ctypes.data for array in arrays])
        references.append([sys.getrefcount(array) for array in (*arrays, *gradients)])
    assert memory[1:] == memory[:1] * 3 and references[1:] == references[:1] * 3


@pytest.mark.parametrize("updated", [False, True], ids=["without_updates", "with_updates"])
def test_old_values_that_are_still_needed(updated):
    """Two steps start from the same values, which neither may overwrite unless one step's results replace them."""
    first, g = values_of(40), at.fvector()
    state = [aesara.shared(first[name], shape=(40,)) for name in STATE]

    def new_values(step):
        return [
            new
            for beta1 in np.float32([0.3, 0.8])
            for new in step(formulas.adam, state, g, RATE, beta1=beta1, beta2=np.float32(0.5), epsilon=np.float32(0.1))
        ]

    expected = aesara.function([g], new_values(bricks.optimiser_step), mode=PYTHON)(first["g"])
    new = new_values(optimiser_step)
    updates = list(zip(state, new)) if updated else []
    function = aesara.function([g], [*new, 2 * state[0]], updates=updates, mode=c.mode())
    steps = [node.op for node in function.maker.fgraph.toposort() if isinstance(node.op, OptimiserStep)]
    assert len(steps) == 2 and sum(step.inplace for step in steps) <= updated
    *found, twice = function(first["g"])
    assert_near(found, expected)
    np.testing.assert_array_equal(twice, 2 * first["x"])
    assert_near([shared.get_value() for shared in state], expected[:3] if updated else [first[name] for name in STATE])


@lru_cache(maxsize=None)
def step(ndim, inplace=False):
    """The operation without rewrites, for a given number of dimensions."""
    graph = Graph(shapes(*[None] * ndim), plain=False)
    new = OptimiserStep(formulas.adam, tuple(CONSTANTS.items()), 3, inplace)(*graph.variables.values())
    graph.made = {"new": dict(zip((*STATE, "squares"), new)), "squares": {"squares": new[3]}}
    return graph.compiled(accept_inplace=inplace)


both = pytest.mark.parametrize("inplace", [False, True], ids=["copying", "in_place"])


@both
def test_elements_may_lie_anywhere_in_memory(inplace):
    values = values_of(9, 37)
    expected = bits(step(2, inplace)(**copied(values))["new"].values())
    for name in (*STATE, "g"):
        for i in range(3):
            found = step(2, inplace)(**{**copied(values), name: strided(values[name])[i]})["new"]
            assert bits(found.values()) == expected


@both
@pytest.mark.parametrize("name", (*STATE, "g"))
def test_wrong_sizes(name, inplace):
    values = values_of(6, 8)
    for wrong in (*shortened(values[name]), values[name].T):
        assert_refused(step(2, inplace).function, {**values, name: wrong}.values())


@both
@pytest.mark.parametrize("name", (*STATE, "g"))
def test_nan_shows_where_it_is(name, inplace):
    values = values_of(50)
    good = step(1, inplace)(**copied(values))["new"]
    found = step(1, inplace)(**spoilt(copied(values), name, np.nan, 35))["new"]
    for output in STATE:
        others = np.arange(50) != 35
        np.testing.assert_array_equal(found[output][others], good[output][others])
    assert np.isnan(found["x"][35])
    assert np.isnan(found["squares"]) == (name == "g")


def test_copies_that_are_kept_are_given_back():
    """New values that are not outputs stay allocated until the next call."""
    squares = step(1).compile(["squares"])
    assert_nothing_leaks(lambda n: squares(*values_of(1003 * n).values()))


@both
def test_the_same_bits_from_call_to_call_and_with_any_number_of_threads(inplace):
    values = values_of(50001)
    assert_same_bits(lambda: step(1, inplace).function(*copied(values).values()))


def test_wrong_types():
    x, rate = at.fvector(), at.fscalar()
    for wrong in (at.dvector(), at.fmatrix()):
        for i in range(1, 4):
            inputs = [x, x, x, x]
            inputs[i] = wrong
            with pytest.raises(TypeError, match="float32"):
                optimiser_step(formulas.adam, inputs[:3], inputs[3], rate, **CONSTANTS)
    for wrong in (at.dscalar(), x):
        with pytest.raises(TypeError, match="float32"):
            optimiser_step(formulas.adam, [x] * 3, x, wrong, **CONSTANTS)


def test_shapes_need_no_numbers():
    assert step(2).shapes(["new"], **values_of(3, 4)) == [(3, 4)] * 3 + [()]


@pytest.mark.parametrize("shape", SHAPES)
def test_sum_of_squares_without_adam(shape):
    """The sum is the one that Adam's step computes, and NumPy's."""
    (x,) = normals(dict(x=shape)).values()
    variable = at.as_tensor_variable(x).type()
    function = aesara.function([variable], fused.sum_of_squares(variable), mode=c.mode())
    found = function(x)
    assert found.dtype == "float64" and found.shape == ()
    np.testing.assert_allclose(found, np.square(x).astype("float64").sum(), rtol=1e-12)
    graph = step(len(shape))
    values = {**values_of(*shape), "g": x}
    assert bits([found]) == bits([graph(**copied(values))["squares"]["squares"]])
    assert_same_bits(lambda: [function(x)])
