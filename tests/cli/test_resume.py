"""A killed run that is resumed ends bit for bit where an uninterrupted one does.

Real processes are killed at random moments.  ``LADDER_KILLS=20`` asks for that
many kills of each network instead of a few.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ladder.cli import main
from ladder.training import checkpoints, lock
from ladder.training.main_loop import MainLoop

RUN = Path(__file__).resolve().parents[2] / "run.py"
EPOCHS = 20
# 1137 examples leave a last batch of 37; 202 that validate one of 2.
NETWORK = (
    "--dataset digits --encoder-layers 30-10 --decoder-spec gauss --denoising-cost-x 10,1,0.1 --labeled-samples 250 "
    f"--unlabeled-samples 1137 --valid-set-size 202 --num-epochs {EPOCHS} --threads 1"
)
SMALL = "--dataset digits --encoder-layers 10 --denoising-cost-x 0,0 --decoder-spec 0 --labeled-samples 100 --threads 1"
KILLS = int(os.environ.get("LADDER_KILLS", 4))

#: What a process prints before the time to its kill begins, and how many seconds that is at most.
MOMENTS = {"start": ("", 3), "training": ("Compiled", 2), "end": (f"e {EPOCHS},", 0.5)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of its own, the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)
    return tmp_path


def result(run):
    """What a run left, but for the wall clock: name -> arrays or text."""
    arrays = {}
    for name in ("trained_params.npz", "running_statistics.npz"):
        with np.load(run / name) as archive:
            arrays.update({f"{name}: {key}": archive[key] for key in archive.files})
    return {**arrays, "log.jsonl": (run / "log.jsonl").read_text(), "params.json": (run / "params.json").read_text()}


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


def start(*options):
    command = [sys.executable, str(RUN), "train", *map(str, options)]
    # -u: lines that tell how far it is are read as they are printed.
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill_at(process, moment, rng):
    """Kill a process some time after a line; whether it was alive."""
    line, seconds = MOMENTS[moment]
    if line:
        for printed in process.stdout:
            if printed.startswith(line):
                break
    time.sleep(rng.uniform(0, seconds))
    process.kill()
    process.stdout.read()
    return process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("noise", ["mrg", "philox"])
def test_killed_at_random_moments(noise, folder):
    """The first process may be killed before there is any folder to go on in; then it starts again."""
    options = [*NETWORK.split(), "--noise", noise]
    assert start(*options, "--", "whole").wait() == 0
    expected, rng = result(folder / "results" / "whole0"), random.Random(7)
    kills, chains = [], 0
    while len(kills) < KILLS:
        run = folder / "results" / f"killed{chains}0"
        for moment in rng.sample(["start", "training", "training", "end"], 4):
            begun = (run / "params.json").exists()
            how = ["--resume", run] if begun else [*options, "--", f"killed{chains}"]
            # A checkpoint after every update: many kills hit one that is being written.
            killed = kill_at(start("--checkpoint-minutes", 1e-6, *how), moment, rng)
            half_written = len(list(run.glob("*.partial")))
            kills += [(moment, half_written)] if killed else []
            if run.exists() and not (run / "params.json").exists():
                for path in run.iterdir():
                    path.unlink()
                run.rmdir()
        how = ["--resume", run] if (run / "params.json").exists() else [*options, "--", f"killed{chains}"]
        last = start(*how)
        shown = last.communicate()[0]
        assert last.returncode == 0, shown
        assert "will not be bit for bit" not in shown
        assert_same(result(run), expected)
        assert not list(run.glob("*checkpoint*")), "a finished run keeps none"
        chains += 1
    print(f"{noise}: {len(kills)} kills in {chains} runs, {sum(half for _, half in kills)} within a file: {kills}")
