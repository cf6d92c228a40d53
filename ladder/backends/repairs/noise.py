"""MRG's Python method combines an int32 with the Python integer 2**32 - 1, which NumPy 2 refuses.

It draws the numbers where there is no compiler.
"""

from functools import wraps

import numpy as np


def repair(rng_mrg):
    """Make that integer an int64, as NumPy 1 did: the bits are the same."""
    theirs = rng_mrg.mrg_next_value
    if not hasattr(theirs, "__wrapped__"):

        @wraps(theirs)
        def mrg_next_value(rstate, new_rstate, NORM, mask, offset):
            return theirs(rstate, new_rstate, NORM, np.int64(mask), offset)

        rng_mrg.mrg_next_value = mrg_next_value
