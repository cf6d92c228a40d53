"""What a layer makes of all training examples: the data of the next one."""

import aesara.tensor as at
import numpy as np

from ladder import backends, budget
from ladder.bricks.normalization import EPSILON

#: Examples at a time.
CHUNK = 1000


def z_pre(ladder, i, features, positions):
    """A layer's z before normalisation, from the clean z of the layer below.

    Parameters
    ----------
    ladder : LadderAE
    i : int, number of the layer
    features : (N, …) float32
        z of layer i - 1, normalised.
    positions : (n,) int64

    Returns
    -------
    (n, units) float32
    """
    z = at.TensorType("float32", shape=(None, *ladder.layers[i - 1].dim))()
    parameters = ladder.encoder_parameters()
    (product,) = ladder.bricks.dense([ladder.begin_path(i - 1, z, {}, parameters).h[i - 1]], parameters[i][0])
    return in_chunks(backends.function([z], product, allow_gc=True), features, positions, ladder.layers[i].size)


def products(W, package, v, positions):
    """The products v W of these examples with a machine's weights: (n, hidden) float32.

    Parameters
    ----------
    W : (visible, hidden) float32
    package : ladder.bricks or ladder.fused
    v : (N, visible) float32
    positions : (n,) int64
    """
    x = at.TensorType("float32", shape=(None, len(W)))()
    (product,) = package.dense([x], at.constant(W))
    return in_chunks(backends.function([x], product, allow_gc=True), v, positions, W.shape[1])


def in_chunks(function, features, positions, width):
    """A compiled function, applied to the examples at these positions in chunks: (n, width) float32."""
    budget.ask(4 * len(positions) * width, f"{width} units of {len(positions)} examples", "pre-train on fewer examples")
    result = np.empty((len(positions), width), "float32")
    for start in range(0, len(positions), CHUNK):
        result[start : start + CHUNK] = function(features[positions[start : start + CHUNK]])
    return result


def mean_and_variance(x, positions):
    """Mean and variance of every unit over these examples, summed in float64: (units,) each."""
    n, chunks = len(positions), range(0, len(positions), CHUNK)
    picked = lambda start: x[positions[start : start + CHUNK]].astype("float64")
    mean = sum(picked(start).sum(axis=0) for start in chunks) / n
    return mean, sum(np.square(picked(start) - mean).sum(axis=0) for start in chunks) / n


def root(variance):
    """The divisor of batch normalisation: (units,) float64."""
    return np.sqrt(variance + np.float64(EPSILON))


def normalise(x, mean, variance):
    """Normalise z_pre in place: (n, units) float32."""
    mean, divisor = mean.astype("float32"), root(variance).astype("float32")
    for start in range(0, len(x), CHUNK):
        x[start : start + CHUNK] = (x[start : start + CHUNK] - mean) / divisor
    return x
