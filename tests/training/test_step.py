"""One update: which variables it changes, and to what."""

import aesara
import numpy as np
import pytest
from golden.evaluate import PYTHON

from ladder.graph import ComputationGraph
from ladder.model import LadderAE
from ladder.options import Options
from ladder.training.step import input_variables, training_step

IN_DIM = (2, 3)
LR = 0.01


def test_input_variables():
    x, y, x_only = input_variables((1, 28, 28))
    assert [v.name for v in (x, y, x_only)] == ["features_labeled", "targets_labeled", "features_unlabeled"]
    assert [v.dtype for v in (x, y, x_only)] == ["float32", "int64", "float32"]
    assert x.type.shape == x_only.type.shape == (None, 1, 28, 28) and y.type.shape == (None,)


def batch(k):
    rng = np.random.RandomState(k)
    x, x_only = rng.randn(6, *IN_DIM), rng.randn(7, *IN_DIM)
    return x.astype("float32"), rng.randint(0, 3, 6), x_only.astype("float32")


@pytest.fixture(scope="module")
def stepped():
    """Two updates of a ladder that trains the decoders of layer 1 and above, but not layer 0's."""

    class Stepped:
        p = Options(
            encoder_layers=("4", "3"),
            denoising_cost_x=(0.0, 2.0, 1.0),
            decoder_spec=("sig", "sig", "lin"),
            plain_graph=True,
            lr=LR,
        )
        ladder = LadderAE(p, IN_DIM)
        inputs = input_variables(IN_DIM)

    ladder = Stepped.ladder
    ladder.apply(*Stepped.inputs)
    rng = np.random.RandomState(0)
    for shared in ComputationGraph([ladder.costs.total]).parameters:
        first = shared.get_value()
        shared.set_value((first + 0.3 * rng.randn(*first.shape)).astype("float32"))
    step = Stepped.step = training_step(ladder)
    outputs = [step.gradient_norm, *step.gradients]
    function = aesara.function(Stepped.inputs, outputs, updates=step.updates, mode=PYTHON)
    values = lambda: {v: v.get_value() for v in [*step.updates, *ladder.shareds.values()]}  # noqa: E731
    Stepped.states, Stepped.outputs = [values()], []
    for k, lr in enumerate((LR, LR / 4)):
        step.learning_rate.set_value(np.float32(lr))
        Stepped.outputs.append(function(*batch(k)))
        Stepped.states.append(values())
    return Stepped


def test_parameters_are_those_of_the_total_cost(stepped):
    names = [v.name for v in stepped.step.parameters]
    assert names == sorted(names)
    assert {"f_1_W", "f_1_b", "f_2_W", "f_2_b", "f_2_c", "g_1_W", "g_1_a2", "g_2_a1"} <= set(names)
    assert not any(name.startswith("g_0") for name in names)
    assert len(stepped.step.gradients) == len(names)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    "options, untaught",
    [
        # The top decoder takes nothing from h.
        (dict(encoder_layers=("4",), denoising_cost_x=(10.0, 1.0), decoder_spec=("gauss0",)), {"f_1_b", "f_1_c"}),
        # The decoder below takes h of a layer that has no decoder itself.
        (dict(encoder_layers=("4", "3"), denoising_cost_x=(1.0, 1.0, 0.0), decoder_spec=("gauss", "gauss", "0")), {"f_2_b"}),
        # The direction of adversarial noise is a constant.
        (
            dict(encoder_layers=("4", "3"), denoising_cost_x=(1.0, 1.0, 0.0), decoder_spec=("gauss", "gauss", "0"),
                 adv_tau_unlabeled=(0.1,), l2=0.1, max_norm=1.0),
            {"f_2_W", "f_2_b"},
        ),
    ],
)  # fmt: skip
def test_without_labels_what_no_gradient_reaches_is_not_learnt(options, untaught, plain):
    ladder = LadderAE(Options(unsupervised=True, plain_graph=plain, **options), IN_DIM)
    ladder.apply(input_unlabeled=input_variables(IN_DIM)[2])
    names = [v.name for v in training_step(ladder).parameters]
    assert "f_1_W" in names and not untaught & set(names)


def test_what_is_updated(stepped):
    updated = [v.name for v in stepped.step.updates]
    assert len(updated) == len(set(updated))
    learnt = [v.name for v in stepped.step.parameters]
    moments = [f"{name}_{kind}" for name in learnt for kind in ("mean", "variance")]
    averages = [f"shared_f_{i}_bn_{kind}_clean" for i in (1, 2) for kind in ("mean", "var")]
    assert set(updated) == {*learnt, *moments, *averages, "counter", "adam_time"}


def test_updates_keep_types(stepped):
    for state in stepped.states[1:]:
        for v, new in state.items():
            assert new.dtype == np.float32 and new.shape == stepped.states[0][v].shape


def test_gradient_norm(stepped):
    for norm, *gradients in stepped.outputs:
        flat = np.concatenate([g.ravel() for g in gradients]).astype("float64")
        np.testing.assert_allclose(norm, np.linalg.norm(flat), rtol=1e-5)


def test_first_update_is_adams(stepped):
    """It is a step of the learning rate against each gradient's sign."""
    before, after = stepped.states[:2]
    for v, g in zip(stepped.step.parameters, stepped.outputs[0][1:]):
        root = 0.001**0.5 * np.abs(g)
        expected = before[v] - LR * np.sign(g) * root / (root + 1e-8)
        np.testing.assert_allclose(after[v], expected, rtol=1e-5, atol=1e-5, err_msg=v.name)
        assert (after[v] != before[v]).any()


def test_second_update_remembers_the_first_and_takes_the_new_rate(stepped):
    before, after = stepped.states[1:]
    rate = LR / 4 * np.sqrt(1 - 0.999**2) / (1 - 0.9**2)
    for k, v in enumerate(stepped.step.parameters, start=1):
        g1, g2 = (np.float64(outputs[k]) for outputs in stepped.outputs)
        m, second = 0.09 * g1 + 0.1 * g2, 0.000999 * g1**2 + 0.001 * g2**2
        expected = before[v] - rate * m / (np.sqrt(second) + 1e-8)
        np.testing.assert_allclose(after[v], expected, rtol=1e-5, atol=1e-5, err_msg=v.name)


def test_running_averages_follow_with_the_parameters_of_before_the_update(stepped):
    for k in (0, 1):
        W = stepped.states[k][stepped.ladder.shareds["f_1_W"]].astype("float64")
        z = batch(k)[0].reshape(6, 6) @ W
        weight = 1 / (k + 1)
        for kind, new in (("mean", z.mean(0)), ("var", z.var(0, ddof=1))):
            average = stepped.ladder.shareds[f"shared_f_1_bn_{kind}_clean"]
            expected = weight * new + (1 - weight) * stepped.states[k][average]
            np.testing.assert_allclose(stepped.states[k + 1][average], expected, rtol=1e-4, atol=1e-6)
    assert stepped.states[2][stepped.ladder.shareds["counter"]] == 3


def test_what_costs_nothing_stays(stepped):
    left_alone = [v for name, v in stepped.ladder.shareds.items() if name.startswith("g_0") or name == "counter_max"]
    assert len(left_alone) == 11
    for v in left_alone:
        np.testing.assert_array_equal(stepped.states[2][v], stepped.states[0][v])
