"""What ``configure`` leaves to the user, what it refuses, and the compile mode."""

import importlib.util
import os
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import aesara
import numpy as np
import pytest
from aesara import tensor as at

from ladder import backends
from ladder.backends import c, check, choice
from ladder.errors import UserError

SET_BY_US = (
    "AESARA_FLAGS",
    "AESARARC",
    "MKL_THREADING_LAYER",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    *c.THREAD_VARIABLES,
)

CONFIGURE = """
from ladder.backends import c
from ladder.errors import UserError
try:
    backend = c.configure({threads})
except UserError as error:
    print("UserError:", error)
    raise SystemExit
import aesara, threadpoolctl
config = aesara.config
print(config.floatX, config.cxx, config.blas__ldflags, backend.blas.name, backend.threads, sep="|")
print(*sorted({{pool["num_threads"] for pool in threadpoolctl.threadpool_info()}}))
"""


def configure(threads=None, **environment):
    """Configure in a fresh interpreter and return the lines that it prints."""
    kept = {name: value for name, value in os.environ.items() if name not in SET_BY_US}
    done = subprocess.run(
        [sys.executable, "-c", CONFIGURE.format(threads=threads)],
        env={**kept, "AESARARC": os.devnull, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return done.stdout.splitlines()


def test_defaults():
    settings, _ = configure()
    float_type, cxx, ldflags, name, threads = settings.split("|")
    assert float_type == "float32" and cxx
    assert bool(ldflags) == (name != "none")
    assert int(threads) == choice.cores()


def test_the_users_flags_win():
    settings, _ = configure(AESARA_FLAGS="floatX=float64,blas__ldflags=-lm")
    assert settings.split("|")[0] == "float64"
    assert settings.split("|")[2:4] == ["-lm", "user"]


def test_the_users_settings_file_wins(tmp_path):
    file = tmp_path / "aesararc"
    file.write_text("[global]\nfloatX = float64\n[blas]\nldflags = -lm\n")
    settings, _ = configure(AESARARC=str(file))
    assert settings.split("|")[0] == "float64"
    assert settings.split("|")[2] == "-lm"


def test_a_child_process_sees_the_same_backend():
    inherited = c.configure()
    settings, _ = configure(AESARA_FLAGS=inherited.flags)
    assert settings.split("|")[1:4] == [inherited.cxx, inherited.blas.ldflags, inherited.blas.name]


@pytest.mark.parametrize(
    "threads, environment, expected",
    [(1, {}, "1"), (3, {"OMP_NUM_THREADS": "1"}, "3"), (None, {"OMP_NUM_THREADS": "1"}, "1")],
)
def test_threads(threads, environment, expected):
    settings, pools = configure(threads, **environment)
    assert settings.split("|")[4] == expected
    # OpenBLAS never starts more threads than there are cores, but OpenMP does.
    assert pools.split()[-1] == expected


FORK = """
import os, signal
import numpy as np
from ladder import backends
backends.configure("c", 2)
import aesara.tensor as at
from ladder.errors import UserError
from ladder.fused.optimiser import SumOfSquares
x = at.fmatrix()
function = backends.function([x], SumOfSquares()(x))
ones = np.ones((300, 300), "float32")
assert function(ones) == 90000
if os.fork() == 0:
    signal.alarm(30)
    print(float(function(ones)), backends.c.configure().threads, flush=True)
    try:
        backends.configure("c", 2)
    except UserError as error:
        print(error, flush=True)
    os._exit(0)
assert os.wait()[1] == 0
"""


def test_a_forked_process_computes_in_one_thread():
    """OpenMP would wait for threads that a fork does not copy."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    computed, refused = done.stdout.splitlines()
    assert computed == "90000.0 1" and "was forked from one with several" in refused and "'spawn'" in refused


def test_threads_must_be_positive():
    assert configure(0)[0].startswith("UserError: The number of threads is 0")


def test_missing_compiler():
    line, *rest = configure(PATH="/nowhere", CXX="")
    assert line.startswith("UserError: No C++ compiler found") and not rest
    line, *rest = configure(AESARA_FLAGS="cxx=/nowhere/g++")
    assert line.startswith("UserError: The C++ compiler /nowhere/g++ does not run") and not rest


def test_missing_headers(monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: "/nowhere")
    with pytest.raises(UserError, match=f"python3.{sys.version_info[1]}-dev"):
        check.compiler(c.configure().cxx)


def test_no_aesara(monkeypatch):
    """pip leaves it out alongside NumPy 2."""
    check.aesara()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="Aesara is not installed: run `pip install --no-deps aesara==2.9.4`"):
        check.aesara()


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 15, 0)])
def test_other_python(version, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(UserError, match=rf"Python 3.10 to 3.14, .* this is Python 3.{version[1]}: get one .*uv python"):
        check.python_version()


def test_windows(monkeypatch, capsys):
    """It lacks modules that Linux and macOS have."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "ladder.cli", None)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(Path(__file__).parents[2] / "run.py"), run_name="__main__")
    assert end.value.code == 2 and "use WSL" in capsys.readouterr().err


def test_check_runs_without_packages():
    root = Path(check.__file__).parents[2]
    done = subprocess.run([sys.executable, "-S", "-m", "ladder.backends.check"], cwd=root)
    assert done.returncode == 0


def test_configure_again_returns_the_same():
    assert c.configure() is c.configure(threads=1)


def test_mode_computes_a_shared_product_once():
    x, y, scale = at.fmatrix("x"), at.fmatrix("y"), at.fscalar("s")
    product = at.dot(x, y)
    outputs = [product * scale, product * (1 - scale), product**2]
    products = {}
    for name, mode in {"ours": c.mode(), "default": None}.items():
        function = aesara.function([x, y, scale], outputs, mode=mode)
        products[name] = sum("Dot22" in type(n.op).__name__ for n in function.maker.fgraph.toposort())
    assert products == {"ours": 1, "default": 3}


@pytest.mark.parametrize("allow_gc", [False, True])
def test_mode_keeps_or_frees_memory(allow_gc):
    mode = c.mode(allow_gc=allow_gc)
    assert mode.linker.allow_gc is allow_gc
    x = at.fvector("x")
    assert aesara.function([x], at.exp(x), mode=mode)(np.zeros(2, "float32")).tolist() == [1, 1]


def test_describe():
    description = backends.describe()
    assert description["aesara"] == "2.9.4"
    assert description["threads"] == 1
    assert description["blas"].split()[0] == c.configure().blas.name
    assert description["cpu"] and description["compiler"]
