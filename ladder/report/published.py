"""The published numbers of the experiments that some runs repeat."""

from functools import lru_cache

from ladder.errors import UserError
from ladder.tables import formats
from ladder.tables.found_runs import find_runs
from ladder.tables.grouping import group_runs
from ladder.tables.preset import load_preset, preset_names
from ladder.tables.published import published_rows
from ladder.tables.rows import table_rows
from ladder.tables.table import Table, add_lines, conclude

#: Several presets may ask for the same network; at most this many are shown.
MOST_TABLES = 3


def published_tables(runs):
    """Tables of the presets that share these runs' settings, apart from any that may vary, as the number of epochs may.

    Parameters
    ----------
    runs : list of ReportedRun

    Returns
    -------
    list of dict
        ``title``, ``source``, ``name``, ``headings``, ``rows`` (of texts) and ``remarks``; the nearest first.
    """
    found = [
        found
        for run in runs
        for found in find_runs(run.folder.path, run.parameters)[0]
        if found.folder.path == run.folder.path
    ]
    tables = []
    for name in preset_names() if found else ():
        preset, rows = _preset_and_rows(name)
        groups = group_runs(rows, found)
        if not groups:
            continue
        if not any(group.row.published for group in groups if not group.row.is_baseline):
            continue  # nothing was published about them, or the runs are only another experiment's baseline
        trained = {id(group.row) for group in groups}
        kept = [row for row in rows if id(row) in trained or row.is_baseline]
        distance = min(len(group.variation) for group in groups)
        tables.append((distance, len(rows), len(tables), _as_texts(preset, kept, found)))
    # Of equally near tables, prefer the one with fewer rows, which says less about anything else.
    return [table for *_, table in sorted(tables, key=lambda entry: entry[:3])[:MOST_TABLES]]


@lru_cache(maxsize=None)
def _preset_and_rows(name):
    """A preset that comes with the program, and the rows of its table; no rows if its published numbers are missing."""
    preset = load_preset(name)
    try:
        return preset, table_rows(preset)
    except UserError:
        return preset, []  # run.py table says what is wrong


def _as_texts(preset, rows, found):
    table = Table(preset.name, preset.title, preset.source)
    conclude(table, add_lines(table, rows, found))
    # Attacks that only our runs have are shown in their own section.
    published = [name for line in table.lines if line.whose == "published" for name in line.attacked]
    names = [name for name in formats.attacks(table) if name in published]
    rows = [formats.cells(line, names) for line in table.lines]
    headings = [*formats.HEADINGS, *names]
    filled = [i for i in range(len(headings)) if any(row[i] for row in rows)]
    return {
        "name": preset.name,
        "title": table.title,
        "source": table.source,
        "headings": [headings[i] for i in filled],
        "rows": [[row[i] for i in filled] for row in rows],
        "remarks": [*table.findings, *table.notes, *preset.notes, *published_rows(preset).misprints],
    }
