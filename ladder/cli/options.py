"""The training options: their syntax, defaults and help, and the runs they ask for.

Names, defaults and value syntax are the original's.  An option marked with
several values trains all combinations, one run each.
"""

import argparse
import itertools
import math
from dataclasses import fields

from ladder import backends
from ladder.backends.jax import setup
from ladder.errors import UserError
from ladder.hyper import HyperParameters
from ladder.layer_specs import SYNTAX as LAYER_SYNTAX
from ladder.training.extensions.checkpointing import MINUTES

FIELDS = tuple(f.name for f in fields(HyperParameters))
FLAGS = ("unsupervised", "plain_graph", "standardize", "rescale")

#: More than any machine runs well, and than the system may start.
THREADS = range(1, 1025)

#: Of one command.
MOST_CONFIGURATIONS = 2_000


def add_training_options(parser):
    """Add all options that describe a network, its data and its training."""
    general = parser.add_argument_group("training")
    _add(
        general,
        "--num-epochs",
        int,
        "N",
        150,
        "epochs to train; an epoch ends when all unlabelled examples were seen",
        many=False,
    )
    _add(general, "--seed", int, "N", 1, "seed of the first weights and of the noise")
    _add(
        general,
        "--dseed",
        int,
        "N",
        "--seed",
        "seed of the data's order, which also picks the labelled examples; 0 keeps the order of the file",
    )
    _add(general, "--lr", float, "R", 0.002, "learning rate of Adam")
    _add(
        general,
        "--lrate-decay",
        float,
        "F",
        0.67,
        "part of the epochs after which the learning rate starts to fall linearly to 0",
    )
    _add(general, "--batch-size", int, "N", 100, "labelled examples in an update, and as many unlabelled ones")
    data = parser.add_argument_group("data")
    _add(
        data,
        "--dataset",
        str,
        "NAME",
        "mnist",
        "data set: mnist, digits, a name made with 'convert', or an HDF5 file (named mnist.hdf5, it counts as mnist)",
    )
    _add(
        data,
        "--sources",
        split_by(","),
        "NAMES",
        "features=features,targets=targets",
        "what the file calls features and targets, e.g. features=x,targets=fine_labels; targets=none leaves labels out",
        many=False,
    )
    _add(
        data,
        "--divide-by",
        float,
        "R",
        "255 for 8-bit pixels, whole numbers that use the range from 0 to 255, of other data sets than cifar10; else 1",
        "number to divide the features by as they are read",
        many=False,
    )
    data.add_argument(
        "--standardize",
        action="store_true",
        help="give each feature mean 0 and standard deviation 1, on the examples that train",
    )
    data.add_argument(
        "--rescale", action="store_true", help="give each feature the range from 0 to 1, on the examples that train"
    )
    _add(
        data,
        "--labeled-samples",
        int,
        "N",
        "all",
        "examples whose label is used, the same number of each class; 0 means all",
    )
    _add(
        data,
        "--unlabeled-samples",
        int,
        "N",
        "50000 of mnist, 40000 of cifar10, else all",
        "examples to train on; the labelled ones are among them, the rest may validate",
    )
    _add(data, "--valid-set-size", int, "N", 10000, "examples left over from training that validate, at most")
    _add(data, "--valid-batch-size", int, "N", 100, "batch size of validation")
    _add(
        data,
        "--contrast-norm",
        int,
        "SCALE",
        0,
        "subtract the mean of each example, and scale it to this L2 norm (CIFAR-10: 55); 0 for none",
    )
    _add(
        data,
        "--whiten-zca",
        int,
        "N",
        0,
        "whiten the inputs (ZCA, fitted to the examples that train): the number of inputs (CIFAR-10: 3072); 0 for none",
    )
    network = parser.add_argument_group("network (a value a layer starts with layer 0, the input)")
    network.add_argument(
        "--encoder-layers",
        type=split_by("-"),
        default=(),
        metavar="LAYERS",
        action=_Given,
        help="layers above the input, split by '-', e.g. 1000-500-250-250-250-10: a number of units, or "
        + "; ".join(LAYER_SYNTAX.values()),
    )
    _add(
        network,
        "--act",
        split_by("-"),
        "ACTS",
        "relu",
        "activation: relu, leakyrelu, linear, softplus, sigmoid; one, or one a layer split by '-'; the top "
        "layer is always softmax",
    )
    _add(
        network,
        "--super-noise-std",
        float,
        "STD",
        0.3,
        "standard deviation of the noise on the corrupted encoder's input",
    )
    _add(
        network,
        "--f-local-noise-std",
        _floats,
        "STDS",
        "0.3",
        "standard deviation of the noise on every layer of the corrupted encoder; one, or one a layer split "
        "by ',' (the input's is not used, missing ones are 0)",
    )
    _add(network, "--top-c", _bool, "True|False", True, "whether the top layer scales its input before the softmax")
    _add(
        network,
        "--first-weights",
        str,
        "below|both",
        "below",
        "variance of the encoder's first weights: 1 over the units below, or over those below and above together",
    )
    decoder = parser.add_argument_group("decoder")
    _add(
        decoder,
        "--denoising-cost-x",
        _floats,
        "WEIGHTS",
        "0",
        "weights of the denoising costs, one a layer split by ',', e.g. 1000,10,0.1,0.1,0.1,0.1,0.1",
    )
    _add(
        decoder,
        "--decoder-spec",
        split_by("-"),
        "SPECS",
        "sig",
        "decoder functions: gauss, gauss_stable_v, sig, lin, relu, sigmoid, i, comparison_g2 … comparison_g5,"
        " or 0 for none; a trailing 0 (gauss0) cuts the signal from above; one, or one a layer split by '-'",
    )
    _add(
        decoder,
        "--zestbn",
        str,
        "bugfix|no",
        "bugfix",
        "whether the decoder's estimate is normalised with the clean statistics (bugfix) or not (no)",
    )
    decoder.add_argument(
        "--unsupervised", action="store_true", help="train without labels: no classification, denoising costs alone"
    )
    adversarial = parser.add_argument_group("adversarial noise (added to the Gaussian noise)")
    kinds = (
        "sgn: sign of the gradient, udg: the gradient, 1N: of norm 1, kN: of the power of sgn, vat: virtual adversarial"
    )
    _add(adversarial, "--adv-kind", str, "KIND", "sgn", f"noise on labelled examples ({kinds})")
    _add(
        adversarial,
        "--adv-tau",
        _floats,
        "TAU",
        0,
        "its strength; 0 for none; one, or one a layer of --adv-layers split by ','",
    )
    _add(
        adversarial,
        "--adv-kind-unlabeled",
        str,
        "KIND",
        "sgn",
        "noise on unlabelled examples, the network's own argmax as the label",
    )
    _add(adversarial, "--adv-tau-unlabeled", _floats, "TAU", 0, "its strength, as for --adv-tau")
    _add(
        adversarial,
        "--adv-layers",
        _integers,
        "LAYERS",
        0,
        "layers whose z gets the noise, split by ','; 0 is the input",
    )
    _add(
        adversarial,
        "--adv-scale",
        str,
        "none|dim",
        "none",
        "dim multiplies a layer's strength by the root of its units over the input's",
    )
    _add(
        adversarial,
        "--adv-path",
        str,
        "corr|clean|layers",
        "corr",
        "where the gradient is taken: through the corrupted path with its Gaussian noise, or the clean one; layers, of "
        "vat alone: for each layer by a pass that begins there, away from the clean path's probabilities",
    )
    _add(adversarial, "--vat-iterations", int, "N", 1, "power iterations of vat and of --vat-cost")
    _add(adversarial, "--vat-xi", float, "R", 0.01, "how far a power iteration looks, in the norm of an example")
    _add(
        adversarial,
        "--vat-noise-std",
        float,
        "STD",
        0,
        "Gaussian noise of passes that begin at a layer (--adv-path layers, --vat-cost), there and above",
    )
    _add(
        adversarial,
        "--vat-cost",
        _floats,
        "WEIGHTS",
        0,
        "weights of virtual adversarial costs: how far the probabilities of unlabelled examples move with z; one, or one "
        "a layer of --adv-layers split by ','",
    )
    _add(adversarial, "--vat-radius", _floats, "R", 0, "how far --vat-cost moves z, in the norm of an example, as many")
    speed = parser.add_argument_group("how it is computed")
    _add(
        speed,
        "--noise",
        str,
        "mrg|philox",
        "mrg",
        "random numbers of the Gaussian noise: mrg draws the original's, philox is counter-based",
    )
    speed.add_argument(
        "--plain-graph",
        action="store_true",
        help="build the readable graph, without fused operations (slower, same results up to rounding)",
    )


def add_backend_options(parser, default="c"):
    """How graphs are compiled; see :func:`configure_backend`.

    Parameters
    ----------
    parser : ArgumentParser
    default : str, what ``--backend`` is where it is not given; None where that depends
    """
    group = parser.add_argument_group("backend")
    group.add_argument(
        "--backend",
        choices=backends.BACKENDS,
        default=default,
        help="what compiles the graph: c (a C++ compiler and BLAS), or jax (XLA, on a GPU where JAX has one) (default: "
        + (default or "the run's, at first c")
        + ")",
    )
    group.add_argument(
        "--threads",
        type=_threads,
        metavar="N",
        help="threads of matrix products and fused operations (default: the cores this process may use)",
    )
    group.add_argument(
        "--device",
        choices=("cpu", "gpu"),
        help="with --backend jax, where it computes (default: on a GPU where JAX has one)",
    )
    group.add_argument(
        "--matmul-precision",
        choices=("float32", "tf32"),
        help="with --backend jax, what GPUs multiply matrices and convolve in: tf32 is faster, and rounds factors to 10 bits (default: float32)",
    )


def check_backend(args):
    """Refuse options that do not go together, and a backend that is not installed; quick, and imports nothing.

    Returns
    -------
    dict of the backend's own options
    """
    options = {"matmul_precision": args.matmul_precision, "device": args.device}
    given = ["--" + name.replace("_", "-") for name, value in options.items() if value is not None]
    if args.backend == "jax":
        setup.check_version()
        return options
    if given:
        raise UserError(f"{given[0]} is for --backend jax: give that, too, or leave it out.")
    return {}


def configure_backend(args):
    """Make ready the backend that was asked for, before anything imports Aesara; returns what it says of itself.

    Raises
    ------
    UserError
        It is not installed, or cannot run here.
    """
    return backends.configure(args.backend, args.threads, **check_backend(args))


def add_checkpoint_options(parser):
    parser.add_argument(
        "--resume",
        metavar="FOLDER",
        help="go on with the run in this folder, where it was interrupted or killed; it has its own options, and ends as if it had never stopped",
    )
    parser.add_argument(
        "--checkpoint-minutes",
        type=_minutes,
        default=MINUTES,
        metavar="M",
        help=f"minutes between checkpoints; 0: at the ends of epochs alone (default: {MINUTES:g})",
    )


class _Given(argparse.Action):
    """Store a value, and remember the order in which options were given."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, values)
        given = [name for name in getattr(namespace, "given", ()) if name != self.dest]
        namespace.given = given + [self.dest]


def _add(group, name, type_, metavar, default, text, many=True):
    """An option; ``default`` may be a text that only explains."""
    type_ = {int: whole_number, float: number}.get(type_, type_)
    group.add_argument(
        name,
        type=type_,
        metavar=metavar,
        action=_Given,
        nargs="+" if many else None,
        help=f"{text} (default: {default}{'; several values train all combinations' if many else ''})",
    )


def split_by(separator):
    """The type of an option whose value is a tuple of texts."""

    def names(text):
        parts = tuple(text.replace(separator, ",").split(","))
        if "" in parts:
            raise argparse.ArgumentTypeError(f"'{text}' has an empty entry: write entries split by '{separator}'.")
        return parts

    return names


def whole_number(text):
    """The type of an option with a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number.") from None


def number(text):
    """The type of an option with a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number.") from None


def swallowed_name(args):
    """What may be the name that a command lacks: the last of several values of an option; None where there is none."""
    lists = [getattr(args, name) for name in getattr(args, "given", ())]
    last = [values[-1] for values in lists if isinstance(values, list) and len(values) > 1]
    return None if not last else ",".join(map(str, last[-1])) if isinstance(last[-1], tuple) else str(last[-1])


def _floats(text):
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers split by ','.") from None


def _integers(text):
    if not all(part.isdecimal() for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers split by ','.")
    return tuple(int(part) for part in text.split(","))


def _threads(text):
    if not text.isdecimal() or int(text) not in THREADS:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 1 to {THREADS[-1]}.")
    return int(text)


def _minutes(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 <= minutes < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' must be a number of minutes, 0 or more.")
    return minutes


def _bool(text):
    if text.lower() not in ("true", "t", "false", "f"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither True nor False.")
    return text.lower() in ("true", "t")


def given_options(args):
    """The training options that were given, in their order: name -> value or list of values."""
    options = {name: getattr(args, name) for name in getattr(args, "given", ()) if name in FIELDS}
    options.update({flag: True for flag in FLAGS if getattr(args, flag, False)})
    return options


def combinations(options):
    """Every combination of the values given, the first option varying slowest.

    ``UserError`` where there are too many.

    Parameters
    ----------
    options : dict of name -> value, or list of values

    Returns
    -------
    list of dict of name -> value
    """
    lists = [values if isinstance(values, list) else [values] for values in options.values()]
    check_count(math.prod(map(len, lists)))
    return [dict(zip(options, choice)) for choice in itertools.product(*lists)]


def check_count(n):
    """Refuse so many configurations that checking them alone would take minutes."""
    if n > MOST_CONFIGURATIONS:
        raise UserError(
            f"the values given make {n:,} configurations, and no more than {MOST_CONFIGURATIONS:,} are trained at once: "
            "give fewer values."
        )


def hyper_parameters(options, in_dim):
    """One configuration.

    Parameters
    ----------
    options : dict of name -> value
    in_dim : tuple of int, shape of one example

    Returns
    -------
    HyperParameters
    """
    layers = (tuple(in_dim),) + tuple(options.get("encoder_layers", ()))
    return HyperParameters(**{**options, "encoder_layers": layers})
