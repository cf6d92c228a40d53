"""Activations against closed forms and SciPy."""

import aesara.tensor as at
import numpy as np
import pytest
import scipy.special
from golden.evaluate import PYTHON, value

from ladder.backends import c
from ladder.bricks.activations import ACTIVATIONS, apply_activation, for_each_piece

X = np.linspace(-4, 4, 24, dtype="float32").reshape(6, 4)

EXPECTED = {
    "relu": lambda x: np.maximum(0, x),
    "leakyrelu": lambda x: np.where(x > 0, x, 0.1 * x),
    "linear": lambda x: x,
    "softplus": lambda x: np.logaddexp(0, x),
    "sigmoid": scipy.special.expit,
    "leakyrelu:0.3": lambda x: np.where(x > 0, x, 0.3 * x),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "elu:0.5": lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)),
    "maxout:2": lambda x: np.maximum(x[:, :2], x[:, 2:]),
    "maxout:4": lambda x: x.max(1, keepdims=True),
    "softmax": lambda x: scipy.special.softmax(x, axis=1),
}


def apply(name, x, mode=PYTHON):
    variable = at.TensorType("float32", shape=(None,) * x.ndim)()
    return value(apply_activation(name, variable), {variable: x}, mode)


def test_all_activations_are_tested():
    assert {name.split(":")[0] for name in EXPECTED} == set(ACTIVATIONS)


@pytest.mark.parametrize("name", EXPECTED)
def test_values(name):
    y = apply(name, X)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y, EXPECTED[name](X.astype("float64")), rtol=2e-6, atol=1e-7)


def test_at_zero():
    zero = np.zeros((1, 2), "float32")
    values = {name: apply(name, zero)[0, 0] for name in EXPECTED if not name.startswith(("maxout", "leakyrelu:"))}
    assert values == {
        "tanh": 0,
        "elu": 0,
        "elu:0.5": 0,
        "relu": 0,
        "leakyrelu": 0,
        "linear": 0,
        "softplus": np.float32(np.log(2)),
        "sigmoid": 0.5,
        "softmax": 0.5,
    }


def test_softmax_of_large_inputs():
    x = np.float32([[1000, 999, -1000], [3e38, 0, 1e38]])
    y = apply("softmax", x)
    e = np.exp(-1)
    np.testing.assert_allclose(y, [[1 / (1 + e), e / (1 + e), 0], [1, 0, 0]], rtol=1e-6)


def test_softmax_flattens_examples():
    x = X.reshape(6, 1, 2, 2)
    np.testing.assert_array_equal(apply("softmax", x), apply("softmax", X))


@pytest.mark.parametrize("name", ["relu", "leakyrelu", "softplus", "sigmoid", "tanh", "elu"])
def test_elementwise_activations_keep_maps(name):
    np.testing.assert_array_equal(apply(name, X.reshape(6, 1, 2, 2)), apply(name, X).reshape(6, 1, 2, 2))


def test_gradients_of_the_rectifiers_away_from_zero():
    x = at.vector(dtype="float32")
    slopes_of = {"relu": [0, 1], "leakyrelu": [np.float32(0.1), 1], "leakyrelu:0.25": [0.25, 1]}
    for name, slopes in slopes_of.items():
        slope = at.grad(apply_activation(name, x).sum(), x)
        assert value(slope, {x: np.float32([-2, 3])}).tolist() == slopes


def test_in_c_sigmoid_softplus_and_softmax_keep_their_values():
    """With the rewrites of real runs, some of which concern numerical stability."""
    big = np.float32([[-200, 200, 0.5], [3, -3, 100]])
    for name in ("sigmoid", "softplus", "softmax"):
        expected = EXPECTED[name](big.astype("float64"))
        np.testing.assert_allclose(apply(name, big, c.mode()), expected, rtol=2e-6, atol=1e-30, err_msg=name)


def test_gradients_of_elu_are_finite_far_from_0():
    """Where exp is infinite, the branch not taken would contribute 0 times infinity."""
    x = at.vector(dtype="float32")
    found = value(at.grad(apply_activation("elu:0.5", x).sum(), x), {x: np.float32([-200, -1, 0, 1, 200])})
    np.testing.assert_allclose(found, [0, 0.5 * np.exp(-1), 0.5, 1, 1], rtol=1e-6, atol=1e-30)


def test_pieces_of_maps_and_the_gradient_of_equals():
    """The first piece of every unit comes first; every piece that equals the largest gets the gradient."""
    x = at.ftensor4()
    X = np.float32([3, 1, 3, 2, 0, 2]).reshape(1, 6, 1, 1)
    h = apply_activation("maxout:3", x)
    found, slope = value([h, at.grad((h * np.float32([[[[5]], [[7]]]])).sum(), x)], {x: X})
    assert found.ravel().tolist() == [3, 2] and found.shape == (1, 2, 1, 1)
    assert slope.ravel().tolist() == [5, 0, 5, 7, 0, 7]


def test_the_decoder_copies_for_each_piece():
    u = at.fmatrix()
    U = np.float32([[1, 2], [3, 4]])
    assert value(for_each_piece(u, 3), {u: U}).tolist() == [[1, 2] * 3, [3, 4] * 3]
    # The encoder's maxout of the copies is what was copied.
    np.testing.assert_array_equal(value(apply_activation("maxout:3", for_each_piece(u, 3)), {u: U}), U)
