"""A network compared with its golden file: agreement passes, every kind of disagreement fails."""

import dataclasses
import re

import numpy as np
import pytest

from ladder.errors import UserError
from ladder.parity import configuration, golden, model_file
from ladder.parity.comparison import FAILED, PASSED, Result

NAME = "fc_small_baseline"


@pytest.fixture(scope="session")
def file(golden_dir):
    return golden.read(golden_dir, NAME)


@pytest.fixture(scope="session")
def ours(file):
    """Our arrays: computed once, since compiling takes most of the time."""
    return model_file.compute(file, model_file.build(file))


def compare(file, ours):
    result = Result(file.name)
    model_file.compare_arrays(file, ours, result)
    return result


def altered(file, name, factor=1.01):
    """The golden file with one array changed."""
    array = file.arrays[name] * factor + (factor - 1)
    return dataclasses.replace(file, arrays={**file.arrays, name: array})


def test_agrees(file, ours):
    result = compare(file, ours)
    assert result.verdict == PASSED
    assert {"initial values", "noise", "activations", "costs", "gradients", "running averages"} <= set(result.lines)


@pytest.mark.parametrize(
    "kind, name",
    [
        ("initial values", "init__f_2_W"),
        ("noise", "pertn__noise__1"),
        ("noise states", "noisy__mrg_rstate_first3rows__0"),
        ("noise", "calls__noise_call2__0"),
        ("activations", "clean0__act__clean__labeled__z__2"),
        ("costs", "pert0__cost__total"),
        ("costs", "calls__cost__class_corr"),
        ("error rates", "clean0__cost__error_rate_clean"),
        ("gradients", "pertn__grad__f_1_W"),
        ("running averages", "pert0__bn_after_2__shared_f_1_bn_mean_clean"),
        ("costs over updates", "traj0__cost__total"),
        ("gradient norms", "traj0__grad_norm"),
        ("parameters", "traj0__param_after_1__f_1_b"),
        ("parameters", "traj0__param_after_20__f_4_W"),
    ],
)
def test_an_altered_array_fails_its_kind_alone(file, ours, kind, name):
    result = compare(altered(file, name), ours)
    assert result.verdict == FAILED
    assert [line.kind for line in result.lines.values() if line.failures] == [kind]
    assert name in result.lines[kind].failures[0]


def test_a_single_entry_is_enough(file, ours):
    array = file.arrays["pert0__grad__f_1_W"].copy()
    array[3, 4] += 1e-3 * np.abs(array).max()
    changed = dataclasses.replace(file, arrays={**file.arrays, "pert0__grad__f_1_W": array})
    assert compare(changed, ours).verdict == FAILED


@pytest.mark.parametrize("name", ["clean0__grad__f_9_W", "clean0__act__est__z__0", "something__else"])
def test_arrays_that_we_do_not_have_fail(file, ours, name):
    extended = dataclasses.replace(file, arrays={**file.arrays, name: np.zeros(3)})
    assert compare(extended, ours).verdict == FAILED


def test_arrays_that_the_file_lacks_are_not_compared(file, ours):
    fewer = {name: a for name, a in file.arrays.items() if re.match("static_|traj_|pert__|clean0__cost", name)}
    result = compare(dataclasses.replace(file, arrays=fewer), ours)
    assert result.verdict == PASSED
    assert set(result.lines) == {"costs", "error rates"}


def test_a_file_of_inputs_alone_fails(file, ours):
    inputs = {name: a for name, a in file.arrays.items() if re.match("static_|traj_|pert__", name)}
    assert compare(dataclasses.replace(file, arrays=inputs), ours).verdict == FAILED


@pytest.mark.parametrize("change", [{"shared_creation_order": ["f_1_W"]}, {"param_order": ["f_1_W", "other"]}])
def test_other_parameter_names_fail(file, change):
    result = Result(NAME)
    model_file.compare(dataclasses.replace(file, meta={**file.meta, **change}), result)
    assert result.verdict == FAILED


def with_gradients(file, **sizes):
    gradients = {f"clean0__grad__{name}": np.array([size, 0.0]) for name, size in sizes.items()}
    return dataclasses.replace(file, arrays=gradients)


def test_only_gradients_that_are_rounding_leave_parameters_out(file):
    """A gradient of zero moves nothing, and a small gradient is still one."""
    gradients = with_gradients(file, W=2.0, small=1e-4, rounding=1e-9, zero=0.0)
    assert model_file.moved_by_rounding(gradients) == {"rounding"}


def test_what_depends_on_rounding_is_left_out_and_said(file, ours):
    """Only where we differ both from the original and from our own second run; the costs before that still count."""
    moved = {**ours.again[0], "traj0__param_after_20__f_1_W": ours.arrays["traj0__param_after_20__f_1_W"] + 1}
    moved["traj0__cost__total"] = ours.arrays["traj0__cost__total"] + (np.arange(20) > 7)
    result = compare(file, dataclasses.replace(ours, again=[moved]))
    assert result.verdict == PASSED and result.notes == []
    wrong = altered(altered(file, "traj0__param_after_20__f_1_W"), "traj0__cost__total")
    result = compare(wrong, dataclasses.replace(ours, again=[moved]))
    assert "left out: 2 arrays" in result.notes[0]
    assert [line.kind for line in result.lines.values() if line.failures] == ["costs over updates"]


def test_nothing_is_left_out_of_a_well_behaved_file(file, ours):
    assert len(ours.again) == model_file.NUDGES
    assert compare(file, ours).notes == []


def test_every_option_of_the_configuration_is_used():
    p_effective = {
        "encoder_layers": [[12], "fc:7", "3"],
        "act": ["sigmoid"],
        "decoder_spec": ["sig"],
        "seed": 4,
        "lr": 0.1,
        "denoising_cost_x": [1, 2, 3],
        "f_local_noise_std": [0.1, 0.2, 0.3],
        "super_noise_std": 0.5,
        "zestbn": "no",
        "top_c": False,
        "batch_size": 100,
        "dseed": 1,
        "valid_batch_size": 100,
    }
    p, in_dim = configuration.options_of({"p_effective": p_effective})
    assert in_dim == (12,) and p.encoder_layers == ("fc:7", "3")
    assert (p.act, p.decoder_spec, p.seed, p.lr) == (("sigmoid",), ("sig",), 4, 0.1)
    assert (p.f_local_noise_std, p.super_noise_std, p.zestbn, p.top_c) == ((0.1, 0.2, 0.3), 0.5, "no", False)


def test_configuration_without_effective_options():
    config = {"in_dim": [1, 2, 3], "encoder_layers": ["5"], "denoising_cost_x": [1.0, 0.0], "f_local_noise_std": 0.5}
    p, in_dim = configuration.options_of({"config": config})
    assert in_dim == (1, 2, 3) and p.encoder_layers == ("5",)
    assert p.f_local_noise_std == (0.5,)


def test_configuration_that_cannot_be_built():
    with pytest.raises(UserError):
        configuration.options_of({"config": {"in_dim": [4], "encoder_layers": ["5"], "seed": -1}})


def test_pooling_layers_are_recognised():
    meta = {
        "config": {"in_dim": [1, 8, 8], "encoder_layers": ["convf:4:5:1:1", "maxpool:2:2", "globalmeanpool:0", "10"]}
    }
    assert [configuration.is_pooling(meta, i) for i in range(5)] == [False, False, True, True, False]


def test_rounding_is_measured_by_the_largest_first_gradient(file):
    """What is left of a sum that should be zero may be any number as small as that."""
    gradients = with_gradients(file, W=2.0, rounding=1e-9)
    ours = model_file.Ours({**gradients.arrays, "clean0__grad__rounding": np.array([1.5e-6, 0.0])}, [])
    result = Result(NAME)
    model_file.compare_arrays(gradients, ours, result)
    assert result.verdict == PASSED
    ours.arrays["clean0__grad__rounding"][0] = 2.5e-6
    result = Result(NAME)
    model_file.compare_arrays(gradients, ours, result)
    assert result.verdict == FAILED
