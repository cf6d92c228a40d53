"""The examples in the docstrings of public names give what they say."""

import doctest
import importlib

import pytest

MODULES = ["options", "api", "classifier", "training.evaluation", "training.optimisers", "training.extensions"]
MODULES += ["training.extensions.tensorboard", "live.table", "rival_methods", "rival_results"]
MODULES += [f"report.{name}" for name in ("command", "network", "overview")]
MODULES += [f"report.figures.{name}" for name in ("catalogue", "denoising", "descent", "svg")]
MODULES += [f"sweeps.{name}" for name in ("distributions", "halving", "sweep")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(f"ladder.{name}"))
    assert found.attempted > 0 and found.failed == 0
