"""``run.py predict``: classes and probabilities for a user's own examples."""

import argparse
import csv
import io
import logging
import sys
from pathlib import Path

import numpy as np

from ladder.cli.options import add_backend_options, check_backend, configure_backend
from ladder.cli.output import check_output, write_text
from ladder.data import scaling
from ladder.data.csv_file import SEPARATORS, read_numbers
from ladder.data.npz import load_arrays
from ladder.data.preprocessing import TrainingData
from ladder.data.record import check_unchanged
from ladder.errors import UserError
from ladder.hyper import HyperParameters, check_memory, examples_at_once, resolve_layers
from ladder.training import results

logger = logging.getLogger("main")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "predict",
        help="classes of your own examples",
        allow_abbrev=False,
        description="Write the class and the class probabilities of your own examples, as CSV.",
    )
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help="a .csv file with one example a line (a first line of names is skipped), "
        "or a .npz file with an array 'features'; values as in the data set of the run",
    )
    parser.add_argument(
        "--separator",
        type=_separator,
        default="comma",
        metavar="NAME",
        help=f"what separates the numbers of a .csv file: {', '.join(SEPARATORS)} (default: comma)",
    )
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line of a .csv file has names (default: where it has words, or counts the columns)",
    )
    parser.add_argument("--output", metavar="FILE", help="CSV file to write (default: print)")
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    check_backend(args)
    check_output(args.output, "--output")
    folder = Path(args.load_from)
    p, data = _load_options(folder)
    values = read_values(Path(args.input), p.encoder_layers[0], args.separator, args.header)
    features = as_in_training(values, args.input, p.dataset, data)
    check_unchanged(p, data, folder)
    configure_backend(args)
    from ladder.training.trained import TrainedClassifier

    classifier = TrainedClassifier(p, folder)
    if not classifier.has_final_statistics:
        raise UserError(f"{folder} has no final statistics, as its training was interrupted: train again.")
    training = TrainingData(p, record=data, fitted=results.load_fitted(folder, p))
    features = training.preprocess_features(features)
    _warn_of_scale(features, data["feature_range"])
    classify, n = classifier.compile(), examples_at_once(resolve_layers(p))
    table = _as_csv(np.concatenate([classify(features[i : i + n]) for i in range(0, len(features), n)]))
    if args.output is None:
        print(table, end="")
    else:
        write_text(args.output, table, "--output")
        logger.info("Wrote the classes of %d examples to %s", len(features), args.output)
    return 0


def _load_options(folder):
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: give the folder of a run, e.g. results/noname0.")
    options, data = results.load_options(folder), results.load_data(folder)
    if options is None or data is None:
        raise UserError(f"{folder} was not written by 'run.py train': give the folder of such a run.")
    if options["unsupervised"]:
        raise UserError(f"{folder} was trained without labels, so it knows no classes: train one with labels.")
    in_dim = data["in_dim"]
    p = HyperParameters(**{**options, "encoder_layers": (in_dim,) + options["encoder_layers"]})
    check_memory(p)
    return p, data


def _separator(text):
    names = {**{name: name for name in SEPARATORS}, **{mark: name for name, mark in SEPARATORS.items()}, "\\t": "tab"}
    if text not in names:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(SEPARATORS)}.")
    return names[text]


def read_values(path, in_dim, separator="comma", header=None):
    """A user's examples as they are stored.

    Parameters
    ----------
    path : Path, ``.csv`` or ``.npz``
    in_dim : tuple of int, shape of one example
    separator, header : as for :func:`ladder.data.csv_file.read_numbers`

    Returns
    -------
    (examples, *in_dim) array of numbers
    """
    if not path.is_file():
        raise UserError(f"--input: there is no file {path}.")
    n_values = int(np.prod(in_dim))
    if path.suffix.lower() != ".npz":
        values = read_numbers(path, n_values, separator, header)
    else:
        values = _turned(_read_npz(path), in_dim)
    if values.ndim < 2 or len(values) == 0 or values[0].size != n_values:
        raise UserError(
            f"--input: {path} holds an array of shape {values.shape}, but an example of this network has "
            f"{n_values} values ({' x '.join(map(str, in_dim))}): give one such example a row."
        )
    return values.reshape((len(values),) + tuple(in_dim))


def _read_npz(path):
    arrays = load_arrays(path)
    if "features" not in arrays or arrays["features"].dtype.kind not in "buif":
        raise UserError(
            f"--input: {path} has no numeric array 'features', but {', '.join(sorted(arrays)) or 'nothing'}: save the "
            "examples with numpy.savez(FILE, features=…)."
        )
    return arrays["features"]


def _turned(values, in_dim):
    """Images with their channels last, turned; others as they are."""
    if len(in_dim) == 3 and values.ndim == 4 and values.shape[1:] != in_dim == (values.shape[3], *values.shape[1:3]):
        return np.moveaxis(values, -1, 1)
    return values


def as_in_training(values, path, dataset, data):
    """A user's examples, scaled as those that the network was trained on.

    Parameters
    ----------
    values : (examples, …) array of numbers
    path : str, for messages
    dataset : str, that of the run
    data : dict, the run's ``data.json``

    Returns
    -------
    (examples, …) float32
    """
    if "divided_by" in data:
        divided_by = scaling.divisor_of_others(values, data["divided_by"], data["read_range"])
    else:
        divided_by = scaling.divisor_before_it_was_decided(values, Path(dataset).stem)
    features = scaling.as_float32(values, str(path), divided_by)
    if divided_by != data.get("divided_by", divided_by) or divided_by != 1:
        print(f"{path}: features are {scaling.describe(values, divided_by)}", file=sys.stderr)
    return features


def _warn_of_scale(features, feature_range):
    """The commonest mistake: pixels from 0 to 255 for a network that saw 0 to 1."""
    low, high = feature_range
    margin = 0.5 * (high - low)
    is_narrow = len(features) > 1 and features.max() - features.min() < 0.02 * (high - low)
    if features.min() < low - margin or features.max() > high + margin or is_narrow:
        print(
            f"Warning: values from {features.min():g} to {features.max():g}, where training saw "
            f"{low:g} to {high:g}: are they scaled alike?",
            file=sys.stderr,
        )


def _as_csv(probabilities):
    """(examples, classes) -> text: the most probable class, then all probabilities."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class"] + [f"p{i}" for i in range(probabilities.shape[1])])
    for row in probabilities:
        writer.writerow([int(row.argmax())] + [f"{value:.6g}" for value in row])
    return text.getvalue()
