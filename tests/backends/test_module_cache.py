"""Aesara's module cache reads only the keys of modules that it is asked for, and still finds the same modules."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import aesara.tensor as at
import filelock
import pytest
from aesara.compile import compilelock
from aesara.graph.fg import FunctionGraph
from aesara.link.c import cmodule
from aesara.link.c.basic import CLinker

from ladder.backends import compile_lock, repairs


def linker(function=at.exp):
    """The linker of a function of a vector that no other test compiles, and its key."""
    x = at.fvector("x")
    made = CLinker().accept(FunctionGraph([x], [function(x) * 3.0 + 0.125], clone=False))
    return made.cmodule_key(), made


@pytest.fixture
def folder(tmp_path):
    """A cache with one module, that of ``linker``, and another whose key nobody can read."""
    repairs.repair()
    cache = cmodule.ModuleCache(str(tmp_path))
    cache.module_from_key(*linker())
    assert cache.stats[2] == 1
    (made,) = tmp_path.glob("tmp*")
    other = tmp_path / "tmpother"
    shutil.copytree(made, other)
    (module,) = other.glob("m*.so")
    module.rename(module.with_name("mother.so"))
    (other / "key.pkl").write_bytes(b"no pickle")
    return made


def module_file(cache, key, made):
    return Path(cache.module_from_key(key, made).__file__)


def test_finds_what_is_there_and_reads_no_more(folder):
    cache = cmodule.ModuleCache(str(folder.parent))
    assert not cache.entry_from_key
    key, made = linker()
    assert module_file(cache, key, made).parent == folder
    assert cache.stats[2] == 0
    assert list(cache.entry_from_key) == [key]
    # The second time the key is enough.
    made.get_src_code = None
    assert module_file(cache, key, made).parent == folder


def test_others_may_compile_while_it_compiles(tmp_path, monkeypatch):
    repairs.repair()
    # A separate lock, as tests that run in parallel with this one may hold that of the compile folder.
    monkeypatch.setattr(compilelock, "config", SimpleNamespace(compiledir=str(tmp_path), compile__timeout=1))
    key, made = linker()
    theirs, free = made.c_compiler(), []

    class Compiler(theirs):
        @staticmethod
        def compile_str(**arguments):
            with filelock.FileLock(tmp_path / compile_lock.NAME, timeout=0):
                free.append(True)
            return theirs.compile_str(**arguments)

    made.c_compiler = lambda: Compiler
    cache = cmodule.ModuleCache(str(tmp_path))
    assert module_file(cache, key, made).exists() and free == [True]
    with pytest.raises(ZeroDivisionError):  # a failure leaves nothing behind
        key, made = linker(at.sqrt)
        made.compile_cmodule = lambda location: 1 / 0
        cache.module_from_key(key, made)
    assert len(list(tmp_path.glob("tmp*"))) == 1


@pytest.mark.parametrize("left", [b"", None])
def test_compiles_again_what_is_damaged(folder, left):
    """A truncated key, as when another process is writing it or was killed, or none at all."""
    (folder / "key.pkl").unlink()
    if left is not None:
        (folder / "key.pkl").write_bytes(left)
    cache = cmodule.ModuleCache(str(folder.parent))
    key, made = linker()

    def compile_cmodule(location):
        shutil.copy(next(folder.glob("m*.so")), location)
        return cmodule.dlimport(str(next(Path(location).glob("m*.so"))))

    made.compile_cmodule = compile_cmodule
    assert module_file(cache, key, made).parent != folder
    assert cache.stats[2] == 1
    assert module_file(cmodule.ModuleCache(str(folder.parent)), *linker()).parent != folder
