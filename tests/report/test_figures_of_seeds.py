"""Figures of runs over seeds: what is drawn, read back."""

import json

import numpy as np
import pytest
from tables.made_up import make_run

from ladder.cli import main
from ladder.errors import UserError
from ladder.report.figures import seeds
from ladder.report.figures.style import styled
from ladder.tables.statistics import summarize

ERRORS = {1: 1.2, 2: 1.0, 3: 1.4}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Three seeds of the baseline and one of the adversarial row, with costs that fall by seed."""
    folder = tmp_path_factory.mktemp("results")
    for seed, error in ERRORS.items():
        run = make_run(folder / f"base{seed}", "thesis_table_20", seed, error)
        log = [{"epoch": e, "train_cost_class_corr": seed / e, "train_denois0": 0.1} for e in range(1, 151)]
        (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    make_run(folder / "adversarial1", "thesis_table_22", 1, 0.9)
    make_run(folder / "unfinished", "thesis_table_22", 2, epochs=3)
    return folder


@pytest.fixture(scope="module")
def found(results):
    return seeds.read(["thesis_table_20", "thesis_table_22"], results)


def points(axes):
    """Sorted errors of the dots on each line of the figure."""
    return [sorted(np.round(np.ma.getdata(dots.get_offsets())[:, 0], 6).tolist()) for dots in axes.collections]


def test_a_dot_for_each_seed_and_a_bar_for_the_interval(found):
    with styled():
        (axes,) = seeds.draw_errors(found).axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert any("ours, 3 seeds" in label for label in labels) and any("published, 10 seeds" in label for label in labels)
    assert sorted(ERRORS.values()) in points(axes) and [0.9] in points(axes)
    interval = summarize(list(ERRORS.values())).interval
    bars = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert interval in bars
    means = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert np.isclose(means, 1.2).any() and np.isclose(means, 1.108).any()  # ours, and as the thesis printed it


def test_curves_are_means_and_ranges_over_seeds(found):
    with styled():
        figure = seeds.draw_curves(found)
    first = figure.axes[0]
    assert [axes.get_title() for axes in figure.axes] == [
        "cross-entropy of the corrupted path, training",
        "denoising cost of layer 0, training",
    ]
    (line,) = first.lines
    np.testing.assert_allclose(line.get_ydata(), 2 / np.arange(1, 151))
    assert line.get_label().endswith("3 seeds")
    (area,) = first.collections
    corners = area.get_paths()[0].vertices
    at_first = corners[corners[:, 0] == 1, 1]
    assert (at_first.min(), at_first.max()) == (1, 3)


def test_a_legend_counts_the_seeds_that_it_shows(tmp_path):
    """One of two seeds has no costs of layer 0."""
    for seed, names in ((1, ("train_cost_class_corr", "train_denois0")), (2, ("train_cost_class_corr",))):
        run = make_run(tmp_path / str(seed), "thesis_table_20", seed, 1.0)
        log = [{"epoch": epoch} | dict.fromkeys(names, 0.1) for epoch in range(1, 151)]
        (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    with styled():
        figure = seeds.draw_curves(seeds.read(["thesis_table_20"], tmp_path))
    texts = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    assert texts == [["no adversarial noise, 2 seeds"], ["no adversarial noise, 1 seed"]]


def test_runs_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="no finished and evaluated run of thesis_table_20: train one with run.py"):
        seeds.read(["thesis_table_20"], tmp_path)


def test_the_command_draws_them(results, tmp_path, capsys):
    command = f"figures seeds learning-curves --preset thesis_table_20 --results {results} --output {tmp_path}"
    assert main(command.split()) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"seeds.svg", "learning-curves.svg"}
    assert "published, 10 seeds" in (tmp_path / "seeds.svg").read_text()
    assert "left out" not in capsys.readouterr().out


def test_runs_that_are_left_out_are_named(results, tmp_path, capsys):
    assert main(f"figures seeds --preset thesis_table_22 --results {results} --output {tmp_path}".split()) == 0
    assert f"- {results}/unfinished is left out: it ended at epoch 3 of 150" in capsys.readouterr().out
