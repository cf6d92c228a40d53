"""``run.py predict``: classes and probabilities for a user's own examples."""

import csv
import io
import logging
import sys
from pathlib import Path

import numpy as np

from ladder.cli.options import add_backend_options, check_backend, configure_backend
from ladder.cli.output import check_output, write_text
from ladder.data.hdf5 import as_float32, scales_pixels
from ladder.data.npz import load_arrays
from ladder.data.preprocessing import TrainingData
from ladder.errors import UserError
from ladder.hyper import HyperParameters, check_memory, examples_at_once, resolve_layers
from ladder.training import results

logger = logging.getLogger("main")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "predict", help="classes of your own examples", allow_abbrev=False,
        description="Write the class and the class probabilities of your own examples, as CSV.",
    )  # fmt: skip
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    parser.add_argument("--input", required=True, metavar="FILE",
                        help="a .csv file with one example a row (a first row of names is skipped), "
                        "or a .npz file with an array 'features'; values scaled as in training")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", help="CSV file to write (default: print)")
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    check_backend(args)
    check_output(args.output, "--output")
    folder = Path(args.load_from)
    p, data = _load_options(folder)
    features = read_features(Path(args.input), p.encoder_layers[0], scale=scales_pixels(p.dataset))
    configure_backend(args)
    from ladder.training.trained import TrainedClassifier

    classifier = TrainedClassifier(p, folder)
    if not classifier.has_final_statistics:
        raise UserError(f"{folder} has no final statistics, as its training was interrupted: train again.")
    features = TrainingData(p).preprocess_features(features)
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


def read_features(path, in_dim, scale=True):
    """A user's examples.

    Parameters
    ----------
    path : Path, ``.csv`` or ``.npz``
    in_dim : tuple of int, shape of one example
    scale : bool, whether uint8 is divided by 255

    Returns
    -------
    (examples, *in_dim) float32
    """
    if not path.is_file():
        raise UserError(f"--input: there is no file {path}.")
    values = _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    if values.ndim < 2 or len(values) == 0 or values[0].size != np.prod(in_dim):
        raise UserError(
            f"--input: {path} holds an array of shape {values.shape}, but an example of this network has "
            f"{np.prod(in_dim)} values ({' x '.join(map(str, in_dim))}): give one such example a row."
        )
    return as_float32(values.reshape((len(values),) + tuple(in_dim)), str(path), scale)


def _read_npz(path):
    arrays = load_arrays(path)
    if "features" not in arrays or arrays["features"].dtype.kind not in "buif":
        raise UserError(f"--input: {path} has no numeric array 'features'.")
    return arrays["features"]


def _read_csv(path):
    try:
        # Excel begins its files with a byte order mark, which utf-8-sig takes away.
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = [row for row in csv.reader(f) if row]
    except (UnicodeDecodeError, csv.Error):
        raise UserError(f"--input: {path} is not a CSV file: give a .csv or a .npz file.") from None
    if rows and not any(map(_is_number, rows[0])):
        rows = rows[1:]
    try:
        return np.array([[float(value) for value in row] for row in rows], dtype="float32")
    except ValueError:
        raise UserError(f"--input: {path} has rows of different lengths, or values that are not numbers.") from None


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _warn_of_scale(features, feature_range):
    """The commonest mistake: pixels from 0 to 255 for a network that saw 0 to 1."""
    low, high = feature_range
    margin = 0.5 * (high - low)
    if features.min() < low - margin or features.max() > high + margin:
        print(
            f"Warning: values from {features.min():g} to {features.max():g}, where training saw "
            f"{low:g} to {high:g}: are they scaled alike?", file=sys.stderr,
        )  # fmt: skip


def _as_csv(probabilities):
    """(examples, classes) -> text: the most probable class, then all probabilities."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class"] + [f"p{i}" for i in range(probabilities.shape[1])])
    for row in probabilities:
        writer.writerow([int(row.argmax())] + [f"{value:.6g}" for value in row])
    return text.getvalue()
