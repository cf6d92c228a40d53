"""Shared by all tests: Aesara set up for one thread a worker, and where reference files lie."""

import gc
import os
from pathlib import Path

import pytest

from ladder.backends import c

# Before any test module imports Aesara; several workers share the cores.
c.configure(threads=1)

# What XLA has compiled is kept from one run of a test to the next, also what takes less than JAX's second.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# Graphs are millions of small objects: looked through as often as Python does it, they take a tenth of the time.
gc.set_threshold(50_000, 10, 10)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Return the directory with the original's numbers that the repository carries."""
    return REPOSITORY / "tests" / "golden"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the directory beside the repository with data sets and all of the numbers."""
    path = REPOSITORY.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"needs the data sets and reference numbers in {path}")
    return path
