"""Restricted Boltzmann machines with 4 visible and 3 hidden units, against enumeration of all their states."""

from itertools import product

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value

from ladder import backends, bricks
from ladder.bricks import boltzmann
from ladder.bricks.noise import GaussianNoise
from ladder.options import Options
from ladder.pretraining import Pretraining
from ladder.training.pretraining.machine import machine

VISIBLE, HIDDEN = 4, 3
V, H = (np.array(list(product((0, 1), repeat=n)), "float32") for n in (VISIBLE, HIDDEN))
RNG = np.random.RandomState(5)
# Far enough from 0 that all states differ, but none is rare.
W, A, B = (RNG.normal(0, 0.8, shape) for shape in ((VISIBLE, HIDDEN), VISIBLE, HIDDEN))
#: Real numbers, for Gaussian units.
X = RNG.normal(0, 1.5, (16, VISIBLE)).astype("float32")


def energies(v, gaussian):
    """The energy of every v with every h, (v, h) float64, by definition."""
    own = 0.5 * np.square(v - A).sum(axis=1) if gaussian else -v @ A
    return own[:, None] - v @ W @ H.T - H @ B


def hidden_probabilities(v, gaussian):
    """P(h | v) of all eight h, by enumeration: (v, h)."""
    weights = np.exp(-energies(v.astype("float64"), gaussian))
    return weights / weights.sum(axis=1, keepdims=True)


def of_hidden_states(gaussian):
    """P(h) of the machine: the visible units are summed out, or integrated out in closed form."""
    if gaussian:
        logs = 0.5 * np.square(A + H @ W.T).sum(axis=1) - 0.5 * np.square(A).sum() + H @ B
    else:
        logs = np.log(np.exp(-energies(V.astype("float64"), False)).sum(axis=0))
    return np.exp(logs) / np.exp(logs).sum()


@pytest.fixture(scope="module", params=[False, True], ids=["binary", "gaussian"])
def look(request):
    """Whether visible units are Gaussian; states v; free energies and the gradients of their mean; pseudo-likelihoods."""
    gaussian = request.param
    v = V if gaussian is False else X
    parameters = [aesara.shared(np.float32(x)) for x in (W, A, B)]
    unit, x = at.lvector(), at.fmatrix()
    total = at.dot(x, parameters[0])
    free = boltzmann.free_energies(x, total, *parameters[1:], gaussian)
    outputs = [free, *at.grad(free.mean(), parameters), boltzmann.hidden_probabilities(total, parameters[2])]
    outputs.append(boltzmann.pseudo_likelihoods(x, *parameters, unit))
    units = np.random.RandomState(3).randint(0, VISIBLE, 16)  # as scikit-learn draws them
    return gaussian, v, units, backends.function([x, unit], outputs)(v, units)


def test_free_energy_sums_over_all_hidden_states(look):
    gaussian, v, _, (free, *_) = look
    np.testing.assert_allclose(free, -np.log(np.exp(-energies(v.astype("float64"), gaussian)).sum(axis=1)), rtol=1e-5)


def test_its_gradient_is_a_mean_over_hidden_states(look):
    gaussian, v, _, (_, of_W, of_a, of_b, _, _) = look
    means = hidden_probabilities(v, gaussian) @ H
    np.testing.assert_allclose(of_W, -v.T @ means / len(v), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(of_a, (A - v if gaussian else -v).mean(axis=0), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(of_b, -means.mean(axis=0), rtol=2e-5)


def test_hidden_units_are_independent_given_the_visible_ones(look):
    gaussian, v, _, (*_, probabilities, _) = look
    np.testing.assert_allclose(probabilities, hidden_probabilities(v, gaussian) @ H, rtol=1e-5)


def test_pseudo_likelihood_is_that_of_one_unit_given_the_others(look):
    gaussian, v, units, (free, *_, found) = look
    if gaussian:
        pytest.skip("of binary units")
    flipped = v.copy()
    flipped[np.arange(16), units] = 1 - flipped[np.arange(16), units]
    p, other = (np.exp(-energies(x.astype("float64"), False)).sum(axis=1) for x in (v, flipped))
    np.testing.assert_allclose(found, VISIBLE * np.log(p / (p + other)), rtol=1e-5)


def test_scikit_learn_finds_the_same(look):
    """Free energies, activations of hidden units and pseudo-likelihoods of the same machine."""
    neural_network = pytest.importorskip("sklearn.neural_network")
    gaussian, v, _, (free, *_, probabilities, found) = look
    if gaussian:
        pytest.skip("theirs has binary units alone")
    theirs = neural_network.BernoulliRBM(HIDDEN, random_state=3)
    theirs.components_, theirs.intercept_visible_, theirs.intercept_hidden_ = W.T, A, B
    np.testing.assert_allclose(free, theirs._free_energy(v), rtol=1e-5)
    np.testing.assert_allclose(probabilities, theirs.transform(v), rtol=1e-5)
    np.testing.assert_allclose(found, theirs.score_samples(v), rtol=1e-5)


OPTIONS = dict(
    model="rbm", epochs=1, lr=1.0, seed=1, top=1, corruption="", strengths=(0.0,), tied=False, cost="crossentropy"
)


def compiled(gaussian, persistent, steps, n):
    """A machine with these settings, and a function of v that updates it by plain descent with a rate of 1."""
    how = Pretraining(**OPTIONS, cd_steps=steps, persistent=persistent, gaussian=gaussian, unrolled_epochs=0)
    p, noise = Options.of(encoder_layers="10", denoising_cost_x=(0, 0), optimizer="sgd"), GaussianNoise(4)
    graph = machine(p, how, HIDDEN, np.full(VISIBLE, 0.5), gaussian, n, noise, bricks, np.random.RandomState(2))
    return graph, backends.function([graph.input], [], graph.updates)


def gradient(graph, update, v):
    """What one update adds to W, a and b, starting from the machine's own values."""
    for name, x in zip("Wab", (W, A, B)):
        graph.shareds[name].set_value(np.float32(x))
    update(v)
    return [graph.shareds[name].get_value() - value for name, value in zip("Wab", (W, A, B))]


def test_contrastive_divergence_is_the_statistics_of_data_less_those_after_k_steps():
    """Its mean over many chains, against the transition probabilities between all 16 states."""
    n, steps = 40_000, 2
    of_data = RNG.dirichlet(np.ones(16))
    v = V[RNG.choice(16, n, p=of_data)]
    graph, update = compiled(False, False, steps, n)
    found = gradient(graph, update, v)
    up = hidden_probabilities(V, False)
    joint = np.exp(-energies(V.astype("float64"), False)).T
    down = joint / joint.sum(axis=1, keepdims=True)
    there = np.bincount((v @ [8, 4, 2, 1]).astype(int), minlength=16) / n  # of the data that were drawn
    end = there @ np.linalg.matrix_power(up @ down, steps)
    means, change = up @ H, there - end
    expected = V.T @ (change[:, None] * means), change @ V, change @ means
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=4 * 0.5 / np.sqrt(n))
    assert max(np.abs(other).max() for other in expected) > 0.05  # far more than the tolerance


@pytest.mark.parametrize("gaussian", [False, True], ids=["binary", "gaussian"])
def test_persistent_chains_reach_the_machine_itself(gaussian):
    """They reach its distribution of h, and an update is the data's statistics minus the machine's exact ones."""
    n, of_h = 20_000, of_hidden_states(gaussian)
    graph, update = compiled(gaussian, True, 5, n)
    v = RNG.normal(size=(n, VISIBLE)).astype("float32")
    for _ in range(6):  # from chains that begin anywhere
        found = gradient(graph, update, v)
    chains = graph.shareds["chains"].get_value()
    np.testing.assert_allclose(
        np.bincount((chains @ [4, 2, 1]).astype(int), minlength=8) / n, of_h, atol=2 / np.sqrt(n)
    )
    # The gradient of the data's likelihood: statistics of these data minus the machine's own, exactly.
    p_h = hidden_probabilities(v, gaussian) @ H
    v_given_h = A + H @ W.T
    v_given_h = v_given_h if gaussian else 1 / (1 + np.exp(-v_given_h))
    of_data = v.T @ p_h / n, (v - A).mean(axis=0) if gaussian else v.mean(axis=0), p_h.mean(axis=0)
    own = v_given_h.T @ (of_h[:, None] * H), of_h @ (v_given_h - A if gaussian else v_given_h), of_h @ H
    for one, data, machine_s in zip(found, of_data, own):
        np.testing.assert_allclose(one, data - machine_s, atol=0.08 if gaussian else 0.03)


@pytest.mark.parametrize("gaussian", [False, True])
def test_the_error_that_is_logged_is_that_of_the_means(gaussian):
    how = Pretraining(**OPTIONS, cd_steps=1, persistent=False, gaussian=gaussian, unrolled_epochs=0)
    p, first = Options.of(encoder_layers="10", denoising_cost_x=(0, 0), optimizer="sgd"), np.full(VISIBLE, 0.5)
    noise, rng = GaussianNoise(4), np.random.RandomState(2)
    graph = machine(p, how, HIDDEN, first, gaussian, 16, noise, bricks, rng)
    for name, x in zip("Wab", (W, A, B)):
        graph.shareds[name].set_value(np.float32(x))
    v = X if gaussian else V
    mean = A + hidden_probabilities(v, gaussian) @ H @ W.T
    mean = mean if gaussian else 1 / (1 + np.exp(-mean))
    found = value(graph.monitored["cost_reconstruction"], {graph.input: v})
    assert found == pytest.approx(np.square(v - mean).sum(axis=1).mean(), rel=1e-5)
