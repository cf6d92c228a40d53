"""``run.py download``: the files of a public data set, from its mirrors."""

import shlex
from pathlib import Path

from ladder.cli.convert import report
from ladder.data.download import download
from ladder.data.hdf5 import output_directory
from ladder.data.registry import KNOWN
from ladder.errors import UserError

NAMES = [name for name, dataset in KNOWN.items() if dataset.downloads]


def add_parser(subparsers):
    parser = subparsers.add_parser(
        "download",
        allow_abbrev=False,
        help="fetch the files of a public data set",
        description="Fetch the files of a public data set from its mirrors, and check them. An interrupted download goes on "
        "where it stopped when the same command is given again.",
    )
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--directory",
        metavar="D",
        help="folder for the files (default: one of the data set's name in the first of $FUEL_DATA_PATH, or else in "
        "datasets)",
    )
    parser.add_argument(
        "--convert", action="store_true", help="also make the data set ready for training, as run.py convert does"
    )
    parser.set_defaults(run=run)
    return parser


def run(args):
    """Download, convert if asked to, and return the exit status 0."""
    folder = Path(args.directory) if args.directory is not None else output_directory() / args.name
    words = ["run.py", "convert", args.name, "--directory", str(folder)]
    converted = output_directory() / f"{args.name}.hdf5"
    if args.convert and converted.exists():
        raise UserError(f"{converted} exists already: leave out --convert, or remove it.")
    download(KNOWN[args.name].downloads, folder, f"`{shlex.join(words)}`")
    if not args.convert:
        print(f"To make it ready for training: {shlex.join(['python', *words])}")
        return 0
    report(KNOWN[args.name].convert(output_path=converted, directory=folder))
    return 0
