"""MNIST, from its four official files.

Source: ``fuel/converters/mnist.py`` of Fuel 0.2; the format is described at
http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from ladder.data.fuel_file import write_fuel_file
from ladder.data.known import KnownDataSet
from ladder.errors import UserError
from ladder.files import open_regular, read_at_most

# SHA-256 of the decompressed content: it does not matter how a file was packed.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

#: The most bytes of a decompressed file; the largest has 47 million.
MOST_BYTES = 2**26

AXIS_LABELS = {"features": ("batch", "channel", "height", "width"), "targets": ("batch", "index")}


def convert_mnist(directory, output_path, dtype="float32"):
    """Write MNIST as one file with the splits ``train`` and ``test``.

    Parameters
    ----------
    directory : str or Path
        Where the four files are, as ``.gz`` or decompressed.
    output_path : str or Path
        The file to write.
    dtype : {"float32", "uint8"}
        float32 divides the pixels by 255; uint8 keeps them, in a file a
        quarter of the size, and they are divided when read.

    Returns
    -------
    Path
        ``output_path``.  Features have shape (70000, 1, 28, 28), training
        examples first, targets uint8 of shape (70000, 1).

    Raises
    ------
    UserError
        If a file is missing, damaged or not MNIST's.
    """
    paths = _find_files(Path(directory))
    content = {name: _checked_content(path, SHA256[name]) for name, path in paths.items()}
    splits = {
        split: {
            "features": _images(content[f"{prefix}-images-idx3-ubyte"], dtype),
            "targets": _labels(content[f"{prefix}-labels-idx1-ubyte"]),
        }
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }
    return write_fuel_file(output_path, splits, AXIS_LABELS)


def _find_files(directory):
    """Name to path of each of the four files."""
    if not directory.is_dir():
        raise UserError(f"--directory: there is no folder {directory}: give the one with MNIST's four files.")
    found, missing = {}, []
    for name in SHA256:
        candidates = [directory / f"{name}.gz", directory / name]
        existing = [path for path in candidates if path.is_file()]
        if existing:
            found[name] = existing[0]
        else:
            missing.append(f"{name}.gz")
    if missing:
        raise UserError(
            f"{directory} lacks {', '.join(missing)}: download MNIST's four files there, "
            "or name their folder with --directory."
        )
    return found


def _checked_content(path, sha256):
    try:
        with open_regular(path) as file:
            content = read_at_most(gzip.open(file) if path.suffix == ".gz" else file, MOST_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"cannot read {path}, it is damaged or cut short: download it again.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UserError(f"{path} is not MNIST's file (its SHA-256 differs): download it again.")
    return content


def _images(content, dtype):
    examples, rows, columns = np.frombuffer(content, ">i4", count=3, offset=4)
    pixels = np.frombuffer(content, "uint8", offset=16).reshape(examples, 1, rows, columns)
    if dtype == "uint8":
        return pixels
    # Divided in float32, as Fuel does: dividing in float64 first rounds twice.
    return pixels.astype("float32") / np.float32(255)


def _labels(content):
    return np.frombuffer(content, "uint8", offset=8).reshape(-1, 1)


MNIST = KnownDataSet(
    "mnist",
    what="MNIST, from its four downloaded files",
    convert=lambda output_path, directory, dtype: convert_mnist(directory, output_path, dtype),
    how_to_make="`run.py convert mnist --directory D`, where D holds MNIST's four files",
    options={
        "--directory": {
            "default": ".",
            "metavar": "D",
            "help": "folder with train-images-idx3-ubyte.gz and the other three files (default: this folder)",
        },
        "--dtype": {
            "choices": ("float32", "uint8"),
            "default": "float32",
            "help": "how pixels are stored: float32 from 0 to 1, or uint8 in a quarter of the space; "
            "training sees the same numbers (default: float32)",
        },
    },
    n_training=50000,
    has_pixels=True,
    unit_interval=True,
)
