"""With ``floatX=float64`` the constant 1.1 becomes a float32 under NumPy 2.

Aesara tries types from the smallest up and takes the first that represents a
number exactly.  NumPy 2 rounds a Python float to an array's type before it
compares the two, so any type passes.
"""

from functools import wraps

import numpy as np


def repair(scalars):
    """Let Aesara compare arrays with the number as a float64, which is not rounded."""
    theirs = scalars.NumpyAutocaster.__call__
    if not hasattr(theirs, "__wrapped__"):

        @wraps(theirs)
        def call(self, x):
            return theirs(self, _Exact(x) if type(x) is float else x)

        scalars.NumpyAutocaster.__call__ = call


class _Exact(float):
    """A Python float that is compared with arrays in float64."""

    def __eq__(self, other):
        return np.float64(self) == other

    __hash__ = float.__hash__
