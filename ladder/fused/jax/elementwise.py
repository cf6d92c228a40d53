"""Activations and decoder functions, and their gradients, as JAX functions of arrays.

They are made from the same graph of scalars that :mod:`ladder.fused.elementwise`
prints as C++: applied to arrays, its operations broadcast.
"""

import jax.numpy as jnp
from aesara.graph.fg import FunctionGraph
from aesara.link.utils import fgraph_to_python

from ladder.backends.jax import conversions
from ladder.backends.jax.rewrites import FOR_XLA
from ladder.fused.elementwise import simplified
from ladder.fused.jax.columns import total


def value_function(applied):
    """(z, [u,] parameters) -> value, shaped like z.

    Parameters
    ----------
    applied : ladder.fused.elementwise.Elementwise
    """
    function = function_of_arrays(_used(applied), simplified([applied.value]))
    return lambda z, *others: jnp.broadcast_to(function(z, *others)[0], z.shape)


def gradient_function(applied):
    """(z, [u,] parameters, gradient) -> gradients for the signals and the parameters, shaped like z."""
    inputs = _used(applied)
    gradients = [applied.gradients[x.name] for x in inputs]
    wanted = simplified([d for d in gradients if d is not None])
    function = function_of_arrays([*inputs, applied.g], wanted)

    def gradient(z, *others):
        found = iter(function(z, *others))
        return [jnp.zeros_like(z) if d is None else jnp.broadcast_to(next(found), z.shape) for d in gradients]

    return gradient


def summed(gradient, parameter):
    """Gradients for all entries of a column -> the gradient for its parameter."""
    return total(gradient).reshape(parameter.shape)


def separate(applied, parameters):
    """The parameters as the function takes them: the numbers that units share are passed one by one."""
    n = len(applied.parameters)
    return [*parameters[:n], *(number for shared in parameters[n:] for number in shared)]


def together(applied, gradients, parameters):
    """Gradients for what :func:`separate` gave, shaped like z -> those for the parameters."""
    n = len(applied.parameters)
    found = [summed(d, p) for d, p in zip(gradients, parameters[:n])]
    return [*found, *(jnp.stack([total(d).sum() for d in gradients[n:]]) for _ in parameters[n:])]


def _used(applied):
    """The inputs, without u if the function does not use it, as fused operations are not given one then."""
    return [x for name, x in applied.inputs.items() if name != "u" or applied.uses_u]


def function_of_arrays(inputs, outputs):
    """The graph from ``inputs`` to ``outputs``, all scalars, as a function: arrays, in this order -> list of arrays."""
    graph = FunctionGraph(inputs, outputs, clone=True)
    FOR_XLA.rewrite(graph)
    return fgraph_to_python(graph, conversions.convert, const_conversion_fn=conversions.constant)
