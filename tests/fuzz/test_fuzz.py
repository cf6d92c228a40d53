"""A few trials of each kind of bad input, and a check that the fuzzer finds what it looks for.

They run in separate processes: the fuzzer forks, which is unsafe beside other tests' threads.
"""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

#: Of the seven kinds in turn.
TRIALS = 105

#: Bad actions, each with text that the report on it must contain, and a good one.
CHECKED = """
import os, pathlib, signal, sys, time
from tests.fuzz import trial
trial.SECONDS, trial.MOST_BYTES = 5, 2 * 10**8
for action, said in (
    (lambda: 1 / 0, "ZeroDivisionError"),
    (lambda: os.kill(os.getpid(), signal.SIGSEGV), "signal 11"),
    (lambda: print("a sentence\\nValueError: a name of Python's") or 2, "ValueError: a name"),
    (lambda: 77, "status 77"),
    (lambda: len(b"x" * 4 * 10**8) * 0, "GB of memory"),
    (lambda: time.sleep(100), "no answer"),
):
    found = trial.run(action, pathlib.Path(sys.argv[1]))
    assert found and said in found, (said, found)
assert trial.run(lambda: print("a sentence") or 2, pathlib.Path(sys.argv[1])) is None
"""


def python(*arguments):
    command = [sys.executable, "-W", "ignore", *map(str, arguments)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_bad_input_gets_a_sentence():
    shown = python("-m", "tests.fuzz", "--trials", TRIALS)
    assert f"{TRIALS} trials" in shown and "command 15" in shown and ": 0 violations" in shown


def test_what_is_wrong_is_found(tmp_path):
    python("-c", CHECKED, tmp_path)
