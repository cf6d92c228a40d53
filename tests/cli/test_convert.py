"""``run.py convert``, as the front end calls it."""

from argparse import ArgumentParser

import numpy
import pytest

from ladder.cli import convert
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
    targets = numpy.where(numpy.arange(40) < 30, numpy.arange(40) % 3, -1)
    numpy.savez("mine.npz", features=numpy.zeros((40, 1, 5, 6), "uint8"), targets=targets)
    return tmp_path


def test_arrays_end_up_where_training_looks(here, capsys):
    assert call("arrays", "--input", "mine.npz") == 0
    assert HDF5Dataset(find_dataset("mine"), "test").num_examples == 6
    assert capsys.readouterr().out.splitlines() == [
        "Wrote datasets/mine.hdf5",
        "  train: 34 examples of 1 x 5 x 6 uint8, 10 of them without a label",
        "  test: 6 examples of 1 x 5 x 6 uint8",
    ]


def test_options_of_arrays(here):
    call("arrays", "--input", "mine.npz", "--name", "yours", "--test-fraction", 0.5, "--seed", 3,
         "--output-directory", here / "out")  # fmt: skip
    assert HDF5Dataset(here / "out" / "yours.hdf5", "test").num_examples == 15


def test_fuels_folder_is_the_default(here, monkeypatch):
    monkeypatch.setenv("FUEL_DATA_PATH", str(here / "fuel"))
    call("arrays", "--input", "mine.npz")
    assert find_dataset("mine") == here / "fuel" / "mine.hdf5"


def test_a_file_that_is_there_is_replaced_only_with_force(here):
    call("arrays", "--input", "mine.npz")
    path = find_dataset("mine")
    before = path.read_bytes()
    with pytest.raises(UserError, match="datasets/mine.hdf5 exists already: add --force"):
        call("arrays", "--input", "mine.npz", "--seed", 2)
    assert path.read_bytes() == before
    call("arrays", "--input", "mine.npz", "--test-fraction", 0, "--force")
    assert path.read_bytes() != before


def test_digits(here, capsys):
    pytest.importorskip("sklearn")
    assert call("digits") == 0
    assert "train: 1437 examples of 1 x 8 x 8 float32" in capsys.readouterr().out


def test_mnist_without_its_files(here):
    with pytest.raises(UserError, match="lacks train-images-idx3-ubyte.gz"):
        call("mnist", "--directory", here)
    with pytest.raises(UserError, match="lacks train-images-idx3-ubyte.gz"):
        call("mnist", "--directory", here / "nowhere")


@pytest.mark.parametrize("words", [[], ["cifar11"], ["arrays"], ["mnist", "--dtype", "float16"]])
def test_incomplete_commands(here, words):
    with pytest.raises(SystemExit):
        call(*words)
