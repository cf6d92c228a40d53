"""The output files of a command never replace anything that would be missed."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ladder.cli import main
from ladder.cli.outputs import check_output
from ladder.data.examples import describe
from ladder.data.fuel_file import IMAGES, write_fuel_file
from ladder.data.own_examples import input_files
from ladder.data.record import load_training_set
from ladder.errors import UserError
from ladder.options import Options
from ladder.runs.folder import RunFolder


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("run0/best")
    for name in ("run0/params.json", "run0/log.jsonl", "run0/page.html", "mine.csv", "run0/sweep.json"):
        open(name, "w").write("{}")
    os.symlink("mine.csv", "link.csv")
    os.symlink("run0/params.json", "options.json")


@pytest.mark.parametrize(
    "path, sentence",
    [
        ("link.csv", "--output link.csv is what the command reads: give another file."),
        ("run0/params.json", "--output run0/params.json is a file of a run, which would be lost: give another one."),
        ("run0/log.jsonl", "is a file of a run"),
        ("run0/evaluation.json", "is a file of a run"),
        ("run0/attack.json", "is a file of a run"),
        ("run0/rival.json", "is a file of a run"),
        ("run0/failure.json", "is a file of a run"),
        ("run0/sweep.json", "is a file of a run"),
        ("run0/best/attack.json", "is a file of a run"),
        ("run0/checkpoint-0000000600.npz", "is a file of a run"),
        ("options.json", "--output options.json is a file of a run"),
        ("page.htm", "--output page.htm must end in .csv."),
        ("run0", "--output run0 is a folder: give a file."),
    ],
)
def test_what_would_be_lost_is_refused(path, sentence):
    suffix = ".csv" if path.endswith(".htm") else None
    with pytest.raises(UserError, match=sentence):
        check_output(path, "--output", ["mine.csv"], suffix)


def test_a_link_that_leads_to_itself_is_no_traceback():
    os.symlink("round", "round")
    check_output("round", "--output")


@pytest.mark.parametrize("path", [None, "new.csv", "run0/page.html", "run0/report.json", "params.json"])
def test_other_files_can_be_written(path):
    check_output(path, "--output", ["mine.csv", "absent.csv"])


@pytest.mark.parametrize(
    "command, sentence",
    [
        ("predict run0 --input mine.csv --output mine.csv", "--output mine.csv is what the command reads"),
        ("rivals --preset link.csv --json mine.csv", "--json mine.csv is what the command reads"),
        ("evaluate run0 --json run0/params.json", "--json run0/params.json is a file of a run"),
        ("report run0 --output run0/log.jsonl", "--output run0/log.jsonl is a file of a run"),
        ("pretrain --filters run0 --output filters.svg", "--output filters.svg must end in .png"),
        (
            "figures descent --output descent.png",
            "figures are drawn as SVG: give a name that ends in .svg, or a folder",
        ),
    ],
)
def test_commands_ask_before_any_work(command, sentence, capsys):
    before = {name: open(name).read() for name in ("mine.csv", "run0/params.json", "run0/log.jsonl")}
    assert main(command.split()) == 2
    assert sentence in capsys.readouterr().err
    assert before == {name: open(name).read() for name in before}
    assert sorted(os.listdir()) == ["link.csv", "mine.csv", "options.json", "run0"]


@pytest.fixture
def run_on_images():
    """The folder of a run on images of 2 by 2 pixels as it is before training; images to predict are made as well."""
    pixels, targets = np.arange(96, dtype="u1").reshape(24, 1, 2, 2), (np.arange(24, dtype="u1") % 2).reshape(-1, 1)
    examples = {"features": pixels, "targets": targets}
    write_fuel_file("datasets/mine.hdf5", {"train": examples, "test": examples}, IMAGES)
    p = Options(encoder_layers=("2",), denoising_cost_x=(0.0, 0.0), dataset="mine", labeled_samples=12)
    folder = RunFolder.begin("on_images", p, (1, 2, 2))
    folder.save_data(describe(load_training_set(p)))
    os.makedirs("imgs/deeper")
    for name in ("imgs/a.png", "imgs/deeper/b.png"):
        Image.new("L", (2, 2)).save(name)
    os.symlink("imgs/deeper/b.png", "other.png")
    os.symlink("datasets/mine.hdf5", "other.hdf5")
    return str(folder)


@pytest.mark.parametrize(
    "command",
    [
        "evaluate {run} --json datasets/mine.hdf5",
        "evaluate {run} --dataset other.hdf5 --json datasets/mine.hdf5",
        "predict {run} --input mine.csv --output datasets/mine.hdf5",
        "predict {run} --input imgs --output imgs/a.png",
        "predict {run} --input imgs --output other.png",
        "report run0 {run} --files-only --output other.hdf5",
        "rivals mine --labeled-samples 12 --json datasets/mine.hdf5",
        "show ./imgs.png --output imgs.png",
        "lr-test --dataset ./imgs.png --encoder-layers 2 --denoising-cost-x 0,0 --decoder-spec 0 --output imgs.png",
    ],
)
def test_no_data_set_and_no_example_is_overwritten(command, run_on_images, capsys):
    os.link("datasets/mine.hdf5", "imgs.png")  # a data set can have any name if it is given as a path
    names = ("datasets/mine.hdf5", "imgs/a.png", "imgs/deeper/b.png")
    before = [open(name, "rb").read() for name in names]
    assert main(command.format(run=run_on_images).split()) == 2
    assert f"{command.split()[-1]} is what the command reads: give another file." in capsys.readouterr().err
    assert before == [open(name, "rb").read() for name in names]


def test_a_new_file_may_lie_among_the_examples(run_on_images):
    check_output("imgs/classes.csv", "--output", input_files(Path("imgs")), datasets=["mine", "absent", "~nobody/x.h5"])


def test_a_picture_of_rates_is_a_png(capsys):
    network = "--dataset digits --encoder-layers 10 --denoising-cost-x 0,0 --decoder-spec 0"
    assert main(["lr-test", *network.split(), "--output", "rates.svg"]) == 2
    assert "--output rates.svg must end in .png" in capsys.readouterr().err


def test_matplotlib_does_not_look_for_a_window_of_the_users(monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    with pytest.raises(SystemExit):
        main(["--version"])
    assert os.environ["MPLBACKEND"] == "agg"


@pytest.mark.parametrize("name", ["", ".", "runs/..", "./", "/"])
def test_a_name_that_names_no_folder(name, capsys):
    network = "--dataset digits --encoder-layers 10 --denoising-cost-x 0,0 --decoder-spec 0"
    assert main(["train", *network.split(), "--", name]) == 2
    assert "which names no folder: give a name, e.g. mine, or a path" in capsys.readouterr().err
    assert not os.path.exists("results")


def test_an_unset_variable_of_the_shell(capsys):
    with pytest.raises(SystemExit) as end:
        main(["train", "--from", "", "--encoder-layers", "10"])
    assert end.value.code == 2 and "'' names no folder: give one, or leave the option out" in capsys.readouterr().err
    assert main(["sweep", "rates", "--plot", ""]) == 2
    assert "there is no sweep" in capsys.readouterr().err
