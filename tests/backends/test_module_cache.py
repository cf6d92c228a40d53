"""Aesara's cache of modules reads the keys of what it is asked for, and finds what it found before."""

import shutil
from pathlib import Path

import aesara.tensor as at
import pytest
from aesara.graph.fg import FunctionGraph
from aesara.link.c import cmodule
from aesara.link.c.basic import CLinker

from ladder.backends import repairs


def linker(scale):
    """The linker of a function that no other test compiles, and its key."""
    x = at.fvector("x")
    made = CLinker().accept(FunctionGraph([x], [x * scale + 0.125], clone=False))
    return made.cmodule_key(), made


@pytest.fixture
def folder(tmp_path):
    """A cache with one module, that of ``linker(3)``, and another whose key nobody can read."""
    repairs.repair()
    cache = cmodule.ModuleCache(str(tmp_path))
    cache.module_from_key(*linker(3.0))
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
    key, made = linker(3.0)
    assert module_file(cache, key, made).parent == folder
    assert cache.stats[2] == 0
    assert list(cache.entry_from_key) == [key]
    # The second time the key is enough.
    made.get_src_code = None
    assert module_file(cache, key, made).parent == folder


def test_finds_what_another_process_compiled_while_it_waited_for_the_lock(folder, tmp_path_factory):
    away = folder.rename(tmp_path_factory.mktemp("away") / folder.name)
    cache = cmodule.ModuleCache(str(folder.parent))
    key, made = linker(3.0)
    code, times = made.get_src_code, []

    def compiled_meanwhile():
        times.append(1)
        if len(times) == 2:  # the last thing before the lock is asked for
            away.rename(folder)
        return code()

    made.get_src_code = compiled_meanwhile
    assert module_file(cache, key, made).parent == folder
    assert cache.stats[2] == 0


@pytest.mark.parametrize("left", [b"", None])
def test_compiles_again_what_is_damaged(folder, left):
    """A key cut short, as another process is writing it or was killed, or none."""
    (folder / "key.pkl").unlink()
    if left is not None:
        (folder / "key.pkl").write_bytes(left)
    cache = cmodule.ModuleCache(str(folder.parent))
    key, made = linker(3.0)

    def compile_cmodule(location):
        shutil.copy(next(folder.glob("m*.so")), location)
        return cmodule.dlimport(str(next(Path(location).glob("m*.so"))))

    made.compile_cmodule = compile_cmodule
    assert module_file(cache, key, made).parent != folder
    assert cache.stats[2] == 1
    assert module_file(cmodule.ModuleCache(str(folder.parent)), *linker(3.0)).parent != folder
