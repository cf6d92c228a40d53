"""Masks, penalties and max-norm against SciPy and plain NumPy."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import PYTHON, value
from scipy import stats

from ladder import bricks
from ladder.bricks.dropout import drop_mask
from ladder.bricks.penalties import l1, l2


@pytest.mark.parametrize("p", [0.001, 0.2, 0.5, 0.9])
def test_a_unit_is_dropped_with_its_probability(p):
    """Exactly where a normal's distribution function is above 1 - p; about so often in two hundred thousand draws."""
    normals = np.random.RandomState(1).randn(200_000).astype("float32")
    x = at.fvector()
    mask = value(drop_mask(x, p), {x: normals})
    assert mask.dtype == "float32" and set(np.unique(mask)) == {np.float32(0), np.float32(1 / (1 - p))}
    np.testing.assert_array_equal(mask == 0, normals > np.float32(stats.norm.isf(p)))
    deviation = np.sqrt(p * (1 - p) / len(normals))
    assert abs((mask == 0).mean() - p) < 4 * deviation
    assert abs(mask.mean() - 1) < 4 * deviation / (1 - p)


def test_penalties_and_their_gradients():
    W, g = np.float32([[1, -2, 0], [0.5, 3, -4]]), np.float32([[0.1] * 3] * 2)
    x, y = at.fmatrix(), at.fmatrix()
    penalised = [bricks.penalised(y, x, *weights) for weights in ((0.5, 0), (0, 0.25), (0.5, 0.25), (0, 0))]
    found = value([l1([x, x], bricks), l2([x, x], bricks), *penalised], {x: W, y: g})
    assert all(array.dtype == "float32" for array in found)
    expected = [21, 30.25, g + 0.5 * np.sign(W), g + 0.25 * W, g + 0.5 * np.sign(W) + 0.25 * W, g]
    for ours, true in zip(found, expected):
        np.testing.assert_allclose(ours, true, rtol=1e-6)


def test_incoming_weights_are_scaled_to_the_norm():
    """A unit's weights are a column of a matrix, a map's are a filter; those within the norm keep their bits."""
    rng = np.random.RandomState(0)
    matrix, filters = rng.randn(6, 5).astype("float32"), rng.randn(4, 3, 2, 2).astype("float32")
    matrix[:, 1:3] *= np.float32(0.1)
    matrix[:, 3] = 0
    filters[2] *= np.float32(0.1)
    x, y = at.fmatrix(), at.ftensor4()
    found = value([bricks.within_norm(x, 1.5), bricks.within_norm(y, 1.5)], {x: matrix, y: filters})
    for W, new in zip((matrix.T, filters), (found[0].T, found[1])):
        for old_unit, unit in zip(W, new):
            norm = np.linalg.norm(old_unit.astype("float64"))
            if norm <= 1.5:
                np.testing.assert_array_equal(unit, old_unit)
            else:
                np.testing.assert_allclose(unit, old_unit * (1.5 / norm), rtol=1e-6)
                np.testing.assert_allclose(np.linalg.norm(unit), 1.5, rtol=1e-6)


def test_l2_with_plain_descent_is_pytorchs_weight_decay():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    first = np.random.RandomState(3).randn(4, 3).astype("float32")
    W = aesara.shared(first)
    cost = at.sin(3 * W).sum()
    (new,) = bricks.optimiser_step(
        bricks.optimiser.sgd, [W], bricks.penalised(at.grad(cost, W), W, 0.0, 0.2), np.float32(0.05)
    )
    step, theirs = aesara.function([], [], updates={W: new}, mode=PYTHON), torch.tensor(first, requires_grad=True)
    of_torch = torch.optim.SGD([theirs], lr=0.05, weight_decay=0.2)
    for _ in range(50):
        step()
        of_torch.zero_grad()
        torch.sin(3 * theirs).sum().backward()
        of_torch.step()
    np.testing.assert_allclose(W.get_value(), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)
