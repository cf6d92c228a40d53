"""Scaling of all features to mean 0 and standard deviation 1, or to 0 to 1, fitted to the examples that train.

Source: equations 3 (z-score) and 4 (minimum and maximum) of the thesis
*Adversarial Learning with Ladder Networks*.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FeatureScale:
    """A shift and a divisor for each feature.

    Attributes
    ----------
    shift, divisor : float32 arrays, shape (inputs,)
        The divisor of a constant feature is 1.
    """

    shift: np.ndarray
    divisor: np.ndarray

    def apply(self, examples):
        """Scale: float32 (N, inputs) -> float32 (N, inputs)."""
        return (examples - self.shift) / self.divisor

    def undo(self, scaled):
        """The inverse of :meth:`apply`: float32 (N, inputs) -> float32 (N, inputs)."""
        return scaled * self.divisor + self.shift


def fit_standardization(parts):
    """Mean and standard deviation of each feature (equation 3).

    Parameters
    ----------
    parts : function without arguments -> iterator over float32 arrays, shape (n, inputs)
        The examples, some at a time; called several times.

    Returns
    -------
    FeatureScale
    """
    lowest, highest = _ranges(parts)
    count, total = 0, 0.0
    for part in parts():
        count, total = count + len(part), total + part.sum(axis=0, dtype="float64")
    mean = total / count
    variance = sum(((part - mean) ** 2).sum(axis=0) for part in parts()) / count
    return _scale(mean, np.sqrt(variance), lowest == highest)


def fit_rescaling(parts):
    """Lowest value and range of each feature (equation 4); otherwise as :func:`fit_standardization`."""
    lowest, highest = _ranges(parts)
    return _scale(lowest, highest.astype("float64") - lowest, lowest == highest)


def _ranges(parts):
    lowest = np.min([part.min(axis=0) for part in parts()], axis=0)
    highest = np.max([part.max(axis=0) for part in parts()], axis=0)
    return lowest, highest


def _scale(shift, divisor, is_constant):
    divisor = np.where(is_constant, 1, divisor).astype("float32")
    # A divisor that is 0 in float32 becomes 1.
    return FeatureScale(shift.astype("float32"), np.where(divisor > 0, divisor, np.float32(1)))
