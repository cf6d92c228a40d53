"""The configurations of a sweep: a grid, or random draws from a grid and from distributions."""

import argparse
import dataclasses
import logging
from dataclasses import dataclass, field

from ladder.combinations import check_count, combinations
from ladder.errors import UserError
from ladder.files import printable
from ladder.option_names import as_typed, dashed
from ladder.options import OPTIONS, SEEDS, TYPES, Options, read
from ladder.report.command import value_in_words
from ladder.sweeps.distributions import draw, generator, parse
from ladder.tables.preset import load_preset
from ladder.tables.preset_options import network_combinations
from ladder.training.pretraining.starting import with_source

logger = logging.getLogger("main")


@dataclass(frozen=True)
class Search:
    """How configurations are drawn at random (Bergstra and Bengio 2012).

    Attributes
    ----------
    n : int
        Number of draws.
    distributions : dict of option name -> text, or a distribution of ``scipy.stats``
        See :mod:`ladder.sweeps.distributions`.
    seed : int
        The same seed draws the same values.
    """

    n: int
    distributions: dict = field(default_factory=dict)
    seed: int = 1


def check_search(random, draw, sweep_seed):
    """Refuse options of a random search if none is asked for; all three may be None."""
    if random is None and (draw or sweep_seed is not None):
        option = "--draw" if draw else "--sweep-seed"
        raise UserError(f"{option} is for --random: say how many configurations to draw, or leave it out.")


def configurations(given, preset=None, rows=None, search=None):
    """The options of every run of a sweep.

    Parameters
    ----------
    given : dict of option name -> value, or list of values
        With a preset, they override its options.
    preset : str, optional
    rows : list of str, optional
        Rows of the preset.
    search : Search, optional
        Draws from the combinations; without it, all of them are taken.

    Returns
    -------
    list of Options
        Without duplicates; of a search, the seeds of one configuration side by side.
    """
    for name in given if search is not None else ():
        if name in search.distributions:
            raise UserError(f"{as_typed(name)} is given and drawn as well: leave it out, or '--draw {dashed(name)}'.")
    if preset is None:
        if rows:
            raise UserError("--rows is about a preset: give --preset, too.")
        grid = combinations(given)
    else:
        grid = network_combinations(load_preset(preset), rows, given)
    chosen = grid if search is None else _drawn(grid, search)
    check_count(len(chosen))
    found = list(dict.fromkeys(with_source(Options(**values), values) for values in chosen))
    if search is not None and len(found) < len(chosen):
        logger.info("Of %d runs drawn %d are like others, and are trained once", len(chosen), len(chosen) - len(found))
    return found


def _drawn(grid, search):
    """N draws from the grid, with values drawn for the options that have distributions, each with every seed."""
    distributions = {name: _distribution(name, given) for name, given in search.distributions.items()}
    bases, seeds = [], []
    for values in grid:
        base = {name: value for name, value in values.items() if name not in SEEDS}
        seed = {name: value for name, value in values.items() if name in SEEDS}
        bases += [base] if base not in bases else []
        seeds += [seed] if seed not in seeds else []
    check_count(search.n * len(seeds))
    drawn = []
    for i in range(search.n):
        base = bases[int(generator("", i, search.seed).integers(len(bases)))]
        own = {name: _value(name, draw(each, name, i, search.seed)) for name, each in distributions.items()}
        drawn += [{**base, **own, **seed} for seed in seeds]
    return drawn


def _distribution(name, given):
    if name not in TYPES or OPTIONS[name].is_flag or name in SEEDS:
        raise UserError(f"--draw: '{name}' is no option that takes a value to draw: see run.py train --help.")
    if not isinstance(given, str):
        if hasattr(given, "rvs"):
            return given
        raise UserError(
            f"--draw {dashed(name)}: {given!r} is no distribution: give a text such as 'log-uniform:1e-4:1e-2', or one "
            "of scipy.stats."
        )
    try:
        return parse(given)
    except UserError as error:
        raise UserError(f"--draw {dashed(name)}: {error}") from None


def _value(name, text):
    try:
        return read(name, text)
    except argparse.ArgumentTypeError as error:
        raise UserError(f"--draw {dashed(name)}: {error}") from None


def varied(runs):
    """The options other than seeds in which runs (Options) differ, in the order of ``--help``."""
    runs = list(runs)
    return [
        field.name
        for field in dataclasses.fields(Options)
        if field.name not in SEEDS and len({getattr(p, field.name) for p in runs}) > 1
    ]


def in_words(p, names):
    """Some options as they are typed: 'adv-tau 0.045, seed 1'."""
    return printable(", ".join(f"{dashed(name)} {value_in_words(name, getattr(p, name))}" for name in names))


def graph_of(p):
    """What decides, roughly, which C++ a run compiles: all options that are not numbers, and which numbers are 0.

    Other numbers are data for the same code.
    """
    return tuple(_outline(getattr(p, field.name)) for field in dataclasses.fields(Options))


def _outline(value):
    if isinstance(value, tuple):
        # How many numbers there are does not matter: there can be thousands of positions of labelled examples.
        return tuple(dict.fromkeys(map(_outline, value))) if _numbers(value) else value
    return bool(value) if isinstance(value, (int, float)) else value


def _numbers(value):
    return all(isinstance(entry, (int, float)) for entry in value)
