"""How a symbolic graph becomes machine code.

``c`` prepares Aesara's C backend and has to run before Aesara is imported;
``blas`` finds the library for matrix products, ``flags`` reads the user's own
settings for Aesara.
"""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

PACKAGES = ("aesara", "numpy", "scipy", "h5py")


def describe() -> dict[str, str | int]:
    """Return what decides speed and rounding here, for logs and ``environment.json``.

    Configures the C backend if nobody has yet.

    Raises
    ------
    UserError
        The C backend cannot be configured, see ``c.configure``.
    """
    from ladder.backends import c

    backend = c.configure()
    return {
        "python": platform.python_version(),
        **{name: _package_version(name) for name in PACKAGES},
        "blas": f"{backend.blas.name} {backend.blas.version}".strip(),
        "blas_ldflags": backend.blas.ldflags,
        "compiler": _compiler_version(backend.cxx),
        "threads": backend.threads,
        "aesara_flags": backend.flags,
        "cpu": _cpu_model(),
        "platform": platform.platform(),
    }


def _package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _compiler_version(cxx: str) -> str:
    if not cxx:
        return "none"
    return subprocess.run([cxx, "--version"], capture_output=True, text=True).stdout.split("\n")[0]


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
