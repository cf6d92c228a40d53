"""The runs of several methods with several seeds."""

from ladder.combinations import combinations
from ladder.errors import UserError
from ladder.options import Options
from ladder.rival_methods import METHODS, options_of


def configurations(given, methods, seeds):
    """The Options of every rival, seed by seed, without duplicates.

    Parameters
    ----------
    given : dict of option name -> value
        Options that a network might have as well.
    methods : list of str
    seeds : list of int
    """
    for method in methods:
        if method not in METHODS:
            raise UserError(f"--methods: there is no method '{method}': choose from {', '.join(METHODS)}.")
    chosen = combinations({"seed": seeds, "method": methods})
    ps = [Options.of(**options_of(one["method"], {**given, "seed": one["seed"]})) for one in chosen]
    return list(dict.fromkeys(ps))
