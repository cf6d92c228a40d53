"""Runs with virtual adversarial noise and costs: from Python, interrupted, resumed from the command line."""

import os
import signal

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.data.npz import load_arrays

# No example is left for validation, which then need not be compiled.
OPTIONS = dict(
    dataset="digits",
    encoder_layers="10",
    decoder_spec="gauss",
    denoising_cost_x=(10, 0.1),
    labeled_samples=100,
    num_epochs=2,
    first_weights="both",
    adv_kind_unlabeled="vat",
    adv_path="layers",
    adv_layers=(0,),
    adv_tau_unlabeled=0.5,
    vat_cost=1.0,
    vat_radius=0.3,
    vat_iterations=1,
    vat_noise_std=0.5,
    noise="philox",
)


class InterruptAfter(ladder.Extension):
    def __init__(self, updates):
        self._updates = updates

    def after_batch(self, loop, values):
        if loop.updates_done == self._updates:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def test_interrupted_and_resumed_it_ends_bit_for_bit_as_in_one_go(tmp_path):
    whole = ladder.train("whole", **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        ladder.train("part", callbacks=[InterruptAfter(6)], **OPTIONS)
    assert main(["train", "--resume", "results/part0"]) == 0
    resumed = ladder.load("results/part0")
    for name, array in load_arrays(whole.folder / "trained_params.npz").items():
        np.testing.assert_array_equal(load_arrays(resumed.folder / "trained_params.npz")[name], array, err_msg=name)
    assert resumed.log == whole.log
    assert all(row["train_vat0"] > 0 for row in whole.log[:2])
    assert "T_C_vat" in (whole.folder / "log.txt").read_text()


@pytest.mark.parametrize(
    "options, sentence",
    [
        (dict(vat_radius=0), "vat_cost weighs layer 0, whose vat_radius is 0: give a radius above 0, or weight 0."),
        (
            dict(vat_radius=(1, 2, 3)),
            "vat_radius has 3 entries for 1 layer of adv_layers: give one, or 1 split by ','.",
        ),
        (dict(adv_kind_unlabeled="sgn"), "adv_path layers is for adv_kind_unlabeled vat, but it is sgn"),
        (dict(vat_iterations="many"), "vat_iterations: 'many' is not a whole number."),
    ],
)
def test_mistakes_from_python_name_the_argument(options, sentence):
    with pytest.raises(ValueError) as refused:
        ladder.train(**{**OPTIONS, **options})
    assert sentence in str(refused.value)
