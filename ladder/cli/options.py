"""The options of ``ladder.options`` on the command line, and those of backends and checkpoints."""

import argparse
import math
from dataclasses import replace

from ladder import backends
from ladder.backends import choice
from ladder.errors import UserError
from ladder.option_names import as_typed
from ladder.option_types import number_that, whole_number_from
from ladder.options import DEFAULTS, GROUPS, KEPT, OPTIONS, TYPES
from ladder.runs.folder import RESULTS, check_save_to
from ladder.training.extensions.checkpointing import MINUTES
from ladder.training.extensions.deadline import Deadline
from ladder.training.records import LOG_FORMATS, Records
from ladder.training.upkeep import Upkeep

thread_count = whole_number_from(1, choice.MOST_THREADS)


class _Given(argparse.Action):
    """Store a value, and remember the order in which options were given."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True if self.nargs == 0 else values)
        given = [name for name in getattr(namespace, "given", ()) if name != self.dest]
        namespace.given = given + [self.dest]


def add_training_options(parser, without=()):
    """Add all options that describe a network, its data and its training, except those of some groups."""
    for title in GROUPS:
        if title in without:
            continue
        group = parser.add_argument_group(title)
        for name, option in OPTIONS.items():
            if option.group == title:
                _add(group, name, option)


def add_preset_options(group):
    """Add ``--preset`` and ``--rows``, which choose what is trained, to a parser's group."""
    group.add_argument(
        "--preset",
        metavar="NAME",
        help="a published experiment (see 'run.py presets'), or a JSON file of your own; options given here override "
        "the preset's",
    )
    group.add_argument("--rows", nargs="+", metavar="ROW", help="rows of the preset to train (default: all)")


def add_options(parser, names, many=()):
    """Add some of these options to another command; :func:`given_options` returns them.

    Parameters
    ----------
    parser : ArgumentParser, or group of one
    names : sequence of str
    many : sequence of str
        Those that take several values if they do so for ``train``; the others take one.
    """
    for name in names:
        _add(parser, name, OPTIONS[name] if name in many else replace(OPTIONS[name], many=False))


def _add(group, name, option):
    if option.is_flag:
        group.add_argument(as_typed(name), dest=name, nargs=0, action=_Given, default=False, help=option.text)
        return
    group.add_argument(
        as_typed(name),
        dest=name,
        type=option.read,
        metavar=option.metavar,
        action=_Given,
        nargs="+" if option.many else None,
        help=option.text + _default_in_words(name, option),
    )


def _default_in_words(name, option):
    if option.shown_default == "":
        return ""
    default = option.shown_default or _shown(DEFAULTS[name])
    return f" (default: {default}{'; several values train all combinations' if option.many else ''})"


def _shown(value):
    if isinstance(value, tuple):
        return ",".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def given_options(args):
    """The training options given, in the order given: name -> value or list of values."""
    return {name: getattr(args, name) for name in getattr(args, "given", ()) if name in TYPES}


def swallowed_name(args):
    """The last of several values of an option, which may be the name that a command lacks; None if there is none."""
    lists = [getattr(args, name) for name in getattr(args, "given", ())]
    last = [values[-1] for values in lists if isinstance(values, list) and len(values) > 1][-1:]
    words = [",".join(value) if _is_texts(value) else value for value in last]
    return next((word for word in words if isinstance(word, str) and not _is_number(word)), None)


def _is_texts(value):
    return isinstance(value, tuple) and all(isinstance(entry, str) for entry in value)


def _is_number(text):
    return text.replace(".", "", 1).isdecimal()


def check_name(save_to):
    """Refuse a value that names no folder, and a bare number, as in ``--num-epochs 10 20`` if that takes one value."""
    if save_to is None:
        return
    check_save_to(save_to)
    if _is_number(save_to):
        raise UserError(
            f"'{save_to}' would be a name: if it is a value, the option before it takes only one; if it is a name, give "
            f"it as a path, e.g. {RESULTS}/{save_to}."
        )


def add_backend_options(parser, default="c", threads="OMP_NUM_THREADS if set, else the cores this process may use"):
    """Add the options for compiling graphs; see :func:`backend_options`.

    Parameters
    ----------
    parser : ArgumentParser
    default : str, the default of ``--backend``; None if that depends on something else
    threads : str, the default of ``--threads`` in words
    """
    group = parser.add_argument_group("backend")
    group.add_argument(
        "--backend",
        choices=choice.BACKENDS,
        default=default,
        help="what compiles the graph: c (a C++ compiler and BLAS), or jax (XLA, on a GPU where JAX has one) (default: "
        + (default or "the run's, at first c")
        + ")",
    )
    group.add_argument(
        "--threads",
        type=thread_count,
        metavar="N",
        help=f"threads of matrix products and fused operations (default: {threads})",
    )
    group.add_argument(
        "--device",
        choices=choice.DEVICES,
        help="with --backend jax, where it computes (default: on a GPU where JAX has one)",
    )
    group.add_argument(
        "--matmul-precision",
        choices=("float32", "tf32"),
        help="with --backend jax, what GPUs multiply matrices and convolve in: tf32 is faster, and rounds factors to "
        "10 bits (default: float32)",
    )


def backend_options(args):
    """The backend options as given; None for those that were not."""
    return {name: getattr(args, name) for name in ("backend", "threads", "device", "matmul_precision")}


def checked_backend(args):
    """The arguments for :func:`ladder.backends.configure`; ``UserError`` if they are incompatible.  It is quick."""
    return choice.checked(**backend_options(args))


def configure_backend(args):
    """Configure the chosen backend, before anything imports Aesara; returns its description."""
    return backends.configure(**checked_backend(args))


def add_checkpoint_options(parser):
    parser.add_argument(
        "--resume",
        metavar="FOLDER",
        help="go on with the run in this folder, where it was interrupted or killed; it has its own options, and ends "
        "as if it had never stopped",
    )
    add_minutes_options(parser)


def add_minutes_options(parser, goes_on="with --resume"):
    """Add the options for when checkpoints are written and the command stops; ``goes_on`` says how to continue it."""
    parser.add_argument(
        "--checkpoint-minutes",
        type=number_that(lambda minutes: 0 <= minutes < math.inf, "of minutes, 0 or more"),
        default=MINUTES,
        metavar="M",
        help=f"minutes between checkpoints; 0: at the ends of epochs alone (default: {MINUTES:g})",
    )
    parser.add_argument(
        "--max-minutes",
        type=number_that(lambda minutes: 0 < minutes < math.inf, "of minutes above 0"),
        metavar="M",
        help=f"minutes after which this command stops as if it were interrupted, to go on later {goes_on} (default: "
        "it trains to the end)",
    )


def add_parameters_option(parser):
    parser.add_argument(
        "--parameters",
        choices=KEPT,
        default="last",
        help="which of a run's parameters are used: those of its last epoch, or those of the epoch with the lowest "
        "validation error, which train --keep best keeps (default: last)",
    )


def add_record_options(parser):
    """Add the options for what a run writes for those who watch it; see :func:`records`."""
    group = parser.add_argument_group("to watch a run (this changes nothing in it)")
    group.add_argument(
        "--tensorboard",
        action="store_true",
        help="write what TensorBoard shows into the run's folder: numbers of every epoch, distributions, reconstructions",
    )
    group.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        default=LOG_FORMATS[0],
        help="csv: write log.csv, which spreadsheets open, beside log.jsonl (default: log.jsonl alone)",
    )
    group.add_argument(
        "--save-split",
        action="store_true",
        help="write the positions of the examples that are labelled, train and validate into the run's folder "
        "(labeled.txt, train.txt, valid.txt)",
    )


def records(args):
    """The requested Records; ``UserError`` if they cannot be written."""
    return Records.of(args.tensorboard, args.log_format, args.save_split)


def upkeep(args, records=Records()):
    """The requested Upkeep; its clock starts now, because compiling counts."""
    deadline = None if args.max_minutes is None else Deadline(args.max_minutes)
    return Upkeep(args.checkpoint_minutes, records, deadline)
