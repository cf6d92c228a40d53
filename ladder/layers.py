"""Resolve the options of every layer: kind, shape, activation, decoder function, noise, cost.

Conflicts between options that can be found without data or a compiler are
reported here, as a :class:`~ladder.errors.UserError` that names the option.
Nothing here imports Aesara.
"""

import math
from dataclasses import dataclass
from typing import Tuple

from ladder.activation_specs import parse_activation
from ladder.decoder_specs import DECODERS_OF_U, parse_decoder
from ladder.errors import UserError
from ladder.layer_specs import CONVOLUTIONS, MOST_UNITS, POOLINGS, WINDOWED, LayerSpec, parse_layer
from ladder.per_layer import count, per_layer
from ladder.rival_methods import refuse_rival

#: With more layers, compiling would take longer than training.
MOST_LAYERS = 50


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
        () above an input whose shape is not yet known.
    filter_size, stride : int
        For convolutions, max-pooling and mean-pooling.
    act : str
        The activation asked for; 'linear' if maxout was asked for at a layer without weights.
    decoder : str
        Its decoder function, '' for none.
    gets_u : bool
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
    gets_u: bool
    noise_std: float
    denoising_cost: float

    @property
    def size(self):
        """Number of z."""
        return math.prod(self.dim)

    @property
    def pieces(self):
        """How many z make one h: 1 except for maxout."""
        return parse_activation(self.act).pieces

    @property
    def h_dim(self):
        """Shape of one example's h: ``dim`` or, for maxout, one piece of it."""
        return (self.dim[0] // self.pieces, *self.dim[1:]) if self.dim else ()

    @property
    def h_size(self):
        """Number of h."""
        return math.prod(self.h_dim)

    def shape_in_words(self, times=" x "):
        """E.g. '250', '64 x 26 x 26' or, where maxout leaves fewer h than z, '500, h 250'."""
        z, h = (times.join(map(str, dim)) for dim in (self.dim, self.h_dim))
        return z if z == h else f"{z}, h {h}"

    @property
    def decoder_in_words(self):
        """E.g. 'gauss', 'gauss (no u)' where the signal from above is cut off, or 'none'."""
        return (self.decoder or "none") + (" (no u)" if self.decoder and not self.gets_u else "")

    @property
    def is_pooling(self):
        return self.kind in POOLINGS

    @property
    def is_convolution(self):
        return self.kind in CONVOLUTIONS

    @property
    def border(self):
        """A convolution's border, 'valid' or 'full'."""
        return "full" if self.kind == "convf" else "valid"

    @property
    def has_bias(self):
        """Whether b is added in the encoder."""
        return self.encoder_act != "linear"

    @property
    def is_scaled(self):
        """Whether a scale c before the activation does more than scale h; for softmax, ``--top-c`` decides."""
        return not parse_activation(self.encoder_act).is_homogeneous

    @property
    def encoder_act(self):
        """Its activation in the encoder: 'linear' for pooling, unless it is softmax, as at the top."""
        return "linear" if self.is_pooling and self.act != "softmax" else self.act


def resolve_layers(p, in_dim=()):
    """All layers as the options describe them, checked.

    Parameters
    ----------
    p : Options
    in_dim : tuple of int
        Shape of one example; () if it is not yet known.

    Returns
    -------
    tuple of Layer
    """
    refuse_rival(p)
    if not p.encoder_layers:
        raise UserError("--encoder-layers is missing: give the layers, e.g. 1000-500-250-250-250-10.")
    if len(p.encoder_layers) > MOST_LAYERS:
        raise UserError(
            f"--encoder-layers has {len(p.encoder_layers)} layers, and no more than {MOST_LAYERS} can be compiled: give fewer."
        )
    specs, n = [parse_layer(spec) for spec in p.encoder_layers], len(p.encoder_layers) + 1
    if len(p.denoising_cost_x) != n:
        raise UserError(
            f"--denoising-cost-x has {count(len(p.denoising_cost_x), 'weight')} for {n} layers "
            f"(the input and {n - 1} of --encoder-layers): give {n}, split by commas."
        )
    if p.unsupervised:
        _check_something_to_learn(p)
    acts = _resolve_activations(p, specs)
    noise = (p.super_noise_std,) + _noise_above(p.f_local_noise_std, n)
    decoders = _resolve_decoders(_decoder_specs(p))
    dims = _dims(specs, acts, tuple(in_dim))
    _check_maps(specs, acts, decoders)
    input_layer = LayerSpec("", "input")
    return tuple(
        Layer(i, spec.kind, dim, spec.size, spec.stride, act, decoder, gets_u, float(std), float(cost))
        for i, (spec, dim, act, (decoder, gets_u), std, cost) in enumerate(
            zip([input_layer, *specs], dims, acts, decoders, noise, p.denoising_cost_x)
        )
    )


def _resolve_activations(p, specs):
    """The activation of every layer, the input first, as :class:`Layer` has it."""
    # Parsed first: an entry that was split wrongly, as at a minus sign, shows as an invalid activation.
    given = tuple(str(parse_activation(text)) for text in p.act)
    acts = list(per_layer(given, len(specs) + 1, "--act", separator="-"))
    acts[-1] = "softmax"
    for i, kind in enumerate(["input", *(spec.kind for spec in specs)]):
        if parse_activation(acts[i]).pieces > 1 and (kind == "input" or kind in POOLINGS):
            acts[i] = "linear"
    return tuple(acts)


def _dims(specs, acts, in_dim):
    """The shape of every layer's z, the input's first; a maxout layer has its units or maps once for each piece."""
    dims, below = [in_dim], in_dim
    for spec, act in zip(specs, acts[1:]):
        below = spec.out_dim(below)
        pieces = parse_activation(act).pieces
        dims.append((below[0] * pieces, *below[1:]) if below else ())
        if math.prod(dims[-1]) > MOST_UNITS:
            raise UserError(
                f"--act {act} gives '{spec.text}' {' x '.join(map(str, dims[-1]))} z, more than {MOST_UNITS:,}: "
                "give fewer pieces or units."
            )
    return dims


def _check_maps(specs, acts, decoders):
    """Refuse a layer without the maps that it needs, and a decoder without the inverse that it needs."""
    for i, spec in enumerate(specs, start=1):
        on_maps = spec.kind != "fc"
        if on_maps and acts[i - 1] == "softmax" and i > 1:
            raise UserError(f"--act: a softmax at layer {i - 1} leaves no maps for '{spec.text}' above it.")
        if spec.kind in WINDOWED and spec.size != spec.stride and decoders[i - 1][1]:
            raise UserError(
                f"--decoder-spec: layer {i - 1} needs the inverse of '{spec.text}', and only pooling "
                "whose stride is its size has one: change either, or cut the signal off with '0'."
            )


def _check_something_to_learn(p):
    """Check that training without labels has a denoising cost at a layer with a decoder."""
    if not any(cost > 0 and spec != "0" for cost, spec in zip(p.denoising_cost_x, _decoder_specs(p))):
        raise UserError("--unsupervised needs a --denoising-cost-x above 0 at a layer with a decoder.")


def _decoder_specs(p):
    """The text of every layer's decoder function, the input's first."""
    return per_layer(p.decoder_spec, len(p.encoder_layers) + 1, "--decoder-spec", separator="-")


def _noise_above(stds, n):
    """Noise of layers 1 … n - 1; a list that is too short is padded with 0, as in the original."""
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
    decoders = [parse_decoder(spec) for spec in specs]
    resolved = []
    for i, (name, takes_u) in enumerate(decoders):
        has_signal = i == len(decoders) - 1 or decoders[i + 1][0] != ""
        gets_u = takes_u and has_signal
        if name in DECODERS_OF_U and not gets_u:
            raise UserError(
                f"--decoder-spec: '{name}' at layer {i} needs a signal from the layer above, "
                "which has no decoder or is cut off by '0': choose another function there."
            )
        resolved.append((name, gets_u))
    return resolved
