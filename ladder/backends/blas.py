"""Find the BLAS that Aesara's C code is linked with.

Aesara looks for a BLAS by asking NumPy how it was built.  For NumPy from a
wheel this finds nothing, and Aesara multiplies matrices through slow Python
calls.  Other wheels do contain good libraries: ``find`` looks for them in order
of speed and says how to link with them.

The fused graph has its own matrix products (``ladder/fused/dense.py``); the
BLAS serves the plain graph and everything built from it: validation, tests,
predictions, attacks.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import mmap
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ladder.backends import flags

#: The prefix of every symbol in SciPy's OpenBLAS since SciPy 1.13.
PREFIX = "scipy_"

#: The functions that Aesara calls.
FUNCTIONS = (
    *(f"{kind}{name}_" for name in ("gemm", "gemv", "ger", "dot", "axpy") for kind in "sd"),
    "openblas_set_num_threads",
)


@dataclass(frozen=True)
class Blas:
    """One BLAS library and how to link with it.

    ``name`` is ``mkl``, ``openblas``, ``system``, ``user`` or ``none``;
    ``version`` and ``library_path`` are empty where unknown;
    ``ldflags`` is the value for Aesara's ``blas__ldflags``.
    """

    name: str
    version: str = ""
    ldflags: str = ""
    library_path: str = ""


def find(cxx: str) -> Blas:
    """Return the best BLAS in this environment; ``cxx`` is the compiler for trial links, empty for none.

    Intel's MKL is best only on Intel processors: on others it leaves half of the vector width unused.
    """
    first, second = (mkl, scipy_openblas) if _is_intel() else (scipy_openblas, mkl)
    return first() or second() or (cxx and system(cxx)) or Blas("none")


def _is_intel() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "GenuineIntel" in cpuinfo.read_text()


def named(ldflags: str) -> Blas:
    """Return the library that a given ``blas__ldflags`` links with, as far as can be told."""
    for candidate in (mkl(), scipy_openblas()):
        if candidate and candidate.ldflags == ldflags:
            return candidate
    return Blas("user", ldflags=ldflags) if ldflags else Blas("none")


def mkl() -> Blas | None:
    """Return Intel MKL as installed by pip or conda in this environment, or None."""
    libraries = _mkl_files()
    if not sys.platform.startswith("linux") or not libraries:
        return None
    try:
        version = importlib.metadata.version("mkl")
    except importlib.metadata.PackageNotFoundError:  # conda's MKL has no Python metadata
        version = ""
    return Blas("mkl", version, link_flags(libraries[-1]), str(libraries[-1]))


def _mkl_files() -> list[Path]:
    # The wheel's own list of files is right for virtual environments and for
    # `pip install --user` alike.
    pattern = re.compile(r"libmkl_rt\.so[.\d]*$")
    try:
        files = importlib.metadata.distribution("mkl").files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    listed = [Path(f.locate()).resolve() for f in files if pattern.match(f.name)]
    found = listed or sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))
    return [path for path in found if path.exists()]


def scipy_openblas() -> Blas | None:
    """Return the OpenBLAS inside SciPy's Linux wheel, or None.

    Since SciPy 1.13 its symbols have a prefix, which preprocessor definitions add to the names that Aesara calls.
    """
    scipy = importlib.util.find_spec("scipy")
    if scipy is None or not sys.platform.startswith("linux"):
        return None
    directory = Path(scipy.origin).resolve().parent.parent / "scipy.libs"
    for library in sorted(directory.glob("lib*openblas*.so")):
        for prefix in ("", PREFIX):
            if _exports(library, f"{prefix}sgemm_".encode()):
                defines = "".join(f" -D{name}={prefix}{name}" for name in FUNCTIONS) if prefix else ""
                return Blas("openblas", _openblas_version(library), link_flags(library) + defines, str(library))
    return None


def system(cxx: str) -> Blas | None:
    """Return the operating system's OpenBLAS or BLAS if a program links with it, or None."""
    for flag in ("-lopenblas", "-lblas"):
        if _links(cxx, flag):
            return Blas("system", "", flag)
    return None


def link_flags(library: Path) -> str:
    """Return the ``blas__ldflags`` that link with exactly this file, at link time and at run time.

    The library is given by file name because wheels ship no ``libmkl_rt.so``
    beside ``libmkl_rt.so.3``.  ``--disable-new-dtags`` lets the run path also
    serve the library's own dependencies (OpenBLAS needs the libgfortran beside
    it).  The directory is passed through ``-Wl`` because Aesara warns about
    every plain ``-L`` in which it sees no ``lib*.so``.
    """
    directory = _without_separators(library.parent)
    return f"-Wl,-L{directory},-rpath,{directory},--disable-new-dtags -l:{library.name}"


SEPARATORS = r"[\s,]"


def _without_separators(directory: Path) -> Path:
    """Return the directory, or a link to it whose path contains no whitespace or comma.

    Aesara splits flags at whitespace and the compiler splits ``-Wl`` at commas;
    neither understands quotes.
    """
    if not re.search(SEPARATORS, str(directory)):
        return directory
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    folder = Path(flags.compile_folder()).absolute()
    if re.search(SEPARATORS, str(folder)):
        folder = Path.home() / ".aesara"
    link = folder / f"ladder-blas-{name}"
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.symlink_to(directory)
    except FileExistsError:  # from an earlier run; the name is made from the target
        pass
    return link


# Searching the file avoids loading the library, which would start its threads.


def _exports(library: Path, symbol: bytes) -> bool:
    return _search(library, rb"\0%b\0" % symbol) is not None


def _openblas_version(library: Path) -> str:
    """The version that the library itself states, empty if it states none."""
    return (_search(library, rb"OpenBLAS (\d[\w.]*)") or b"").decode()


def _search(library: Path, pattern: bytes) -> bytes | None:
    """The last group of the first match in a file."""
    with open(library, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        found = re.search(pattern, text)
        return found and found[found.re.groups]


def _links(cxx: str, flag: str) -> bool:
    program = 'extern "C" void sgemm_(); int main() { sgemm_(); }'
    with tempfile.TemporaryDirectory() as directory:
        command = [cxx, "-x", "c++", "-", "-o", f"{directory}/out", flag]
        return subprocess.run(command, input=program.encode(), capture_output=True).returncode == 0
