"""``run.py predict``: classes and probabilities for a user's own examples."""

import argparse
import csv
import io
import logging
from pathlib import Path

import numpy as np

from ladder import backends
from ladder.cli.options import add_backend_options, add_parameters_option, checked_backend
from ladder.cli.outputs import check_output
from ladder.data.csv_file import SEPARATORS
from ladder.data.description import class_name
from ladder.data.own_examples import (
    as_in_training,
    holds_images,
    input_files,
    read_own_images,
    read_values,
    warn_of_scale,
)
from ladder.errors import UserError
from ladder.output_files import write_text
from ladder.runs.folder import RunFolder
from ladder.training.evaluation import TrainedRun

logger = logging.getLogger("main")


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "predict",
        help="classes of your own examples",
        allow_abbrev=False,
        description="Write the class and the class probabilities of your own examples, as CSV. Images are resized as those "
        "of the run's data set were.",
    )
    parser.add_argument("load_from", help="folder of the run, e.g. results/noname0")
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help="a .csv file with one example per line (a first line of names is skipped), "
        "or a .npz file with an array 'features', values as in the data set of the run; or an image or a folder of images",
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
    add_parameters_option(parser)
    parser.add_argument("--output", metavar="FILE", help="CSV file to write (default: print)")
    add_backend_options(parser)
    parser.set_defaults(run=run)
    return parser


def run(args):
    backend = checked_backend(args)
    check_output(args.output, "--output", [args.input])
    trained = _load(args.load_from, args.parameters)
    files = input_files(Path(args.input))
    check_output(args.output, "--output", files, datasets=[trained.p.dataset])
    names, features = _read(files, args, trained.p, trained.data)
    trained = trained.held()
    if not trained.load_arrays().final:
        raise UserError(
            f"{trained.folder} has no final statistics, as its training was interrupted: go on with run.py train --resume "
            f"{trained.folder.typed}."
        )
    warn_of_scale(features, trained.p, trained.data)
    features = trained.training.preprocess_features(features)
    backends.configure(**backend)
    probabilities = trained.probabilities(features, np.arange(len(features)))
    table = _as_csv(probabilities, names, trained.data)
    if args.output is None:
        print(table, end="")
    else:
        write_text(args.output, table, "--output")
        logger.info("Wrote the classes of %d examples to %s", len(features), args.output)
    return 0


def _read(files, args, p, data):
    """The names of the examples (None if they have none), and their features as read in training."""
    path = Path(args.input)
    if holds_images(path):
        return read_own_images(path, p.dataset, data, files)
    values = read_values(path, data["in_dim"], args.separator, args.header)
    return None, as_in_training(values, args.input, p.dataset, data)


def _load(path, parameters):
    """The TrainedRun in a folder that ``run.py train`` wrote."""
    folder = RunFolder.existing(path)
    if folder.load_options() is None or folder.load_data() is None:
        raise UserError(f"{folder} was not written by 'run.py train': give the folder of such a run.")
    trained = TrainedRun.load(path, parameters=parameters)
    trained.check_knows_classes()
    return trained


def _separator(text):
    names = {**{name: name for name in SEPARATORS}, **{mark: name for name, mark in SEPARATORS.items()}, "\\t": "tab"}
    if text not in names:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(SEPARATORS)}.")
    return names[text]


def _as_csv(probabilities, files, data):
    """(examples, classes) -> text: the file (if any), the most probable class, its name, all probabilities."""
    text, has_names = io.StringIO(), "classes" in data
    writer = csv.writer(text, lineterminator="\n")
    titles = ["file"] * (files is not None) + ["class"] + ["name"] * has_names
    writer.writerow(titles + [f"p{i}" for i in range(probabilities.shape[1])])
    for i, row in enumerate(probabilities):
        guess = int(row.argmax())
        about = ([] if files is None else [files[i]]) + [guess] + [class_name(data, guess)] * has_names
        writer.writerow(about + [f"{value:.6g}" for value in row])
    return text.getvalue()
