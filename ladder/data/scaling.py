"""Features as float32 numbers, and whether they are 8-bit pixels, which are divided by 255.

The values decide: a file of whole numbers may hold pixels, but also flags,
counts or classes.  The decision for the examples that train is recorded with
the run, and holds for all others.

Source: the check of MNIST's range is from ``setup_data`` in the original's
``run.py``.
"""

import numpy as np

from ladder import budget
from ladder.data.registry import has_pixels
from ladder.errors import UserError

#: The largest value of an 8-bit pixel.
WHITE = 255


def divisor(features, name):
    """What features are divided by when they are read: 255 if they are 8-bit pixels, else 1.

    Pixels are whole numbers from 0 to 255 that reach the upper half of that
    range.  If examples have more than one axis, the largest value has to reach
    it; in flat rows, whose columns may have different scales, most of the
    columns that vary have to.

    Parameters
    ----------
    features : array, shape (N, ...)
        Of the examples that train, as stored.
    name : str
        The data set's.

    Returns
    -------
    int
    """
    known = has_pixels(name)
    if known is False or features.dtype.kind not in "ui" or features.size == 0:
        return 1
    lowest, highest = features.min(), features.max()
    if lowest < 0 or highest > WHITE:
        return 1
    if known:
        return WHITE if highest > 1 else 1
    return WHITE if highest > WHITE // 2 and (features.ndim > 2 or _most_columns_reach_up(features)) else 1


def divisor_of_stored(stored, name, features=None):
    """The same for a stored split: images are pixels, however dark; otherwise the examples that train decide.

    Parameters
    ----------
    stored : HDF5Dataset
    name : str
        The data set's.
    features : callable -> array, optional
        Returns the features that train; default: those of ``stored``.
    """
    if "images" in stored.description:
        return WHITE
    return divisor(features() if features else stored.features, name)


def _most_columns_reach_up(features):
    highest, lowest = features.max(axis=0), features.min(axis=0)
    return (highest > WHITE // 2).sum() > 0.5 * (highest > lowest).sum()


def divisor_before_it_was_decided(features, name):
    """The same for a run from before the values decided, when uint8 meant pixels."""
    return WHITE if features.dtype == np.uint8 and has_pixels(name) is not False else 1


def divisor_of_others(values, divided_by, read_range):
    """What a user's own examples are divided by to match those that a network was trained on.

    Parameters
    ----------
    values : array
    divided_by : number
        What the training examples were divided by.
    read_range : (number, number)
        Their range after the division.

    Returns
    -------
    number
        1 for values already between 0 and 1 where training divided pixels to
        get there; 255 for 8-bit pixels where training read values between 0
        and 1 from the file: uint8 above 1, or other whole numbers that reach
        the upper half of a pixel's range.
    """
    trained_on_unit_interval = read_range[0] >= 0 and read_range[1] <= 1
    low, high = values.min(), values.max()
    if divided_by == WHITE and trained_on_unit_interval and values.dtype.kind in "bf" and low >= 0 and high <= 1:
        return 1
    if (
        divided_by == 1
        and trained_on_unit_interval
        and values.dtype.kind in "ui"
        and low >= 0
        # A dark image holds pixels, too, whatever other examples come with it.
        and (1 if values.dtype == np.uint8 else WHITE // 2) < high <= WHITE
    ):
        return WHITE
    return divided_by


def divisor_of_pixels(divided_by, read_range):
    """What 8-bit pixels are divided by to match examples that a network was trained on.

    Parameters
    ----------
    divided_by : number
        What the training examples were divided by.
    read_range : (number, number)
        Their range after the division.

    Returns
    -------
    number
        255 also where training read values between 0 and 1 from the file.
    """
    return WHITE if divided_by == 1 and read_range[0] >= 0 and read_range[1] <= 1 else divided_by


def as_float32(features, dataset="the data set", divided_by=1, unit_interval=False):
    """Features as the float32 numbers that the network takes.

    Parameters
    ----------
    features : array, shape (N, ...)
        Any bool, integer or float dtype.
    dataset : str
        What to call the data in messages.
    divided_by : number
        See :func:`divisor`.  The division is in float32, as in Fuel's
        ``convert_mnist`` with ``--dtype float32``.
    unit_interval : bool
        Require values from 0 to 1, as the original does for MNIST.

    Returns
    -------
    float32 array, shape (N, ...)
        ``features`` itself if it is float32 already and not divided.

    Raises
    ------
    UserError
        If a value is not finite (in float32), or not in the unit interval.
    """
    if features.dtype != np.float32 or divided_by != 1:
        budget.ask(4 * features.size, f"{dataset} in float32", "use a smaller data set")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # what is not finite is reported just below
        converted = features.astype("float32", copy=False)
        if divided_by != 1:
            # In place, but never in the caller's own array.
            out = None if converted is features else converted
            converted = np.divide(converted, np.float32(divided_by), out=out)
    if converted.size:
        _check_range(converted.min(), converted.max(), dataset, divided_by, unit_interval)
    return converted


def check_range(features, dataset, divided_by=1, unit_interval=False):
    """Raise the ``UserError`` that :func:`as_float32` would raise, without converting all features, (N, ...)."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        ends = [np.float32(end) / np.float32(divided_by) for end in (features.min(), features.max())]
    _check_range(*ends, dataset, divided_by, unit_interval)


def _check_range(lowest, highest, dataset, divided_by, unit_interval):
    # min and max propagate NaN, so no boolean array is needed.
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        after = f" after a division by {divided_by:g}" * (divided_by != 1)
        raise UserError(f"{dataset} has features that are not finite numbers (NaN or infinity){after}: replace them.")
    if unit_interval and not (lowest >= 0 and highest <= 1):
        raise UserError(
            f"{dataset} has features from {lowest:g} to {highest:g} where 0 to 1 is expected: leave out --divide-by, or "
            f"convert the data set again with `run.py convert {dataset} --directory D --force`."
        )


def describe(features, divided_by, is_turned=False):
    """What is done to features as they are read, in words.

    Parameters
    ----------
    features : array, as stored
    divided_by : number
    is_turned : bool
        Whether images were stored with their channels last.
    """
    kind = {"u": "whole numbers", "i": "whole numbers", "b": "true or false", "f": "numbers"}[features.dtype.kind]
    low, high = float(features.min()), float(features.max())
    what = f"{kind} from {low:g} to {high:g}, "
    what += "taken as they are" if divided_by == 1 else f"divided by {divided_by:g}"
    return what + ", images turned to have channels first" * is_turned
