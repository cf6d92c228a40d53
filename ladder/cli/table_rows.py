"""The rows of a table: what a preset's options mean, and what was published of each."""

from dataclasses import replace

from ladder.cli.options import combinations
from ladder.cli.preset_options import parsed_rows
from ladder.errors import UserError
from ladder.experiments.grouping import Row
from ladder.experiments.published import published_rows
from ladder.experiments.settings import settings_of


def table_rows(preset):
    """The baseline's row and the preset's own; what was published but has no options is among them.

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
    if base.path == preset.path:
        return [replace(row, is_baseline=row.name == name) for row in own]
    (baseline,) = [row for row in _rows(base) if row.name == name]
    return [replace(baseline, is_baseline=True, tuned_seed=None), *own]


def rows_of_several(presets):
    """The first preset's rows and those of the others, against the first's baseline, or else its first row.

    Parameters
    ----------
    presets : list of Preset

    Returns
    -------
    list of Row
        No two with the same name and settings.
    """
    first, *others = presets
    rows = table_rows(first)
    if others and not any(row.is_baseline for row in rows):
        rows[0] = replace(rows[0], is_baseline=True)
    for preset in others:
        seen = [(row.name, row.settings) for row in rows]
        rows += [row for row in _rows(preset) if (row.name, row.settings) not in seen]
    return rows


def candidate_rows(preset):
    """The rows that a preset's was chosen from, or its own where it has several."""
    search = (preset.tuned_on_test or {}).get("search")
    rows = _rows(preset.load_other(search)) if search else [row for row in table_rows(preset) if not row.is_baseline]
    rows = [replace(row, tuned_seed=None) for row in rows if row.settings is not None]
    if len(rows) < 2:
        raise UserError(
            f"--select-on valid: {preset.name} has one row and leaves no choice: "
            "take a preset with several, or one that was chosen from several."
        )
    return rows


def _rows(preset):
    """The preset's rows, in the order in which they were published."""
    published = published_rows(preset).rows
    settings = _settings(preset)
    tuned_seed = preset.tuned_on_test["seed"] if preset.tuned_on_test else None
    names = list(published) + [name for name in settings if name not in published]
    return [Row(name, settings.get(name), published.get(name), tuned_seed) for name in names]


def _settings(preset):
    """Settings by row; a row with several values of an option is several."""
    found = {}
    for name, options in parsed_rows(preset).items():
        several = [key for key, values in options.items() if isinstance(values, list) and len(values) > 1]
        varied = [key for key in several if key not in ("seed", "dseed")]
        for combination in combinations(options):
            suffix = "".join(f", {key.replace('_', '-')} {_typed(combination[key])}" for key in varied)
            found.setdefault(name + suffix, settings_of(combination))
    return found


def _typed(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
