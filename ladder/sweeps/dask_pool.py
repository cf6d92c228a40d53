"""The workers of a Dask cluster, on this machine or on many.

Each worker keeps its own processes for training (:mod:`ladder.sweeps.on_dask`).  Dask gives the tasks of a lost worker
to another one, which continues from the last checkpoint if both see the same folder, and otherwise begins again.
"""

import logging
import queue
import sys
import uuid
from contextlib import ExitStack
from pathlib import PurePosixPath

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import ours, write_ours
from ladder.runs import lock
from ladder.runs.arrays import STATISTICS
from ladder.runs.folder import LOG, OPTIONS_FILE
from ladder.sweeps import on_dask
from ladder.sweeps.local import COMMAND
from ladder.sweeps.swept import SweepFolder

logger = logging.getLogger("main")

#: Seconds to wait for the scheduler.
TIMEOUT = 10


class DaskPool:
    """Gives runs to the workers of a cluster, as :class:`ladder.sweeps.local.LocalPool` does to processes.

    Parameters
    ----------
    address : str
        The scheduler's address, e.g. 'tcp://10.0.0.1:8786', see :func:`check_address`.
    command : sequence of str
        The arguments that start a process there, after the Python executable.
    """

    def __init__(self, address, command=COMMAND[1:]):
        from distributed import Client

        try:
            self._client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UserError(
                f"--scheduler {address}: no Dask scheduler answers there ({error}): start one with dask scheduler, and "
                "give the address that it prints."
            ) from None
        self._command = list(command)
        self._name = f"ladder-{uuid.uuid4().hex}"
        self._stopping = False
        self._heard, self._runs, self._locks, self._apart = queue.SimpleQueue(), {}, {}, False
        self._client.subscribe_topic(self._name, lambda event: self._heard.put(event[1]))
        self._address = address
        n = self._n_threads()
        logger.info("%s trains %d runs at once%s", address, n, "" if n else ": waiting for workers")

    @property
    def room(self):
        """How many more runs can be started now; workers may come and go."""
        return max(0, self._n_threads() - len(self._runs))

    def start(self, run, task):
        """Give a run (SweptRun) and its task to a worker."""
        name = uuid.uuid4().hex
        task = {
            **task,
            "name": name,
            "topic": self._name,
            "token": SweepFolder(run.folder.path.parent).token,
            "options": plain_json.read(run.folder / OPTIONS_FILE),
            "command": sys.argv,
            "worker": self._command,
        }
        future = self._client.submit(on_dask.go_on, task, key=f"ladder-{run.folder.path.name}-{name}", pure=False)
        self._runs[name] = run, future
        future.add_done_callback(lambda future: self._heard.put({"name": name, "state": "done"}))

    def events(self, timeout):
        """The answers heard within some seconds: list of (run, answer), see :func:`ladder.sweeps.task.go_on`."""
        heard = []
        try:
            heard.append(self._heard.get(timeout=timeout))
            while True:
                heard.append(self._heard.get_nowait())
        except queue.Empty:
            pass
        if self._stopping and not self._n_threads():  # nobody is left who could answer
            heard += [{"name": name, "state": "lost"} for name in self._runs]
        return [answer for each in heard if each["name"] in self._runs for answer in self._answers(each)]

    def stop(self):
        """Make every worker write a checkpoint and end its run."""
        self._stopping = True
        self._event(self._name).set()

    def close(self):
        """Disconnect from the cluster, ending what still trains there."""
        for name in list(self._locks):
            self._let_go(name)
        try:
            self._end_what_trains()
        # If the scheduler has ended, the error can be of many kinds, and there is nobody left to tell.
        except Exception as error:
            logger.info("The Dask cluster does not answer (%s)", error)
        finally:
            self._client.close()

    def _end_what_trains(self):
        for _, future in self._runs.values():
            future.cancel()
        if self._runs:  # cancelling does not stop a task that is running
            self._event(self._name).set()
        self._client.run(on_dask.end_idle, on_error="ignore")

    def _n_threads(self):
        """The total number of threads of all workers."""
        try:
            return sum(self._client.nthreads().values())
        except (OSError, AttributeError) as error:  # the latter from a client that has given up
            raise UserError(
                f"--scheduler {self._address}: the Dask scheduler has ended ({error}): start it again, and give the "
                "command again."
            ) from None

    def _answers(self, heard):
        """List of (run, answer) from one message; empty if it is nothing for the agenda."""
        name, state = heard["name"], heard["state"]
        run, future = self._runs[name]
        if state == "apart":
            return self._hold(name, run)
        if state == "compiled":
            return [(run, {"state": state})]
        del self._runs[name]
        try:
            answer = {"state": "interrupted"} if state == "lost" else _result(future)
            if "files" in answer:
                _write(run.folder, answer.pop("files"))
        except OSError as error:
            answer = {"state": "failed", "error": f"cannot write into {run.folder} ({error.strerror})."}
        finally:
            self._let_go(name)
        return [(run, answer)]

    def _hold(self, name, run):
        """Lock a run's folder for a worker that does not see it, so that no other trains it; the answer if one does."""
        if not self._apart:
            self._apart = True
            logger.info("The workers do not see %s: runs that are lost begin again", run.folder.path.parent)
        if name not in self._locks:
            stack = ExitStack()
            try:
                stack.enter_context(lock.held(run.folder))
            except lock.Held:
                _, future = self._runs.pop(name)
                future.cancel()
                self._event(name).set()  # the worker is already training it, in vain
                return [(run, {"state": "held"})]
            self._locks[name] = stack
        return []

    def _event(self, name):
        """The event that stops the task of this name or, with the pool's name, all tasks."""
        from distributed import Event

        return Event(name, client=self._client)

    def _let_go(self, name):
        if name in self._locks:
            self._locks.pop(name).close()


def check_address(address):
    """Refuse, before anything is begun, what cannot be a scheduler's address, or any address if Dask is missing."""
    try:
        from distributed import comm
    except ImportError:
        raise UserError(
            "--scheduler needs dask.distributed: install it with pip install 'ladder[dask]', or leave it out."
        ) from None
    try:
        kind, place = comm.addressing.parse_address(address)
        comm.registry.get_backend(kind)
        if kind != "inproc":
            comm.addressing.parse_host_port(place)
    except ValueError as error:
        raise UserError(
            f"--scheduler '{address}' is no address ({error}): give the one that dask scheduler prints, e.g. "
            "tcp://10.0.0.1:8786."
        ) from None


def _result(future):
    """The answer of a worker, or one that says why there is none."""
    if future.status == "finished":
        return future.result()
    if future.status == "cancelled":
        return {"state": "failed", "error": "the cluster has forgotten it."}
    error = future.exception()
    return {"state": "failed", "error": f"{type(error).__name__}: {error}"}


def _write(folder, files):
    """Write the files of a run trained apart into its folder, and nowhere else; the one that says "finished" last."""
    with open(folder / LOG, "ab", opener=ours) as log:  # it is locked, so another file must not replace it
        log.write(files.pop(LOG))
    for name in sorted(files, key=lambda name: name == STATISTICS):
        path = folder.path.joinpath(*(part for part in PurePosixPath(name).parts if part.strip("/") not in ("", "..")))
        path.parent.mkdir(exist_ok=True, parents=True)
        write_ours(path, lambda file, name=name: file.write(files[name]))
