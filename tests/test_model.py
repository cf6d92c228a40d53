"""The ladder's graph: names, initial values, costs and gradients, statistics, halves."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import PYTHON, value
from golden.load import group, load
from golden.numpy_ladder import ACTIVATIONS, central_differences, forward

from ladder.backends import c
from ladder.graph import PARAMETER, ComputationGraph, has_role
from ladder.model import LadderAE
from ladder.options import Options
from ladder.parity import configuration
from ladder.training.step import input_variables

IN_DIM = (1, 2, 3)
N_LABELED, N_UNLABELED = 6, 7

rng = np.random.RandomState(0)
LABELED = rng.randn(N_LABELED, *IN_DIM).astype("float32")
TARGETS = np.array([0, 1, 2, 2, 1, 1])
UNLABELED = rng.randn(N_UNLABELED, *IN_DIM).astype("float32")


def options_of(**options):
    """Layers 6-5-4-3 and the plain graph, which needs no compiler, unless the options say otherwise."""
    return Options(
        **{
            "plain_graph": True,
            "encoder_layers": ("5", "4", "3"),
            "denoising_cost_x": (10.0, 1.0, 0.1, 0.2),
            "decoder_spec": ("gauss",),
            **options,
        }
    )


def built(halves="both", **options):
    """A ladder after ``apply``, and its inputs as a dict of variable -> array."""
    x, y, x_only = input_variables(IN_DIM)
    ladder = LadderAE(options_of(**options), IN_DIM)
    labeled = {} if halves == "unlabeled" else {"input_labeled": x, "target_labeled": y}
    unlabeled = {} if halves == "labeled" else {"input_unlabeled": x_only}
    ladder.apply(**labeled, **unlabeled)
    arrays = {x: LABELED, y: TARGETS, x_only: UNLABELED}
    return ladder, {v: arrays[v] for v in (*labeled.values(), *unlabeled.values())}


def perturb(ladder):
    """Move all parameters away from their initial values, where most gradients are 0."""
    rng = np.random.RandomState(5)
    parameters = {name: v for name, v in ladder.shareds.items() if has_role(v, PARAMETER)}
    for shared in parameters.values():
        first = shared.get_value()
        shared.set_value((first + 0.3 * rng.randn(*first.shape)).astype("float32"))
    return {name: shared.get_value() for name, shared in parameters.items()}


# --- Names and initial values, against the original

GOLDEN = ["fc_small_gauss", "fc_small_gauss0_mixed", "fc_small_baseline", "fc_small_noise_list"]


@pytest.fixture(scope="module", params=GOLDEN)
def originals(request):
    """A ladder with a configuration of the original, and the original's arrays and metadata."""
    arrays, meta = load(request.param)
    p, in_dim = configuration.options_of(meta)
    ladder = LadderAE(p, in_dim)
    ladder.apply(*input_variables(in_dim))
    return ladder, arrays, meta


def test_names_in_order_of_creation(originals):
    ladder, _, meta = originals
    assert list(ladder.shareds) == meta["shared_creation_order"]
    assert [shared.name for shared in ladder.shareds.values()] == meta["shared_creation_order"]


def test_first_values_to_the_bit(originals):
    ladder, arrays, _ = originals
    first = group(arrays, "init__")
    assert set(first) == set(ladder.shareds)
    for name, shared in ladder.shareds.items():
        assert shared.dtype == "float32"
        np.testing.assert_array_equal(shared.get_value(), first[name], err_msg=name)


def test_first_weights_by_the_units_below_and_above():
    """The draws are the same, but scaled differently; the decoder's weights do not change."""
    layers = {"encoder_layers": ("convf:4:2:1:1", "5", "3")}
    below, both = (built(**layers, first_weights=which)[0].shareds for which in ("below", "both"))
    fans = {"f_1_W": (4, 4 + 16), "f_2_W": (4 * 3 * 4, 48 + 5), "f_3_W": (5, 5 + 3)}
    for name, shared in below.items():
        fan, of_both = fans.get(name, (1, 1))
        expected = shared.get_value() * np.sqrt(fan / of_both)
        np.testing.assert_allclose(both[name].get_value(), expected, rtol=1e-6, err_msg=name)


def test_parameters_of_the_total_cost(originals):
    ladder, _, meta = originals
    learnt = [v.name for v in ComputationGraph([ladder.costs.total]).parameters]
    assert learnt == sorted(meta["param_order"])


# --- Costs and gradients, against the NumPy ladder

GAUSS, SIG = ("gauss", True), ("sig", True)

#: name -> (options, decoders as (function, whether it gets u))
CONFIGURATIONS = {
    "gauss": ({}, [GAUSS] * 4),
    "sig": ({"decoder_spec": ("sig",)}, [SIG] * 4),
    "stable_and_g4": (
        {"decoder_spec": ("comparison_g4", "gauss_stable_v", "comparison_g2", "comparison_g3")},
        [("comparison_g4", True), ("gauss_stable_v", True), ("comparison_g2", True), ("comparison_g3", True)],
    ),
    "without_u": (
        {"decoder_spec": ("gauss", "sig0", "gauss0", "lin")},
        [GAUSS, ("sig", False), ("gauss", False), ("lin", True)],
    ),
    "a_layer_without_decoder": (
        {"decoder_spec": ("comparison_g4", "gauss", "0", "gauss")},
        [("comparison_g4", True), ("gauss", False), None, GAUSS],
    ),
    "of_u_alone": (
        {"decoder_spec": ("sigmoid", "i", "relu", "sig")},
        [("sigmoid", True), ("i", True), ("relu", True), SIG],
    ),
    "gamma": (
        {"decoder_spec": ("0", "0", "0", "gauss"), "denoising_cost_x": (0.0, 0.0, 0.0, 2.0)},
        [None, None, None, GAUSS],
    ),
    "baseline": ({"decoder_spec": ("0",), "denoising_cost_x": (0.0,) * 4}, [None] * 4),
    "zestbn_no_and_top_c_false": ({"zestbn": "no", "top_c": False, "act": ("leakyrelu",)}, [GAUSS] * 4),
    "activations": ({"act": ("relu", "sigmoid", "linear", "relu")}, [GAUSS] * 4),
    "softplus_and_noise_list": (
        {"act": ("softplus",), "super_noise_std": 0.8, "f_local_noise_std": (9.0, 0.0, 0.5)},
        [GAUSS] * 4,
    ),
}
STDS = {"softplus_and_noise_list": [0.8, 0, 0.5, 0]}


def numpy_costs(name, noise, labeled=LABELED, targets=TARGETS, unlabeled=UNLABELED):
    """The NumPy ladder as a function from parameters to costs."""
    options, decoders = CONFIGURATIONS[name]
    p = options_of(**options)
    stds = STDS.get(name, [0.3] * 4)
    draws = iter(noise)
    by_layer = [next(draws) if std else None for std in stds]
    return lambda params: forward(
        params,
        labeled,
        targets,
        unlabeled,
        decoders=decoders,
        weights=p.denoising_cost_x,
        noise=by_layer,
        stds=stds,
        acts=p.act * (4 if len(p.act) == 1 else 1),
        top_c=p.top_c,
        zestbn=p.zestbn,
    )


def values_and_gradients(ladder, arrays, mode=PYTHON):
    """Costs, gradients by name, and the noise that was drawn for them."""
    total = ladder.costs.total
    parameters = ComputationGraph([total]).parameters
    costs = {"total": total, **{f"denois{i}": cost for i, cost in ladder.costs.denois.items()}}
    if hasattr(ladder.error, "clean"):
        costs.update(
            class_clean=ladder.costs.class_clean, class_corr=ladder.costs.class_corr, error_clean=ladder.error.clean
        )
    outputs = [*costs.values(), *at.grad(total, parameters), *ladder.noise.draws]
    values = value(outputs, arrays, mode)
    n, m = len(costs), len(costs) + len(parameters)
    gradients = {v.name: gradient for v, gradient in zip(parameters, values[n:m])}
    return dict(zip(costs, values)), gradients, values[m:]


def assert_gradients(gradients, total, perturbed):
    """Compare with central differences of ``total``, a function from parameters to the cost in float64."""
    expected = central_differences(total, perturbed)
    for name, truth in expected.items():
        if name not in gradients:
            assert (truth == 0).all(), name
            continue
        assert gradients[name].dtype == "float32" and np.abs(truth).max() > 1e-4, name
        tolerance = 1e-4 * max(np.abs(truth).max(), 1e-2)
        np.testing.assert_allclose(gradients[name], truth, rtol=1e-4, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("graph", ["plain", "fused"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_costs_and_gradients(name, graph):
    ladder, arrays = built(**CONFIGURATIONS[name][0], plain_graph=graph == "plain")
    perturbed = perturb(ladder)
    costs, gradients, noise = values_and_gradients(ladder, arrays, PYTHON if graph == "plain" else c.mode())
    truth = numpy_costs(name, noise)
    out = truth(perturbed)

    expected = {f"denois{i}": cost for i, cost in out.denois.items()}
    for key in ("class_clean", "class_corr", "error_clean", "total"):
        expected[key] = getattr(out, key)
    assert set(costs) == set(expected)
    for key, cost in expected.items():
        assert costs[key].shape == ()
        np.testing.assert_allclose(costs[key], cost, rtol=2e-5, err_msg=key)
    assert_gradients(gradients, lambda params: truth(params).total, perturbed)


@pytest.mark.parametrize("graph", ["plain", "fused"])
def test_halves_of_very_different_sizes(graph):
    """As with --unlabeled-batch-size: one graph for few labelled and many unlabelled examples, and for the reverse."""
    ladder, arrays = built(plain_graph=graph == "plain")
    perturbed, total = perturb(ladder), ladder.costs.total
    parameters = ComputationGraph([total]).parameters
    outputs = [total, *at.grad(total, parameters), *ladder.noise.draws]
    function = aesara.function(list(arrays), outputs, mode=PYTHON if graph == "plain" else c.mode())
    for n_labeled, n_unlabeled in ((4, 18), (17, 4)):
        labeled, unlabeled = (rng.randn(n, *IN_DIM).astype("float32") for n in (n_labeled, n_unlabeled))
        targets = rng.randint(0, 3, n_labeled)
        cost, *values = function(labeled, targets, unlabeled)
        truth = numpy_costs("gauss", values[len(parameters) :], labeled, targets, unlabeled)
        np.testing.assert_allclose(cost, truth(perturbed).total, rtol=2e-5)
        gradients = {v.name: gradient for v, gradient in zip(parameters, values)}
        assert_gradients(gradients, lambda params: truth(params).total, perturbed)


def test_a_classifier_without_unlabelled_examples():
    ladder, arrays = built("labeled", decoder_spec=("gauss",))
    assert ladder.costs.denois == {} and not any(name.startswith("g_") for name in ladder.shareds)
    perturbed = perturb(ladder)
    costs, gradients, noise = values_and_gradients(ladder, arrays)
    # The NumPy ladder needs the other half too, but it costs nothing.
    truth = numpy_costs("baseline", [np.concatenate([z, z]) for z in noise], unlabeled=LABELED)
    out = truth(perturbed)
    assert costs["total"] == costs["class_corr"]
    for key in ("class_clean", "class_corr", "error_clean"):
        np.testing.assert_allclose(costs[key], getattr(out, key), rtol=2e-5, err_msg=key)
    assert_gradients(gradients, lambda params: truth(params).class_corr, perturbed)


def test_costs_in_c():
    """The costs of a small classifier, in the mode of real runs; gradients in C are compared in tests/parity."""
    ladder, arrays = built("labeled")
    perturbed = perturb(ladder)
    outputs = [ladder.costs.class_clean, ladder.costs.class_corr, *ladder.noise.draws]
    clean, corr, *noise = value(outputs, arrays, c.mode())
    out = numpy_costs("baseline", [np.concatenate([z, z]) for z in noise], unlabeled=LABELED)(perturbed)
    np.testing.assert_allclose([clean, corr], [out.class_clean, out.class_corr], rtol=2e-5)


def test_a_denoising_autoencoder_without_labelled_examples():
    ladder, arrays = built("unlabeled")
    assert not hasattr(ladder.costs, "class_corr") and not hasattr(ladder.error, "clean")
    perturbed = perturb(ladder)
    costs, gradients, noise = values_and_gradients(ladder, arrays)
    truth = numpy_costs("gauss", [np.concatenate([z, z]) for z in noise], UNLABELED, np.zeros(7, int))

    def total(params):
        out = truth(params)
        return sum(w * out.denois[i] for i, w in enumerate((10, 1, 0.1, 0.2)))

    np.testing.assert_allclose(costs["total"], total(perturbed), rtol=2e-5)
    for i, cost in truth(perturbed).denois.items():
        np.testing.assert_allclose(costs[f"denois{i}"], cost, rtol=2e-5)
    assert_gradients(gradients, total, perturbed)


# --- What training learns


@pytest.mark.parametrize(
    "weights, layers",
    [
        ((0, 0, 0, 0), []),
        ((0, 0, 0, 2), [3]),
        ((0, 1, 0, 0), [1, 2, 3]),  # layer 1's estimate is made from those above
        ((10, 0, 0, 0), [0, 1, 2, 3]),
    ],
)
def test_decoders_that_cost_nothing_are_not_learnt(weights, layers):
    ladder, _ = built(denoising_cost_x=weights)
    assert sorted(ladder.costs.denois) == [0, 1, 2, 3]  # still there to be monitored
    learnt = {v.name for v in ComputationGraph([ladder.costs.total]).parameters}
    assert {f"f_{i}_W" for i in (1, 2, 3)} < learnt
    assert {int(name[2]) for name in learnt if name.startswith("g_")} == set(layers)


@pytest.mark.parametrize(
    "options, scales",
    [
        ({}, ["f_3_c"]),
        ({"top_c": False}, []),
        ({"act": ("leakyrelu",)}, ["f_3_c"]),
        ({"act": ("sigmoid",), "top_c": False}, ["f_1_c", "f_2_c"]),
        ({"act": ("softplus",)}, ["f_1_c", "f_2_c", "f_3_c"]),
    ],
)
def test_which_layers_scale(options, scales):
    ladder, _ = built("labeled", **options)
    assert [name for name in ladder.shareds if name.endswith("_c")] == scales
    assert [name for name in ladder.shareds if name.endswith("_b")] == ["f_1_b", "f_2_b", "f_3_b"]


def test_linear_layers_have_neither_scale_nor_bias():
    ladder, _ = built("labeled", act=("linear",))
    assert [name for name in ladder.shareds if name.startswith("f_")] == ["f_1_W", "f_2_W", "f_3_W", "f_3_b", "f_3_c"]


def test_a_second_apply_keeps_the_parameters():
    ladder, _ = built(decoder_spec=("sig",))
    before = dict(ladder.shareds)
    perturb(ladder)
    values = {name: shared.get_value() for name, shared in before.items()}
    first = list(ladder.learnt.values())
    ladder.apply(*input_variables(IN_DIM))
    assert not set(first) & set(ladder.learnt.values())  # the gradients are those of the new graph
    assert list(ladder.shareds.items()) == list(before.items())
    for name, shared in before.items():
        np.testing.assert_array_equal(shared.get_value(), values[name])


# --- Halves, paths, shapes


@pytest.fixture(scope="module")
def quiet():
    """A perturbed ladder without noise, and a function from the two halves to all activations and costs by name."""
    ladder, arrays = built(super_noise_std=0.0, f_local_noise_std=(0.0,))
    perturb(ladder)
    outputs = {}
    for path in ("clean", "corr"):
        for half in ("labeled", "unlabeled"):
            act = getattr(getattr(ladder.act, path), half)
            for kind in "zhms":
                for i, variable in getattr(act, kind).items():
                    outputs[path, half, kind, i] = variable
    for kind in "zh":
        outputs.update({("est", "unlabeled", kind, i): v for i, v in getattr(ladder.act.est, kind).items()})
    outputs.update({("denois", "unlabeled", "", i): v for i, v in ladder.costs.denois.items()})
    outputs.update({("cost", "labeled", path, 0): getattr(ladder.costs, "class_" + path) for path in ("clean", "corr")})
    outputs["error", "labeled", "", 0] = ladder.error.clean
    function = aesara.function(list(arrays), list(outputs.values()), mode=PYTHON)
    return ladder, lambda *batch: dict(zip(outputs, function(*batch)))


def test_no_noise_makes_no_draw(quiet):
    assert quiet[0].noise.draws == []


def test_without_noise_both_paths_are_the_same(quiet):
    act = quiet[1](LABELED, TARGETS, UNLABELED)
    for (path, half, kind, i), array in act.items():
        if path == "clean":
            np.testing.assert_array_equal(array, act["corr", half, kind, i])


def test_shapes(quiet):
    shapes = {key: array.shape for key, array in quiet[1](LABELED, TARGETS, UNLABELED).items()}
    dims = {0: IN_DIM, 1: (5,), 2: (4,), 3: (3,)}
    for path in ("clean", "corr"):
        for half, n in (("labeled", N_LABELED), ("unlabeled", N_UNLABELED)):
            for i, dim in dims.items():
                assert shapes[path, half, "z", i] == shapes[path, half, "h", i] == (n, *dim)
        for i in (1, 2, 3):
            assert shapes[path, "unlabeled", "m", i] == shapes[path, "unlabeled", "s", i] == (1, *dims[i])
    for i, dim in dims.items():
        assert shapes["est", "unlabeled", "z", i] == shapes["est", "unlabeled", "h", i] == (N_UNLABELED, *dim)


@pytest.mark.parametrize("half", ["labeled", "unlabeled"])
def test_a_half_does_not_see_the_other(quiet, half):
    """Not even through the statistics."""
    act = quiet[1](LABELED, TARGETS, UNLABELED)
    other = np.random.RandomState(8).randn(9, *IN_DIM).astype("float32") * 3 + 1
    batch = (LABELED, TARGETS, other) if half == "labeled" else (other, np.arange(9) % 3, UNLABELED)
    with_other = quiet[1](*batch)
    for key, array in act.items():
        if key[1] == half:
            np.testing.assert_allclose(with_other[key], array, rtol=1e-6, atol=1e-6, err_msg=str(key))
        elif key[2] == "z" and key[0] == "clean":
            assert with_other[key].shape != array.shape


def test_each_half_is_normalised(quiet):
    act = quiet[1](LABELED, TARGETS, UNLABELED)
    for half in ("labeled", "unlabeled"):
        for i in (1, 2, 3):
            z = act["clean", half, "z", i]
            np.testing.assert_allclose(z.mean(0), 0, atol=1e-5)
            np.testing.assert_allclose(z.std(0), 1, rtol=1e-4)


def test_activations_of_the_estimates(quiet):
    act = quiet[1](LABELED, TARGETS, UNLABELED)
    for i in range(4):
        expected = ACTIVATIONS["softmax" if i == 3 else "relu"](act["est", "unlabeled", "z", i].astype("float64"))
        np.testing.assert_allclose(act["est", "unlabeled", "h", i], expected, rtol=1e-5)


def test_the_clean_path_has_no_noise():
    ladder, arrays = built(decoder_spec=("i",))
    draws = set(ladder.noise.draws)
    for variable in [*ladder.clean_outputs(), ladder.costs.class_clean, ladder.error.clean]:
        assert not draws & set(ComputationGraph([variable]).variables)
    outputs = [ladder.costs.class_clean, ladder.costs.class_corr]
    function = aesara.function(list(arrays), outputs, mode=PYTHON, on_unused_input="ignore")
    (clean, corr), (clean_again, corr_again) = (function(*arrays.values()) for _ in range(2))
    assert clean == clean_again and corr != corr_again


def test_noise_is_drawn_for_both_halves_together_layers_upward():
    ladder, arrays = built(f_local_noise_std=(9.0, 0.2, 0.0, 0.4))
    draws = value(ladder.noise.draws, arrays)
    n = N_LABELED + N_UNLABELED
    assert [draw.shape for draw in draws] == [(n, *IN_DIM), (n, 5), (n, 3)]  # none at layer 2


def test_noise_is_part_of_the_lateral_signal():
    ladder, arrays = built(decoder_spec=("0",), super_noise_std=0.0, f_local_noise_std=(0.25,))
    clean, corr = ladder.act.clean.unlabeled.z[1], ladder.act.corr.unlabeled.z[1]
    clean, corr, draw = value([clean, corr, ladder.noise.draws[0]], arrays)
    np.testing.assert_allclose(corr - clean, 0.25 * draw[N_LABELED:], rtol=1e-4, atol=1e-6)


def test_gradients_flow_through_the_clean_path():
    """Neither the denoising targets nor the clean statistics are constants."""
    ladder, arrays = built(decoder_spec=("i",), f_local_noise_std=(0.3,))
    cost, clean = ladder.costs.denois[1], ladder.act.clean.unlabeled
    for target in (clean.z[1], clean.s[1]):  # not the mean, whose gradient is 0: it shifts both sides of the difference
        assert np.abs(value(at.grad(cost, target), arrays)).max() > 0


# --- Running averages


@pytest.mark.parametrize("half", ["both", "labeled", "unlabeled"])
def test_running_averages(half):
    """They are unbiased, and of the labelled half where there is one; their counter stops at 10."""
    ladder, arrays = built(half, decoder_spec=("0",))
    perturb(ladder)
    averages = [name for name in ladder.shareds if name.startswith("shared_")]
    assert sorted(averages) == sorted(f"shared_f_{i}_bn_{kind}_clean" for i in (1, 2, 3) for kind in ("mean", "var"))
    updates = ComputationGraph(ladder.clean_outputs()).updates
    assert set(updates) == {ladder.shareds[name] for name in (*averages, "counter")}
    function = aesara.function(list(arrays), [], updates=updates, mode=PYTHON, on_unused_input="ignore")

    W = ladder.shareds["f_1_W"].get_value().astype("float64")
    rng = np.random.RandomState(2)
    mean, var = np.zeros(5), np.zeros(5)
    for k in range(1, 14):
        n = 3 + k % 4
        batch = {
            "features_labeled": rng.randn(n, *IN_DIM).astype("float32"),
            "targets_labeled": np.zeros(n, int),
            "features_unlabeled": rng.randn(5, *IN_DIM).astype("float32") + 2,
        }
        function(*[batch[v.name] for v in arrays])
        z = batch["features_unlabeled" if half == "unlabeled" else "features_labeled"].reshape(-1, 6) @ W
        weight = 1 / min(k, 10)
        mean = weight * z.mean(0) + (1 - weight) * mean
        var = weight * z.var(0, ddof=1) + (1 - weight) * var
        assert ladder.shareds["counter"].get_value() == min(k + 1, 10)
        np.testing.assert_allclose(ladder.shareds["shared_f_1_bn_mean_clean"].get_value(), mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ladder.shareds["shared_f_1_bn_var_clean"].get_value(), var, rtol=1e-4)
    assert ladder.shareds["counter_max"].get_value() == 10


def test_statistics_start_at_nothing_seen():
    ladder, _ = built("labeled")
    assert ladder.shareds["counter"].get_value() == 1
    assert (ladder.shareds["shared_f_1_bn_var_clean"].get_value() == 0).all()
    assert not has_role(ladder.shareds["shared_f_1_bn_var_clean"], PARAMETER)
