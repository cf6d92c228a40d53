"""``run.py sweep`` and ``ladder.sweep`` end to end, with training that computes nothing."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sweeps.stand_in import Threads, training

import ladder
from ladder.arguments import ArgumentError
from ladder.cli import main
from ladder.runs.folder import RunFolder
from ladder.sweeps import dask_pool, picture, sweep, swept
from ladder.sweeps.standing import standing
from ladder.sweeps.sweep import folder_of
from ladder.sweeps.swept import SweepFolder
from ladder.tables.found_runs import find_runs

NETWORK = "--dataset digits --encoder-layers 10 --denoising-cost-x 0,0 --unlabeled-samples 1137 --num-epochs 9".split()
TABLE_13 = (
    "--preset thesis_table_13 --dataset digits --encoder-layers 20-10 --denoising-cost-x 10,1,0.1 "
    "--unlabeled-samples 1137 --num-epochs 2"
).split()


@pytest.fixture(autouse=True)
def nothing_is_computed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    monkeypatch.setattr(sweep, "LocalPool", lambda size, backend: Threads(size))


def test_a_grid_its_status_and_its_picture(capsys):
    assert main(["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01", "0.001", "--seed", "1", "2"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"run3 \(lr 0.01, seed 2\): finished, validation error 13.53 %; \d of 6 finished", said)
    # The mean over both seeds decides.
    (best,) = re.findall(r"│ (lr \S+) +│ (\S+) \((\S+) to (\S+)\) │ 2 +│ (\S+) ", said)[:1]
    assert best == ("lr 0.01", "13.48", "13.43", "13.53", "results/rates/run2")
    assert main(["sweep", "rates", "--status"]) == 0
    assert "results/rates: 6 runs: 6 finished" in capsys.readouterr().out
    # Again, with one more value: only that is trained.
    rates = ["--lr", "0.1", "0.01", "0.001", "0.02"]
    assert main(["sweep", "rates", *NETWORK, *rates, "--seed", "1", "2", "--dry-run"]) == 0
    assert "2 runs would be trained into results/rates: 6 of 8 have nothing left to train" in capsys.readouterr().out
    assert main(["sweep", "rates", *NETWORK, *rates, "--seed", "1", "2"]) == 0
    said = capsys.readouterr().out
    assert "6 of 8 runs have nothing left to train" in said and said.count("finished, validation") == 2
    # Tables find the runs.
    runs, problems = find_runs(Path("results"))
    assert len(runs) == 8 and problems == []


def test_folders_that_another_process_makes_meanwhile_are_left_alone(capsys, monkeypatch):
    mkdir = Path.mkdir

    def second(path, *how, **given):
        mkdir(path, *how, **given)
        if path.name == "run1":
            mkdir(path)  # as if the first had been another process

    monkeypatch.setattr(Path, "mkdir", second)
    assert main(["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01"]) == 2
    assert "cannot write into results/rates (File exists)" in capsys.readouterr().err
    assert Path("results/rates/run1").is_dir() and not Path("results/rates/run0").exists()


def test_without_validation_none_is_the_best(capsys, monkeypatch):
    monkeypatch.setattr(training, "error_after", lambda p, epochs: None)
    assert main(["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01"]) == 0
    assert "No configuration is called the best: the runs left no examples to validate" in capsys.readouterr().out


def test_the_taus_as_a_grid(capsys):
    assert main(["sweep", *TABLE_13]) == 0
    found = standing(SweepFolder("results/thesis_table_13"))
    assert found.varied == ["adv_tau", "adv_tau_unlabeled"] and len(found.items) == 28
    from ladder.report.figures.style import styled

    with styled():
        figure = picture.draw(found, "taus")
    grid, *panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    (image,) = grid.get_images()
    taus, unlabeled = [4.5e-5, 4.5e-4, 4.5e-3, 4.5e-2], [4.5e-9, 4.5e-7, 4.5e-6, 4.5e-5, 4.5e-4, 4.5e-3, 4.5e-1]
    # At a rate of 0.002, after 2 epochs, with seed 1; see the stand-in.
    expected = 10 + 20 * abs(np.log10(0.002) + 2) + 30 / 2 + 0.1 + np.add.outer(np.multiply(10, taus), unlabeled)
    np.testing.assert_allclose(image.get_array(), expected)
    assert [text.get_text() for text in grid.texts] == [f"{error:.2f}" for error in expected.ravel()]
    assert [label.get_text() for label in grid.get_yticklabels()] == ["4.5e-05", "0.00045", "0.0045", "0.045"]
    assert [axes.get_xlabel() for axes in panels] == ["adv-tau", "adv-tau-unlabeled"]
    assert all(axes.get_xscale() == "log" and len(axes.collections[0].get_offsets()) == 28 for axes in panels)
    assert main(["sweep", "thesis_table_13", "--plot", "taus.svg"]) == 0
    assert "<desc" in Path("taus.svg").read_text()


def test_random_search_that_is_halved(capsys):
    asked = ["sweep", "drawn", *NETWORK, "--random", "9", "--draw", "lr=log-uniform:1e-4:1e-1", "--halving"]
    assert main([*asked, "--dry-run"]) == 0
    assert "9 runs would be trained into results/drawn" in capsys.readouterr().out and not Path("results").exists()
    assert main([*asked, "--dry-run", "--halving-first", "2"]) == 0
    assert main([*asked, "--act", "relu", "tanh"]) == 0
    epochs = sorted(RunFolder(path).epochs_done() for path in Path("results/drawn").glob("run*"))
    assert epochs == [1] * 6 + [3] * 2 + [9]
    capsys.readouterr()
    assert main([*asked, "--act", "relu", "tanh", "--dry-run"]) == 0
    assert "0 runs would be trained into results/drawn: 9 of 9 have nothing left to train" in capsys.readouterr().out
    found = standing(SweepFolder("results/drawn"))
    rates = [item.run.p.lr for item in found.items]
    assert found.best.p.lr == min(
        rates, key=lambda lr: training.error_after(ladder.Options.of(lr=lr, encoder_layers="10"), 9)
    )
    capsys.readouterr()
    assert main(["sweep", "drawn", "--status", "--plot", "drawn.svg"]) == 0
    assert "9 runs: 1 finished, 8 dropped" in capsys.readouterr().out
    assert "Rings: dropped by halving" in Path("drawn.svg").read_text()
    saved = json.loads(Path("results/drawn/sweep.json").read_text())
    assert saved["random"] == {"n": 9, "seed": 1, "draw": {"lr": "log-uniform:1e-4:1e-1"}}


def test_from_python():
    options = dict(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), unlabeled_samples=1137, num_epochs=3)
    found = ladder.sweep("rates", lr=[0.1, 0.01], seed=[1, 2], **options)
    assert (found.best.words, len(found.best.errors), len(found.items)) == ("lr 0.01", 2, 4)
    halved = ladder.sweep("halved", random=4, draw={"lr": "uniform:0.001:0.1"}, halving=2, **options)
    assert len(halved.of("finished")) == 2 and len(halved.of("dropped")) == 2
    splits = ladder.sweep("splits", lr=[0.1, 0.01], dseed=range(1, 4), **options)
    assert [len(each.errors) for each in splits.configurations] == [3, 3]  # the splits of a configuration are averaged
    followed = ladder.sweep("followed", seed=[2, 3], dseed=None, **options)
    assert [item.run.p.dseed for item in followed.items] == [2, 3]
    for wrong, message in (
        (dict(draw={"lr": "uniform:0:1"}), "draw is for random"),
        (dict(random=0), "random is 0, but must be a whole number"),
        (dict(random=5, draw={"lr": [0.1, 0.2]}), r"draw lr: \[0.1, 0.2\] is no distribution"),
        (
            dict(random=5, draw={"lr": stats.loguniform}),
            "draw lr: .* draws no number .*: give a distribution of one, frozen",
        ),
        (dict(workers=0), "workers is 0, but must be a whole number"),
        (dict(workers=2, scheduler="tcp://10.0.0.1:1"), "workers are processes on this machine"),
        (dict(checkpoint_minutes="5"), "checkpoint_minutes is '5', but must be a number"),
        (dict(halving=1), "halving is 1, but must be a whole number, 2 or more"),
        (dict(lr=[0.1, -1]), "lr"),
        (dict(max_minutes=0), "max_minutes is 0"),
    ):
        with pytest.raises(ArgumentError, match=message):
            ladder.sweep("wrong", **{**options, **wrong})
    assert not Path("results/wrong").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--draw", "lr=uniform:0:1"], "--draw is for --random"),
        (["--sweep-seed", "4"], "--sweep-seed is for --random"),
        (["--random", "3", "--draw", "lr=uniform:0:1", "--lr", "1"], "--lr is given and drawn as well"),
        (["--random", "3", "--draw", "lr=uniform:0:1", "lr=uniform:1:2"], "--draw has lr twice"),
        (["--random", "3", "--draw", "lr"], "--draw takes OPTION=DISTRIBUTION"),
        (["--halving-factor", "2"], "--halving-factor is for --halving"),
        (["--halving", "--halving-first", "9"], "--halving-first 9 must be below --num-epochs 9"),
        (["--halving", "--unlabeled-samples", "1437"], "--halving follows the validation error"),
        (["--rows", "a"], "--rows is about a preset"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], "give one"),
        (["--status"], "leave out --dataset"),
        (["--lr", "0.1", "-1"], "--lr"),
        (["--encoder-layers", "10-10"], "--denoising-cost-x"),
    ],
)
def test_mistakes_get_a_sentence_before_anything_is_begun(arguments, message, capsys):
    assert main(["sweep", "wrong", *NETWORK, *arguments]) == 2
    assert message in capsys.readouterr().err and not Path("results").exists()


def test_names(capsys):
    assert folder_of("results/rates/", None).path == folder_of(Path("rates"), None).path == Path("results/rates")
    assert main(["sweep", *NETWORK, "--halving", "--halving-first", "2", "3"]) == 2
    assert "'3' would be a name: if it is a value, the option before it takes only one" in capsys.readouterr().err
    assert main(["sweep", "rates", "--status", "--random", "3", "--halving"]) == 2
    assert "leave out --random, --halving" in capsys.readouterr().err


def test_what_is_no_sweep(capsys):
    assert main(["sweep", "nothing", "--status"]) == 2
    assert "there is no sweep in results/nothing" in capsys.readouterr().err
    folder = Path("results/rates")
    folder.mkdir(parents=True)
    (folder / "params.json").write_text("{}")
    assert main(["sweep", "rates", *NETWORK]) == 2
    assert "results/rates is the folder of a run" in capsys.readouterr().err
    (folder / "params.json").unlink()
    (folder / "sweep.json").write_text('{"token": "a", "halving": {"factor": 0}}')
    assert main(["sweep", "rates", "--status"]) == 2
    assert (
        "sweep.json is damaged (--halving-factor is 0, but must be a whole number, 2 or more)"
        in capsys.readouterr().err
    )


def test_a_failure_that_cannot_be_written_down_is_told(capsys, monkeypatch):
    def do(task, say):
        failed = Path(task["folder"]).name == "run1"
        return {"state": "failed", "error": "no space"} if failed else training.go_on(task, say)

    save = swept.save_json

    def no_space(path, found):
        if path.name == "failure.json":
            raise OSError(28, "No space left on device")
        save(path, found)

    monkeypatch.setattr(swept, "save_json", no_space)
    monkeypatch.setattr(sweep, "LocalPool", lambda size, backend: Threads(size, do))
    assert main(["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01", "0.001"]) == 1
    said = "".join(capsys.readouterr())
    assert "results/rates/run1 failed (no space), and nothing can be written there" in said
    assert "Best so far" in said


def test_without_dask_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ladder.UserError, match=re.escape("pip install 'ladder[dask]'")):
        dask_pool.check_address("tcp://127.0.0.1:1")


def test_a_damaged_winner_does_not_bring_back_what_was_dropped(capsys):
    command = ["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01", "0.001", "--halving"]
    assert main(command) == 0
    capsys.readouterr()
    assert main(["sweep", "rates", "--status"]) == 0
    before = capsys.readouterr().out
    assert "3 runs: 1 finished, 2 dropped" in before
    winner = re.search(r"│ (results/rates/run\d)", before)[1]
    (Path(winner) / "running_statistics.npz").write_bytes(b"PK half a file")
    assert main(["sweep", "rates", "--status"]) == 0
    said = capsys.readouterr().out
    assert "3 runs: 2 dropped, 1 failed" in said and f"failed: {winner}" in said


def test_what_others_wrote_into_a_run(capsys):
    """A line with an endless number is no row of a log, and an error message cannot move the cursor."""
    assert main(["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01"]) == 0
    run = Path("results/rates/run1")
    (run / "running_statistics.npz").unlink()
    with (run / "log.jsonl").open("a") as log:
        log.write('{"epoch": 9, "valid_approx_error_rate_clean": ' + "9" * 400 + "}\n")
    (run / "failure.json").write_text(json.dumps({"error": "\x1b[2Jgone\nfor ever", "attempts": 2, "time": 1.0}))
    options = json.loads((run / "params.json").read_text())
    (run / "params.json").write_text(json.dumps({**options, "dataset": "\x1b]0;mine\x07digits"}))
    capsys.readouterr()
    assert main(["sweep", "rates", "--status"]) == 0
    said = capsys.readouterr().out
    assert "2 attempts, \N{REPLACEMENT CHARACTER}[2Jgone for ever" in said and "\x1b" not in said


def test_runs_that_are_damaged_or_gone(capsys):
    """A run that cannot be read counts as failed, and the others count; for unreadable options a remedy is named."""
    command = ["sweep", "rates", *NETWORK, "--lr", "0.1", "0.01"]
    assert main(command) == 0
    run = Path("results/rates/run1")
    (run / "running_statistics.npz").write_bytes(b"PK half a file")
    capsys.readouterr()
    assert main(["sweep", "rates", "--status"]) == 0
    said = capsys.readouterr().out
    assert "2 runs: 1 finished, 1 failed" in said and "running_statistics.npz" in said.split("failed: ")[1]
    (run / "params.json").write_text("")
    for again in (["sweep", "rates", "--status"], command):
        assert main(again) == 2
        mend = "restore it, or train again), or remove results/rates/run1, and give the command of the sweep again."
        assert mend in capsys.readouterr().err
    shutil.rmtree(run)
    assert main(command) == 0
    assert main(["sweep", "rates", "--status"]) == 0
    assert "2 runs: 2 finished" in capsys.readouterr().out
    for folder in Path("results/rates").glob("run*"):
        shutil.rmtree(folder)
    assert main(["sweep", "rates", "--status"]) == 2
    assert "no runs are left in results/rates: give the command that began the sweep again" in capsys.readouterr().err
