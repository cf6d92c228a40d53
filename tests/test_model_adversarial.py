"""Adversarial noise in the ladder's graph, against finite differences of the NumPy ladder."""

import numpy as np
import pytest
from golden.evaluate import PYTHON, value
from golden.numpy_ladder import ACTIVATIONS, central_differences, forward, normalize, softmax
from test_model import (
    IN_DIM,
    LABELED,
    N_LABELED,
    TARGETS,
    UNLABELED,
    assert_gradients,
    built,
    numpy_costs,
    perturb,
    values_and_gradients,
)

from ladder.adversarial import _draw_from
from ladder.backends import c
from ladder.graph import ComputationGraph

STD = 0.3
HALVES = {"labeled": slice(N_LABELED), "unlabeled": slice(N_LABELED, None)}
SUFFIX = {"labeled": "", "unlabeled": "_unlabeled"}
DIMS = (6, 5, 4, 3)


def options(half, kind, tau=0.5, **more):
    return {"adv_kind" + SUFFIX[half]: kind, "adv_tau" + SUFFIX[half]: (tau,), **more}


def evaluated(**more):
    """A perturbed ladder's parameters, its draws, and z of the corrupted path by (half, layer)."""
    ladder, arrays = built(**more)
    params = perturb(ladder)
    acts = {(half, i): getattr(ladder.act.corr, half).z[i] for half in HALVES for i in range(4)}
    n = len(ladder.noise.draws)
    values = value(
        [*ladder.noise.draws, *acts.values()], arrays, c.mode() if more.get("plain_graph") is False else PYTHON
    )
    return params, values[:n], dict(zip(acts, values[n:]))


def truth(params, noise):
    """The NumPy ladder; noise lists what is added to z of each layer: (all examples, units), or None."""
    return forward(
        params,
        LABELED,
        TARGETS,
        UNLABELED,
        decoders=[("gauss", True)] * 4,
        weights=(10, 1, 0.1, 0.2),
        noise=[None if x is None else x.reshape(len(x), -1) for x in noise],
        stds=[1.0] * 4,
    )


def scaled(draws):
    return [STD * draw.reshape(len(draw), -1).astype("float64") for draw in draws[:4]]


def cost_of(half, params, noise):
    """One half's corrupted cross-entropy as a function of noise; an unlabelled example's label is the argmax."""
    label = TARGETS if half == "labeled" else truth(params, noise).corr.h[3][HALVES[half]].argmax(1)

    def cost(noise):
        p = truth(params, noise).corr.h[3][HALVES[half]]
        return -np.log(p[np.arange(len(p)), label]).mean()

    return cost


def gradient_by(cost, noise, layer, half):
    """The gradient with respect to a layer's z, for the examples of one half."""

    def moved(arrays):
        changed = list(noise)
        changed[layer] = arrays["z"]
        return cost(changed)

    return central_differences(moved, {"z": noise[layer]}, step=1e-5)["z"][HALVES[half]]


def unit(x):
    return x / np.sqrt((x**2).sum(1, keepdims=True))


DIRECTIONS = {"sgn": np.sign, "udg": lambda x: x, "1N": unit, "kN": lambda x: np.sqrt(x.shape[1]) * unit(x)}


def assert_noise(added, u, tau, kind, U):
    sure = np.abs(U) > 1e-5 if kind == "sgn" else np.full(U.shape, True)
    assert sure.mean() > 0.9
    np.testing.assert_allclose(added[sure], tau * u[sure], rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", DIRECTIONS)
def test_noise_on_the_input(kind, half):
    """X + n + tau u for one half only; u comes from the gradient at X + n through that half's own statistics."""
    params, draws, z = evaluated(**options(half, kind))
    noise = scaled(draws)
    U = gradient_by(cost_of(half, params, noise), noise, 0, half)
    for other, batch in (("labeled", LABELED), ("unlabeled", UNLABELED)):
        added = z[other, 0].reshape(len(batch), -1) - batch.reshape(len(batch), -1) - noise[0][HALVES[other]]
        if other == half:
            assert_noise(added, DIRECTIONS[kind](U), 0.5, kind, U)
        else:
            np.testing.assert_allclose(added, 0, atol=1e-6)


@pytest.mark.parametrize("half", HALVES)
def test_through_the_clean_path(half):
    """The gradient is taken at X, without noise; the Gaussian noise is still added."""
    params, draws, z = evaluated(**options(half, "1N", adv_path="clean"))
    quiet = [np.zeros_like(x) for x in scaled(draws)]
    U = gradient_by(cost_of(half, params, quiet), quiet, 0, half)
    batch = LABELED if half == "labeled" else UNLABELED
    added = z[half, 0].reshape(len(batch), -1) - batch.reshape(len(batch), -1) - scaled(draws)[0][HALVES[half]]
    assert_noise(added, unit(U), 0.5, "1N", U)


@pytest.mark.parametrize("graph", ["plain", "fused"])
def test_noise_at_chosen_layers(graph):
    """All gradients come from one pass without adversarial noise; each layer has its own tau."""
    taus = {0: 0.5, 2: 0.25, 3: 0.125}
    params, draws, z = evaluated(
        adv_kind="kN", adv_layers=tuple(taus), adv_tau=tuple(taus.values()), plain_graph=graph == "plain"
    )
    noise = scaled(draws)
    cost = cost_of("labeled", params, noise)
    noisy = [x.copy() for x in noise]
    for i, tau in taus.items():
        noisy[i][:N_LABELED] += tau * DIRECTIONS["kN"](gradient_by(cost, noise, i, "labeled"))
    out = truth(params, noisy)
    for i in range(4):
        for half, rows in HALVES.items():
            found = z[half, i].reshape(len(z[half, i]), -1)
            np.testing.assert_allclose(found, out.corr.z[i][rows], rtol=1e-3, atol=1e-3, err_msg=f"{half} {i}")


@pytest.mark.parametrize(
    "half, path, layers, xi, iterations",
    [
        ("labeled", "corr", (0,), 0.01, 1),
        ("labeled", "corr", (0, 2), 0.5, 1),
        ("unlabeled", "corr", (0, 2), 0.5, 2),
        ("unlabeled", "clean", (0, 2), 0.5, 1),
    ],
)
def test_virtual_adversarial_training(half, path, layers, xi, iterations):
    """Power iterations on KL(p || p at z + xi d) move all layers at once, and begin with random directions d."""
    tau = {"adv_tau" + SUFFIX[half]: (0.5,) * len(layers)}
    how = dict(adv_path=path, adv_layers=layers, vat_xi=xi, vat_iterations=iterations)
    params, draws, z = evaluated(**{**options(half, "vat"), **tau, **how})
    assert len(draws) == 4 + len(layers)  # the directions are drawn after the Gaussian noise
    noise, rows = scaled(draws), HALVES[half]
    on_path = noise if path == "corr" else [np.zeros_like(x) for x in noise]
    p = truth(params, on_path).corr.h[3][rows]

    def moved(noise, by):
        noise = [x.copy() for x in noise]
        for i, change in by.items():
            noise[i][rows] += change
        return noise

    def divergence(noise):
        return kl(p, truth(params, noise).corr.h[3][rows])

    d = {i: unit(flat(draw)) for i, draw in zip(layers, draws[4:])}
    for _ in range(iterations):
        start = moved(on_path, {i: xi * u for i, u in d.items()})
        d = {i: unit(gradient_by(divergence, start, i, half)) for i in layers}
    out = truth(params, moved(noise, {i: 0.5 * u for i, u in d.items()}))
    tolerance = 5e-3 if xi == 0.01 else 1e-3  # close to p, float32 gradients are differences of nearly equal numbers
    for i in range(4):
        found = z[half, i].reshape(len(z[half, i]), -1)
        np.testing.assert_allclose(found, out.corr.z[i][rows], rtol=tolerance, atol=tolerance, err_msg=str(i))


# --- Passes that begin at a layer, with their own Gaussian noise. With xi = 0.5 the number of iterations matters.

PASSES = {"vat_iterations": 2, "vat_xi": 0.5, "vat_noise_std": 0.4}


def flat(draw):
    return draw.reshape(len(draw), -1).astype("float64")


def kl(p, q):
    return (p * np.log(p / q)).sum(1).mean()


def probabilities_from(params, i, z, noise):
    """Class probabilities of a pass that begins at the z of layer i of 4; noise lists what is added there and above."""
    params = {name: np.asarray(value, "float64") for name, value in params.items()}
    z, h = z + noise[0], None
    for j in range(i, 4):
        if j > i:
            z_pre = h @ params[f"f_{j}_W"]
            z = normalize(z_pre, z_pre.mean(0), z_pre.var(0)) + noise[j - i]
        h = z if j == 0 else z + params[f"f_{j}_b"]
        h = ACTIVATIONS["relu"](h) if 0 < j < 3 else h
    return softmax(h * params["f_3_c"])


def noise_from(i, n, draws, std):
    """The noise of a pass of n examples at layer i of 4 and above: one draw, a vector with one layer after another."""
    draw = next(draws) if std > 0 else np.zeros(n * sum(DIMS[i:]))
    parts = np.split(std * draw.astype("float64"), n * np.cumsum(DIMS[i:])[:-1])
    return [part.reshape(n, -1) for part in parts]


def direction_by_passes(params, i, z, p, draws, std=PASSES["vat_noise_std"]):
    """Unit vectors along which passes from z leave p fastest; advances the iterator of draws by what they need."""
    d = unit(flat(next(draws)))
    for _ in range(PASSES["vat_iterations"]):
        noise = noise_from(i, len(z), draws, std)
        moved = {"z": z + PASSES["vat_xi"] * d}
        gradient = central_differences(lambda a: kl(p, probabilities_from(params, i, a["z"], noise)), moved)
        d = unit(gradient["z"])
    return d


@pytest.mark.parametrize("graph", ["plain", "fused"])
def test_passes_that_begin_at_a_layer(graph):
    """They begin at the corrupted path's z before its noise, and move away from the clean path's probabilities."""
    taus = {0: 0.5, 2: 0.25, 3: 0.125}
    params, draws, z = evaluated(
        **{**options("unlabeled", "vat"), "adv_tau_unlabeled": tuple(taus.values())},
        adv_path="layers",
        adv_layers=tuple(taus),
        plain_graph=graph == "plain",
        **PASSES,
    )
    noise, rows, rest = scaled(draws), HALVES["unlabeled"], iter(draws[4:])
    found, noisy = truth(params, noise), [x.copy() for x in noise]
    for i, tau in taus.items():
        start = found.corr.z[i][rows] - noise[i][rows]
        noisy[i][rows] += tau * direction_by_passes(params, i, start, found.clean.h[3][rows], rest)
    assert next(rest, None) is None
    out = truth(params, noisy)
    for i in range(4):
        for half, rows in HALVES.items():
            found = z[half, i].reshape(len(z[half, i]), -1)
            np.testing.assert_allclose(found, out.corr.z[i][rows], rtol=1e-3, atol=1e-3, err_msg=f"{half} {i}")


def test_with_a_tiny_step_only_the_last_power_iteration_counts():
    """So one iteration finds what three find, if its pass has the noise of their last (docs/adversarial.md)."""
    rng = np.random.RandomState(3)

    def corrupted(iterations, last):
        ladder, arrays = built(
            **options("unlabeled", "vat"),
            adv_path="layers",
            adv_layers=(1,),
            vat_xi=1e-6,
            vat_noise_std=0.5,
            vat_iterations=iterations,
        )
        perturb(ladder)
        *gaussian, _ = ladder.noise.draws[:5]  # then come u's starting point and one draw per pass
        assert len(ladder.noise.draws) == 5 + iterations
        given = {**arrays, **dict(zip(gaussian, fixed)), ladder.noise.draws[-1]: last}
        return value(ladder.act.corr.unlabeled.z[1], given)

    fixed = [rng.randn(N_LABELED + len(UNLABELED), *dim).astype("float32") for dim in (IN_DIM, (5,), (4,), (3,))]
    last, other = (rng.randn(len(UNLABELED) * sum(DIMS[1:])).astype("float32") for _ in range(2))
    one = corrupted(1, last)
    np.testing.assert_allclose(corrupted(3, last), one, rtol=1e-4, atol=1e-5)
    assert np.abs(corrupted(1, other) - one).max() > 0.05


@pytest.mark.parametrize("graph, std", [("plain", 0.4), ("fused", 0.4), ("plain", 0.0)])
def test_the_virtual_adversarial_cost(graph, std):
    """KL from the corrupted path's probabilities, held constant as u is, to those of passes from z + radius u."""
    weights, radii = {0: 3.0, 2: 2.0}, {0: 0.5, 2: 0.25}
    ladder, arrays = built(
        vat_cost=tuple(weights.values()),
        vat_radius=tuple(radii.values()),
        adv_layers=tuple(weights),
        plain_graph=graph == "plain",
        **{**PASSES, "vat_noise_std": std},
    )
    perturbed = perturb(ladder)
    names = ladder.noise.draws + list(ladder.costs.vat.values())
    ladder.noise.draws = names  # to evaluate the costs too
    costs, gradients, values = values_and_gradients(ladder, arrays, PYTHON if graph == "plain" else c.mode())
    draws, vat = values[:-2], dict(zip(weights, values[-2:]))
    out, rows, rest = numpy_costs("gauss", draws), HALVES["unlabeled"], iter(draws[4:])
    corr = out(perturbed).corr
    p, us, noises = corr.h[3][rows], {}, {}
    for i in weights:
        us[i] = direction_by_passes(perturbed, i, corr.z[i][rows], p, rest, std)
        noises[i] = noise_from(i, len(p), rest, std)
    assert next(rest, None) is None

    def cost(params, i, corr):
        return kl(p, probabilities_from(params, i, corr.z[i][rows] + radii[i] * us[i], noises[i]))

    def total(params):
        found = out(params)
        return found.total + sum(weight * cost(params, i, found.corr) for i, weight in weights.items())

    for i in weights:
        assert vat[i] > 0.01
        np.testing.assert_allclose(vat[i], cost(perturbed, i, corr), rtol=1e-4, err_msg=str(i))
    np.testing.assert_allclose(costs["total"], total(perturbed), rtol=1e-4)
    assert_gradients(gradients, total, perturbed)


@pytest.mark.parametrize("graph", ["plain", "fused"])
def test_costs_and_gradients_with_the_noise_held_constant(graph):
    """On both halves; the outer gradient has no second derivatives, and targets and clean path have no noise."""
    more = {**options("labeled", "1N"), **options("unlabeled", "kN", 0.2), "plain_graph": graph == "plain"}
    ladder, arrays = built(**more)
    perturbed = perturb(ladder)
    ladder.noise.draws += [ladder.act.corr.labeled.z[0], ladder.act.corr.unlabeled.z[0]]  # to evaluate them too
    costs, gradients, (*draws, z_l, z_u) = values_and_gradients(
        ladder, arrays, PYTHON if graph == "plain" else c.mode()
    )
    corrupted = np.concatenate([z_l - LABELED, z_u - UNLABELED]) / np.float32(STD)
    assert np.abs(corrupted - draws[0]).max() > 0.1
    out = numpy_costs("gauss", [corrupted, *draws[1:]])
    for key in ("class_clean", "class_corr", "total"):
        np.testing.assert_allclose(costs[key], getattr(out(perturbed), key), rtol=5e-5, err_msg=key)
    for i, cost in out(perturbed).denois.items():
        np.testing.assert_allclose(costs[f"denois{i}"], cost, rtol=5e-5)
    assert_gradients(gradients, lambda params: out(params).total, perturbed)


@pytest.mark.parametrize(
    "options",
    [
        {"adv_kind": "vat", "adv_kind_unlabeled": "kN", "adv_layers": (0, 2), "adv_path": "clean"},
        {"adv_path": "layers", "vat_iterations": 3, "vat_radius": (0.5,), "vat_xi": 1.0, "vat_noise_std": 0.5},
    ],
)
def test_without_strength_it_is_the_graph_without_the_feature(options):
    plain, with_options = built(), built(**options)
    sizes = [len(ComputationGraph([ladder.costs.total]).variables) for ladder, _ in (plain, with_options)]
    assert sizes[0] == sizes[1] and len(plain[0].noise.draws) == len(with_options[0].noise.draws)
    values = []
    for ladder, arrays in (plain, with_options):
        perturb(ladder)
        values.append(values_and_gradients(ladder, arrays))
    for key, cost in values[0][0].items():
        np.testing.assert_array_equal(values[1][0][key], cost)
    for name, gradient in values[0][1].items():
        np.testing.assert_array_equal(values[1][1][name], gradient)


def test_adversarial_noise_alone():
    """Without Gaussian noise, at every layer."""
    quiet = {"super_noise_std": 0.0, "f_local_noise_std": (0.0,)}
    params, draws, z = evaluated(adv_tau=(0.5,), adv_kind="kN", adv_layers=(0, 1, 2, 3), **quiet)
    assert draws == []
    noise = [np.zeros((13, dim)) for dim in DIMS]
    cost, noisy = cost_of("labeled", params, noise), [x.copy() for x in noise]
    for i in range(4):
        noisy[i][:N_LABELED] += 0.5 * DIRECTIONS["kN"](gradient_by(cost, noise, i, "labeled"))
    out = truth(params, noisy)
    for i in range(4):
        found = z["labeled", i].reshape(N_LABELED, -1)
        np.testing.assert_allclose(found, out.corr.z[i][:N_LABELED], rtol=1e-3, atol=1e-3)


def test_scaled_by_dimension():
    ladder, _ = built(adv_tau=(0.5,), adv_layers=(0, 2), adv_scale="dim")
    kind, taus = ladder.adversarial["labeled"]
    assert kind == "sgn" and taus == {0: 0.5, 2: pytest.approx(0.5 * np.sqrt(4 / 6))}


def test_a_network_that_is_sure_gives_no_nan():
    """Its logits are so large that probabilities are 0 and 1."""
    ladder, arrays = built(adv_tau=(0.5,), adv_kind="1N", adv_tau_unlabeled=(0.5,), adv_kind_unlabeled="kN")
    perturb(ladder)
    ladder.shareds["f_3_c"].set_value(np.float32([1e4, 1e4, 1e4]))
    for half in HALVES:
        z = value(getattr(ladder.act.corr, half).z[0], arrays)
        assert np.isfinite(z).all()


def test_passes_may_begin_at_a_layer_of_pieces():
    """In a maxout layer, noise and directions have as many entries as z, two for each h."""
    ladder, arrays = built(
        act=("relu", "maxout:2", "sigmoid", "softmax"),
        adv_layers=(1,),
        vat_cost=(1.0,),
        vat_radius=(0.5,),
        vat_noise_std=0.5,
    )
    perturb(ladder)
    clean, parameters = ladder.act.clean.unlabeled, ladder.encoder_parameters()
    act = ladder.begin_path(1, clean.z[1], {}, parameters)
    ladder.climb([(act, {})], ladder.layers[2:], parameters)
    draws = [draw for draw, _ in _draw_from(ladder, 1, len(UNLABELED)).values()]
    found, expected, cost, *draws = value([act.logits, clean.logits, ladder.costs.vat[1], *draws], arrays)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert cost > 0 and [draw.shape for draw in draws] == [(7, 10), (7, 4), (7, 3)]
