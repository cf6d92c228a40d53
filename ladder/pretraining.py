"""The options of two-phase pre-training, declared and resolved.  Nothing here imports Aesara.

First a stack of autoencoders or restricted Boltzmann machines learns from the
examples alone; then the resulting encoder is trained on the labels.
"""

from dataclasses import dataclass
from typing import Tuple

from ladder.activation_specs import parse_activation
from ladder.errors import UserError
from ladder.option_declarations import BY_MEANING, SAME_RUN, declare, declare_choice
from ladder.option_names import as_typed
from ladder.option_types import (
    at_least,
    finite_and_above_0,
    finite_and_not_negative,
    folder_name,
    not_negative,
    number,
    numbers,
    seed_of_noise,
    whole_number,
)
from ladder.per_layer import per_layer

PRETRAINING = "two-phase pre-training (examples alone first, then the labels)"

#: What can be pre-trained.
MODELS = ("none", "dae", "dae-joint", "rbm")

#: The default probability of masking noise: Vincent et al. (2010), table 3, try 0.1, 0.25 and 0.4.
MASKED = 0.25

#: The default number of Gibbs steps of contrastive divergence.
CD_STEPS = 1

_OF_BOLTZMANN, _OF_AUTOENCODERS = ("rbm",), ("dae", "dae-joint")

#: Options that apply to some models only: name -> those models.
_USERS = {
    "pretrain_epochs": MODELS[1:],
    "pretrain_lr": MODELS[1:],
    "pretrain_seed": MODELS[1:],
    "pretrain_corruption": _OF_AUTOENCODERS,
    "pretrain_strength": _OF_AUTOENCODERS,
    "pretrain_weights": _OF_AUTOENCODERS,
    "pretrain_cost": _OF_AUTOENCODERS,
    "cd_steps": _OF_BOLTZMANN,
    "persistent_chains": _OF_BOLTZMANN,
    "visible_units": _OF_BOLTZMANN,
    "unrolled_epochs": _OF_BOLTZMANN,
}

# fmt: off
#: Option -> its declaration, a field of :class:`ladder.options.Options`.
DECLARED = {
    "pretrain": declare_choice(
        "none", PRETRAINING, "what learns from the examples before the labels are used: dae (denoising autoencoders, layer "
        "by layer), dae-joint (one of all layers at once), rbm (restricted Boltzmann machines, layer by layer); of all "
        "layers but the top one", MODELS, separates=BY_MEANING),
    "pretrain_epochs": declare(
        None, PRETRAINING, "epochs of each layer, or of all at once", "N", whole_number, check=at_least(1),
        shown_default="20", separates=BY_MEANING),
    "pretrain_lr": declare(
        None, PRETRAINING, "learning rate of pre-training, with --optimizer; it falls to 0 in the last third", "R", number,
        check=finite_and_above_0, shown_default="0.001", separates=BY_MEANING),
    "pretrain_seed": declare(
        None, PRETRAINING, "seed of pre-training", "N", whole_number, check=seed_of_noise, shown_default="--seed",
        separates=BY_MEANING),
    "pretrain_corruption": declare_choice(
        "gaussian", PRETRAINING, "of dae, dae-joint: what the input of every layer is corrupted by: gaussian (noise on its z, as "
        "in the ladder), or masking (entries are set to 0)", ("gaussian", "masking"),
        separates=BY_MEANING),
    "pretrain_strength": declare(
        (), PRETRAINING, "standard deviation of that noise, or probability of masking; one, or one per layer below the code "
        "split by ',', the inputs first", "STRENGTHS", numbers, check=finite_and_not_negative,
        shown_default=f"the encoder's own noise; {MASKED:g} of masking", separates=BY_MEANING),
    "pretrain_weights": declare_choice(
        "tied", PRETRAINING, "of dae, dae-joint: whether the way back has the encoder's weights, transposed, or its own",
        ("tied", "untied"), separates=BY_MEANING),
    "pretrain_cost": declare_choice(
        "squared", PRETRAINING, "of dae, dae-joint: the reconstruction's cost; crossentropy is for signals between 0 and 1 "
        "(inputs, and --act sigmoid)", ("squared", "crossentropy"), separates=BY_MEANING),
    "cd_steps": declare(
        None, PRETRAINING, "of rbm: Gibbs steps of contrastive divergence", "K", whole_number, check=at_least(1),
        shown_default=str(CD_STEPS), separates=BY_MEANING),
    "persistent_chains": declare(
        False, PRETRAINING, "of rbm: let the Gibbs chains go on from update to update instead of starting at the data",
        separates=BY_MEANING),
    "visible_units": declare_choice(
        "binary", PRETRAINING, "of rbm: the inputs' units: binary (inputs between 0 and 1), or gaussian (of variance 1: see "
        "--standardize)", ("binary", "gaussian"), separates=BY_MEANING),
    "unrolled_epochs": declare(
        0, PRETRAINING, "of rbm: epochs in which the stack is unrolled and fine-tuned as an autoencoder", "N", whole_number,
        check=not_negative, separates=BY_MEANING),
    "from_": declare(
        "", PRETRAINING, "start from what 'run.py pretrain' left in this folder; options of pre-training are taken from "
        "there", "FOLDER", folder_name, many=False, shown_default="", separates=SAME_RUN),
}
# fmt: on

#: The default epochs and learning rate.
EPOCHS, RATE = 20, 0.001


@dataclass(frozen=True)
class Pretraining:
    """The settings of pre-training, resolved.

    Attributes
    ----------
    model : str
        'dae', 'dae-joint' or 'rbm'.
    epochs : int
        Epochs of each stage: a layer, or all at once.
    lr : float
    seed : int
    top : int
        The number of the highest layer that is pre-trained, the code.
    corruption : str
        'gaussian', 'masking', or '' for none (rbm).
    strengths : tuple of float
        Strength of the corruption of each layer's input: entry i belongs to layer i, the input of layer i + 1.
    tied : bool
    cost : str
        'squared' or 'crossentropy'.
    cd_steps : int
    persistent : bool
    gaussian : bool
        Whether the inputs' units are Gaussian.
    unrolled_epochs : int
    """

    model: str
    epochs: int
    lr: float
    seed: int
    top: int
    corruption: str
    strengths: Tuple[float, ...]
    tied: bool
    cost: str
    cd_steps: int
    persistent: bool
    gaussian: bool
    unrolled_epochs: int


def resolve_pretraining(p, layers):
    """The Pretraining that the options ask for, checked.

    Parameters
    ----------
    p : Options
    layers : tuple of ladder.layers.Layer

    Returns
    -------
    Pretraining or None
        None for no pre-training.

    Raises
    ------
    UserError
        An option has no effect in combination with the others, or the network cannot be pre-trained.
    """
    _check_use(p)
    if p.pretrain == "none":
        return None
    _check_layers(p, layers)
    autoencodes = p.pretrain in _OF_AUTOENCODERS
    return Pretraining(
        model=p.pretrain,
        epochs=p.pretrain_epochs or EPOCHS,
        lr=p.pretrain_lr or RATE,
        seed=p.pretrain_seed or p.seed,
        top=len(layers) - 2,
        corruption=p.pretrain_corruption if autoencodes else "",
        strengths=_strengths(p, layers) if autoencodes else (0.0,) * (len(layers) - 2),
        tied=autoencodes and p.pretrain_weights == "tied",
        cost=_cost(p, layers),
        cd_steps=p.cd_steps or CD_STEPS,
        persistent=p.persistent_chains,
        gaussian=p.visible_units == "gaussian",
        unrolled_epochs=p.unrolled_epochs,
    )


def check_inputs(p, features):
    """Refuse inputs outside 0 to 1 where pre-training treats them as probabilities.

    Parameters
    ----------
    p : Options
    features : (N, …) float32, as they were read
    """
    wants = _wants_probabilities(p)
    if wants is None:
        return
    changes = [as_typed(name) for name in ("standardize", "contrast_norm", "whiten_zca") if getattr(p, name)]
    if changes:
        raise UserError(f"{wants} is for inputs between 0 and 1, which {changes[0]} does not leave: {_instead(p)}.")
    if p.rescale:  # which gives every feature this range
        return
    low, high = float(features.min()), float(features.max())
    if low < 0 or high > 1:
        raise UserError(
            f"{wants} is for inputs between 0 and 1, but those of {p.dataset} go from {low:g} to {high:g}: "
            f"{_instead(p)}, or --rescale."
        )


def _check_use(p):
    """Refuse options that have no effect."""
    for name, users in _USERS.items():
        if getattr(p, name) == DECLARED[name].default or p.pretrain in users:
            continue
        typed = as_typed(name)
        if p.pretrain == "none":
            raise UserError(f"{typed} is of no use without --pretrain: give that, too, or leave it out.")
        raise UserError(f"{typed} is of no use to --pretrain {p.pretrain}: it is for {' and '.join(users)}.")
    if p.from_ and p.pretrain == "none":
        raise UserError(
            f"--from {p.from_}: no options of its pre-training are known: begin such a run with run.py train."
        )


def _check_layers(p, layers):
    """Refuse a network that cannot be made of autoencoders or Boltzmann machines."""
    if len(layers) < 3:
        raise UserError(
            "--pretrain learns all layers but the top one, and --encoder-layers has no other: give more layers."
        )
    for layer in layers[1:]:
        if layer.kind != "fc":
            raise UserError(
                f"--pretrain is for fully connected layers, and layer {layer.number} of --encoder-layers is {layer.kind}: "
                "leave one out."
            )
        if layer.pieces > 1:
            raise UserError("--pretrain has no inverse of maxout: give another --act.")
    if any(layer.act == "softmax" for layer in layers[1:-1]):
        raise UserError("--pretrain has no inverse of a softmax below the top layer: give another --act.")
    acts = {layer.act for layer in layers[1:-1]}
    if p.unrolled_epochs and acts != {"sigmoid"}:
        raise UserError(
            "--unrolled-epochs goes on with what Boltzmann machines learnt, whose units are sigmoid: give --act sigmoid."
        )


def _strengths(p, layers):
    """The strength of the corruption at each layer below the code."""
    below, given = layers[:-2], p.pretrain_strength
    if not given and p.pretrain_corruption == "gaussian":
        return tuple(layer.noise_std for layer in below)
    strengths = per_layer(given or (MASKED,), len(below), "--pretrain-strength", "below the code", first="the inputs")
    if p.pretrain_corruption == "masking" and max(strengths) >= 1:
        raise UserError(f"--pretrain-strength is {max(strengths):g}, but the probability of masking must be below 1.")
    return strengths


def _cost(p, layers):
    if p.pretrain == "rbm":  # for the unrolled stack, whose units are means or probabilities
        return "squared" if p.visible_units == "gaussian" else "crossentropy"
    # The layers whose h are reconstructed, besides the inputs.
    targets = () if p.pretrain == "dae-joint" else layers[1:-2]
    if p.pretrain_cost == "crossentropy" and any(parse_activation(layer.act).name != "sigmoid" for layer in targets):
        raise UserError(
            "--pretrain-cost crossentropy is for signals between 0 and 1: give --act sigmoid, or --pretrain-cost squared."
        )
    return p.pretrain_cost


def _wants_probabilities(p):
    """The option that treats inputs as probabilities, or None."""
    if p.pretrain == "rbm":
        return "--pretrain rbm with binary visible units" if p.visible_units == "binary" else None
    return "--pretrain-cost crossentropy" if p.pretrain != "none" and p.pretrain_cost == "crossentropy" else None


def _instead(p):
    return "give --visible-units gaussian" if p.pretrain == "rbm" else "give --pretrain-cost squared"
