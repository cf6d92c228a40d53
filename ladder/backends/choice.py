"""The choice of backend and its options, checked before anything large is imported."""

from __future__ import annotations

import os
from numbers import Integral

from ladder import control_groups
from ladder.errors import UserError
from ladder.option_names import as_typed

BACKENDS = ("c", "jax")

#: Where JAX can be asked to compute.
DEVICES = ("cpu", "gpu")

#: More than any machine runs well, and than the system may start.
MOST_THREADS = 1024


def cores() -> int:
    """How many cores this process may use: those it may run on, or fewer if a container or job limits its CPU time."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, control_groups.cores())


def default_threads() -> int:
    """``OMP_NUM_THREADS`` if the user set it, else the cores that this process may use."""
    # A list such as "4,2" is for nested parallelism; the first level counts.
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if asked.isascii() and asked.isdecimal() and int(asked) > 0:
        return min(int(asked), MOST_THREADS)
    return cores()


def checked(backend: str = "c", threads: int | None = None, **of_jax) -> dict:
    """Return the checked arguments of :func:`ladder.backends.configure`.

    Parameters
    ----------
    backend
        'c' or 'jax'.
    threads
        None: the backend chooses.
    of_jax
        ``matmul_precision`` and ``device``; None: not given.

    Raises
    ------
    UserError
        Options do not go together, or the backend is not installed.
    """
    if backend not in BACKENDS:
        raise UserError(f"--backend is {backend}, but must be one of {', '.join(BACKENDS)}.")
    if threads is not None and (not is_whole(threads) or not 1 <= threads <= MOST_THREADS):
        raise UserError(f"--threads is {threads!r}, but must be a whole number from 1 to {MOST_THREADS}.")
    if backend == "jax":
        if of_jax.get("device") not in (None, *DEVICES):
            raise UserError(f"--device is {of_jax['device']!r}, but must be one of {', '.join(DEVICES)}.")
        from ladder.backends.jax import setup

        setup.check_version()
        return {"name": backend, "threads": threads and int(threads), **of_jax}
    for name, value in of_jax.items():
        if value is not None:
            raise UserError(f"{as_typed(name)} is for --backend jax: give that, too, or leave it out.")
    return {"name": backend, "threads": threads and int(threads)}


def is_whole(value):
    """Whether a value is an integer, of Python or of NumPy."""
    return isinstance(value, Integral) and not isinstance(value, bool)
