"""The small digits that come with scikit-learn: no download needed.

1,797 handwritten digits of 8 x 8 pixels with values 0 to 16 (the test part of
UCI's "Optical Recognition of Handwritten Digits").  They have no official
split; the 360 test examples are listed in ``digits_test_indices.txt``, so that
they never depend on a library's version.
"""

import hashlib
from importlib.resources import files

import numpy as np

from ladder.data.fuel_file import IMAGES, write_fuel_file
from ladder.data.known import KnownDataSet
from ladder.errors import UserError

# Of the uint8 pixels, then the uint8 targets, in C order.
SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def convert_digits(output_path):
    """Write the digits as one file with the splits ``train`` and ``test``.

    Parameters
    ----------
    output_path : str or Path
        The file to write.

    Returns
    -------
    Path
        ``output_path``.  Features are float32 in [0, 1] of shape
        (1797, 1, 8, 8), the 1,437 training examples first, targets uint8 of
        shape (1797, 1).

    Raises
    ------
    UserError
        If scikit-learn is missing, or its digits are not the known ones.
    """
    pixels, targets = _load_digits()
    test = _test_indices()
    train = np.setdiff1d(np.arange(len(pixels)), test)
    # 16 is the largest value; dividing by a power of two is exact.
    features = (pixels / 16).astype("float32").reshape(-1, 1, 8, 8)
    splits = {
        name: {"features": features[chosen], "targets": targets[chosen].reshape(-1, 1)}
        for name, chosen in (("train", train), ("test", test))
    }
    return write_fuel_file(output_path, splits, IMAGES)


def _load_digits():
    """Pixels, uint8 (1797, 64), and targets, uint8 (1797,)."""
    try:
        from sklearn.datasets import load_digits  # only this data set needs scikit-learn
    except ImportError:
        raise UserError(
            "the data set digits comes with scikit-learn, which is not installed: run `pip install scikit-learn`."
        ) from None
    pixels, targets = (array.astype("uint8") for array in load_digits(return_X_y=True))
    if hashlib.sha256(pixels.tobytes() + targets.tobytes()).hexdigest() != SHA256:
        raise UserError(
            "this scikit-learn's digits differ from the known ones (SHA-256): install another version of scikit-learn."
        )
    return pixels, targets


def _test_indices():
    with files(__package__).joinpath("digits_test_indices.txt").open() as lines:
        return np.loadtxt(lines, dtype="int64").ravel()


DIGITS = KnownDataSet(
    "digits", what="the small 8 x 8 digits that come with scikit-learn", convert=convert_digits, needs_nothing=True
)
