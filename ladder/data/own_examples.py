"""A user's own examples, read from a file, shaped and scaled like those that a network was trained on."""

import math
import sys
from pathlib import Path

import numpy as np

from ladder.data import scaling
from ladder.data.csv_file import read_numbers
from ladder.data.description import image_reading
from ladder.data.image_files import SUFFIXES, check_installed, read_images
from ladder.data.image_folders import images_below
from ladder.data.npz import load_arrays
from ladder.data.preprocessing import preprocesses
from ladder.errors import UserError


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
    is_npz = path.suffix.lower() == ".npz"
    values = _read_npz(path) if is_npz else read_numbers(path, math.prod(in_dim), separator, header)
    return as_examples(values, in_dim, f"--input: {path} holds an array")


def _read_npz(path):
    arrays = load_arrays(path)
    if "features" not in arrays or arrays["features"].dtype.kind not in "buif":
        raise UserError(
            f"--input: {path} has no numeric array 'features', but {', '.join(sorted(arrays)) or 'nothing'}: save the "
            "examples with numpy.savez(FILE, features=…)."
        )
    return arrays["features"]


def as_examples(values, in_dim, what):
    """An array in the shape of a network's examples, with every value in its place.

    Parameters
    ----------
    values : array
        An example may have the shape ``in_dim``, or be flat; an axis of length 1 may be missing, and the channels of
        images may be last.  If ``in_dim`` is also the shape with channels last, they are taken to be first.
    in_dim : tuple of int, shape of one example
    what : str, how a message about the array begins, e.g. 'X is an array'

    Returns
    -------
    (examples, *in_dim) array

    Raises
    ------
    UserError
        It is empty, holds no numbers, or its examples have another shape: even if they have as many values, reshaping
        them to ``in_dim`` would put values out of place.
    """
    in_dim = tuple(in_dim)
    shapes = _possible_shapes(in_dim)
    if values.ndim < 2 or len(values) == 0 or values.dtype.kind not in "buif" or values.shape[1:] not in shapes:
        *others, last = [f"({', '.join(['examples', *map(str, shape)])})" for shape in shapes]
        raise UserError(
            f"{what} of {values.dtype} of shape {values.shape}, but an example of this network is {math.prod(in_dim)} "
            f"numbers ({' x '.join(map(str, in_dim))}): give numbers of the shape "
            f"{', '.join(others)}{' or ' * bool(others)}{last}."
        )
    if values.shape[1:] == _channels_last(in_dim) != in_dim:
        return np.ascontiguousarray(np.moveaxis(values, -1, 1))
    return values.reshape(len(values), *in_dim)


def _possible_shapes(in_dim):
    """The shapes that an example may have (list of tuples)."""
    longer = tuple(side for side in in_dim if side != 1)
    shapes = (in_dim, (math.prod(in_dim),), longer, _channels_last(in_dim))
    return [shape for shape in dict.fromkeys(shapes) if shape]


def _channels_last(in_dim):
    """The shape of images with their channels last; ``()`` where examples are no images."""
    return (*in_dim[1:], in_dim[0]) if len(in_dim) == 3 else ()


def holds_images(path):
    """Whether a user's examples are images: a folder, or a file with an image's name (Path)."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def input_files(path):
    """The files (list of Path) that hold a user's examples: the images of a folder, or the one file (Path)."""
    return images_below(path) if path.is_dir() else [path]


def read_own_images(path, dataset, data, files=None):
    """A user's images, read and scaled like those of the data set.

    Parameters
    ----------
    path : Path, of an image or of a folder of images
    dataset : str, the run's
    data : dict, the run's ``data.json``
        For a data set not made from images, the user's are made grey or coloured and cropped to the examples' shape.
    files : list of Path, optional
        The result of :func:`input_files`, if it is known already.

    Returns
    -------
    names : list of str
        File names; those of a folder's images are relative to it.
    features : (images, channels, height, width) float32

    Raises
    ------
    UserError
        There is no image, one cannot be read, or the network's examples are not shaped like images.
    """
    check_installed()
    reading = image_reading(data, data["in_dim"])
    if reading is None:
        raise UserError(
            f"--input: {path} holds images, but an example of this network is {' x '.join(map(str, data['in_dim']))} "
            "numbers, which are no image: give a .csv or .npz file."
        )
    files = input_files(path) if files is None else files
    if not files:
        raise UserError(f"--input: {path} holds no image ({', '.join(SUFFIXES[:4])} …): give another folder.")
    pixels = read_images(files, reading)
    names = [str(one.relative_to(path)) for one in files] if path.is_dir() else [path.name]
    if "divided_by" not in data:
        return names, as_in_training(pixels, str(path), dataset, data)
    divided_by = scaling.divisor_of_pixels(data["divided_by"], data["read_range"])
    return names, scaling.as_float32(pixels, str(path), divided_by)


def as_in_training(values, path, dataset, data):
    """A user's examples, scaled like those that the network was trained on.

    Parameters
    ----------
    values : (examples, …) array of numbers
    path : str, for messages
    dataset : str, the run's
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


def warn_of_scale(features, p, record):
    """Warn of the commonest mistake: pixels from 0 to 255 for a network that saw 0 to 1.

    Parameters
    ----------
    features : (examples, …) float32, as in training, not yet preprocessed
    p : Options of the run
    record : dict, its data.json
    """
    if p.contrast_norm:  # which removes the scale
        return
    if "read_range" in record:
        low, high = record["read_range"]
    elif preprocesses(p):  # an older run, which did not record the range that it read
        return
    else:
        low, high = record["feature_range"]
    margin = 0.5 * (high - low)
    is_narrow = len(features) > 1 and features.max() - features.min() < 0.02 * (high - low)
    if features.min() < low - margin or features.max() > high + margin or is_narrow:
        print(
            f"Warning: values from {features.min():g} to {features.max():g}, where training saw "
            f"{low:g} to {high:g}: are both on the same scale?",
            file=sys.stderr,
        )
