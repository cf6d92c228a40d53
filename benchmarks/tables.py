"""Tables of results, and the file that keeps them."""

import json
import os
import statistics
from pathlib import Path

from rich.console import Console
from rich.table import Table

#: Rich would assume 80 columns if the output is not a terminal, too few for our tables.
WIDTH = 120


def show(title, columns, rows, notes=()):
    """Print a table and lines below it.

    Parameters
    ----------
    columns : list of str, the first one holding names
    rows : list of list of str
    """
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(title, style="bold", highlight=False)
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    console.print()


def save(path, results):
    """Write all times, with the machine they were taken on, as JSON."""
    Path(path).write_text(json.dumps({"cpu": cpu(), "cores": len(os.sched_getaffinity(0)), **results}, indent=1) + "\n")


def record(contestant):
    """All of a contestant's answers, as plain values for the file."""
    names = ("name", "threads", "settings", "skipped", "ready_s", "versions", "turns")
    return {name: getattr(contestant, name) for name in names}


def notes(contestants):
    """One line for the machine and its libraries, and one for every contestant that was left out."""
    versions = {name: version for c in contestants for name, version in c.versions.items()}
    libraries = ", ".join(f"{name} {version}".strip() for name, version in versions.items())
    left_out = [f"{c.label}: left out ({c.skipped})." for c in contestants if c.skipped]
    return [f"{cpu()}; {libraries}.", *left_out]


def cpu():
    """The processor's name, if Linux knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def round_medians(contestant):
    """Median time of an update in each round, seconds."""
    return [statistics.median(turn["updates_s"]) for turn in contestant.turns]


def ratio(contestant, reference):
    """Time as a multiple of the reference's, the median over rounds; '' without a reference.

    Within a round both had nearly the same load.
    """
    if reference is None:
        return ""
    pairs = zip(round_medians(contestant), round_medians(reference))
    return f"{statistics.median(own / other for own, other in pairs):.2f}"


def milliseconds(seconds):
    return f"{1e3 * seconds:.1f}"


def span(values, form):
    """Lowest to highest."""
    return f"{form(min(values))} to {form(max(values))}"
