"""``LadderAE``: the ladder network as one symbolic graph.

Rasmus et al. (2015), "Semi-Supervised Learning with Ladder Networks",
algorithm 1: a clean encoder, a corrupted encoder with the same parameters,
and a decoder that denoises every layer of the corrupted one.
"""

from functools import cached_property
from types import SimpleNamespace

import aesara.tensor as at
import numpy as np

from ladder import bricks, fused
from ladder.adversarial import adversarial_noise, plus, virtual_adversarial_costs
from ladder.adversarial_layers import resolve_adversarial, resolve_vat_cost
from ladder.bricks import costs as cost_bricks
from ladder.bricks import penalties
from ladder.bricks.activations import apply_activation, for_each_piece, softmax
from ladder.bricks.convolution import conv_init
from ladder.bricks.dense import as_matrix, dense_init
from ladder.bricks.encoder import activate
from ladder.bricks.normalization import running_average, unbiased
from ladder.bricks.pooling import global_mean_pool
from ladder.corruption import draw_corruption, through_masks
from ladder.fused.noise import noise_source
from ladder.graph import (
    BIAS,
    BNPARAM,
    MAPPING,
    WEIGHT,
    ParameterStore,
    add_role,
    annotate_update,
    has_role,
    learnt_parameters,
    parameter_makers,
)
from ladder.layer_specs import WINDOWED
from ladder.layers import resolve_layers
from ladder.regularisation import resolve_regularisation

#: While training, running averages cover about this many of the last updates.
RUNNING_UPDATES = 10


class LadderAE:
    """A ladder network; the first :meth:`apply` makes its parameters.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int
        Shape of one example.
    shareds : ParameterStore, optional
        The store of another ladder, to build a second graph on its parameters and statistics.
    plain_graph : bool, optional
        Build the readable graph, in which batch statistics can be replaced,
        instead of the fused one; None: as in ``p.plain_graph``.

    Attributes
    ----------
    layers : tuple of ladder.layers.Layer
    bricks : module
        :mod:`ladder.bricks` or :mod:`ladder.fused`, whose functions build the layers.
    adversarial : dict of half -> (kind, dict of layer number -> tau)
    vat_costs : dict of layer number -> (weight, radius)
    regularisation : ladder.regularisation.Regularisation
    shareds : ParameterStore
        Parameters ``f_1_W``, ``g_0_a1`` …, running averages
        ``shared_f_1_bn_mean_clean`` …, and their ``counter``.
    noise : GaussianNoise, or one of ``ladder.fused.noise``
    act : namespace
        ``act.clean.labeled.z[i]``, likewise ``corr``, ``unlabeled`` and ``h``;
        ``.m[i]`` and ``.s[i]`` for mean and variance of z before
        normalisation, ``.logits`` for the top layer before its softmax;
        ``act.est.z[i]``, ``act.est.h[i]`` for the decoder.
    costs : namespace
        ``total``, ``unpenalised`` (the total without penalties), ``class_clean``, ``class_corr``, ``denois[i]``,
        ``vat[i]``, ``l1`` and ``l2``; scalars.
    error : namespace
        ``error.clean``, in per cent.

    Examples
    --------
    >>> from ladder.options import Options
    >>> p = Options.of(encoder_layers="5-3", decoder_spec="gauss", denoising_cost_x=(1, 0.1, 0.1))
    >>> ladder, features = LadderAE(p, in_dim=(4,)), at.TensorType("float32", shape=(None, 4))
    >>> ladder.apply(features(), at.lvector(), features())
    >>> sorted(ladder.costs.denois)
    [0, 1, 2]
    """

    def __init__(self, p, in_dim, shareds=None, plain_graph=None):
        self.p, self.in_dim = p, tuple(in_dim)
        self.layers = resolve_layers(p, self.in_dim)
        self.adversarial, self.vat_costs = resolve_adversarial(p, self.layers), resolve_vat_cost(p, self.layers)
        self.regularisation = resolve_regularisation(p, self.layers)
        self.shareds = ParameterStore() if shareds is None else shareds
        plain = p.plain_graph if plain_graph is None else plain_graph
        self.bricks = bricks if plain else fused
        self.noise = noise_source(p.noise, p.seed, plain)
        self.rng = np.random.RandomState(p.seed)

    def apply(self, input_labeled=None, target_labeled=None, input_unlabeled=None, clean_only=False):
        """Build the graph.

        Either half may be left out: without the unlabelled one there is no
        decoder (a plain classifier), without the labelled one there is no
        classification cost (a denoising autoencoder).

        Parameters
        ----------
        input_labeled : (labelled examples, …) float32, optional
        target_labeled : (labelled examples,) int64, optional
            Without it the labelled half has activations but no costs.
        input_unlabeled : (unlabelled examples, …) float32, optional
        clean_only : bool
            Leave out the corrupted path, and with it the noise and the training costs.
        """
        inputs = {"labeled": input_labeled, "unlabeled": input_unlabeled}
        inputs = {half: x for half, x in inputs.items() if x is not None}
        parameters = self.encoder_parameters()
        paths = {("clean", half): (x, {}) for half, x in inputs.items()}
        if not clean_only:
            paths |= self.corrupted_paths(inputs, target_labeled, parameters)
        self.act = SimpleNamespace(clean=_halves(), corr=_halves(), est=_activations())
        for (path, half), act in zip(paths, self.encoder(paths.values(), parameters)):
            setattr(getattr(self.act, path), half, act)
        kept = "unlabeled" if input_labeled is None else "labeled"
        self.keep_running_averages(getattr(self.act.clean, kept), inputs[kept].shape[0])
        self.costs, self.error = SimpleNamespace(denois={}, vat={}), SimpleNamespace()
        vars(self).pop("learnt", None)  # of an earlier graph
        if target_labeled is not None:
            self.classification_costs(target_labeled)
        if clean_only:
            return

        if input_unlabeled is not None:
            self.act.est, self.costs.denois = self.decoder(self.act.clean.unlabeled, self.act.corr.unlabeled)
            self.costs.vat = virtual_adversarial_costs(self, self.act.corr.unlabeled, parameters)
        self.costs.unpenalised = self.unpenalised_cost()
        self.costs.total = self.penalised(self.costs.unpenalised)
        self.costs.total.name = "cost_total"

    def corrupted_paths(self, inputs, target_labeled, parameters):
        """Dict of ('corr', half) -> (x, corruption), as :meth:`encoder` takes them."""
        corruption, paths = draw_corruption(self, inputs), {}
        for half, x in inputs.items():
            target = target_labeled if half == "labeled" else None
            adversarial = adversarial_noise(self, half, x, target, parameters, corruption[half])
            paths["corr", half] = x, plus(corruption[half], adversarial)
        return paths

    def clean_outputs(self):
        """The clean encoder's outputs; their graph holds the updates of all running averages."""
        top, clean = len(self.layers) - 1, self.act.clean
        return [half.h[top] for half in (clean.labeled, clean.unlabeled) if top in half.h]

    @cached_property
    def learnt(self):
        """The parameters that training changes, with unpenalised gradients: dict of shared variable -> variable."""
        return learnt_parameters(self.costs.unpenalised)

    # Encoder

    def encoder(self, paths, parameters, through_z=()):
        """Propagate several paths through all layers together.

        Parameters
        ----------
        paths : collection of (x, corruption)
            x is (examples, …) float32, corruption as in :mod:`ladder.corruption`, empty for a clean path.
        parameters : dict of layer number -> (W, b, c), see :meth:`encoder_parameters`
        through_z : collection of layer numbers
            Layers where h is computed from the variable z, so that the gradient
            with respect to z can be taken; a fused layer otherwise computes both at once.

        Returns
        -------
        list of namespaces, one for each path: z_pre, z, h, m, s by layer number, and ``logits``
        """
        paths = [(self.begin_path(0, x, corruption, parameters), corruption) for x, corruption in paths]
        self.climb(paths, self.layers[1:], parameters, through_z)
        return [act for act, _ in paths]

    def begin_path(self, i, z, corruption, parameters):
        """The activations of a path that begins at the z of layer i, to which the layer's noise is added."""
        act = _activations()
        if i in corruption:
            noise, scale = corruption[i]
            z = z + noise * np.float32(scale)
        act.z[i] = act.h[i] = z
        if i > 0:
            _, b, c = parameters[i]
            _keep_output(act, self.layers[i], activate(z, b, c, _act_before_softmax(self.layers[i])))
        return act

    def climb(self, paths, layers, parameters, through_z=()):
        """Propagate paths through these layers together, bottom first.

        Parameters
        ----------
        paths : list of (act, corruption)
            Activations up to the layer below, which are extended in place, and corruption as for :meth:`encoder`.
        layers : sequence of Layer
        parameters, through_z : as for :meth:`encoder`
        """
        for layer in layers:
            i, act_f = layer.number, _act_before_softmax(layer)
            W, b, c = parameters[i]
            z_pres = through_masks(self.project_up, paths, W, layer)
            for z_pre, (act, corruption) in zip(z_pres, paths):
                act.z_pre[i], (noise, scale) = z_pre, corruption.get(i, (None, 0.0))
                if i in through_z:
                    act.z[i], act.m[i], act.s[i], _ = self.bricks.encode(z_pre, noise, scale, None, None, "linear")
                    h = activate(act.z[i], b, c, act_f)
                else:
                    act.z[i], act.m[i], act.s[i], h = self.bricks.encode(z_pre, noise, scale, b, c, act_f)
                _keep_output(act, layer, h)

    def project_up(self, hs, W, layer):
        """The layer's z before normalisation, for each path, from h of the layer below."""
        if layer.kind == "fc":
            return self.bricks.dense(hs, W)
        return [self.project_maps_up(h, W, layer) for h in hs]

    def project_maps_up(self, h, W, layer):
        """The same for one path of maps."""
        if layer.is_convolution:
            return self.bricks.convolve(h, W, layer.border, layer.stride)
        if layer.kind in WINDOWED:
            pool = self.bricks.max_pool if layer.kind == "maxpool" else self.bricks.mean_pool
            return pool(h, layer.filter_size, layer.stride)
        return global_mean_pool(h, self.layers[layer.number - 1].dim[-1])

    def encoder_parameters(self):
        """Dict of layer number -> (W, b, c); None for those that the layer does not have."""
        parameters = {}
        for below, layer in zip(self.layers, self.layers[1:]):
            i, width = layer.number, layer.dim[0]
            W = None if layer.is_pooling else self.mapping(self.first_weights(below, layer), f"f_{i}_W")
            self.running_averages(layer)  # made here to keep the original's order of creation
            b = self.bias(np.zeros(width), f"f_{i}_b") if layer.has_bias else None
            c = self.shareds.get_or_make(f"f_{i}_c", np.ones(width), WEIGHT) if self.has_scale(layer) else None
            parameters[i] = W, b, c
        for below, layer in zip(self.layers, self.layers[1:]):
            # The original draws all weights again for its corrupted path, although they exist already.
            if not layer.is_pooling:
                self.first_weights(below, layer)
        return parameters

    def first_weights(self, below, layer):
        """Initial weights of an encoder layer; every call draws new ones."""
        both = self.p.first_weights == "both"
        if layer.is_convolution:
            shape = (layer.dim[0], below.h_dim[0], layer.filter_size, layer.filter_size)
            return conv_init(self.rng, shape, (shape[0] + shape[1]) * layer.filter_size**2 if both else None)
        return dense_init(self.rng, below.h_size, layer.size, below.h_size + layer.size if both else None)

    def has_scale(self, layer):
        """Whether the layer multiplies by c before its activation, which is redundant where the activation is homogeneous."""
        return self.p.top_c if layer.act == "softmax" else layer.is_scaled

    # Batch normalisation

    def keep_running_averages(self, act, n):
        """Mark the clean statistics, and annotate the updates of their running averages.

        A function for test data is compiled from the same graph with the
        marked variables replaced by their averages
        (:func:`ladder.training.statistics.with_running_statistics`).

        Parameters
        ----------
        act : namespace, the clean path's activations of one half
        n : scalar, number of examples in the batch
        """
        for layer in self.layers[1:]:
            i = layer.number
            averages, counter = self.running_averages(layer), self.shareds["counter"]
            for kind, statistic in (("mean", act.m[i]), ("var", act.s[i])):
                statistic.name = f"f_{i}_bn_{kind}_clean"
                add_role(statistic, BNPARAM)
            of_batch = act.m[i].dimshuffle(1), unbiased(act.s[i].dimshuffle(1), n)
            updates = {average: running_average(x, average, counter) for average, x in zip(averages, of_batch)}
            annotate_update(act.h[i], {**updates, **self.counter_update()})

    def running_averages(self, layer):
        """The layer's running averages of mean and variance, (units,) or (maps,) each."""
        averages = []
        for kind in ("mean", "var"):
            name = f"shared_f_{layer.number}_bn_{kind}_clean"
            averages.append(self.shareds.get_or_make(name, np.zeros(layer.dim[0])))
            # Made after the first average, in the original's order of creation.
            self.shareds.get_or_make("counter", 1, BNPARAM)
            self.shareds.get_or_make("counter_max", RUNNING_UPDATES, BNPARAM)
        return averages

    def counter_update(self):
        """The update that counts the batches in the running averages, up to a maximum."""
        counter, counter_max = self.shareds["counter"], self.shareds["counter_max"]
        return {counter: at.clip(counter + np.float32(1), np.float32(0), counter_max)}

    # Decoder

    def decoder(self, clean, corr):
        """Denoise the corrupted unlabelled half, from the top layer down.

        Returns
        -------
        est : namespace of z and h by layer number
        denois : dict of layer number -> denoising cost, where there is a decoder
        """
        est, denois, above = _activations(), {}, None
        for layer in reversed(self.layers):
            i, u = layer.number, None
            if layer.gets_u:
                # At the top, the corrupted encoder's output stands in for the projection.
                u = corr.h[i] if above is None else self.project_down(est.z[i + 1], layer, above)
            statistics = (clean.m[i], clean.s[i]) if i > 0 and self.p.zestbn == "bugfix" else (None, None)
            signals, width = (corr.z[i], clean.z[i], *statistics), layer.dim[0]
            if above is None or above.kind == "fc":
                # Parameters per unit; below a convolution or pooling, per map.
                signals, width = _by_unit(layer, *signals), layer.size
            z_est, cost = self.bricks.denoise(
                layer.decoder, u, *signals, **parameter_makers(self.shareds, f"g_{i}_", width, self.p.seed, i)
            )
            if z_est is not None:
                est.z[i] = z_est.reshape((z_est.shape[0], *layer.dim)) if len(layer.dim) > 1 else z_est
                est.h[i] = apply_activation(layer.act, est.z[i])
                denois[i] = cost
                cost.name = f"denois{i}"
            above = layer
        return est, denois

    def project_down(self, z_above, layer, above):
        """The vertical mapping from the layer above: ``z_est[i + 1] W``, or the inverse of its convolution or pooling."""
        if above.is_convolution:
            init = conv_init(self.rng, (layer.dim[0], above.dim[0], above.filter_size, above.filter_size))
            W = self.mapping(init, f"g_{layer.number}_W")
            return self.bricks.deconvolve(z_above, W, above.border, above.stride, layer.dim[1:])
        if above.kind in WINDOWED:
            return for_each_piece(self.bricks.unpool(z_above, above.filter_size, layer.dim[1:]), layer.pieces)
        if above.kind == "globalmeanpool":
            return for_each_piece(z_above, layer.pieces)  # the same for all pixels
        # The square root is taken of a float32, as in the original's decoder.
        init = dense_init(self.rng, np.float32(above.size), layer.size)
        (u,) = self.bricks.dense([z_above], self.mapping(init, f"g_{layer.number}_W"))
        return u

    # Costs

    def classification_costs(self, target_labeled):
        """Cross-entropy of the labelled half on each path that was built, and the clean error."""
        y, top = target_labeled.flatten(), len(self.layers) - 1
        for path in ("clean", "corr"):
            h = getattr(self.act, path).labeled.h
            if top in h:
                cost = cost_bricks.categorical_crossentropy(y, h[top])
                cost.name = "cost_class_" + path
                setattr(self.costs, "class_" + path, cost)
        self.error.clean = cost_bricks.misclassification_rate(y, self.act.clean.labeled.h[top])
        self.error.clean.name = "error_rate_clean"

    def unpenalised_cost(self):
        """Unpenalised training cost: corrupted cross-entropy + weighted denoising and virtual adversarial costs."""
        terms = [self.costs.class_corr] if hasattr(self.costs, "class_corr") else []
        for layer in self.layers:
            if layer.number in self.costs.denois and layer.denoising_cost > 0:
                terms.append(self.costs.denois[layer.number] * np.float32(layer.denoising_cost))
        terms += [cost * np.float32(self.vat_costs[i][0]) for i, cost in self.costs.vat.items()]
        return sum(terms[1:], terms[0] * np.float32(1)) if terms else at.zeros((), dtype="float32")

    def penalised(self, total):
        """A cost plus the penalties on the weights that it trains: others would shrink to nothing."""
        weights = self.regularisation.penalties
        mappings = [v for v in self.learnt if has_role(v, MAPPING)] if weights else []
        for name, weight in weights.items() if mappings else ():
            cost = getattr(penalties, name)(mappings, self.bricks)
            setattr(self.costs, name, cost)
            total = total + cost * np.float32(weight)
        return total

    # Parameters

    def mapping(self, init, name):
        """The matrix or filters ``name``, made from the array ``init`` once."""
        return self.shareds.get_or_make(name, init, MAPPING)

    def bias(self, init, name):
        """The bias ``name``, one entry per unit or map, made from the array ``init`` once."""
        return self.shareds.get_or_make(name, init, BIAS)


def _act_before_softmax(layer):
    """The encoder's activation; linear in place of a softmax, which would hide the logits."""
    return "linear" if layer.act == "softmax" else layer.encoder_act


def _keep_output(act, layer, h):
    """Keep a layer's output, and its values before any softmax as ``logits``, which in the end are the top layer's."""
    act.h[layer.number] = softmax(as_matrix(h)) if layer.act == "softmax" else h
    act.logits = as_matrix(h)


def _by_unit(layer, z_corr, z_clean, m, s):
    """A layer's signals and statistics, its maps flattened to units."""
    if m is not None and len(layer.dim) > 1:
        m, s = (at.alloc(x, 1, *layer.dim).reshape((1, layer.size)) for x in (m, s))
    return as_matrix(z_corr), as_matrix(z_clean), m, s


def _halves():
    """Activations of the two halves; those of an absent half stay empty."""
    return SimpleNamespace(labeled=_activations(), unlabeled=_activations())


def _activations():
    """z before normalisation, z, h, mean m and variance s by layer number."""
    return SimpleNamespace(z_pre={}, z={}, h={}, m={}, s={})
