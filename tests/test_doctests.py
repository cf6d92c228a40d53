"""The examples in the docstrings of public names give what they say."""

import doctest
import importlib

import pytest

MODULES = [
    "options",
    "api",
    "classifier",
    "training.evaluation",
    "training.optimisers",
    "training.extensions",
    "training.extensions.tensorboard",
    "live.table",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(f"ladder.{name}"))
    assert found.attempted > 0 and found.failed == 0
