"""Two-phase training from the command line and Python: interrupted and resumed, in one go and in two, and mistakes."""

import json
import os
import shutil
import signal
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.data.npz import load_arrays
from ladder.errors import TrainingStopped
from ladder.options import Options
from ladder.positions_file import read_positions
from ladder.runs import checkpoints
from ladder.runs.folder import RunFolder, environments
from ladder.sweeps.task import go_on
from ladder.tables.found_runs import find_runs
from ladder.tables.settings import differences, settings_of
from ladder.training.pretraining import stacks
from ladder.training.pretraining.folder import PretrainingFolder
from ladder.training.pretraining.stage import Guard
from ladder.training.records import Records

# No example is left for validation, which then need not be compiled.
DATA = dict(dataset="digits", labeled_samples=250)
NETWORK = dict(encoder_layers="20-15-10", denoising_cost_x=(0, 0, 0, 0), decoder_spec="0", **DATA)
TWO_PHASES = dict(**NETWORK, pretrain="dae", pretrain_epochs=3, num_epochs=2)
WORDS = "--dataset digits --labeled-samples 250 --encoder-layers 20-15-10".split()
TRAIN = ["train", *WORDS, *"--denoising-cost-x 0,0,0,0 --decoder-spec 0 --num-epochs 2".split()]

PRETRAINED_AND_STILL = ("whole0/pretraining/pretrained", "still0/trained")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


@pytest.fixture
def interrupt(monkeypatch):
    """A function (part of a stage's title, update) that has that stage interrupted once, after that update."""

    def after(title, update):
        watch, waiting = Guard.after_batch, [True]

        def then_interrupt(self, loop, values):
            watch(self, loop, values)
            if waiting and title in self._title and loop.updates_done == update:
                waiting.clear()
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(Guard, "after_batch", then_interrupt)

    return after


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


def test_one_go_interrupted_and_resumed_and_in_two_end_alike(interrupt, capsys):
    whole = ladder.train("whole", **TWO_PHASES)
    expected = load_arrays(whole.folder / "trained_params.npz")
    rows = (whole.folder / "pretraining/layer2/epochs.jsonl").read_text()
    costs = [
        json.loads(row)["train_cost_reconstruction"] for row in rows.splitlines()[:-1]
    ]  # the last row is written when training ends
    assert costs == sorted(costs, reverse=True) and costs[-1] < 0.8 * costs[0]

    interrupt("layer 2", 17)  # within the second epoch
    with pytest.raises(KeyboardInterrupt):
        ladder.train("part", **TWO_PHASES)
    assert not os.path.exists("results/part0/log.jsonl")
    assert RunFolder("results/part0").backend_options() == RunFolder("results/whole0").backend_options() != {}
    written = os.stat("results/part0/pretraining/layer1/learnt.npz").st_mtime_ns
    # A sweep's pause after an epoch counts the epochs of training, not those of pre-training.
    task = {"folder": "results/part0", "until": 1, "minutes": 10, "backend": {}, "records": asdict(Records())}
    said = []
    assert go_on(task, said.append) == {"state": "paused"}
    # Other runs may begin when the second layer trains, and need not wait for training with labels.
    assert said == [{"state": "compiled"}] * 2
    assert (
        os.stat("results/part0/pretraining/layer1/learnt.npz").st_mtime_ns == written
    )  # that layer is not trained again
    assert len(open("results/part0/log.jsonl").readlines()) == 1
    assert main(["train", "--resume", "results/part0"]) == 0
    assert_same(load_arrays("results/part0/trained_params.npz"), expected)
    assert open("results/part0/pretraining/layer2/epochs.jsonl").read() == rows
    assert ladder.load("results/part0").log == whole.log

    assert main([*TRAIN, "--from", "results/whole0/pretraining", "--", "second"]) == 0
    assert_same(load_arrays("results/second0/trained_params.npz"), expected)
    # Options of a pre-training are the same whether given explicitly or left out.
    said = ["--pretrain-lr", "0.001", "--pretrain-seed", "1", "--optimizer", "adam", "--beta1", "0.9"]
    assert main([*TRAIN, "--from", "results/whole0/pretraining", *said, "--dry-run"]) == 0
    options = {words[2:]: value for words, value in zip(TRAIN[1::2], TRAIN[2::2])}
    Path("second.json").write_text(json.dumps({"title": "The second phase", "options": options}))
    assert main(["train", "--preset", "second.json", "--from", "results/whole0/pretraining", "--dry-run"]) == 0
    capsys.readouterr()
    assert main(["train", "--preset", "second.json", "--from", "results/whole0/pretraining", "--missing"]) == 0
    assert "Seed 1 is not trained again" in capsys.readouterr().out
    from_there = {**options, "from": "results/whole0/pretraining"}
    Path("third.json").write_text(json.dumps({"title": "From a folder", "options": from_there}))
    assert main(["table", "third.json"]) == 0
    others = [*TRAIN, "--from", "results/whole0/pretraining", "--unlabeled-samples", "1100", "--dry-run"]
    assert main(others) == 2
    # Training starts from the pre-trained parameters: at a rate too small to change anything, they remain.
    assert main([*TRAIN, "--from", "results/whole0/pretraining", "--lr", "1e-30", "--", "still"]) == 0
    pretrained, still = (load_arrays(f"results/{path}_params.npz") for path in PRETRAINED_AND_STILL)
    weights = {name: value for name, value in pretrained.items() if name.startswith("f_")}
    assert {"f_1_W", "f_2_W"} < weights.keys()
    assert_same(weights, {name: still[name] for name in weights})
    shutil.rmtree("results/still0")
    # A table takes both for the same, and does not take the pre-training for a run.
    runs, problems = find_runs(whole.folder.parent)
    assert problems == [] and [run.folder.path.name for run in runs] == ["part0", "second0", "whole0"]
    assert runs[1].p.from_ == "results/whole0/pretraining" and runs[1].p.pretrain == "dae"
    assert differences(runs[1].settings, runs[2].settings) == []
    assert differences(runs[2].settings, settings_of(Options.of(**NETWORK, num_epochs=2))) == ["pretraining"]

    _refused(
        capsys,
        (
            "--from results/whole0/pretraining --pretrain rbm",
            "results/whole0/pretraining was pre-trained with another --pretrain",
        ),
        ("--from results/whole0/pretraining --beta1 0.8", "was pre-trained with --beta1 0.9: give the same"),
        ("--from results/whole0/pretraining --pretrain-lr 0.002", "was pre-trained with another --pretrain-lr"),
        (
            "--from results/whole0/pretraining --encoder-layers 20-14-10",
            "results/whole0/pretraining has the layers 20-15 below the top one",
        ),
        ("--from results/whole0/pretraining --act tanh", "was pre-trained with --act relu: give that"),
        (
            "--from results/whole0/pretraining --unlabeled-batch-size 50",
            "with 100 examples an update: give --unlabeled-batch",
        ),
        ("--from results/whole0/pretraining --rescale", "was pre-trained without --rescale: leave it out"),
        ("--from results/whole0/pretraining --unlabeled-samples 1100", "was pre-trained on other examples"),
        ("--from results/whole0", "is not the folder of a pre-training: give results/whole0/pretraining"),
        ("--from results", "is not the folder of a pre-training: give one that 'run.py pretrain' made"),
        ("--from results/none", "there is no folder results/none"),
    )
    first = load_arrays("results/whole0/pretraining/pretrained_params.npz")
    others = {name: array for name, array in first.items() if name != "f_1_W"}
    for arrays in (others, {**first, "f_3_W": np.zeros((15, 10), "float32")}, {**others, "f_1_W": first["f_1_W"][1:]},
                   {**others, "f_1_W": first["f_1_W"] * np.nan}):  # fmt: skip
        np.savez("results/whole0/pretraining/pretrained_params.npz", **arrays)
        sentence = "pretrained_params.npz does not hold the finite parameters of the layers below the top one"
        _refused(capsys, ("--from results/whole0/pretraining", sentence))
    assert not os.path.exists("results/noname0")


def test_the_labelled_examples_that_were_named_are_kept_for_the_next_command(monkeypatch, capsys):
    monkeypatch.setattr(stacks, "pretrain", lambda *args: {})
    Path("mine.txt").write_text("".join(f"{i}\n" for i in range(40)))
    words = "--dataset digits --encoder-layers 20-15-10 --labeled-indices mine.txt".split()
    assert main(["pretrain", *words]) == 0
    assert "--labeled-indices results/pretrained0/labeled.txt" in capsys.readouterr().out
    assert sorted(read_positions("results/pretrained0/labeled.txt")) == list(range(40))


@pytest.mark.parametrize(
    "option", [dict(lr=0.01), dict(l2=0.1), dict(num_epochs=3), dict(augment="shift:1"), dict(from_="results/whole0")]
)
def test_what_it_would_not_read_is_refused_in_python(option):
    (name,) = option
    with pytest.raises(ladder.UserError, match=f"^{name} means nothing to pre-training: leave it out"):
        ladder.pretrain("refused", **{**NETWORK, **option})
    assert not os.path.exists("results/refused0")


def test_a_stage_whose_last_update_diverges_is_not_done():
    values = {"f_1_W": np.array([1, np.nan], "float32")}
    guard = Guard("layer 1", SimpleNamespace(values=lambda: values))
    with pytest.raises(TrainingStopped, match="layer 1: the parameters after update 5, the last one, are not finite"):
        guard.after_training(SimpleNamespace(updates_done=5))
    values["f_1_W"][1] = 0
    guard.after_training(SimpleNamespace(updates_done=5))


def test_a_signal_at_the_end_of_a_stage_stops_before_the_next_and_other_threads_are_recorded(monkeypatch, capsys):
    save_stage = PretrainingFolder.save_stage

    def interrupted(folder, name, learnt):
        os.kill(os.getpid(), signal.SIGINT)
        save_stage(folder, name, learnt)

    words = ["pretrain", *WORDS, "--pretrain", "dae", "--pretrain-epochs", "1", "--threads", "1", "--", "told"]
    with monkeypatch.context() as signals:
        signals.setattr(PretrainingFolder, "save_stage", interrupted)
        assert main(words) == 130
    assert [path.parent.name for path in Path("results/told0").glob("*/learnt.npz")] == ["layer1"]
    assert main(["pretrain", "--resume", "results/told0", "--threads", "2"]) == 0
    assert [part["threads"] for part in environments(PretrainingFolder("results/told0").load_environment())] == [1, 2]


def test_what_cannot_be_preprocessed_leaves_no_folder(monkeypatch, capsys):
    def refuse(*args):
        raise ladder.UserError("these features cannot be whitened.")

    monkeypatch.setattr("ladder.data.preprocessing.cached_whitening", refuse)
    assert main(["pretrain", *WORDS, "--pretrain", "dae", "--whiten-zca", "64", "--", "odd"]) == 2
    assert "these features cannot be whitened" in capsys.readouterr().err and not os.path.exists("results/odd0")


def test_data_without_labels_get_a_sentence_that_fits(capsys):
    np.savez("bare.npz", features=np.random.RandomState(0).rand(20, 4))
    assert main(["convert", "arrays", "--input", "bare.npz"]) == 0
    assert main(["pretrain", "--dataset", "bare", "--encoder-layers", "3-2"]) == 2
    assert "bare has a label: convert it with labels.\n" in capsys.readouterr().err


def test_what_a_stage_learnt_is_kept_before_its_checkpoints_go(monkeypatch):
    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        ladder.pretrain("kept", pretrain="dae", pretrain_epochs=1, encoder_layers="20-15-10", **DATA)
    (learnt,) = Path("results/kept0").glob("*/learnt.npz")
    assert load_arrays(learnt) and list(learnt.parent.glob("checkpoint-*"))


def test_machines_with_persistent_chains_interrupted_and_resumed_and_unrolled(interrupt, capsys):
    words = (
        "--pretrain rbm --act sigmoid --persistent-chains --pretrain-epochs 4 --pretrain-lr 0.02 --unrolled-epochs 2"
    )
    pretrain = ["pretrain", *WORDS, *words.split()]
    assert main([*pretrain, "--", "whole"]) == 0
    interrupt("layer 2", 19)
    assert main([*pretrain, "--", "part"]) == 130
    assert main(["pretrain", "--resume", "results/part0"]) == 0
    assert main(["pretrain", "--resume", "results/part0"]) == 0  # nothing is left to do
    expected, found = (load_arrays(f"results/{run}0/pretrained_params.npz") for run in ("whole", "part"))
    assert_same(found, expected)
    os.remove("results/part0/pretrained_params.npz")
    np.savez("results/part0/layer1/learnt.npz", W=np.zeros((64, 19), "float32"), a=np.zeros(64, "float32"))
    assert main(["pretrain", "--resume", "results/part0"]) == 2
    sentence = (
        "results/part0/layer1/learnt.npz does not hold what a stage of pre-training learnt: restore it, or remove it"
    )
    assert sentence in capsys.readouterr().err
    rows = [json.loads(row) for row in open("results/whole0/layer1/epochs.jsonl")]
    assert rows[-2]["pseudo_likelihood"] > rows[0]["pseudo_likelihood"]
    rows = [json.loads(row) for row in open("results/whole0/unrolled/epochs.jsonl")]
    assert rows[-2]["train_cost_reconstruction"] < rows[0]["train_cost_reconstruction"]
    for name, epochs in (("layer1", 4), ("layer2", 4), ("unrolled", 2)):
        rows = [json.loads(row) for row in open(f"results/whole0/{name}/epochs.jsonl")]
        assert [row["epoch"] for row in rows] == [*range(1, epochs + 1), epochs]
        assert rows[0]["learning_rate"] == float(np.float32(0.02))


def test_mistakes_are_named_before_anything_is_read(capsys):
    _refused(
        capsys,
        ("--pretrain-epochs 3", "--pretrain-epochs is of no use without --pretrain"),
        ("--pretrain dae --cd-steps 2", "--cd-steps is of no use to --pretrain dae: it is for rbm"),
        ("--pretrain rbm --pretrain-weights untied", "--pretrain-weights is of no use to --pretrain rbm"),
        ("--pretrain rbm --standardize", "which --standardize does not leave: give --visible-units gaussian"),
        ("--pretrain rbm --unrolled-epochs 2", "give --act sigmoid"),
        ("--pretrain dae --pretrain-cost crossentropy", "give --act sigmoid, or --pretrain-cost squared"),
        ("--pretrain dae --act maxout:2", "--pretrain has no inverse of maxout"),
        ("--pretrain dae --pretrain-strength 1,2,3", "has 3 entries for 2 layers below the code"),
        ("--pretrain dae --pretrain-corruption masking --pretrain-strength 1", "must be below 1"),
        ("--pretrain pca", "--pretrain is pca, but must be one of none, dae, dae-joint, rbm"),
    )
    layers = "--pretrain dae --encoder-layers {} --denoising-cost-x {}"
    _refused(
        capsys,
        (layers.format("10", "0,0"), "--encoder-layers has no other: give more layers"),
        (layers.format("convv:4:3:1-10", "0,0,0"), "layer 1 of --encoder-layers is convv"),
    )
    assert main(["pretrain", *WORDS, "--pretrain", "none"]) == 2
    assert "there is nothing to do: give dae, dae-joint or rbm" in capsys.readouterr().err
    updates = "--optimizer momentum --momentum 0.8 --clip-norm 2".split()  # pre-training reads these as well
    assert main(["pretrain", *WORDS, "--pretrain", "none", *updates]) == 2
    assert "there is nothing to do: give dae, dae-joint or rbm" in capsys.readouterr().err
    assert main(["pretrain", "--resume", "results/none"]) == 2
    assert "results/none" in capsys.readouterr().err
    for words, sentence in (
        ("--seed 1 2", "'2' would be a name: if it is a value, the option before it takes only one"),
        ("--output x.png", "--output is of --filters"),
        ("--filters results/x --seed 7", "--filters draws and does nothing else: leave out --dataset"),
    ):
        assert main(["pretrain", *WORDS, *words.split()]) == 2
        assert sentence in capsys.readouterr().err


def _refused(capsys, *cases):
    for words, sentence in cases:
        capsys.readouterr()  # discard the log of earlier training
        assert main([*TRAIN, *words.split()]) == 2
        error = capsys.readouterr().err
        assert sentence in error and error.count("\n") == 1
