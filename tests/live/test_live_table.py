"""The table of runs: what it shows at any terminal width, and that texts in it cannot harm the terminal."""

import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from ladder.live.progress import Progress
from ladder.live.table import ASCII_HEIGHTS, duration, render, sparkline


def progress(name, state="training", epochs=50, **others):
    rows = [
        {"epoch": i, "train_cost_total": 10 / i, "train_cost_class_corr": 0.5, "valid_approx_error_rate_clean": 1.5}
        for i in range(1, epochs + 1)
    ]
    others = {"epoch_seconds": 65.0, "left": 6500.0, "since": 1.0, **others}
    return Progress(Path("results") / name, state, rows, 150, **others)


def printed(runs, width=120, lines=None, course="train_cost_total", **console):
    console = Console(record=True, width=width, file=open("/dev/null", "w"), **console)
    console.print(render(runs, course, console.options, lines))
    return console.export_text()


def test_a_line_a_run(tmp_path):
    shown = printed([progress("x0"), progress("x1", "interrupted", left=None)])
    heading, _, first, second, hint = shown.splitlines()
    assert heading.split() == "run epoch cost class. cost valid. error course an epoch left state".split()
    assert "x0 " in first and "50/150" in first and "0.2 " in first and "1.50 %" in first
    assert "1 min 5 s" in first and "1 h 48 min" in first and first.rstrip().endswith("training") and "█▆▅" in first
    assert second.split()[0] == "x1" and second.split()[-2:] == ["–", "interrupted"]
    assert hint.rstrip() == "Go on with: run.py train --resume results/x1"
    hint = printed([progress("x1", "interrupted", is_rival=True)]).splitlines()[-1]
    assert hint.rstrip() == "results/x1 is a rival's run: give its command, run.py rivals, again"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_columns_are_left_out_where_there_is_no_room(width):
    runs = [progress("a_rather_long_name_of_a_run0"), progress("x1", "finished", left=None)]
    lines = printed(runs, width).splitlines()
    assert len(lines) == 4 and max(map(cell_len, lines)) <= width
    # A run's name, progress and state matter most.
    assert ("training" in lines[2] and "50/150" in lines[2]) or width < 35
    for name, least in {"valid. error": 80, "cost": 80, "left": 100, "course": 200, "class. cost": 200}.items():
        assert (f" {name} " in lines[0]) == (width >= least), name


def test_columns_of_nothing_are_left_out():
    shown = printed([Progress(Path("x0"), "compiling"), Progress(Path("y0"), "unreadable")])
    assert shown.splitlines()[0].split() == ["run", "epoch", "state"] and "0/?" in shown


def test_runs_under_way_stand_first_and_the_rest_is_counted():
    ended = [progress(f"done{i}", "finished", since=1000.0 - i) for i in range(30)]
    runs = [*ended, progress("broken", "interrupted", since=5000.0), progress("now1"), progress("now2")]
    lines = printed(runs, lines=12).splitlines()
    names = [line.split()[0] for line in lines[2:9]]
    assert names == ["now1", "now2", "done29", "done28", "done27", "done26", "done25"]
    assert lines[9].rstrip() == "… and 26 more: 25 finished, 1 interrupted"
    assert len(lines) == 11 and "--resume results/broken" in lines[10]
    assert len(printed(runs).splitlines()) == 33 + 3


def test_names_that_would_move_the_cursor():
    shown = printed([progress("\x1b[2J\x07evil\n[red]0", "interrupted"), progress("\udce9", "silent", since=2400.0)])
    assert "\x1b" not in shown and "\x07" not in shown and len(shown.splitlines()) == 5
    assert "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}evil\N{REPLACEMENT CHARACTER}[red]0" in shown
    assert "silent 40 min 0 s" in shown


def test_sparklines():
    assert sparkline([]) == "" and sparkline([3.0]) == "▁" and sparkline([2, 2, 2]) == "▁▁▁"
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"  # a 0 has no logarithm
    assert sparkline([1, 10, 100, 1000]) == "▁▃▆█"
    many = sparkline(range(1000))
    assert len(many) == 20 and list(many) == sorted(many)
    assert sparkline([1, 2, 4], ASCII_HEIGHTS) == "_=#"
    assert len(sparkline([1e-300, 1e300, 1.0])) == 3
    assert sparkline([1e308, -1e308]) == "█▁" and sparkline([sys.float_info.max] * 60) == 20 * "▁"


def test_durations():
    assert duration(None) == "–"
    assert [duration(s) for s in (0, 9.4, 9.6, 59.6, 3599.9, 86400 * 2)] == [
        "0 s",
        "9.4 s",
        "10 s",
        "1 min 0 s",
        "1 h 0 min",
        "2 d 0 h",
    ]
