"""Write a run's parameters, statistics and log."""

import io
import json
import logging
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np

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
            logger.warning("Warning: cannot write %s (%s): trying again after the next epoch", self._path, error.strerror)

    def after_training(self, loop):
        self._add_row(loop)
        self._write()

    def _add_row(self, loop):
        self.text += json.dumps(loop.row) + "\n"

    def _write(self):
        """Append what is not in the file; what is there beyond what was written whole is cut off."""
        with _named(self._path), self._path.open("ab") as f:
            f.truncate(self._written)
            f.write(self.text[self._written :].encode())
            f.flush()
            os.fsync(f.fileno())
        self._written = len(self.text)


def save_arrays(path, arrays, compressed=True):
    """Write an ``.npz`` whole or not at all.

    Parameters
    ----------
    path : path of the file
    arrays : dict of name -> array
    compressed : bool
        False is faster.
    """
    # In memory first: a zip file that cannot be written complains when it is forgotten.
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **arrays)
    write_whole(path, lambda f: f.write(content.getbuffer()))


def save_json(path, values):
    """Write a dict as JSON, whole or not at all."""
    write_whole(path, lambda f: f.write((json.dumps(values, indent=1) + "\n").encode()))


def write_whole(path, write):
    """Let ``write(file)`` fill a file that appears under its name only when complete, and on the disk.

    Raises
    ------
    OSError
        Whose ``filename`` is ``path``; a file of that name is as it was.
    """
    temporary = Path(f"{path}.partial")
    with _named(path):
        try:
            with temporary.open("wb") as f:
                write(f)
                f.flush()
                os.fsync(f.fileno())
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)  # a full disk needs its place
            raise
        _keep_names(temporary.parent)


def _keep_names(folder):
    """Force to the disk what the files of a folder are called."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _named(path):
    """Errors inside name the file, which those of a full disk do not."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
