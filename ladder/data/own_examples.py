"""A user's own examples, read from a file and scaled like those that a network was trained on."""

import sys
from pathlib import Path

import numpy as np

from ladder.data import scaling
from ladder.data.csv_file import read_numbers
from ladder.data.npz import load_arrays
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
    n_values = int(np.prod(in_dim))
    if path.suffix.lower() != ".npz":
        values = read_numbers(path, n_values, separator, header)
    else:
        values = _turned(_read_npz(path), in_dim)
    if values.ndim < 2 or len(values) == 0 or values[0].size != n_values:
        raise UserError(
            f"--input: {path} holds an array of shape {values.shape}, but an example of this network has "
            f"{n_values} values ({' x '.join(map(str, in_dim))}): give one such example per row."
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
    """Images whose channels are last, turned so that they come first; anything else unchanged."""
    if len(in_dim) == 3 and values.ndim == 4 and values.shape[1:] != in_dim == (values.shape[3], *values.shape[1:3]):
        return np.moveaxis(values, -1, 1)
    return values


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


def warn_of_scale(features, feature_range):
    """Warn of the commonest mistake: pixels from 0 to 255 for a network that saw 0 to 1."""
    low, high = feature_range
    margin = 0.5 * (high - low)
    is_narrow = len(features) > 1 and features.max() - features.min() < 0.02 * (high - low)
    if features.min() < low - margin or features.max() > high + margin or is_narrow:
        print(
            f"Warning: values from {features.min():g} to {features.max():g}, where training saw "
            f"{low:g} to {high:g}: are both on the same scale?",
            file=sys.stderr,
        )
