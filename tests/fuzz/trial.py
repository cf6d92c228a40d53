"""One trial: an action in a forked process with limits, and its outcome."""

import faulthandler
import os
import resource
import signal
import sys
import time
import traceback

from ladder.data.hdf5_origin import origin

#: Of a trial: seconds, gigabytes that the program may take at once ($LADDER_MEMORY), and bytes in all.
SECONDS, BUDGET_GB, MOST_BYTES = 60, 0.5, 2 * 10**9

#: Exit statuses that the program documents.
STATUSES = (0, 1, 2, 130, 141)


def run(action, folder):
    """Run an action in its own process.

    Parameters
    ----------
    action : function without arguments -> exit status
    folder : Path, which becomes the current one

    Returns
    -------
    str or None
        What was wrong; None if nothing was.
    """
    shown = folder / "shown.txt"
    pid = os.fork()
    if pid == 0:
        _child(action, folder, shown)
    status, usage = _wait(pid)
    if status is None:
        return f"no answer in {SECONDS} s"
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}\n{_end_of(shown)}"
    text = shown.read_text(errors="replace")
    if "Traceback" in text or "Error:" in text.rstrip().rpartition("\n")[-1]:
        return _end_of(shown)
    if os.WEXITSTATUS(status) not in STATUSES:
        return f"status {os.WEXITSTATUS(status)}\n{_end_of(shown)}"
    if usage.ru_maxrss * 1024 > MOST_BYTES:
        return f"{usage.ru_maxrss / 1e6:.1f} GB of memory"
    return None


def _child(action, folder, shown):
    status = 99
    faulthandler.disable()
    try:
        os.setsid()
        descriptor = os.open(shown, os.O_CREAT | os.O_TRUNC | os.O_RDWR)
        for standard in (1, 2):
            os.dup2(descriptor, standard)
        os.chdir(folder)
        os.environ["LADDER_MEMORY"] = str(BUDGET_GB)
        sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", closefd=False, buffering=1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            status = action() or 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        origin.end()  # so that the resources of the HDF5 readers are counted
        os._exit(status)


def _wait(pid):
    """The status and resource usage of a child; (None, None) if it took too long."""
    # Count naps, not seconds: this process may be stopped for a while, too.
    for nap in [0.002] * 250 + [0.1] * int(10 * SECONDS):
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage
        time.sleep(nap)
    os.killpg(pid, signal.SIGKILL)
    os.wait4(pid, 0)
    return None, None


def _end_of(path, length=1500):
    return path.read_text(errors="replace")[-length:]
