"""The gradient that attacks follow, against closed forms and finite differences."""

import aesara.tensor as at
import numpy as np
import pytest
from attacks.network import IN_DIM, NumpyNetwork, P, examples, parameter_store
from golden.evaluate import value

from ladder.attacks.input_gradient import compile_batch_gradient, compile_input_gradient, log_odds_gradient

W = np.array([[1, -2, 0.5], [0.3, 1, -1], [0, 2, 1.5], [-1, 0, 0.25]], "float32")


@pytest.fixture(scope="module")
def network():
    shareds = parameter_store()
    return NumpyNetwork(shareds), compile_input_gradient(P, IN_DIM, shareds)


def test_gradient_is_that_of_the_cost_by_finite_differences(network):
    truth, gradient = network
    x, y = examples()
    differences = np.zeros(x.shape)
    for i in np.ndindex(x.shape[1:]):
        step = np.zeros(x.shape[1:])
        step[i] = 1e-6
        differences[(slice(None), *i)] = (truth.cross_entropy(x + step, y) - truth.cross_entropy(x - step, y)) / 2e-6
    p_true = truth.probabilities(x)[np.arange(len(y)), y].reshape(-1, 1, 1, 1)
    assert np.abs(differences).max() > 0.1
    np.testing.assert_allclose((1 - p_true) * gradient(x, y), differences, rtol=1e-4, atol=1e-6)


def test_gradient_through_the_batchs_statistics_by_finite_differences():
    """Every example affects the cost of every other."""
    shareds = parameter_store()
    truth, gradient = NumpyNetwork(shareds, of_the_batch=True), compile_batch_gradient(P, IN_DIM, shareds)
    x, y = examples(6)
    differences = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = 1e-6
        differences[i] = (truth.cross_entropy(x + step, y).mean() - truth.cross_entropy(x - step, y).mean()) / 2e-6
    assert np.abs(differences).max() > 0.01
    np.testing.assert_allclose(gradient(x, y), differences, rtol=1e-3, atol=1e-5)
    alone = gradient(x[:3], y[:3])
    assert np.abs(alone / 2 - differences[:3]).max() > 0.01


def test_an_example_alone_has_the_gradient_that_it_has_in_a_batch(network):
    _, gradient = network
    x, y = examples()
    together = gradient(x, y)
    for i in range(3):
        np.testing.assert_allclose(gradient(x[i : i + 1], y[i : i + 1])[0], together[i], rtol=1e-4, atol=1e-6)


def linear_gradient(x, y, scale):
    """The gradient for logits ``scale x W``, by Aesara."""
    inputs = at.fmatrix(), at.lvector()
    logits = at.dot(inputs[0], W) * np.float32(scale)
    return value(log_odds_gradient(logits, *inputs), dict(zip(inputs, (x, y))))


def test_linear_softmax_in_closed_form():
    x, y = np.random.RandomState(0).randn(5, 4).astype("float32"), np.array([0, 1, 2, 2, 0])
    z = (x @ W).astype("float64")
    for i, true in enumerate(y):
        others = [j for j in range(3) if j != true]
        weights = np.exp(z[i, others]) / np.exp(z[i, others]).sum()
        expected = W[:, others] @ weights - W[:, true]
        np.testing.assert_allclose(linear_gradient(x, y, 1)[i], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [100, 1e6])
def test_where_the_softmax_saturates_the_gradient_points_to_the_runner_up(scale):
    x = np.array([[1, 0.1, 0, 0], [0, 0, 1, 0.1]], "float32")
    z = x @ W
    y = z.argmax(axis=1)
    with np.errstate(under="ignore"):
        p = np.exp((scale * (z - z.max(axis=1, keepdims=True))).astype("float32"))
    assert (p[np.arange(2), y] == 1).all() and (p.sum(axis=1) == 1).all()  # float32 sees no other class
    runner_up = np.argsort(z, axis=1)[:, -2]
    np.testing.assert_allclose(linear_gradient(x, y, scale), scale * (W[:, runner_up] - W[:, y]).T, rtol=1e-5)
    # and where the true class is as surely wrong, to the predicted class
    wrong = z.argmin(axis=1)
    np.testing.assert_allclose(linear_gradient(x, wrong, scale), scale * (W[:, y] - W[:, wrong]).T, rtol=1e-5)


def test_inputs_may_be_what_the_networks_inputs_are_computed_from():
    pixels, y = at.fmatrix(), at.lvector()
    whitened = at.dot(pixels, np.diag([2.0, 3.0, 1.0, 0.5]).astype("float32"))
    x, targets = np.ones((1, 4), "float32"), np.array([1])
    found = value(log_odds_gradient(at.dot(whitened, W), pixels, y), {pixels: x, y: targets})
    by_whitened = linear_gradient(x * np.float32([2, 3, 1, 0.5]), targets, 1)
    np.testing.assert_allclose(found, by_whitened * [2, 3, 1, 0.5], rtol=1e-5)
