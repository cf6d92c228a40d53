"""Write a run's parameters, statistics and log."""

import json
import logging
import os
from pathlib import Path

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import naming, ours
from ladder.training.extensions import Extension

logger = logging.getLogger("main")


class SaveParams(Extension):
    """Save parameters and statistics when training ends or is interrupted.

    Parameters
    ----------
    save : function (final: bool)
        ``final``: whether the statistics are those of the whole training set.
    """

    def __init__(self, save):
        self._save = save

    def after_training(self, loop):
        self._save(final=True)

    def on_interrupt(self, loop):
        self._save(final=False)


class Log(Extension):
    """Keep a row for every epoch, and a final one.

    Attributes
    ----------
    text : str
        All rows, a JSON object per line.
    """

    def __init__(self):
        self.text, self._read = "", ("", [])

    @property
    def rows(self):
        """All rows: list of dict, not to be changed."""
        text, rows = self._read
        if not self.text.startswith(text):
            text, rows = "", []
        if len(text) < len(self.text):  # only what is new is read: schedules look at all rows after each epoch
            rows = rows + [json.loads(line) for line in self.text[len(text) :].splitlines()]
            self._read = self.text, rows
        return list(rows)

    def after_epoch(self, loop):
        try:
            line = json.dumps(loop.row, default=_plain)
            plain_json.parse(line.encode())
        except ValueError as error:
            raise UserError(
                f"an extension put a value into the row of an epoch that could not be read back ({error}): give smaller "
                "numbers, or texts."
            ) from None
        self.text += line + "\n"

    after_training = after_epoch


def _plain(value):
    """Convert NumPy numbers and arrays that an extension put into a row to Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise UserError(
        f"an extension put a {type(value).__name__} into the row of an epoch, which cannot be written as JSON: give "
        "numbers, texts, or lists of them."
    )


class SaveLog(Log):
    """Append every row to ``log.jsonl`` as well.

    ``text`` is set before training if a checkpoint has rows; any other rows in
    the file belong to epochs that will be run again.

    Parameters
    ----------
    path : path of the file
    """

    def __init__(self, path):
        super().__init__()
        self._path = Path(path)
        self._written = 0

    def before_training(self, loop):
        self._write()

    def after_epoch(self, loop):
        super().after_epoch(loop)
        try:
            self._write()
        except OSError as error:
            logger.warning(
                "Warning: cannot write %s (%s): trying again after the next epoch", self._path, error.strerror
            )

    def after_training(self, loop):
        super().after_epoch(loop)
        self._write()

    def _write(self):
        """Append what is not in the file yet, after cutting off anything beyond the last complete write."""
        with naming(self._path), open(self._path, "ab", opener=ours) as f:
            f.truncate(self._written)
            f.write(self.text[self._written :].encode())
            f.flush()
            os.fsync(f.fileno())
        self._written = len(self.text)
