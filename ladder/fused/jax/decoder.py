"""One decoder layer after its matrix product, with its cost, and the gradient of both."""

import jax.numpy as jnp

from ladder.fused.jax.columns import mean, normalization_gradient, reciprocal_deviation, statistics, total
from ladder.fused.jax.elementwise import gradient_function, separate, together, value_function


def denoise(operation):
    """:class:`ladder.fused.decoder.Denoise`: ([u_pre,] z_corr, z_clean, [mean, variance,] parameters) -> z_est, cost."""
    applied = operation.elementwise()
    g = value_function(applied)

    def function(*inputs):
        (u_pre, z_corr, z_clean, m, s), parameters, _ = operation.split(inputs)
        z_est = g(*_signals(z_corr, u_pre), *separate(applied, parameters))
        return z_est, _mean_of_all(jnp.square(_compared(z_est, m, s) - z_clean))

    return function


def denoise_gradient(operation):
    """:class:`ladder.fused.decoder.DenoiseGradient`: (inputs, z_est, gradients) -> gradients for the inputs."""
    applied = operation.elementwise()
    g_gradient = gradient_function(applied)

    def function(*inputs):
        (u_pre, z_corr, z_clean, m, s), parameters, (z_est, *present) = operation.split(inputs)
        present = iter(present)
        dz_est, dcost = (next(present) if there else None for there in (operation.has_est, operation.has_cost))
        dcompared = [None] * 3
        if dcost is not None:
            through_cost, *dcompared = _cost_gradient(dcost, z_est, z_clean, m, s)
            dz_est = through_cost if dz_est is None else dz_est + through_cost
        dz_corr, *rest = g_gradient(*_signals(z_corr, u_pre), *separate(applied, parameters), dz_est)
        du = [rest.pop(0)] if u_pre is not None else []
        if u_pre is not None:
            u, reciprocal = _normalized(u_pre)
            du = [normalization_gradient(du[0], u, reciprocal)]
        dparameters = together(applied, rest, parameters)
        return *du, dz_corr, *(d for d in dcompared if d is not None), *dparameters

    return function


def _signals(z_corr, u_pre):
    """The signals that the decoder function is applied to."""
    return (z_corr,) if u_pre is None else (z_corr, _normalized(u_pre)[0])


def _normalized(u_pre):
    """u normalised with its own mean and variance, and the reciprocal of its deviation."""
    m, s = statistics(u_pre)
    reciprocal = reciprocal_deviation(s)
    return (u_pre - m) * reciprocal, reciprocal


def _compared(z_est, m, s):
    """The estimate as it is compared with the clean z."""
    return z_est if m is None else (z_est - m) * reciprocal_deviation(s)


def _mean_of_all(x):
    return mean(x).mean()


def _cost_gradient(dcost, z_est, z_clean, m, s):
    """Gradients of the cost for z_est, z_clean, mean, variance; None for the latter two if there are none."""
    d = (_compared(z_est, m, s) - z_clean) * (dcost * (2.0 / z_clean.size))
    if m is None:
        return d, -d, None, None
    reciprocal = reciprocal_deviation(s)
    dz_est = d * reciprocal
    ds = total(dz_est * (z_est - m)) * jnp.square(reciprocal) * -0.5
    return dz_est, -d, -total(dz_est), ds
