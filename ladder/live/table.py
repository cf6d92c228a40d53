"""Runs as a table that fits the terminal."""

import math
import os
import shlex
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ladder.files import printable
from ladder.live.progress import FINISHED, INTERRUPTED, SILENT, UNREADABLE
from ladder.runs.log_rows import ERROR, FINAL_ERROR

#: Characters of a sparkline, and those for a terminal that lacks them.
HEIGHTS, ASCII_HEIGHTS = "▁▂▃▄▅▆▇█", "_.-:=+*#"

#: Length of a sparkline in a terminal of at least ``WIDE`` columns, and in a narrower one.
SPARKS, FEW_SPARKS, WIDE = 20, 10, 100

#: State -> colour.
STYLES = {FINISHED: "green", INTERRUPTED: "yellow", SILENT: "red", UNREADABLE: "red"}

#: Columns that a narrow terminal drops, from the last to be dropped to the first; all others are always shown.
GIVEN_UP_LAST = ("valid. error", "cost", "left", "course", "an epoch", "class. cost", "denois0")

#: Maximum number of hints on resuming a run; number of lines around the table's rows.
MOST_HINTS, AROUND = 3, 4

#: Minimum width of the column of names; spaces between two columns.
LEAST_NAME, BETWEEN = 12, 3

NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """A column of the table, as text."""

    name: str
    cells: list
    justify: str = "right"

    @property
    def width(self):
        return max(cell_len(text) for text in (self.name, *self.cells))


def render(runs, course, options, most_lines=None):
    """Render runs as a table, with hints on resuming interrupted ones.

    Parameters
    ----------
    runs : list of Progress
    course : str
        The log's name for the quantity in the sparkline.
    options : ConsoleOptions
        The console's, for its width and encoding.
    most_lines : int or None
        How many lines there is room for; None: no limit.

    Returns
    -------
    rich renderable
    """
    runs = sorted(runs, key=lambda run: (not run.is_under_way, run.since if not run.is_under_way else 0))
    hints = _hints(runs)
    room = len(runs) if most_lines is None else max(1, most_lines - AROUND - len(hints))
    shown, others = runs[:room], runs[room:]
    parts = [_table(shown, course, options)]
    if others:
        states = [run.state for run in others]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        parts.append(Text(f"… and {len(others)} more: {counts}", no_wrap=True, overflow="ellipsis"))
    return Group(*parts, *(Text(hint, no_wrap=most_lines is not None, overflow="ellipsis") for hint in hints))


def _table(runs, course, options):
    heights = ASCII_HEIGHTS if options.ascii_only else HEIGHTS
    width = SPARKS if options.max_width >= WIDE else FEW_SPARKS
    columns = _columns(runs, lambda run: sparkline(run.course(course), heights, width))
    for name in reversed(GIVEN_UP_LAST):
        if _width(columns) <= options.max_width:
            break
        columns = [column for column in columns if column.name != name]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.name, justify=column.justify, no_wrap=True, overflow="ellipsis")
    if _width(columns) > options.max_width:
        table.columns[0].max_width = max(LEAST_NAME, columns[0].width + options.max_width - _width(columns))
    for run, cells in zip(runs, zip(*(column.cells for column in columns))):
        table.add_row(*map(Text, cells[:-1]), Text(cells[-1], style=STYLES.get(run.state, "")))
    return table


def _width(columns):
    return sum(column.width for column in columns) + BETWEEN * (len(columns) - 1)


def _columns(runs, spark):
    names = {
        "run": _names([run.path for run in runs]),
        "epoch": [f"{run.epochs}/{run.num_epochs or '?'}" for run in runs],
        "cost": [_number(run.last("train_cost_total")) for run in runs],
        "class. cost": [_number(run.last("train_cost_class_corr")) for run in runs],
        "denois0": [_number(run.last("train_denois0")) for run in runs],
        "valid. error": [_percent(run.last(FINAL_ERROR, ERROR)) for run in runs],
        "course": [spark(run) for run in runs],
        "an epoch": [duration(run.epoch_seconds) for run in runs],
        "left": [_left(run) for run in runs],
        "state": [_state(run) for run in runs],
    }
    left = ("run", "course", "state")
    # Leave out columns without a single value.
    return [
        Column(name, cells, "left" if name in left else "right")
        for name, cells in names.items()
        if set(cells) - {NOTHING, ""} or name in ("run", "state")
    ]


def _names(paths):
    """The runs' names, without the folder that they have in common."""
    parents = [os.path.abspath(path.parent) for path in paths]
    above = os.path.commonpath(parents) if parents else ""
    return [printable(os.path.relpath(os.path.abspath(path), above)) for path in paths]


def _number(value):
    return NOTHING if value is None else f"{value:.3g}"


def _percent(value):
    return NOTHING if value is None else f"{value:.2f} %"


def _left(run):
    """The time left, shown as an upper bound where training may end early."""
    return ("< " if run.patience and run.left is not None else "") + duration(run.left)


def _state(run):
    return f"{run.state} {duration(run.since)}" if run.state == SILENT else run.state


def _hints(runs):
    """How to resume interrupted runs: a line for each of the first few."""
    interrupted = [run for run in runs if run.state == INTERRUPTED]
    hints = [_hint(printable(run.path), run.is_rival) for run in interrupted[:MOST_HINTS]]
    return hints + [f"(and {len(interrupted) - MOST_HINTS} more)"] * (len(interrupted) > MOST_HINTS)


def _hint(name, is_rival):
    if is_rival:
        return f"{name} is a rival's run: give its command, run.py rivals, again"
    return f"Go on with: run.py train --resume {shlex.quote(name)}"


def duration(seconds):
    """A time in the two largest units.

    Examples
    --------
    >>> [duration(seconds) for seconds in (0.041, 7, 65, 4210, 200000)]
    ['0.041 s', '7 s', '1 min 5 s', '1 h 10 min', '2 d 7 h']
    """
    if seconds is None:
        return NOTHING
    if seconds < 9.5:
        return f"{seconds:.2g} s"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def sparkline(values, heights=HEIGHTS, width=SPARKS):
    """Numbers as characters of different heights, lowest to highest; on a log scale if all are above 0.

    If there are more numbers than characters, neighbours are averaged.

    Examples
    --------
    >>> sparkline([1, 10, 100, 1000, 10, 1])
    '▁▃▆█▃▁'
    """
    if not values:
        return ""
    n = min(width, len(values))
    edges = [round(i * len(values) / n) for i in range(n + 1)]
    # Quarters of the means, as sums and differences of the largest floats would overflow.
    means = [math.fsum(value / 4 / (b - a) for value in values[a:b]) for a, b in zip(edges, edges[1:])]
    if min(means) > 0:
        means = [math.log(mean) for mean in means]
    low, high = min(means), max(means)
    if high == low:
        return heights[0] * n
    return "".join(heights[min(7, int(8 * ((mean - low) / (high - low))))] for mean in means)
