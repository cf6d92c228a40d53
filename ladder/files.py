"""Opening other people's files safely, and writing our own whole or not at all."""

import errno
import io
import json
import os
import stat
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ladder.errors import UserError

#: Added to a file's name while it is being written, after the process id and a random number: a process of another
#: machine can have the same id.
PARTIAL = ".partial"

#: The most characters of a name to which that is added: names have at most 255 bytes, and a character up to four.
MOST_LETTERS = 50

#: Errors of fsync on a folder that may be written but not read, or on a file system that does not support it.
NOT_KEPT = (errno.EACCES, errno.EINVAL, errno.ENOTSUP)

#: The partial files that this process is writing.
_BEING_WRITTEN = set()


def expanded(path):
    """A path as typed, with ``~`` replaced by the home folder.

    Raises ``UserError`` if there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{shown(path)}: {Path(path).parts[0]} has no home folder: write the whole path.") from None


def shown(path):
    """A path for a message, shortened if it is long."""
    text = str(path)
    return text if len(text) <= 200 else f"{text[:100]}…{text[-50:]}"


def printable(text):
    """Text from another's file without characters that would move a terminal's cursor or colour its output.

    Bytes of a file's name that are not UTF-8 stay visible, as escapes.
    """
    letters = str(text).encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in letters)


def open_regular(path, mend="give another file"):
    """Open a regular file for reading bytes, without blocking on a pipe.

    Parameters
    ----------
    path : str or Path
    mend : str
        What to do if it cannot be opened.

    Returns
    -------
    binary file

    Raises
    ------
    UserError
        It is missing, not a regular file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a name with a null byte
        raise UserError(f"there is no file {shown(path)}: {mend}.") from None
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read ({error.strerror}): {mend}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{shown(path)} is a folder or a device, not a file: {mend}.")
    return open(descriptor, "rb")


def read_at_most(file, most):
    """The content of an open binary file, cut off one byte beyond ``most``."""
    parts, left = [], most + 1
    while left and (part := file.read(min(left, 2**20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def write_whole(path, write):
    """Let ``write(file)`` fill a file that appears under its name only once it is complete and on the disk.

    For a path that the user gave: links are followed, and anything but a
    regular file, such as ``/dev/null``, is written to directly.

    Raises
    ------
    OSError
        Its ``filename`` is ``path``; an existing file is left as it was.
    """
    with naming(path):
        if Path(path).exists() and not Path(path).is_file():
            with open(path, "wb") as f:
                write(f)
            return
        with replacing(os.path.realpath(path)) as partial, partial.open("wb") as f:
            write(f)


def write_ours(path, write):
    """Like :func:`write_whole`, for a file in a run's folder, named by the program: a link or a pipe is replaced.

    A folder may come from somebody else, and its links may lead anywhere.
    """
    with naming(path), replacing(path) as partial, partial.open("wb") as f:
        write(f)


def ours(path, flags):
    """An opener, as ``open`` takes it, of a run's own file; an ``OSError``, of ``ELOOP`` for a link or a pipe."""
    other = OSError(errno.ELOOP, f"{os.path.basename(path)} is not a regular file", os.fspath(path))
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise other from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise other
    return descriptor


@contextmanager
def replacing(path):
    """Yield the name of a file to write, which becomes ``path`` once it is on the disk."""
    path = Path(path)
    partial = path.with_name(f"{path.name[:MOST_LETTERS]}.{os.getpid()}-{uuid.uuid4().hex[:8]}{PARTIAL}")
    _BEING_WRITTEN.add(partial)
    try:
        yield partial
        _keep(partial)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)  # a full disk needs the space
        raise
    finally:
        _BEING_WRITTEN.discard(partial)
    try:
        _keep(path.parent)  # the file's new name
    except OSError as error:  # the file itself is there
        if error.errno not in NOT_KEPT:
            raise


def remove_unfinished():
    """Remove the unfinished files of this process, which is about to end."""
    for partial in list(_BEING_WRITTEN):
        partial.unlink(missing_ok=True)


def remove_partials(folder, name):
    """Remove the partial files that a killed process left behind, of files whose names match the pattern ``name``."""
    for partial in folder.glob(f"{name}.*{PARTIAL}"):
        partial.unlink(missing_ok=True)


def _keep(path):
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def naming(path):
    """Set the file name on errors raised inside, as those of a full disk have none."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def save_json(path, values):
    """Write a dict as JSON into a file of a run's folder, whole or not at all."""
    write_ours(path, lambda f: f.write((json.dumps(values, indent=1) + "\n").encode()))


def save_arrays(path, arrays, compressed=True):
    """Write an ``.npz`` of a run's folder whole or not at all.

    Parameters
    ----------
    path : path of the file
    arrays : dict of name -> array
    compressed : bool
        False is faster.
    """
    # In memory first: a zip file that cannot be written complains again when it is garbage-collected.
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **arrays)
    write_ours(path, lambda f: f.write(content.getbuffer()))
