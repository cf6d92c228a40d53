"""The origin: the process from which the readers of HDF5 files are forked.

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

#: Seconds that a process with nothing left to do is given to end by itself.
POLITE = 0.2

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from ladder.data import hdf5_child; hdf5_child.fork_readers(int(sys.argv[2]), float(sys.argv[3]))"
)


class Ended(Exception):
    """A process ended before it had answered."""


class _Origin:
    """The origin, started when it is first needed, and again if it has ended."""

    def __init__(self):
        self._turn, self._now = threading.Lock(), None

    def running(self):
        """The running :class:`Process`, started if there is none."""
        with self._turn:
            if self._now is None or self._now.has_ended():
                self._now = Process()
            return self._now

    def end(self, process=None):
        """End the origin, unless it is another process by now; files that are being read are not affected."""
        with self._turn:
            if self._now is not None and process in (None, self._now):
                self._now.end()
                self._now = None

    def forget(self):
        """Drop the origin in a forked process: it is the parent's."""
        if self._now is not None:
            self._now.socket.close()
        self.__init__()


class Process:
    """One process from which readers are forked."""

    def __init__(self):
        self.socket, theirs = socket.socketpair()
        paths = json.dumps([from_anywhere(path) for path in sys.path])
        # One thread: it multiplies no matrices, and threads take address space, which is limited.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        try:
            # It keeps none of the user's streams open: whoever reads our output waits for its end.
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
    """Turn the system's errors about a socket whose other end is closed into ``Ended``."""
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        raise Ended from None


def from_anywhere(path):
    """An absolute path, valid in any folder; links and dots are kept, as the system resolves them in order."""
    return os.fspath(path) if os.path.isabs(path) else os.path.join(os.getcwd(), path)


origin = _Origin()
atexit.register(origin.end)
os.register_at_fork(after_in_child=origin.forget)
