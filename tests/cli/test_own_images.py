"""From a folder of pictures to predictions, with a fixed labelled set, on a network that other tests also compile."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import ladder
from ladder.cli import download as download_command
from ladder.cli import main
from ladder.data.own_examples import read_own_images
from ladder.data.registry import KNOWN
from ladder.errors import UserError
from ladder.options import Options
from ladder.runs.folder import RunFolder
from ladder.tables.settings import settings_of
from ladder.training.experiment import prepare
from ladder.training.records import Records

NAMES = "zero one two three four five six seven eight nine".split()
NETWORK = (
    "--dataset photos --encoder-layers 10 --decoder-spec gauss --denoising-cost-x 10,1 --num-epochs 60 --lr 0.02 "
    "--batch-size 50 --unlabeled-samples 440 --threads 1"
).split()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with ``photos``, 600 pictures of digits, 300 of them labelled, and the run ``drawn0``, whose labelled
    examples are drawn and saved."""
    folder, (pixels, labels) = tmp_path_factory.mktemp("photos"), load_digits(return_X_y=True)
    for i in range(600):
        place = folder / "photos" / (NAMES[labels[i]] if i < 300 else "unlabeled")
        place.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray((pixels[i] * 255 / 16).round().astype("uint8").reshape(8, 8))
        image.save(place / f"{i}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("FUEL_DATA_PATH", raising=False)
        assert main("convert images --directory photos --size 8".split()) == 0
        assert main(["train", *NETWORK, "--labeled-samples", "100", "--save-split", "--", "drawn"]) == 0
    return folder


@pytest.fixture
def here(photos, monkeypatch):
    monkeypatch.chdir(photos)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    return photos


def test_names_of_classes_go_all_the_way(here, capsys, tmp_path):
    assert json.loads(Path("results/drawn0/data.json").read_text())["classes"] == sorted(NAMES)
    assert main(["evaluate", "results/drawn0"]) == 0
    assert "│ 0 eight │" in capsys.readouterr().out
    # A larger copy in colour is resized and converted to grey.
    source = sorted(Path("photos/zero").iterdir())[0]
    with Image.open(source) as image:
        image.convert("RGB").resize((32, 32), Image.Resampling.NEAREST).save(Path("photos/zero/large.bmp"))
    assert main(["predict", "results/drawn0", "--input", "photos", "--output", str(tmp_path / "out.csv")]) == 0
    rows = {row["file"]: row for row in csv.DictReader((tmp_path / "out.csv").open())}
    large, small = rows.pop("zero/large.bmp"), rows[f"zero/{source.name}"]
    Path("photos/zero/large.bmp").unlink()
    assert large["class"] == small["class"] and all(
        abs(float(large[f"p{i}"]) - float(small[f"p{i}"])) < 0.2 for i in range(10)
    )
    assert len(rows) == 600 and all(row["name"] == sorted(NAMES)[int(row["class"])] for row in rows.values())
    right = [file.startswith(row["name"]) for file, row in rows.items() if not file.startswith("unlabeled")]
    assert np.mean(right) > 0.7
    assert ladder.load("results/drawn0").classes.tolist() == sorted(NAMES)


def test_the_saved_set_gives_the_same_split_again(here):
    """The order is kept, so the same seed trains the same network; the run keeps the set, and writes it for others."""
    drawn = RunFolder(Path("results/drawn0"))
    options = {**drawn.load_options(), "labeled_samples": None, "labeled_indices": "results/drawn0/labeled.txt"}
    (experiment,) = prepare([Options.of(**options)])
    folder = RunFolder.begin("again", experiment.p, experiment.in_dim)
    assert folder.load_options()["labeled_indices"] == tuple(positions(drawn / "labeled.txt"))
    Records().save_split(folder, experiment)
    for name in ("labeled.txt", "train.txt", "valid.txt"):
        assert (positions(folder / name) == positions(drawn / name)).all() and len(positions(folder / name))


def positions(path):
    return np.loadtxt(path, dtype=int)


def options_of(name):
    return RunFolder(Path("results", name)).load_options()


def test_tables_keep_sets_apart_and_seeds_together(here):
    drawn = options_of("drawn0")
    listed = tuple(positions("results/drawn0/labeled.txt").tolist())
    again = {**drawn, "labeled_samples": None, "labeled_indices": listed}
    settings = [settings_of(Options(**{**again, **others})) for others in ({}, {"seed": 2, "dseed": 2})]
    assert settings[0] == settings[1] == settings_of(Options(**{**again, "labeled_indices": listed[::-1]}))
    for other in (drawn, {**again, "labeled_indices": listed[1:]}):
        assert settings_of(Options(**other)) != settings[0]


def test_from_python(here):
    """The same examples are labelled whatever the seed; impossible requests are refused before data are read."""
    labeled = positions("results/drawn0/labeled.txt")
    options = dict(dataset="photos", encoder_layers="10", denoising_cost_x=(0, 0), unlabeled_samples=440)
    one, two = (prepare([Options.of(**options, labeled_indices=labeled, seed=seed)])[0].split for seed in (2, 3))
    assert (one.labeled == labeled).all() and (two.labeled == labeled).all() and (one.train != two.train).any()
    with pytest.raises(UserError, match="labeled_indices says which examples are labelled, and labeled_samples"):
        ladder.train(**{**options, "dataset": "nowhere"}, labeled_indices=labeled, labeled_samples=100)
    with pytest.raises(UserError, match="save_split write into the folder of a run: give save_to, too"):
        ladder.train(**options, save_split=True)


DIGITS = {"in_dim": (1, 8, 8), "divided_by": 1.0, "read_range": (0.0, 1.0)}


def test_images_for_networks_of_other_data_sets(here):
    """The images are read into the shape of the network's examples, and scaled as their values were."""
    file = sorted(Path("photos/zero").iterdir())[0]
    pixels = np.asarray(Image.open(file))
    names, features = read_own_images(file, "digits", DIGITS)
    assert names == [file.name] and features.dtype == "float32" and (features == pixels / np.float32(255)).all()
    cifar = {"in_dim": (3, 8, 8), "divided_by": 1.0, "read_range": (0.0, 255.0)}
    assert (read_own_images(file, "cifar10", cifar)[1][0] == pixels).all()  # in each channel
    halved = {**DIGITS, "divided_by": 127.5, "read_range": (0.0, 2.0)}
    assert np.allclose(read_own_images(file, "mine", halved)[1], pixels / 127.5)
    assert (read_own_images(file, "mnist", {"in_dim": (1, 8, 8)})[1] == pixels / np.float32(255)).all()  # of an old run
    stretched = {"height": 8, "width": 8, "channels": 1, "fit": "stretch"}
    assert read_own_images(Path("photos/zero"), "x", {**DIGITS, "images": stretched})[1].shape[1:] == (1, 8, 8)


def test_predict_refuses_what_are_no_images(here, tmp_path, capsys):
    (tmp_path / "bad.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    for path, sentence in ((tmp_path / "bad.png", "cannot read"), (tmp_path / "empty", "empty holds no image")):
        assert main(["predict", "results/drawn0", "--input", str(path)]) == 2
        assert sentence in capsys.readouterr().err
    with pytest.raises(UserError, match="an example of this network is 64 numbers, which are no image: give a .csv"):
        read_own_images(Path("photos"), "x", {**DIGITS, "in_dim": (64,)})


def test_download_and_convert(tmp_path, monkeypatch, capsys):
    """The command downloads the files, then converts them from where it put them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    seen = []
    monkeypatch.setattr(download_command, "download", lambda *arguments: seen.append(arguments))
    parser = ArgumentParser()
    download_command.add_parser(parser.add_subparsers())

    def call(*words):
        args = parser.parse_args(["download", *words])
        return args.run(args)

    assert call("mnist") == 0
    assert seen == [
        (KNOWN["mnist"].downloads, Path("datasets/mnist"), "`run.py convert mnist --directory datasets/mnist`")
    ]
    assert capsys.readouterr().out == (
        "To make it ready for training: python run.py convert mnist --directory datasets/mnist\n"
    )
    with pytest.raises(UserError, match="there is no folder D: give the one with train_32x32.mat"):
        call("svhn", "--directory", "D", "--convert")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "svhn.hdf5").write_text("")
    with pytest.raises(UserError, match="svhn.hdf5 exists already: leave out --convert, or remove it"):
        call("svhn", "--convert")
    assert len(seen) == 2
