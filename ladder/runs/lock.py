"""One process per folder.

The locks are the kernel's, on the open ``log.txt`` of a run and on ``.turn`` in
a folder of runs: they end with the process, however it ends.  The files are open
for writing, because NFS locks no others between machines, and no folders.
"""

import errno
import fcntl
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from ladder.errors import UserError
from ladder.files import open_regular, ours
from ladder.runs.folder import LOG

#: The file that is locked in a folder of runs; it is not removed, as another process may be waiting for it.
TURN = ".turn"

#: How often, and how many seconds apart, a lock is tried: whoever calls :func:`is_held` holds it for an instant.
ATTEMPTS, BETWEEN = 10, 0.05


class Held(UserError):
    """Another process is training into the folder."""


@contextmanager
def turn(folder):
    """While inside, other processes wait to enter for the same folder of runs.

    For finding which runs exist and beginning those that do not, which two
    processes must not do at once.
    """
    with _opened(Path(folder) / TURN) as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _opened(path):
    try:
        return open(path, "ab", opener=ours)
    except OSError as error:
        with suppress(UserError):
            return open_regular(path)  # the file of another user who shares the folder
        raise _cannot_write(path.parent, error) from None


@contextmanager
def held(folder):
    """While inside, no other process can train into the folder.

    Parameters
    ----------
    folder : RunFolder

    Raises
    ------
    Held
        Another process is already training there.
    UserError
        Nothing can be written.
    """
    try:
        file = open(folder / LOG, "ab", opener=ours)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    with file:
        try:
            _take(file)
        except BlockingIOError:
            raise Held(f"another process is training into {folder}: wait for its end, or stop it.") from None
        except OSError:
            pass  # a file system without locks
        yield


def _cannot_write(folder, error):
    mend = "put a file in its place" if error.errno == errno.ELOOP else "make it writable, or copy it"
    return UserError(f"cannot write into {folder} ({error.strerror}): {mend}.")


def _take(file):
    for _ in range(ATTEMPTS - 1):
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(folder):
    """Whether a process is training into the folder (RunFolder); None where its file system has no locks."""
    try:
        file = open_regular(folder / LOG)
    except UserError:  # nobody has begun to train there
        return False
    with file:
        try:
            # Shared with others who ask at the same time.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
    return False
