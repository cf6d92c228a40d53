"""Runs that end early, keep their best epoch, or run out of time: what they leave, and how they go on."""

import math
import os
import shutil

import numpy as np
import pytest

import ladder
from ladder.arguments import ArgumentError
from ladder.cli import main
from ladder.data.npz import load_arrays
from ladder.runs.arrays import TrainedArrays
from ladder.runs.folder import RunFolder
from ladder.tables.found_runs import find_runs
from ladder.tables.grouping import Group, Row, usable
from ladder.training.extensions import deadline

#: The network of the doctests.
NETWORK = dict(
    dataset="digits",
    encoder_layers="10",
    denoising_cost_x=(0, 0),
    labeled_samples=100,
    unlabeled_samples=1137,
    valid_set_size=300,
    lr=0.05,
    lr_schedule="constant",
)
ERROR = "valid_approx_error_rate_clean"
FILES = ("trained_params.npz", "running_statistics.npz", "best_params.npz")


class LateAfter(ladder.Extension):
    """Makes the time run out after an update."""

    def __init__(self, updates, patch):
        self._updates, self._patch = updates, patch

    def after_batch(self, loop, values):
        if loop.updates_done == self._updates:
            self._patch.setattr(deadline.time, "monotonic", lambda: math.inf)


def enter(folder, patch):
    patch.chdir(folder)
    patch.delenv("FUEL_DATA_PATH", raising=False)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    enter(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that ended early, and kept its best epoch."""
    with pytest.MonkeyPatch.context() as patch:
        enter(tmp_path_factory.mktemp("whole"), patch)
        model = ladder.train("whole", **NETWORK, num_epochs=30, patience=3, keep="best")
        model.folder_as_it_was = model.folder.resolve()
        return model


@pytest.fixture
def run(whole, tmp_path):
    """A copy of that run's folder."""
    return shutil.copytree(whole.folder_as_it_was, tmp_path / "results" / "whole0")


def arrays(folder):
    return {name: load_arrays(folder / name) for name in FILES}


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_it_ends_after_the_patience_and_the_best_epoch_is_that_of_a_run_which_ends_there(whole):
    """Neither ending early nor keeping the best epoch changes a bit: shorter runs that do neither are the same."""
    errors = [row[ERROR] for row in whole.log[:-1]]
    best = int(np.argmin(errors)) + 1
    epochs = len(errors)
    assert 1 < best and epochs == best + 3 < 30 and whole.log[-1]["epoch"] == epochs
    assert whole.log[-1]["best_epoch"] == best
    last, of_best = whole._run.load_arrays("last"), whole.best._run.load_arrays()
    for n, kept, prefix in ((best, of_best, "valid_best_"), (epochs, last, "valid_final_")):
        short = ladder.train(**NETWORK, num_epochs=n)
        expected = short._run.load_arrays()
        assert kept.final
        assert_same(kept.parameters, expected.parameters)
        assert_same(kept.statistics, expected.statistics)
        assert short.log[:n] == whole.log[:n]
        finally_ = {name[12:]: value for name, value in short.log[-1].items() if name.startswith("valid_final_")}
        assert finally_ == {name[len(prefix) :]: x for name, x in whole.log[-1].items() if name.startswith(prefix)}
    assert not np.array_equal(last.parameters["f_1_W"], of_best.parameters["f_1_W"])


def test_interrupted_and_killed_it_ends_bit_for_bit_the_same(whole, monkeypatch):
    """It runs out of time after the best epoch, and is killed between the files of the best and the last parameters."""
    best, run = whole.log[-1]["best_epoch"], RunFolder("results/part0")
    with monkeypatch.context() as patch:
        more = dict(
            num_epochs=30, patience=3, keep="best", max_minutes=1000, callbacks=[LateAfter(12 * best + 5, patch)]
        )
        with pytest.raises(KeyboardInterrupt, match="go on with: run.py train --resume results/part0"):
            ladder.train("part", **NETWORK, **more)
    assert run.epochs_done() == best
    assert run.load_environment()["callbacks"] == ["LateAfter"]
    checkpoints = [load_arrays(path) for path in run.path.glob("checkpoint*")]
    assert checkpoints and all("best_f_1_W" in content for content in checkpoints)
    # The parameters kept so far can be used: their statistics are not final yet, so they are estimated.
    halfway = ladder.load("results/part0", parameters="best")
    assert_same(halfway._run.load_arrays().parameters, whole.best._run.load_arrays().parameters)
    assert not halfway._run.load_arrays().final

    def killed(*arguments):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(TrainedArrays, "save", killed)
        with pytest.raises(ZeroDivisionError):
            main(["train", "--resume", "results/part0"])
    assert load_arrays(run / "best_params.npz")["final"] and not run.is_finished()
    assert "callbacks was ['LateAfter'] and is []" in (run / "log.txt").read_text()
    assert "callbacks" not in run.load_environment() and "callbacks" in run.load_environment()["earlier"][0]
    assert main(["train", "--resume", "results/part0"]) == 0
    assert run.is_finished() and run.rows() == whole.log
    for name, found in arrays(run).items():
        assert_same(found, load_arrays(whole.folder_as_it_was / name))
    assert not list(run.path.glob("checkpoint*"))


def test_what_was_kept_is_evaluated_and_never_mixed_with_the_last(whole, run, capsys):
    assert main(["evaluate", str(run), "--parameters", "best", "--threads", "1"]) == 0
    error = whole.best.evaluate()["error_percent"]
    assert f"Test error: {error:.2f} %" in capsys.readouterr().out
    assert [p.name for p in run.glob("evaluation*")] == ["evaluation_best.json"]
    for which, prefix, expected in (("last", "final", None), ("best", "best", error)):
        ((found,), problems) = find_runs(run, which)
        # It did fewer epochs than --num-epochs, but is finished all the same.
        assert found.finished and not problems and found.test_error == expected
        assert found.valid_error == whole.log[-1][f"valid_{prefix}_error_rate_clean"]
        chosen, problems = usable(Group(Row("a", {}), {}, [found]))
        assert chosen == ({1: found} if expected else {}) and ("no test error yet" in "".join(problems)) == (
            not expected
        )
    copy = ladder.load(run, parameters="best").save("copy")
    for name, found in arrays(copy).items():
        assert_same(found, load_arrays(run / name))


def test_where_none_was_kept_one_sentence_says_so(run, capsys):
    (run / "best_params.npz").unlink()
    np.savetxt("x.csv", np.zeros((2, 64)), delimiter=",")
    for command in (
        ["evaluate", run],
        ["predict", run, "--input", "x.csv"],
        ["attack", run],
        ["report", run, "--output", "report.html", "--files-only", "--static"],
    ):
        assert main([*map(str, command), "--parameters", "best"]) == 2
        assert "--parameters best: " in (said := capsys.readouterr().err) and "--keep best" in said
        assert said.count("\n") == 1
    with pytest.raises(ArgumentError, match="parameters best: .* has no best_params.npz"):
        ladder.load(run, parameters="best")
    with pytest.raises(ArgumentError, match="keep='best'"):
        ladder.load(run).best
    text = (run / "params.json").read_text()
    (run / "params.json").write_text(text.replace('"keep": "best"', '"keep": "last"'))
    ((found,), _) = find_runs(run, "best")
    assert "train with --keep best" in usable(Group(Row("a", {}), {}, [found]))[1][0]


def test_a_command_whose_time_is_over_stops(capsys):
    options = " ".join(
        f"--{name.replace('_', '-')} {','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in NETWORK.items()
    )
    command = ["train", *options.split(), "--num-epochs", "30", "--patience", "3", "--keep", "best", "--threads", "1"]
    assert main([*command, "--seed", "1", "2", "--max-minutes", "1e-6", "--", "late"]) == 130
    said = capsys.readouterr().out
    assert "The 1e-06 minutes of --max-minutes are over" in said
    assert "train --resume results/late0" in said and "1 more configuration was not begun" in said
    assert os.listdir("results") == ["late0"]
    for minutes, save_to, sentence in ((0, "x", "max_minutes is 0"), (1, None, "max_minutes stops .* give save_to")):
        with pytest.raises(ArgumentError, match=sentence):
            ladder.train(save_to, **NETWORK, max_minutes=minutes)


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--patience", "3"], "--patience 3 follows the validation error, and no examples are left over"),
        (
            ["--patience", "3", "--valid-set-size", "0", "--unlabeled-samples", "900"],
            "give another --valid-set-size, or",
        ),
        (["--keep", "best"], "--keep best follows the validation error, and no examples are left over"),
        (["--patience", "3", "--unsupervised"], "--unsupervised knows none: leave it out"),
        (["--patience", "150"], "--patience 150 cannot end a training of --num-epochs 150 any earlier"),
        (["--patience", "-1"], "--patience is -1"),
        (["--keep", "first"], "--keep is first"),
        (["--unsupervised", "--unlabeled-batch-size", "9"], "--unlabeled-batch-size is of no use to --unsupervised"),
    ],
)
def test_mistakes(options, sentence, capsys):
    network = "--dataset digits --encoder-layers 10 --decoder-spec gauss --denoising-cost-x 1,1".split()
    assert main(["train", *network, *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not os.path.exists("results")
