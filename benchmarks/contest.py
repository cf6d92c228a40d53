"""Contestants that take turns, each in its own process.

Two OpenMP runtimes in one process disturb each other, and the number of threads
is fixed at start: hence processes.  A machine's speed changes with what else
runs on it: hence short turns, round after round, so that a change affects all
alike.  A contestant is stopped between its turns, so that no pool of idle
threads spins beside the others.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rows import ROWS

HERE = Path(__file__).resolve().parent

#: Variables that decide how threads wait; each contestant starts without them, and sets its own.
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


class Contestant:
    """A row's process: made ready, then stopped except during its turns.

    Parameters
    ----------
    name : str, of a row
    task : 'update' or 'epoch'
    threads : int
    updates : int, per turn
    settings : dict, optional
        More environment variables.
    model : str, optional
        Name of a network.

    Attributes
    ----------
    skipped : str or None, why it does not take part
    ready_s : float, seconds to import, build, compile and make the first update
    versions : dict, of the libraries it uses
    turns : list of dict, its answers
    """

    def __init__(self, name, task, threads, updates, settings=None, model="mnist"):
        self.name, self.threads, self.settings = name, threads, settings or {}
        self._arguments = [name, task, model, str(threads), str(updates)]
        self._process = None
        self.skipped, self.ready_s, self.versions, self.turns = None, None, {}, []

    @property
    def label(self):
        return ROWS[self.name].label

    def get_ready(self):
        """Start the process and wait until it is ready to take a turn."""
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "contestant.py"), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment(self.threads), **self.settings},
        )
        first = self._answer()
        self.skipped, self.ready_s = first.get("skipped"), first.get("ready_s")
        self.versions = first.get("versions", {})
        self._stop()
        state = f"left out ({self.skipped})" if self.skipped else f"ready after {self.ready_s:.1f} s"
        print(f"{self.label}, {self.threads} thread{'s' * (self.threads > 1)}: {state}", file=sys.stderr)

    def turn(self):
        """Let it make its updates; keep its answer and return it."""
        self._process.send_signal(signal.SIGCONT)
        print(file=self._process.stdin, flush=True)
        self.turns.append(self._answer())
        self._stop()
        return self.turns[-1]

    def end(self):
        if self._process:
            # This also reaches a stopped process.
            self._process.kill()
            self._process.communicate()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.label} ended: its last words are above.")
        return json.loads(line)

    def _stop(self):
        self._process.send_signal(signal.SIGSTOP)


def environment(threads):
    """The environment of a process with this many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in WAITING}
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")  # NPROC is XLA's
    paths = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    return {**kept, **{name: str(threads) for name in counts}, "PYTHONPATH": paths}


@contextmanager
def contest(contestants):
    """Get all ready, one by one; yield a list of those that take part, and end them afterwards."""
    with ExitStack() as stack:
        for contestant in contestants:
            stack.callback(contestant.end)
            contestant.get_ready()
        yield [contestant for contestant in contestants if not contestant.skipped]


def play(contestants, rounds):
    """Give each a turn, round after round."""
    for _ in range(rounds):
        for contestant in contestants:
            contestant.turn()


@contextmanager
def empty_caches():
    """A function from a row's name to settings under which its compilers have an empty cache."""
    with tempfile.TemporaryDirectory() as folder:

        def settings(name):
            flags = filter(None, (os.environ.get("AESARA_FLAGS"), f"base_compiledir={folder}/{name}"))
            others = dict.fromkeys(("JAX_COMPILATION_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"), f"{folder}/{name}")
            return {"AESARA_FLAGS": ",".join(flags), **others}

        yield settings
