"""The examples in docstrings give the results that they show."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ladder"


def _name(path):
    """A module's name within the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = sorted(
    _name(path)
    for path in PACKAGE.rglob("*.py")
    if re.search(r"^ *>>> (?!.*# doctest: \+SKIP)", path.read_text(), re.M)
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(f"ladder.{name}"))
    assert found.attempted > 0 and found.failed == 0
