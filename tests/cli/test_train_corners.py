"""Unusual runs: no labels, missing labels, NaN, an interrupt."""

import json
import os
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.cli.train import print_interrupted
from ladder.errors import UserError
from ladder.options import Options
from ladder.runs.folder import RunFolder
from ladder.training.extensions.monitoring import FinalTestMonitor
from ladder.training.into_folders import check_compiler
from ladder.training.main_loop import MainLoop

SMALL = "--dataset digits --encoder-layers 10 --denoising-cost-x 0,0 --decoder-spec 0 --labeled-samples 100 --threads 1"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def rows(folder):
    with open(f"results/{folder}/log.jsonl") as f:
        return [json.loads(line) for line in f]


def test_without_labels(tmp_path, capsys):
    command = (
        "train --dataset digits --encoder-layers 20 --denoising-cost-x 10,1 --decoder-spec gauss --unsupervised "
        "--num-epochs 10 --unlabeled-samples 1237 --threads 1 -- x"
    )
    assert main(command.split()) == 0
    log = rows("x0")
    assert log[-2]["train_denois0"] < 0.5 * log[0]["train_denois0"]
    assert "train_cost_class_corr" not in log[0] and 0 < log[-1]["valid_final_denois0"] < 1
    # The same examples, with other noise.
    assert main("evaluate results/x0 --data-type valid --json report.json".split()) == 0
    costs = json.loads((tmp_path / "report.json").read_text())
    for name in ("denois0", "denois1"):
        assert costs[name] == pytest.approx(log[-1][f"valid_final_{name}"], rel=0.03)
    assert main("evaluate results/x0 --json report.json".split()) == 0
    of_test = json.loads((tmp_path / "report.json").read_text())["denois0"]
    assert of_test != costs["denois0"] and of_test == pytest.approx(costs["denois0"], rel=0.5)
    capsys.readouterr()
    np.savez("input.npz", features=np.zeros((2, 64), "float32"))
    assert main("predict results/x0 --input input.npz".split()) == 2
    assert "without labels" in capsys.readouterr().err
    assert main("evaluate results/x0 --recompute-statistics".split()) == 2
    assert "the costs of --unsupervised are found with each batch's own statistics" in capsys.readouterr().err


def test_nothing_to_learn_without_labels(capsys):
    command = "train --dataset digits --encoder-layers 20 --denoising-cost-x 10,0 --decoder-spec 0-gauss --unsupervised"
    assert main(command.split()) == 2
    assert "--denoising-cost-x above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, mend",
    [
        ({}, "give --plain-graph"),
        ({"plain_graph": True, "noise": "philox"}, "give --noise mrg and --plain-graph"),
        ({"plain_graph": True, "encoder_layers": ("convv:4:3:1:1", "10")}, "take that flag away"),
    ],
)
def test_without_a_compiler_what_needs_one_is_refused(options, mend):
    def experiment(**options):
        return SimpleNamespace(p=Options(**options), in_dim=(1, 8, 8))

    layers = {"encoder_layers": ("20", "10"), "denoising_cost_x": (0.0,) * 3}
    with pytest.raises(UserError, match=mend):
        check_compiler(SimpleNamespace(cxx=""), experiment(**{**layers, **options}))
    check_compiler(SimpleNamespace(cxx=""), experiment(**layers, plain_graph=True))
    check_compiler(SimpleNamespace(cxx="g++"), experiment(**{**layers, **options}))


def test_training_in_a_thread(capsys):
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(main(f"train {SMALL} --num-epochs 1 -- thread".split())))
    thread.start()
    thread.join()
    assert statuses == [0] and RunFolder("results/thread0").is_finished()


def test_a_cost_that_is_not_finite_stops_its_run_but_not_the_next(capsys):
    command = f"train {SMALL} --num-epochs 3 --lr 1e38 0.002 -- x"
    assert main(command.split()) == 1
    shown = capsys.readouterr().err
    assert "at update" in shown and "layer" in shown and "Traceback" not in shown
    with np.load("results/x0/trained_params.npz") as arrays:
        assert all(np.isfinite(arrays[name]).all() for name in arrays.files)
    assert len(rows("x1")) == 4


def test_an_interrupted_run_is_saved_and_says_so(monkeypatch, capsys):
    train_epoch = MainLoop._train_epoch

    def interrupted_in_the_second_epoch(loop, at_once):
        if loop.epochs_done == 1:
            os.kill(os.getpid(), signal.SIGINT)
        yield from train_epoch(loop, at_once)

    monkeypatch.setattr(MainLoop, "_train_epoch", interrupted_in_the_second_epoch)
    assert main(f"train {SMALL} --num-epochs 5 --lr 0.02 --seed 1 2 -- x".split()) == 130
    assert "Interrupted; parameters so far are in results/x0; go on with" in capsys.readouterr().out
    assert len(rows("x0")) == 1 and not os.path.exists("results/x1")
    np.savez("input.npz", features=np.zeros((2, 64), "float32"))
    assert main("predict results/x0 --input input.npz".split()) == 2
    assert "interrupted" in capsys.readouterr().err
    assert main("evaluate results/x0 --json report.json".split()) == 0
    assert "Estimating" in capsys.readouterr().out
    with open("report.json") as f:
        assert json.load(f)["error_percent"] < 60


def test_where_there_are_no_parameters_yet_none_are_pointed_to(caplog):
    with caplog.at_level("INFO", logger="main"):
        print_interrupted(RunFolder("results/begun0"))
    assert caplog.messages == ["Interrupted; go on with: run.py train --resume results/begun0"]


def test_the_way_to_go_on_can_be_pasted(caplog):
    with caplog.at_level("INFO", logger="main"):
        print_interrupted(RunFolder("results/my run0"))
    assert caplog.messages == ["Interrupted; go on with: run.py train --resume 'results/my run0'"]


def test_what_diverges_in_the_last_update_is_not_finished(capsys):
    assert main(f"train {SMALL} --batch-size 0 --num-epochs 1 --optimizer sgd --lr 1e38 -- x".split()) == 1
    assert "The statistics for test data are not finite numbers, as the parameters are" in capsys.readouterr().err
    assert not RunFolder("results/x0").is_finished()


def test_an_interrupt_of_the_final_statistics_completes_the_run_and_begins_no_other(monkeypatch, capfd):
    after_training = FinalTestMonitor.after_training

    def interrupted(monitor, loop):
        os.kill(os.getpid(), signal.SIGTERM)
        after_training(monitor, loop)

    monkeypatch.setattr(FinalTestMonitor, "after_training", interrupted)
    assert main(f"train {SMALL} --num-epochs 1 --seed 1 2 -- last".split()) == 130
    assert RunFolder("results/last0").is_finished() and not os.path.exists("results/last1")
    said = "".join(capfd.readouterr())
    assert "1 more configuration was not begun" in said and "Interrupted" not in said

    network = dict(dataset="digits", encoder_layers="10", denoising_cost_x=(0, 0), decoder_spec="0")
    network |= dict(labeled_samples=100, num_epochs=1)
    with pytest.raises(KeyboardInterrupt, match="ladder.load.'results/fromPython0'"):
        ladder.train("fromPython", **network)
    assert ladder.load("results/fromPython0").evaluate()["n"] == 360
    assert len(ladder.train(**network).log) == 2


def test_examples_without_label_train_but_do_not_validate(capsys):
    rng = np.random.RandomState(0)
    targets = np.arange(600) % 3
    features = (rng.randn(600, 8) * 0.3 + 3 * np.eye(8)[targets]).astype("float32")
    targets = np.where(rng.rand(600) < 0.5, -1, targets)
    np.savez("mine.npz", features=features, targets=targets)
    assert main("convert arrays --input mine.npz".split()) == 0
    command = (
        "train --dataset mine --encoder-layers 3 --denoising-cost-x 0,0 --decoder-spec 0 --labeled-samples 30 "
        "--unlabeled-samples 300 --valid-batch-size 50 --num-epochs 20 --lr 0.05 --threads 1 -- x"
    )
    assert main(command.split()) == 0
    # three distant clusters: counting the missing labels as errors would give nearly 50 %
    assert rows("x0")[-1]["valid_final_error_rate_clean"] < 5
    assert main("evaluate results/x0 --data-type valid --json report.json".split()) == 0
    with open("report.json") as f:
        report = json.load(f)
    assert 50 < report["n"] < 240 and report["error_percent"] < 5


def test_what_cannot_be_preprocessed_leaves_no_run(monkeypatch, capsys):
    def refuse(*args):
        raise UserError("these features cannot be whitened.")

    monkeypatch.setattr("ladder.data.preprocessing.cached_whitening", refuse)
    assert main(f"train {SMALL} --whiten-zca 64 -- odd".split()) == 2
    assert "cannot be whitened" in capsys.readouterr().err and not list(Path("results").iterdir())
