"""Standard streams to which writing never fails: they may be closed, full, gone or of a limited encoding.

Output that can no longer be written is dropped, and :func:`failure` says why at
the end.  So training goes on without an audience, and files are written
whatever becomes of the printed output.
"""

import errno
import io
import os
import sys
from contextlib import contextmanager


class LastingStream(io.TextIOWrapper):
    """A text stream to a file descriptor that drops what the descriptor does not accept.

    Attributes
    ----------
    error : OSError or None
        The first failure.
    """

    error = None

    def write(self, text):
        try:
            return super().write(text)
        except OSError as error:
            self._drop_from_now_on(error)
            return len(text)

    def flush(self):
        try:
            super().flush()
        except OSError as error:
            self._drop_from_now_on(error)
        except ValueError:  # it is closed
            pass

    def _drop_from_now_on(self, error):
        self.error = self.error or error
        _open_nowhere(self.fileno())
        super().flush()  # what is still buffered


@contextmanager
def lasting():
    """Replace ``sys.stdout`` and ``sys.stderr`` where they are the process's own."""
    # The next file opened would get a closed descriptor's number, and be written to as if it were the stream.
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            _open_nowhere(descriptor)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream, own = getattr(sys, name), getattr(sys, f"__{name}__")
        if stream is own and not isinstance(stream, LastingStream):
            setattr(sys, name, _lasting(stream, descriptor))
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()


def _lasting(stream, descriptor):
    if stream is None:
        replaced = LastingStream(open(descriptor, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")
        replaced.error = OSError(errno.EBADF, "it is closed")
        return replaced
    options = {name: getattr(stream, name) for name in ("encoding", "line_buffering", "write_through")}
    # Characters that the encoding lacks are written as Python escapes: \u2026.
    return LastingStream(stream.detach(), errors="backslashreplace", **options)


def failure():
    """The OSError that ended standard output, or None."""
    return getattr(sys.stdout, "error", None)


def _open_nowhere(descriptor):
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
