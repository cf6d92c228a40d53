"""The ladder that all contestants train, and a batch for it; NumPy alone."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Network:
    """A ladder with the gauss decoder, ReLU below a softmax layer.

    Attributes
    ----------
    dims : tuple of int, units of each layer, the input first
    denoising_costs : tuple of float, one a layer
    n_labeled, n_unlabeled : int, examples in an update
    noise_std, learning_rate : float
    adversarial_tau : float
        Of adversarial noise, ``sgn``, on the labelled examples; 0 for none.
    """

    dims: tuple
    denoising_costs: tuple
    n_labeled: int = 100
    n_unlabeled: int = 100
    noise_std: float = 0.3
    learning_rate: float = 0.002
    adversarial_tau: float = 0.0

    @property
    def top(self):
        """Number of the highest layer."""
        return len(self.dims) - 1

    @property
    def noise_shapes(self):
        """Shape of each layer's noise, the labelled examples first."""
        return [(self.n_labeled + self.n_unlabeled, dim) for dim in self.dims]


LARGE = Network((784, 1000, 500, 250, 250, 250, 10), (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1))

#: For tests: halves of different sizes, so that mixing them up shows.
SMALL = Network((12, 9, 7, 4), (10.0, 1.0, 0.5, 0.3), n_labeled=20, n_unlabeled=23)


def first_parameters(network, rng):
    """First values by the ladder's names: name -> float32 array.

    Parameters
    ----------
    network : Network
    rng : numpy Generator
    """
    values, top = {}, network.top
    for i, (below, above) in enumerate(zip(network.dims, network.dims[1:]), 1):
        values[f"f_{i}_W"] = rng.standard_normal((below, above)) / np.sqrt(below)
        values[f"f_{i}_b"] = np.zeros(above)
        values[f"g_{i - 1}_W"] = rng.standard_normal((above, below)) / np.sqrt(above)
    values[f"f_{top}_c"] = np.ones(network.dims[top])
    for i, dim in enumerate(network.dims):
        for k in range(1, 11):
            # a2 and a7 multiply u inside the sigmoids; all else starts at 0.
            values[f"g_{i}_a{k}"] = np.full(dim, 1.0 if k in (2, 7) else 0.0)
    return {name: value.astype("float32") for name, value in values.items()}


def first_averages(network):
    """Running mean and variance of each layer above the input: float32 zeros, by the ladder's names."""
    return {
        f"shared_f_{i}_bn_{kind}_clean": np.zeros(dim, "float32")
        for i, dim in enumerate(network.dims[1:], 1)
        for kind in ("mean", "var")
    }


def random_batch(network, rng):
    """A batch as the ladder's data stream has it: name -> array."""
    return {
        "features_labeled": rng.random((network.n_labeled, network.dims[0]), "float32"),
        "targets_labeled": rng.integers(0, network.dims[-1], network.n_labeled),
        "features_unlabeled": rng.random((network.n_unlabeled, network.dims[0]), "float32"),
    }
