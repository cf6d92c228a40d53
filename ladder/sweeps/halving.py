"""Successive halving: all configurations train a little, and only the best of each rung go on to the next.

Jamieson and Talwalkar (2016), with the rungs of Hyperband's brackets (Li et al. 2018): the last is the whole training,
and each earlier one is as many times shorter as it has more configurations.  Runs continue from their checkpoints, and
follow the learning-rate schedule of the whole training from the start, so that a surviving run ends bit for bit as if
it had been trained alone.
"""

import math
from dataclasses import dataclass
from typing import Optional

from ladder.errors import UserError


@dataclass(frozen=True)
class Halving:
    """How a sweep is halved.

    Attributes
    ----------
    factor : int
        One in so many configurations goes on; 2 or more.
    first : int or None
        Epochs of the first rung; None: as few as the number of configurations, and that of epochs, allow.
    """

    factor: int = 3
    first: Optional[int] = None

    def __post_init__(self):
        for value, option, least in ((self.factor, "--halving-factor", 2), (self.first, "--halving-first", 1)):
            if value is not None and (type(value) is not int or value < least):
                raise UserError(f"{option} is {value!r}, but must be a whole number, {least} or more.")

    def rungs(self, n, num_epochs):
        """The epochs at which configurations are compared; the last is the end of training.

        Parameters
        ----------
        n : int, configurations
        num_epochs : int

        Returns
        -------
        list of int

        Examples
        --------
        >>> Halving(3).rungs(27, 90), Halving(3).rungs(4, 90), Halving(2, first=20).rungs(27, 90)
        ([4, 10, 30, 90], [30, 90], [20, 40, 80, 90])
        """
        if self.first is not None:
            if self.first >= num_epochs:
                raise UserError(
                    f"--halving-first {self.first} must be below --num-epochs {num_epochs}: give fewer, or more epochs."
                )
            found, rung = [], self.first
            while rung < num_epochs:
                found.append(rung)
                rung *= self.factor
            return [*found, num_epochs]
        halvings = 0
        while self.factor ** (halvings + 1) <= min(n, num_epochs):
            halvings += 1
        return [math.ceil(num_epochs / self.factor**k) for k in range(halvings, -1, -1)]


def survivors(errors, factor):
    """Which configurations go on.

    Parameters
    ----------
    errors : list of float
        Validation errors; infinite for one that failed.
    factor : int

    Returns
    -------
    list of int
        Positions of the lowest errors, in the order given, the first of equals; at least one, unless all failed.

    Examples
    --------
    >>> survivors([5.0, 3.0, 4.0, 3.0, 9.0, 8.0], 3)
    [1, 3]
    """
    ranked = sorted(range(len(errors)), key=lambda i: (errors[i], i))
    finite = [i for i in ranked if math.isfinite(errors[i])]
    return sorted(finite[: max(1, len(errors) // factor)])
