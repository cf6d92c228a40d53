"""The BLAS that is found is the one that compiled code calls."""

import os
import subprocess
import sys
from pathlib import Path

import aesara
import aesara.tensor as at
import numpy as np
import pytest
import scipy

from ladder.backends import blas, c

PRODUCT = """
import sys
from ladder.backends import blas, c
blas.find = lambda cxx: blas.{finder}()
c.configure(threads=1)
import aesara, numpy
x, y = aesara.tensor.fmatrices("xy")
multiply = aesara.function([x, y], aesara.tensor.dot(x, y), mode=c.mode())
a = numpy.arange(6, dtype="float32").reshape(2, 3)
assert (multiply(a, a.T) == a @ a.T).all()
node = multiply.maker.fgraph.outputs[0].owner
assert type(node.op).__name__ == "Dot22", node
modules = [m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)]
print(*(f for f in modules if f.startswith(aesara.config.compiledir)), sep="\\n")
"""


@pytest.mark.parametrize("is_intel, best, other", [(True, "mkl", "scipy_openblas"), (False, "scipy_openblas", "mkl")])
def test_find_prefers_what_suits_the_processor_and_falls_back(monkeypatch, is_intel, best, other):
    there = {name: blas.Blas(name) for name in (best, other)}
    monkeypatch.setattr(blas, "_is_intel", lambda: is_intel)
    monkeypatch.setattr(blas, "system", lambda cxx: None)
    for name in there:
        monkeypatch.setattr(blas, name, lambda name=name: there.get(name))
    assert blas.find("g++") == blas.Blas(best)
    del there[best]
    assert blas.find("g++") == blas.Blas(other)
    del there[other]
    assert blas.find("g++") == blas.Blas("none")
    monkeypatch.undo()
    monkeypatch.setattr(blas, "mkl", lambda: None)
    monkeypatch.setattr(blas, "scipy_openblas", lambda: None)
    assert blas.find("") == blas.Blas("none")  # without a compiler


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="wheels' BLAS is found on Linux")
def test_scipy_openblas_has_the_names_that_its_flags_lead_to():
    library = blas.scipy_openblas()
    assert library is not None and library.version.startswith("0.")
    renamed = dict(flag[2:].split("=") for flag in library.ldflags.split() if flag.startswith("-D"))
    assert bool(renamed) == (np.lib.NumpyVersion(scipy.__version__) >= "1.13.0")
    names = subprocess.run(["nm", "-D", "--defined-only", library.library_path], capture_output=True, text=True).stdout
    assert {renamed.get(name, name) for name in blas.FUNCTIONS} <= set(names.split())
    assert not blas._exports(Path(library.library_path), b"no_such_symbol_")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_operation_reaches_the_library(dtype):
    """All kinds of products of matrices and vectors: if a name is missing, loading its module fails."""
    x, y = at.matrix(dtype=dtype), at.matrix(dtype=dtype)
    products = [
        at.dot(x, y),
        at.dot(x, y[:, 0]),
        at.dot(x[0], y[:, 0]),
        x.T + 2 * at.outer(x[0], x[:, 0]),
        at.dot(x, y) + x[:, :3],
    ]
    function = aesara.function([x, y], products, mode=c.mode())
    called = {type(node.op).__name__ for node in function.maker.fgraph.toposort()}
    assert {"CGemv", "CGer"} <= called and called & {"Dot22", "Gemm"}
    a, b = (np.random.RandomState(i).randn(*shape).astype(dtype) for i, shape in enumerate([(3, 4), (4, 3)]))
    expected = [a @ b, a @ b[:, 0], a[0] @ b[:, 0], a.T + 2 * np.outer(a[0], a[:, 0]), a @ b + a[:, :3]]
    for one, other in zip(function(a, b), expected):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads links with ldd")
@pytest.mark.parametrize("finder", ["mkl", "scipy_openblas"])
def test_compiled_product_is_linked_with_the_library(finder):
    library = getattr(blas, finder)()
    if library is None:
        pytest.skip(f"no {finder} in this environment")
    modules = run(PRODUCT.format(finder=finder)).split()
    linked = "".join(run_ldd(module) for module in modules)
    assert f"{Path(library.library_path).name} => /" in linked


def test_named_recognises_our_flags():
    assert blas.named(c.configure().blas.ldflags).name == c.configure().blas.name
    assert blas.named("-lown") == blas.Blas("user", ldflags="-lown")
    assert blas.named("") == blas.Blas("none")


def test_blanks_and_commas_in_the_path_are_avoided(tmp_path, monkeypatch):
    monkeypatch.setenv("AESARA_FLAGS", f"base_compiledir={tmp_path}/compiled")
    directory = tmp_path / "a b,c"
    directory.mkdir()
    (directory / "libx.so.1").touch()
    for _ in range(2):
        flags = blas.link_flags(directory / "libx.so.1")
    words = flags.split()
    assert words[1:] == ["-l:libx.so.1"]
    run_path = Path(words[0].split(",")[3])
    assert (run_path / "libx.so.1").exists() and run_path.parent == tmp_path / "compiled"
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("AESARA_FLAGS", f"base_compiledir={directory}")
    assert f"{tmp_path}/.aesara/ladder-blas-" in blas.link_flags(directory / "libx.so.1")


def run(program):
    """Return the output of a fresh interpreter that inherits no settings of Aesara."""
    environment = {name: value for name, value in os.environ.items() if name != "AESARA_FLAGS"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_ldd(module):
    return subprocess.run(["ldd", module], capture_output=True, text=True).stdout
