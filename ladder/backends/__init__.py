"""How a symbolic graph becomes machine code.

There are two backends, modules with the same functions: ``c`` (Aesara's own C
code) and ``jax`` (XLA, on CPU or GPU).  Whichever it is has to be configured
before Aesara is imported; ``function``, ``updates`` and ``make_together`` here
are those of the one that was configured last.  ``blas`` finds the library for matrix products
in C, ``flags`` reads the user's own settings for Aesara.
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
        None: as many as the backend chooses.
    options
        More settings of that backend.

    Returns
    -------
    What the backend's own ``configure`` returns; it has ``summary``, a line for logs.

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
    """A compiled function of arrays, as ``aesara.function``; unused inputs are allowed.

    Parameters
    ----------
    inputs : list of variables
    outputs : variable, or list of variables
    updates : dict of shared variable -> new value, optional
    givens : dict of variable -> variable to compute with in its place, optional
    allow_gc : bool
        Whether to give intermediate results' memory back during a call, which is slower (C alone).
    """
    return _module(_in_force).function(inputs, outputs, updates, givens, allow_gc)


def updates(inputs, monitored, changes, data):
    """What makes updates of shared variables, some at a time, from examples picked by their positions.

    Parameters
    ----------
    inputs : list of variables, by whose names requests and data go
    monitored : dict of name -> scalar variable
    changes : dict of shared variable -> new value
    data : dict of input name -> array (N, …)
        What positions in requests refer to.  An input that is not in it comes in requests itself.

    Returns
    -------
    ``c.Updates`` or ``jax.Updates``
    """
    return _module(_in_force).Updates(inputs, monitored, changes, data)


def make_together(runs, requests):
    """Make updates of several runs, in one program where the backend has such.

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
    """A line for logs about the backend in force, which is configured if nobody has done so."""
    return _module(_in_force).configure().summary


def _module(name):
    return importlib.import_module(f"ladder.backends.{name}")


def describe() -> dict[str, str | int]:
    """Return what decides speed and rounding here, for logs and ``environment.json``.

    Configures the C backend if nobody has configured any.

    Raises
    ------
    UserError
        The backend cannot be configured, see ``configure``.
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
