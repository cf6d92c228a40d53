"""The processes that read HDF5 files for :mod:`ladder.data.hdf5_file`, one for each file.

Python and h5py take longer to start than most files take to read.  So they are started once, in a process that opens no
file itself (the origin), and is forked for each file; it ends with this process, or after a while without work.
"""

import atexit
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from ladder.errors import UserError

#: Seconds without a byte after which a reader is given up.
PATIENCE = 60

#: Seconds in which a reader that waits for a request ends by itself.
POLITE = 0.2

#: Bytes of a process's number, its first answer.
NUMBER = 8

#: Seconds without work after which the origin ends.
IDLE = 30

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from ladder.data import hdf5_child; hdf5_child.fork_readers(int(sys.argv[2]), float(sys.argv[3]))"
)

#: ``fcntl.F_SETPIPE_SZ`` of Linux: a larger pipe is a faster one.
_SET_PIPE_SIZE = 1031


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
            try:
                self._begin({"path": os.path.abspath(path), "memory": memory})
                return
            except (Ended, Silent):  # the origin ended just before it was asked
                self._close_pipes()
                origin.end()
        raise UserError(f"no process can be started to read {path}: end other processes, and try again.")

    def _begin(self, request):
        asked, requests = os.pipe()
        answers, answered = os.pipe()
        self._requests, self._answers = open(requests, "wb", buffering=0), open(answers, "rb", buffering=0)
        with suppress(OSError):  # some systems and limits do not allow it
            fcntl.fcntl(answered, _SET_PIPE_SIZE, 2**20)
        try:
            origin.fork([asked, answered])
        finally:
            os.close(asked)
            os.close(answered)
        self.ask(request)
        number = bytearray(NUMBER)
        self.receive(memoryview(number))
        self._number = int.from_bytes(number, "little")

    def ask(self, request):
        """Send it a request (what JSON can hold)."""
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise Ended from None

    def answer(self):
        """The value in its next line, of JSON."""
        line = bytearray()
        while not line.endswith(b"\n"):
            self._wait()
            part = self._answers.read(2**16)
            if not part:
                raise Ended
            line += part
        return json.loads(line)

    def receive(self, content):
        """Fill a memoryview of bytes with its answer."""
        while len(content):
            self._wait()
            done = self._answers.readinto(content)
            if not done:
                raise Ended
            content = content[done:]

    def _wait(self):
        # A second at a time: if this process was stopped for long, so was the reader.
        if not any(select.select([self._answers], [], [], 1)[0] for _ in range(PATIENCE)):
            raise Silent

    def close(self):
        """End the process, whatever it does: it holds the file no longer."""
        self._requests.close()  # where it waits for one it ends, and its end of the pipe is the last that it closes
        ends = select.poll()
        ends.register(self._answers, 0)
        if not any(event & select.POLLHUP for _, event in ends.poll(1000 * POLITE)):
            _kill(self._number)
        self._answers.close()

    def _close_pipes(self):
        self._requests.close()
        self._answers.close()


def _kill(number):
    """Kill a process that lives, and is not our child; wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
        for _ in range(1000):
            time.sleep(0.001)
            os.kill(number, 0)


class _Origin:
    """The process that is forked; started when it is first needed, and again where it has ended."""

    def __init__(self):
        self._turn, self._process, self._socket = threading.Lock(), None, None

    def fork(self, descriptors):
        """Fork it; the new process takes requests from the first descriptor, and answers on the second."""
        with self._turn:
            if self._process is None or self._process.poll() is not None:
                self._start()
            try:
                socket.send_fds(self._socket, [b"+"], descriptors)
            except (BrokenPipeError, ConnectionResetError):
                raise Ended from None

    def _start(self):
        self._forget()
        self._socket, theirs = socket.socketpair()
        paths = json.dumps([os.path.abspath(path) for path in sys.path])
        # One thread: it multiplies no matrices, and threads take address space, which is limited.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
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

    def end(self):
        """End it; files that are being read go on."""
        with self._turn:
            self._forget()

    def _forget(self):
        if self._process is not None:
            self._socket.close()
            self._process.kill()
            self._process.wait()
            self._process = None


origin = _Origin()
atexit.register(origin.end)
