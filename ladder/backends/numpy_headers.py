"""NumPy 2's headers, as Aesara's C code expects them.

Aesara 2.9.4 was written for NumPy 1.  The compiler searches a folder of ours
before NumPy's, with headers that include NumPy's own of the same name and add
what is missing.  They affect only code that includes NumPy: the small programs
with which Aesara tries compiler flags are unchanged, so it finds the same
flags.
"""

from __future__ import annotations

from functools import wraps
from pathlib import Path

import numpy as np

#: Whether this is NumPy 2 or later.
NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"

FOLDER = Path(__file__).with_name("c_headers")

# Aesara's own name for the folder has Python's version but not NumPy's, and two of the modules in it have no other key.
COMPILE_FOLDER = "compiledir_%(short_platform)s-%(processor)s-%(python_version)s-%(python_bitwidth)s-numpy2"


def text() -> str:
    """The text of our headers, for keys; empty where they are not used."""
    return "".join(path.read_text() for path in sorted(FOLDER.rglob("*.h"))) if NUMPY_2 else ""


def settings() -> dict[str, str]:
    """Settings for Aesara that keep modules compiled for NumPy 1 and 2 in separate folders."""
    return {"compiledir_format": COMPILE_FOLDER} if NUMPY_2 else {}


def repair(cmodule):
    """Let the compiler search our folder first; only used with NumPy 2 (``ladder/backends/repairs``)."""
    theirs = cmodule.std_include_dirs
    if not hasattr(theirs, "__wrapped__"):

        @wraps(theirs)
        def std_include_dirs():
            return [str(FOLDER), *theirs()]

        cmodule.std_include_dirs = std_include_dirs
