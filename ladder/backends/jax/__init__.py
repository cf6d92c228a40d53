"""Aesara's graphs on XLA, by way of JAX: on a CPU, or on a GPU where JAX has one.

``setup`` finds JAX and a device, ``graph`` makes a pure function of a graph with
the ``conversions`` that Aesara's own JAX linker lacks, ``normals`` are the
generators of noise.  Here are the two things that use them: ``function``, and
``Updates``, which makes many updates in one program.

Shared variables hold arrays of JAX, on the device, once a program has changed
them: ``get_value`` copies there, and ``set_value`` puts a NumPy array in their
place, which goes to the device with the next call.
"""

from ladder.backends.jax.setup import configure, describe

__all__ = ["Updates", "configure", "describe", "function", "make_together"]


def function(inputs, outputs, updates=None, givens=None, allow_gc=False):
    """See :func:`ladder.backends.function`; memory is XLA's affair, whatever ``allow_gc`` says."""
    from ladder.backends.jax.compiled import Function

    return Function(inputs, outputs, updates, givens)


def __getattr__(name):
    # JAX and Aesara are imported by what needs them, after ``configure``.
    if name in ("Updates", "make_together"):
        from ladder.backends.jax import updates

        return getattr(updates, name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
