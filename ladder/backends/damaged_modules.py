"""Remove damaged compiled modules, so that they are compiled again.

A full disk, or a machine that went down, leaves truncated modules in Aesara's
cache.  Aesara finds them by their keys and fails to load them, in this run and
in every later one; where the file ends early enough, the process dies.
"""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

import filelock

from ladder.backends.compile_lock import NAME

#: The first bytes of a 64-bit ELF file, and the length of its header.
MAGIC, HEADER = b"\x7fELF\x02", 64

#: The file that identifies Aesara's modules: their folder may be shared with other programs (``base_compiledir=/tmp``).
SOURCE = "mod.cpp"

#: What Aesara adds to a complete module, except to its own three, compiled under a lock: one of them under its own.
KEYS, OWN, WITH_A_LOCK = "key.pkl", ("cutils_ext", "lazylinker_ext", "scan_perform"), "scan_perform"


def remove(base: str) -> None:
    """Remove truncated modules below Aesara's compile folder ``base``."""
    damaged = {}
    for path in [*Path(base).glob("*/*/*.so"), *Path(base).glob("*/*.so")]:
        if is_aesaras(path) and not is_being_compiled(path) and is_cut_short(path):
            damaged.setdefault(_lock(path), []).append(path)
    for lock, paths in damaged.items():
        try:
            # Whoever holds the lock may still be writing the module.
            with filelock.FileLock(lock, timeout=0):
                for path in filter(is_cut_short, paths):
                    _remove(path)
        except (filelock.Timeout, OSError):
            continue
        print(f"{len(paths)} damaged modules in {lock.parent} are removed, and compiled again", file=sys.stderr)


def _lock(path):
    """Aesara's lock on a module: in the compile folder, except for the module that has a lock of its own."""
    return (path.parent if path.parent.name == WITH_A_LOCK else path.parent.parent) / NAME


def remove_one(path: str) -> bool:
    """Remove the module in a file; return whether that worked."""
    _remove(Path(path))
    return not Path(path).exists()


def _remove(path):
    shutil.rmtree(path.parent, ignore_errors=True)


def is_aesaras(path: str | Path) -> bool:
    """Whether a library is a module that Aesara compiled."""
    return Path(path).with_name(SOURCE).is_file()


def is_being_compiled(path: str | Path) -> bool:
    """Whether a module has no keys yet: another process is compiling it, or was killed and no one will look for it."""
    folder = Path(path).parent
    return folder.name not in OWN and not (folder / KEYS).exists()


def is_cut_short(path: str | Path) -> bool:
    """Whether a file is an ELF library cut off before the end of its section header table, which linkers write last."""
    try:
        with open(path, "rb") as file:
            head, size = file.read(HEADER), file.seek(0, 2)
    except OSError:
        return False  # left to whoever loads it
    if not MAGIC.startswith(head[: len(MAGIC)]):
        return False
    if len(head) < HEADER:
        return True
    (start,), (length, count) = struct.unpack_from("<Q", head, 40), struct.unpack_from("<HH", head, 58)
    return start + length * count > size
