"""A few trials of each kind of bad input, and that the fuzzer finds what it looks for."""

import os
import signal
import time

import numpy as np
import pytest

from tests.fuzz import trial
from tests.fuzz.__main__ import fuzz
from tests.fuzz.kinds import KINDS

TRIALS = {"npz": 20, "hdf5": 12, "json": 25, "checkpoint": 20, "pickle": 25, "archive": 15, "command": 25}


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_gets_a_sentence(kind):
    counts, wrong = fuzz(seed=1, trials=TRIALS[kind], seconds=60, only=[kind])
    assert not wrong, "\n".join(wrong)
    assert counts[kind] > 0


@pytest.mark.parametrize(
    "action, said",
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "signal 11"),
        (lambda: 77, "status 77"),
        (lambda: np.ones(2**26).sum() * 0, "GB of memory"),
        (lambda: time.sleep(100), "no answer"),
    ],
)
def test_what_is_wrong_is_found(action, said, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 1.5)
    monkeypatch.setattr(trial, "MOST_BYTES", 5 * 10**8)
    assert said in trial.run(action, tmp_path)


def test_what_is_well_is_not(tmp_path):
    assert trial.run(lambda: print("a sentence") or 2, tmp_path) is None
