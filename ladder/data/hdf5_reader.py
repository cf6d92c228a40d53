"""The processes that read HDF5 files for :mod:`ladder.data.hdf5_file`, one for each file.

Python and h5py take longer to start than most files take to read.  So they are started once, in a process that opens no
file itself (the origin), and is forked for each file; it ends with this process, or after a while without work.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

from ladder.errors import UserError

#: Seconds without a byte after which a reader is given up.
PATIENCE = 60

#: Seconds in which a process that has nothing more to do ends by itself.
POLITE = 0.2

#: Bytes of a process's number, its first answer.
NUMBER = 8

#: Seconds without work after which the origin ends.
IDLE = 30

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from ladder.data import hdf5_child; hdf5_child.fork_readers(int(sys.argv[2]), float(sys.argv[3]))"
)


class Ended(Exception):
    """The reader ended before it had answered."""


class Silent(Exception):
    """The reader has not answered for a long time."""


class Reader:
    """A process that reads one file, as :func:`ladder.data.hdf5_child.serve` says.

    Parameters
    ----------
    path : str or Path
    memory : int, bytes of address space that it may take
    """

    def __init__(self, path, memory):
        for _ in range(2):
            asked = origin.running()
            try:
                self._begin(asked, {"path": _from_anywhere(path), "memory": memory})
                return
            except (Ended, Silent):  # it ended just before it was asked
                origin.end(asked)
        raise UserError(
            f"cannot read {path}, as the process that reads HDF5 files does not start: end other processes, or see "
            'whether python -c "import h5py" works.'
        )

    def _begin(self, asked, request):
        self._socket, theirs = socket.socketpair()
        with theirs:
            asked.fork(theirs)
        try:
            self._ready = select.poll()
            self._ready.register(self._socket, select.POLLIN)
            self.ask(request)
            number = bytearray(NUMBER)
            self.receive(memoryview(number))
        except BaseException:
            self._socket.close()
            raise
        self._number = int.from_bytes(number, "little")

    def ask(self, request):
        """Send it a request (what JSON can hold)."""
        with _noticing():
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def answer(self):
        """The value in its next line, of JSON."""
        line = bytearray()
        while not line.endswith(b"\n"):
            self._wait()
            with _noticing():
                part = self._socket.recv(2**16)
            if not part:
                raise Ended
            line += part
        return json.loads(line)

    def receive(self, content):
        """Fill a memoryview of bytes with its answer."""
        while len(content):
            self._wait()
            with _noticing():
                done = self._socket.recv_into(content)
            if not done:
                raise Ended
            content = content[done:]

    def _wait(self):
        # A second at a time: if this process was stopped for long, so was the reader.
        if not any(self._ready.poll(1000) for _ in range(PATIENCE)):
            raise Silent

    def close(self):
        """End the process, whatever it does: it holds the file no longer."""
        if self._socket.fileno() >= 0:
            with self._socket:
                if not self._ends_by_itself():
                    _kill(self._number)

    def _ends_by_itself(self):
        """Let it end where it waits for a request: its end of the socket is the last that it closes."""
        until = time.monotonic() + POLITE
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                if self._ready.poll(1000 * left) and not self._socket.recv(2**16):
                    return True
        except OSError:  # it has ended before
            return True
        return False


class _Origin:
    """The process that is forked; started when it is first needed, and again where it has ended."""

    def __init__(self):
        self._turn, self._now = threading.Lock(), None

    def running(self):
        """The :class:`_Process` that it is now."""
        with self._turn:
            if self._now is None or self._now.has_ended():
                self._now = _Process()
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


class _Process:
    """One process that is forked."""

    def __init__(self):
        self.socket, theirs = socket.socketpair()
        paths = json.dumps([_from_anywhere(path) for path in sys.path])
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
        with _noticing():
            socket.send_fds(self.socket, [b"+"], [theirs.fileno()])

    def end(self):
        self.socket.close()
        try:
            self._process.wait(POLITE)  # so that it waits for those that it has forked, and what they took is known
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _noticing():
    """What the system says where the other end of a socket is closed becomes ``Ended``."""
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        raise Ended from None


def _from_anywhere(path):
    """A path that is the same from any folder, with its links and dots, which the system follows in their order."""
    return os.fspath(path) if os.path.isabs(path) else os.path.join(os.getcwd(), path)


def _kill(number):
    """Kill a process that lives, and is not our child; wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
        for _ in range(1000):
            time.sleep(0.001)
            os.kill(number, 0)


origin = _Origin()
atexit.register(origin.end)
os.register_at_fork(after_in_child=origin.forget)
