"""Learning-rate range tests."""

import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from ladder.backends.c import Updates
from ladder.cli import main
from ladder.errors import TrainingStopped
from ladder.options import Options
from ladder.report.rate_test import rate_figure
from ladder.training.experiment import prepare
from ladder.training.rate_test import ALL_MADE, NOT_FINITE, ROSE, RateTest, Rising, range_test


def test_suggested_is_where_the_cost_falls_fastest_and_lies_below_the_lowest():
    rates = np.geomspace(1e-5, 10, 201)
    place = np.log10(rates)
    costs = 1 / (1 + np.exp(4 * (place + 2.5))) + 2 * np.maximum(0, place - 0.2) ** 2
    costs += 0.02 * np.random.RandomState(0).randn(len(costs))
    found = RateTest(rates, costs, ALL_MADE)
    assert 10**-2.7 < found.suggested < 10**-2.3  # the middle of the sigmoid
    assert 10**-2 < found.lowest < 10**0.4


def test_a_cost_that_only_rises_suggests_no_rate():
    found = RateTest(np.geomspace(1e-3, 1, 50), np.linspace(1, 2, 50), ALL_MADE)
    assert found.suggested is None
    (axes,) = rate_figure(found, "rises").axes
    assert axes.get_ylim()[0] < 1 and axes.get_ylim()[1] > 1.5


class Loop(SimpleNamespace):
    interrupted = False


def rise(costs, updates):
    rising, loop, rates = Rising(1e-4, 1.0, updates), Loop(), []
    rising.begin(SimpleNamespace(set_value=rates.append))
    rising.before_training(loop)
    for cost in costs:
        rising.after_batch(loop, {"cost_total": cost})
        rising.after_updates(loop)
        if loop.interrupted:
            break
    return rising, loop, rates


def test_rates_rise_evenly_on_a_logarithmic_scale():
    rising, loop, rates = rise([3.0] * 5, 5)
    np.testing.assert_allclose(rising.rates, [1e-4, 1e-3, 1e-2, 1e-1, 1])
    np.testing.assert_allclose(rates[:5], rising.rates, rtol=1e-6)
    assert loop.interrupted and rising.end == ALL_MADE


def test_it_ends_when_the_cost_has_risen():
    rising, loop, _ = rise([3.0, 1.0, 3.9, 4.1, 1.0], 9)
    assert rising.costs == [3.0, 1.0, 3.9, 4.1] and loop.interrupted and rising.end == ROSE


def test_each_update_has_its_own_rate_even_where_many_are_made_at_once(monkeypatch):
    monkeypatch.setattr(Updates, "at_once", 1000)  # as on a GPU
    network = dict(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0))
    (experiment,) = prepare([Options.of(**network)])
    found = range_test(experiment, 1e-5, 1e-3, 20)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-5, 1e-3, 20), rtol=1e-6)


def test_a_cost_that_is_not_finite_ends_it(monkeypatch):
    after_updates = Rising.after_updates

    def stopping(rising, loop):
        if len(rising.costs) == 5:
            raise TrainingStopped("cost is not finite")  # as the guard does, one update later
        after_updates(rising, loop)

    monkeypatch.setattr(Rising, "after_updates", stopping)
    (experiment,) = prepare([Options.of(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0))])
    found = range_test(experiment, 1e-5, 1e-3, 20)
    assert len(found.rates) == 5 and found.end == NOT_FINITE


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--from", "1", "--to", "0.1"], "--from 1 must be below --to 0.1."),
        (["--seed", "1", "2"], "lr-test looks at one network"),
        (["--output", "."], "--output . is a folder"),
    ],
)
def test_mistakes(options, sentence, capsys):
    assert main(["lr-test", "--dataset", "digits", "--encoder-layers", "10", *options]) == 2
    assert sentence in capsys.readouterr().err


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    """Uses the network that tests/cli/test_resume.py compiles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    network = "--dataset digits --encoder-layers 30-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1"
    # A schedule that depends on numbers that a range test does not have.
    schedule = "--unlabeled-samples 1137 --lr-schedule plateau --lr-every 1 --warmup-epochs 20"
    options = [*network.split(), *schedule.split(), "--labeled-samples", "250", "--threads", "1"]
    assert main(["lr-test", *options, "--updates", "60"]) == 0
    printed = capsys.readouterr().out
    assert "60 updates with rates from 1e-06 to 1" in printed or "the cost rose" in printed
    rate = float(printed.split("Suggested: --lr ")[1].split(",")[0])
    assert 1e-5 < rate < 0.5
    assert (tmp_path / "lr_test.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "results").exists()

    after_batch = Rising.after_batch

    def interrupting(rising, loop, values):
        after_batch(rising, loop, values)
        if len(rising.costs) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Rising, "after_batch", interrupting)
    assert main(["lr-test", *options, "--output", "other.png"]) == 130
    assert "Suggested" not in capsys.readouterr().out and not (tmp_path / "other.png").exists()
