"""One encoder layer after its matrix product, and its gradient."""

import jax.numpy as jnp

from ladder.fused.jax.columns import (
    n_rows,
    normalization_gradient,
    normalize,
    reciprocal_deviation,
    rounded,
    statistics,
)
from ladder.fused.jax.elementwise import gradient_function, summed, value_function


def encode(operation):
    """:class:`ladder.fused.encoder.Encode`: (z_pre, [noise, std,] [b,] [c]) -> z, h, mean, variance."""
    activate = value_function(operation.elementwise())

    def function(z_pre, *rest):
        m, s = statistics(z_pre)
        z = normalize(z_pre, m, s)
        if operation.noisy:
            noise, std, *rest = rest
            z = z + rounded(noise * jnp.float32(std), s)
        return z, activate(z, *rest), m, s

    return function


def encode_gradient(operation):
    """:class:`ladder.fused.encoder.EncodeGradient`: (z_pre, z, mean, variance, [b,] [c,] gradients) -> gradients."""
    activation_gradient = gradient_function(operation.elementwise())
    n_parameters = operation.n_parameters

    def function(z_pre, z, m, s, *rest):
        parameters, present = rest[:n_parameters], iter(rest[n_parameters:])
        dz, dh, dm, ds = (next(present) if there else None for there in operation.has)
        dparameters = [0 * p for p in parameters]
        if dh is not None:
            through_h, *dparameters = activation_gradient(z, *parameters, dh)
            dparameters = [summed(d, p) for d, p in zip(dparameters, parameters)]
            dz = through_h if dz is None else dz + through_h
        reciprocal = reciprocal_deviation(s)
        centred = z_pre - m
        found = jnp.zeros_like(z_pre)
        if dz is not None:
            found = normalization_gradient(dz, centred * reciprocal, reciprocal)
        if dm is not None:
            found = found + dm * (1.0 / n_rows(z_pre))
        if ds is not None:
            found = found + ds * (2.0 / n_rows(z_pre)) * centred
        return found, *dparameters

    return function
