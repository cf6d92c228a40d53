"""The runs to watch: run folders that were named, and those found below other folders."""

import os
from collections import deque
from pathlib import Path

from ladder.errors import UserError
from ladder.runs.folder import OPTIONS_FILE, RESULTS, ROWS
from ladder.tables.ordering import numbers_in_order

#: How deep below a folder to look for runs, and in how many folders at most.
DEPTH, MOST_FOLDERS = 4, 10_000


def check_folders(paths):
    """Refuse paths that are not folders."""
    for path in paths:
        if not Path(path).is_dir():
            raise UserError(
                f"there is no folder {path}: give that of a run, e.g. {RESULTS}/noname0, or one with runs in it."
            )


def runs_in(paths):
    """The folders of runs (Path), each once, in the order of ``paths``; those below one folder are sorted by name.

    Links are followed, as results may lie on another disk.  Folders that vanish or cannot be read are skipped.
    """
    seen, found = set(), []
    for path in paths:
        below = _below(Path(path), seen)
        found += sorted(below, key=lambda path: numbers_in_order(str(path)))
    return found


def _below(path, seen):
    """The runs at and below a folder, nearest first; ``seen`` holds the real paths of folders already visited."""
    waiting, found = deque([(path, DEPTH)]), []
    while waiting and len(seen) < MOST_FOLDERS:
        folder, depth = waiting.popleft()
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(folder) as entries:
                entries = list(entries)
            if any(entry.name in (OPTIONS_FILE, ROWS) for entry in entries):
                found.append(folder)
            elif depth:
                waiting.extend((folder / entry.name, depth - 1) for entry in entries if os.path.isdir(entry.path))
        except OSError:
            pass
    return found
