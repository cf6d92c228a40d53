"""The ladders in PyTorch and JAX compute what ours does (``benchmarks/check_rivals.py``)."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "check_rivals.py"


@pytest.mark.parametrize("rival", ["torch", "jax"])
def test_same_costs_gradients_and_update(rival):
    if importlib.util.find_spec(rival) is None:
        pytest.skip(f"{rival} is not installed")
    # A process of its own: each library brings its own threads.
    done = subprocess.run([sys.executable, CHECK, "--small", rival], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
