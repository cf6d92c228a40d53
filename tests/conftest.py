"""Shared by all tests: Aesara set up for one thread per worker, and the folders of reference files."""

import gc
import os
from pathlib import Path

import pytest

from ladder.backends import c

# Before any test module imports Aesara; several workers share the cores.
c.configure(threads=1)

# Keep whatever XLA compiles from one test run to the next, even if it took less than JAX's minimum of a second.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# Graphs are millions of small objects: with Python's default thresholds, collecting garbage takes a tenth of the time.
gc.set_threshold(50_000, 10, 10)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Return the directory in the repository with the original's numbers."""
    return REPOSITORY / "tests" / "golden"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the directory beside the repository with the data sets and all reference numbers."""
    path = REPOSITORY.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"needs the data sets and reference numbers in {path}")
    return path
