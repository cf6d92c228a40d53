"""A ladder with penalties, dropout and drop-connect against the NumPy ladder, given the normals that were drawn."""

import aesara
import numpy as np
import pytest
from golden.evaluate import PYTHON
from golden.numpy_conv_ladder import convolve
from golden.numpy_ladder import forward
from scipy import stats
from test_model import GAUSS, LABELED, TARGETS, UNLABELED, assert_gradients, built, perturb

from ladder.backends import c
from ladder.training.step import training_step

DROPOUT, DROP_CONNECT, L1, L2 = (0.3, 0.2, 0.4, 0.0), (0.3, 0.2, 0.1), 0.02, 0.05
TAU = 0.07
WEIGHTS = ("f_1_W", "f_2_W", "f_3_W", "g_0_W", "g_1_W", "g_2_W")


def mask(normals, p):
    """A dropout mask, by SciPy's quantile of the probability of being kept."""
    return np.where(normals > stats.norm.ppf(1 - p), 0, 1 / (1 - p))


def masks_of(normals):
    """The masks of units and weights, from the normals drawn after the noise of the four layers."""
    units = {f"h{i}": mask(normals[i], p) for i, p in enumerate(DROPOUT[:3])}
    units["h0"] = units["h0"].reshape(len(units["h0"]), -1)
    return units | {f"W{i}": mask(normals[2 + i], p) for i, p in enumerate(DROP_CONNECT, start=1)}


def in_numpy(normals, labeled=LABELED):
    """The NumPy ladder as a function from parameters to a namespace of costs and activations."""
    return lambda params: forward(
        params,
        labeled,
        TARGETS,
        UNLABELED,
        decoders=[GAUSS] * 4,
        weights=(10.0, 1.0, 0.1, 0.2),
        noise=normals[:4],
        stds=[0.3] * 4,
        masks=masks_of(normals[4:]),
    )


def penalties(params):
    return sum(np.abs(params[W]).sum() for W in WEIGHTS), sum((params[W] ** 2).sum() for W in WEIGHTS) / 2


@pytest.fixture(scope="module", params=["plain", "fused"])
def network(request):
    """A regularised ladder's perturbed parameters, values, gradients and normals; if plain, adversarial noise too."""
    plain = request.param == "plain"
    options = dict(dropout=DROPOUT, drop_connect=DROP_CONNECT, l1=L1, l2=L2, adv_tau=(TAU if plain else 0.0,))
    ladder, arrays = built(plain_graph=plain, **options)
    perturbed, step, costs = perturb(ladder), training_step(ladder), ladder.costs
    outputs = [costs.total, costs.unpenalised, costs.l1, costs.l2, costs.class_clean, ladder.act.corr.labeled.z[0]]
    function = aesara.function(
        list(arrays), [*outputs, *step.gradients, *ladder.noise.draws], mode=PYTHON if plain else c.mode()
    )
    found = function(*arrays.values())
    n, m = len(outputs), len(outputs) + len(step.gradients)
    gradients = {v.name: gradient for v, gradient in zip(step.parameters, found[n:m])}
    return perturbed, found[:n], gradients, found[m:]


def test_masks_are_drawn_after_the_noise_and_once(network):
    """The pass for the adversarial noise uses the masks of the corrupted path."""
    normals = network[-1]
    shapes = [(13, 1, 2, 3), (13, 5), (13, 4)]
    assert [x.shape for x in normals] == [*shapes, (13, 3), *shapes, (6, 5), (5, 4), (4, 3)]
    assert all(0 < (x == 0).mean() < 1 for x in masks_of(normals[4:]).values())


@pytest.mark.parametrize("network", ["plain"], indirect=True)
def test_adversarial_noise_is_taken_through_the_masks(network):
    """Against finite differences of the cost with respect to the input."""
    params, (*_, z), _, normals = network
    tau_u, x = z - LABELED - 0.3 * normals[0][:6], LABELED.astype("float64")
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = 1e-6
        above, below = (in_numpy(normals, x + d)(params).class_corr for d in (shift, -shift))
        assert abs(above - below) < 1e-9 or np.isclose(tau_u[index], TAU * np.sign(above - below), atol=1e-5)
    assert np.abs(tau_u).max() > TAU / 2


def test_costs_and_gradients_with_masks_and_penalties(network):
    params, (total, unpenalised, l1, l2, class_clean, z), gradients, normals = network
    corrupted = z.astype("float64") - 0.3 * normals[0][:6]
    # The adversarial noise is a constant for gradients, and the clean path has none.
    truth = in_numpy(normals, corrupted)
    out = truth(params)
    true_l1, true_l2 = penalties(params)
    np.testing.assert_allclose([unpenalised, l1, l2], [out.total, true_l1, true_l2], rtol=2e-5)
    np.testing.assert_allclose(total, out.total + L1 * true_l1 + L2 * true_l2, rtol=2e-5)
    np.testing.assert_allclose(class_clean, in_numpy(normals)(params).class_clean, rtol=2e-5)

    def penalised_total(params):
        l1, l2 = penalties(params)
        return truth(params).total + L1 * l1 + L2 * l2

    assert_gradients(gradients, penalised_total, params)


def test_pixels_and_weights_of_filters_are_dropped_one_by_one():
    layers = dict(encoder_layers=("convv:4:1:1:1", "convv:3:2:1:1"), decoder_spec=("0",), denoising_cost_x=(0.0,) * 3)
    no_noise = dict(super_noise_std=0.0, f_local_noise_std=(0.0,))
    ladder, arrays = built("labeled", **layers, **no_noise, dropout=(0.3, 0.4, 0.0), drop_connect=(0.2, 0.3))
    corr, (x, _) = ladder.act.corr.labeled, arrays
    outputs = [corr.h[0], corr.z_pre[1], corr.h[1], corr.z_pre[2], *ladder.noise.draws]
    h0, z1, h1, z2, *draws = aesara.function([x], outputs, mode=PYTHON)(arrays[x])
    m0, m1, w1, w2 = (mask(normals, p) for normals, p in zip(draws, (0.3, 0.4, 0.2, 0.3), strict=True))
    assert (m0.shape, m1.shape, w1.shape, w2.shape) == (h0.shape, h1.shape, (4, 1, 1, 1), (3, 4, 2, 2))
    for i, (h, z_pre, of_units, of_weights) in enumerate(((h0, z1, m0, w1), (h1, z2, m1, w2)), start=1):
        W = ladder.shareds[f"f_{i}_W"].get_value() * of_weights
        np.testing.assert_allclose(z_pre, convolve(h * of_units, W, "valid", 1), rtol=1e-4, atol=1e-5)


def test_units_of_a_softmax_of_maps_are_dropped():
    """The softmax is over all maps as one row, so its mask has rows too."""
    layers = dict(
        encoder_layers=("convv:2:1:1:1", "3"), act=("relu", "softmax", "softmax"), denoising_cost_x=(0.0,) * 3
    )
    ladder, arrays = built("labeled", **layers, decoder_spec=("0",), dropout=(0.0, 0.5, 0.0))
    perturb(ladder)
    corr = ladder.act.corr.labeled
    outputs, (x, _) = [corr.h[1], corr.z_pre[2], *ladder.noise.draws], arrays
    h, z_pre, *draws = aesara.function([x], outputs, mode=PYTHON)(arrays[x])
    assert h.shape == draws[-1].shape == (6, 2 * 2 * 3)
    W = ladder.shareds["f_2_W"].get_value()
    np.testing.assert_allclose(z_pre, (h * mask(draws[-1], 0.5)) @ W, rtol=1e-4, atol=1e-6)


def test_only_what_the_rest_of_the_total_depends_on_is_penalised():
    """In a ladder that denoises only layers 2 and 3, and in one that learns nothing."""
    ladder, _ = built(l1=0.1, l2=0.1, denoising_cost_x=(0.0, 0.0, 1.0, 1.0))
    perturb(ladder)
    weights = {v.name: v.get_value().astype("float64") for v in ladder.learnt if v.name.endswith("_W")}
    assert "g_2_W" in weights and not {"g_0_W", "g_1_W"} & set(weights)
    l1, l2 = aesara.function([], [ladder.costs.l1, ladder.costs.l2], mode=PYTHON)()
    assert l1 == pytest.approx(sum(np.abs(W).sum() for W in weights.values()), rel=1e-5)
    assert l2 == pytest.approx(sum(np.square(W).sum() for W in weights.values()) / 2, rel=1e-5)
    ladder, _ = built("unlabeled", l1=0.1, denoising_cost_x=(0.0,) * 4)
    assert ladder.learnt == {} and not hasattr(ladder.costs, "l1")


@pytest.mark.parametrize("graph", ["plain", "fused"])
def test_an_update_clips_gradients_and_keeps_weights_within_a_norm(graph):
    """Against a gradient step in NumPy; the norm that is logged is the one before clipping."""
    most, most_norm, rate = 0.5, 1.0, 0.1
    how = dict(optimizer="sgd", lr=rate, clip_norm=most, max_norm=most_norm)
    ladder, arrays = built(plain_graph=graph == "plain", **how)
    params, step = perturb(ladder), training_step(ladder)
    outputs = [step.gradient_norm, *step.gradients, *(step.updates[v] for v in step.parameters)]
    found = aesara.function(list(arrays), outputs, mode=PYTHON if graph == "plain" else c.mode())(*arrays.values())
    norm, n, shrunk = found[0], len(step.parameters), []
    assert norm == pytest.approx(np.sqrt(sum(np.square(g.astype("float64")).sum() for g in found[1 : n + 1])), rel=1e-5)
    assert norm > 2 * most
    for v, gradient, after in zip(step.parameters, found[1 : n + 1], found[n + 1 :]):
        expected = params[v.name] - rate * most / norm * gradient
        if v.name in WEIGHTS:
            shrunk.extend(np.minimum(1, most_norm / np.linalg.norm(expected, axis=0)))
            expected = expected * shrunk[-expected.shape[1] :]
        np.testing.assert_allclose(after, expected, rtol=2e-5, atol=1e-7, err_msg=v.name)
    assert 0.1 < (np.array(shrunk) < 1).mean() < 0.9
