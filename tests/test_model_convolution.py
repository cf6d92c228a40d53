"""Ladders with layers of maps, fused and plain, against the same ladders in float64 NumPy."""

from dataclasses import replace
from types import SimpleNamespace

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from golden.evaluate import PYTHON
from golden.numpy_conv_ladder import encoder, forward, some_central_differences

from ladder.backends import c
from ladder.graph import PARAMETER, ComputationGraph, ParameterStore, has_role
from ladder.model import LadderAE
from ladder.options import Options
from ladder.training.functions import build_classifier
from ladder.training.statistics import with_running_statistics
from ladder.training.step import input_variables

GAUSS = ("gauss", True)

#: name -> shape of an example, layers, activations, decoders, standard deviations of the noise; layer 0 first.
NETWORKS = {
    # An odd side under max-pooling, and units above a global pool.
    "pooled": (
        (2, 7, 7),
        ["convf:3:3:1:1", "maxpool:2:2", "convv:4:2:1:1", "globalmeanpool:0", "fc:5"],
        ["relu"] * 5 + ["softmax"],
        [GAUSS] * 6,
        [0.3] * 6,
    ),
    # Strides, sides of different lengths, and units above maps.
    "strided": (
        (1, 9, 8),
        ["convv:3:3:2:2", "convf:4:2:2:2", "fc:6", "fc:5"],
        ["relu", "sigmoid", "leakyrelu", "relu", "softmax"],
        [("sig", True), GAUSS, ("comparison_g2", True), ("sig", False), ("lin", True)],
        [0.5, 0.3, 0.2, 0.3, 0.1],
    ),
    # No units at all; a layer without noise, one without a decoder, and hence one that gets no signal from above.
    "pool_on_top": (
        (2, 5, 4),
        ["convv:3:2:1:1", "convf:5:3:1:1", "globalmeanpool:0"],
        ["relu", "leakyrelu", "linear", "softmax"],
        [("gauss", False), None, GAUSS, ("lin", True)],
        [0.3, 0.3, 0, 0.3],
    ),
    "convolution_on_top": (
        (1, 4, 5),
        ["convf:3:2:1:1", "maxpool:3:3", "convv:5:2:1:1"],
        ["relu", "softplus", "relu", "softmax"],
        [("relu", True), GAUSS, GAUSS, GAUSS],
        [0.3, 0.3, 0.4, 0.3],
    ),
    # Maxout below pooling and below units; mean-pooling; a small network as decoder function.
    "pieces": (
        (1, 5, 4),
        ["convf:2:2:1:1", "meanpool:2:2", "fc:4", "fc:5"],
        ["maxout:2", "maxout:2", "maxout:3", "maxout:2", "softmax"],
        [("amlp:2:2", True), GAUSS, GAUSS, GAUSS, ("lin", True)],
        [0.3] * 5,
    ),
}
N_LABELED, N_UNLABELED = 6, 8
TARGETS = np.array([0, 1, 2, 3, 4, 2])

#: Without rewrites, which take the longest; tests/cli trains in the mode of real runs.
MODES = {"fused": Mode(linker=c.mode().linker, optimizer=None), "plain": PYTHON}
CASES = [*[(name, "fused") for name in NETWORKS], ("strided", "plain"), ("convolution_on_top", "plain")]


def options_of(name, plain):
    in_dim, layers, acts, decoders, stds = NETWORKS[name]
    cut = lambda name: name + (":0" if ":" in name else "0")
    spec = tuple("0" if d is None else d[0] if d[1] else cut(d[0]) for d in decoders)
    return Options(
        encoder_layers=tuple(layers),
        decoder_spec=spec,
        act=tuple(acts),
        super_noise_std=stds[0],
        f_local_noise_std=tuple(stds),
        denoising_cost_x=weights(name),
        plain_graph=plain,
    )


def weights(name):
    return (10.0, 1.0, 0.1, 0.2, 0.3, 0.4)[: len(NETWORKS[name][1]) + 1]


def halves(name):
    rng = np.random.RandomState(3)
    return [rng.randn(n, *NETWORKS[name][0]).astype("float32") for n in (N_LABELED, N_UNLABELED)]


def perturb(ladder):
    """Move all parameters and running averages away from their initial values."""
    rng, values = np.random.RandomState(5), {}
    for name, shared in ladder.shareds.items():
        first = shared.get_value()
        if has_role(shared, PARAMETER):
            shared.set_value((first + 0.3 * rng.randn(*first.shape)).astype("float32"))
        elif name.startswith("shared_"):
            shared.set_value(rng.uniform(0.5, 2, first.shape).astype("float32"))
        values[name] = shared.get_value()
    return values


def outputs_of(ladder):
    """Costs, activations and gradients, each by name, and the noise."""
    costs = {"total": ladder.costs.total, **{f"denois{i}": cost for i, cost in ladder.costs.denois.items()}}
    costs.update(
        class_clean=ladder.costs.class_clean, class_corr=ladder.costs.class_corr, error_clean=ladder.error.clean
    )
    activations = {("est", "", "z", i): z for i, z in ladder.act.est.z.items()}
    for path in ("clean", "corr"):
        for half in ("labeled", "unlabeled"):
            for kind in "zhms":
                by_layer = getattr(getattr(getattr(ladder.act, path), half), kind)
                activations.update({(path, half, kind, i): x for i, x in by_layer.items()})
    parameters = ComputationGraph([ladder.costs.total]).parameters
    gradients = dict(zip((v.name for v in parameters), at.grad(ladder.costs.total, parameters)))
    return dict(costs=costs, activations=activations, gradients=gradients, noise=dict(enumerate(ladder.noise.draws)))


@pytest.mark.parametrize("name, graph", CASES)
def test_costs_activations_and_gradients(name, graph):
    """At perturbed parameters, with the noise that the ladder drew."""
    in_dim, layers, acts, decoders, stds = NETWORKS[name]
    ladder, inputs = LadderAE(options_of(name, graph == "plain"), in_dim), input_variables(in_dim)
    ladder.apply(*inputs)
    parameters = {key: value for key, value in perturb(ladder).items() if key[:2] in ("f_", "g_")}
    labeled, unlabeled = halves(name)
    parts = outputs_of(ladder)
    outputs = [x for part in parts.values() for x in part.values()]
    values = iter(aesara.function(inputs, outputs, mode=MODES[graph])(labeled, TARGETS, unlabeled))
    found = SimpleNamespace(**{key: {k: next(values) for k in part} for key, part in parts.items()})
    draws = iter(found.noise.values())
    noise = [next(draws) if std else None for std in stds]

    def truth(params):
        return forward(
            params,
            labeled,
            TARGETS,
            unlabeled,
            layers=layers,
            decoders=decoders,
            weights=weights(name),
            noise=noise,
            stds=stds,
            acts=acts[1:],
        )

    out = truth(parameters)
    assert_costs(found.costs, out)
    assert_activations(found.activations, out)
    slopes = some_central_differences(lambda params: truth(params).total, parameters, n=3)
    assert_gradients(found.gradients, slopes, parameters)


def assert_costs(costs, out):
    expected = {f"denois{i}": cost for i, cost in out.denois.items()}
    expected.update({key: getattr(out, key) for key in ("class_clean", "class_corr", "error_clean", "total")})
    assert set(costs) == set(expected)
    for key, cost in expected.items():
        assert costs[key].shape == () and costs[key].dtype == "float32"
        np.testing.assert_allclose(costs[key], cost, rtol=3e-5, err_msg=key)


def assert_activations(activations, out):
    assert set(out.z_est) == {i for path, _, _, i in activations if path == "est"}
    for (path, half, kind, i), array in activations.items():
        expected = out.z_est[i] if path == "est" else getattr(getattr(getattr(out, path), half), kind)[i]
        assert array.shape == expected.shape and array.dtype == "float32", (path, half, kind, i)
        size = np.abs(expected).max()
        if kind == "m":  # a mean of values that may cancel
            size = max(size, getattr(getattr(out, path), half).s[i].max() ** 0.5)
        name = f"{path} {half} {kind} {i}"
        np.testing.assert_allclose(array, expected, rtol=2e-5, atol=2e-5 * size, err_msg=name)


def assert_gradients(gradients, slopes, parameters):
    for name, (entries, expected) in slopes.items():
        if name not in gradients:
            assert (expected == 0).all(), name
            continue
        gradient = gradients[name]
        assert gradient.shape == parameters[name].shape and np.abs(gradient).max() > 1e-5, name
        atol = 1e-4 * max(np.abs(gradient).max(), 1e-2)
        np.testing.assert_allclose(gradient.reshape(-1)[entries], expected, rtol=2e-4, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", ["pooled", "strided"])
def test_running_statistics(name):
    """A single image is classified with the running averages of maps."""
    in_dim, layers, acts, *_ = NETWORKS[name]
    shareds, (x, *_) = ParameterStore(), input_variables(in_dim)
    classifier = build_classifier(options_of(name, True), in_dim, shareds, x)
    values = {key: value.astype("float64") for key, value in perturb(classifier).items()}
    (output,) = with_running_statistics(classifier.clean_outputs(), shareds)
    predict = aesara.function([x], output, mode=PYTHON)

    labeled, _ = halves(name)
    statistics = {}
    for i, layer in enumerate(layers, start=1):
        wide = lambda v: v[None] if layer.startswith("fc") else v[None, :, None, None]
        statistics[i] = [wide(values[f"shared_f_{i}_bn_{kind}_clean"]) for kind in ("mean", "var")]
    expected = encoder(values, labeled, layers, acts[1:], statistics=statistics).h[len(layers)]
    np.testing.assert_allclose(predict(labeled), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(predict(labeled[2:3]), expected[2:3], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["pooled", "strided"])
def test_running_averages_are_of_maps(name):
    """They are of the labelled half; the variance is scaled by the number of examples, not of pixels."""
    in_dim, layers, acts, *_ = NETWORKS[name]
    ladder, inputs = LadderAE(options_of(name, False), in_dim), input_variables(in_dim)
    ladder.apply(*inputs)
    values = {key: value.astype("float64") for key, value in perturb(ladder).items()}
    updates = ComputationGraph(ladder.clean_outputs()).updates
    labeled, unlabeled = halves(name)
    aesara.function(inputs, [], updates=updates, mode=MODES["fused"], on_unused_input="ignore")(
        labeled, TARGETS, unlabeled
    )
    path = encoder(values, labeled, layers, acts[1:])
    for i in range(1, len(layers) + 1):
        expected = {"mean": path.m[i].ravel(), "var": path.s[i].ravel() * N_LABELED / (N_LABELED - 1)}
        for kind, average in expected.items():
            found = ladder.shareds[f"shared_f_{i}_bn_{kind}_clean"].get_value()  # nothing was seen before
            np.testing.assert_allclose(found, average, rtol=1e-4, atol=1e-5, err_msg=f"{kind} {i}")


# --- Parameters


def test_parameters_have_the_shapes_and_order_of_the_originals():
    """Filters of the encoder, then of the decoder from the top down; one number per map, or per unit below ``fc``."""
    ladder = LadderAE(options_of("pooled", False), (2, 7, 7))
    ladder.apply(*input_variables((2, 7, 7)))
    shapes = {name: shared.get_value().shape for name, shared in ladder.shareds.items() if "_bn_" not in name}
    expected = {
        "counter": (),
        "counter_max": (),
        "f_1_W": (3, 2, 3, 3),
        "f_1_b": (3,),
        "f_3_W": (4, 3, 2, 2),
        "f_3_b": (4,),
        "f_5_W": (4, 5),
        "f_5_b": (5,),
        "f_5_c": (5,),
        "g_4_W": (5, 4),
        "g_2_W": (3, 4, 2, 2),
        "g_0_W": (2, 3, 3, 3),
    }
    assert {name: shape for name, shape in shapes.items() if name[0] != "g" or name.endswith("W")} == expected
    weights = [name for name in shapes if name.endswith("W")]
    assert weights == ["f_1_W", "f_3_W", "f_5_W", "g_4_W", "g_2_W", "g_0_W"]
    assert [shapes[f"g_{i}_a1"] for i in range(6)] == [(2,), (3,), (3,), (4,), (4,), (5,)]


def test_below_units_every_pixel_has_parameters_of_its_own():
    ladder = LadderAE(options_of("strided", False), (1, 9, 8))
    ladder.apply(*input_variables((1, 9, 8)))
    assert ladder.layers[2].dim == (4, 3, 2)
    shapes = {name: shared.get_value().shape for name, shared in ladder.shareds.items()}
    assert shapes["g_2_W"] == (6, 24) and shapes["g_2_a1"] == (24,)
    assert shapes["g_1_a1"] == (3,) and shapes["g_1_W"] == (3, 4, 2, 2) and shapes["g_0_a1"] == (1,)


def test_the_seeds_draws_are_the_originals():
    """Filters of the encoder, the same shapes again, then filters of the decoder from the top down."""
    ladder = LadderAE(options_of("convolution_on_top", False), (1, 4, 5))
    ladder.apply(*input_variables((1, 4, 5)))
    rng = np.random.RandomState(1)

    def filters(*shape):
        bound = (3 / np.prod(shape[1:])) ** 0.5
        return rng.uniform(-bound, bound, shape).astype("float32")

    first = [filters(3, 1, 2, 2), filters(5, 3, 2, 2)]
    filters(3, 1, 2, 2), filters(5, 3, 2, 2)
    first += [filters(3, 5, 2, 2), filters(1, 3, 2, 2)]
    for name, value in zip(("f_1_W", "f_3_W", "g_2_W", "g_0_W"), first):
        np.testing.assert_array_equal(ladder.shareds[name].get_value(), value, err_msg=name)


def test_virtual_adversarial_passes_through_maps():
    """Noise by passes from maps, and a cost by passes from the input: fused equals plain, given the same draws."""
    vat = dict(adv_kind_unlabeled="vat", adv_path="layers", adv_layers=(0, 1), adv_tau_unlabeled=(0.0, 0.3))
    vat.update(vat_cost=(2.0, 0.0), vat_radius=(0.5,), vat_xi=0.5, vat_noise_std=0.3)
    labeled, unlabeled = halves("strided")
    found = {}
    for graph, mode in MODES.items():
        ladder = LadderAE(replace(options_of("strided", graph == "plain"), **vat), NETWORKS["strided"][0])
        inputs = input_variables(ladder.in_dim)
        ladder.apply(*inputs)
        perturb(ladder)
        total = ladder.costs.total
        parameters = ComputationGraph([total]).parameters
        outputs = {"total": total, "vat0": ladder.costs.vat[0], "z1": ladder.act.corr.unlabeled.z[1]}
        outputs.update({v.name: gradient for v, gradient in zip(parameters, at.grad(total, parameters))})
        values = aesara.function(inputs, list(outputs.values()), mode=mode)(labeled, TARGETS, unlabeled)
        found[graph] = dict(zip(outputs, values))
    assert found["plain"]["vat0"] > 0.01 and found["fused"].keys() == found["plain"].keys()
    for name, expected in found["plain"].items():
        tolerance = 2e-4 * np.abs(expected).max()
        np.testing.assert_allclose(found["fused"][name], expected, rtol=1e-3, atol=tolerance, err_msg=name)
