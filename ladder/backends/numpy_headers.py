"""Headers of NumPy 2, as Aesara's C code expects them.

Aesara 2.9.4 was written for NumPy 1.  A folder of ours comes before NumPy's
among those that the compiler searches, with headers that include NumPy's own
of the same name and add what is missing.  They reach what includes NumPy and
nothing else: the small programs by which Aesara tries compiler flags are what
they were, so it finds the same ones.
"""

from __future__ import annotations

from functools import wraps
from pathlib import Path

import numpy as np

#: Is this NumPy 2 or later?
NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"

FOLDER = Path(__file__).with_name("c_headers")

# Aesara's own name for the folder has Python's version alone, and two of the modules in it have no other key.
COMPILE_FOLDER = "compiledir_%(short_platform)s-%(processor)s-%(python_version)s-%(python_bitwidth)s-numpy2"


def text() -> str:
    """What is in them, for keys; empty where they are not used."""
    return "".join(path.read_text() for path in sorted(FOLDER.rglob("*.h"))) if NUMPY_2 else ""


def settings() -> dict[str, str]:
    """Settings for Aesara: modules compiled for NumPy 1 and 2 are kept in folders of their own."""
    return {"compiledir_format": COMPILE_FOLDER} if NUMPY_2 else {}


def repair(cmodule):
    """Let the compiler search the folder first, with NumPy 2 alone (``ladder/backends/repairs``)."""
    theirs = cmodule.std_include_dirs
    if not hasattr(theirs, "__wrapped__"):

        @wraps(theirs)
        def std_include_dirs():
            return [str(FOLDER), *theirs()]

        cmodule.std_include_dirs = std_include_dirs
