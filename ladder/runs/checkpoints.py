"""Checkpoint files: what a run needs to go on, written whole or not at all.

``checkpoint-0000001200.npz`` holds a run after 1200 updates: an uncompressed
``.npz`` of arrays, plain values as JSON text (``values``, bytes), and the
SHA-256 of all that (``sha256``).  It is written under another name, synced to
the disk and renamed; only then is the one before the last removed.  So a kill
at any moment leaves a whole file, and if the disk corrupts one, there is
another.  Nothing is pickled.
"""

import errno
import json
import logging
import os

import numpy as np

from ladder import budget, plain_json
from ladder.data.npz import load_arrays
from ladder.data.record import sha256
from ladder.errors import UserError
from ladder.files import PARTIAL, open_regular, printable, save_arrays, shown

logger = logging.getLogger("main")

#: The version of the format; others are not read.
VERSION = 1

#: The names of checkpoints, which end with the number of updates; and what is appended to damaged ones.
NAME, DAMAGED = "checkpoint-" + 10 * "[0-9]" + ".npz", ".damaged"

#: Read errors that a file's content does not cause; EIO is not one of them, as the disk may have corrupted the file.
OF_THE_MACHINE = (errno.ESTALE, errno.ENOMEM, errno.EACCES, errno.ETIMEDOUT)

#: Files per folder: the last, and the one before in case the last is damaged.
KEPT = 2


def write(folder, updates_done, values, arrays):
    """Write a checkpoint, and remove all others except the one before.

    Parameters
    ----------
    folder : Path
    updates_done : int
    values : dict of plain values, as JSON has them
    arrays : dict of name -> array

    Raises
    ------
    OSError
        The disk is full, or the folder is not writable; earlier checkpoints
        are kept.
    """
    text = json.dumps({"version": VERSION, **values}).encode()
    content = {**arrays, "values": np.frombuffer(text, "uint8")}
    content["sha256"] = _as_array(sha256(content))
    path = folder / f"checkpoint-{updates_done:010d}.npz"
    save_arrays(path, content, compressed=False)
    older = [other for other in _files(folder) if other.name < path.name]
    kept = [path, *older[-(KEPT - 1) :]]
    _remove(other for other in _all(folder) if other not in kept)


def read(path):
    """Read a checkpoint.

    Returns
    -------
    values : dict
    arrays : dict of name -> array

    Raises
    ------
    ValueError
        It is damaged, or of another version.
    UserError
        It cannot be read just now, which says nothing about its content.
    """
    with open_regular(path, "make it readable, and go on") as file:
        size = file.seek(0, 2)
    budget.ask(size, f"{path}: the arrays in it", "go on where there is more")
    try:
        arrays = load_arrays(path)
        expected, found = arrays.pop("sha256"), _as_array(sha256(arrays))
        text = arrays.pop("values").tobytes()
    except Exception as error:
        if getattr(error.__cause__, "errno", None) in OF_THE_MACHINE:
            raise UserError(f"{path} cannot be read ({error.__cause__.strerror}): fix that, and go on.") from None
        # There is no telling what a flipped bit makes of a zip file.
        raise ValueError("damaged") from error
    if not np.array_equal(expected, found):
        raise ValueError("damaged")
    budget.ask(plain_json.memory(text), f"{path}: the values in it", "go on where there is more")
    try:
        values = json.loads(text)
        version = values["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("damaged") from error
    if version != VERSION:
        raise ValueError(f"of version {printable(shown(version))}, where this program reads {VERSION}")
    return values, arrays


def newest(folder, check=lambda values, arrays: None):
    """The last usable checkpoint, with a warning for each newer one that is not.

    Parameters
    ----------
    folder : Path
    check : function (values, arrays) -> None
        Raises ValueError for a whole file that is not what this program writes.

    Returns
    -------
    (values, arrays), see :func:`read`; None if there is no file

    Raises
    ------
    UserError
        There are checkpoints, but none is usable.
    """
    files, passed_over = _files(folder), []
    for path in reversed(files):
        try:
            found = read(path)
            check(*found)
        except ValueError as error:
            logger.warning("Warning: the checkpoint %s is passed over, as it is %s", path, error)
            passed_over.append(path)
            continue
        for damaged in passed_over:  # so that none counts as one of the two that are kept
            os.replace(damaged, f"{damaged}{DAMAGED}")
        return found
    if files:
        raise UserError(
            f"no checkpoint in {folder} can be used: restore one, or remove checkpoint-*.npz there to start "
            "from the beginning."
        )
    return None


def remove(folder):
    """Remove all checkpoints, the oldest first, so that any that remains is the newest."""
    _remove(_all(folder))


def _files(folder):
    """Whole checkpoints, the oldest first."""
    return sorted(folder.glob(NAME))


def _all(folder):
    """Everything that writing checkpoints leaves: partial and damaged files, then whole ones, the oldest first."""
    return [*folder.glob(f"{NAME}*{PARTIAL}"), *folder.glob(NAME + DAMAGED), *_files(folder)]


def _remove(paths):
    for path in paths:
        path.unlink(missing_ok=True)


def _as_array(digest):
    return np.frombuffer(bytes.fromhex(digest), "uint8")
