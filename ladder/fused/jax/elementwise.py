"""Activations and decoder functions, and their gradients, as JAX functions of arrays.

They are made from the same graph of scalars that :mod:`ladder.fused.elementwise`
prints as C++: applied to arrays, its operations broadcast.
"""

import jax.numpy as jnp
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.utils import rewrite_graph
from aesara.link.utils import fgraph_to_python

from ladder.backends.jax import conversions
from ladder.backends.jax.rewrites import FOR_XLA
from ladder.fused.jax.columns import total


def value_function(applied):
    """(z, [u,] parameters) -> value, shaped as z.

    Parameters
    ----------
    applied : ladder.fused.elementwise.Elementwise
    """
    function = _function(_used(applied), [applied.value])
    return lambda z, *others: jnp.broadcast_to(function(z, *others)[0], z.shape)


def gradient_function(applied):
    """(z, [u,] parameters, gradient) -> gradients for the signals and the parameters, shaped as z."""
    inputs = _used(applied)
    gradients = [applied.gradients[x.name] for x in inputs]
    function = _function([*inputs, applied.g], [d for d in gradients if d is not None])

    def gradient(z, *others):
        found = iter(function(z, *others))
        return [jnp.zeros_like(z) if d is None else jnp.broadcast_to(next(found), z.shape) for d in gradients]

    return gradient


def summed(gradient, parameter):
    """Gradients of all entries of a column -> that of its parameter."""
    return total(gradient).reshape(parameter.shape)


def _used(applied):
    """Inputs without a u that the function does not look at, as fused operations are not given one."""
    return [x for name, x in applied.inputs.items() if name != "u" or applied.uses_u]


def _function(inputs, outputs):
    outputs = rewrite_graph(outputs, include=("canonicalize", "stabilize"), clone=False)
    graph = FunctionGraph(inputs, outputs, clone=True)
    FOR_XLA.rewrite(graph)
    return fgraph_to_python(graph, conversions.convert, const_conversion_fn=conversions.constant)
