"""Aesara's graphs on XLA, by way of JAX: on a CPU, or on a GPU where JAX has one.

``setup`` finds JAX and a device, ``graph`` turns a graph into a pure function
with the ``conversions`` that Aesara's own JAX linker lacks, and ``normals``
holds the noise generators.  This module offers the two things that use them:
``function``, and ``Updates``, which makes many updates in one program.

Once a program has changed shared variables, they hold JAX arrays, on the device:
``get_value`` makes a copy there, and ``set_value`` puts a NumPy array in their place,
which goes to the device with the next call.
"""

from ladder.backends.jax.setup import configure, describe

__all__ = ["Updates", "configure", "describe", "function", "make_together"]


def function(inputs, outputs, updates=None, givens=None, allow_gc=False):
    """See :func:`ladder.backends.function`; ``allow_gc`` has no effect, as XLA manages memory."""
    from ladder.backends.jax.compiled import Function

    return Function(inputs, outputs, updates, givens)


def __getattr__(name):
    # JAX and Aesara are imported only when needed, after ``configure``.
    if name in ("Updates", "make_together"):
        from ladder.backends.jax import updates

        return getattr(updates, name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
