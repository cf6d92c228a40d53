"""Aesara's cache of compiled modules: read only as far as needed, and not locked while g++ works.

Before its first function, Aesara reads the keys of every module ever compiled: 2.4 s at start-up for 1,250 modules.  It
is meant to delete modules unused for a month, but compares two different clocks, so none is ever deleted and the wait
grows for as long as the program is used.  A module's file is named after its code, and generating that code takes
0.8 ms: here only the keys of modules with the same code are read.

Aesara also lets only one process compile at a time.  Each module has its own folder, so only adding its key needs the
lock; if two processes compile the same module at once, the first folder is used from then on.
"""

import os
import pickle
import shutil
from collections import defaultdict
from contextlib import nullcontext
from functools import wraps


def repair(cmodule):
    """Let ``ModuleCache`` read only what it is asked for, and compile without the lock."""
    cache = cmodule.ModuleCache
    if hasattr(cache.module_from_key, "__wrapped__"):
        return

    @wraps(cache.module_from_key)
    def module_from_key(self, key, lnk):
        module = self._get_from_key(key)
        if module is not None:
            return module
        module_hash = cmodule.get_module_hash(lnk.get_src_code(), key)
        self.wanted = lnk.get_dynamic_module().code_hash
        self.refresh()
        module = self._get_from_key(key)
        if module is None:
            module = self._get_from_hash(module_hash, key)
        return _compiled(self, key, lnk, module_hash, cmodule) if module is None else module

    def refresh(self, age_thresh_use=None, delete_if_problem=False, cleanup=True):
        """Read the keys of the wanted modules; return the modules too old to be used, of which there never were any."""
        for folder, name in _new_folders(self):
            self.folders_by_code[name].append(folder)
        _read_keys_of(self, getattr(self, "wanted", None), cmodule)
        return []

    cache.module_from_key, cache.refresh = module_from_key, refresh


def compile_unlocked(basic):
    """Let ``CLinker`` compile without the lock, too; it needs the lock for nothing else."""
    basic.lock_ctx = nullcontext


def lacks(cache, module_hash, code_hash):
    """Whether a module has to be compiled, going by the folders that existed when the cache was last asked for one."""
    from aesara.link.c import cmodule

    _read_keys_of(cache, code_hash, cmodule)
    return module_hash not in cache.module_hash_to_key_data


def _compiled(cache, key, lnk, module_hash, cmodule):
    location = cmodule.dlimport_workdir(cache.dirname)
    try:
        module = lnk.compile_cmodule(location)
    except BaseException:
        shutil.rmtree(location, ignore_errors=True)
        raise
    cache.module_from_name[module.__file__] = module
    with cmodule.lock_ctx():
        cache.module_hash_to_key_data[module_hash] = cache._add_to_cache(module, key, module_hash)
    cache.stats[2] += 1
    return module


def _new_folders(cache):
    """Iterate over (folder, name of its module) for folders that are new or were incomplete before."""
    if not hasattr(cache, "folders_by_code"):
        cache.folders_by_code, cache.seen = defaultdict(list), set()
    try:
        names = sorted(os.listdir(cache.dirname))
    except OSError:  # there is no cache yet
        return
    for folder in names:
        path = os.path.join(cache.dirname, folder)
        if folder in cache.seen or not os.path.isdir(path):
            continue
        try:
            files = os.listdir(path)
        except OSError:  # another process has just removed it
            continue
        modules = [os.path.splitext(file)[0] for file in files if file.endswith((".so", ".pyd"))]
        if "key.pkl" in files and "delete.me" not in files and len(modules) == 1:
            cache.seen.add(folder)
            yield path, modules[0]


def _read_keys_of(cache, code_hash, cmodule):
    """Read the keys of the modules with this code into the cache."""
    for folder in cache.folders_by_code.pop(code_hash, ()):
        _read_keys(cache, folder, cmodule)


def _read_keys(cache, folder, cmodule):
    """Read the keys of the module in a folder into the cache."""
    try:
        path, key_pkl = cmodule.module_name_from_dir(folder), os.path.join(folder, "key.pkl")
        with open(key_pkl, "rb") as file:
            # Unpickled as in Aesara: the compiled code beside it is run anyway.
            data = pickle.load(file)
    except Exception:
        # Deleted, truncated, or being written by another process: it is compiled again.
        return
    if not isinstance(data, cmodule.KeyData) or data.module_hash in cache.module_hash_to_key_data:
        return
    data.entry, data.key_pkl = path, key_pkl  # the whole cache may have been moved
    cache.module_hash_to_key_data[data.module_hash] = data
    cache.loaded_key_pkl.add(key_pkl)
    for key in data.keys:
        if key[0] and key not in cache.entry_from_key:
            cache.entry_from_key[key] = path
            cache.similar_keys.setdefault(cmodule.get_safe_part(key), []).append(key)
