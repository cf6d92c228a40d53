"""The precompiled header: made once, actually used by g++, and never in a user's way."""

import hashlib
import os
import shutil
import subprocess
import sys

import numpy
import pytest

from ladder.backends import header, linker, numpy_headers, vectorise

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="only for g++")

COMPILE = """
from ladder.backends import c, header
c.configure(1)
mode = c.mode()
import aesara, aesara.tensor as at
x = at.fmatrix()
f = aesara.function([x], at.tanh(x) + 1, mode=mode)
assert abs(f([[0.5]])[0, 0] - 1.46211716) < 1e-6
from ladder.backends import vectorise
from ladder.fused.philox import PhiloxNormal
state = at.lvector()
aesara.function([state], PhiloxNormal()(state, 2)[1], mode=mode)
print(*vectorise.compile_args())
print(aesara.config.cxx, *header._flags())
"""


def compile_in(folder, flags=""):
    """Compile two functions in a new process; return the flags of fused modules, and the command for the others."""
    environment = {**os.environ, "AESARA_FLAGS": f"base_compiledir={folder}{flags}"}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def test_header_is_read_in_its_compiled_form(tmp_path):
    more, command = compile_in(tmp_path)
    assert "-include" in command and len(list(tmp_path.glob("headers-*/*.gch/*"))) == 2
    for text, flags in (("tanh", []), ("philox", more)):
        (module,) = [path for path in tmp_path.glob("compiledir*/tmp*/mod.cpp") if text in path.read_text()]
        done = subprocess.run(
            [*command, *flags, "-fsyntax-only", "-H", str(module)], capture_output=True, text=True, check=True
        )
        # gold leaves its name in the libraries that it links.
        (library,) = module.parent.glob("*.so")
        assert (b".note.gnu.gold-version" in library.read_bytes()) == (linker.GOLD in command)
        # g++ -H marks a precompiled header that it used with '!', and one that did not fit with 'x'.
        marks = [line.split()[0] for line in done.stderr.splitlines() if ".gch" in line]
        assert marks.count("!") == 1, text
    # A second process finds them and compiles neither again.
    headers = list(tmp_path.glob("headers-*/*.gch/*"))
    made = [header.stat().st_mtime_ns for header in headers]
    compile_in(tmp_path)
    assert [header.stat().st_mtime_ns for header in headers] == made


def test_the_key_holds_what_is_in_our_own_headers(monkeypatch):
    """Without any, with NumPy 1, it is the key from before they existed."""
    keys = {}
    for text in ("", "one", "other"):
        monkeypatch.setattr(numpy_headers, "text", lambda: text)
        keys[text] = header._key("g++", ["-g"])
    assert len(set(keys.values())) == 3
    version = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout
    parts = (version, numpy.__version__, "-g", *vectorise.VECTORISE, *header.HEADERS)
    assert keys[""] == hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def test_a_users_own_compiler_flags_are_left_alone(tmp_path):
    _, command = compile_in(tmp_path, ",gcc__cxxflags=-DMINE")
    assert "-DMINE" in command and "-include" not in command
    assert not list(tmp_path.glob("headers-*"))


def test_a_folder_with_a_space_does_without(tmp_path):
    folder = tmp_path / "with space"
    assert "-include" not in compile_in(folder)[1]
