"""A faster linker for the many small modules that Aesara's C code consists of.

GNU ld takes a fifth of the time that g++ needs for a module, most of it for the symbols of the C++ library.  gold,
which many installations have beside it, takes a quarter of that.  The machine code stays the same.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

GOLD = "-fuse-ld=gold"

#: The source of a library that needs the C++ library.
PROGRAM = """
#include <string>
extern "C" int letters(const char* text) { return std::string(text).size(); }
"""


def flags(cxx: str, folder: Path) -> list[str]:
    """``[GOLD]`` if libraries that g++ makes with it can be loaded, else an empty list.

    Parameters
    ----------
    cxx
        The compiler.
    folder
        Where the result is kept, in a file ``linker``, as trying takes as long as compiling a module.
    """
    gold, kept = _gold(cxx), folder / "linker"
    if not gold:
        return []
    try:
        found = kept.read_text() if kept.exists() else ""
        if not found.startswith(gold):
            found = f"{gold}\n{GOLD if _links(cxx) else ''}"
            partial = folder / f"linker.{os.getpid()}"
            partial.write_text(found)
            os.replace(partial, kept)
    except OSError:
        return []
    return found.removeprefix(gold).split()


def _gold(cxx: str) -> str:
    """The path and modification time of the gold that g++ would call on this machine; empty if there is none."""
    named = subprocess.run([cxx, "-print-prog-name=ld.gold"], capture_output=True, text=True).stdout.strip()
    path = named and shutil.which(named)
    return f"{path} {os.stat(path).st_mtime_ns}" if path else ""


def _links(cxx: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "letters.cpp", Path(folder) / "letters.so"
        source.write_text(PROGRAM)
        command = [cxx, "-shared", "-fPIC", GOLD, str(source), "-o", str(library)]
        if subprocess.run(command, capture_output=True).returncode:
            return False
        try:
            return ctypes.CDLL(str(library)).letters(b"gold") == 4
        except OSError:
            return False
