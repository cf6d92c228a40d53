"""``run.py convert``: from a data set's own files to one HDF5 file."""

import argparse
import os
import re
import sys
from pathlib import Path

from ladder.data import NO_LABEL
from ladder.data.convert.arrays import convert_arrays, dataset_name
from ladder.data.convert.images import convert_images
from ladder.data.hdf5 import output_directory
from ladder.data.image_files import FITS
from ladder.data.registry import KNOWN
from ladder.data.summary import summarise
from ladder.errors import UserError
from ladder.files import expanded
from ladder.option_types import names
from ladder.output_files import check_folder

#: The number of channels that each ``--channels`` means.
CHANNELS = {"grey": 1, "gray": 1, "colour": 3, "color": 3}


def add_parser(subparsers):
    """Add ``convert`` and its data sets to the command line.

    Parameters
    ----------
    subparsers : what ``ArgumentParser.add_subparsers`` returns

    Returns
    -------
    ArgumentParser
        Its default for ``run`` is the function below.
    """
    parser = subparsers.add_parser(
        "convert",
        allow_abbrev=False,
        help="make a data set ready for training",
        description="Make a data set ready for training: write it as one HDF5 file, in Fuel's layout.",
    )
    sources = ",".join([*KNOWN, "arrays", "images"])
    datasets = parser.add_subparsers(dest="source", metavar=f"{{{sources}}}", required=True)
    for dataset in KNOWN.values():
        converter = datasets.add_parser(dataset.name, allow_abbrev=False, help=dataset.what)
        for option, arguments in dataset.options.items():
            converter.add_argument(option, **arguments)
        _add_output_options(converter)
    _add_arrays(datasets)
    _add_images(datasets)
    parser.set_defaults(run=run)
    return parser


def _add_arrays(datasets):
    parser = datasets.add_parser(
        "arrays",
        allow_abbrev=False,
        help="your own data, from a .npz file of numpy arrays, or from an HDF5 file whose labels or images need fixing",
    )
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help=".npz file with features and targets (whole numbers from 0; -1 for no label; left out where nothing has a "
        "label), and features_test and targets_test if it has a test set of its own; or an HDF5 file in Fuel's layout",
    )
    parser.add_argument(
        "--sources",
        type=names(","),
        default=(),
        metavar="NAMES",
        help="what the file calls features and targets, e.g. features=x,targets=y (of a .npz file also features_test=…); "
        "targets=none leaves labels out",
    )
    parser.add_argument(
        "--splits",
        type=names(","),
        default=(),
        metavar="NAMES",
        help="what an HDF5 file calls its training and test examples, e.g. train=training,test=testing",
    )
    parser.add_argument(
        "--no-label",
        type=_label,
        default=NO_LABEL,
        metavar="L",
        help="another target that means 'no label', as -1 does; none where every one is a class, -1, too (then with "
        "--renumber-labels)",
    )
    parser.add_argument("--renumber-labels", action="store_true", help="number the classes from 0, in their order")
    parser.add_argument(
        "--channels",
        choices=("first", "last"),
        help="where images have their channels (default: as the axes' labels or the shape say)",
    )
    parser.add_argument("--name", help="what to call the data set (default: the file's name without .npz)")
    _add_test_set(parser, "unless the file has test arrays")
    _add_output_options(parser)


def _add_images(datasets):
    parser = datasets.add_parser(
        "images",
        allow_abbrev=False,
        help="your own images, from a folder with one folder for each class",
        description="Write your own images as one HDF5 file. The folder holds one folder of images for each class, whose "
        "name is the class's, and unlabeled for images without a label; or train and test, which hold such folders. PNG, "
        "JPEG, BMP, GIF, TIFF, WebP and PPM are read; of several frames the first, and what is transparent shows white.",
    )
    parser.add_argument("--directory", required=True, metavar="D", help="the folder")
    parser.add_argument(
        "--size",
        type=_size,
        required=True,
        metavar="HxW|N",
        help="height and width that all images are resized to, in pixels, e.g. 32x48, or one number for both",
    )
    parser.add_argument(
        "--channels",
        choices=tuple(CHANNELS),
        help="make all images grey or coloured (default: grey if all are, else coloured)",
    )
    parser.add_argument(
        "--fit",
        choices=FITS,
        default=FITS[0],
        help="what is done to an image of other proportions: crop keeps the middle, pad adds black bars, stretch scales "
        f"the sides differently (default: {FITS[0]})",
    )
    parser.add_argument("--name", help="what to call the data set (default: the folder's name)")
    _add_test_set(parser, "unless there is a folder test")
    _add_output_options(parser)


def _add_test_set(parser, unless):
    parser.add_argument(
        "--test-fraction",
        type=float,
        metavar="F",
        help="part of the labelled examples to set aside for testing, the same of each class; "
        f"0 for none (default: 0.2, {unless})",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="another number sets other test examples aside (default: 1)"
    )
    parser.add_argument(
        "--shuffle",
        action="store_true",
        help="write the examples in an order drawn with --seed: where they are sorted by class, the first ones, which "
        "validate, are of few classes",
    )


def _size(text):
    """'32' -> (32, 32), '32x48' -> (32, 48)."""
    found = re.fullmatch(r"(\d{1,9})(?:[xX×](\d{1,9}))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number of pixels nor height x width, e.g. 32x48.")
    return int(found[1]), int(found[2] or found[1])


def _label(text):
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a whole number nor none.") from None


def _add_output_options(parser):
    parser.add_argument(
        "--output-directory",
        metavar="D",
        help="folder to write to (default: the first of $FUEL_DATA_PATH, or else datasets)",
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it is there already")


def run(args):
    """Convert a data set, say what was written, and return the exit status 0.

    Raises ``UserError`` for mistakes that the user can fix.
    """
    path = _output_path(args)
    if path.exists() and not args.force:
        raise UserError(f"{path} exists already: add --force to replace it.")
    if args.source == "arrays" and path.exists() and os.path.exists(args.input) and os.path.samefile(path, args.input):
        raise UserError(f"{path} is what would be converted, and lost: give another name with --name.")
    check_folder(Path(os.path.realpath(path)).parent, "--output-directory")
    if args.source in KNOWN:
        options = {option.lstrip("-"): getattr(args, option.lstrip("-")) for option in KNOWN[args.source].options}
        report(KNOWN[args.source].convert(output_path=path, **options))
    elif args.source == "images":
        report(_convert_images(args, path))
    else:
        report(_convert_arrays(args, path))
    return 0


def _convert_images(args, path):
    return convert_images(
        args.directory,
        path,
        args.size,
        CHANNELS.get(args.channels),
        args.fit,
        args.test_fraction,
        args.seed,
        args.shuffle,
    )


def _convert_arrays(args, path):
    return convert_arrays(
        args.input,
        path,
        args.test_fraction,
        args.seed,
        args.sources,
        args.splits,
        args.no_label,
        args.renumber_labels,
        args.channels,
        args.shuffle,
    )


def _output_path(args):
    folder = output_directory() if args.output_directory is None else expanded(args.output_directory)
    return folder / f"{_name(args)}.hdf5"


def _name(args):
    if args.source == "arrays":
        return dataset_name(args.input, args.name)
    if args.source == "images":
        if not Path(args.directory).is_dir():
            raise UserError(f"--directory: there is no folder {args.directory}: give the one with your images.")
        return dataset_name(args.directory, Path(args.directory).resolve().name if args.name is None else args.name)
    return args.source


def report(path):
    """Print what was written to a data set's file (Path)."""
    print(f"Wrote {path}")
    _, _, splits = summarise(path)
    for split in splits:
        note = f", {split.n_unlabelled} of them without a label" if split.n_unlabelled else ""
        print(f"  {split.name}: {split.n} examples of {' x '.join(map(str, split.shape))} {split.dtype}{note}")
    trains = splits[0]
    print(f"  features: {trains.reading} (train --divide-by R changes that)")
    if trains.warning:
        print(trains.warning, file=sys.stderr)
