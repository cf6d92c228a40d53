"""``LadderAE``: the ladder network as one symbolic graph.

Rasmus et al. (2015), "Semi-Supervised Learning with Ladder Networks",
algorithm 1: a clean encoder, a corrupted encoder with the same parameters,
and a decoder that denoises every layer of the corrupted one.
"""

import logging
from types import SimpleNamespace

import aesara.tensor as at
import numpy as np

from ladder.bricks import costs as cost_bricks
from ladder.bricks.activations import ACTIVATIONS
from ladder.bricks.decoder import DECODERS
from ladder.bricks.dense import dense, dense_init
from ladder.bricks.noise import GaussianNoise
from ladder.bricks.normalization import (
    normalize,
    normalize_by_itself,
    running_average,
    statistics,
    unbiased,
)
from ladder.graph.annotations import annotate_update
from ladder.graph.parameters import ParameterStore
from ladder.graph.roles import BIAS, BNPARAM, WEIGHT, add_role
from ladder.hyper import resolve_layers

logger = logging.getLogger("main.model")

#: While training, running averages cover about so many of the last updates.
RUNNING_UPDATES = 10


class LadderAE:
    """A ladder network; parameters are made by the first :meth:`apply`.

    Parameters
    ----------
    p : HyperParameters, or anything with the same attributes
        ``p.encoder_layers[0]`` is the shape of one example.
    shareds : ParameterStore, optional
        Parameters and statistics of another ladder, to build a second graph on.

    Attributes
    ----------
    layers : tuple of ladder.hyper.Layer
    shareds : ParameterStore
        Parameters ``f_1_W``, ``g_0_a1`` …, running statistics
        ``shared_f_1_bn_mean_clean`` …, and their ``counter``.
    noise : GaussianNoise
    act : namespace
        ``act.clean.labeled.z[i]``, likewise ``corr``, ``unlabeled`` and ``h``;
        ``act.clean.unlabeled.m[i]``, ``.s[i]`` for mean and variance;
        ``act.est.z[i]``, ``act.est.h[i]`` for the decoder.
    costs : namespace
        ``total``, ``class_clean``, ``class_corr`` and ``denois[i]``; scalars.
    error : namespace
        ``error.clean``, per cent.
    """

    def __init__(self, p, shareds=None):
        self.p = p
        self.layers = resolve_layers(p)
        self.shareds = ParameterStore() if shareds is None else shareds
        self.noise = GaussianNoise(p.seed)
        self.rng = np.random.RandomState(p.seed)

    def apply(self, input_labeled=None, target_labeled=None, input_unlabeled=None):
        """Build the graph.

        Either half may be left out: without the unlabelled one there is no
        decoder (a plain classifier), without the labelled one no
        classification cost (a denoising autoencoder).

        Parameters
        ----------
        input_labeled : (labelled examples, …) float32, optional
        target_labeled : (labelled examples,) int64, optional
            Without it the labelled half has activations, but no costs.
        input_unlabeled : (unlabelled examples, …) float32, optional
        """
        self.halves = _Halves(input_labeled, input_unlabeled)
        input_concat = self.halves.join(input_labeled, input_unlabeled)

        self.act = SimpleNamespace()
        self.act.clean = self.encoder(input_concat, "clean")
        self.act.corr = self.encoder(input_concat, "corr")
        self.act.est = self.decoder(self.act.clean, self.act.corr)

        self.costs = SimpleNamespace(denois=self.denoising_costs())
        self.error = SimpleNamespace()
        if target_labeled is not None:
            self.classification_costs(target_labeled)
        self.costs.total = self.total_cost()
        self.costs.total.name = "cost_total"

    def clean_outputs(self):
        """The clean encoder's top; its graph holds all running averages' updates."""
        top, clean = len(self.layers) - 1, self.act.clean
        halves = (clean.labeled.h[top], clean.unlabeled.h[top])
        return [h for h in halves if h is not None]

    # Encoder

    def encoder(self, input_, path):
        """One pass through all layers; ``path`` is 'clean' or 'corr'."""
        act = SimpleNamespace(labeled=_activations(), unlabeled=_activations())
        bottom, *above = self.layers
        h = z = input_ if path == "clean" else self.add_noise(input_, bottom)
        self.halves.record(act, 0, z=z, h=h)
        below = bottom
        for layer in above:
            z, m, s, h = self.f(h, below, layer, path)
            self.halves.record(act, layer.number, z=z, h=h)
            act.unlabeled.m[layer.number], act.unlabeled.s[layer.number] = m, s
            below = layer
        return act

    def f(self, h, below, layer, path):
        """One layer of the encoder.

        Returns
        -------
        z : the lateral signal (normalised, then noisy in the corrupted path)
        m, s : mean and variance of the unlabelled half's z before that
        h : the layer's activation
        """
        i = layer.number
        W = self.weight(dense_init(self.rng, below.size, layer.size), f"f_{i}_W")
        z, m, s = self.batch_normalize(dense(h, W), layer, path)
        if path == "corr":
            z = self.add_noise(z, layer)
        return z, m, s, self.apply_activation(z, layer)

    def apply_activation(self, z, layer):
        """``act(c (z + b))``, with b and c only where the activation needs them."""
        i, h = layer.number, z
        if layer.act != "linear":
            h = h + self.bias(np.zeros(layer.size), f"f_{i}_b")
        has_c = layer.act not in ("relu", "leakyrelu", "linear", "softmax")
        if has_c or (layer.act == "softmax" and self.p.top_c):
            h = h * self.weight(np.ones(layer.size), f"f_{i}_c")
        return ACTIVATIONS[layer.act](h)

    def add_noise(self, z, layer):
        """Gaussian noise of the layer's standard deviation; no draw where it is 0."""
        if layer.noise_std == 0:
            return z
        return z + self.noise.like(z) * np.float32(layer.noise_std)

    # Batch normalisation

    def batch_normalize(self, z_pre, layer, path):
        """Normalise each half with its own statistics; also the unlabelled ones."""
        m = s = z_l = z_u = None
        labeled, unlabeled = self.halves.split(z_pre)
        if unlabeled is not None:
            m, s = statistics(unlabeled)
            if path == "clean" and labeled is None:
                m, s = self.keep_running_averages(m, s, unlabeled.shape[0], layer)
            z_u = normalize(unlabeled, m, s)
        if labeled is not None:
            m_l, s_l = statistics(labeled)
            if path == "clean":
                m_l, s_l = self.keep_running_averages(m_l, s_l, labeled.shape[0], layer)
            z_l = normalize(labeled, m_l, s_l)
        return self.halves.join(z_l, z_u), m, s

    def keep_running_averages(self, mean, variance, n, layer):
        """Mark the clean statistics and annotate how their averages change.

        A function for test data is compiled from the same graph with the
        marked variables replaced by their averages
        (:func:`ladder.training.statistics.with_running_statistics`).

        Parameters
        ----------
        mean, variance : (1, units)
        n : scalar, number of examples in the batch
        """
        kept = []
        for kind, value in (("mean", mean), ("var", variance)):
            # Flat, since the shared average is a vector.
            var = value.flatten()
            var.name = f"f_{layer.number}_bn_{kind}_clean"
            add_role(var, BNPARAM)
            average = self.shareds.get_or_make("shared_" + var.name, np.zeros(layer.size))
            # First met after the first average: the original's order of creation.
            counter = self.counter()
            new = var if kind == "mean" else unbiased(var, n)
            annotate_update(var, {average: running_average(new, average, counter), **self.counter_update()})
            kept.append(var.dimshuffle("x", 0))
        return kept

    def counter(self):
        """How many updates the running averages cover, and the most they may."""
        self.shareds.get_or_make("counter", 1, BNPARAM)
        self.shareds.get_or_make("counter_max", RUNNING_UPDATES, BNPARAM)
        return self.shareds["counter"]

    def counter_update(self):
        counter, counter_max = self.shareds["counter"], self.shareds["counter_max"]
        return {counter: at.clip(counter + np.float32(1), np.float32(0), counter_max)}

    # Decoder

    def decoder(self, clean, corr):
        """Denoise the corrupted unlabelled half, from the top layer down."""
        est = _activations()
        if not self.halves.has_unlabeled:
            return est
        top = len(self.layers) - 1
        above = None
        for layer in reversed(self.layers):
            i = layer.number
            u = corr.unlabeled.h[i] if i == top else est.z[i + 1]
            est.z[i] = self.g(corr.unlabeled.z[i], u, layer, above)
            est.h[i] = None if est.z[i] is None else ACTIVATIONS[layer.act](est.z[i])
            above = layer
        return est

    def g(self, z_corr, z_above, layer, above):
        """One layer of the decoder: z_est, shaped as the layer's z, or None.

        ``above`` is the layer above, None at the top, where the corrupted
        encoder's output takes the place of its projection.
        """
        i, u = layer.number, None
        if layer.uses_u:
            u = z_above if above is None else self.project_down(z_above, layer, above)
            u = normalize_by_itself(u)
        z_est = DECODERS[layer.decoder](
            z_corr.flatten(2),
            u,
            w=lambda init, name: self.weight(init * np.ones(layer.size), f"g_{i}_{name}"),
            b=lambda init, name: self.bias(init * np.ones(layer.size), f"g_{i}_{name}"),
        )
        if z_est is not None and len(layer.dim) > 1:
            z_est = z_est.reshape((z_est.shape[0],) + layer.dim)
        return z_est

    def project_down(self, z_above, layer, above):
        """The vertical mapping from the layer above: ``z_est[i + 1] W``."""
        # The root of a float32, as the original's decoder has it.
        init = dense_init(self.rng, np.float32(above.size), layer.size)
        return dense(z_above, self.weight(init, f"g_{layer.number}_W"))

    # Costs

    def denoising_costs(self):
        """Layer number -> denoising cost, where there is a decoder.

        z_est is normalised with the clean statistics of its layer before it
        is compared with the clean z (``zestbn``; the input has none).
        """
        clean, denois = self.act.clean.unlabeled, {}
        for layer in reversed(self.layers):
            i, z_est = layer.number, self.act.est.z.get(layer.number)
            if z_est is None:
                continue
            if i > 0 and self.p.zestbn == "bugfix":
                z_est = normalize(z_est, clean.m[i], clean.s[i])
            denois[i] = cost_bricks.squared_error(z_est, clean.z[i]) / np.float32(layer.size)
            denois[i].name = f"denois{i}"
        return denois

    def classification_costs(self, target_labeled):
        """Cross-entropy of the labelled half on both paths, and the clean error."""
        y, top = target_labeled.flatten(), len(self.layers) - 1
        for path in ("clean", "corr"):
            probabilities = getattr(self.act, path).labeled.h[top]
            cost = cost_bricks.categorical_crossentropy(y, probabilities)
            cost.name = "cost_class_" + path
            setattr(self.costs, "class_" + path, cost)
        self.error.clean = cost_bricks.misclassification_rate(y, self.act.clean.labeled.h[top])
        self.error.clean.name = "error_rate_clean"

    def total_cost(self):
        """What training minimises: corrupted cross-entropy + weighted denoising costs."""
        terms = [self.costs.class_corr] if hasattr(self.costs, "class_corr") else []
        for layer in self.layers:
            if layer.number in self.costs.denois and layer.denoising_cost > 0:
                terms.append(self.costs.denois[layer.number] * np.float32(layer.denoising_cost))
        return sum(terms[1:], terms[0] * np.float32(1)) if terms else at.zeros((), dtype="float32")

    # Parameters

    def weight(self, init, name):
        return self.shareds.get_or_make(name, init, WEIGHT)

    def bias(self, init, name):
        return self.shareds.get_or_make(name, init, BIAS)


class _Halves:
    """The labelled and the unlabelled examples of a batch, joined along axis 0."""

    def __init__(self, labeled, unlabeled):
        self.has_labeled = labeled is not None
        self.has_unlabeled = unlabeled is not None
        # A size known when the graph is built is a constant in it: fewer nodes, faster compilation.
        n = labeled.type.shape[0] if self.has_labeled else 0
        self._n_labeled = labeled.shape[0] if n is None else n

    def join(self, labeled, unlabeled):
        if labeled is None or unlabeled is None:
            return unlabeled if labeled is None else labeled
        return at.concatenate([labeled, unlabeled], axis=0)

    def split(self, x):
        """The two halves of ``x``, None for one that is not there."""
        if not (self.has_labeled and self.has_unlabeled):
            return (x, None) if self.has_labeled else (None, x)
        return x[: self._n_labeled], x[self._n_labeled :]

    def record(self, act, i, **values):
        """Write each half of layer i's variables where ``act`` keeps them."""
        for name, value in values.items():
            labeled, unlabeled = self.split(value)
            getattr(act.labeled, name)[i] = labeled
            getattr(act.unlabeled, name)[i] = unlabeled


def _activations():
    """z, h, mean m and variance s by layer number."""
    return SimpleNamespace(z={}, h={}, m={}, s={})
