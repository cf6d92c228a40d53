"""A process that trains the runs of a sweep, one after the other: :data:`ladder.sweeps.local.COMMAND`.

It reads tasks from standard input and answers on standard output, one JSON object
per line; the first line that it reads has the backend options, and the command for
the runs' logs.  SIGTERM makes the current run write a checkpoint; the end of the
input ends the worker in the same way, so that it does not outlive the process that
started it.
"""

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
from contextlib import redirect_stderr, suppress

from ladder import backends
from ladder.backends import choice
from ladder.errors import UserError
from ladder.sweeps.task import be_quiet, go_on


def main():
    """Serve the process that started this one, as long as there is somebody to answer to."""
    with suppress(BrokenPipeError):
        serve()


def serve(do=go_on, prepare=lambda options: backends.configure(**choice.checked(**options))):
    """Do tasks until the input ends.

    Parameters
    ----------
    do : function of a task and ``say``, see :func:`ladder.sweeps.task.go_on`
    prepare : function of the backend options
        ``UserError`` if there can be no such backend.
    """
    # Whatever else is printed must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    faulthandler.enable(2)

    def say(answer):
        answers.write(json.dumps(answer) + "\n")

    first = json.loads(sys.stdin.readline() or "null")
    if first is None:
        return
    sys.argv = first["command"]  # a run's log has the command that asked for it
    be_quiet()
    try:
        prepare(first["backend"])
    except UserError as error:
        return say({"state": "unfit", "error": str(error)})
    for task in _tasks():
        # Progress is for a terminal; without it, the error stream tells why a process died.
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            answer = do(task, say)
        say(answer)


def _tasks():
    """Iterate over incoming tasks; a thread reads them, so that the end of the input is noticed during a task."""
    waiting = queue.Queue()

    def listen():
        for line in sys.stdin:
            waiting.put(json.loads(line))
        waiting.put(None)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, daemon=True).start()
    yield from iter(waiting.get, None)
