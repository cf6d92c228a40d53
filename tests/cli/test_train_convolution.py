"""A convolutional network through the command line: train, evaluate, predict, attack; the original's by --dry-run."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from ladder.cli import main
from ladder.data.examples import load_examples

#: The top is a global pool, and the last batches are smaller.
OPTIONS = (
    "--dataset digits --encoder-layers convv:12:3:1:1-maxpool:2:2-convf:10:2:1:1-globalmeanpool:0 "
    "--labeled-samples 400 --unlabeled-samples 1137 --valid-set-size 202"
)
TRAIN = (
    f"train {OPTIONS} --decoder-spec gauss --denoising-cost-x 1,0.1,0.1,0.1,0.1 --num-epochs 8 --lr 0.01 --threads 1"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, in a folder that stays the current one."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        assert main(f"{TRAIN} -- conv".split()) == 0
        yield SimpleNamespace(folder=folder / "results" / "conv0", test=load_examples("digits", "test"))


def report_of(run, tmp_path, *options):
    assert main(["evaluate", str(run.folder), "--json", str(tmp_path / "report.json"), *options]) == 0
    return json.loads((tmp_path / "report.json").read_text())


def test_parameters_are_saved_by_the_originals_names_and_shapes(run):
    with np.load(run.folder / "trained_params.npz") as arrays:
        shapes = {name: arrays[name].shape for name in arrays.files}
        assert all(np.isfinite(arrays[name]).all() for name in arrays.files)
    assert {name: shapes[name] for name in ("f_1_W", "f_3_W", "g_2_W", "g_0_W")} == {
        "f_1_W": (12, 1, 3, 3),
        "f_3_W": (10, 12, 2, 2),
        "g_2_W": (12, 10, 2, 2),
        "g_0_W": (1, 12, 3, 3),
    }
    assert [shapes[f"g_{i}_a1"] for i in range(5)] == [(1,), (12,), (12,), (10,), (10,)]
    assert {name for name in shapes if name.startswith("f_")} == {"f_1_W", "f_1_b", "f_3_W", "f_3_b", "f_4_b", "f_4_c"}
    with np.load(run.folder / "running_statistics.npz") as arrays:
        assert arrays["shared_f_1_bn_mean_clean"].shape == arrays["shared_f_2_bn_var_clean"].shape == (12,)


def test_it_learns(run, tmp_path):
    rows = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert rows[0]["update"] == 12  # the last batch has 37 examples
    assert rows[7]["train_cost_total"] < 0.8 * rows[0]["train_cost_total"]
    report = report_of(run, tmp_path)
    assert np.sum(report["confusion"]) == 360 and report["error_percent"] < 40
    valid = report_of(run, tmp_path, "--data-type", "valid")
    assert rows[-1]["valid_final_error_rate_clean"] == pytest.approx(valid["error_percent"], abs=1e-4)


def test_a_file_of_parameters_alone_is_evaluated_with_the_options(run, tmp_path, capsys):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "trained_params.npz").write_bytes((run.folder / "trained_params.npz").read_bytes())
    assert main(["evaluate", str(bare), "--json", str(tmp_path / "bare.json"), *OPTIONS.split()]) == 0
    assert json.loads((tmp_path / "bare.json").read_text())["n_wrong"] == report_of(run, tmp_path)["n_wrong"]
    capsys.readouterr()
    assert main(["evaluate", str(bare), *OPTIONS.replace("convv:12:3", "convv:12:4").split()]) == 2
    shown = capsys.readouterr().err
    assert "f_1_W" in shown and "(12, 1, 3, 3)" in shown and "Traceback" not in shown


def test_predict_agrees_with_evaluate(run, tmp_path):
    np.savez(tmp_path / "input.npz", features=run.test.features)
    output = tmp_path / "predicted.csv"
    assert main(["predict", str(run.folder), "--input", str(tmp_path / "input.npz"), "--output", str(output)]) == 0
    with output.open() as f:
        classes = np.array([int(row["class"]) for row in csv.DictReader(f)])
    assert (classes != run.test.targets).sum() == report_of(run, tmp_path)["n_wrong"]


def test_attack(run):
    """Noise along the gradient misleads the network, and noise of the same size in a random direction hardly does."""
    assert main(["attack", str(run.folder), *"--kinds sgn gaussian --tau 0.2 --threads 1".split()]) == 0
    report = json.loads((run.folder / "attack.json").read_text())
    wrong = {attack["kind"]: attack["n_wrong"] for attack in report["attacks"]}
    assert wrong["sgn"] > wrong["gaussian"] + 50


# --- Before anything is compiled


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A data set of images of 28 x 28, and one without maps."""
    folder = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        rng, targets = np.random.RandomState(0), np.arange(300) % 10
        np.savez("images.npz", features=rng.rand(300, 1, 28, 28).astype("float32"), targets=targets)
        np.savez("flat.npz", features=rng.rand(300, 784).astype("float32"), targets=targets)
        for name in ("images", "flat"):
            assert main(f"convert arrays --input {name}.npz --name {name}".split()) == 0
        yield


@pytest.mark.parametrize(
    "name, dims",
    [
        ("mnist_100_conv_fc", "1000 x 3 x 3, 500 x 3 x 3, 250 x 3 x 3, 10 x 3 x 3, 10 x 1 x 1"),
        (
            "mnist_100_conv_gamma",
            "32 x 32 x 32, 32 x 16 x 16, 64 x 14 x 14, 64 x 16 x 16, 64 x 8 x 8, 128 x 6 x 6, 10 x 6 x 6",
        ),
    ],
)
def test_dry_run_of_the_originals_networks(images, golden_dir, capsys, name, dims):
    words = json.loads((golden_dir / "original_commands.json").read_text())["commands"][name]["command"].split()
    words[words.index("--unlabeled-samples") + 1] = "200"
    assert main([*words[1:-2], "--dataset", "images", "--valid-set-size", "50", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for dim in dims.split(", "):
        assert f" {dim} " in shown, dim
    assert "one example is 1 x 28 x 28" in shown and "globalmeanpool" in shown


@pytest.mark.parametrize(
    "options, says",
    [
        ("--dataset flat --encoder-layers convv:4:3:1:1-10", "'convv:4:3:1:1' needs maps below, but gets 784 units"),
        (
            "--dataset flat --encoder-layers globalmeanpool:0-10",
            "'globalmeanpool:0' needs maps below, but gets 784 units",
        ),
        ("--dataset images --encoder-layers convv:4:29:1:1-10", "filters of 29 x 29 for maps of 28 x 28"),
        (
            "--dataset images --encoder-layers convv:8:3:1:1-globalmeanpool:0",
            "ends with 8 units, but images has 10 classes",
        ),
        ("--dataset images --encoder-layers convf:1500:3:1:1-10", "gives 1500 x 30 x 30 units, more than 1,000,000"),
    ],
)
def test_layers_that_do_not_fit_the_data_are_status_2(images, capsys, options, says):
    assert main(f"train {options} --denoising-cost-x 0,0,0 --decoder-spec 0 -- bad".split()) == 2
    shown = capsys.readouterr().err
    assert says in shown and "--encoder-layers" in shown and "Traceback" not in shown
