"""Learning-rate schedules against their formulas, and PyTorch's."""

import aesara
import numpy as np
import pytest

from ladder.errors import UserError
from ladder.optimisation import resolve_schedule
from ladder.options import Options
from ladder.training.extensions.learning_rate import LearningRate
from ladder.training.extensions.saving import Log
from ladder.training.main_loop import MainLoop
from ladder.training.schedules import rate_after

NETWORK = dict(encoder_layers="10-5", denoising_cost_x=(0, 0, 0))


def rates(rows, **options):
    """Rates of the first epoch and of the epoch after each row."""
    schedule = resolve_schedule(Options.of(**NETWORK, **options))
    return [rate_after(schedule, rows[:k]) for k in range(len(rows) + 1)]


class TestLinear:
    def rates(self, num_epochs, decay):
        return rates([{}] * num_epochs, num_epochs=num_epochs, lrate_decay=decay)

    def test_150_epochs_as_in_the_paper(self):
        found = self.rates(150, 0.67)
        assert found[:101] == [0.002] * 101
        assert found[101] < 0.002  # the 102nd epoch is the first with a lower rate
        assert found[149] == pytest.approx(4.04e-5, rel=1e-3)
        assert found[150] == 0
        np.testing.assert_allclose(np.diff(found[101:]), -0.002 / (150 - 150 * 0.67), rtol=1e-3)

    def test_no_decay_and_decay_from_the_start(self):
        assert self.rates(4, 1.0) == [0.002] * 5
        assert self.rates(4, 0.0) == pytest.approx([0.002, 0.0015, 0.001, 0.0005, 0])


def test_by_the_epoch_alone():
    rows = [{}] * 8
    some = dict(lr=1.0, num_epochs=8)
    assert rates(rows, lr_schedule="constant", **some) == [1.0] * 9
    assert rates(rows, lr_schedule="step", lr_every=3, lr_factor=0.5, **some) == [
        1,
        1,
        1,
        0.5,
        0.5,
        0.5,
        0.25,
        0.25,
        0.25,
    ]
    assert rates(rows, lr_schedule="exponential", lr_factor=0.5, **some) == [0.5**k for k in range(9)]
    found = rates(rows, lr_schedule="cosine", **some)
    np.testing.assert_allclose(found, [(1 + np.cos(np.pi * k / 8)) / 2 for k in range(9)], atol=1e-15)


def test_warm_up_comes_before_whatever_schedule():
    for name in ("linear", "cosine", "step", "constant"):
        found = rates([{}] * 10, lr_schedule=name, lr=1.0, num_epochs=10, warmup_epochs=4)
        assert found[:4] == [0.25, 0.5, 0.75, 1.0]
        assert found[4:] == rates([{}] * 6, lr_schedule=name, lr=1.0, num_epochs=6)


def test_plateau():
    errors = [9, 7, 7, 8, 6, 6, 6, 6, 5, 5]
    rows = [{"valid_approx_error_rate_clean": error} for error in errors]
    found = rates(rows, lr_schedule="plateau", lr=1.0, lr_every=2, lr_factor=0.1, num_epochs=20)
    np.testing.assert_allclose(found, [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])


def test_plateau_is_that_of_pytorch():
    """PyTorch's patience is one epoch shorter: it counts the epochs that are tolerated."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    errors = np.random.RandomState(0).permutation(60) / 3 + np.linspace(20, 0, 60)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.5, patience=4, threshold=0)
    expected = [1.0]
    for error in errors:
        plateau.step(error)
        expected.append(theirs.param_groups[0]["lr"])
    rows = [{"valid_approx_error_rate_clean": error} for error in errors]
    found = rates(rows, lr_schedule="plateau", lr=1.0, lr_every=5, lr_factor=0.5, num_epochs=60)
    assert len(set(expected)) > 3
    np.testing.assert_allclose(found, expected)


def test_bold_driver():
    rows = [{"train_cost_total": cost} for cost in (5.0, 4.0, 4.5, 4.5, 1.0)]
    found = rates(rows, lr_schedule="bold-driver", lr=1.0, lr_growth=1.1, lr_factor=0.5)
    np.testing.assert_allclose(found, [1, 1, 1.1, 0.55, 0.605, 0.6655])


def test_the_extension_sets_and_logs_the_rate_and_goes_on_where_the_log_ends():
    def trained(rows, num_epochs, **options):
        """The rate that the updates of each epoch would use, the final rate, and the log."""
        rate, log, used = aesara.shared(np.float32(7)), Log(), []

        class NoExamples:
            def get_request_iterator(self):
                used.append(float(rate.get_value()))
                return iter([])

        log.text = rows
        given = {**NETWORK, "lr_schedule": "exponential", "lr_factor": 0.5, "num_epochs": 9, **options}
        loop = MainLoop(NoExamples(), num_epochs, [LearningRate(rate, resolve_schedule(Options.of(**given)), log), log])
        loop.epochs_done = len(log.rows)
        for _ in loop.train(1):
            raise AssertionError("there is nothing to update")
        return used, rate.get_value(), log

    used, whole, log = trained("", 4)
    np.testing.assert_allclose(used, [0.002 / 2**k for k in range(4)], rtol=1e-6)
    assert whole == np.float32(0.002 / 16)
    assert [row.get("learning_rate") for row in log.rows[:4]] == [float(np.float32(0.002 / 2**k)) for k in range(1, 5)]
    first_three = "".join(line + "\n" for line in log.text.splitlines()[:3])
    used, again, continued = trained(first_three, 4)
    np.testing.assert_allclose(used, [0.002 / 8], rtol=1e-6)
    assert again == whole and continued.text == log.text
    np.testing.assert_allclose(trained("", 4, warmup_epochs=2)[0], [0.001, 0.002, 0.002, 0.001], rtol=1e-6)


@pytest.mark.parametrize(
    "options, named",
    [
        (dict(lr_factor=0.5), "--lr-factor is of no use to --lr-schedule linear: .* step, exponential, plateau"),
        (dict(lr_schedule="step", lr_growth=2), "--lr-growth .* bold-driver"),
        (dict(lr_schedule="cosine", lr_every=2), "--lr-every"),
        (dict(warmup_epochs=5, num_epochs=5), "--warmup-epochs 5 leaves none of --num-epochs 5"),
    ],
)
def test_what_fits_no_schedule(options, named):
    with pytest.raises(UserError, match=named):
        resolve_schedule(Options.of(**NETWORK, **options))


@pytest.mark.parametrize(
    "options",
    [dict(lr_schedule="cosin"), dict(lr_factor=1.0), dict(lr_factor=0.0), dict(lr_every=0), dict(lr_growth=0.9)],
)
def test_values_that_no_run_could_use(options):
    with pytest.raises(UserError, match="--lr-"):
        Options.of(**NETWORK, **options)
