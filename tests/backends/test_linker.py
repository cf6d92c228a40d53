"""gold where it is there, and whatever g++ takes by default where it is not."""

import shutil
import subprocess

import pytest

from ladder.backends import linker

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="only for g++")


@pytest.fixture
def tried(monkeypatch):
    """The commands that were run."""
    commands, run = [], subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: commands.append(command) or run(command, **options)
    )
    return commands


def test_what_was_found_is_kept(tmp_path, tried):
    found = linker.flags("g++", tmp_path)
    by_hand = subprocess.run(["g++", linker.GOLD, "-Wl,--version"], capture_output=True, text=True)
    assert found == ([linker.GOLD] if "GNU gold" in by_hand.stdout else [])
    tried.clear()
    assert linker.flags("g++", tmp_path) == found and tried == []


def test_a_compiler_without_gold_goes_on_without(tmp_path, tried):
    compiler = tmp_path / "g++"
    compiler.write_text("#!/bin/sh\necho cannot find ld >&2\nexit 1\n")
    compiler.chmod(0o755)
    assert linker.flags(str(compiler), tmp_path) == [] and len(tried) == 1
    assert linker.flags(str(compiler), tmp_path) == [] and len(tried) == 1


def test_a_library_that_does_not_work_is_no_library(tmp_path):
    compiler = tmp_path / "g++"
    compiler.write_text('#!/bin/sh\nfor last; do :; done\necho rubbish >"$last"\n')
    compiler.chmod(0o755)
    assert linker.flags(str(compiler), tmp_path) == []


def test_a_folder_that_cannot_be_written_goes_on_without(tmp_path):
    assert linker.flags("g++", tmp_path / "missing") == []
