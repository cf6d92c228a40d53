"""A function's modules are compiled in parallel: the same modules, and one that fails is compiled again, alone."""

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import aesara.tensor as at
import pytest
from aesara.graph.fg import FunctionGraph
from aesara.link.c import cmodule
from aesara.link.c.basic import CLinker

from ladder.backends import repairs
from ladder.backends.repairs import module_cache
from ladder.backends.repairs.side_by_side import FOLDERS, SideBySide


def library_of(command):
    return Path(command[command.index("-o") + 1])


class Gcc:
    """Stands in for g++: the first ``at_once`` commands wait for each other; modules of tanh meet these failures."""

    def __init__(self, at_once=1, failures=(), seconds=0.0):
        self.commands, self.failures, self.seconds = [], list(failures), seconds
        self.all_there = threading.Barrier(at_once, timeout=60)
        self.at_work, self.beside_the_last = 0, None

    def __call__(self, command):
        self.commands.append(command)
        self.beside_the_last = self.at_work
        self.at_work += 1
        try:
            if len(self.commands) <= self.all_there.parties:
                self.all_there.wait()
            return self.answer(library_of(command))
        finally:
            self.at_work -= 1

    def answer(self, library):
        if "tanh" in library.with_name("mod.cpp").read_text() and self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return b"", b"error: no", failure
        time.sleep(self.seconds)
        library.write_text(library.name)
        return b"", b"a warning", 0


@pytest.fixture
def nodes(monkeypatch):
    """The nodes of e^x, its root, and the hyperbolic tangent of e^root; e^root itself has the same module as e^x."""
    repairs.repair()
    monkeypatch.setattr(module_cache, "lacks", lambda *_: True)
    x = at.fvector("x")
    graph = FunctionGraph([x], [at.tanh(at.exp(at.sqrt(at.exp(x))))], clone=False)
    CLinker().accept(graph).compile_args()  # finds out, once, which flags this g++ takes
    first, root, _, tangent = graph.toposort()
    return first, root, tangent


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A function that lets Aesara ask for nodes' modules through ``run``; it returns (status, library) for each."""
    folders = (tmp_path / str(k) for k in itertools.count())

    def ask_for(nodes, run):
        answers = {}

        def answer(command):
            *said, status = run(command)
            answers[library_of(command)] = status
            if status:
                library_of(command).touch()  # for Aesara, which is told that all is well
            return *said, 0

        monkeypatch.setattr(cmodule, "output_subprocess_Popen", answer)
        monkeypatch.setattr(cmodule, "dlimport", lambda path: None)
        for node, folder in zip(nodes, folders):
            folder.mkdir()
            CLinker().accept(FunctionGraph(node.inputs, node.outputs)).compile_cmodule(str(folder))
        return [(status, library) for library, status in answers.items() if tmp_path in library.parents]

    return ask_for


def test_every_module_is_there_when_it_is_asked_for(nodes, asked):
    gcc = Gcc(at_once=3)
    with SideBySide(lambda: [nodes[0], *nodes], gcc, compilers=3) as modules:
        answers = asked(nodes, modules.run)
    assert [status for status, _ in answers] == [0, 0, 0]
    assert all(library.read_text() == library.name for _, library in answers)
    assert len(gcc.commands) == 3, "each module once"
    assert not library_of(gcc.commands[0]).parent.exists()


def test_it_asks_what_aesara_asks(nodes, asked):
    alone, foreseen = Gcc(), Gcc()
    asked(nodes[-1:], alone)
    with SideBySide(lambda: nodes[-1:], foreseen, compilers=2) as modules:
        asked(nodes[-1:], modules.run)
    ((one,), (other,)) = alone.commands, foreseen.commands
    k = one.index("-o")
    assert one[:k] == other[:k] and one[k + 3 :] == other[k + 3 :]
    assert library_of(one).name == library_of(other).name and FOLDERS in str(library_of(other))


@pytest.mark.parametrize(
    "failures, status", [([1], 0), ([1, 4], 4), ([BlockingIOError(11, "Resource temporarily unavailable")], 0)]
)
def test_what_fails_is_asked_for_once_more_with_nothing_beside_it(nodes, asked, failures, status):
    first, root, tangent = nodes
    gcc = Gcc(at_once=2, failures=failures, seconds=0.2)
    with SideBySide(lambda: nodes, gcc, compilers=2) as modules:
        ((found, library),) = asked([tangent], modules.run)
        assert found == status and library_of(gcc.commands[-1]) == library and gcc.beside_the_last == 0
        assert [status for status, _ in asked([first, root], modules.run)] == [0, 0]


def test_a_library_that_cannot_be_moved_is_made_where_it_belongs(nodes, asked, monkeypatch):
    monkeypatch.setattr(shutil, "move", lambda *_: open("/nowhere/at/all"))
    with SideBySide(lambda: nodes, Gcc(), compilers=2) as modules:
        ((status, library),) = asked(nodes[:1], modules.run)
    assert status == 0 and library.read_text() == library.name


def test_what_the_cache_has_is_not_compiled(nodes, asked, monkeypatch):
    monkeypatch.setattr(module_cache, "lacks", lambda *_: False)
    gcc = Gcc()
    with SideBySide(lambda: nodes, gcc, compilers=2) as modules:
        asked(nodes[:1], modules.run)
    assert len(gcc.commands) == 1


@pytest.mark.parametrize("wrong", ["no folder", "no threads", "a node"])
def test_what_cannot_be_done_side_by_side_is_done_one_by_one(nodes, asked, monkeypatch, tmp_path, wrong):
    first, root, tangent = nodes
    gcc = Gcc()
    with SideBySide(lambda: nodes, gcc, compilers=2) as modules:
        if wrong == "no folder":
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
        elif wrong == "no threads":

            def start(thread):
                raise RuntimeError("can't start new thread")

            monkeypatch.setattr(threading.Thread, "start", start)
        else:  # an error of the tangent's own, not of the node whose module is asked for first
            monkeypatch.setattr(tangent.op, "c_lib_dirs", lambda **_: 1 / 0, raising=False)
        assert [status for status, _ in asked([first, root], modules.run)] == [0, 0]
    assert len(gcc.commands) >= 2


def test_an_interrupt_leaves_nothing_and_what_a_killed_process_left_is_removed(nodes, asked, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, others = (tmp_path / "temporary" / f"{FOLDERS}{number}-x" for number in (ended.pid, os.getppid()))
    for folder in (left, others):
        folder.mkdir()
    with pytest.raises(KeyboardInterrupt), SideBySide(lambda: nodes, Gcc(), compilers=1) as modules:
        asked(nodes[:1], modules.run)
        raise KeyboardInterrupt
    assert list((tmp_path / "temporary").iterdir()) == [others]


#: A compiler that logs the modules it is asked for, except Aesara's own: where each is, and when it begins and ends.
NOTING = """#!/bin/bash
for word; do
    if [[ $word == */mod.cpp && $word != *_ext/mod.cpp ]]; then
        echo "begin $word" >>{log}
        trap 'echo "end $word" >>{log}' EXIT
        break
    fi
done
{gcc} "$@"
"""

FUNCTION = """
from ladder.backends import c
c.configure(threads=2)
import aesara, aesara.tensor as at
x = at.fmatrix()
f = aesara.function([x], [at.tanh(at.exp(x)).sum(axis=0), x[1:], at.dot(x, x)])
print(*(out.sum() for out in f([[0, 1], [1, 0]])))
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_a_function_from_an_empty_cache_and_again(tmp_path):
    log, compiler = tmp_path / "log", tmp_path / "g++"
    compiler.write_text(NOTING.format(log=log, gcc=shutil.which("g++")))
    compiler.chmod(0o755)
    environment = {**os.environ, "AESARA_FLAGS": f"base_compiledir={tmp_path / 'compiled'},cxx={compiler}"}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", FUNCTION], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        numbers = [float(number) for number in done.stdout.split()]
        assert numbers == pytest.approx([2 * (0.7615942 + 0.9913289), 1, 2], rel=1e-5)
        noted = [line.split() for line in log.read_text().splitlines()]
        began = [Path(source) for what, source in noted if what == "begin"]
        assert len(began) == len(list(tmp_path.glob("compiled/*/tmp*/*.so"))) > 2, "each module once"
        assert all(source.parent.parent.name.startswith(FOLDERS) for source in began)
    at_work = list(itertools.accumulate(1 if what == "begin" else -1 for what, _ in noted))
    assert max(at_work) == 2
