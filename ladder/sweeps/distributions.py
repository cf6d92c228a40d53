"""The distributions that a random search draws options from: ``log-uniform:1e-4:1e-2``."""

import math
from zlib import crc32

import numpy as np

from ladder.errors import UserError

#: How each distribution is typed, and what it means.
SYNTAX = {
    "uniform": "uniform:A:B",
    "log-uniform": "log-uniform:A:B (the logarithm is uniform)",
    "integers": "integers:A:B (whole numbers, both ends included)",
    "choice": "'choice:X|Y|Z'",
}

#: The largest absolute value of a bound: SciPy draws no whole numbers beyond 64 bits.
MOST = 1e18

#: Significant digits kept of a drawn number, so that it can be typed again.
DIGITS = 6


class OneOf:
    """A choice among values that are all equally likely.

    Parameters
    ----------
    values : list
    """

    def __init__(self, values):
        self._values = list(values)

    def rvs(self, random_state):
        """One of the values, drawn with a ``numpy.random.Generator``."""
        return self._values[int(random_state.integers(len(self._values)))]


def parse(text):
    """The distribution that a text describes: an object with SciPy's ``rvs(random_state=…)``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> 1e-4 <= parse("log-uniform:1e-4:1e-2").rvs(random_state=rng) <= 1e-2
    True
    >>> parse("choice:relu|tanh").rvs(random_state=rng) in ("relu", "tanh")
    True
    """
    from scipy import stats

    kind, _, rest = text.partition(":")
    if kind == "choice":
        values = rest.split("|")
        if not all(values):
            raise UserError(f"'{text}' names no values: give {SYNTAX['choice']}.")
        return OneOf(values)
    if kind not in SYNTAX:
        raise UserError(f"'{text}' is no distribution: give {', '.join(SYNTAX.values())}.")
    low, high = _ends(kind, rest, text)
    if kind == "uniform":
        return stats.uniform(low, high - low)
    if kind == "log-uniform":
        return stats.loguniform(low, high)
    return stats.randint(low, high + 1)


def _ends(kind, rest, text):
    read = int if kind == "integers" else float
    try:
        low, high = map(read, rest.split(":"))
    except ValueError:
        numbers = "whole numbers" if kind == "integers" else "numbers"
        raise UserError(f"'{text}' must have two {numbers}: give {SYNTAX[kind]}.") from None
    if not -math.inf < low < high < math.inf:
        raise UserError(f"'{text}': the first number must be below the second.")
    if max(-low, high) > MOST:
        raise UserError(f"'{text}' goes beyond {MOST:g}: give smaller numbers.")
    if kind == "log-uniform" and low <= 0:
        raise UserError(f"'{text}': both numbers must be above 0, as it is their logarithms that count.")
    return low, high


def draw(distribution, name, i, sweep_seed):
    """Draw the value of an option in the i-th configuration, as it would be typed.

    It depends on nothing else: drawing more configurations does not change the first ones, and drawing one more option
    does not change the others.

    Parameters
    ----------
    distribution : OneOf, or a distribution of ``scipy.stats``
    name : str, the option's
    i, sweep_seed : int

    Returns
    -------
    str
    """
    try:
        value = distribution.rvs(random_state=generator(name, i, sweep_seed))
        value = value.item() if hasattr(value, "item") else value
    except (TypeError, ValueError) as error:
        raise UserError(
            f"--draw {name}: {distribution!r} draws no number ({error}): give a distribution of one, frozen, e.g. "
            "scipy.stats.loguniform(1e-4, 1e-2)."
        ) from None
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def generator(name, i, sweep_seed):
    """The random generator for one name in the i-th configuration (``numpy.random.Generator``)."""
    return np.random.default_rng([sweep_seed, i, crc32(name.encode())])
