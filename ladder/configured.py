"""The backend of this process: the function behind ``ladder.configure``."""

from ladder import backends
from ladder.arguments import naming_arguments
from ladder.backends import choice
from ladder.errors import UserError

_configured = None


def configure(backend="c", threads=None, device=None, matmul_precision=None):
    """Choose the backend that compiles and computes, once per process; without it, the first use takes the C backend.

    Parameters
    ----------
    backend : {'c', 'jax'}
        Aesara's own C code (needs a C++ compiler), or XLA through JAX.
    threads : int, optional
        Default: ``OMP_NUM_THREADS`` if set, else the cores that this process may use.
    device : {'cpu', 'gpu'}, optional
        With ``jax``; default: a GPU if JAX has one.
    matmul_precision : {'float32', 'tf32'}, optional
        With ``jax``: the precision of matrix products on GPUs.

    Returns
    -------
    str
        A one-line summary of what is in force.

    Raises
    ------
    ArgumentError
        The backend is not installed, or this process already uses another
        one: Aesara fixes its settings when it is imported.

    Notes
    -----
    ``jax`` sets JAX flags for the whole process: 64-bit types, the precision
    of products, the compilation cache and, with ``device='cpu'``, the platform.

    Examples
    --------
    >>> import ladder
    >>> ladder.configure(threads=1)  # doctest: +ELLIPSIS
    'BLAS: ..., 1 threads'
    """
    global _configured
    with naming_arguments():
        arguments = choice.checked(backend, threads, device=device, matmul_precision=matmul_precision)
        found = backends.configure(**arguments)
        if threads is not None and found.threads != threads:
            raise UserError(
                f"this process computes with {found.threads} threads already, which JAX fixes when it is first used: "
                f"ask for {threads} in another process."
            )
    _configured = backend
    return found.summary


def ready():
    """The configured backend, or else the C backend."""
    if _configured is None:
        configure()
    return backends.configure(_configured)
