"""Check whether Aesara can compile here; ``python -m ladder.backends.check`` prints what is missing.

This needs only the standard library, so the Makefile runs it before it installs
anything.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from ladder.backends import flags
from ladder.errors import UserError

OLDEST, NEWEST = (3, 10), (3, 14)


def main() -> int:
    """Print what is missing, if anything, and return the exit status."""
    try:
        system()
        python_version()
        cxx = find_compiler()
        compiler(cxx)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def system() -> None:
    """Raise UserError on Windows."""
    if sys.platform == "win32":
        raise UserError("ladder locks files and compiles as on Linux and macOS, which Windows does not offer: use WSL.")


def python_version() -> None:
    """Raise UserError unless this Python is one that Aesara 2.9.4 was tried with."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        oldest, newest, this = (".".join(map(str, version[:2])) for version in (OLDEST, NEWEST, sys.version_info))
        raise UserError(
            f"ladder compiles C with Python {oldest} to {newest}, and this is Python {this}: get one of these with "
            f"uv python install {newest}, conda create -n ladder python={newest}, or from the system's packages."
        )


def aesara() -> None:
    """Raise UserError if Aesara is not installed; by default pip refuses to install it alongside NumPy 2."""
    if importlib.util.find_spec("aesara") is None:
        raise UserError("Aesara is not installed: run `pip install --no-deps aesara==2.9.4`.")


def find_compiler() -> str:
    """Return the path of a C++ compiler that Aesara knows, or raise UserError."""
    # Aesara recognises compilers by these names and drops its optimising options
    # for others, so a CXX called just `c++` is skipped.
    defaults = ["clang++", "g++"] if sys.platform == "darwin" else ["g++", "clang++"]
    for name in [os.environ.get("CXX", ""), *defaults]:
        path = shutil.which(name)
        if path and "g++" in Path(name).name:  # clang++ matches, too
            return path
    raise UserError(
        "No C++ compiler found, and Aesara compiles its graphs with one: install g++ or clang++ "
        "(Debian and Ubuntu: apt install g++; macOS: xcode-select --install; "
        "conda: conda install cxx-compiler)."
    )


def compiler(cxx: str) -> None:
    """Raise UserError unless the compiler runs and finds Python's headers."""
    try:
        working = subprocess.run([cxx, "--version"], capture_output=True).returncode == 0
    except OSError:
        working = False
    if not working:
        raise UserError(f"The C++ compiler {cxx} does not run: fix the PATH or Aesara's flag cxx.")
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise UserError(
            f"Python's headers are missing ({headers}/Python.h), and Aesara compiles against "
            f"them: install them (Debian and Ubuntu: apt install python{version}-dev)."
        )


def device(user: dict[str, str]) -> None:
    """Raise UserError if the user's settings, perhaps left over from Theano, name a device that Aesara lacks."""
    if user.get("device", "cpu") != "cpu":
        raise UserError(
            f"{flags.where('device')} cannot be used, as Aesara computes on the CPU alone: take it away (on a GPU, train "
            "with --backend jax)."
        )


def compile_folder() -> None:
    """Raise UserError unless the folder in which Aesara keeps what it compiles is writable."""
    folder = Path(flags.compile_folder())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"Aesara cannot keep what it compiles in {folder} ({error.strerror or error}): make that folder writable, or "
            "choose another one with AESARA_FLAGS=base_compiledir=FOLDER."
        ) from None


def links(cxx: str, ldflags: str) -> None:
    """Raise UserError if linking with the user's own BLAS flags fails."""
    if not ldflags:
        return
    program = "int main() { return 0; }"
    with tempfile.TemporaryDirectory() as directory:
        command = [cxx, "-x", "c++", "-", "-o", f"{directory}/out", *ldflags.split()]
        done = subprocess.run(command, input=program, capture_output=True, text=True)
    if done.returncode:
        said = next(
            (line for line in done.stderr.splitlines() if "cannot find" in line or "error" in line), done.stderr
        )
        raise UserError(
            f"{flags.where('blas__ldflags')} cannot be used ({said.strip()}): take it away, and ladder finds a BLAS itself."
        )


if __name__ == "__main__":
    sys.exit(main())
