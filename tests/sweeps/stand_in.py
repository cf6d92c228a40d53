"""Training that computes nothing, from ``benchmarks/stand_in_training.py``, and sweeps of it."""

import importlib.util
import queue
import threading
from pathlib import Path

from ladder.options import Options
from ladder.sweeps.swept import SweepFolder

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "stand_in_training.py"
_specification = importlib.util.spec_from_file_location("stand_in_training", PATH)
training = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(training)

NETWORK = dict(dataset="digits", encoder_layers=("10",), denoising_cost_x=(0.0, 0.0), num_epochs=27)


def grid(n=9, seeds=(1,), **others):
    """Options with n learning rates from 0.1 down to 0.0001, each with all the seeds."""
    rates = [10.0 ** -(1 + 3 * i / max(1, n - 1)) for i in range(n)]
    return [Options(**{**NETWORK, **others}, lr=lr, seed=seed) for lr in rates for seed in seeds]


def begun(path, configurations, halving=None):
    """Begin a sweep below a folder; returns its runs (list of SweptRun)."""
    return SweepFolder(path / "sweep").begin(configurations, [(1, 8, 8)] * len(configurations), halving=halving)


def beginnings(run):
    """How many times a run's training was begun."""
    return (run.folder / "log.txt").read_text().count("training")


class Threads:
    """A pool of threads, each of which does one task."""

    def __init__(self, size, do=training.go_on):
        self.size, self.do, self.running = size, do, 0
        self.heard, self.tasks = queue.SimpleQueue(), []

    @property
    def room(self):
        return self.size - self.running

    def start(self, run, task):
        self.running += 1
        self.tasks.append((run.folder.path.name, task["until"]))
        say = lambda answer: self.heard.put((run, answer))  # noqa: E731
        threading.Thread(target=lambda: self.heard.put((run, self.do(task, say)))).start()

    def events(self, timeout):
        try:
            run, answer = self.heard.get(timeout=timeout)
        except queue.Empty:
            return []
        self.running -= answer["state"] != "compiled"
        return [(run, answer)]

    def close(self):
        pass
