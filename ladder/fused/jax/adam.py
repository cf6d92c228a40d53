"""Adam's update of one parameter."""

import jax
import jax.numpy as jnp


def adam_step(operation):
    """:class:`ladder.fused.adam.AdamStep`."""
    one, beta1, beta2 = 1.0, operation.beta1, operation.beta2

    def function(parameter, mean, variance, gradient, rate):
        squares = jnp.square(gradient)
        mean = beta1 * gradient + (one - beta1) * mean
        variance = beta2 * squares + (one - beta2) * variance
        step = rate * mean / (jnp.sqrt(variance) + operation.epsilon)
        return parameter - step, mean, variance, sum_of_all(squares)

    return function


def sum_of_squares(x):
    """:class:`ladder.fused.adam.SumOfSquares`."""
    return sum_of_all(jnp.square(x))


def sum_of_all(x):
    """The sum of all entries, by rows first: it is the more exact, and XLA vectorises it."""
    if x.ndim > 1:
        x = jax.lax.optimization_barrier(x.sum(axis=tuple(range(x.ndim - 1))))
    return x.sum()
