"""Presets: published experiments as plain JSON files that can be copied and edited.

A file has

``title``, ``source``
    What it is, and where it was published.
``options``
    Options of ``run.py train`` without their dashes: a number, a text, true or
    false, or a list of several values.
``rows`` (optional)
    Variants by name, each with the options that it adds or changes.
``published`` (optional)
    ``table``: a file of ``results/published``; ``row``: the name of a single row there.
``baseline`` (optional)
    What rows are tested against: a ``preset`` and, if it has several, a ``row``.
``tuned_on_test`` (optional)
    ``seed``: the seed whose test error chose the row; ``search``: the preset
    whose rows it was chosen from.
    Preset files named here are looked for beside this one.
``attack`` (optional)
    How its runs were attacked: options of ``run.py attack`` without their dashes, those in :data:`ATTACK`.
``also_called``, ``notes`` (optional)
    Lists of text: other names of the preset, and remarks for the reader.
"""

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Tuple

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import shown
from ladder.tables.ordering import numbers_in_order

FOLDER = Path(__file__).with_name("presets")

#: Options of a published attack; ``run.py attack`` checks their values.
ATTACK = {
    "kinds": Optional[Tuple[str, ...]],
    "tau": Optional[Tuple[float, ...]],
    "steps": Optional[int],
    "statistics": Optional[str],
    "batch-size": Optional[int],
}

#: Entry -> the type it must have; the command line checks ``options``.
ENTRIES = {
    "title": str,
    "source": str,
    "options": dict,
    "rows": dict,
    "published": {"table": str, "row": Optional[str]},
    "baseline": {"preset": str, "row": Optional[str]},
    "tuned_on_test": {"seed": int, "search": Optional[str]},
    "attack": ATTACK,
    "also_called": Tuple[str, ...],
    "notes": Tuple[str, ...],
}


@dataclass(frozen=True)
class Preset:
    """One preset file.

    Attributes
    ----------
    name : str
    path : Path
    title, source : str
    rows : dict of row name -> dict of option -> value, as in the file
        Each with the common options; a single row with the preset's name if the file has none.
    published, baseline, tuned_on_test, attack : dict or None
    also_called, notes : list of str
    """

    name: str
    path: Path
    title: str
    source: str
    rows: dict
    published: Optional[dict] = None
    baseline: Optional[dict] = None
    tuned_on_test: Optional[dict] = None
    attack: Optional[dict] = None
    also_called: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def typed(self):
        """The value of ``--preset`` for it: its name, or the path of a user's own file."""
        return self.name if self.path.parent == FOLDER else str(self.path)

    @property
    def save_to(self):
        """The name of its runs; the number appended to it must not run into one that ends the preset's name."""
        return self.name + ("_" if self.name[-1].isdigit() else "")

    def load_other(self, name):
        """A preset that this one names; a user's own file is looked for beside it."""
        return load_preset(str(self.path.parent / name) if name.endswith(".json") else name)

    def choose_rows(self, names):
        """The rows with these names; all of them for None."""
        for name in names or ():
            if name not in self.rows:
                raise UserError(f"preset {self.name} has no row '{name}': choose from {_quoted(self.rows)}.")
        return {name: self.rows[name] for name in names or self.rows}


def preset_names():
    """The names of all presets that come with the program, in natural order."""
    return sorted((path.stem for path in FOLDER.glob("*.json")), key=numbers_in_order)


def load_preset(name):
    """Load a preset, by its name or from a user's own file.

    Parameters
    ----------
    name : str
        One of :func:`preset_names`, an alias of one, or a path that ends in ``.json``.
    """
    if name.endswith(".json"):
        return _read(Path(name))
    path = FOLDER / f"{name}.json"
    if name in preset_names():
        return _read(path)
    presets = [_read(FOLDER / f"{other}.json") for other in preset_names()]
    for preset in presets:
        if name in preset.also_called:
            return preset
    known = preset_names() + [other for preset in presets for other in preset.also_called]
    close = difflib.get_close_matches(name, known, n=3)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    raise UserError(
        f"there is no preset '{name}': {meant}see run.py presets, or give a file of your own that ends in .json."
    )


def published_attack(name):
    """How the runs of a preset were attacked.

    Parameters
    ----------
    name : str, as for :func:`load_preset`

    Returns
    -------
    dict of str -> value
        Options of ``run.py attack``, as parsed: 'kinds', 'batch_size' …
    """
    preset = load_preset(name)
    if preset.attack is None:
        raise UserError(f"--preset: {preset.name} was not attacked: give another, e.g. thesis_section_5_4.")
    options = plain_json.check(preset.attack, ATTACK, "'attack'")
    return {option.replace("-", "_"): value for option, value in options.items() if value is not None}


def _read(path):
    try:
        entries = plain_json.read(path, "give a preset's name or file")
    except plain_json.NotJSON as error:
        raise UserError(f"preset {path} is not JSON ({error}): fix it there.") from None
    _check(entries, path)
    rows = {name: {**entries["options"], **options} for name, options in entries.get("rows", {path.stem: {}}).items()}
    others = {name: value for name, value in entries.items() if name not in ("options", "rows", "title", "source")}
    title, source = entries.get("title", path.stem), entries.get("source", "")
    return Preset(path.stem, path, title, source, rows, **others)


def _check(entries, path):
    """Refuse a file that is not a preset; option names and values are checked elsewhere."""
    if not isinstance(entries, dict) or "options" not in entries:
        raise UserError(f"preset {path} has no 'options': give an object with the options to train with.")
    for name, value in entries.items():
        if name not in ENTRIES:
            raise UserError(f"preset {path}: unknown entry '{shown(name)}': choose from {', '.join(ENTRIES)}.")
        try:
            plain_json.check(value, ENTRIES[name], f"'{name}'")
            known = ENTRIES[name]
            unknown = sorted(set(value) - set(known)) if isinstance(known, dict) else ()
            if unknown:
                raise plain_json.NotJSON(f"'{name}' has no '{shown(unknown[0])}': choose from {', '.join(known)}")
            for row, options in value.items() if name == "rows" else ():
                plain_json.check(options, dict, f"row '{shown(row)}'")
        except plain_json.NotJSON as error:
            raise UserError(f"preset {path}: {error}: fix it there.") from None
    if not entries.get("rows", True):
        raise UserError(f"preset {path}: 'rows' is empty: add a row, or leave 'rows' out.")


def _quoted(names):
    return ", ".join(f"'{name}'" for name in names)
