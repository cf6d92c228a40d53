"""The same ladder in JAX: one jitted function per update, its state donated.

As in PyTorch's, the clean labelled half has a pass of its own, without
gradients, and the other three go through each layer in one product.  The noise
is JAX's default, Threefry (faster here than ``rbg``), or that of the ladder's
JAX backend, so that only the rest differs.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from network import first_averages, first_parameters, random_batch

#: Running averages cover this many of the last updates.
RUNNING_UPDATES = 10


def costs(parameters, network, batch, noise):
    """All costs of a batch.

    Parameters
    ----------
    parameters : dict of name -> array
    network : Network
    batch : dict of name -> array
    noise : list of standard normal arrays, one per layer, labelled examples first

    Returns
    -------
    total : scalar
    values : dict of name -> scalar: cost_total, cost_class_corr, denois0 …
    """
    clean, corrupted, logits = encoders(parameters, network, batch, noise)
    n = network.n_labeled
    log_probabilities = jax.nn.log_softmax(logits[:n])
    values = {"cost_class_corr": -log_probabilities[jnp.arange(n), batch["targets_labeled"]].mean()}
    total, u = values["cost_class_corr"], jax.nn.softmax(logits[n:])
    for i in reversed(range(network.top + 1)):
        if i < network.top:
            u = u @ parameters[f"g_{i}_W"]
        z, mean, variance = clean[i]
        u = estimate = gauss(parameters, i, corrupted[i], normalize_by_itself(u))
        if i > 0:
            estimate = normalize(estimate, mean, variance)
        values[f"denois{i}"] = jnp.square(estimate - z).mean()
        total = total + network.denoising_costs[i] * values[f"denois{i}"]
    return total, {"cost_total": total, **values}


def encoders(parameters, network, batch, noise):
    """The clean encoder of the unlabelled half and the corrupted one of both.

    Returns
    -------
    clean : list of (z, mean, variance), one per layer
    corrupted : list of z of the unlabelled half, one per layer
    logits : of the corrupted encoder, labelled examples first
    """
    n, m, std = network.n_labeled, network.n_unlabeled, network.noise_std
    x = batch["features_unlabeled"]
    noisy = jnp.concatenate([batch["features_labeled"], x]) + std * noise[0]
    clean, corrupted = [(x, None, None)], [noisy[n:]]
    h = jnp.concatenate([x, noisy])
    for i in range(1, network.top + 1):
        z, labeled, unlabeled = jnp.split(h @ parameters[f"f_{i}_W"], [m, m + n])
        mean, variance = z.mean(0), z.var(0)
        z = normalize(z, mean, variance)
        noisy = jnp.concatenate([normalize_by_itself(labeled), normalize_by_itself(unlabeled)]) + std * noise[i]
        clean.append((z, mean, variance))
        corrupted.append(noisy[n:])
        h = activation(parameters, network, i, jnp.concatenate([z, noisy]))
    return clean, corrupted, h[m:]


def clean_statistics(parameters, network, x):
    """Mean and unbiased variance of every layer of the clean labelled half, named as their averages."""
    h, found = x, {}
    for i in range(1, network.top + 1):
        z = h @ parameters[f"f_{i}_W"]
        mean, variance = z.mean(0), z.var(0)
        found[f"shared_f_{i}_bn_mean_clean"] = mean
        found[f"shared_f_{i}_bn_var_clean"] = variance * (len(z) / (len(z) - 1))
        h = activation(parameters, network, i, normalize(z, mean, variance))
    return found


def activation(parameters, network, i, z):
    """A layer's output; at the top the logits, as the softmax is part of what follows."""
    h = z + parameters[f"f_{i}_b"]
    return jax.nn.relu(h) if i < network.top else h * parameters[f"f_{i}_c"]


def gauss(parameters, i, z, u):
    """The decoder's estimate of z from the noisy z and the signal from above."""
    a = [None] + [parameters[f"g_{i}_a{k}"] for k in range(1, 11)]
    mu = a[1] * jax.nn.sigmoid(a[2] * u + a[3]) + a[4] * u + a[5]
    v = a[6] * jax.nn.sigmoid(a[7] * u + a[8]) + a[9] * u + a[10]
    return (z - mu) * v + mu


def normalize(z, mean, variance):
    return (z - mean) * jax.lax.rsqrt(variance + 1e-10)


def normalize_by_itself(z):
    return normalize(z, z.mean(0), z.var(0))


def first_state(network, parameters):
    """Everything that an update changes, a pytree of arrays."""
    values, mean, variance = (
        # Each has buffers of its own, because they are donated.
        {name: jnp.array(scale * value) for name, value in parameters.items()}
        for scale in (1, 0, 0)
    )
    averages = {name: jnp.array(value) for name, value in first_averages(network).items()}
    return {"parameters": values, "mean": mean, "variance": variance, "averages": averages, "time": jnp.float32(0)}


def step(network, state, batch, noise):
    """One update: the new state and the total cost."""
    parameters, time = state["parameters"], state["time"] + 1
    gradients, values = jax.grad(costs, has_aux=True)(parameters, network, batch, noise)
    statistics = clean_statistics(parameters, network, batch["features_labeled"])
    share = 1 / jnp.minimum(time, RUNNING_UPDATES)
    averages = {name: old + share * (statistics[name] - old) for name, old in state["averages"].items()}
    # Adam as Blocks has it: the bias correction in the rate.
    rate = network.learning_rate * jnp.sqrt(1 - 0.999**time) / (1 - 0.9**time)
    mean = {name: 0.9 * state["mean"][name] + 0.1 * g for name, g in gradients.items()}
    variance = {name: 0.999 * state["variance"][name] + 0.001 * g * g for name, g in gradients.items()}
    moved = {name: p - rate * mean[name] / (jnp.sqrt(variance[name]) + 1e-8) for name, p in parameters.items()}
    new = {"parameters": moved, "mean": mean, "variance": variance, "averages": averages, "time": time}
    return new, values["cost_total"]


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2, 3))
def noisy_step(network, draw, state, streams, batch):
    """:func:`step` with noise drawn from the ``streams``, one per layer; also returns the next ones."""
    streams, noise = zip(*map(draw, streams, network.noise_shapes))
    return *step(network, state, batch, list(noise)), list(streams)


def threefry(key, shape):
    """The next key, and normals."""
    key, this = jax.random.split(key)
    return key, jax.random.normal(this, shape, "float32")


def noise_source(name, network):
    """The function that draws, and its streams."""
    if name == "threefry":
        return threefry, list(jax.random.split(jax.random.key(1), len(network.dims)))
    from ladder.backends.jax import normals

    jax.config.update("jax_enable_x64", True)
    streams = range(len(network.dims))
    if name == "philox":
        return normals.philox_normals, [jnp.array([1, stream, 0], "int64") for stream in streams]
    states = np.random.default_rng(1).integers(1, 2**30, (len(network.dims), 15360, 6), "int32")
    return normals.mrg_normals, list(map(jnp.array, states))


def costs_and_gradients(network, parameters, batch, noise):
    """For the comparison with the ladder: dicts of name -> float and name -> array."""
    function = jax.jit(jax.grad(costs, has_aux=True), static_argnums=1)
    gradients, values = function(parameters, network, batch, noise)
    return {name: float(value) for name, value in values.items()}, jax.device_get(gradients)


def after_update(network, parameters, batch, noise):
    """Parameters and running averages after one update, name -> array."""
    state, _ = jax.jit(step, static_argnums=0)(network, first_state(network, parameters), batch, noise)
    return jax.device_get({**state["parameters"], **state["averages"]})


def prepare(network, threads, noise="threefry"):
    """A contestant's update: a function without arguments.

    The number of threads is set by the environment, see ``contest.environment``.
    """
    rng = np.random.default_rng(0)
    draw, streams = noise_source(noise, network)
    state, batch = first_state(network, first_parameters(network, rng)), random_batch(network, rng)

    def update():
        nonlocal state, streams
        state, total, streams = noisy_step(network, draw, state, streams, batch)
        # Otherwise only the cost would be waited for.
        jax.block_until_ready((state, streams))
        return float(total)

    return update
