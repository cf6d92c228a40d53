"""``benchmarks/gpu.py``: its table, tried out on a CPU; its message without a GPU; its helpers for a GPU."""

import importlib.util
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "benchmarks"


def missing(module):
    """Whether a library is not installed; name a module of JAX: the folder tests/backends/jax looks like a package."""
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:
        return True


needs_jax = pytest.mark.skipif(missing("jax.numpy"), reason="needs JAX")
needs_both = pytest.mark.skipif(missing("jax.numpy") or missing("torch"), reason="needs JAX and PyTorch")


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, BENCHMARKS / "gpu.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(text):
    """Rows of the Markdown table: first cell -> column -> text."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    lines = [[cell.strip() for cell in cells] for cells in lines]
    return {cells[0]: dict(zip(lines[0], cells)) for cells in lines[2:]}


@needs_jax
def test_our_rows_without_rivals(tmp_path):
    output = tmp_path / "table.md"
    options = ["--device", "cpu", "--small", "--updates", 2, "--rounds", 2, "--seeds", 2, "--models", "mnist"]
    # XLA compiles from scratch, and here only the results count, not the speed.
    quick = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    done = run(*options, "--rows", "ladder-seeds", "--output", output, **quick)
    assert done.returncode == 0, done.stderr
    ((row, cells),) = table(output.read_text()).items()
    assert row == "ladder, JAX, 2 seeds together" and float(cells["ms an update"]) > 0


def test_a_row_that_fails_is_no_success(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    gpu = load("gpu")
    answers = {"probe": {"device": "CPU"}, "row": {"skipped": "TypeError: …", "failed": True}}
    monkeypatch.setattr(gpu, "ask", lambda request, caches: answers["probe" if request.get("probe") else "row"])
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--device", "cpu", "--rows", "ladder", "--output", str(tmp_path / "t.md")]
    )
    assert gpu.main() == 1
    answers["row"] = {"skipped": "needs JAX"}
    assert gpu.main() == 0


@needs_both
@pytest.mark.parametrize(
    "model, rivals",
    [("mnist", ["PyTorch, eager"]), ("conv_small", ["PyTorch, eager", "PyTorch, eager, channels last"])],
)
def test_table(tmp_path, model, rivals):
    output = tmp_path / "table.md"
    # torch.compile takes a minute here.
    rows = ["ladder", "ladder-seeds", "torch", "torch-last", "torch-graph"]
    options = ["--device", "cpu", "--small", "--updates", 2, "--rounds", 2, "--seeds", 2, "--profile"]
    done = run(*options, "--models", model, "--rows", *rows, "--output", output)
    assert done.returncode == 0, done.stderr
    text = output.read_text()
    assert done.stdout.strip() == text.strip()
    found = table(text)
    assert list(found) == ["ladder, JAX, one seed", "ladder, JAX, 2 seeds together", *rivals]
    for cells in found.values():
        for column in ("s an epoch", "ms an update", "x PyTorch eager", "compile s"):
            assert math.isfinite(float(cells[column])), (column, cells)
        assert float(cells["s an epoch"]) > 0
        low, high = map(float, cells["range of rounds"].split(" to "))
        assert low <= float(cells["s an epoch"]) <= high
        # Neither a GPU nor nvidia-smi was asked.
        assert (cells["GPU busy %"], cells["GPU MB"], cells["target"]) == ("-", "-", "-")
    assert "A round is 2 updates, its time scaled to an epoch." in text
    assert "one CUDA graph: left out (CUDA graphs need a GPU)." in text
    assert re.search(r"jax [\d.]+.*torch [\d.]+.*aesara [\d.]+.*numpy [\d.]+", text)
    assert text.count("## Profile of") == 2


@needs_both
def test_refused_without_gpu(tmp_path):
    output = tmp_path / "table.md"
    # No GPU is visible, even if there is one.
    done = run("--output", output, CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
    assert done.returncode == 2, done.stderr
    assert "There is no GPU to measure on (jax: " in done.stderr and "PyTorch" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_sampler(tmp_path, monkeypatch):
    nvidia = load("nvidia")
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/asked"\necho "87, 1234"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    with nvidia.Sampler() as sampler:
        while not sampler._looks:
            time.sleep(0.01)
    assert (sampler.utilization, sampler.memory_mb) == (87, 1234)
    asked = (tmp_path / "asked").read_text()
    assert "--query-gpu=utilization.gpu,memory.used --format=csv,noheader,nounits --id=3" in asked
    # The answer for a partition of a card.
    program.write_text('#!/bin/sh\necho "[N/A], [N/A]"\n')
    with nvidia.Sampler() as sampler:
        while not sampler._looks:
            time.sleep(0.01)
    assert (sampler.utilization, sampler.memory_mb) == (None, None)


def test_no_nvidia_smi(tmp_path, monkeypatch):
    nvidia = load("nvidia")
    monkeypatch.setenv("PATH", str(tmp_path))
    with nvidia.Sampler() as sampler:
        pass
    assert (sampler.utilization, sampler.memory_mb) == (None, None)


def test_profile_of_a_device():
    def line(name, *events):
        names = ("name", "start_ns", "duration_ns")
        return SimpleNamespace(name=name, events=[SimpleNamespace(**dict(zip(names, event))) for event in events])

    streams = [
        line("Stream #1", ("gemm", 0, 2e6), ("add", 3e6, 1e6), ("gemm", 7e6, 1e6)),
        line("Stream #2", ("add", 3.5e6, 1.5e6)),
        line("XLA Ops", ("fusion", 0, 8e6)),
    ]
    host, device = SimpleNamespace(name="/host:CPU", lines=[]), SimpleNamespace(name="/device:GPU:0", lines=streams)
    describe = load("gpu_profile").describe
    first, *largest = describe([host, device])
    # Busy from 0 to 2, 3 to 5 and 7 to 8.
    assert first == "/device:GPU:0: 4 kernels in 8.0 ms; none ran in 38 % of it."
    assert largest == ["54.5 %, 3.00 ms in 2 calls: `gemm`", "45.5 %, 2.50 ms in 2 calls: `add`"]
    assert "no device plane" in describe([host])[0]
