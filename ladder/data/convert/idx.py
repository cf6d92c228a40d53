"""The four files of MNIST's format (IDX), which Fashion-MNIST also uses.

The format is described at http://yann.lecun.com/exdb/mnist/: a magic number,
sizes as four-byte big-endian integers, and then bytes.
"""

import gzip
import zlib

import numpy as np

from ladder.data.download import RemoteFile
from ladder.errors import UserError
from ladder.files import open_regular, read_at_most

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

#: The most bytes of a decompressed file; the largest has 47 million.
MOST_BYTES = 2**26

#: The options of converters.
OPTIONS = {
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
}


def remote_files(mirrors, algorithm, files):
    """The compressed files on the web.

    Parameters
    ----------
    mirrors : tuple of str, folders that end in '/'
    algorithm : str
    files : dict of name -> (size, digest)

    Returns
    -------
    tuple of RemoteFile
    """
    return tuple(
        RemoteFile(f"{name}.gz", size, algorithm, digest, tuple(f"{mirror}{name}.gz" for mirror in mirrors))
        for name, (size, digest) in files.items()
    )


def find_files(directory, whose, suffixes=(".gz", "")):
    """The paths of the four files by name.

    Parameters
    ----------
    directory : Path
    whose : str, the data set, for messages
    suffixes : tuple of str
        '.gz' for compressed files, '' for others, in order of preference.

    Raises
    ------
    UserError
        Names the missing files.
    """
    if not directory.is_dir():
        raise UserError(f"--directory: there is no folder {directory}: give the one with {whose}'s four files.")
    found, missing = {}, []
    for name in NAMES:
        existing = [path for suffix in suffixes if (path := directory / f"{name}{suffix}").is_file()]
        if existing:
            found[name] = existing[0]
        else:
            missing.append(f"{name}.gz")
    if missing:
        raise UserError(
            f"{directory} lacks {', '.join(missing)}: download {whose}'s four files there (`run.py download` does), "
            "or name their folder with --directory."
        )
    return found


def decompressed(path):
    """The content of a file, cut off one byte after ``MOST_BYTES``."""
    try:
        with open_regular(path) as file:
            return read_at_most(gzip.open(file) if path.suffix == ".gz" else file, MOST_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"cannot read {path}, it is damaged or cut short: download it again.") from error


def splits(content, dtype):
    """Features and targets of the splits ``train`` and ``test``.

    Parameters
    ----------
    content : dict of name -> bytes, of the four files, whose sums are right
    dtype : 'float32' or 'uint8'
    """
    return {
        split: {
            "features": _images(content[f"{prefix}-images-idx3-ubyte"], dtype),
            "targets": _labels(content[f"{prefix}-labels-idx1-ubyte"]),
        }
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }


def _images(content, dtype):
    examples, rows, columns = np.frombuffer(content, ">i4", count=3, offset=4)
    pixels = np.frombuffer(content, "uint8", offset=16).reshape(examples, 1, rows, columns)
    if dtype == "uint8":
        return pixels
    # Divided in float32, as in Fuel: dividing in float64 first would round twice.
    return pixels.astype("float32") / np.float32(255)


def _labels(content):
    return np.frombuffer(content, "uint8", offset=8).reshape(-1, 1)
