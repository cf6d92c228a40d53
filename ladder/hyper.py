"""Hyper-parameters: what a run is made of, and what its strings mean.

Everything that can be wrong with an option and be known without data or
compiler is found here, as a :class:`~ladder.errors.UserError` that names the
option.  Nothing here imports Aesara.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Optional, Tuple

from ladder import budget
from ladder.errors import UserError
from ladder.layer_specs import CONVOLUTIONS, POOLINGS, LayerSpec, parse_layer
from ladder.plain_json import MOST_FLOAT32

ACTIVATIONS = ("relu", "leakyrelu", "linear", "softplus", "sigmoid", "softmax")

DECODERS = (
    "gauss",
    "gauss_stable_v",
    "sig",
    "lin",
    "relu",
    "sigmoid",
    "i",
    "comparison_g2",
    "comparison_g3",
    "comparison_g4",
    "comparison_g5",
)

#: Decoder functions that are nothing without a signal from the layer above.
DECODERS_OF_U = ("relu", "sigmoid")

#: Sources of Gaussian noise: the original's, and a counter-based one.
NOISES = ("mrg", "philox")

#: Compiling takes longer than any training of more.
MOST_LAYERS = 50

#: Copies of each parameter while training: its gradient, two moments, and the last good one.
COPIES = 5

#: Arrays of every layer's size that an update keeps, about.
ARRAYS_OF_A_LAYER = 6

#: Square float64 arrays that fitting a whitening takes, about: the covariance, its axes, and what they are found with.
ARRAYS_OF_A_WHITENING = 4

#: Kinds of adversarial noise: the thesis's four, and virtual adversarial training's.
ADVERSARIAL_KINDS = ("sgn", "udg", "1N", "kN", "vat")

#: Where the gradient for adversarial noise is taken.
ADVERSARIAL_PATHS = ("corr", "clean", "layers")

#: Units that say how large the encoder's first weights are: those below, or those below and above.
FIRST_WEIGHTS = ("below", "both")

#: Each is two passes through the network.
MOST_VAT_ITERATIONS = 100


@dataclass(frozen=True)
class HyperParameters:
    """One configuration; names, defaults and meaning are the original's.

    ``encoder_layers`` begins with the shape of one example, as in the
    original (``((1, 28, 28), '1000', …, '10')``).  Per-layer values
    (``f_local_noise_std``, ``act``, ``decoder_spec``) hold one entry for all
    layers, or one a layer, layer 0 (the input) first.
    """

    encoder_layers: Tuple
    denoising_cost_x: Tuple[float, ...] = (0.0,)
    decoder_spec: Tuple[str, ...] = ("sig",)
    act: Tuple[str, ...] = ("relu",)
    f_local_noise_std: Tuple[float, ...] = (0.3,)
    super_noise_std: float = 0.3
    zestbn: str = "bugfix"
    top_c: bool = True
    seed: int = 1
    dseed: Optional[int] = None
    num_epochs: int = 150
    lr: float = 0.002
    lrate_decay: float = 0.67
    batch_size: int = 100
    valid_batch_size: int = 100
    valid_set_size: int = 10000
    labeled_samples: Optional[int] = None
    unlabeled_samples: Optional[int] = None
    dataset: str = "mnist"
    contrast_norm: int = 0
    whiten_zca: int = 0
    unsupervised: bool = False
    noise: str = "mrg"
    plain_graph: bool = False
    adv_kind: str = "sgn"
    adv_tau: Tuple[float, ...] = (0.0,)
    adv_kind_unlabeled: str = "sgn"
    adv_tau_unlabeled: Tuple[float, ...] = (0.0,)
    adv_layers: Tuple[int, ...] = (0,)
    adv_scale: str = "none"
    adv_path: str = "corr"
    vat_iterations: int = 1
    vat_xi: float = 0.01
    vat_noise_std: float = 0.0
    vat_cost: Tuple[float, ...] = (0.0,)
    vat_radius: Tuple[float, ...] = (0.0,)
    first_weights: str = "below"
    sources: Tuple[str, ...] = ()
    divide_by: Optional[float] = None
    standardize: bool = False
    rescale: bool = False

    def __post_init__(self):
        if self.dseed is None:
            object.__setattr__(self, "dseed", self.seed)
        _check_ranges(self)

    def as_dict(self):
        """Plain values, for ``params.json``."""
        return dataclasses.asdict(self)


def _check_ranges(p):
    """Refuse values that no run could use."""
    for field in dataclasses.fields(p):
        value = getattr(p, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            # A float32 would be infinite, an int64 would wrap around.
            most = {int: 2**62, float: MOST_FLOAT32}.get(type(number), math.inf)
            if isinstance(number, (int, float)) and most < abs(number) < math.inf:
                raise UserError(f"--{field.name.replace('_', '-')} is too large a number: give a smaller one.")

    def check(good, option, value, must):
        if not good:
            raise UserError(f"{option} is {value}, but must be {must}.")

    check(p.num_epochs >= 1, "--num-epochs", p.num_epochs, "at least 1")
    check(math.isfinite(p.lr) and p.lr > 0, "--lr", p.lr, "above 0")
    check(0 <= p.lrate_decay <= 1, "--lrate-decay", p.lrate_decay, "between 0 and 1")
    # MRG31k3p refuses 0 and anything from its second modulus on.
    check(1 <= p.seed < 2147462579, "--seed", p.seed, "between 1 and 2147462578")
    check(0 <= p.dseed < 2**32, "--dseed", p.dseed, "between 0 and 4294967295")
    for option in ("batch_size", "valid_batch_size"):
        value = getattr(p, option)
        check(value >= 2, "--" + option.replace("_", "-"), value, "at least 2: one example has no variance")
    check(p.valid_set_size >= 0, "--valid-set-size", p.valid_set_size, "0 or more")
    for option in ("labeled_samples", "unlabeled_samples"):
        value = getattr(p, option)
        check(value is None or value >= 0, "--" + option.replace("_", "-"), value, "0 or more")
    check(_finite_and_not_negative(p.super_noise_std), "--super-noise-std", p.super_noise_std, "0 or more")
    for std in p.f_local_noise_std:
        check(_finite_and_not_negative(std), "--f-local-noise-std", std, "0 or more")
    for weight in p.denoising_cost_x:
        check(_finite_and_not_negative(weight), "--denoising-cost-x", weight, "0 or more")
    check(p.zestbn in ("bugfix", "no"), "--zestbn", p.zestbn, "'bugfix' or 'no'")
    check(p.noise in NOISES, "--noise", p.noise, "one of " + ", ".join(NOISES))
    for option in ("adv_kind", "adv_kind_unlabeled"):
        _check_names([getattr(p, option)], ADVERSARIAL_KINDS, "--" + option.replace("_", "-"), "kind")
    for option in ("adv_tau", "adv_tau_unlabeled"):
        for tau in getattr(p, option):
            check(_finite_and_not_negative(tau), "--" + option.replace("_", "-"), tau, "0 or more")
    check(p.adv_scale in ("none", "dim"), "--adv-scale", p.adv_scale, "'none' or 'dim'")
    check(p.adv_path in ADVERSARIAL_PATHS, "--adv-path", p.adv_path, "'corr', 'clean' or 'layers'")
    most = MOST_VAT_ITERATIONS
    check(1 <= p.vat_iterations <= most, "--vat-iterations", p.vat_iterations, f"at least 1 and at most {most}")
    check(math.isfinite(p.vat_xi) and p.vat_xi > 0, "--vat-xi", p.vat_xi, "above 0")
    check(_finite_and_not_negative(p.vat_noise_std), "--vat-noise-std", p.vat_noise_std, "0 or more")
    for option in ("vat_cost", "vat_radius"):
        for value in getattr(p, option):
            check(_finite_and_not_negative(value), "--" + option.replace("_", "-"), value, "0 or more")
    check(p.first_weights in FIRST_WEIGHTS, "--first-weights", p.first_weights, "'below' or 'both'")
    for option in ("contrast_norm", "whiten_zca"):
        value = getattr(p, option)
        check(value >= 0, "--" + option.replace("_", "-"), value, "0 or more")
    check(
        p.divide_by is None or (math.isfinite(p.divide_by) and p.divide_by > 0), "--divide-by", p.divide_by, "above 0"
    )
    if p.standardize and p.rescale:
        raise UserError("--standardize and --rescale are two scales of the same features: give one.")
    source_names(p.sources)
    _check_whitening(p.whiten_zca, tuple(p.encoder_layers[0]) if p.encoder_layers else ())


def source_names(sources):
    """What a data set's file calls 'features' and 'targets', of ``--sources``' entries, e.g. ('targets=label',).

    Returns
    -------
    dict of str to str
        Without 'targets' for 'targets=none': the labels are left out.
    """
    names = {"features": "features", "targets": "targets"}
    for entry in sources:
        source, _, name = entry.partition("=")
        if source not in ("features", "targets") or not name:
            raise UserError(f"--sources: '{entry}' is neither features=NAME nor targets=NAME: split these two by ','.")
        names[source] = name
    if names["targets"] == "none":
        del names["targets"]
    return names


def _check_whitening(n_components, in_dim):
    """Whitening keeps as many components as there are inputs, of which nothing is known where ``in_dim`` is ()."""
    n_inputs = math.prod(in_dim)
    if n_components and in_dim and n_components != n_inputs:
        raise UserError(
            f"--whiten-zca is {n_components}, but an example has {n_inputs} inputs "
            f"({' x '.join(map(str, in_dim))}) and whitening keeps them all: give {n_inputs}, or 0 for none."
        )


def _finite_and_not_negative(x):
    return math.isfinite(x) and x >= 0


@dataclass(frozen=True)
class Layer:
    """One layer of the network, layer 0 being the input.

    Attributes
    ----------
    number : int
    kind : str
        'input', or a kind of :class:`~ladder.layer_specs.LayerSpec`.
    dim : tuple of int
        Shape of one example's z at this layer: (units,) or (maps, height, width);
        () above an input whose shape is not known yet.
    filter_size, stride : int
        Of a convolution or of max-pooling.
    act : str
        The activation asked for.
    decoder : str
        Decoder function, '' for none.
    uses_u : bool
        Whether the decoder function gets the signal from the layer above.
    noise_std : float
        Standard deviation of the corrupted encoder's noise.
    denoising_cost : float
        Weight of the layer's denoising cost in the total.
    """

    number: int
    kind: str
    dim: Tuple[int, ...]
    filter_size: int
    stride: int
    act: str
    decoder: str
    uses_u: bool
    noise_std: float
    denoising_cost: float

    @property
    def size(self):
        """Number of units."""
        return math.prod(self.dim)

    @property
    def is_pooling(self):
        return self.kind in POOLINGS

    @property
    def is_convolution(self):
        return self.kind in CONVOLUTIONS

    @property
    def border(self):
        """'valid' or 'full', of a convolution."""
        return "full" if self.kind == "convf" else "valid"

    @property
    def encoder_act(self):
        """Activation in the encoder: pooling has none, but for the softmax at the top."""
        return "linear" if self.is_pooling and self.act != "softmax" else self.act


def resolve_layers(p):
    """What the options say of every layer, checked.

    Parameters
    ----------
    p : HyperParameters, or anything with the same attributes

    Returns
    -------
    tuple of Layer
    """
    in_dim, *specs = p.encoder_layers
    if not specs:
        raise UserError("--encoder-layers is missing: give the layers, e.g. 1000-500-250-250-250-10.")
    if len(specs) > MOST_LAYERS:
        raise UserError(
            f"--encoder-layers has {len(specs)} layers, and no more than {MOST_LAYERS} can be compiled: give fewer."
        )
    specs, dims = [parse_layer(spec) for spec in specs], [tuple(in_dim)]
    for spec in specs:
        dims.append(spec.out_dim(dims[-1]))
    n = len(dims)
    if len(p.denoising_cost_x) != n:
        raise UserError(
            f"--denoising-cost-x has {_count(len(p.denoising_cost_x), 'weight')} for {n} layers "
            f"(the input and {n - 1} of --encoder-layers): give {n}, split by commas."
        )
    if getattr(p, "unsupervised", False):
        _check_something_to_learn(p)
    acts = _per_layer(p.act, n, "--act", "-")
    _check_names(acts, ACTIVATIONS, "--act", "activation")
    noise = (p.super_noise_std,) + _noise_above(p.f_local_noise_std, n)
    decoders = _resolve_decoders(_per_layer(p.decoder_spec, n, "--decoder-spec", "-"))
    acts = acts[:-1] + ("softmax",)
    _check_maps(specs, acts, decoders)
    input_layer = LayerSpec("", "input")
    return tuple(
        Layer(i, spec.kind, dim, spec.size, spec.stride, act, decoder, uses_u, float(std), float(cost))
        for i, (spec, dim, act, (decoder, uses_u), std, cost) in enumerate(
            zip([input_layer, *specs], dims, acts, decoders, noise, p.denoising_cost_x)
        )
    )


def _check_maps(specs, acts, decoders):
    """What would leave a layer without the maps that it needs, or a decoder without an inverse."""
    for i, spec in enumerate(specs, start=1):
        on_maps = spec.kind != "fc"
        if on_maps and acts[i - 1] == "softmax" and i > 1:
            raise UserError(f"--act: a softmax at layer {i - 1} leaves no maps for '{spec.text}' above it.")
        if spec.kind == "maxpool" and spec.size != spec.stride and decoders[i - 1][1]:
            raise UserError(
                f"--decoder-spec: layer {i - 1} needs the inverse of '{spec.text}', and only max-pooling "
                "whose stride is its size has one: change either, or cut the signal off with '0'."
            )


def check_memory(p, batch_size=0):
    """Ask the budget for a network's parameters and, where it is trained, what an update and a whitening need.

    Parameters
    ----------
    p : HyperParameters
        With the shape of an example.
    batch_size : int
        0 where nothing is trained.
    """
    layers = resolve_layers(p)
    n_weights = sum(_n_weights(below, layer) for below, layer in zip(layers, layers[1:]))
    size = 4 * n_weights
    if batch_size:
        size = 4 * (2 * COPIES * n_weights + ARRAYS_OF_A_LAYER * batch_size * sum(layer.size for layer in layers))
    budget.ask(size, "a network of these --encoder-layers", "give fewer units, or a smaller --batch-size")
    if batch_size and p.whiten_zca:
        n_inputs = layers[0].size
        budget.ask(8 * ARRAYS_OF_A_WHITENING * n_inputs**2, f"--whiten-zca of {n_inputs:,} inputs", "leave it out")


def _n_weights(below, layer):
    """How many weights lead from one layer to the next, in one direction."""
    if layer.is_pooling:
        return 0
    return below.dim[0] * layer.dim[0] * layer.filter_size**2 if layer.is_convolution else below.size * layer.size


def examples_at_once(layers):
    """How many examples a call may take where the result does not depend on the batch.

    As many as keep all activations of one encoder within 2^26 numbers
    (256 MB), and no more than 1,000.

    Parameters
    ----------
    layers : tuple of Layer
    """
    return max(1, min(1000, 2**26 // sum(layer.size for layer in layers)))


def resolve_adversarial(p, layers):
    """Where adversarial noise is added, checked.

    Parameters
    ----------
    p : HyperParameters, or anything with the same attributes
    layers : tuple of Layer

    Returns
    -------
    dict of 'labeled', 'unlabeled' -> (kind, dict of layer number -> tau above 0)
        Taus are scaled as ``adv_scale`` says: ``dim`` multiplies that of layer
        i by the root of its units over the input's, so that noise of one norm
        has the same power a unit in every layer.
    """
    numbers = _adversarial_layers(p, layers)
    resolved = {}
    for half, suffix in (("labeled", ""), ("unlabeled", "_unlabeled")):
        taus = _by_adversarial_layer(p, "adv_tau" + suffix, numbers)
        scales = {i: math.sqrt(layers[i].size / layers[0].size) if p.adv_scale == "dim" else 1.0 for i in numbers}
        chosen = {i: tau * scales[i] for i, tau in taus.items() if tau > 0}
        resolved[half] = (getattr(p, "adv_kind" + suffix), chosen)
    _check_adversarial_use(p, layers, resolved)
    return resolved


def resolve_vat_cost(p, layers):
    """Where the virtual adversarial cost is taken, checked.

    Parameters
    ----------
    p : HyperParameters, or anything with the same attributes
    layers : tuple of Layer

    Returns
    -------
    dict of layer number -> (weight above 0, radius above 0)
    """
    numbers = _adversarial_layers(p, layers)
    radii = _by_adversarial_layer(p, "vat_radius", numbers)
    costs = {i: (w, radii[i]) for i, w in _by_adversarial_layer(p, "vat_cost", numbers).items() if w > 0}
    for i, (_, radius) in costs.items():
        if radius == 0:
            raise UserError(
                f"--vat-cost weighs layer {i}, whose --vat-radius is 0: give a radius above 0, or weight 0."
            )
    if costs and getattr(p, "unsupervised", False):
        raise UserError(
            "--vat-cost compares probabilities of classes, which --unsupervised does not train: leave one out."
        )
    if p.vat_noise_std > 0 and p.adv_path != "layers" and not costs:
        raise UserError(
            "--vat-noise-std is noise of the passes of --adv-path layers and of --vat-cost: give either, or leave it out."
        )
    return costs


def _adversarial_layers(p, layers):
    """The numbers of --adv-layers."""
    numbers = tuple(p.adv_layers)
    for i in numbers:
        if not 0 <= i < len(layers):
            raise UserError(f"--adv-layers: there is no layer {i}: choose from 0 (the input) to {len(layers) - 1}.")
    if len(set(numbers)) < len(numbers):
        raise UserError(f"--adv-layers names a layer twice: {','.join(map(str, numbers))}.")
    return numbers


def _by_adversarial_layer(p, name, numbers):
    """Values of an option by layer, lowest first, where it has one for all of --adv-layers, or one each."""
    values = tuple(getattr(p, name))
    if len(values) not in (1, len(numbers)):
        raise UserError(
            f"--{name.replace('_', '-')} has {_count(len(values), 'entry')} for {_count(len(numbers), 'layer')} "
            f"of --adv-layers: give one, or {len(numbers)} split by ','."
        )
    return dict(sorted(zip(numbers, values * len(numbers) if len(values) == 1 else values)))


def _check_adversarial_use(p, layers, resolved):
    """Noise that no cost would see, or that a path does not make, is a mistake."""
    for half, (kind, taus) in resolved.items():
        if p.adv_path == "layers" and taus and kind != "vat":
            option = "--adv-kind" + ("-unlabeled" if half == "unlabeled" else "")
            raise UserError(f"--adv-path layers is for {option} vat, but it is {kind}: give vat, or another path.")
    if resolved["labeled"][1] and getattr(p, "unsupervised", False):
        raise UserError("--adv-tau is noise on labelled examples, which --unsupervised does not use: leave one out.")
    used = resolve_vat_cost(p, layers) or any(layer.decoder and layer.denoising_cost > 0 for layer in layers)
    if resolved["unlabeled"][1] and not used:
        raise UserError(
            "--adv-tau-unlabeled is noise on unlabelled examples, which need a --denoising-cost-x above 0 "
            "at a layer with a decoder: give one, or leave the noise out."
        )


def _check_something_to_learn(p):
    """Without labels there must be a denoising cost, at a layer that has a decoder."""
    specs = _per_layer(p.decoder_spec, len(p.denoising_cost_x), "--decoder-spec", "-")
    if not any(cost > 0 and spec != "0" for cost, spec in zip(p.denoising_cost_x, specs)):
        raise UserError("--unsupervised needs a --denoising-cost-x above 0 at a layer with a decoder.")


def _per_layer(values, n, option, separator):
    """One value for all layers, or one a layer -> one a layer."""
    values = tuple(values)
    if len(values) not in (1, n):
        raise UserError(
            f"{option} has {_count(len(values), 'entry')} for {n} layers: "
            f"give one, or {n} split by '{separator}', layer 0 (the input) first."
        )
    return values * n if len(values) == 1 else values


def _noise_above(stds, n):
    """Noise of layers 1 … n - 1; a list that is too short means 0 above, as in the original."""
    stds = tuple(stds)
    if len(stds) == 1:
        stds *= n
    if len(stds) > n:
        raise UserError(
            f"--f-local-noise-std has {len(stds)} entries for {n} layers: give one, or at most {n} split by ','."
        )
    return (stds + (0.0,) * n)[1:n]


def _resolve_decoders(specs):
    """Specs such as 'gauss', 'gauss0', '0' -> (function, whether it gets u), bottom first."""
    decoders = [(spec[:-1], False) if spec.endswith("0") else (spec, True) for spec in specs]
    _check_names([name for name, _ in decoders if name], DECODERS, "--decoder-spec", "decoder function")
    resolved = []
    for i, (name, takes_u) in enumerate(decoders):
        has_signal = i == len(decoders) - 1 or decoders[i + 1][0] != ""
        uses_u = takes_u and has_signal
        if name in DECODERS_OF_U and not uses_u:
            raise UserError(
                f"--decoder-spec: '{name}' at layer {i} needs a signal from the layer above, "
                "which has no decoder or is cut off by '0': choose another function there."
            )
        resolved.append((name, uses_u))
    return resolved


def _check_names(names, known, option, what):
    for name in names:
        if name not in known:
            raise UserError(f"{option}: unknown {what} '{name}': choose from {', '.join(known)}.")


def _count(n, noun):
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{n} {noun if n == 1 else plural}"
