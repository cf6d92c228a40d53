"""How far apart two arrays may be, and how far apart they are.

The numbers are the project's promise: costs within 1e-5 relative; activations,
gradients and parameters after 20 updates within 1e-5, 1e-4 and 1e-4 of each
tensor's largest entry, with an absolute floor of 1e-7.  Initial values and
states of the noise come from the same integers and must have the same bits; the
normals made from them must agree within two units in the last place.
"""

from dataclasses import dataclass

import numpy as np

FLOOR = 1e-7


@dataclass(frozen=True)
class Rule:
    """What is allowed for one kind of array.

    Attributes
    ----------
    relative : float
        As a fraction of the golden array's largest entry; 0 demands the same bits.
    per_entry : bool
        Measure each entry by itself, not by the array's largest: for costs of
        several updates stored as one array.
    later : float or None
        For arrays over updates: the allowance from the second update on, once
        rounding has gone through the optimiser.
    floor : float
        An absolute difference that is always allowed.
    absolute : bool
        Allow ``floor`` and no more, whatever the size.
    """

    relative: float
    per_entry: bool = False
    later: float = None
    floor: float = FLOOR
    absolute: bool = False


EXACT = Rule(0.0)


def within(distance):
    """A rule that allows a fixed distance, whatever the size of the numbers."""
    return Rule(0.0, floor=distance, absolute=True)


RULES = {
    "initial values": EXACT,
    "noise states": EXACT,
    # Two units in the last place; where the plain graph draws the noise, the same bits.
    "noise": Rule(2.0**-22, per_entry=True, floor=1e-30),
    "activations": Rule(1e-5),
    "costs": Rule(1e-5, per_entry=True),
    # One wrong example in 100,000 is ten times this much.
    "error rates": Rule(1e-6, per_entry=True),
    "gradients": Rule(1e-4),
    "running averages": Rule(1e-5),
    "costs over updates": Rule(1e-5, per_entry=True, later=1e-4),
    "gradient norms": Rule(1e-4, per_entry=True),
    "parameters": Rule(1e-4),
}

#: A gradient whose largest entry is below this fraction of the file's largest
#: gradient entry is what is left of a sum that should be zero.  In the
#: original's numbers such fractions are below 3e-8, all others above 1e-4.
ROUNDING_GRADIENT = 1e-6

#: How far the mean of values that should cancel may be off, in float32
#: roundings of the layer's standard deviation.
ROUNDING_MEAN = 4


@dataclass(frozen=True)
class Difference:
    """How far one of our arrays is from the golden one, where it is worst.

    Attributes
    ----------
    relative : float
        Largest difference, as a fraction of what the rule measures it by (for
        an absolute rule the difference itself); where the floor applies, as a
        fraction of the size at which the floor is the limit.
    share : float
        That difference as a fraction of the allowance: above 1 is too much.
    """

    relative: float
    share: float


def floor_of_mean(variance, mean_below=None, variance_below=None):
    """How far a mean may be off: averaging rounds in proportion to the numbers averaged.

    This matters only where the mean should be zero, so that its own size,
    which is pure rounding, is no measure.

    Parameters
    ----------
    variance : array, of the numbers averaged
    mean_below, variance_below : arrays, optional
        Statistics of a linear layer below.  Its normalised values should have
        a mean of zero; they miss it by the rounding of the layer's mean, in
        units of its deviation.
    """
    deviation = float(np.sqrt(np.max(variance)))
    if mean_below is not None and variance_below is not None:
        # In units of what the normalisation divides by.
        deviation *= max(1.0, float(np.max(np.abs(mean_below) / np.sqrt(variance_below + 1e-10))))
    return max(FLOOR, ROUNDING_MEAN * float(np.finfo("float32").eps) * deviation)


def difference(ours, golden, rule):
    """Compare two arrays of the same shape.

    NaN and infinity must be at the same places in both.

    Returns
    -------
    Difference
    """
    ours, golden = (np.asarray(x, "float64") for x in (ours, golden))
    finite = np.isfinite(golden)
    if not np.array_equal(ours[~finite], golden[~finite], equal_nan=True) or not np.isfinite(ours[finite]).all():
        return Difference(np.inf, np.inf)
    ours, golden = np.where(finite, ours, 0), np.where(finite, golden, 0)
    distance, size = np.abs(ours - golden), np.abs(golden)
    if not distance.any():
        return Difference(0.0, 0.0)
    if not rule.per_entry:
        size = np.full(golden.shape, size.max())
    with np.errstate(over="ignore"):  # any difference is infinitely too large where bits must agree
        share = distance / _allowed(size, rule)
    worst = np.unravel_index(share.argmax(), share.shape)
    if rule.absolute:
        return Difference(float(distance[worst]), float(share[worst]))
    measure = max(size[worst], rule.floor / rule.relative if rule.relative else rule.floor)
    return Difference(float(distance[worst] / measure), float(share[worst]))


def _allowed(size, rule):
    """The largest distance allowed for each entry; tiny but not 0 where bits must agree."""
    if rule.absolute:
        return np.full(size.shape, rule.floor)
    if rule.relative == 0:
        return np.full(size.shape, np.finfo("float64").tiny)
    relative = np.full(size.shape, rule.relative)
    if rule.later is not None and size.ndim:
        relative[1:] = rule.later
    return np.maximum(relative * size, rule.floor)
