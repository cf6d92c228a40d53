"""Which runs count as finished."""

import json
import os

import numpy as np
import pytest
from tables.made_up import make_run

from ladder.runs import lock
from ladder.runs.folder import RunFolder
from ladder.tables.found_runs import find_runs
from ladder.tables.grouping import Group, Row, usable


def finished(folder):
    ((run,), problems) = find_runs(folder)
    assert problems == []
    return run.finished


def test_a_run_is_finished_when_everything_is_saved(tmp_path):
    folder = make_run(tmp_path / "run0", "mnist_100_full", 1)
    assert finished(tmp_path)
    (folder / "running_statistics.npz").unlink()
    # Its last epoch is logged, but it may have been killed before its parameters were saved.
    assert not finished(tmp_path)


def test_a_run_in_the_middle_is_not(tmp_path):
    make_run(tmp_path / "run0", "mnist_100_full", 1, epochs=149)
    assert not finished(tmp_path)


def test_a_run_in_training_is_not_to_be_resumed(tmp_path):
    folder = make_run(tmp_path / "run0", "mnist_100_full", 1, epochs=149)
    ((run,), _) = find_runs(tmp_path)
    with lock.held(RunFolder(folder)):
        chosen, (problem,) = usable(Group(Row("a", {}), {}, [run]))
    assert not chosen
    assert problem == f"{folder} is left out: it is being trained, and has done 149 of 150 epochs"


def test_a_run_that_an_extension_ended_early_is_not_to_be_resumed(tmp_path):
    folder = make_run(tmp_path / "run0", "mnist_100_full", 1, epochs=149)
    np.savez(folder / "running_statistics.npz", final=np.asarray(True))
    ((run,), _) = find_runs(tmp_path)
    assert run.ended_early and not run.finished
    chosen, (problem,) = usable(Group(Row("a", {}), {}, [run]))
    assert not chosen and problem == f"{folder} is left out: an extension ended it at epoch 149 of 150"


def test_the_record_of_a_run_is_as_good(tmp_path):
    folder = make_run(tmp_path / "run0", "mnist_100_full", 1, error=1.0)
    (folder / "running_statistics.npz").unlink()
    assert finished(tmp_path)
    (folder / "checkpoint-0000000001.npz").touch()
    assert not finished(tmp_path)


def test_runs_behind_links_are_found_once(tmp_path):
    """Results may be on another disk; a link back does not cause an endless loop."""
    make_run(tmp_path / "disk" / "run0", "mnist_100_full", 1, error=1.0)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "results" / "b").symlink_to(tmp_path / "disk", target_is_directory=True)
    for name, target in (("back", tmp_path / "results"), ("up", tmp_path), ("root", "/")):
        (tmp_path / "disk" / name).symlink_to(target, target_is_directory=True)
    ((run,), problems) = find_runs(tmp_path / "results")
    assert problems == [] and run.folder.path == tmp_path / "results" / "a" / "run0"
    # In the folder that really holds it, it has its own name.
    (tmp_path / "disk" / "latest").symlink_to(tmp_path / "disk" / "run0", target_is_directory=True)
    ((run,), problems) = find_runs(tmp_path / "disk")
    assert problems == [] and run.folder.path == tmp_path / "disk" / "run0"


@pytest.mark.parametrize("changed", [{"error_percent": -50.0}, {"error_percent": 1e30}, {"n": 0}])
def test_an_error_that_is_none_is_a_problem_of_its_own_run(tmp_path, changed):
    path = make_run(tmp_path / "run0", "mnist_100_full", 1, error=1.0) / "evaluation.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps({"test": {**found["test"], **changed}}))
    runs, (problem,) = find_runs(tmp_path)
    assert runs == [] and "evaluation.json is damaged ('test' has an error that is no part of the examples)" in problem


def test_a_log_that_is_no_text_is_a_problem_of_its_own_run(tmp_path):
    make_run(tmp_path / "run0", "mnist_100_full", 1, error=1.0)
    (make_run(tmp_path / "run1", "mnist_100_full", 2, error=1.0) / "log.jsonl").write_bytes(b"\xff\xfe")
    runs, problems = find_runs(tmp_path)
    assert [run.seed for run in runs] == [1]
    assert len(problems) == 1 and "run1" in problems[0]


def test_a_log_without_end_is_not_searched_to_its_beginning(tmp_path):
    log = make_run(tmp_path / "run0", "mnist_100_full", 1, error=1.0) / "log.jsonl"
    log.write_bytes(log.read_bytes() + b"x\n" * 10**6)
    _, (problem,) = find_runs(tmp_path)
    assert "no row of it can be read" in problem


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    """Root may list everything, so the test itself raises the error."""
    make_run(tmp_path / "mine" / "run0", "mnist_100_full", 1, error=1.0)
    make_run(tmp_path / "theirs" / "run0", "mnist_100_full", 2, error=1.0)
    listed = os.scandir

    def scandir(path="."):
        if os.fspath(path).endswith("theirs"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    ((run,), problems) = find_runs(tmp_path)
    assert run.seed == 1
    assert problems == [
        f"{tmp_path / 'theirs'} is left out, and what is below it: it cannot be listed (Permission denied)"
    ]
    assert find_runs(tmp_path / "none") == ([], [])
