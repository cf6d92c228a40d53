"""Real worker processes that train: of two sweeps at once, one has a worker killed and the other is stopped."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.runs.folder import RunFolder

RUN = Path(__file__).resolve().parents[2] / "run.py"

#: The network of the doctests, which other tests have compiled.
NETWORK = dict(
    dataset="digits",
    encoder_layers="10",
    denoising_cost_x=(0, 0),
    labeled_samples=100,
    unlabeled_samples=1137,
    valid_set_size=300,
    num_epochs=150,
)
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes as Linux lists them")

RATES = ("0.002", "0.02")
#: Checkpoints are written at the ends of epochs only.
COMMAND = [
    *(sys.executable, str(RUN), "sweep", "rates", "--checkpoint-minutes", "0", "--workers", "1", "--threads", "1"),
    *("--dataset", "digits", "--encoder-layers", "10", "--denoising-cost-x", "0,0", "--labeled-samples", "100"),
    *("--unlabeled-samples", "1137", "--valid-set-size", "300", "--num-epochs", "150", "--lr", *RATES),
]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUEL_DATA_PATH", raising=False)


def begin(**others):
    return subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **others)


def children(pid):
    """The processes that a process has started (Linux)."""
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for child in " ".join(lists).split()]


def wait_for(condition, seconds=600):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def training():
    """The first run found that has trained for some epochs and has a checkpoint, or None."""
    for path in Path("results/rates").glob("run*/log.txt"):
        if path.read_text().count(", i ") > 3 and any(path.parent.glob("checkpoint-*.npz")):
            return path.parent


def trains(parents, folder):
    """(worker, its parent among these processes), for the worker that has a run's log open."""
    log = str((folder / "log.txt").resolve())
    for parent in parents:
        for child in children(parent.pid):
            with suppress(OSError):  # it may end, or have ended
                if any(os.path.realpath(link) == log for link in Path(f"/proc/{child}/fd").iterdir()):
                    return child, parent


def assert_same(one, two):
    """Assert that two runs ended with the same bits."""
    for name in ("trained_params.npz", "running_statistics.npz"):
        with np.load(one / name) as a, np.load(two / name) as b:
            assert a.files == b.files
            for key in a.files:
                np.testing.assert_array_equal(a[key], b[key], err_msg=key)
    assert (one / "log.jsonl").read_text() == (two / "log.jsonl").read_text()


@needs_proc
def test_two_at_once_one_worker_killed_and_the_other_sweep_stopped(capsys):
    both = [begin(), begin()]
    folder = wait_for(training)
    killed, survivor = trains(both, folder)
    (other,) = (each for each in both if each is not survivor)
    os.kill(killed, signal.SIGKILL)
    workers = children(other.pid)
    other.send_signal(signal.SIGTERM)
    said, _ = other.communicate(timeout=600)
    assert other.returncode == 130 and "give the same command again to go on" in said
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    # The survivor goes on with its run, and takes over what the other has left.
    said, _ = survivor.communicate(timeout=600)
    assert survivor.returncode == 0 and "its process was killed by signal 9. It is tried once more." in said
    folders = [Path(f"results/rates/run{i}") for i in range(2)]
    assert [(each / "log.txt").read_text().count("VF_C_class") for each in folders] == [1, 1]  # each has ended once
    assert "Going on after update" in (folder / "log.txt").read_text()
    assert_same(folder, ladder.train("alone", **NETWORK, lr=float(RATES[folders.index(folder)])).folder)
    capsys.readouterr()
    assert main(["sweep", "rates", "--status", "--plot", "rates.svg"]) == 0
    said = capsys.readouterr().out
    assert "results/rates: 2 runs: 2 finished" in said
    best = min(folders, key=lambda each: RunFolder(each).last_row()["valid_final_error_rate_clean"])
    assert re.search(rf"lr 0.\d+ .*{best}", said[said.index("Best") :].splitlines()[4])
    assert "The validation error against lr." in Path("rates.svg").read_text()


def test_a_run_that_waited_at_its_rungs_ends_like_one_that_was_trained_alone():
    network = {**NETWORK, "num_epochs": 4}
    found = ladder.sweep("halved", lr=[0.02, 0.0002], halving=2, workers=1, threads=1, **network)
    (winner,), (dropped,) = found.of("finished"), found.of("dropped")
    assert dropped.look.epochs == 2 and len(list(dropped.run.folder.path.glob("checkpoint-*.npz"))) >= 1
    assert (winner.run.folder / "log.txt").read_text().count("Going on after update") == 1
    assert_same(winner.run.folder.path, ladder.train("alone", **network, lr=winner.run.p.lr).folder)
