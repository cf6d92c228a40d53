"""The rows of a table: the meaning of a preset's options, and what was published for each."""

from collections import Counter
from dataclasses import replace

from ladder.combinations import combinations
from ladder.errors import UserError
from ladder.option_names import dashed
from ladder.options import SEEDS, Options
from ladder.tables.grouping import Row
from ladder.tables.preset_options import parsed_rows
from ladder.tables.published import published_rows
from ladder.tables.settings import settings_of_all
from ladder.training.pretraining.starting import with_source


def table_rows(preset):
    """The baseline's row and the preset's own, including published rows without options.

    Parameters
    ----------
    preset : Preset

    Returns
    -------
    list of Row
    """
    own = _rows(preset)
    if preset.baseline is None:
        return own
    base = preset.load_other(preset.baseline["preset"])
    name = preset.baseline.get("row") or next(iter(base.rows))
    base.choose_rows([name])
    found = [row for row in _rows(base) if row.name == name]
    if not found:
        raise UserError(
            f"the baseline of {preset.name}, row '{name}' of {base.name}, has several values of an option: give it one."
        )
    if base.path == preset.path:
        return [replace(row, is_baseline=row.name == name) for row in own]
    return [replace(found[0], is_baseline=True, tuned_seed=None), *own]


def rows_of_several(presets):
    """The rows of all presets, to be compared with the first preset's baseline or, without one, its first row.

    Parameters
    ----------
    presets : list of Preset

    Returns
    -------
    list of Row
        No two have the same name: different rows of one name are told apart by their presets' names.
    """
    first, *others = presets
    rows = table_rows(first)
    if others and not any(row.is_baseline for row in rows):
        rows[0] = replace(rows[0], is_baseline=True)
    for preset in others:
        rows += [row for row in _rows(preset) if not any(_same(row, other) for other in rows)]
    return _told_apart(rows)


def _same(row, other):
    return row.name == other.name and row.settings == other.settings and row.published == other.published


def _told_apart(rows):
    """The rows, with the preset's name added where the row's alone is ambiguous."""
    times = Counter(row.name for row in rows)
    return [replace(row, name=f"{row.name}, {row.preset}") if times[row.name] > 1 else row for row in rows]


def candidate_rows(preset):
    """The rows that a preset's row was chosen from, or its own if it has several."""
    search = (preset.tuned_on_test or {}).get("search")
    rows = _rows(preset.load_other(search)) if search else [row for row in table_rows(preset) if not row.is_baseline]
    rows = [replace(row, tuned_seed=None) for row in rows if row.settings is not None]
    if len(rows) < 2:
        raise UserError(
            f"--select-on valid: {preset.name} has one row and leaves no choice: "
            "take a preset with several, or one that was chosen from several."
        )
    return rows


def not_trained(rows, trained, presets):
    """Which rows have no run at all, and how to train them.

    Parameters
    ----------
    rows : list of Row, from :func:`rows_of_several`
    trained : list of Row, those that have runs
        A row with the same settings as one of these has the same runs.
    presets : list of Preset

    Returns
    -------
    list of str
    """
    found, given = [row.settings for row in trained], [preset.typed for preset in presets]
    missing = [row for row in rows if row.settings is not None and row.settings not in found]
    said = [
        f"no run of ours yet of the baseline '{row.name}': {_command([row])} --preset {row.preset}"
        for row in missing
        if row.is_baseline and row.preset not in given
    ]
    for preset in presets:
        own = [row for row in missing if row.preset == preset.typed]
        for rows in ([row for row in own if _is_rival(row) == is_rival] for is_rival in (False, True)):
            if rows:
                n_rows = sum(row.settings is not None for row in _rows(preset))
                which = f"'{rows[0].name}'" if len(rows) == 1 else f"{len(rows)} of {n_rows} rows"
                said.append(f"no run of ours yet of {which}: {_command(rows)} --preset {preset.typed}")
    return said


def _is_rival(row):
    return bool(row.settings["rival"])


def _command(rows):
    """The command that trains these rows, which are all networks or all rivals."""
    return "run.py rivals" if _is_rival(rows[0]) else "run.py train"


def _rows(preset):
    """The preset's rows, in the order in which they were published."""
    published = published_rows(preset).rows
    settings = _settings(preset)
    tuned_seed = preset.tuned_on_test["seed"] if preset.tuned_on_test else None
    names = list(published) + [name for name in settings if name not in published]
    return [Row(name, settings.get(name), published.get(name), tuned_seed, preset=preset.typed) for name in names]


def _settings(preset):
    """Settings by row; a row with several values of an option counts as several."""
    found = {}
    for name, options in parsed_rows(preset).items():
        several = [key for key, values in options.items() if isinstance(values, list) and len(values) > 1]
        varied = [key for key in several if key not in SEEDS]
        chosen = combinations(options)
        for combination, settings in zip(chosen, settings_of_all([with_source(Options(**one), one) for one in chosen])):
            suffix = "".join(f", {dashed(key)} {_typed(combination[key])}" for key in varied)
            found.setdefault(name + suffix, settings)
    return found


def _typed(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
