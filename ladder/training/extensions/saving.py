"""Write a run's parameters, statistics and log."""

import json
import os
from pathlib import Path

import numpy as np

from ladder.training.extensions import Extension


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
    """

    def __init__(self, path):
        self._path = Path(path)

    def after_epoch(self, loop):
        with self._path.open("a") as f:
            f.write(json.dumps(loop.row) + "\n")

    after_training = after_epoch


def save_arrays(path, arrays):
    """Write an ``.npz`` whole or not at all.

    Parameters
    ----------
    path : path of the file
    arrays : dict of name -> array
    """
    write_whole(path, lambda f: np.savez_compressed(f, **arrays))


def save_json(path, values):
    """Write a dict as JSON, whole or not at all."""
    write_whole(path, lambda f: f.write((json.dumps(values, indent=1) + "\n").encode()))


def write_whole(path, write):
    """Let ``write(file)`` fill a file that appears under its name only when complete."""
    temporary = Path(f"{path}.partial")
    with temporary.open("wb") as f:
        write(f)
    os.replace(temporary, path)
