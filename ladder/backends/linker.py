"""A faster linker for the many small modules that Aesara's C code consists of.

GNU ld takes a fifth of the time in which g++ makes a module, most of it over the names in C++'s library.  gold, which
lies beside it in many installations, takes a quarter of that.  What g++ makes of the code is the same.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

GOLD = "-fuse-ld=gold"

#: A library that needs C++'s own.
PROGRAM = """
#include <string>
extern "C" int letters(const char* text) { return std::string(text).size(); }
"""


def flags(cxx: str, folder: Path) -> list[str]:
    """``[GOLD]`` where g++ makes libraries with it that can be loaded, else nothing.

    Parameters
    ----------
    cxx
        The compiler.
    folder
        What was found is kept there, in a file ``linker``, as trying takes as long as a module.
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
    """Which gold g++ would call: its path and its time, of this machine; empty where there is none."""
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
