"""The process from which those that read HDF5 files are forked, the origin.

Python and h5py take longer to start than most files take to read.  So they are started once, in a process that opens no
file itself; it ends with this process, or after a while without work.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

#: Seconds without work after which the origin ends.
IDLE = 30

#: Seconds in which a process that has nothing more to do ends by itself.
POLITE = 0.2

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from ladder.data import hdf5_child; hdf5_child.fork_readers(int(sys.argv[2]), float(sys.argv[3]))"
)


class Ended(Exception):
    """A process ended before it had answered."""


class _Origin:
    """The process that is forked; started when it is first needed, and again where it has ended."""

    def __init__(self):
        self._turn, self._now = threading.Lock(), None

    def running(self):
        """The :class:`Process` that it is now."""
        with self._turn:
            if self._now is None or self._now.has_ended():
                self._now = Process()
            return self._now

    def end(self, process=None):
        """End it, or do nothing where it is another process by now; files that are being read go on."""
        with self._turn:
            if self._now is not None and process in (None, self._now):
                self._now.end()
                self._now = None

    def forget(self):
        """In a process that was forked: the origin is its parent's."""
        if self._now is not None:
            self._now.socket.close()
        self.__init__()


class Process:
    """One process that is forked."""

    def __init__(self):
        self.socket, theirs = socket.socketpair()
        paths = json.dumps([from_anywhere(path) for path in sys.path])
        # One thread: it multiplies no matrices, and threads take address space, which is limited.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        try:
            # Nothing of the user's is kept open: who reads our output waits for its end.
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, paths, str(theirs.fileno()), str(IDLE)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment,
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()

    @property
    def number(self):
        return self._process.pid

    def has_ended(self):
        return self._process.poll() is not None

    def fork(self, theirs):
        """Fork it; the new process serves whoever has the other end of a socket."""
        try:
            socket.send_fds(self.socket, [b"+"], [theirs.fileno()])
        except OSError:  # another thread may have closed it
            raise Ended from None

    def end(self):
        self.socket.close()
        try:
            self._process.wait(POLITE)  # so that it waits for those that it has forked, and what they took is known
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def noticing():
    """What the system says where the other end of a socket is closed becomes ``Ended``."""
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        raise Ended from None


def from_anywhere(path):
    """A path that is the same from any folder, with its links and dots, which the system follows in their order."""
    return os.fspath(path) if os.path.isabs(path) else os.path.join(os.getcwd(), path)


origin = _Origin()
atexit.register(origin.end)
os.register_at_fork(after_in_child=origin.forget)
