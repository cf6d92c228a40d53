"""The runs to watch: the folders of runs that were named, and those below other folders."""

import os
from pathlib import Path

from ladder.errors import UserError
from ladder.runs.folder import OPTIONS, RESULTS, ROWS
from ladder.tables.ordering import numbers_in_order

#: How deep below a folder runs are looked for, and in how many folders at most.
DEPTH, MOST_FOLDERS = 4, 10_000


def check_folders(paths):
    """Refuse what is no folder."""
    for path in paths:
        if not Path(path).is_dir():
            raise UserError(
                f"there is no folder {path}: give that of a run, e.g. {RESULTS}/noname0, or one with runs in it."
            )


def runs_in(paths):
    """The folders of runs (Path), each once: those named first, those below a folder in order of their names.

    Folders that vanish, or cannot be read, are passed over.
    """
    found, left = {}, MOST_FOLDERS
    for path in paths:
        below = []
        left -= _walk(Path(path), DEPTH, left, below)
        found.update(dict.fromkeys(sorted(below, key=lambda path: numbers_in_order(str(path)))))
    return list(found)


def _walk(path, depth, left, found):
    """Append the runs at and below a folder to ``found``; how many folders were looked into, at most ``left``."""
    if left <= 0:
        return 0
    try:
        with os.scandir(path) as entries:
            entries = list(entries)
        if any(entry.name in (OPTIONS, ROWS) for entry in entries):
            found.append(path)
            return 1
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return 1
    seen = 1
    for folder in folders if depth else ():
        seen += _walk(Path(folder), depth - 1, left - seen, found)
    return seen
