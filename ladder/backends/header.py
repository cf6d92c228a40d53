"""Faster compilation of the many small modules that Aesara's C code consists of.

A network's functions are 80 modules or more.  g++ takes a second for each, most
of it to read the same headers and to write debugging information.  So those
headers are precompiled, as C++14, whose standard headers are shorter; debugging
information is left out; and modules are linked by a faster linker
(``linker.py``).  The arithmetic stays the same, instruction by instruction.  A
precompiled header serves only modules with the same flags, so there are two:
for ordinary modules and for fused operations.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ladder import files
from ladder.backends import choice, linker, numpy_headers, vectorise

#: What Aesara's modules include first.
HEADERS = (
    "Python.h",
    "iostream",
    "math.h",
    "numpy/arrayobject.h",
    "numpy/arrayscalars.h",
    "vector",
    "algorithm",
    "cmath",
    "memory",
)


def use() -> None:
    """Let Aesara compile with our precompiled header, made when first needed.

    Does nothing for compilers other than g++, or if the user set
    ``gcc__cxxflags``.  If the header cannot be made, g++ reads the headers each
    time as usual.
    """
    from aesara import config

    if not vectorise.is_gxx() or config.gcc__cxxflags:
        return
    config.gcc__cxxflags = f"-g0 {vectorise.STANDARD}"
    flags = _flags()
    header = Path(config.base_compiledir) / f"headers-{_key(config.cxx, flags)}" / "aesara_headers.h"
    kinds = {"ordinary": flags, "vectorised": [*flags, *vectorise.compile_args()]}
    # Aesara splits its flags at spaces.
    if " " not in str(header) and _is_there(config.cxx, kinds, header):
        config.gcc__cxxflags = " ".join(
            [config.gcc__cxxflags, "-include", str(header), *linker.flags(config.cxx, header.parent)]
        )


def _flags() -> list[str]:
    """The flags of an ordinary module: g++ uses a precompiled header only with the same ones."""
    from aesara.graph.fg import FunctionGraph
    from aesara.link.c.basic import CLinker
    from aesara.link.c.cmodule import std_include_dirs
    from aesara.tensor import vector

    x = vector(dtype="float32")
    c_linker = CLinker().accept(FunctionGraph([x], [x + x], clone=False))
    folders = [f"-I{folder}" for folder in (*c_linker.header_dirs(), *std_include_dirs())]
    return ["-g", *c_linker.compile_args(), *folders, "-fvisibility=hidden"]


def _key(cxx: str, flags: list[str]) -> str:
    """A key that changes with everything the header depends on; g++ itself does not check."""
    import numpy

    version = subprocess.run([cxx, "--version"], capture_output=True, text=True).stdout
    parts = [version, numpy.__version__, *flags, *vectorise.VECTORISE, *HEADERS]
    # With NumPy 1 there is no such part, so that headers compiled before it was introduced are still found.
    parts += filter(None, [numpy_headers.text()])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _is_there(cxx: str, kinds: dict[str, list[str]], header: Path) -> bool:
    """Whether the header is there, compiled with each kind's flags; compiles what is missing, in parallel."""
    # g++ searches a folder of this name and takes the file that fits.
    folder = header.with_name(header.name + ".gch")
    lacking = [kind for kind in kinds if not (folder / kind).exists()]
    if not lacking:
        return True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.replacing(header) as partial:  # another process may be reading it
            partial.write_text("".join(f"#include <{name}>\n" for name in HEADERS))
        with ThreadPoolExecutor(min(choice.default_threads(), len(lacking))) as pool:
            list(pool.map(lambda kind: _compile(cxx, kinds[kind], header, folder / kind), lacking))
    except (OSError, RuntimeError, subprocess.CalledProcessError):  # RuntimeError: no more threads
        return False
    return True


def _compile(cxx: str, flags: list[str], header: Path, compiled: Path):
    """Write the compiled header atomically."""
    partial = header.with_name(f"{compiled.name}-{os.getpid()}.gch")
    subprocess.run([cxx, *flags, "-x", "c++-header", str(header), "-o", str(partial)], capture_output=True, check=True)
    os.replace(partial, compiled)
