"""Every option of a run, declared once: name, type, default, help, check, and whether it separates runs.

The command line's parser, presets, ``params.json``, the settings that tables
compare and the Python interface are all derived from :class:`Options`.
Options of the original keep its names, defaults and meaning.  Nothing here
imports Aesara.
"""

import argparse
import dataclasses
import math
import os
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from ladder import augmentation_specs, plain_json, rival_methods
from ladder.errors import UserError
from ladder.layer_specs import SYNTAX as LAYER_SYNTAX
from ladder.optimisation import OPTIMISERS, SCHEDULES
from ladder.option_declarations import BY_MEANING, SAME_RUN, VARIES, declare, declare_choice, own_defaults
from ladder.option_names import as_typed
from ladder.option_types import (
    MOST_WHOLE,
    at_least,
    below_1,
    between_0_and_1,
    decay_of_a_mean,
    finite_and_above_0,
    finite_and_not_negative,
    inside_0_and_1,
    known_name,
    largest_norm,
    must_be,
    names,
    none_alone,
    not_negative,
    number,
    numbers,
    one_of,
    seed_of_data,
    seed_of_noise,
    source_entry,
    truth,
    two_or_more,
    whole_number,
    whole_numbers,
)
from ladder.positions_file import read_positions
from ladder.pretraining import DECLARED as OF_PRETRAINING
from ladder.pretraining import PRETRAINING

#: Sources of Gaussian noise: the original's, and a counter-based one.
NOISES = ("mrg", "philox")

#: Kinds of adversarial noise: the thesis's four, and that of virtual adversarial training.
ADVERSARIAL_KINDS = ("sgn", "udg", "1N", "kN", "vat")

#: Which parameters a run keeps; the last ones in any case.
KEPT = ("last", "best")

#: Each power iteration of virtual adversarial noise adds a forward and a backward pass to the graph.
MOST_VAT_ITERATIONS = 10

TRAINING = "training"
DATA = "data"
NETWORK = "network (a value per layer starts with layer 0, the input)"
DECODER = "decoder"
REGULARISERS = "regularisers"
ADVERSARIAL = "adversarial noise (added to the Gaussian noise), and the virtual adversarial cost"
COMPUTATION = "how it is computed"
#: Not among GROUPS: the methods of ``run.py rivals`` have their own command, and rows of presets.
RIVALS = "rivals"

_KINDS = (
    "sgn: sign of the gradient, udg: the gradient, 1N: of norm 1, kN: of the power of sgn, vat: virtual adversarial"
)


@dataclass(frozen=True)
class Options:
    """The options of one run, checked.

    Values per layer (``f_local_noise_std``, ``act``, ``decoder_spec``) hold
    one entry for all layers, or one per layer, layer 0 (the input) first.
    :meth:`of` also takes scalars and command-line text.  ``dseed`` defaults to
    ``seed``, and is independent of it from then on: to reuse options with another
    ``seed``, give ``dseed=None``, too, or the labelled examples and splits stay
    the same.

    Raises
    ------
    UserError
        A value that no run could use.

    Examples
    --------
    >>> p = Options.of(encoder_layers="1000-10", denoising_cost_x=(1000, 10, 0.1), decoder_spec="gauss", seed=3)
    >>> p.encoder_layers, p.decoder_spec, p.dseed
    (('1000', '10'), ('gauss',), 3)
    """

    # fmt: off
    encoder_layers: Tuple[str, ...] = declare(
        (), NETWORK, "layers above the input, split by '-', e.g. 1000-500-250-250-250-10: a number of units, or "
        + "; ".join(LAYER_SYNTAX.values()), "LAYERS", names("-"), many=False, shown_default="", separates=BY_MEANING)
    act: Tuple[str, ...] = declare(
        ("relu",), NETWORK, "activation: relu, leakyrelu[:SLOPE], linear, softplus, sigmoid, tanh, elu[:ALPHA], "
        "maxout:PIECES; one, or one per layer split by '-'; the top layer is always softmax", "ACTS", names("-"), separates=BY_MEANING)
    super_noise_std: float = declare(
        0.3, NETWORK, "standard deviation of the noise on the corrupted encoder's input", "STD", number,
        check=finite_and_not_negative, separates=BY_MEANING)
    f_local_noise_std: Tuple[float, ...] = declare(
        (0.3,), NETWORK, "standard deviation of the noise on every layer of the corrupted encoder; one, or one per "
        "layer split by ',' (the input's is not used, missing ones are 0)", "STDS", numbers,
        check=finite_and_not_negative, separates=BY_MEANING)
    top_c: bool = declare(
        True, NETWORK, "whether the top layer scales its input before the softmax", "True|False", truth)
    first_weights: str = declare_choice(
        "below", NETWORK, "variance of the encoder's first weights: 1 over the number of units below, or over those "
        "below and above together", ("below", "both"))
    denoising_cost_x: Tuple[float, ...] = declare(
        (0.0,), DECODER, "weights of the denoising costs (the paper's lambda), one per layer split by ',', e.g. "
        "1000,10,0.1,0.1,0.1,0.1,0.1", "WEIGHTS", numbers, check=finite_and_not_negative, separates=BY_MEANING)
    decoder_spec: Tuple[str, ...] = declare(
        ("sig",), DECODER, "decoder functions: gauss, gauss_stable_v, sig, lin, relu, sigmoid, i, comparison_g2 … "
        "comparison_g5, mlp:UNITS… or amlp:UNITS… (amlp:2:2:2), or 0 for none; a trailing 0 (gauss0, amlp:2:2:2:0) cuts "
        "the signal from above; one, or one per layer split by '-'", "SPECS", names("-"), separates=BY_MEANING)
    zestbn: str = declare_choice(
        "bugfix", DECODER, "whether the decoder's estimate is normalised with the clean statistics (bugfix) or not "
        "(no)", ("bugfix", "no"))
    unsupervised: bool = declare(
        False, DECODER, "train without labels: no classification, denoising costs alone")
    num_epochs: int = declare(
        150, TRAINING, "epochs to train; an epoch ends when all unlabelled examples were seen", "N", whole_number,
        check=at_least(1), many=False, separates=VARIES)
    seed: int = declare(
        1, TRAINING, "seed of the first weights and of the noise", "N", whole_number, check=seed_of_noise, separates=SAME_RUN)
    dseed: Optional[int] = declare(
        None, TRAINING, "seed of the data's order, which also picks the labelled examples; 0 keeps the order of the "
        "file", "N", whole_number, check=seed_of_data, shown_default="--seed", separates=BY_MEANING)
    lr: float = declare(0.002, TRAINING, "learning rate", "R", number, check=finite_and_above_0)
    lr_schedule: str = declare(
        "linear", TRAINING, "how the learning rate changes from epoch to epoch: linear (see --lrate-decay), constant, "
        "step (times --lr-factor every --lr-every epochs), exponential (times --lr-factor), cosine (down to 0), plateau "
        "(times --lr-factor after --lr-every epochs without a lower validation error), bold-driver (times --lr-growth "
        "when the training cost fell, else --lr-factor)", "NAME", str, check=known_name(tuple(SCHEDULES), "schedule"),
        separates=BY_MEANING)
    lrate_decay: float = declare(
        SCHEDULES["linear"]["lrate_decay"], TRAINING, "of linear: part of the epochs after which the learning rate starts to fall linearly to 0", "F",
        number, check=between_0_and_1, separates=BY_MEANING)
    lr_factor: Optional[float] = declare(
        None, TRAINING, "of step, exponential, plateau, bold-driver: what the learning rate is multiplied by", "F",
        number, check=inside_0_and_1, shown_default=own_defaults(SCHEDULES, "lr_factor"), separates=BY_MEANING)
    lr_every: Optional[int] = declare(
        None, TRAINING, "of step, plateau: epochs between two changes of the learning rate", "N", whole_number,
        check=at_least(1), shown_default=own_defaults(SCHEDULES, "lr_every"), separates=BY_MEANING)
    lr_growth: Optional[float] = declare(
        None, TRAINING, "of bold-driver: what the learning rate is multiplied by when the training cost fell", "F",
        number, check=must_be(lambda value: 1 <= value <= 10, "at least 1 and at most 10"),
        shown_default=own_defaults(SCHEDULES, "lr_growth"), separates=BY_MEANING)
    warmup_epochs: int = declare(
        0, TRAINING, "first epochs, in which the learning rate rises in equal steps to --lr", "N", whole_number,
        check=not_negative)
    optimizer: str = declare(
        "adam", TRAINING, f"optimiser: {', '.join(OPTIMISERS)}", "NAME", str,
        check=known_name(tuple(OPTIMISERS), "optimiser"), separates=BY_MEANING)
    momentum: Optional[float] = declare(
        None, TRAINING, "of momentum, nesterov: what is left of the velocity after an update", "F", number,
        check=below_1, shown_default=own_defaults(OPTIMISERS, "momentum"), separates=BY_MEANING)
    rho: Optional[float] = declare(
        None, TRAINING, "of adadelta, rmsprop: decay of the running means of squares", "F", number,
        check=decay_of_a_mean, shown_default=own_defaults(OPTIMISERS, "rho"), separates=BY_MEANING)
    beta1: Optional[float] = declare(
        None, TRAINING, "of adam, amsgrad: decay of the running mean of gradients", "F", number,
        check=decay_of_a_mean, shown_default=own_defaults(OPTIMISERS, "beta1"), separates=BY_MEANING)
    beta2: Optional[float] = declare(
        None, TRAINING, "of adam, amsgrad: decay of the running mean of their squares", "F", number,
        check=decay_of_a_mean, shown_default=own_defaults(OPTIMISERS, "beta2"), separates=BY_MEANING)
    epsilon: Optional[float] = declare(
        None, TRAINING, "of adagrad, adadelta, rmsprop, adam, amsgrad: what is added to divisors", "R", number,
        check=finite_and_above_0, shown_default=own_defaults(OPTIMISERS, "epsilon"), separates=BY_MEANING)
    clip_norm: float = declare(
        0.0, TRAINING, "largest norm that the gradients of all parameters may have together; larger ones are scaled "
        "down; 0 for no limit", "R", number, check=largest_norm)
    batch_size: int = declare(
        100, TRAINING, "labelled examples in an update; 0: all of them", "N", whole_number, check=none_alone)
    unlabeled_batch_size: Optional[int] = declare(
        None, TRAINING, "unlabelled examples in an update; 0: all of them", "N", whole_number, check=none_alone,
        shown_default="--batch-size", separates=BY_MEANING)
    patience: int = declare(
        0, TRAINING, "epochs without a lower validation error after which training ends; 0: it never ends early", "N",
        whole_number, check=not_negative, separates=VARIES)
    keep: str = declare_choice(
        "last", TRAINING, "best: keep the parameters of the epoch with the lowest validation error beside the last ones",
        KEPT, many=False, separates=SAME_RUN)
    dataset: str = declare(
        "mnist", DATA, "data set: mnist, digits, a name made with 'convert', or an HDF5 file (named mnist.hdf5, it "
        "counts as mnist)", "NAME", str)
    sources: Tuple[str, ...] = declare(
        (), DATA, "what the file calls features and targets, e.g. features=x,targets=fine_labels; targets=none leaves "
        "labels out", "NAMES", names(","), check=source_entry, many=False, shown_default="features=features,targets=targets")
    divide_by: Optional[float] = declare(
        None, DATA, "number to divide the features by as they are read", "R", number, check=finite_and_above_0,
        many=False, shown_default="255 for 8-bit pixels, whole numbers that use the range from 0 to 255, of other data "
        "sets than cifar10; else 1")
    standardize: bool = declare(
        False, DATA, "give each feature mean 0 and standard deviation 1, on the examples that train")
    rescale: bool = declare(
        False, DATA, "give each feature the range from 0 to 1, on the examples that train")
    labeled_samples: Optional[int] = declare(
        None, DATA, "examples whose label is used, the same number of each class; 0 means all", "N", whole_number,
        check=not_negative, shown_default="all", separates=BY_MEANING)
    labeled_indices: Tuple[int, ...] = declare(
        (), DATA, "a text file with the positions of the labelled examples, from 0 in the training split, one on each "
        "line, instead of --labeled-samples; they are always among those that train", "FILE", read_positions,
        check=not_negative, shown_default="", separates=BY_MEANING)
    unlabeled_samples: Optional[int] = declare(
        None, DATA, "examples to train on; the labelled ones are among them, the rest may validate", "N", whole_number,
        check=not_negative, shown_default="50000 of mnist and fashion-mnist, 40000 of cifar10, 63257 of svhn, else all", separates=VARIES)
    valid_set_size: int = declare(
        10000, DATA, "examples left over from training that validate, at most", "N", whole_number, check=not_negative,
        separates=VARIES)
    valid_batch_size: int = declare(
        100, DATA, "batch size of validation", "N", whole_number, check=two_or_more, separates=SAME_RUN)
    contrast_norm: int = declare(
        0, DATA, "subtract the mean of each example, and scale it to this L2 norm (CIFAR-10: 55); 0 for none", "SCALE",
        whole_number, check=not_negative)
    whiten_zca: int = declare(
        0, DATA, "whiten the inputs (ZCA, fitted to the examples that train): the number of inputs (CIFAR-10: 3072); 0 "
        "for none", "N", whole_number, check=not_negative)
    augment: Tuple[str, ...] = declare(
        (), DATA, "change training images at random, anew in each batch; transformations split by ',', each followed by "
        ":PROBABILITY where not all images are to be changed: " + "; ".join(augmentation_specs.SYNTAX.values()),
        "CHANGES", augmentation_specs.read, check=augmentation_specs.problem, shown_default="none",
        separates=BY_MEANING)
    augment_halves: str = declare_choice(
        "both", DATA, "which examples of a batch --augment changes", ("both", *augmentation_specs.HALVES),
        separates=BY_MEANING)
    l1: float = declare(
        0.0, REGULARISERS, "weight of the L1 penalty: the sum of |w| over all weights between layers, encoder's and "
        "decoder's", "R", number, check=finite_and_not_negative)
    l2: float = declare(
        0.0, REGULARISERS, "weight of the L2 penalty: half the sum of w squared over the same weights", "R", number,
        check=finite_and_not_negative)
    max_norm: float = declare(
        0.0, REGULARISERS, "largest norm of a unit's incoming weights: larger ones are scaled down after each update; 0 "
        "for no limit", "R", number, check=largest_norm)
    dropout: Tuple[float, ...] = declare(
        (0.0,), REGULARISERS, "probability that a unit is dropped on its way to the layer above, in the corrupted "
        "encoder; one for all but the top, or one per layer split by ',', layer 0 (the input) first", "PS", numbers,
        check=below_1, separates=BY_MEANING)
    drop_connect: Tuple[float, ...] = declare(
        (0.0,), REGULARISERS, "probability that a weight is dropped, in the corrupted encoder; one, or one per layer "
        "above the input split by ','", "PS", numbers, check=below_1, separates=BY_MEANING)
    adv_kind: str = declare(
        "sgn", ADVERSARIAL, f"noise on labelled examples ({_KINDS})", "KIND", str,
        check=known_name(ADVERSARIAL_KINDS, "kind"), separates=BY_MEANING)
    adv_tau: Tuple[float, ...] = declare(
        (0.0,), ADVERSARIAL, "its strength; 0 for none; one, or one per layer of --adv-layers split by ','", "TAU",
        numbers, check=finite_and_not_negative, separates=BY_MEANING)
    adv_kind_unlabeled: str = declare(
        "sgn", ADVERSARIAL, "noise on unlabelled examples, the network's own argmax as the label", "KIND", str,
        check=known_name(ADVERSARIAL_KINDS, "kind"), separates=BY_MEANING)
    adv_tau_unlabeled: Tuple[float, ...] = declare(
        (0.0,), ADVERSARIAL, "its strength, as for --adv-tau", "TAU", numbers, check=finite_and_not_negative,
        separates=BY_MEANING)
    adv_layers: Tuple[int, ...] = declare(
        (0,), ADVERSARIAL, "layers whose z gets the noise, split by ','; 0 is the input", "LAYERS", whole_numbers,
        separates=BY_MEANING)
    adv_scale: str = declare_choice(
        "none", ADVERSARIAL, "dim multiplies a layer's strength by the root of its units over the input's",
        ("none", "dim"), separates=BY_MEANING)
    adv_path: str = declare_choice(
        "corr", ADVERSARIAL, "where the gradient is taken: through the corrupted path with its Gaussian noise, or the "
        "clean one; layers, for vat alone: for each layer through a pass that begins there, away from the clean path's "
        "probabilities", ("corr", "clean", "layers"), separates=BY_MEANING)
    vat_iterations: int = declare(
        1, ADVERSARIAL, "power iterations of vat and of --vat-cost", "N", whole_number,
        check=must_be(lambda n: 1 <= n <= MOST_VAT_ITERATIONS, f"at least 1 and at most {MOST_VAT_ITERATIONS}"),
        separates=BY_MEANING)
    vat_xi: float = declare(
        0.01, ADVERSARIAL, "how far a power iteration looks, as the L2 norm of an example", "R", number,
        check=finite_and_above_0, separates=BY_MEANING)
    vat_noise_std: float = declare(
        0.0, ADVERSARIAL, "standard deviation of the noise of passes that begin at a layer (--adv-path layers, "
        "--vat-cost), there and above", "STD", number, check=finite_and_not_negative, separates=BY_MEANING)
    vat_cost: Tuple[float, ...] = declare(
        (0.0,), ADVERSARIAL, "weights of the virtual adversarial costs: how far the probabilities of unlabelled examples "
        "move with z; one, or one per layer of --adv-layers split by ','", "WEIGHTS", numbers,
        check=finite_and_not_negative, separates=BY_MEANING)
    vat_radius: Tuple[float, ...] = declare(
        (0.0,), ADVERSARIAL, "how far --vat-cost moves z, as the L2 norm of an example; one, or one per layer", "RADII",
        numbers, check=finite_and_not_negative, separates=BY_MEANING)
    noise: str = declare_choice(
        "mrg", COMPUTATION, "random numbers of the Gaussian noise: mrg draws the original's, philox is counter-based",
        NOISES, separates=VARIES)
    plain_graph: bool = declare(
        False, COMPUTATION, "build the readable graph, without fused operations (slower, same results up to rounding)",
        separates=VARIES)
    rival: str = declare(
        "", RIVALS, "method of scikit-learn's that is fitted in place of a network: " + ", ".join(rival_methods.METHODS),
        "METHOD", str, check=one_of(("", *rival_methods.METHODS)), shown_default="none")
    pretrain: str = OF_PRETRAINING["pretrain"]
    pretrain_epochs: Optional[int] = OF_PRETRAINING["pretrain_epochs"]
    pretrain_lr: Optional[float] = OF_PRETRAINING["pretrain_lr"]
    pretrain_seed: Optional[int] = OF_PRETRAINING["pretrain_seed"]
    pretrain_corruption: str = OF_PRETRAINING["pretrain_corruption"]
    pretrain_strength: Tuple[float, ...] = OF_PRETRAINING["pretrain_strength"]
    pretrain_weights: str = OF_PRETRAINING["pretrain_weights"]
    pretrain_cost: str = OF_PRETRAINING["pretrain_cost"]
    cd_steps: Optional[int] = OF_PRETRAINING["cd_steps"]
    persistent_chains: bool = OF_PRETRAINING["persistent_chains"]
    visible_units: str = OF_PRETRAINING["visible_units"]
    unrolled_epochs: int = OF_PRETRAINING["unrolled_epochs"]
    from_: str = OF_PRETRAINING["from_"]
    # fmt: on

    def __post_init__(self):
        if self.dseed is None:
            object.__setattr__(self, "dseed", self.seed)
        for name, option in OPTIONS.items():
            value = getattr(self, name)
            for entry in value if isinstance(value, tuple) else (value,):
                problem = None if entry is None else _too_large(entry) or option.check(entry)
                if problem:
                    raise UserError(f"{as_typed(name)}{problem}")
        if self.standardize and self.rescale:
            raise UserError("--standardize and --rescale are two scales of the same features: give one.")

    @classmethod
    def of(cls, **values):
        """Options from Python values: those of the declared types, scalars for tuples, or command-line text."""
        unknown = [name for name in values if name not in OPTIONS]
        if unknown:
            raise UserError(f"there is no option '{unknown[0]}': choose from {', '.join(OPTIONS)}.")
        return cls(**{name: from_python(name, value) for name, value in values.items()})

    def as_dict(self):
        """Plain values by name; omit an empty ``labeled_indices``: JSON makes it a list, which :meth:`of` refuses."""
        return dataclasses.asdict(self)


#: Every option by name, in the order of ``--help``.
OPTIONS = {field.name: field.metadata["option"] for field in dataclasses.fields(Options)}
GROUPS = (TRAINING, DATA, NETWORK, DECODER, PRETRAINING, REGULARISERS, ADVERSARIAL, COMPUTATION)
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Options)}
TYPES = {field.name: field.type for field in dataclasses.fields(Options)}

#: The options that tell runs of one configuration apart.
SEEDS = ("seed", "dseed", "pretrain_seed")


def read(name, text):
    """The value of an option as typed; ``argparse.ArgumentTypeError`` says what is wrong with it."""
    return OPTIONS[name].read(text)


def _too_large(value):
    """What is wrong with a number that would be infinite as float32, or wrap around as int64; else None."""
    most = {int: MOST_WHOLE, float: plain_json.MOST_FLOAT32}.get(type(value), math.inf)
    if isinstance(value, (int, float)) and most < abs(value) < math.inf:
        return " is too large a number: give a smaller one."


def from_python(name, value):
    """The value of an option from Python: parsed if it is text, and of the option's own type."""
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if isinstance(value, str) and value == DEFAULTS[name]:
        return value
    if isinstance(value, str) and not OPTIONS[name].is_flag:
        try:
            return read(name, value)
        except argparse.ArgumentTypeError as error:
            raise UserError(f"{as_typed(name)}: {error}") from None
    given, kind, value = value, TYPES[name], _plain(value)
    if name == "labeled_indices" and value == [] and not isinstance(given, tuple):  # () is "not given", which takes all
        raise UserError("--labeled-indices holds no position: give at least one of each class.")
    if name == "encoder_layers":
        value = [str(layer) for layer in (value if isinstance(value, list) else [value])]
    if getattr(kind, "__origin__", None) is tuple and not isinstance(value, list):
        value = [value]
    try:
        return plain_json.check(value, kind, "it")
    except plain_json.NotJSON as error:
        raise UserError(f"{as_typed(name)}: {error}.") from None


def _plain(value: Any):
    """NumPy numbers as Python's; tuples, ranges and arrays as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(entry) for entry in value] if isinstance(value, (tuple, list, range)) else value


def source_names(sources):
    """The names of 'features' and 'targets' in a file, from the entries of ``--sources``, e.g. ('targets=label',).

    Returns
    -------
    dict of str to str
        Without 'targets' for 'targets=none': the labels are left out.
    """
    names = {"features": "features", "targets": "targets", **dict(entry.split("=", 1) for entry in sources)}
    if names["targets"] == "none":
        del names["targets"]
    return names
