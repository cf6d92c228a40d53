"""A contestant's process: get ready, then take a turn whenever asked.

    python contestant.py ROW TASK MODEL THREADS UPDATES

A line on standard input asks for a turn; a line of JSON on standard output
answers.  ``contest.py`` is at the other end of both.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from importlib.metadata import PackageNotFoundError, version

from network import NETWORKS
from rows import ROWS
from unavailable import Unavailable

from ladder.errors import UserError


def main():
    name, task, model, threads, updates = sys.argv[1:]
    # Ctrl-C also reaches the parent, which ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    answers = take_standard_output()

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    start = time.perf_counter()
    try:
        turn = TASKS[task](ROWS[name], NETWORKS[model], int(threads), int(updates))
    except (ImportError, Unavailable, UserError) as error:
        answer(skipped=str(error).splitlines()[0])
        return
    answer(ready_s=time.perf_counter() - start, versions=_versions())
    for _ in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        times = turn()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        answer(**times, cores=cpu / wall, peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _end_with_parent():
    """Die with a parent that is killed, which a stopped process would outlive (Linux only; others see contest.py)."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def take_standard_output():
    """A file for nothing but answers; whatever libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def update_turn(row, network, threads, updates):
    """Single updates; ready after the first, in which some compile."""
    update = row.prepare(network, threads)
    update()

    def turn():
        # Not timed: the caches hold what the others left there.
        update()
        return {"updates_s": [_timed(update) for _ in range(updates)]}

    return turn


def epoch_turn(row, network, threads, updates):
    """An epoch of our main loop."""
    return row.prepare_epoch(network, threads, updates)


TASKS = {"update": update_turn, "epoch": epoch_turn}


def _timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _versions():
    """Versions of the libraries that this process has loaded."""
    found = {}
    for package, module in (("torch", "torch"), ("jax", "jax"), ("aesara", "aesara")):
        if module in sys.modules:
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                pass
    if "ladder.backends.c" in sys.modules:
        blas = sys.modules["ladder.backends.c"].configure().blas
        found[blas.name] = blas.version
    return found


if __name__ == "__main__":
    main()
