"""Runs with other optimisers and schedules: interrupted, resumed, and what their logs and folders say."""

import os
import signal

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.data.npz import load_arrays
from ladder.options import Options
from ladder.tables.settings import differences, settings_of

#: The network that test_resume.py compiles.
NETWORK = dict(
    dataset="digits",
    encoder_layers="30-10",
    decoder_spec="gauss",
    denoising_cost_x=(10, 1, 0.1),
    labeled_samples=250,
    unlabeled_samples=1137,
    valid_set_size=202,
)
OTHERWISE = dict(
    optimizer="amsgrad",
    beta1=0.8,
    clip_norm=2.0,
    lr=0.01,
    lr_schedule="plateau",
    lr_every=1,
    lr_factor=0.3,
    warmup_epochs=2,
    num_epochs=7,
)


#: Also part of the run that is interrupted, because masks have random streams of their own.
REGULARISED = dict(l2=1e-4, max_norm=1.2, dropout=(0.1, 0.2, 0), drop_connect=0.1)


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


def test_interrupted_and_resumed_it_ends_bit_for_bit_as_in_one_go():
    """The optimiser's buffers come from the checkpoint, the learning rates from the log."""
    whole = ladder.train("whole", **NETWORK, **OTHERWISE, **REGULARISED)
    with pytest.raises(KeyboardInterrupt):
        ladder.train("part", callbacks=[InterruptAfter(53)], **NETWORK, **OTHERWISE, **REGULARISED)
    with np.load("results/part0/" + sorted(p for p in os.listdir("results/part0") if "checkpoint" in p)[-1]) as saved:
        assert any(name.endswith("f_1_W_largest") for name in saved.files)
    assert main(["train", "--resume", "results/part0"]) == 0
    resumed = ladder.load("results/part0")
    for name, array in load_arrays(whole.folder / "trained_params.npz").items():
        np.testing.assert_array_equal(load_arrays(resumed.folder / "trained_params.npz")[name], array, err_msg=name)
    assert resumed.log == whole.log
    rates, errors = (
        [row[name] for row in whole.log[:7]] for name in ("learning_rate", "valid_approx_error_rate_clean")
    )
    assert rates[0] == np.float32(0.01)  # the rate of the second of two warm-up epochs
    rose = [now >= min(errors[2:k]) for k, now in enumerate(errors) if k > 2]
    assert any(rose)
    np.testing.assert_allclose(rates[3:], 0.01 * 0.3 ** np.cumsum(rose), rtol=1e-6)


def test_mistakes_are_named_before_anything_is_trained(capsys):
    network = "--dataset digits --encoder-layers 30-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1".split()
    for options, sentence in (
        (["--optimizer", "adamw"], "--optimizer: unknown optimiser 'adamw': choose from sgd, momentum"),
        (["--momentum", "0.5"], "--momentum is of no use to --optimizer adam: leave it out, or choose from momentum"),
        (["--optimizer", "sgd", "--beta1", "0.5"], "--beta1 is of no use to --optimizer sgd"),
        (["--optimizer", "momentum", "--momentum", "1"], "--momentum is 1.0, but must be at least 0 and below 1"),
        (["--optimizer", "momentum", "--momentum", "0.99999999"], "must be 0.9999999 or less, as more is 1 in single"),
        (["--clip-norm", "1e-46"], "--clip-norm is 1e-46, but must be 0, or at least 1.2e-38, as less is 0 in single"),
        (["--max-norm", "1e-46"], "--max-norm is 1e-46, but must be 0, or at least 1.2e-38"),
        (["--epsilon", "1e-50"], "--epsilon is 1e-50, but must be 1.2e-38 or more, as less is 0 in single precision"),
        (["--beta2", "0.9999999"], "--beta2 is 0.9999999, but must be from 0 to 0.999999"),
        (["--clip-norm", "-1"], "--clip-norm"),
        (["--lr-schedule", "plateau"], "--lr-schedule plateau follows the validation error, and no examples are left"),
        (["--lr-schedule", "plateau", "--unsupervised"], "--unsupervised knows none: choose another"),
    ):
        assert main(["train", *network, *options]) == 2
        assert sentence in capsys.readouterr().err
        assert not os.path.exists("results")


def test_runs_are_told_apart_by_what_the_options_mean():
    def settings(**options):
        return settings_of(Options.of(**NETWORK, **options))

    plain = settings()
    assert differences(settings(epsilon=1e-8, beta1=0.9, optimizer="adam", lr_schedule="linear"), plain) == []
    assert differences(settings(optimizer="amsgrad"), plain) == ["optimizer"]
    assert differences(settings(beta2=0.99), plain) == ["optimizer"]
    assert differences(settings(lrate_decay=0.5), plain) == ["lr-schedule"]
    assert differences(settings(lr_schedule="cosine", lrate_decay=0.5), settings(lr_schedule="cosine")) == []
    assert differences(settings(clip_norm=1.0, warmup_epochs=2), plain) == ["warmup-epochs", "clip-norm"]
