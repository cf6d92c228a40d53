"""Real worker processes that train: killed, stopped, started twice at once, and on a Dask cluster."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import ladder
from ladder.cli import main
from ladder.runs import lock
from ladder.runs.folder import RunFolder
from ladder.sweeps import on_dask

RUN = Path(__file__).resolve().parents[2] / "run.py"

#: The network of the doctests, which others have compiled.
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
#: Every epoch is saved.
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


def wait_for(condition, seconds=120):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def training():
    """The runs under way that have trained for some epochs since their process began, and have a checkpoint."""
    found = []
    for path in Path("results/rates").glob("run*/log.txt"):
        begun = path.read_text().rpartition("Compiled in")[2]
        if (
            begun.count(" e ") > 3
            and any(path.parent.glob("checkpoint-*.npz"))
            and lock.is_held(RunFolder(path.parent))
        ):
            found.append(path.parent)
    return found


def assert_same(one, two):
    """Two runs ended with the same bits."""
    for name in ("trained_params.npz", "running_statistics.npz"):
        with np.load(one / name) as a, np.load(two / name) as b:
            assert a.files == b.files
            for key in a.files:
                np.testing.assert_array_equal(a[key], b[key], err_msg=key)
    assert (one / "log.jsonl").read_text() == (two / "log.jsonl").read_text()


def beginnings(folder):
    return (folder / "log.txt").read_text().count("Command line:")


@needs_proc
def test_stopped_then_two_at_once_one_of_whose_workers_is_killed(capsys):
    # Stopped by a signal: the worker writes a checkpoint, and no process is left.
    first = begin()
    wait_for(training)
    workers = children(first.pid)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=60)
    assert first.returncode == 130 and "give the same command again to go on" in said
    assert len(workers) == 1 and not Path(f"/proc/{workers[0]}").exists()
    # Started twice at once, and the workers killed once one of them trains.
    both = [begin(), begin()]
    wait_for(training)
    killed = [worker for process in both for worker in children(process.pid)]
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    said = "".join(process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert "its process was killed by signal 9. It is tried once more." in said
    folders = [Path(f"results/rates/run{i}") for i in range(2)]
    logs = [(each / "log.txt").read_text() for each in folders]
    # Each has ended once, and was begun anew after the stop and after the kill alone.
    assert [log.count("VF_C_class") for log in logs] == [1, 1] and sum(map(beginnings, folders)) <= 3 + len(killed)
    assert sum(log.count("Going on after update") for log in logs) >= 2
    for each, rate in zip(folders, RATES):
        assert_same(each, ladder.train("alone", **NETWORK, lr=float(rate)).folder)
    capsys.readouterr()
    assert main(["sweep", "rates", "--status", "--plot", "rates.svg"]) == 0
    said = capsys.readouterr().out
    assert "results/rates: 2 runs: 2 finished" in said
    best = min(folders, key=lambda each: RunFolder(each).last_row()["valid_final_error_rate_clean"])
    assert re.search(rf"lr 0.02? .*{best}", said)
    assert "The validation error against lr." in Path("rates.svg").read_text()


@needs_proc
def test_a_lost_worker_of_a_cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        workers = [nanny.process.pid for nanny in cluster.workers.values()]

        def kill_one_that_trains():
            wait_for(training)
            os.kill(next(pid for pid in workers if children(pid)), signal.SIGKILL)

        killer = threading.Thread(target=kill_one_that_trains)
        killer.start()
        found = ladder.sweep("rates", scheduler=cluster.scheduler_address, checkpoint_minutes=0, **NETWORK, lr=0.002)
        killer.join()
    (folder,) = found.best.folders
    assert "Going on after update" in (folder / "log.txt").read_text() and beginnings(folder.path) == 2
    assert_same(folder.path, ladder.train("alone", **NETWORK, lr=0.002).folder)


def test_a_cluster_that_does_not_see_the_folder(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(on_dask, "_sees", lambda task: False)  # its worker is a thread of this process
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        found = ladder.sweep("rates", scheduler=address, **{**NETWORK, "num_epochs": 3}, lr=0.002)
        (folder,) = found.best.folders
        assert_same(folder.path, ladder.train("alone", **{**NETWORK, "num_epochs": 3}, lr=0.002).folder)
        assert "Command line:" in (folder / "log.txt").read_text() and not lock.is_held(folder)
        with pytest.raises(ladder.UserError, match="halving goes on from checkpoints, and a worker does not see"):
            ladder.sweep("halved", scheduler=address, **NETWORK, lr=[0.002, 0.02, 0.2], halving=3)


def test_a_cluster_that_is_not_there():
    pytest.importorskip("distributed")
    with pytest.raises(ladder.UserError, match="no Dask scheduler answers there"):
        ladder.sweep("rates", scheduler="tcp://127.0.0.1:9", **NETWORK)
