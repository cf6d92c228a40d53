"""The ladders in PyTorch and JAX compute what ours does (``benchmarks/check_rivals.py``)."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "check_rivals.py"


@pytest.mark.parametrize(
    "library, rivals, model",
    [
        ("torch", ["torch", "torch-joined"], "mnist"),
        ("jax", ["jax"], "mnist"),
        ("torch", ["torch", "torch-joined"], "conv_small"),
        ("torch", ["torch", "torch-joined"], "conv_large"),
        ("torch", ["torch", "torch-joined"], "conv_fc"),
    ],
)
def test_same_costs_gradients_and_update(library, rivals, model):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    # A process of its own: each library brings its own threads.
    arguments = [*rivals, "--model", model, "--small"]
    # Formulas are compared: their compiled code need not be fast.
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
    environment = {**os.environ, "XLA_FLAGS": flags}
    done = subprocess.run([sys.executable, CHECK, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
