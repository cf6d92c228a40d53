"""Compilation of symbolic graphs to machine code.

There are two backends, modules with the same functions: ``c`` (Aesara's own C
code) and ``jax`` (XLA, on CPU or GPU).  The backend must be configured before
Aesara is imported; ``function``, ``updates`` and ``make_together`` here
dispatch to the one that was configured last.  ``blas`` finds the library for
matrix products in C; ``flags`` reads the user's own settings for Aesara.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import platform

from ladder.backends import processor
from ladder.backends.choice import BACKENDS as BACKENDS

PACKAGES = ("aesara", "numpy", "scipy", "h5py")

_in_force = "c"


def configure(name: str = "c", threads: int | None = None, **options):
    """Choose a backend and its threads; call before Aesara is imported.

    Parameters
    ----------
    name
        'c' or 'jax'.
    threads
        None: the backend chooses.
    options
        Further settings of that backend.

    Returns
    -------
    The result of the backend's own ``configure``; its ``summary`` is a line for logs.

    Raises
    ------
    UserError
        The backend is not installed, or cannot run here.
    """
    global _in_force
    description = _module(name).configure(threads, **options)
    _in_force = name
    return description


def function(inputs, outputs, updates=None, givens=None, allow_gc=False):
    """Return a compiled function of arrays, like ``aesara.function``; unused inputs are allowed.

    Parameters
    ----------
    inputs : list of variables
    outputs : variable, or list of variables
    updates : dict of shared variable -> new value, optional
    givens : dict of variable -> variable to compute with in its place, optional
    allow_gc : bool
        Whether to free the memory of intermediate results during a call, which is slower (C only).
    """
    return _module(_in_force).function(inputs, outputs, updates, givens, allow_gc)


def updates(inputs, monitored, changes, data):
    """Return an object that makes updates of shared variables, several per call, from examples picked by position.

    Parameters
    ----------
    inputs : list of variables, whose names are the keys of requests and data
    monitored : dict of name -> scalar variable
    changes : dict of shared variable -> new value
    data : dict of input name -> array (N, …)
        The arrays that positions in requests index.  Inputs that are not in it are passed in the requests themselves.

    Returns
    -------
    ``c.Updates`` or ``jax.Updates``
    """
    return _module(_in_force).Updates(inputs, monitored, changes, data)


def make_together(runs, requests):
    """Make updates of several runs, in one program where the backend supports that.

    Parameters
    ----------
    runs : list of Updates, all but the first made by ``Updates.on``
    requests : list of lists of requests, one list per run, all of one length

    Returns
    -------
    list of lists of dict of name -> float, one list a run
    """
    return _module(_in_force).make_together(runs, requests)


def name() -> str:
    """The backend in force."""
    return _in_force


def summary() -> str:
    """Return a line for logs about the backend in force, configuring it if necessary."""
    return _module(_in_force).configure().summary


def _module(name):
    return importlib.import_module(f"ladder.backends.{name}")


def describe() -> dict[str, str | int]:
    """Return what determines speed and rounding here, for logs and ``environment.json``.

    Configures the C backend if none has been configured.

    Raises
    ------
    UserError
        The backend cannot be configured; see ``configure``.
    """
    return {
        "python": platform.python_version(),
        **{name: package_version(name) for name in PACKAGES},
        "backend": _in_force,
        **_module(_in_force).describe(),
        **processor.describe(),
        "platform": platform.platform(),
    }


def package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"
