"""The log as a table for spreadsheets."""

import csv
import io
import json
import logging
from pathlib import Path

from ladder.files import write_ours
from ladder.training.extensions import Extension

logger = logging.getLogger("main")


class SaveCSV(Extension):
    """Rewrite ``log.csv`` with all rows of the log after each epoch.

    The program itself reads ``log.jsonl`` alone; the CSV file follows it, also when a run is resumed, and a full disk
    costs only a warning.

    Parameters
    ----------
    path : path of the file
    log : Log
        Called earlier, so it already has the row.
    """

    def __init__(self, path, log):
        self._path, self._log = Path(path), log
        self._rows, self._taken, self._text, self._failed = [], 0, "", False

    def before_training(self, loop):
        if self._log.text:
            self._write()

    def after_epoch(self, loop):
        self._write()

    after_training = after_epoch

    def _write(self):
        new, self._taken = self._log.text[self._taken :], len(self._log.text)
        self._extend([json.loads(line) for line in new.splitlines()])
        try:
            write_ours(self._path, lambda file: file.write(self._text.encode()))
            self._failed = False
        except OSError as error:
            if not self._failed:
                logger.warning(
                    "Warning: cannot write %s (%s): trying again after the next epoch", self._path, error.strerror
                )
            self._failed = True

    def _extend(self, rows):
        """Add rows to the text, which is made anew if they have columns that it lacks."""
        known = _columns(self._rows)
        self._rows += rows
        columns = _columns(self._rows)
        if columns != known:
            self._text, rows = _lines([columns]), self._rows
        self._text += _lines([[_cell(row.get(name)) for name in columns] for row in rows])


def _columns(rows):
    """The names in all rows, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value):
    """Numbers as Python writes them, so that none loses a digit; empty for what a row does not have."""
    return "" if value is None else value if isinstance(value, (str, int, float)) else json.dumps(value)


def _lines(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
