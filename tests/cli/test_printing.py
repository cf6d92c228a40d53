"""Tables in which no number is cut."""

import io
import re

import numpy as np
import pytest
from rich.table import Table

from ladder.cli import printing
from ladder.cli.evaluate import _print_report
from ladder.training.evaluation import error_report


def in_a_terminal_of(width, monkeypatch):
    monkeypatch.setattr(printing, "_terminal_width", lambda: width)


@pytest.mark.parametrize("width", [10, 30, 80, 200])
def test_words_and_numbers_are_never_cut(width, monkeypatch, capsys):
    in_a_terminal_of(width, monkeypatch)
    table = Table("a row", "interval", "p")
    table.add_row("no adversarial noise (baseline)", "0.968 to 1.505", "0.0021")
    printing.print_table(table)
    shown = capsys.readouterr().out
    assert "…" not in shown and set("no adversarial noise (baseline) 0.968 to 1.505 0.0021".split()) <= set(
        re.split(r"[\s│┃]+", shown)
    )
    longest = max(map(len, shown.splitlines()))
    assert longest <= max(width, len("adversarial") + len("interval") + len("0.0021") + 10)


def report(n_classes):
    rng = np.random.RandomState(0)
    targets = rng.randint(0, n_classes, 1000)
    return error_report(targets, np.where(rng.rand(1000) < 0.9, targets, rng.randint(0, n_classes, 1000)))


@pytest.mark.parametrize("n_classes, width, whole", [(4, 80, True), (10, 80, False), (62, 200, False), (10, 200, True)])
def test_errors_by_class_are_whole_and_a_wide_matrix_is_its_worst_pairs(n_classes, width, whole, monkeypatch, capsys):
    in_a_terminal_of(width, monkeypatch)
    found = report(n_classes)
    _print_report(found, "test", {})
    shown = capsys.readouterr().out
    assert "…" not in shown and ("--json FILE has it whole" in shown) != whole
    for i, error in enumerate(found["error_percent_by_class"]):
        assert re.search(rf"│ {i} +│ {error:.2f} +│", shown)
    if not whole:
        wrong = np.array(found["confusion"])
        np.fill_diagonal(wrong, 0)
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        assert f"Most frequent mistakes: {i} as {j} ({wrong.max()})" in shown


def test_a_matrix_that_no_terminal_has_room_for_is_not_made(monkeypatch, capsys):
    monkeypatch.setattr("ladder.cli.evaluate.MOST_COLUMNS", 50)
    in_a_terminal_of(1000, monkeypatch)
    for n_classes, whole in ((50, True), (51, False)):
        _print_report(report(n_classes), "test", {})
        assert ("--json FILE has it whole" in capsys.readouterr().out) != whole


def test_only_a_terminal_is_asked_for_its_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "77")
    monkeypatch.setenv("TERM", "xterm")
    for is_terminal, width in ((False, printing.FILE_WIDTH), (True, 77)):
        output = io.StringIO()
        output.isatty = lambda: is_terminal
        monkeypatch.setattr("sys.stdout", output)
        assert printing._terminal_width() == width
