"""A small classifier with parameters and running statistics drawn at random, and the same in float64 NumPy."""

import numpy as np

from ladder.graph import ParameterStore
from ladder.options import Options
from ladder.training.functions import build_prediction_graph

IN_DIM = (2, 3, 2)
N_CLASSES = 4

P = Options(encoder_layers=("9", str(N_CLASSES)), denoising_cost_x=(0.0, 0.0, 0.0), decoder_spec=("0",))


def parameter_store():
    """Parameters and statistics of a network 12-9-4."""
    shareds = ParameterStore()
    build_prediction_graph(P, IN_DIM, shareds)
    rng = np.random.RandomState(5)
    for name in sorted(shareds):
        if name.startswith(("f_", "shared_")):
            first = shareds[name].get_value()
            value = rng.uniform(0.5, 2, first.shape) if "_var_" in name else first + 0.5 * rng.randn(*first.shape)
            shareds[name].set_value(value.astype("float32"))
    return shareds


def examples(n=20):
    """(n, …) float32 between 0 and 1, (n,) int64."""
    rng = np.random.RandomState(6)
    return rng.rand(n, *IN_DIM).astype("float32"), rng.randint(N_CLASSES, size=n)


class NumpyNetwork:
    """The network's formulae and, by the chain rule, its gradient.

    Parameters
    ----------
    shareds : ParameterStore
    of_the_batch : bool
        Normalise with each batch's own statistics instead of the running ones; :meth:`cross_entropy_gradient` does not.
    """

    def __init__(self, shareds, of_the_batch=False):
        self._of_the_batch = of_the_batch
        self._p = {name: shareds[name].get_value().astype("float64") for name in shareds}

    def logits(self, x):
        p = self._p
        h = np.maximum(0, self._normalized(x.reshape(len(x), -1), 1) + p["f_1_b"])
        return (self._normalized(h, 2) + p["f_2_b"]) * p["f_2_c"]

    def probabilities(self, x):
        z = self.logits(x)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def cross_entropy(self, x, y):
        """(examples,)"""
        z = self.logits(x)
        return np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]

    def cross_entropy_gradient(self, x, y):
        """(examples, …)"""
        p = self._p
        below = self._normalized(x.reshape(len(x), -1), 1) + p["f_1_b"] > 0
        top = (self.probabilities(x) - np.eye(N_CLASSES)[y]) * p["f_2_c"] / self._deviation(2)
        hidden = (top @ p["f_2_W"].T) * below / self._deviation(1)
        return (hidden @ p["f_1_W"].T).reshape(x.shape)

    def _normalized(self, h, i):
        z = h @ self._p[f"f_{i}_W"]
        if self._of_the_batch:
            return (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-10)
        return (z - self._p[f"shared_f_{i}_bn_mean_clean"]) / self._deviation(i)

    def _deviation(self, i):
        return np.sqrt(self._p[f"shared_f_{i}_bn_var_clean"] + 1e-10)
