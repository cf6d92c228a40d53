"""The configurations that lists of option values give."""

import itertools
import math

from ladder.errors import UserError

#: The most configurations that one command may train.
MOST_CONFIGURATIONS = 2_000


def combinations(given):
    """Every combination of the values given, the first option varying slowest.

    ``UserError`` if there are too many.

    Parameters
    ----------
    given : dict of name -> value, or list of values

    Returns
    -------
    list of dict of name -> value
    """
    lists = [values if isinstance(values, list) else [values] for values in given.values()]
    check_count(math.prod(map(len, lists)))
    return [dict(zip(given, choice)) for choice in itertools.product(*lists)]


def only(given, refusal="several values of an option train several networks: give one each."):
    """The only combination of the values given; ``UserError`` with this message if there are several."""
    found = combinations(given)
    if len(found) != 1:
        raise UserError(refusal)
    return found[0]


def check_count(n):
    """Refuse so many configurations that merely checking them would take minutes."""
    if n > MOST_CONFIGURATIONS:
        raise UserError(
            f"the values given make {n:,} configurations, and no more than {MOST_CONFIGURATIONS:,} are trained at once: "
            "give fewer values."
        )
