"""Change a module as soon as it has been imported.

Aesara compiles C and creates constants during its own import.  Changes that
have to precede this can neither wait until ``import aesara`` is done nor be
made before it.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Callable


def when_imported(name: str, change: Callable[[ModuleType], None]) -> None:
    """Call ``change`` with the module of this name: now if it is already imported, else right after its import."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Finder(name, change))


class _Finder(MetaPathFinder):
    """Finds one module as Python does, and hooks into its import once."""

    def __init__(self, name: str, change: Callable[[ModuleType], None]):
        self._name, self._change = name, change

    def find_spec(self, name, path, target=None) -> ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_change(module):
                execute(module)
                self._change(module)

            spec.loader.exec_module = execute_and_change
        return spec
