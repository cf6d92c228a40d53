"""Activations against closed forms and SciPy."""

import aesara.tensor as at
import numpy as np
import pytest
import scipy.special
from golden.evaluate import PYTHON, value

from ladder.backends import c
from ladder.bricks.activations import ACTIVATIONS

X = np.linspace(-4, 4, 24, dtype="float32").reshape(6, 4)

EXPECTED = {
    "relu": lambda x: np.maximum(0, x),
    "leakyrelu": lambda x: np.where(x > 0, x, 0.1 * x),
    "linear": lambda x: x,
    "softplus": lambda x: np.logaddexp(0, x),
    "sigmoid": scipy.special.expit,
    "softmax": lambda x: scipy.special.softmax(x, axis=1),
}


def apply(name, x, mode=PYTHON):
    variable = at.TensorType("float32", shape=(None,) * x.ndim)()
    return value(ACTIVATIONS[name](variable), {variable: x}, mode)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_values(name):
    y = apply(name, X)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y, EXPECTED[name](X.astype("float64")), rtol=2e-6, atol=1e-7)


def test_at_zero():
    zero = np.zeros((1, 2), "float32")
    values = {name: apply(name, zero)[0, 0] for name in ACTIVATIONS}
    assert values == {
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


@pytest.mark.parametrize("name", ["relu", "leakyrelu", "softplus", "sigmoid"])
def test_elementwise_activations_keep_maps(name):
    np.testing.assert_array_equal(apply(name, X.reshape(6, 1, 2, 2)), apply(name, X).reshape(6, 1, 2, 2))


def test_gradients_of_the_rectifiers_away_from_zero():
    x = at.vector(dtype="float32")
    for name, slopes in (("relu", [0, 1]), ("leakyrelu", [np.float32(0.1), 1])):
        slope = at.grad(ACTIVATIONS[name](x).sum(), x)
        assert value(slope, {x: np.float32([-2, 3])}).tolist() == slopes


def test_in_c_sigmoid_softplus_and_softmax_keep_their_values():
    """With the rewrites of real runs: some of them are about stability."""
    big = np.float32([[-200, 200, 0.5], [3, -3, 100]])
    for name in ("sigmoid", "softplus", "softmax"):
        expected = EXPECTED[name](big.astype("float64"))
        np.testing.assert_allclose(apply(name, big, c.mode()), expected, rtol=2e-6, atol=1e-30, err_msg=name)
