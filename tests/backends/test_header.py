"""The precompiled header: made once, really read by g++, and never in a user's way."""

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="only for g++")

COMPILE = """
from ladder.backends import c, header
c.configure(1)
mode = c.mode()
import aesara, aesara.tensor as at
x = at.fmatrix()
f = aesara.function([x], at.tanh(x) + 1, mode=mode)
assert abs(f([[0.5]])[0, 0] - 1.46211716) < 1e-6
print(aesara.config.cxx, *header._flags())
"""


def compile_in(folder, flags=""):
    """Compile one function in a process of its own; returns the flags of its modules."""
    environment = {**os.environ, "AESARA_FLAGS": f"base_compiledir={folder}{flags}"}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_header_is_read_in_its_compiled_form(tmp_path):
    command = compile_in(tmp_path)
    assert "-include" in command and len(list(tmp_path.glob("headers-*/*.gch"))) == 1
    (module,) = [path for path in tmp_path.glob("compiledir*/tmp*/mod.cpp") if "tanh" in path.read_text()]
    done = subprocess.run(
        [*command, "-fsyntax-only", "-H", str(module)], capture_output=True, text=True, check=True
    )
    # g++ -H marks a precompiled header that it used with '!', one that did not fit with 'x'.
    marks = [line.split()[0] for line in done.stderr.splitlines() if ".gch" in line]
    assert marks == ["!"]
    # a second process finds it there
    (header,) = tmp_path.glob("headers-*/*.gch")
    made = header.stat().st_mtime_ns
    compile_in(tmp_path)
    assert header.stat().st_mtime_ns == made


def test_a_users_own_compiler_flags_are_left_alone(tmp_path):
    command = compile_in(tmp_path, ",gcc__cxxflags=-DMINE")
    assert "-DMINE" in command and "-include" not in command
    assert not list(tmp_path.glob("headers-*"))


def test_a_folder_with_a_space_does_without(tmp_path):
    folder = tmp_path / "with space"
    assert "-include" not in compile_in(folder)
