"""gold where it is installed, and g++'s default linker where it is not."""

import os
import shutil
import subprocess

import pytest

from ladder.backends import linker

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="only for g++")


#: A compiler that uses g++'s default linker: its arguments are -shared, -fPIC, gold, the source, -o and the library.
LINKS = 'exec g++ -shared -fPIC "$4" -o "$6"'


@pytest.fixture
def linked(monkeypatch):
    """The commands that were run to make a library."""
    commands, run = [], subprocess.run

    def running(command, **options):
        if "-shared" in command:
            commands.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", running)
    return commands


@pytest.fixture
def compiler(tmp_path):
    """A function that makes a compiler with its own gold, given the shell commands that are to make a library."""
    gold, path = tmp_path / "ld.gold", tmp_path / "g++"

    def make(body):
        gold.write_text("#!/bin/sh\n")
        path.write_text(f'#!/bin/sh\nif [ "$1" = -print-prog-name=ld.gold ]; then echo {gold}; exit; fi\n{body}\n')
        for each in (gold, path):
            each.chmod(0o755)
        return str(path)

    return make


def test_what_was_found_is_kept(tmp_path, linked):
    found = linker.flags("g++", tmp_path)
    by_hand = subprocess.run(["g++", linker.GOLD, "-Wl,--version"], capture_output=True, text=True)
    assert found == ([linker.GOLD] if "GNU gold" in by_hand.stdout else [])
    linked.clear()
    assert linker.flags("g++", tmp_path) == found and linked == []


def test_another_gold_is_tried_anew(tmp_path, compiler, linked):
    broken = compiler("exit 1")
    assert linker.flags(broken, tmp_path) == linker.flags(broken, tmp_path) == [] and len(linked) == 1
    working = compiler(LINKS)
    os.utime(tmp_path / "ld.gold", (1, 1))
    assert linker.flags(working, tmp_path) == [linker.GOLD] and len(linked) == 2


def test_one_that_is_gone_is_not_called(tmp_path, compiler, linked):
    working = compiler(LINKS)
    assert linker.flags(working, tmp_path) == [linker.GOLD]
    (tmp_path / "ld.gold").unlink()
    assert linker.flags(working, tmp_path) == []


def test_a_library_that_does_not_work_is_no_library(tmp_path, compiler):
    assert linker.flags(compiler('for last; do :; done\necho rubbish >"$last"'), tmp_path) == []


def test_a_folder_that_cannot_be_written_goes_on_without(tmp_path, compiler):
    assert linker.flags(compiler(LINKS), tmp_path / "missing") == []
