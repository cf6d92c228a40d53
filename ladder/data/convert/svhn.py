"""SVHN, house numbers cropped to 32 x 32 pixels, from its official MATLAB files.

Source: Netzer et al. (2011), "Reading Digits in Natural Images with
Unsupervised Feature Learning"; http://ufldl.stanford.edu/housenumbers
("format 2").  A file holds X, uint8 (32, 32, 3, images), and y, (images, 1),
in which 10 stands for the digit 0.  MATLAB's format can hold more than
numbers, so SciPy reads a file only after its MD5 has been verified.
"""

import hashlib
from pathlib import Path

import numpy as np

from ladder import budget
from ladder.data.download import RemoteFile
from ladder.data.fuel_file import IMAGES, write_fuel_file
from ladder.data.known import KnownDataSet
from ladder.errors import UserError
from ladder.files import open_regular, read_at_most

HOMEPAGE = "http://ufldl.stanford.edu/housenumbers"

#: Sides and channels of an image, and the label of the digit 0 in y.
SHAPE, ZERO = (32, 32, 3), 10

#: The most bytes of a file; the largest has 182 million.
MOST_BYTES = 2**28


def _remote(name, size, md5):
    return RemoteFile(name, size, "md5", md5, (f"https://ufldl.stanford.edu/housenumbers/{name}",))


DOWNLOADS = (
    _remote("train_32x32.mat", 182040794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
    _remote("test_32x32.mat", 64275384, "eb5a983be6a315427106f1b164d9cef3"),
)

MD5 = {file.name: file.digest for file in DOWNLOADS}


def convert_svhn(directory, output_path):
    """Write SVHN as one file with the splits ``train`` and ``test``.

    Parameters
    ----------
    directory : str or Path
        The folder with ``train_32x32.mat`` and ``test_32x32.mat``.
    output_path : str or Path
        The file to write.

    Returns
    -------
    Path
        ``output_path``.  Features are uint8 (99289, 3, 32, 32), the 73,257 training examples first; targets are uint8
        (99289, 1), the digit 0 as 0.

    Raises
    ------
    UserError
        If a file is missing, damaged or not SVHN's (by its MD5).
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"--directory: there is no folder {directory}: give the one with {' and '.join(MD5)}.")
    missing = [name for name in MD5 if not (directory / name).is_file()]
    if missing:
        raise UserError(
            f"{directory} lacks {' and '.join(missing)}: download it there from {HOMEPAGE} (`run.py download svhn` does), "
            "or name its folder with --directory."
        )
    splits = {name.partition("_")[0]: _read(directory / name) for name in MD5}
    return write_fuel_file(output_path, splits, IMAGES)


def _read(path):
    """Features and targets of one file."""
    from scipy.io import loadmat

    with open_regular(path) as file:
        # The compressed file, its content, and a transposed copy.
        budget.ask(6 * file.seek(0, 2), f"reading {path}", "use a machine with more memory")
        file.seek(0)
        md5 = hashlib.md5(read_at_most(file, MOST_BYTES), usedforsecurity=False).hexdigest()
        if md5 != MD5[path.name]:
            raise UserError(f"{path} is not SVHN's file (its MD5 differs): download it again from {HOMEPAGE}.")
        file.seek(0)
        arrays = loadmat(file, variable_names=("X", "y"))
    pixels, labels = arrays["X"], arrays["y"]
    if pixels.dtype != np.uint8 or pixels.shape[:3] != SHAPE or labels.size != pixels.shape[3]:
        raise UserError(
            f"{path} has X of {pixels.dtype} {pixels.shape}, which is not SVHN's: download it from {HOMEPAGE}."
        )
    targets = np.where(labels == ZERO, 0, labels).astype("uint8").reshape(-1, 1)
    return {"features": np.ascontiguousarray(pixels.transpose(3, 2, 0, 1)), "targets": targets}


SVHN = KnownDataSet(
    "svhn",
    what="SVHN (house numbers), from its two downloaded files",
    convert=convert_svhn,
    how_to_make="`run.py convert svhn --directory D`, where D holds " + " and ".join(MD5),
    options={
        "--directory": {
            "default": ".",
            "metavar": "D",
            "help": f"folder with {' and '.join(MD5)} (default: this folder)",
        }
    },
    n_training=63257,
    has_pixels=True,
    downloads=DOWNLOADS,
)
