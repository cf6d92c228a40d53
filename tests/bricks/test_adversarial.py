"""Directions of adversarial noise: closed forms, zeros, and the thesis's linear models."""

import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value

from ladder.bricks.adversarial import direction, unit_norm, virtual_label

U = np.random.RandomState(0).randn(3, 2, 4).astype("float32")
NORMS = np.sqrt((U.astype("float64") ** 2).sum((1, 2)))[:, None, None]
CLOSED = {"sgn": np.sign(U), "udg": U, "1N": U / NORMS, "kN": np.sqrt(8) * U / NORMS, "vat": U / NORMS}


def of(kind, gradient):
    x = at.TensorType("float32", shape=(None,) * gradient.ndim)()
    return value(direction(kind, x), {x: gradient})


@pytest.mark.parametrize("kind", CLOSED)
def test_closed_forms(kind):
    u = of(kind, U)
    assert u.dtype == "float32"
    np.testing.assert_allclose(u, CLOSED[kind], rtol=1e-5)


def test_kn_has_the_power_of_sgn():
    np.testing.assert_allclose((of("kN", U) ** 2).sum((1, 2)), (of("sgn", U) ** 2).sum((1, 2)), rtol=1e-5)


@pytest.mark.parametrize("kind", CLOSED)
def test_no_gradient_is_no_noise(kind):
    gradient = U.copy()
    gradient[1] = 0
    u = of(kind, gradient)
    assert (u[1] == 0).all()
    np.testing.assert_allclose(u[[0, 2]], CLOSED[kind][[0, 2]], rtol=1e-5)


@pytest.mark.parametrize("kind", ["1N", "kN", "vat"])
@pytest.mark.parametrize("size", [1e-35, 1e-20, 1e30])
def test_tiny_and_huge_gradients_have_a_direction(kind, size):
    """Their squares leave float32's range."""
    np.testing.assert_allclose(of(kind, U * np.float32(size)), CLOSED[kind], rtol=1e-4)


def test_unit_norm_of_a_matrix():
    x = at.fmatrix()
    np.testing.assert_allclose(value(unit_norm(x), {x: np.float32([[3, 4], [0, 0]])}), [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="2N"):
        direction("2N", at.fmatrix())


def test_directions_and_virtual_labels_are_constants():
    x = at.fmatrix()
    for kind in CLOSED:
        gradient = at.grad((direction(kind, x) * x).sum(), x)
        array = U.reshape(3, 8)
        np.testing.assert_allclose(value(gradient, {x: array}), CLOSED[kind].reshape(3, 8), rtol=1e-5)
    logits = np.float32([[0, 2, 1], [3, 2, 1]])
    np.testing.assert_array_equal(value(virtual_label(x), {x: logits}), [1, 0])


# --- Section 5.4: y = w x + b with squared error (t - y)^2 / 2, so U = -e w with e = t - y.


def residuals(kind, tau, x, w, b, t):
    """Residual of each example before and after the noise."""
    x, w = np.float32(x), np.float32(w)
    inputs = at.fmatrix()
    error = np.float32(t) - (at.dot(inputs, w) + np.float32(b))
    U = at.grad(at.square(error).sum() / 2, inputs)
    moved = inputs + np.float32(tau) * direction(kind, U)
    after = np.float32(t) - (at.dot(moved, w) + np.float32(b))
    return value([error, after], {inputs: x})


@pytest.mark.parametrize("w", [0.0, -0.5, 3.0])
def test_one_input(w):
    """The residual grows by the factor 1 + w^2 (equation 44 drops the bias)."""
    before, after = residuals("udg", 1.0, [[0.5], [-2.0], [7.0]], [w], 1.5, [0.0, 1.0, -3.0])
    np.testing.assert_allclose(after, before * (1 + w**2), rtol=1e-4)


@pytest.mark.parametrize(
    "kind, tau, added",
    [
        # How much |e| grows: tau e ||w||^2, tau ||w||, tau ||w||_1.
        ("udg", 2.5e-4, lambda e: 2.5e-4 * np.abs(e) * 2000),
        ("1N", 0.25, lambda e: 0.25 * np.sqrt(2000)),
        ("sgn", 0.25, lambda e: 0.25 * 60),
    ],
)
def test_two_inputs(kind, tau, added):
    """Figures 25 to 27: w = (-20, -40), b = -40, targets 0 and 1."""
    x = [[-1.0, -0.4], [0.2, -1.1], [-0.3, -0.2], [1.0, 0.5]]
    before, after = residuals(kind, tau, x, [-20.0, -40.0], -40.0, [0.0, 1.0, 0.0, 1.0])
    assert (np.abs(before) > 0.5).all()
    np.testing.assert_allclose(np.abs(after), np.abs(before) + added(before), rtol=1e-4)
    assert (np.sign(after) == np.sign(before)).all()
