"""ZCA whitening: decorrelated inputs, as close to the images as possible.

Source: ``ZCA`` in the original's ``nn.py``.  The covariance is added up in
parts here, so that no float64 copy of all the images is needed.
"""

from dataclasses import dataclass

import numpy as np

from ladder.errors import UserError

#: Added to every variance, so that directions without variance are not blown up.
BIAS = np.float32(0.1)


@dataclass(frozen=True)
class Whitening:
    """A whitening fitted to the examples that train.

    Attributes
    ----------
    mean : float32 array, shape (inputs,)
    matrix, inverse : float32 arrays, shape (inputs, inputs)
        The covariance to the power -1/2 and 1/2.
    """

    mean: np.ndarray
    matrix: np.ndarray
    inverse: np.ndarray

    def apply(self, examples):
        """Whiten: float32 (N, inputs) -> float32 (N, inputs)."""
        return (examples - self.mean) @ self.matrix

    def undo(self, whitened):
        """The inverse of :meth:`apply`: float32 (N, inputs) -> float32 (N, inputs)."""
        return whitened @ self.inverse + self.mean


def fit_whitening(parts):
    """Fit the whitening to examples.

    Parameters
    ----------
    parts : function without arguments -> iterator over float arrays, shape (n, inputs)
        The examples, some at a time; called twice, for mean and covariance.

    Returns
    -------
    Whitening

    Raises
    ------
    UserError
        If the numbers are too large for their covariance to be inverted.
    """
    from scipy import linalg  # takes longer to import than most of the command line

    mean = _mean(parts())
    variances, axes = linalg.eigh(
        _covariance(parts(), mean) + BIAS * np.eye(len(mean)), overwrite_a=True, check_finite=False, driver="evd"
    )
    if not variances[0] > 0:
        raise UserError(
            f"these features cannot be whitened, as their variances go from {variances[0]:g} to {variances[-1]:g}: "
            "scale them first, or add --contrast-norm."
        )
    deviations = np.sqrt(variances)
    return Whitening(
        mean.astype("float32"),
        ((axes / deviations) @ axes.T).astype("float32"),
        ((axes * deviations) @ axes.T).astype("float32"),
    )


def _mean(parts):
    count, total = 0, 0.0
    for part in parts:
        count, total = count + len(part), total + part.sum(axis=0, dtype="float64")
    return total / count


def _covariance(parts, mean):
    """The covariance, divided by the number of examples: float64 (inputs, inputs)."""
    count, total = 0, np.zeros((len(mean), len(mean)))
    for part in parts:
        centred = part - mean  # float64, as the mean is
        count, total = count + len(part), total + centred.T @ centred
    return total / count
