"""Costs against scikit-learn."""

import aesara.tensor as at
import numpy as np
import pytest
import sklearn.metrics
from golden.evaluate import value

from ladder.bricks import costs


@pytest.fixture(scope="module")
def batch():
    rng = np.random.RandomState(0)
    p = rng.dirichlet(np.ones(4), 30).astype("float32")
    return rng.randint(0, 4, 30), p


def of_probabilities(cost, y, p):
    y_var, p_var = at.lvector(), at.fmatrix()
    result = value(cost(y_var, p_var), {y_var: y, p_var: p})
    assert result.shape == ()
    return result


def test_crossentropy(batch):
    y, p = batch
    cost = of_probabilities(costs.categorical_crossentropy, y, p)
    assert cost.dtype == "float32"
    np.testing.assert_allclose(cost, -np.log(p.astype("float64"))[np.arange(30), y].mean(), rtol=1e-6)
    rows = (p / p.sum(1, keepdims=True, dtype="float64")).astype("float64")
    np.testing.assert_allclose(cost, sklearn.metrics.log_loss(y, rows, labels=range(4)), rtol=1e-5)


def test_crossentropy_gradient():
    y_var, p_var = at.lvector(), at.fmatrix()
    gradient = at.grad(costs.categorical_crossentropy(y_var, p_var), p_var)
    p = np.float32([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]])
    slopes = value(gradient, {y_var: np.array([1, 0]), p_var: p})
    np.testing.assert_allclose(slopes, [[0, -1 / 0.25 / 2, 0], [-1 / 0.125 / 2, 0, 0]])


def test_misclassification(batch):
    y, p = batch
    rate = of_probabilities(costs.misclassification_rate, y, p)
    np.testing.assert_allclose(rate, 100 * (1 - sklearn.metrics.accuracy_score(y, p.argmax(1))), rtol=1e-6)
    assert 0 < rate < 100


def test_misclassification_takes_the_first_of_equals():
    p = np.full((2, 3), 1 / 3, "float32")
    assert of_probabilities(costs.misclassification_rate, np.array([0, 1]), p) == 50


def test_squared_error():
    rng = np.random.RandomState(1)
    estimate, z = rng.randn(2, 6, 2, 2, 3).astype("float32")
    variables = at.ftensor4s(2)
    cost = value(costs.squared_error(*variables), dict(zip(variables, (estimate, z))))
    assert cost.dtype == "float32"
    # Summed over the 12 units, averaged over the 6 examples.
    expected = 12 * sklearn.metrics.mean_squared_error(z.reshape(6, 12), estimate.reshape(6, 12))
    np.testing.assert_allclose(cost, expected, rtol=1e-6)
