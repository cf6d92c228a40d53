"""Training that computes nothing: it writes the files of a run as real training does, and sleeps through its epochs.

It serves to examine what surrounds training in a sweep (``benchmarks/sweep.py``, ``tests/sweeps/test_agenda.py``).
As a program it is a worker: ``python benchmarks/stand_in_training.py SECONDS``, the time of an epoch.
"""

import json
import sys
import time

import numpy as np

from ladder.files import save_arrays
from ladder.options import Options
from ladder.runs import lock
from ladder.runs.arrays import STATISTICS
from ladder.runs.folder import LOG, ROWS, RunFolder
from ladder.runs.log_rows import ERROR, FINAL_ERROR
from ladder.sweeps.worker import serve


def error_after(p, epochs):
    """A validation error that falls with the epochs, towards 10 % at a learning rate of 0.01 and more elsewhere."""
    noise = 10 * p.adv_tau[0] + p.adv_tau_unlabeled[0]
    return float(10 + 20 * abs(np.log10(p.lr) + 2) + 30 / epochs + 0.1 * p.seed + noise)


def go_on(task, say, seconds=0.0):
    """What :func:`ladder.sweeps.task.go_on` does, without a network.

    Parameters
    ----------
    task, say : as there
    seconds : float, of an epoch
    """
    folder = RunFolder(task["folder"])
    try:
        with lock.held(folder):
            if folder.is_finished():
                return {"state": "finished"}
            p = Options(**folder.load_options())
            with (folder / LOG).open("a") as log:
                log.write("training\n")
            say({"state": "compiled"})
            return _train(folder, p, task["until"], seconds)
    except lock.Held:
        return {"state": "held"}


def _train(folder, p, until, seconds):
    done = folder.epochs_done()
    with (folder / ROWS).open("a") as rows:
        for epoch in range(done + 1, (until or p.num_epochs) + 1):
            time.sleep(seconds)
            rows.write(json.dumps({"epoch": epoch, "update": 10 * epoch, ERROR: error_after(p, epoch)}) + "\n")
            rows.flush()
        if until is not None and until < p.num_epochs:
            return {"state": "paused"}
        rows.write(json.dumps({"epoch": p.num_epochs, "update": 0, FINAL_ERROR: error_after(p, p.num_epochs)}) + "\n")
    save_arrays(folder / STATISTICS, {"final": np.asarray(True)})
    return {"state": "finished"}


if __name__ == "__main__":
    EPOCH = float(sys.argv[1])
    serve(lambda task, say: go_on(task, say, EPOCH), prepare=lambda options: None)
