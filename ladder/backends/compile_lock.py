"""Aesara's lock on its compile folder, with a message that says which process is being waited for.

Aesara itself waits two minutes in silence, then gives up with a page of
traceback.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import filelock

from ladder.errors import UserError

#: The name of the lock file in the compile folder.
NAME = ".lock"

#: Seconds of waiting before the message: the lock is held while a module's keys are written, not while it is compiled.
UNSAID = 0.5

_Original = filelock.FileLock
_said = set()


class _TellingLock(_Original):
    """Aesara's lock, which reports when it has to wait."""

    def acquire(self, timeout=None, *args, **kwargs):
        timeout = self.timeout if timeout is None else timeout
        if self.is_locked or timeout == 0 or Path(self.lock_file).name != NAME:
            return super().acquire(timeout, *args, **kwargs)
        try:
            return super().acquire(UNSAID if timeout < 0 else min(UNSAID, timeout), *args, **kwargs)
        except filelock.Timeout:
            _say(_whose(self.lock_file))
        try:
            return super().acquire(timeout, *args, **kwargs)
        except filelock.Timeout:
            raise UserError(
                f"{_whose(self.lock_file)}, still after {timeout:g} s: end that process, or compile elsewhere with "
                "AESARA_FLAGS=base_compiledir=FOLDER."
            ) from None


def tell() -> None:
    """Make Aesara's lock report; works before or after Aesara is imported, which looks the lock up at each use."""
    filelock.FileLock = _TellingLock


def _say(whose):
    """Report each process once; not on standard output, which may be for results."""
    if whose not in _said:
        _said.add(whose)
        print(f"Waiting for another process that is compiling: {whose}", file=sys.stderr)


def _whose(path: str) -> str:
    folder, holder = Path(path).parent, _holder(path)
    if holder is None:
        return f"the compile folder {folder} is locked"
    try:
        command = Path(f"/proc/{holder}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        stopped = Path(f"/proc/{holder}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        command, stopped = "", False
    named = f"process {holder}" + f" ({command[:100]})" * bool(command) + ", which is stopped" * stopped
    return f"the compile folder {folder} is locked by {named}"


def _holder(path: str) -> int | None:
    """The id of the process that holds a lock, where the system tells (Linux)."""
    try:
        file = os.stat(path)
        wanted = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if "->" not in words and wanted in words:
                return int(words[4]) if int(words[4]) > 0 else None
    except (OSError, ValueError, IndexError):
        pass
    return None
