"""A warning about features whose scales are so different or so large that a network hardly learns from them."""

import numpy as np

#: The range of the largest standard deviation of features that needs no warning.  The corrupted encoder's noise has 0.3.
SMALLEST, LARGEST = 0.01, 10

#: The most that the largest deviation may be of the smallest one, unless all features lie between 0 and 1 as pixels do.
LARGEST_RATIO = 100


def warning(features, divided_by=1):
    """A sentence about features that should be scaled, or None.

    Parameters
    ----------
    features : array, shape (N, ...)
        Of the examples that train, as read or as stored.
    divided_by : number
        What stored features will be divided by.

    Returns
    -------
    str or None
    """
    deviations, lowest, highest = (n / divided_by for n in (_deviations(features), features.min(), features.max()))
    varying = deviations[deviations > 0]
    if len(varying) == 0:
        return None
    smallest, largest = varying.min(), varying.max()
    in_unit_interval = lowest >= 0 and highest <= 1
    if SMALLEST <= largest <= LARGEST and (in_unit_interval or largest <= LARGEST_RATIO * smallest):
        return None
    return (
        f"Warning: the features' standard deviations go from {smallest:.3g} (feature {_position(deviations, smallest)}) "
        f"to {largest:.3g} (feature {_position(deviations, largest)}), values from {lowest:.3g} to "
        f"{highest:.3g}; a network learns badly from features that are not all on a scale near 1: train with "
        "--standardize (mean 0, deviation 1) or --rescale (0 to 1)"
    )


def _deviations(features):
    """Each feature's standard deviation, float64 (inputs,); computed in parts to save memory."""
    flat = features.reshape(len(features), -1)
    count, total, squares = len(flat), 0.0, 0.0
    offset = _as_read(flat[0])
    for start in range(0, count, 1000):
        part = _as_read(flat[start : start + 1000]) - offset
        total, squares = total + part.sum(axis=0), squares + (part**2).sum(axis=0)
    return np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))


def _as_read(part):
    """The float32 numbers that training reads, in float64."""
    return part.astype("float32", copy=False).astype("float64")


def _position(deviations, value):
    return int(np.flatnonzero(deviations == value)[0])
