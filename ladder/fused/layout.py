"""The memory layout of maps.

The graph has maps as (examples, maps, height, width), like the original.
Fused operations have the maps last: a pixel's maps are then contiguous, pixels
are rows of a matrix like examples, and a map is a column like a unit.  Each
operation transposes its inputs and outputs; between two of them the transpositions
cancel when Aesara rewrites the graph, so nothing is copied from one to the next.
"""

import aesara.tensor as at


def channels_last(x):
    """(examples, maps, height, width) -> (examples, height, width, maps); a matrix stays as it is."""
    return x.dimshuffle(0, 2, 3, 1) if x.ndim == 4 else x


def channels_second(x):
    """The inverse of :func:`channels_last`."""
    return x.dimshuffle(0, 3, 1, 2) if x.ndim == 4 else x


def matrix_or_maps(x):
    """Number of dimensions of a variable: 2, or 4 for maps; TypeError for any other."""
    x = at.as_tensor_variable(x)
    if x.ndim not in (2, 4):
        raise TypeError(f"an input is {x.type}, not a matrix or maps (4-D) of float32")
    return x.ndim
