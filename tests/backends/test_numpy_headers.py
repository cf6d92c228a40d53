"""Under NumPy 2 Aesara's C code computes the same, whatever the checkout's name, and has its own compile folder."""

import os
import subprocess
import sys

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.link.c.cmodule import std_include_dirs
from aesara.sandbox import rng_mrg

from ladder.backends import c, header, numpy_headers

needs_numpy_2 = pytest.mark.skipif(not numpy_headers.NUMPY_2, reason="headers for NumPy 2")

X = np.random.RandomState(0).rand(3, 4).astype("float32")

# MRG compiles a product when its streams are made, before a compile mode has been asked for.
BEFORE_ANY_MODE = """
import sys
import warnings
from pathlib import Path
from ladder.backends import c, numpy_headers
numpy_headers.FOLDER = Path(sys.argv[1])
c.configure(1)
warnings.simplefilter("ignore")
from aesara.link.c.cmodule import GCC_compiler
from aesara.sandbox import rng_mrg
print(*rng_mrg.ff_2p134(rng_mrg.MRG_RandomStream(1).rstate))
print(*GCC_compiler.compile_args())
"""


def computed(expression, x=None, value=X):
    return aesara.function([x], expression, mode=c.mode())(value)


@pytest.mark.parametrize(
    "symbolic, numeric", [(at.argmax, np.argmax), (at.cumsum, np.cumsum), (at.cumprod, np.cumprod), (at.max, np.max)]
)
def test_all_axes(symbolic, numeric):
    x = at.fmatrix()
    np.testing.assert_allclose(computed(symbolic(x), x), numeric(X), rtol=1e-6)


def test_complex_numbers():
    z, value = at.cmatrix(), (X + 1j * X[::-1]).astype("complex64")
    np.testing.assert_allclose(computed(z * z - z / 3, z, value), value * value - value / 3, rtol=1e-5)


def test_the_folder_is_searched_with_numpy_2_alone():
    assert (str(numpy_headers.FOLDER) in std_include_dirs()) == numpy_headers.NUMPY_2
    assert bool(numpy_headers.text()) == numpy_headers.NUMPY_2


def test_modules_of_numpy_1_and_2_are_kept_apart(tmp_path):
    program = "from ladder.backends import c; c.configure(1); import aesara; print(aesara.config.compiledir)"
    folder = run(program, f"base_compiledir={tmp_path}")
    assert folder.startswith(str(tmp_path / "compiledir_")) and folder.endswith("-numpy2") == numpy_headers.NUMPY_2
    # A user's own choice wins.
    assert run(program, f"base_compiledir={tmp_path},compiledir_format=mine") == str(tmp_path / "mine")


@needs_numpy_2
def test_a_checkout_with_a_blank_in_its_path(tmp_path):
    folder = tmp_path / "my checkout, new"
    folder.symlink_to(numpy_headers.FOLDER)
    state, flags = run(BEFORE_ANY_MODE, f"base_compiledir={tmp_path / 'compiled'}", folder).splitlines()
    assert len(list(tmp_path.glob("compiled/*/tmp*/mod.cpp"))) == 1
    # A state of ones, 2**134 numbers later, by exact integers.
    halves = (rng_mrg.A1p134, 2147483647), (rng_mrg.A2p134, 2147462579)
    assert list(map(int, state.split())) == [sum(row) % m for matrix, m in halves for row in matrix.tolist()]
    # Aesara tries its flags on a program that does not include NumPy, and silently drops -march if that fails.
    assert march(flags.split()) == native()


@pytest.mark.skipif("g++" not in c.configure().cxx, reason="asks g++")
def test_modules_are_for_this_processor():
    x = at.fmatrix()
    aesara.function([x], x + 1, mode=c.mode())
    assert march(header._flags()) == native()


def march(flags):
    return [flag for flag in flags if flag.startswith("-march=")]


def native():
    """What the compiler itself expands -march=native to."""
    command = [c.configure().cxx, "-march=native", "-Q", "--help=target"]
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return [f"-march={words[words.index('-march=') + 1]}"]


def run(program, flags, *arguments):
    environment = {**os.environ, "AESARA_FLAGS": flags}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
