"""How a task of a sweep reports a failure, with training that only fails."""

import os
import subprocess
from dataclasses import asdict

import pytest

from ladder.errors import TrainingStopped, UserError
from ladder.runs.lock import Held
from ladder.sweeps import local, task
from ladder.sweeps.task import environment
from ladder.training.records import Records

TASK = {"folder": "run0", "until": None, "minutes": 5, "backend": {}, "records": asdict(Records())}


def answer_to(error, monkeypatch):
    """The answer if training raises an error."""

    def resume(*args):
        raise error

    monkeypatch.setattr(task, "resume", resume)
    return task.go_on(TASK, lambda answer: None)


def test_a_run_that_another_process_trains_is_held(monkeypatch):
    assert answer_to(Held("another process is training"), monkeypatch) == {"state": "held"}


@pytest.mark.parametrize(
    "error, state, said",
    [
        (TrainingStopped("the cost is not finite"), "diverged", "the cost is not finite"),
        (UserError("there is no compiler."), "failed", "there is no compiler."),
        (OSError(28, "No space left on device"), "failed", "[Errno 28] No space left on device"),
        (MemoryError(), "failed", "there was not enough memory: take fewer --workers."),
    ],
)
def test_a_failure_that_is_known_is_said_in_a_sentence(error, state, said, monkeypatch):
    assert answer_to(error, monkeypatch) == {"state": state, "error": said}


def test_an_error_that_nobody_expected_ends_the_run_alone_and_shows_where_it_was(monkeypatch):
    monkeypatch.setattr(task, "MOST_LINES", 4)
    answer = answer_to(ZeroDivisionError("division by zero"), monkeypatch)
    assert (answer["state"], answer["error"]) == ("failed", "ZeroDivisionError: division by zero")
    lines = answer["traceback"].splitlines()
    assert len(lines) == 4 and "raise error" in answer["traceback"] and lines[-1] == answer["error"]


def test_a_worker_imports_nothing_from_the_folder_that_it_is_started_in(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "", prepend=os.pathsep)  # an empty entry stands for that folder
    for name in ("json", "queue", "ladder"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} of the folder')")
    done = subprocess.run(local.COMMAND, cwd=tmp_path, env=environment(), input="", capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
