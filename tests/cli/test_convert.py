"""``run.py convert``, as the front end calls it."""

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from ladder.cli import convert, main
from ladder.data.hdf5 import HDF5Dataset, find_dataset
from ladder.errors import UserError


def call(*words):
    parser = ArgumentParser()
    convert.add_parser(parser.add_subparsers())
    args = parser.parse_args(["convert", *map(str, words)])
    return args.run(args)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    targets = np.where(np.arange(40) < 30, np.arange(40) % 3, -1)
    np.savez("mine.npz", features=np.zeros((40, 1, 5, 6), "uint8"), targets=targets)
    return tmp_path


def test_arrays_end_up_where_training_looks(here, capsys):
    assert call("arrays", "--input", "mine.npz") == 0
    assert HDF5Dataset(find_dataset("mine"), "test").num_examples == 6
    assert capsys.readouterr().out.splitlines() == [
        "Wrote datasets/mine.hdf5",
        "  train: 34 examples of 1 x 5 x 6 uint8, 10 of them without a label",
        "  test: 6 examples of 1 x 5 x 6 uint8",
        "  features: whole numbers from 0 to 0, taken as they are (train --divide-by R changes that)",
    ]


TERMINATED = """
import os, signal, time
from ladder import cli, files
def terminate(path):
    print(os.listdir("datasets"), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
files._keep = terminate
cli.main("convert arrays --input mine.npz".split())
"""


def test_a_conversion_that_is_terminated_leaves_nothing(here):
    environment = {**os.environ, "PYTHONPATH": str(Path(convert.__file__).parents[2])}
    command = [sys.executable, "-c", TERMINATED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50)
    assert done.returncode == -signal.SIGTERM and ".partial" in done.stdout and not done.stderr
    assert list((here / "datasets").iterdir()) == []


def test_options_of_arrays(here):
    call(
        "arrays",
        "--input",
        "mine.npz",
        "--name",
        "yours",
        "--test-fraction",
        0.5,
        "--seed",
        3,
        "--output-directory",
        here / "out",
    )
    assert HDF5Dataset(here / "out" / "yours.hdf5", "test").num_examples == 15


def test_one_command_mends_labels_names_and_images(here):
    features = np.arange(30 * 5 * 6 * 3).reshape(30, 5, 6, 3)
    np.savez("raw.npz", x=features, y=np.r_[np.arange(27) % 3 * 10 + 7, 255, 255, 255])
    assert (
        call(
            "arrays",
            "--input",
            "raw.npz",
            "--sources",
            "features=x,targets=y",
            "--no-label",
            255,
            "--renumber-labels",
            "--test-fraction",
            0,
        )
        == 0
    )
    data = HDF5Dataset(find_dataset("raw"), "train")
    assert (data.features == np.moveaxis(features, -1, 1)).all()
    assert data.targets.tolist() == [0, 1, 2] * 9 + [-1] * 3


def test_an_hdf5_file_is_divided_and_mended(here):
    call("arrays", "--input", "mine.npz", "--name", "first", "--test-fraction", 0)
    assert (
        call("arrays", "--input", "datasets/first.hdf5", "--no-label", "none", "--renumber-labels", "--name", "second")
        == 0
    )
    train, test = (HDF5Dataset(find_dataset("second"), split) for split in ("train", "test"))
    assert np.bincount(np.r_[train.targets, test.targets]).tolist() == [10, 10, 10, 10]
    assert (train.num_examples, test.num_examples) == (32, 8)


def test_arrays_by_the_names_of_keras(here):
    x, y = np.random.RandomState(0).rand(30, 4), np.arange(30) % 3
    np.savez("keras.npz", x_train=x, y_train=y, x_test=x[:6], y_test=y[:6], names=y)
    names = "features=x_train,targets=y_train,features_test=x_test,targets_test=y_test"
    assert call("arrays", "--input", "keras.npz", "--sources", names) == 0
    train, test = (HDF5Dataset(find_dataset("keras"), split) for split in ("train", "test"))
    assert (train.num_examples, test.targets.tolist()) == (30, [0, 1, 2, 0, 1, 2])
    with pytest.raises(UserError, match="lacks z, and holds names, x_test, x_train, y_test, y_train"):
        call("arrays", "--input", "keras.npz", "--sources", "features=x_train,targets=z", "--force")


@pytest.mark.parametrize("entry", ["target=y", "foo", "features=", "features_test="])
def test_sources_that_convert_does_not_know(here, entry):
    rng = np.random.RandomState(0)
    np.savez("raw.npz", features=rng.rand(30, 4), y=np.arange(30) % 3)
    with pytest.raises(UserError, match=f"--sources: '{entry}' is none of features=NAME, .* targets_test=NAME: "):
        call("arrays", "--input", "raw.npz", "--sources", f"features=features,{entry}")
    assert not (here / "datasets" / "raw.hdf5").exists()


def test_an_hdf5_file_has_no_sources_of_test_examples(here):
    call("arrays", "--input", "mine.npz", "--name", "first")
    with pytest.raises(UserError, match="--sources: 'features_test=x' is none of features=NAME, targets=NAME: "):
        call("arrays", "--input", "datasets/first.hdf5", "--name", "second", "--sources", "features_test=x")


def test_splits_of_other_names(here):
    import h5py

    call("arrays", "--input", "mine.npz", "--name", "first")
    with h5py.File("datasets/first.hdf5", "a") as file:
        rows = file.attrs["split"]
        rows["split"] = [{b"train": b"fit", b"test": b"try"}[name] for name in rows["split"]]
        file.attrs["split"] = rows
    with pytest.raises(
        UserError, match="no split 'train': the splits there are fit, try; .*--splits train=NAME,test=NAME"
    ):
        HDF5Dataset("datasets/first.hdf5", "train")
    with pytest.raises(UserError, match="has the splits fit, try: say which one trains"):
        call("arrays", "--input", "datasets/first.hdf5", "--name", "second")
    assert call("arrays", "--input", "datasets/first.hdf5", "--name", "second", "--splits", "train=fit,test=try") == 0
    assert HDF5Dataset(find_dataset("second"), "test").num_examples == 6


def test_names_in_a_file_do_not_move_the_cursor(here, capsys):
    np.savez("odd.npz", **{"features": np.zeros((4, 2)), "\x1b[2Jx": np.zeros(4)})
    assert main(["convert", "arrays", "--input", "odd.npz"]) == 2
    said = capsys.readouterr().err
    assert "holds the unknown \ufffd[2Jx" in said and "\x1b" not in said


def test_a_feature_of_another_scale_is_warned_of(here, capsys):
    features = np.random.RandomState(0).randn(40, 3) * [1, 1, 1e5]
    np.savez("odd.npz", features=features, targets=np.arange(40) % 3)
    assert call("arrays", "--input", "odd.npz") == 0
    said = capsys.readouterr()
    assert "(feature 2)" in said.err and "--standardize" in said.err and "Warning" not in said.out


def test_a_folder_that_is_not_there(here):
    with pytest.raises(UserError, match="--directory: there is no folder nowhere"):
        call("mnist", "--directory", "nowhere")


def test_fuels_folder_is_the_default(here, monkeypatch):
    monkeypatch.setenv("FUEL_DATA_PATH", str(here / "fuel"))
    call("arrays", "--input", "mine.npz")
    assert find_dataset("mine") == here / "fuel" / "mine.hdf5"


def test_a_link_is_written_through(here):
    np.savez("mine.npz", features=np.random.RandomState(0).rand(20, 4), targets=np.arange(20) % 2)
    os.makedirs("large_disk")
    os.makedirs("datasets", exist_ok=True)
    open("large_disk/mine.hdf5", "w").close()
    os.symlink("../large_disk/mine.hdf5", "datasets/mine.hdf5")
    assert call("arrays", "--input", "mine.npz", "--force") == 0
    assert os.path.islink("datasets/mine.hdf5") and HDF5Dataset("large_disk/mine.hdf5", "train").num_examples == 16


def test_a_folder_that_cannot_be_is_told_of_before_anything_is_read(here):
    open("file", "w").close()
    with pytest.raises(UserError, match="--output-directory: .*/file is not a folder: give another one"):
        call("arrays", "--input", "absent.npz", "--output-directory", "file/below")


def test_pixels_that_would_be_too_large_as_float32_are_converted(here, monkeypatch):
    pixels = np.random.RandomState(0).randint(0, 256, (1000, 1, 20, 20)).astype("uint8")
    np.savez("mine.npz", features=pixels, targets=np.arange(1000) % 2)
    monkeypatch.setenv("LADDER_MEMORY", "0.0012")
    assert call("arrays", "--input", "mine.npz") == 0


def test_a_file_that_is_there_is_replaced_only_with_force(here):
    call("arrays", "--input", "mine.npz")
    path = find_dataset("mine")
    before = path.read_bytes()
    with pytest.raises(UserError, match="datasets/mine.hdf5 exists already: add --force"):
        call("arrays", "--input", "mine.npz", "--seed", 2)
    assert path.read_bytes() == before
    call("arrays", "--input", "mine.npz", "--test-fraction", 0, "--force")
    assert path.read_bytes() != before


def test_an_input_that_is_not_there_replaces_nothing(here):
    call("arrays", "--input", "mine.npz")
    before = find_dataset("mine").read_bytes()
    with pytest.raises(UserError, match="there is no file gone.npz"):
        call("arrays", "--input", "gone.npz", "--name", "mine", "--force")
    assert find_dataset("mine").read_bytes() == before


def test_what_is_converted_is_not_replaced(here):
    call("arrays", "--input", "mine.npz")
    path = find_dataset("mine")
    before = path.read_bytes()
    with pytest.raises(
        UserError, match="mine.hdf5 is what would be converted, and lost: give another name with --name"
    ):
        call("arrays", "--input", str(path), "--seed", 3, "--force")
    assert path.read_bytes() == before
    call("arrays", "--input", str(path), "--seed", 3, "--name", "other")


def test_digits(here, capsys):
    pytest.importorskip("sklearn")
    assert call("digits") == 0
    assert "train: 1437 examples of 1 x 8 x 8 float32" in capsys.readouterr().out


def test_mnist_without_its_files(here):
    with pytest.raises(UserError, match="lacks train-images-idx3-ubyte.gz"):
        call("mnist", "--directory", here)


@pytest.mark.parametrize("words", [[], ["cifar11"], ["arrays"], ["mnist", "--dtype", "float16"]])
def test_incomplete_commands(here, words):
    with pytest.raises(SystemExit) as ended:
        call(*words)
    assert ended.value.code == 2
