"""Spread golden files over processes, each with its own Aesara."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from ladder.errors import UserError
from ladder.parity import check

LONGEST = check.MNIST_RUN


def check_all(directory, names, jobs, threads, full=False, plain_graph=False, backend="c"):
    """Check golden files and yield their results in the order of ``names``.

    Parameters
    ----------
    directory : str or Path
    names : list of str
    jobs : int
        Processes; with 1 everything runs in this one.
    threads : int
        Threads of each process.
    full, plain_graph : bool, see ``check.check``
    backend : str

    Yields
    ------
    Result
    """
    if jobs == 1 or len(names) == 1:
        for name in names:
            yield _check(threads, backend, directory, name, full, plain_graph)
        return
    # Aesara must be configured before it is imported, which a fork cannot guarantee.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(names)), context)
    longest_first = sorted(names, key=lambda name: name != LONGEST)
    try:
        pending = {
            name: pool.submit(_check, threads, backend, directory, name, full, plain_graph) for name in longest_first
        }
        for name in names:
            yield pending[name].result()
    except BrokenProcessPool:
        raise UserError("a process that checks was killed, perhaps as memory ran out: give fewer --jobs.") from None
    finally:
        _end(pool)


def _end(pool):
    """End a pool and whatever it is still doing, which nobody waits for after an error or Ctrl-C."""
    processes = list((pool._processes or {}).values())  # from 3.14 on, Python itself can end them
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


def _check(threads, backend, *arguments):
    """Runs in a process of the pool, or in this one; a UserError is raised where the result is asked for."""
    from ladder import backends

    if backend == "jax":  # several processes may share a GPU
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    backends.configure(backend, threads)
    return check.check(*arguments)
