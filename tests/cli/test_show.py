"""``run.py show``: what it says about data sets, and the pictures that it draws."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ladder.cli import main, show
from ladder.data.examples import load_examples
from ladder.data.summary import summarise
from ladder.report.examples import Version, chosen_examples, examples_figure
from ladder.report.figures.style import styled


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(autouse=True)
def in_a_folder_of_their_own(folder, monkeypatch):
    """One folder for all tests, as each data set takes a second to make."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def converted(name, **arrays):
    np.savez(f"{name}.npz", **arrays)
    assert main(["convert", "arrays", "--input", f"{name}.npz", "--test-fraction", "0.2"]) == 0


def test_digits_in_words(capsys):
    assert main(["show", "digits"]) == 0
    said = capsys.readouterr().out
    for words in ("digits.hdf5: features, targets", "1,437", "1 x 8 x 8", "float32", "from 0 to 1, taken as they are"):
        assert words in said
    train, test = load_examples("digits", "train"), load_examples("digits", "test")
    for label in range(10):
        row = [line.split("│")[1:4] for line in said.splitlines() if line.startswith(f"│ {label} ")]
        counts = [str((split.targets == label).sum()) for split in (train, test)]
        assert [[entry.strip() for entry in each] for each in row] == [[str(label), *counts]]


def test_names_of_splits_are_shown_as_they_are(capsys, monkeypatch):
    _, _, splits = summarise("digits")
    odd = [replace(splits[0], name="[/b]"), replace(splits[1], name="train [small]\x1b[2J")]
    show._print_splits("digits.hdf5", ("features",), odd)
    show._print_classes(odd)
    monkeypatch.setattr(show, "MOST_CLASSES", 5)
    show._print_classes(odd)
    said = capsys.readouterr().out
    assert said.count("[/b]") == said.count("train [small]") == 3 and "\x1b" not in said


def test_pixels_unlabelled_examples_and_many_classes(capsys):
    rng = np.random.RandomState(0)
    targets = np.repeat(np.arange(150), 4)
    targets[::4] = -1
    images = rng.randint(0, 256, (600, 3, 5, 6)).astype("uint8")
    converted("many", features=images, targets=targets)
    assert main(["show", "many", "--divide-by", "2"]) == 0
    said = capsys.readouterr().out
    assert "uint8" in said and "150" in said and "divided by 2 " in said
    _, _, splits = summarise("many")
    assert "divided by 255" in splits[0].reading and splits[0].n_unlabelled + splits[1].n_unlabelled == 150
    counts = [splits[0].counts[label] for label in splits[0].classes]
    assert f"train: {min(counts)} to {max(counts)} examples of each of 150 classes" in said


def test_a_warning_of_scales_and_no_picture_of_rows(capsys):
    rng = np.random.RandomState(0)
    converted("rows", features=rng.rand(60, 3).astype("float32") * [1, 1000, 1], targets=np.arange(60) % 3)
    assert main(["show", "rows"]) == 0
    assert "standard deviations" in capsys.readouterr().err
    assert main(["show", "rows", "--standardize"]) == 0
    said = capsys.readouterr()
    assert not said.err and "Then: each feature gets mean 0" in said.out
    assert main(["show", "rows", "--output", "rows.png"]) == 2
    assert "examples of rows are 3, no grey or colour images" in capsys.readouterr().err


def shown(figure):
    """The array that a figure shows."""
    return np.asarray(figure.axes[0].images[0].get_array())


def test_the_grid_has_each_image_in_its_place():
    rng = np.random.RandomState(0)
    features, targets = rng.rand(40, 3, 6, 4).astype("float32"), np.arange(40) % 4 - 1
    chosen = chosen_examples(targets, 3, seed=2)
    assert list(chosen) == [0, 1, 2, -1] and all(len(set(found)) == 3 for found in chosen.values())
    assert all((targets[found] == label).all() for label, found in chosen.items())
    some = features[np.concatenate(list(chosen.values()))]
    versions = [
        Version("as read", some, (0, 1)),
        Version("changed", 1 - some, (0, 1)),
        Version("again", 2 * some, (0, 1)),
    ]
    with styled():
        figure = examples_figure(chosen, versions, "A")
    grid = shown(figure)
    group = 3 * 5 - 1 + 2
    for i, found in enumerate(chosen.values()):
        for k, position in enumerate(found):
            image = features[position].transpose(1, 2, 0)
            for j, wanted in enumerate((image, 1 - image, np.minimum(2 * image, 1))):
                left = k * group + j * 5
                np.testing.assert_allclose(grid[7 * i : 7 * i + 6, left : left + 4], wanted, atol=1e-6)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "1", "2", "no label"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["as read", "changed", "again"]


def test_pictures_are_written_and_the_same_each_time(capsys):
    options = ["show", "digits", "--split", "test", "--examples", "2", "--augment", "flip,shift:1", "--rescale"]
    for name in ("one.png", "two.png", "one.svg"):
        assert main([*options, "--output", name]) == 0
        assert f"Wrote {name}" in capsys.readouterr().out
    one, two, drawn = (Path(name).read_bytes() for name in ("one.png", "two.png", "one.svg"))
    assert one == two and imread("one.png").std() > 0.1
    assert b"digits, test: 2 of each class" in drawn and drawn.startswith(b"<?xml")
    targets = np.arange(1000) % 10
    first, again, other = (chosen_examples(targets, 2, seed)[3].tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["nowhere"], "there is no data set 'nowhere'"),
        (["digits", "--output", "x.gif"], "--output x.gif must end in .png or .svg"),
        (["digits", "--output", "no/x.png"], "there is no folder"),
        (["digits", "--augment", "flip"], "--augment is drawn: say where with --output FILE.png"),
        (["digits", "--augment", "flop", "--output", "x.png"], "unknown transformation 'flop'"),
        (["digits", "--split", "valid", "--output", "x.png"], "has no split 'valid'"),
        (["digits", "--whiten-zca", "3", "--output", "x.png"], "an example has 64 inputs"),
        (["digits", "--augment", "crop:8", "--output", "x.png"], "give at most 7"),
    ],
)
def test_mistakes_get_one_sentence(options, sentence, capsys):
    assert main(["show", *options]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_a_whitening_beyond_the_memory_is_refused(capsys, monkeypatch):
    converted("wide", features=np.random.RandomState(0).rand(20, 1, 50, 60), targets=np.arange(20) % 2)
    monkeypatch.setenv("LADDER_MEMORY", "0.1")
    assert main(["show", "wide", "--whiten-zca", "3000", "--output", "x.png"]) == 2
    assert "--whiten-zca of 3,000 inputs would need 288 MB of memory" in capsys.readouterr().err
