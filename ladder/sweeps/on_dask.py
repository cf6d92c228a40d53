"""What the workers of a Dask cluster do: each task goes to a process that trains, as on one machine.

Dask runs tasks in threads, but training needs a process of its own: for signals, and because Aesara compiles in one
thread only.  Idle processes are kept for later tasks.
"""

import selectors
import signal
import sys
import tempfile
import threading
from pathlib import Path

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import save_json
from ladder.runs.folder import OPTIONS_FILE, SWEEP
from ladder.sweeps.local import Worker, end, is_last

#: Seconds between two checks whether the sweep is to stop.
BETWEEN_LOOKS = 1.0

_idle, _lock = {}, threading.Lock()


def go_on(task):
    """Train a run on this worker.

    Parameters
    ----------
    task : dict
        As for :func:`ladder.sweeps.task.go_on`; also 'name' and 'topic' (for news), 'token' (the sweep's), 'options' (the
        run's), 'command' (for its log) and 'worker' (the arguments with which Python starts one).

    Returns
    -------
    dict
        The answer; for a run whose folder cannot be seen here, also 'files': name -> bytes.
    """
    from distributed import Event, get_worker

    dask_worker, stops = get_worker(), [Event(task[name]) for name in ("topic", "name")]

    def say(state):
        dask_worker.log_event(task["topic"], {"name": task["name"], "state": state})

    if any(stop.is_set() for stop in stops):
        return {"state": "interrupted"}
    if _sees(task):
        return _trained(task, say, stops)
    if task["until"] is not None:
        error = f"--halving goes on from checkpoints, and a worker does not see {task['folder']}: share that folder."
        return {"state": "unfit", "error": error}
    say("apart")
    with tempfile.TemporaryDirectory(prefix="ladder-") as folder:
        save_json(Path(folder) / OPTIONS_FILE, task["options"])
        answer = _trained({**task, "folder": folder}, say, stops)
        if answer["state"] == "finished":
            files = (path for path in Path(folder).rglob("*") if path.is_file())
            answer["files"] = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        return answer


def end_idle():
    """End the processes that wait for work."""
    with _lock:
        workers = [worker for each in _idle.values() for worker in each]
        _idle.clear()
    end(workers)


def _sees(task):
    """Whether the folder of the run is the same one here."""
    try:
        found = plain_json.read(Path(task["folder"]).parent / SWEEP)
    except (UserError, plain_json.NotJSON):
        return False
    return isinstance(found, dict) and found.get("token") == task["token"]


def _trained(task, say, stops):
    """Let an idle process, or a new one, do a task."""
    kind = repr((task["worker"], sorted(task["backend"].items())))
    with _lock:
        waiting = _idle.setdefault(kind, [])
        worker = (
            waiting.pop() if waiting else Worker(task["backend"], [sys.executable, *task["worker"]], task["command"])
        )
    worker.tell({name: task[name] for name in ("folder", "until", "minutes", "backend", "records")})
    answer = _answer(worker, say, stops)
    if worker.is_gone:
        death = worker.buried()
        return death if answer is None else answer
    with _lock:
        _idle.setdefault(kind, []).append(worker)
    return answer


def _answer(worker, say, stops):
    """The answer that ends a task; None if the process ended instead."""
    stopped = False
    with selectors.DefaultSelector() as selector:
        selector.register(worker.output, selectors.EVENT_READ)
        while not worker.is_gone:
            for answer in worker.answers() if selector.select(BETWEEN_LOOKS) else ():
                if is_last(answer):
                    return answer
                say(answer["state"])
            if not stopped and any(stop.is_set() for stop in stops):
                stopped = True
                worker.process.send_signal(signal.SIGTERM)
    return None
