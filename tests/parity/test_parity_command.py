"""``run.py parity``: exit statuses and what is printed."""

import argparse
import json

import numpy as np
import pytest

from ladder.cli import parity
from ladder.errors import UserError
from ladder.parity import golden

NAME = "fc_small_baseline"


def run(*arguments):
    parser = argparse.ArgumentParser()
    parity.add_parser(parser.add_subparsers())
    args = parser.parse_args(["parity", *map(str, arguments), "--jobs", "1"])
    return args.run(args)


def some_arrays(golden_dir, folder, name, change=0.0):
    """Write a golden file of initial values alone, which needs no compiling; one of them may be changed."""
    file = golden.read(golden_dir, NAME)
    arrays = {key: array for key, array in file.arrays.items() if key.startswith("init__")}
    arrays["init__f_1_W"] = arrays["init__f_1_W"] + np.float32(change)
    np.savez(folder / f"{name}.npz", **arrays)
    meta = {key: value for key, value in file.meta.items() if key != "arrays"}
    (folder / f"{name}.json").write_text(json.dumps(meta))


def test_agreement_is_status_0(golden_dir, tmp_path, capsys):
    some_arrays(golden_dir, tmp_path, "good")
    assert run(tmp_path) == 0
    printed = capsys.readouterr().out
    assert "good: passed" in printed
    assert "1 golden files: 1 passed" in printed


def test_an_altered_value_is_status_1(golden_dir, tmp_path, capsys):
    some_arrays(golden_dir, tmp_path, "good")
    some_arrays(golden_dir, tmp_path, "altered", 1e-6)
    assert run(tmp_path, "--json", tmp_path / "report") == 1
    printed = capsys.readouterr().out
    assert "altered: FAILED" in printed
    assert "init__f_1_W differs" in printed
    altered, good = json.loads((tmp_path / "report").read_text())
    assert altered["kinds"]["initial values"]["verdict"] == "FAILED"
    assert good["verdict"] == "passed"


def test_an_altered_value_elsewhere_does_not_matter(golden_dir, tmp_path):
    some_arrays(golden_dir, tmp_path, "good")
    some_arrays(golden_dir, tmp_path, "altered", 1e-6)
    assert run(tmp_path, "--only", "good") == 0


def test_a_file_that_cannot_be_read_is_status_1(golden_dir, tmp_path, capsys):
    some_arrays(golden_dir, tmp_path, "cut_off")
    path = tmp_path / "cut_off.npz"
    path.write_bytes(path.read_bytes()[:2000])
    assert run(tmp_path) == 1
    assert "cut_off: FAILED: cut_off.npz cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_half_a_pair_is_status_1(golden_dir, tmp_path, capsys, suffix):
    some_arrays(golden_dir, tmp_path, "half")
    (tmp_path / f"half{suffix}").unlink()
    assert run(tmp_path) == 1
    assert f"half{suffix} is missing" in capsys.readouterr().out


def test_a_configuration_that_cannot_be_built_is_status_1(tmp_path, capsys):
    model(tmp_path, encoder_layers=["odd:3", "10"], denoising_cost_x=[0, 0, 0])
    assert run(tmp_path) == 1
    assert "odd" in capsys.readouterr().out


def test_a_file_about_nothing_known_is_status_1(tmp_path):
    model(tmp_path)
    (tmp_path / "some.json").write_text("{}")
    assert run(tmp_path) == 1


def test_layers_that_do_not_fit_are_status_1(tmp_path, capsys):
    model(tmp_path, encoder_layers=["convv:4:9:1:1", "10"], denoising_cost_x=[0, 0, 0])
    assert run(tmp_path) == 1
    assert "'convv:4:9:1:1' has filters of 9 x 9 for maps of 8 x 8" in capsys.readouterr().out


def model(folder, **config):
    np.savez(folder / "some.npz", anything=np.zeros(2))
    (folder / "some.json").write_text(json.dumps({"config": {"in_dim": [1, 8, 8], **config}}))


def orders(golden_dir, folder, **changed):
    with np.load(golden_dir / "streams_small.npz") as stored:
        arrays = {name: stored[name] for name in stored.files if name != "mnist_train_targets"}
    np.savez(folder / "streams.npz", **{**arrays, **changed})
    (folder / "streams.json").write_text("{}")


def test_orders_are_compared_and_mnist_may_be_absent(golden_dir, tmp_path, monkeypatch, capsys):
    orders(golden_dir, tmp_path)
    monkeypatch.setenv("FUEL_DATA_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path) == 0
    assert "left out what needs MNIST" in capsys.readouterr().out


def test_an_altered_order_is_status_1(golden_dir, tmp_path):
    orders(golden_dir, tmp_path, shuffled_n1000_e0_b0=np.arange(100))
    assert run(tmp_path) == 1


def test_orders_that_would_take_too_long_are_not_drawn(golden_dir, tmp_path, capsys):
    orders(golden_dir, tmp_path, shuffled_n1000_e99999999999_b0=np.arange(100))
    assert run(tmp_path) == 1
    assert "it has epoch 99999999999 of 1000 examples, but no more than 1000 epochs" in capsys.readouterr().out


def test_what_is_compared_is_not_replaced(golden_dir, tmp_path):
    some_arrays(golden_dir, tmp_path, "good")
    for half in ("good.json", "good.npz"):
        with pytest.raises(UserError, match=f"{half} is what the command reads: give another file"):
            run(tmp_path, "--json", str(tmp_path / half))


def test_the_mnist_run_is_skipped_without_mnist(tmp_path, monkeypatch, capsys):
    np.savez(tmp_path / "mnist_fc100_seed1_traj.npz", total=np.zeros(200))
    (tmp_path / "mnist_fc100_seed1_traj.json").write_text("{}")
    monkeypatch.setenv("FUEL_DATA_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path) == 0
    assert "mnist_fc100_seed1_traj: skipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message", [(["--only", "absent"], "absent"), (["--json", "absent/report"], "--json")]
)
def test_mistakes_in_options(golden_dir, tmp_path, arguments, message):
    some_arrays(golden_dir, tmp_path, "good")
    with pytest.raises(UserError, match=message):
        run(tmp_path, *arguments)


def test_an_empty_or_missing_folder(tmp_path):
    for folder, message in ((tmp_path, "no golden files in"), (tmp_path / "absent", "there is no folder")):
        with pytest.raises(UserError, match=message):
            run(folder)


@pytest.mark.parametrize("option", ["--jobs", "--threads"])
def test_numbers_below_one(option, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, option, "0")
    assert f"argument {option}: '0' must be a whole number from 1 to" in capsys.readouterr().err
