"""The numbers drawn in the thesis's figures, against closed forms, quadrature and finite differences."""

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad

from ladder.report.figures import denoising, descent, idea, linear_model, surfaces
from ladder.training.optimisers import adam, momentum, sgd


@pytest.fixture(scope="module")
def model():
    return linear_model.fitted(steps=60)


@pytest.mark.parametrize("rate", descent.RATES)
def test_gradient_descent_shrinks_each_direction_by_its_own_factor(rate):
    steps = np.arange(descent.STEPS + 1)[:, None]
    expected = np.array(descent.START) * (1 - rate * np.array(descent.CURVATURES)) ** steps
    np.testing.assert_allclose(descent.path(sgd, rate), expected, atol=2e-6)


@pytest.mark.parametrize("rate", descent.RATES)
def test_momentum_is_a_linear_recursion_of_position_and_velocity(rate):
    points = descent.path(partial(momentum, momentum=0.9), rate)
    for i, (start, curvature) in enumerate(zip(descent.START, descent.CURVATURES)):
        once = np.array([[1 - rate * curvature, 0.9], [-rate * curvature, 0.9]])
        expected = [(np.linalg.matrix_power(once, k) @ [start, 0])[0] for k in range(len(points))]
        np.testing.assert_allclose(points[:, i], expected, atol=1e-5)


def test_adam_beside_the_paper():
    """Kingma and Ba, algorithm 1 with epsilon-hat, in float64."""
    points = descent.path(adam, 0.1)
    x, mean, variance = np.array(descent.START), np.zeros(2), np.zeros(2)
    for t, point in enumerate(points[1:], 1):
        gradient = np.array(descent.CURVATURES) * x
        mean, variance = 0.9 * mean + 0.1 * gradient, 0.999 * variance + 0.001 * gradient**2
        x = x - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * mean / (np.sqrt(variance) + 1e-8)
        np.testing.assert_allclose(point, x, atol=1e-4)


def joint(z, z_corr, modes):
    """Joint density of z and z_corr, with z from a mixture of these Gaussians."""
    width, noise = denoising.WIDTH, denoising.NOISE
    prior = sum(np.exp(-0.5 * ((z - mode * denoising.MODE) / width) ** 2) for mode in modes)
    return prior * np.exp(-0.5 * ((z_corr - z) / noise) ** 2)


@pytest.mark.parametrize("modes", [(-1, 1), (-1,), (1,)])
@pytest.mark.parametrize("z_corr", [-2.0, -0.3, 0.0, 1.1])
def test_posterior_mean_is_that_of_quadrature(z_corr, modes):
    limits = (-8, 8)
    above = quad(lambda z: z * joint(z, z_corr, modes), *limits, epsabs=1e-12)[0]
    below = quad(lambda z: joint(z, z_corr, modes), *limits, epsabs=1e-12)[0]
    found = denoising.posterior_mean(z_corr, modes[0] if len(modes) == 1 else None)
    assert found == pytest.approx(above / below, abs=1e-7)


def test_the_signal_has_mean_0_and_variance_1():
    moments = [quad(lambda z, k=k: z**k * denoising.density(z), -8, 8)[0] for k in range(3)]
    assert moments == pytest.approx([1, 0, 1], abs=1e-7)
    z, z_corr, mode = denoising.draw_samples()
    assert (z.mean(), z.var(), (z_corr - z).std()) == pytest.approx((0, 1, denoising.NOISE), abs=0.05)
    assert mode.sum() == 0


@pytest.mark.parametrize("knows_mode", [False, True])
def test_least_error_is_that_of_the_best_estimate(knows_mode):
    z, z_corr, mode = denoising.draw_samples(n=400_000, seed=2)
    best = denoising.posterior_mean(z_corr, mode if knows_mode else None)
    least = denoising.least_error(knows_mode)
    assert least == pytest.approx(np.mean((best - z) ** 2), rel=0.01)
    assert denoising.error(best + 0.5, best, least) == pytest.approx(least + 0.25)


def test_learned_denoisers_reach_the_best_of_their_kind():
    """A straight line can do no better than least squares, and gauss not much better than the posterior mean."""
    z, z_corr, mode = denoising.draw_samples()
    learned = denoising.learn(("i", "lin", "gauss"), z, z_corr, mode, steps=600)
    assert learned["i"].cost == pytest.approx(np.mean((z_corr - z) ** 2), rel=1e-5)
    line = np.stack([z_corr, np.ones_like(z)], axis=1).astype("float64")
    residual = z - line @ np.linalg.lstsq(line, z, rcond=None)[0]
    assert learned["lin"].cost == pytest.approx(np.mean(residual**2), rel=1e-3)
    best = np.mean((denoising.posterior_mean(z_corr, mode) - z) ** 2)
    assert learned["gauss"].cost == pytest.approx(best, rel=0.02)
    assert learned["gauss"].cost == pytest.approx(np.mean((learned["gauss"].z_est - z) ** 2), rel=1e-4)


def test_training_goes_down_and_noise_up_the_cost():
    by_weight, u = idea.gradients(idea.X, idea.W)
    step = 1e-5
    slope = (idea.cost(idea.X, idea.W + step) - idea.cost(idea.X, idea.W - step)) / (2 * step)
    assert by_weight == pytest.approx(slope, rel=1e-4)
    assert idea.cost(idea.X, idea.W - idea.RATE * by_weight) < idea.cost(idea.X, idea.W)
    assert abs(u) == 1 and idea.cost(idea.X + idea.TAU * u, idea.W) > idea.cost(idea.X, idea.W)


def mean_cost(model, x):
    """The mean cross-entropy in float64."""
    logits = x @ model.W.astype("float64") + model.b
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(x)), model.y])


def test_directions_are_those_of_finite_differences(model):
    x, step, U = model.x.astype("float64"), 1e-5, np.zeros_like(model.x, "float64")
    for i, k in np.ndindex(x.shape):
        moved = np.zeros_like(x)
        moved[i, k] = step
        U[i, k] = (mean_cost(model, x + moved) - mean_cost(model, x - moved)) / (2 * step)
    unit = U / np.linalg.norm(U, axis=1, keepdims=True)
    expected = {"sgn": np.sign(U), "udg": U, "1N": unit, "kN": np.sqrt(2) * unit}
    found = linear_model.directions(model)
    for kind, u in expected.items():
        np.testing.assert_allclose(found[kind], u, atol=2e-4, err_msg=kind)
    # Only the difference of the logits changes the output; the direction along it may have either sign.
    across = model.W[:, 1] - model.W[:, 0]
    along = found["vat"] @ across / np.linalg.norm(across)
    np.testing.assert_allclose(np.abs(along), 1, atol=1e-3)
    assert set(found) == set(linear_model.KINDS)


def test_the_linear_model_is_trained(model):
    assert mean_cost(model, model.x) < 0.2 < mean_cost(linear_model.fitted(steps=0), model.x)


@pytest.mark.parametrize("tau", [0.0, surfaces.TAU])
def test_costs_over_weights_are_those_of_the_closed_form(tau):
    """Noise of kind sgn reduces each margin by tau times the sum of the weights' absolute values."""
    costs, (x, y, unlabelled) = surfaces.cost_functions(tau), surfaces.data()
    for w in np.array([(1.0, 2.0), (-3.0, 0.7), (4.0, -5.0)]):
        margins = (2 * y - 1) * (x @ w), np.abs(unlabelled @ w)
        expected = [np.mean(np.log1p(np.exp(-(margin - tau * np.abs(w).sum())))) for margin in margins]
        np.testing.assert_allclose(costs(w.astype("float32")), expected, rtol=1e-5)


def test_a_surface_has_the_second_weight_along_its_rows():
    w, labelled, unlabelled = surfaces.surfaces(0.0, n=3)
    costs = surfaces.cost_functions(0.0)
    assert [labelled[0, 2], unlabelled[0, 2]] == pytest.approx([float(c) for c in costs([w[2], w[0]])])
