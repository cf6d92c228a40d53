"""Penalties in an optimiser's pass, and the largest norm, as operations in C, against NumPy."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from compare import assert_nothing_leaks, assert_refused, assert_same_bits, normals, strided
from golden.evaluate import PYTHON

from ladder import bricks, fused
from ladder.backends import c
from ladder.fused.max_norm import WithinNorm
from ladder.fused.optimiser import OptimiserStep, SumOfSquares
from ladder.fused.penalties import Penalised
from ladder.training.optimisers import OPTIMISERS, gradient_norm

L1, L2, MOST, RATE = 0.3, 0.2, 2.0, np.float32(0.1)
#: Columns of several blocks and panels; filters.
SHAPES = [(300, 70), (5, 3, 3, 3)]


class Penalties:
    """Adam on weights whose gradients are passed in, with penalties and a maximum norm."""

    def __init__(self, package, mode):
        self.parameters = [aesara.shared(x, shape=x.shape, name=f"x{i}") for i, x in enumerate(some(99))]
        gradients = [parameter.type() for parameter in self.parameters]
        whole = [package.penalised(g, W, L1, L2) for g, W in zip(gradients, self.parameters)]
        norm = gradient_norm(whole, package.sum_of_squares)
        updates = OPTIMISERS["adam"](whole, self.parameters, RATE, step=package.optimiser_step)
        updates.update({W: package.within_norm(updates[W], MOST) for W in self.parameters})
        sums = [package.sum_of_absolutes(W) for W in self.parameters]
        self.step = aesara.function(gradients, [norm, *sums], updates=updates, mode=mode)

    def values(self):
        return [parameter.get_value() for parameter in self.parameters]


def some(seed):
    return list(normals(dict(enumerate(SHAPES)), seed).values())


def within(W):
    """The max-norm constraint in NumPy, in float64."""
    axes = 0 if W.ndim == 2 else (1, 2, 3)
    return W * np.minimum(1, MOST / np.sqrt((W**2).sum(axis=axes, keepdims=True)))


@pytest.fixture(scope="module")
def learner():
    return Penalties(fused, c.mode())


def test_three_updates_are_those_of_the_bricks_and_of_numpy(learner):
    plain, values = Penalties(bricks, PYTHON), [x.astype("float64") for x in some(99)]
    means, variances = ([0 * x for x in values] for _ in range(2))
    for t in range(1, 4):
        gradients = some(t)
        found = learner.step(*gradients), plain.step(*gradients)
        whole = [g + L2 * W + L1 * np.sign(W) for g, W in zip(gradients, values)]
        expected = [np.sqrt(sum((g**2).sum() for g in whole)), *(np.abs(W).sum() for W in values)]
        for ours in found:
            np.testing.assert_allclose(ours, expected, rtol=1e-5)
        rate = 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for k, g in enumerate(whole):
            means[k], variances[k] = 0.9 * means[k] + 0.1 * g, 0.999 * variances[k] + 0.001 * g**2
            values[k] = within(values[k] - rate * means[k] / (np.sqrt(variances[k]) + 1e-8))
        for ours, same, true in zip(learner.values(), plain.values(), values):
            # A sign may differ where rounding decides it, once the weights of a column are scaled.
            np.testing.assert_allclose(ours, true, rtol=1e-4, atol=2e-4)
            np.testing.assert_allclose(same, true, rtol=1e-4, atol=2e-4)


def test_one_pass_in_place(learner):
    """The optimiser's pass adds the penalties and includes them in the norm, and nothing is copied."""
    nodes = learner.step.maker.fgraph.toposort()
    steps = [node.op for node in nodes if isinstance(node.op, OptimiserStep)]
    assert [(step.inplace, step.penalties) for step in steps] == [(True, (L1, L2))] * len(SHAPES)
    assert not any(isinstance(node.op, (Penalised, SumOfSquares)) for node in nodes)
    assert [node.op.inplace for node in nodes if isinstance(node.op, WithinNorm)] == [True] * len(SHAPES)
    places = [W.get_value(borrow=True).ctypes.data for W in learner.parameters]
    learner.step(*some(5))
    assert [W.get_value(borrow=True).ctypes.data for W in learner.parameters] == places


def test_the_largest_norm_wherever_the_weights_lie():
    """Weights within the norm do not change, the input is not overwritten, and a NaN stays in its column."""
    x = at.fmatrix()
    function = aesara.function([x], fused.within_norm(x, MOST), mode=c.mode())
    (W,) = normals(dict(W=(40, 37))).values()
    W[:, ::2] *= np.float32(0.05)
    before = W.copy()
    found = function(W)
    np.testing.assert_array_equal(W, before)
    np.testing.assert_array_equal(found[:, ::2], W[:, ::2])
    np.testing.assert_allclose(found, within(W.astype("float64")), rtol=1e-6, atol=1e-7)
    for array in strided(W):
        np.testing.assert_array_equal(function(array), found)
    W[3, 5] = np.nan
    others = np.arange(37) != 5
    np.testing.assert_array_equal(function(W)[:, others], found[:, others])
    assert np.isnan(function(W)[:, 5]).all()
    assert function(np.zeros((0, 4), "float32")).shape == (0, 4)
    (large,) = normals(dict(W=(900, 45))).values()
    assert_same_bits(lambda: [function(large)])
    assert_nothing_leaks(lambda n: function(large[: 30 * n]))


def test_penalties_by_themselves():
    """The separate operation, as used where gradients are clipped; shapes that differ are refused."""
    g, W = at.fmatrix(), at.fmatrix()
    function = aesara.function([g, W], fused.penalised(g, W, L1, L2), mode=c.mode())
    a, b = normals(dict(a=(7, 9), b=(7, 9))).values()
    b[2, 3] = 0
    np.testing.assert_allclose(function(a, b), a + L2 * b + L1 * np.sign(b), rtol=1e-6, atol=1e-6)
    assert function(a, b)[2, 3] == a[2, 3]
    for wrong in ((3, 4), (4, 3)):
        assert_refused(function, [np.zeros(wrong, "float32"), np.zeros((3, 3), "float32")])
    with pytest.raises(TypeError):
        fused.penalised(at.fvector(), W, L1, L2)
