"""A preset's options, through the command line's own parsing and checks."""

import argparse
import difflib
import math

from ladder.cli.options import (
    FIELDS,
    FLAGS,
    add_training_options,
    check_count,
    combinations,
    given_options,
    hyper_parameters,
)
from ladder.errors import UserError
from ladder.hyper import resolve_adversarial, resolve_layers

NAMES = tuple(name.replace("_", "-") for name in FIELDS)
SWITCHES = tuple(name.replace("_", "-") for name in FLAGS)


def add_preset_options(parser):
    """``--preset``, ``--rows`` and ``--missing``."""
    group = parser.add_argument_group("presets")
    group.add_argument(
        "--preset",
        metavar="NAME",
        help="a published experiment (see 'run.py presets'), or a JSON file of your own; options given here go before the preset's",
    )
    group.add_argument("--rows", nargs="+", metavar="ROW", help="rows of the preset to train (default: all)")
    group.add_argument(
        "--missing",
        action="store_true",
        help="leave out what has a run of the same options and seed already, where the new one would go",
    )


def preset_combinations(preset, rows=None, given=None):
    """Every configuration that a preset asks for, row after row.

    Parameters
    ----------
    preset : Preset
    rows : list of str or None
        Names of the rows; all of them for None.
    given : dict of option name -> value or list of values
        Options that go before the preset's.

    Returns
    -------
    list of dict of option name -> value
        Rows that the given options make equal are one.
    """
    chosen = []
    for _, options in _parsed(preset, preset.choose_rows(rows), given or {}):
        for combination in combinations(options):
            _check(combination, preset)
            if combination not in chosen:
                chosen.append(combination)
    return chosen


def parsed_rows(preset):
    """Options by row, as the command line's parser returns them, checked.

    Returns
    -------
    dict of row name -> dict of option name -> value or list of values
    """
    parsed = dict(_parsed(preset, preset.rows, {}))
    for options in parsed.values():
        for combination in combinations(options):
            _check(combination, preset)
    return parsed


def _parsed(preset, rows, given):
    """Iterate over names and options of rows, until all together ask for too many configurations."""
    n = 0
    for name, options in rows.items():
        options = {**_parse(options, preset), **given}
        n += math.prod(len(value) for value in options.values() if isinstance(value, list))
        try:
            check_count(n)
        except UserError as error:
            raise UserError(f"preset {preset.path}: {error}") from None
        yield name, options


def words(options):
    """A preset's options as typed, a list of words."""
    typed = []
    for name, value in options.items():
        if name in SWITCHES:
            typed += [f"--{name}"] if value else []
        else:
            typed += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return typed


class _PresetParser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(f"{self.prog}: {message}.")


def _parse(options, preset):
    parser = _PresetParser(add_help=False, allow_abbrev=False)
    add_training_options(parser)
    parsed = {}
    for name, value in options.items():
        if name not in NAMES:
            close = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "see run.py train --help."
            raise UserError(f"preset {preset.path}: unknown option '{name}': {hint}")
        _check_json(name, value, preset)
        # One at a time, so that the message names it.
        parser.prog = f"preset {preset.path}, option '{name}'"
        parsed.update(given_options(parser.parse_args(words({name: value}))))
    return parsed


def _check_json(name, value, preset):
    if name in SWITCHES:
        good, must = isinstance(value, bool), "true or false"
    else:
        values = value if isinstance(value, list) else [value]
        good, must = (
            values and all(isinstance(v, (str, int, float)) for v in values),
            "a number, a text or a list of them",
        )
    if not good:
        raise UserError(f"preset {preset.path}: option '{name}' is {value!r}, but must be {must}.")


def _check(options, preset):
    """What can be wrong without data."""
    try:
        p = hyper_parameters(options, in_dim=())
        resolve_adversarial(p, resolve_layers(p))
    except UserError as error:
        raise UserError(f"preset {preset.path}: {error}") from None
