"""One process a folder.

The lock is on the open ``log.txt`` and the kernel's: it ends with the process,
however that ends.
"""

import fcntl
from contextlib import contextmanager

from ladder.errors import UserError

LOG = "log.txt"


@contextmanager
def held(folder):
    """While inside, no other process can train into the folder.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    UserError
        Another process does so already, or nothing can be written there.
    """
    try:
        file = (folder / LOG).open("ab")
    except OSError as error:
        raise UserError(f"cannot write into {folder} ({error.strerror}): make it writable, or copy it.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training into {folder}: wait for its end, or stop it.") from None
        except OSError:
            pass  # a file system without locks
        yield
