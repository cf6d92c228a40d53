"""The scripts in ``examples/`` run, and do what they say."""

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name, *arguments):
    sys.argv = [name, *arguments]
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)


def test_few_labels(capsys):
    run("few_labels.py", "5")
    errors = re.findall(r"([\d.]+) % wrong of 397", capsys.readouterr().out)
    assert len(errors) == 2 and all(float(error) < 50 for error in errors)


def test_original_command(capsys, tmp_path):
    run("original_command.py", "2", "mine")
    said = capsys.readouterr().out
    assert "epoch 1: train_denois0" in said and "saved in results/mine0" in said
    assert (tmp_path / "results" / "mine0" / "trained_params.npz").is_file()


def test_own_extension(capsys):
    run("own_extension.py", "3")
    assert "after epoch 3: best cost" in capsys.readouterr().out


def test_examples_are_short():
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 40, path
