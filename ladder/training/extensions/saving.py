"""Write a run's parameters, statistics and log."""

import json
import logging
import os
from pathlib import Path

from ladder.files import naming
from ladder.training.extensions import Extension

logger = logging.getLogger("main")


class SaveParams(Extension):
    """Save parameters and statistics when training ends or is interrupted.

    Parameters
    ----------
    save : function (final statistics: bool) -> None
    """

    def __init__(self, save):
        self._save = save

    def after_training(self, loop):
        self._save(final_statistics=True)

    def on_interrupt(self, loop):
        self._save(final_statistics=False)


class SaveLog(Extension):
    """Append a row to ``log.jsonl`` after every epoch, and the final one.

    Parameters
    ----------
    path : path of the file

    Attributes
    ----------
    text : str
        All rows; set before training where a checkpoint has some.  Others in
        the file belong to epochs that are run again.
    """

    def __init__(self, path):
        self._path = Path(path)
        self._written = 0
        self.text = ""

    def before_training(self, loop):
        self._write()

    def after_epoch(self, loop):
        self._add_row(loop)
        try:
            self._write()
        except OSError as error:
            logger.warning(
                "Warning: cannot write %s (%s): trying again after the next epoch", self._path, error.strerror
            )

    def after_training(self, loop):
        self._add_row(loop)
        self._write()

    def _add_row(self, loop):
        self.text += json.dumps(loop.row) + "\n"

    def _write(self):
        """Append what is not in the file; what is there beyond what was written whole is cut off."""
        with naming(self._path), self._path.open("ab") as f:
            f.truncate(self._written)
            f.write(self.text[self._written :].encode())
            f.flush()
            os.fsync(f.fileno())
        self._written = len(self.text)
