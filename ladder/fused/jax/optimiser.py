"""An optimiser's update of one parameter."""

import jax
import jax.numpy as jnp

from ladder.fused.jax.elementwise import function_of_arrays


def optimiser_step(operation):
    """:class:`ladder.fused.optimiser.OptimiserStep`."""
    formula = function_of_arrays(*operation.traced())

    def function(*inputs):
        *new, gradient = formula(*inputs)
        return (*new, sum_of_squares(gradient))

    return function


def sum_of_squares(x):
    """:class:`ladder.fused.optimiser.SumOfSquares`."""
    return sum_of_all(jnp.square(x))


def sum_of_all(x):
    """The sum of all entries, adding up rows first: that is more accurate, and XLA vectorises it."""
    if x.ndim > 1:
        x = jax.lax.optimization_barrier(x.sum(axis=tuple(range(x.ndim - 1))))
    return x.sum()
