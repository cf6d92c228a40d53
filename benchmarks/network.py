"""The ladders that contestants train, and batches for them; without Aesara."""

import math
from dataclasses import dataclass

import numpy as np

from ladder.layer_specs import CONVOLUTIONS, POOLINGS, parse_layer

#: Updates in an epoch.
EPOCH = 600


@dataclass(frozen=True)
class Layer:
    """One layer, layer 0 being the input.

    Attributes
    ----------
    kind : 'input', 'fc', 'convv' (valid), 'convf' (full), 'maxpool' or 'globalmeanpool'
    shape : tuple of int, of one example's z: (units,) or (maps, height, width)
    size : int, width of the filters or the pooling window; 0 where there is none
    """

    kind: str
    shape: tuple
    size: int = 0

    @property
    def units(self):
        return math.prod(self.shape)


@dataclass(frozen=True)
class Network:
    """A ladder with the gauss decoder in and above the lowest layer that has a denoising cost.

    Attributes
    ----------
    in_dim : tuple of int, shape of one example
    encoder_layers : tuple of str, as on the command line
    denoising_costs : tuple of float, one per layer
    act : 'relu' or 'leakyrelu', below the softmax at the top
    top_c : bool, whether the top has a scale before its softmax
    n_labeled, n_unlabeled : int, examples in an update
    noise_std, learning_rate : float
    adversarial_tau : float
        Of adversarial noise, ``sgn``, on the labelled examples; 0 for none.
    """

    in_dim: tuple
    encoder_layers: tuple
    denoising_costs: tuple
    act: str = "relu"
    top_c: bool = True
    n_labeled: int = 100
    n_unlabeled: int = 100
    noise_std: float = 0.3
    learning_rate: float = 0.002
    adversarial_tau: float = 0.0

    @property
    def layers(self):
        """A Layer each, the input first."""
        return _layers(self.in_dim, self.encoder_layers)

    @property
    def convolutional(self):
        return any(len(layer.shape) > 1 for layer in self.layers)

    @property
    def dims(self):
        """Units of each layer, the input first."""
        return tuple(layer.units for layer in self.layers)

    @property
    def top(self):
        """Number of the highest layer."""
        return len(self.encoder_layers)

    @property
    def bottom(self):
        """Number of the lowest layer with a denoising cost, where the decoder ends."""
        return next(i for i, cost in enumerate(self.denoising_costs) if cost > 0)

    @property
    def noise_shapes(self):
        """Shape of each layer's noise, the labelled examples first."""
        return [(self.n_labeled + self.n_unlabeled, *layer.shape) for layer in self.layers]

    @property
    def options(self):
        """The ladder's own options, by name."""
        decoders = ["0"] * self.bottom + ["gauss"] * (self.top + 1 - self.bottom)
        return {
            "encoder_layers": self.encoder_layers,
            "denoising_cost_x": self.denoising_costs,
            "decoder_spec": tuple(decoders),
            "act": (self.act,),
            "top_c": self.top_c,
            "f_local_noise_std": (self.noise_std,),
            "super_noise_std": self.noise_std,
            "lr": self.learning_rate,
            "labeled_samples": self.n_labeled,
        }


def _layers(in_dim, specs):
    """A Layer each, the input first."""
    layers = [Layer("input", tuple(in_dim))]
    for spec in map(parse_layer, specs):
        below = layers[-1].shape
        assert spec.kind != "maxpool" or spec.stride == spec.size, "windows that overlap are not built here"
        assert spec.kind not in CONVOLUTIONS or spec.stride == 1, "strides are not built here"
        size = below[-1] if spec.kind == "globalmeanpool" else spec.size
        layers.append(Layer(spec.kind, spec.out_dim(below), size))
    return layers


LARGE = Network((784,), ("1000", "500", "250", "250", "250", "10"), (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1))

#: The README's mnist_100_conv_gamma.
CONV_SMALL = Network(
    (1, 28, 28),
    (
        "convf:32:5:1:1",
        "maxpool:2:2",
        "convv:64:3:1:1",
        "convf:64:3:1:1",
        "maxpool:2:2",
        "convv:128:3:1:1",
        "convv:10:1:1:1",
        "globalmeanpool:6:6",
        "fc:10",
    ),
    (0.0,) * 9 + (1.0,),
)

#: The README's cifar_4k_gamma.
CONV_LARGE = Network(
    (3, 32, 32),
    (
        "convv:96:3:1:1",
        "convf:96:3:1:1",
        "convf:96:3:1:1",
        "maxpool:2:2",
        "convv:192:3:1:1",
        "convf:192:3:1:1",
        "convv:192:3:1:1",
        "maxpool:2:2",
        "convv:192:3:1:1",
        "convv:192:1:1:1",
        "convv:10:1:1:1",
        "globalmeanpool:0",
    ),
    (0.0,) * 12 + (4.0,),
    act="leakyrelu",
    top_c=False,
)

#: The README's mnist_100_conv_fc.
CONV_FC = Network(
    (1, 28, 28),
    (
        "convv:1000:26:1:1",
        "convv:500:1:1:1",
        "convv:250:1:1:1",
        "convv:250:1:1:1",
        "convv:250:1:1:1",
        "convv:10:1:1:1",
        "globalmeanpool:0",
    ),
    (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
)

NETWORKS = {"mnist": LARGE, "conv_small": CONV_SMALL, "conv_large": CONV_LARGE, "conv_fc": CONV_FC}

#: Small networks of the same kinds, for tests: halves of different sizes, so that mixing them up shows, images
#: whose edges do not fill the pooling windows, and a decoder through every kind of layer.
SMALL_NETWORKS = {
    "mnist": Network((12,), ("9", "7", "4"), (10.0, 1.0, 0.5, 0.3), n_labeled=20, n_unlabeled=23),
    "conv_small": Network(
        (1, 7, 7),
        ("convf:5:3:1:1", "maxpool:2:2", "convv:6:2:1:1", "globalmeanpool:4:4", "fc:4"),
        (0.0,) * 5 + (1.0,),
        n_labeled=20,
        n_unlabeled=23,
    ),
    "conv_large": Network(
        (3, 6, 6),
        ("convv:5:2:1:1", "convf:4:3:1:1", "maxpool:2:2", "convv:4:1:1:1", "globalmeanpool:0"),
        (0.0,) * 5 + (4.0,),
        act="leakyrelu",
        top_c=False,
        n_labeled=20,
        n_unlabeled=23,
    ),
    "conv_fc": Network(
        (2, 6, 6),
        ("convv:7:4:1:1", "maxpool:2:2", "convf:6:2:1:1", "convv:4:1:1:1", "globalmeanpool:0"),
        (10.0, 1.0, 0.5, 0.3, 0.2, 0.1),
        n_labeled=20,
        n_unlabeled=23,
    ),
}


def first_parameters(network, rng):
    """Initial values by the ladder's names: name -> float32 array.

    Parameters
    ----------
    network : Network
    rng : numpy Generator
    """
    values, layers, top = {}, network.layers, network.top
    for i, (below, above) in enumerate(zip(layers, layers[1:]), 1):
        if above.kind not in POOLINGS:
            values[f"f_{i}_W"] = first_weights(above, below, above, rng)
        if above.kind not in POOLINGS or i == top:
            values[f"f_{i}_b"] = np.zeros(above.shape[0])
        if above.kind not in POOLINGS and i > network.bottom:
            values[f"g_{i - 1}_W"] = first_weights(above, above, below, rng)
    if network.top_c:
        values[f"f_{top}_c"] = np.ones(layers[top].shape[0])
    for i in range(network.bottom, top + 1):
        of_maps = i < top and layers[i + 1].kind in (*CONVOLUTIONS, *POOLINGS)
        for k in range(1, 11):
            # a2 and a7 multiply u inside the sigmoids; all others start at 0.
            values[f"g_{i}_a{k}"] = np.full(layers[i].shape[0] if of_maps else layers[i].units, float(k in (2, 7)))
    return {name: value.astype("float32") for name, value in values.items()}


def first_weights(layer, source, target, rng):
    """Weights of a layer from one layer's signal to another's: upwards, or downwards in the decoder."""
    if layer.kind == "fc":
        return rng.standard_normal((source.units, target.units)) / np.sqrt(source.units)
    shape = (target.shape[0], source.shape[0], layer.size, layer.size)
    bound = np.sqrt(3 / math.prod(shape[1:]))
    return rng.uniform(-bound, bound, shape)


def first_averages(network):
    """Running mean and variance of each layer above the input: float32 zeros, by the ladder's names."""
    return {
        f"shared_f_{i}_bn_{kind}_clean": np.zeros(layer.shape[0], "float32")
        for i, layer in enumerate(network.layers[1:], 1)
        for kind in ("mean", "var")
    }


def random_batch(network, rng):
    """A batch as the ladder's data stream has it: name -> array."""
    shape = network.layers[0].shape
    return {
        "features_labeled": rng.random((network.n_labeled, *shape), "float32"),
        "targets_labeled": rng.integers(0, network.dims[-1], network.n_labeled),
        "features_unlabeled": rng.random((network.n_unlabeled, *shape), "float32"),
    }


def random_positions(network, n, updates, seed):
    """Which of n examples are in each update's batches: labelled and unlabelled, (updates, examples) int64 each."""
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, n, (updates, each)) for each in (network.n_labeled, network.n_unlabeled))
