"""The processes that read HDF5 files for :mod:`ladder.data.hdf5_file`, one for each file, forked from the origin."""

import json
import os
import select
import signal
import socket
import time
from contextlib import suppress

from ladder.data.hdf5_origin import POLITE, Ended, from_anywhere, noticing, origin
from ladder.errors import UserError

#: Seconds without a byte after which a reader is given up.
PATIENCE = 60

#: Bytes of a process ID, a reader's first answer.
NUMBER = 8


class Silent(Exception):
    """The reader has not answered for a long time."""


class Reader:
    """A process that reads one file, by running :func:`ladder.data.hdf5_child.serve`.

    Parameters
    ----------
    path : str or Path
    describing, memory : int
        Bytes of address space that it may take: until it has described the file, and afterwards.
    """

    def __init__(self, path, describing, memory):
        for _ in range(2):
            asked = origin.running()
            try:
                self._begin(asked, {"path": from_anywhere(path), "describing": describing, "memory": memory})
                return
            except (Ended, Silent):  # the origin ended just before it was asked
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
        """Send it a request (any value that JSON can hold)."""
        with noticing():
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def answer(self):
        """The value in its next line of JSON."""
        line = bytearray()
        while not line.endswith(b"\n"):
            self._wait()
            with noticing():
                part = self._socket.recv(2**16)
            if not part:
                raise Ended
            line += part
        return json.loads(line)

    def receive(self, content):
        """Fill a memoryview of bytes with its answer."""
        while len(content):
            self._wait()
            with noticing():
                done = self._socket.recv_into(content)
            if not done:
                raise Ended
            content = content[done:]

    def _wait(self):
        # A second at a time: if this process was stopped for long, so was the reader.
        if not any(self._ready.poll(1000) for _ in range(PATIENCE)):
            raise Silent

    def close(self):
        """End the process, whatever it is doing, so that it no longer holds the file."""
        if self._socket.fileno() >= 0:
            with self._socket:
                if not self._ends_by_itself():
                    _kill(self._number)

    def _ends_by_itself(self):
        """Let it end by itself if it waits for a request: its end of the socket is the last thing that it closes."""
        until = time.monotonic() + POLITE
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                if self._ready.poll(1000 * left) and not self._socket.recv(2**16):
                    return True
        except OSError:  # it had ended already
            return True
        return False


def _kill(number):
    """Kill a process that is not our child, if it is alive, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
        for _ in range(1000):
            time.sleep(0.001)
            os.kill(number, 0)
