"""A change is made right after its module is imported, once, and not to other modules."""

import importlib
import sys

import pytest

from ladder.backends.when_imported import when_imported


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that has not been imported; its attribute ``value`` is 1."""
    (tmp_path / "module_to_change.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "module_to_change"
    sys.modules.pop("module_to_change", None)


def double(module):
    module.value *= 2


def test_changed_before_anybody_sees_it(module):
    when_imported(module, double)
    assert importlib.import_module(module).value == 2
    del sys.modules[module]
    assert importlib.import_module(module).value == 1


def test_changed_at_once_where_it_is_there(module):
    imported = importlib.import_module(module)
    when_imported(module, double)
    assert imported.value == 2


def test_a_module_that_does_not_exist_is_still_missing():
    when_imported("no_such_module", double)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        importlib.import_module("no_such_module")
    assert importlib.import_module("json").loads("1") == 1
