"""Aesara's C backend: compiler, BLAS, threads and compile mode.

Aesara fixes its settings on import, so every program calls ``configure`` first;
modules that import Aesara do not call it themselves.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
from dataclasses import dataclass, replace

from ladder.backends import (
    aliases,
    blas,
    check,
    choice,
    compile_lock,
    damaged_modules,
    failures,
    flags,
    numpy_headers,
    repairs,
)
from ladder.errors import UserError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

# Adam uses each gradient three times, scaled differently.  This rewrite folds
# each scale into a product of its own, so Aesara multiplies the same matrices
# three times over.
EXCLUDED_REWRITES = ("local_dot22_to_dot22scalar",)

#: Iterations of libgomp's waiting loop, some microseconds in all, before a thread sleeps.
SPIN_COUNT = "1000"

log = logging.getLogger(__name__)
_in_force: CBackend | None = None
_is_forked = False
#: Whether this module imported Aesara only to build graphs.
_without_compiler = False


@dataclass(frozen=True)
class CBackend:
    """What Aesara compiles with: BLAS, threads, compiler (empty: none), ``AESARA_FLAGS``."""

    blas: blas.Blas
    threads: int
    cxx: str
    flags: str

    @property
    def summary(self) -> str:
        """A line for logs."""
        return f"BLAS: {self.blas.name} {self.blas.version}, {self.threads} threads"


def configure(threads: int | None = None) -> CBackend:
    """Choose compiler, BLAS and threads for Aesara; call before Aesara is imported.

    The user's settings (``AESARA_FLAGS``, ``.aesararc``) take precedence over
    ours.  A second call, or a call after Aesara was imported, changes only the
    number of threads.

    Parameters
    ----------
    threads
        Threads for matrix products.  None: ``OMP_NUM_THREADS`` if the user
        set it, else the cores that this process may use.

    Raises
    ------
    UserError
        The Python version is not supported, the C++ compiler or Python's
        headers are missing or unusable, ``threads`` is not positive, or Aesara
        was imported without a compiler.
    """
    global _in_force
    if _in_force is None and _without_compiler:
        raise UserError(
            "this process has imported Aesara without a compiler, as --backend jax and --dry-run do, and Aesara fixes "
            "its settings when it is imported: use the C backend in another process."
        )
    if _in_force is None:
        aliases.restore()
        repairs.repair()
        count = _set_threads(choice.default_threads() if threads is None else threads)
        _in_force = _imported(count) if "aesara" in sys.modules else _prepare(count)
    elif threads is not None and threads != _in_force.threads:
        if _is_forked and threads > 1:
            raise UserError(
                f"The number of threads is {threads}, but this process was forked from one with several, which a fork "
                "leaves behind: give 1, or start it with multiprocessing's 'spawn'."
            )
        _in_force = replace(_in_force, threads=_set_threads(threads))
    return _in_force


def import_without_compiler() -> None:
    """Import Aesara only to build graphs, not to compile them; no compiler is needed.

    Child processes and later reads of the user's settings are not affected.
    """
    global _without_compiler
    begins = "aesara" not in sys.modules
    aliases.restore()
    repairs.repair()
    check.aesara()
    check.device(flags.split(os.environ.get("AESARA_FLAGS", "")))
    check.compile_folder()
    for name in ("configdefaults", "tensor.blas"):  # they warn that there is no compiler
        logging.getLogger("aesara." + name).setLevel(logging.ERROR)
    text = flags.join({"floatX": "float32", "device": "cpu", "cxx": "", "blas__ldflags": ""})
    before = os.environ.get("AESARA_FLAGS")
    os.environ["AESARA_FLAGS"] = ",".join(filter(None, (text, before)))
    try:
        import aesara  # it reads the variable once
    finally:
        if before is None:
            del os.environ["AESARA_FLAGS"]
        else:
            os.environ["AESARA_FLAGS"] = before
    _without_compiler = _without_compiler or begins and not aesara.config.cxx and "cxx" not in flags.split(before or "")


def mode(allow_gc: bool = False):
    """Return the compile mode for ``aesara.function``.

    Parameters
    ----------
    allow_gc
        True frees intermediate results during a call (less memory); False
        keeps their memory for the next call (faster).
    """
    from aesara.compile.mode import get_default_mode

    from ladder.backends import header

    repairs.repair()
    header.use()
    default = get_default_mode().excluding(*EXCLUDED_REWRITES)
    return default.clone(link_kwargs={"allow_gc": allow_gc})


def function(inputs, outputs, updates=None, givens=None, allow_gc=False):
    """See :func:`ladder.backends.function`."""
    import aesara

    with failures.explained():
        return aesara.function(
            inputs, outputs, updates=updates, givens=givens, mode=mode(allow_gc=allow_gc), on_unused_input="ignore"
        )


class Updates:
    """See :func:`ladder.backends.updates`; one update at a time.

    Attributes
    ----------
    at_once : int
        The best number of updates per call.
    """

    at_once = 1

    def __init__(self, inputs, monitored, changes, data):
        self._names, self._monitored, self._data = [v.name for v in inputs], list(monitored), data
        self._function = function(inputs, list(monitored.values()), changes)

    def make(self, requests):
        """Make updates.

        Parameters
        ----------
        requests : list of dict of input name -> positions (batch,), one per update
            For an input that is not in the data: the array (batch, …) itself.

        Returns
        -------
        list of dict of name -> float: the monitored values, each from before its update
        """
        return [self._make_one(request) for request in requests]

    def _make_one(self, request):
        values = self._function(*(self._pick(name, request[name]) for name in self._names))
        return dict(zip(self._monitored, map(float, values)))

    def _pick(self, name, asked):
        return self._data[name][asked] if name in self._data else asked


def make_together(runs, requests):
    """See :func:`ladder.backends.make_together`."""
    return [run.make(each) for run, each in zip(runs, requests)]


def _after_fork():
    """Use one thread in a forked process: OpenMP would wait forever for threads that only the parent has."""
    global _in_force, _is_forked
    if _in_force is not None and _in_force.threads > 1:
        _is_forked = True
        _in_force = replace(_in_force, threads=_set_threads(1))


os.register_at_fork(after_in_child=_after_fork)


def describe() -> dict[str, str | int]:
    """Return what determines speed and rounding; see :func:`ladder.backends.describe`."""
    backend = configure()
    return {
        "blas": f"{backend.blas.name} {backend.blas.version}".strip(),
        "blas_ldflags": backend.blas.ldflags,
        "compiler": _compiler_version(backend.cxx),
        "threads": backend.threads,
        "aesara_flags": backend.flags,
    }


def _compiler_version(cxx: str) -> str:
    """The first line of a compiler's version text, 'none' without a compiler."""
    if not cxx:
        return "none"
    return subprocess.run([cxx, "--version"], capture_output=True, text=True).stdout.split("\n")[0]


def _prepare(threads: int) -> CBackend:
    check.system()
    check.python_version()
    check.aesara()
    user = flags.user()
    cxx = user["cxx"] if "cxx" in user else check.find_compiler()
    check.device(user)
    check.compile_folder()
    if cxx:  # empty if the user chose Python instead of C
        check.compiler(cxx)
        check.links(cxx, user.get("blas__ldflags", ""))
    compile_lock.tell()
    damaged_modules.remove(flags.compile_folder())
    library = blas.named(user["blas__ldflags"]) if "blas__ldflags" in user else blas.find(cxx)
    if library.name == "none":
        log.warning(
            "No BLAS found: the plain graph, validation and predictions will be slow: install scipy from PyPI, or mkl"
        )
    _set_openmp()
    wanted = {
        "floatX": "float32",
        "device": "cpu",
        "cxx": cxx,
        # Set even if empty: otherwise Aesara would spend seconds looking for a BLAS.
        "blas__ldflags": library.ldflags,
        **numpy_headers.settings(),
    }
    missing = [name for name in wanted if name not in user and name.lower() not in user]
    ours = flags.join({name: wanted[name] for name in missing})
    text = ",".join(part for part in (ours, os.environ.get("AESARA_FLAGS", "")) if part)
    os.environ["AESARA_FLAGS"] = text
    return CBackend(library, threads, cxx, text)


def _imported(threads: int) -> CBackend:
    from aesara import config

    library = blas.named(config.blas__ldflags)
    return CBackend(library, threads, config.cxx, os.environ.get("AESARA_FLAGS", ""))


def _set_threads(threads: int) -> int:
    """Set the number of threads, for libraries not yet loaded and for those already in memory."""
    from threadpoolctl import threadpool_limits

    if threads < 1:
        raise UserError(f"The number of threads is {threads}: give 1 or more.")
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    threadpool_limits(threads)
    return threads


def _set_openmp() -> None:
    # Between two products a thread has a few microseconds to wait: long enough
    # that falling asleep and waking cost a third of an update on idle cores.
    # Threads that spin for long take tens of times as long when another process
    # wants their core.  So they spin briefly and then sleep (docs/performance.md).
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    # By default MKL loads Intel's OpenMP beside the GNU one that g++ links:
    # two thread pools that know nothing of each other.
    os.environ.setdefault("MKL_THREADING_LAYER", "GNU" if _loads("libgomp.so.1") else "INTEL")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
