"""A warning about features that float32 numbers can hardly tell apart, such as times in seconds or large identifiers."""

import math

import numpy as np

#: The largest rounding error that needs no warning, as a fraction of a feature's range.
LARGEST = 1e-3

#: The largest range, as a fraction of a feature's largest value, that is mere rounding error: the feature is constant.
OF_A_CONSTANT = 1e-12

#: Below this, 32-bit numbers have fewer digits.
SMALLEST = np.finfo("float32").smallest_normal

#: Numbers compared at a time, to save memory.
AT_ONCE = 2**20


def warning(given, rounded, name, divided_by=1):
    """A sentence about features that lose their differences in float32, or None.

    Parameters
    ----------
    given : array, shape (N, ...)
        The numbers as a file or the user has them.
    rounded : float32 array, of the same shape
    name : str
        What to call the data.
    divided_by : number
        What ``rounded`` was divided by when it was read.

    Returns
    -------
    str or None

    Examples
    --------
    >>> times = np.array([[1.7e9], [1.7e9 + 30], [1.7e9 + 100]])
    >>> print(warning(times, times.astype("float32"), "logs"))
    Warning: feature 0 of logs goes from 1700000000 to 1700000100, but is rounded to 32-bit numbers, by up to 30: subtract its lowest value before, or leave it out
    """
    if given.dtype.kind not in "iuf" or np.can_cast(given.dtype, "float32") or given.size == 0:
        return None
    lowest, highest = (end(axis=0).ravel().astype("float64") for end in (given.min, given.max))
    span, largest = highest - lowest, np.maximum(np.abs(lowest), np.abs(highest))
    errors = _errors(given, rounded, divided_by).ravel()
    lost = np.flatnonzero((errors > LARGEST * span) & (span > OF_A_CONSTANT * largest))
    if len(lost) == 0:
        return None
    worst = lost[np.argmax(errors[lost] / span[lost])]
    others = f" ({len(lost) - 1} more likewise)" if len(lost) > 1 else ""
    mend = "subtract its lowest value" if largest[worst] > SMALLEST else "scale it"
    return (
        f"Warning: feature {worst} of {name} goes from {lowest[worst]:.12g} to {highest[worst]:.12g}, but is rounded to "
        f"32-bit numbers, by up to {errors[worst]:.3g}{others}: {mend} before, or leave it out"
    )


def _errors(given, rounded, divided_by):
    """The largest rounding error of each feature, of the shape of an example."""
    largest, n = np.zeros(given.shape[1:]), max(1, AT_ONCE // math.prod(given.shape[1:]))
    for i in range(0, len(given), n):
        part = np.abs(given[i : i + n] - rounded[i : i + n].astype("float64") * divided_by)
        np.maximum(largest, part.max(axis=0), out=largest)
    return largest
