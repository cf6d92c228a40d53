"""Worker processes on this machine."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

from ladder.sweeps.task import environment

#: The command that starts a worker; it imports nothing from the folder that it is started in, which may hold anything.
COMMAND = (
    sys.executable,
    "-c",
    "'ladder.sweeps.worker'; import sys; sys.path[:] = filter(None, sys.path); "
    "from ladder.sweeps import worker; worker.main()",
)

#: Characters of a worker's printed output that are reported when it dies.
MOST_PRINTED = 300

#: Seconds that a worker is given to end once nothing is left to do.
PATIENCE = 5


class LocalPool:
    """Processes that each train one run at a time.

    Parameters
    ----------
    size : int
        The most processes at a time.
    backend : dict
        Options of :func:`ladder.backends.configure` for each of them.
    command : sequence of str
        The command that starts one.
    """

    def __init__(self, size, backend, command=COMMAND):
        self._size, self._backend, self._command = size, backend, command
        self._workers = []
        self._selector = selectors.DefaultSelector()

    @property
    def room(self):
        """How many more runs can be started now."""
        return self._size - sum(worker.run is not None for worker in self._workers)

    def start(self, run, task):
        """Give a run (SweptRun) and its task (see :func:`ladder.sweeps.task.go_on`) to a process that has none."""
        worker = next((worker for worker in self._workers if worker.run is None), None)
        if worker is None:
            worker = Worker(self._backend, self._command)
            self._workers.append(worker)
            self._selector.register(worker.output, selectors.EVENT_READ, worker)
        worker.run = run
        worker.tell(task)

    def events(self, timeout):
        """The answers heard within some seconds: list of (run, answer), see :func:`ladder.sweeps.task.go_on`."""
        heard = []
        for key, _ in self._selector.select(timeout):
            worker = key.data
            answers = worker.answers()
            heard += [(worker.run, answer) for answer in answers]
            if worker.is_gone:
                self._selector.unregister(worker.output)
                self._workers.remove(worker)
                death = worker.buried()
                if worker.run is not None and not any(map(is_last, answers)):
                    heard.append((worker.run, death))
            elif any(map(is_last, answers)):
                worker.run = None
        return heard

    def stop(self):
        """Make every process write a checkpoint and end its run."""
        for worker in self._workers:
            if worker.run is not None:
                worker.process.send_signal(signal.SIGTERM)

    def close(self):
        """End all processes, including those that are busy."""
        end(self._workers)
        self._selector.close()


def end(workers):
    """End processes (list of Worker), giving them some seconds to write checkpoints."""
    for worker in workers:
        with suppress(BrokenPipeError):
            worker.process.stdin.close()
    for worker in workers:
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(PATIENCE)
        if worker.process.poll() is None:
            worker.process.kill()
        worker.buried()


def is_last(answer):
    """Whether an answer ends a task."""
    return answer["state"] != "compiled"


class Worker:
    """A process, the run that it trains, and what it has said so far.

    Parameters
    ----------
    backend : dict
        Its backend options.
    command : sequence of str
        The command that starts it.
    argv : list of str, optional
        The command line that goes into the runs' logs; default: that of this process.

    Attributes
    ----------
    process : Popen
    run : SweptRun or None
    is_gone : bool
        Whether its output has ended.
    """

    def __init__(self, backend, command=COMMAND, argv=None):
        self._printed = tempfile.TemporaryFile()
        # In its own session: Ctrl-C in the terminal is meant for the process that stops the workers.
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            env=environment(),
            start_new_session=True,
        )
        self.run, self.is_gone, self._rest = None, False, b""
        self.tell({"backend": backend, "command": argv or sys.argv})

    @property
    def output(self):
        return self.process.stdout

    def tell(self, values):
        """Send plain values; a process that is gone is noticed by its output."""
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(values).encode() + b"\n")
            self.process.stdin.flush()

    def answers(self):
        """What it has said since the last call: list of dict."""
        content = os.read(self.output.fileno(), 2**16)
        self.is_gone = not content
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [json.loads(line) for line in lines]

    def buried(self):
        """The answer that reports the death of the process."""
        status = self.process.wait()
        self._printed.seek(0)
        printed = self._printed.read().decode(errors="replace").strip()[-MOST_PRINTED:]
        self._printed.close()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                stream.close()
        if status == -signal.SIGTERM:  # before it trained, so there was nothing to save
            return {"state": "interrupted"}
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return {"state": "failed", "error": f"its process {how}{': ' * bool(printed)}{printed.rstrip('.')}."}
