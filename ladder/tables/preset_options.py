"""A preset's options, read and checked like those of the command line."""

import argparse
import difflib
import logging
import math

from ladder.combinations import check_count, combinations
from ladder.errors import UserError
from ladder.option_names import dashed
from ladder.options import OPTIONS, Options, read
from ladder.training.experiment import check_without_data
from ladder.training.pretraining.starting import with_source

logger = logging.getLogger("main")

#: Options by their names in a preset: those of the command line without their dashes.
NAMES = {dashed(name): name for name in OPTIONS}


def preset_combinations(preset, rows=None, given=None):
    """Every configuration that a preset asks for, row after row.

    Parameters
    ----------
    preset : Preset
    rows : list of str or None
        Names of the rows; all of them for None.
    given : dict of option name -> value or list of values
        Options that override the preset's.

    Returns
    -------
    list of dict of option name -> value
        Rows that the given options make equal appear once.
    """
    chosen = []
    for _, options in _parsed(preset, preset.choose_rows(rows), given or {}):
        for combination in combinations(options):
            _check(combination, preset)
            if combination not in chosen:
                chosen.append(combination)
    return chosen


def network_combinations(preset, rows=None, given=None):
    """The configurations of :func:`preset_combinations` that are networks; says how to fit the scikit-learn methods."""
    chosen = preset_combinations(preset, rows, given)
    networks = [options for options in chosen if not options.get("rival")]
    n, how = len(chosen) - len(networks), f"run.py rivals --preset {preset.typed}"
    if not networks:
        raise UserError(f"these rows of preset {preset.name} are methods of scikit-learn's: fit them with {how}.")
    if n:
        logger.info("%d of %d configurations are methods of scikit-learn's: %s", n, len(chosen), how)
    return networks


def parsed_rows(preset):
    """The rows' options, parsed and checked.

    Returns
    -------
    dict of row name -> dict of option name -> value or list of values
    """
    parsed = dict(_parsed(preset, preset.rows, {}))
    for options in parsed.values():
        for combination in combinations(options):
            _check(combination, preset)
    return parsed


def words(options):
    """A preset's options as a list of command-line words."""
    typed = []
    for name, value in options.items():
        if OPTIONS[NAMES[name]].is_flag:
            typed += [f"--{name}"] if value else []
        else:
            typed += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return typed


def _parsed(preset, rows, given):
    """Iterate over names and options of rows; UserError once they ask for too many configurations."""
    n = 0
    for name, options in rows.items():
        options = {**_parse(options, preset), **given}
        if given.get("labeled_indices") and "labeled_samples" not in given:
            options.pop("labeled_samples", None)  # the fixed set replaces the labels that the preset draws
        n += math.prod(len(value) for value in options.values() if isinstance(value, list))
        try:
            check_count(n)
        except UserError as error:
            raise UserError(f"preset {preset.path}: {error}") from None
        yield name, options


def _parse(options, preset):
    parsed = {}
    for name, value in options.items():
        if name not in NAMES:
            close = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "see run.py train --help."
            raise UserError(f"preset {preset.path}: unknown option '{name}': {hint}")
        must = _must_be(OPTIONS[NAMES[name]], value)
        if must:
            raise UserError(f"preset {preset.path}: option '{name}' is {value!r}, but must be {must}.")
        try:
            parsed.update(_value(NAMES[name], value))
        except argparse.ArgumentTypeError as error:
            raise UserError(f"preset {preset.path}, option '{name}': {error}") from None
    return parsed


def _must_be(option, value):
    """What an option's JSON value should be if its type is wrong, or None if it is right."""
    if option.is_flag:
        return None if isinstance(value, bool) else "true or false"
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(v, (str, int, float)) for v in values):
        return "a number, a text or a list of them"
    return None if option.many or len(values) == 1 else "one value"


def _value(name, value):
    """{name: value} from an option's JSON value, or {} for a flag that is false."""
    if OPTIONS[name].is_flag:
        return {name: True} if value else {}
    values = [read(name, str(v)) for v in (value if isinstance(value, list) else [value])]
    return {name: values if OPTIONS[name].many else values[0]}


def _check(options, preset):
    """Check everything that can be checked without data."""
    try:
        check_without_data(with_source(Options(**options), options))
    except UserError as error:
        raise UserError(f"preset {preset.path}: {error}") from None
