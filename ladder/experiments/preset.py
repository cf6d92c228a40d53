"""Presets: published experiments as plain JSON files that can be copied and edited.

A file has

``title``, ``source``
    What it is, and where it was published.
``options``
    Options of ``run.py train`` without their dashes: a number, a text, true or
    false, or a list of several values.
``rows`` (may be missing)
    Variants by name, each with the options that it adds or changes.
``published`` (may be missing)
    ``table``: a file of ``results/published``; ``row``: of one row, its name there.
``baseline`` (may be missing)
    ``preset`` and, where that has several rows, ``row``: what rows are tested against.
``tuned_on_test`` (may be missing)
    ``seed``: with which seed a row was chosen by its test error; ``search``: the
    preset whose rows it was chosen from.
    Files of one's own are looked for beside this one.
``attack`` (may be missing)
    How its runs were attacked: what ``run.py attack --preset`` takes from it, see :data:`ATTACK`.
``also_called``, ``notes`` (may be missing)
    Lists of text: other names of the preset, and what a reader should know.
"""

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Tuple

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import shown
from ladder.experiments.ordering import numbers_in_order

FOLDER = Path(__file__).with_name("presets")

#: Options of ``run.py attack`` that a preset may have; their values are that command's to check.
ATTACK = {
    "kinds": Optional[Tuple[str, ...]],
    "tau": Optional[Tuple[float, ...]],
    "steps": Optional[int],
    "statistics": Optional[str],
    "batch-size": Optional[int],
}

#: Entry -> the type it must have; ``options`` are the command line's to check.
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
        With the common options; one row, named as the preset, where the file has none.
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
    def save_to(self):
        """Name of its runs: a number follows, which must not run into the preset's own."""
        return self.name + ("_" if self.name[-1].isdigit() else "")

    def load_other(self, name):
        """A preset that this one names; a file of the user's own is looked for beside it."""
        return load_preset(str(self.path.parent / name) if name.endswith(".json") else name)

    def choose_rows(self, names):
        """The rows of these names; all of them for None."""
        for name in names or ():
            if name not in self.rows:
                raise UserError(f"preset {self.name} has no row '{name}': choose from {_quoted(self.rows)}.")
        return {name: self.rows[name] for name in names or self.rows}


def preset_names():
    """Names of all presets that come with the program, numbers in order."""
    return sorted((path.stem for path in FOLDER.glob("*.json")), key=numbers_in_order)


def load_preset(name):
    """A preset by name, or from a file of the user's own.

    Parameters
    ----------
    name : str
        One of :func:`preset_names`, another name of one, or a path that ends in ``.json``.
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


def _read(path):
    try:
        entries = plain_json.read(path, "give a preset's name or file")
    except plain_json.NotJSON as error:
        raise UserError(f"preset {path} is not JSON ({error}): mend it there.") from None
    _check(entries, path)
    rows = {name: {**entries["options"], **options} for name, options in entries.get("rows", {path.stem: {}}).items()}
    others = {name: value for name, value in entries.items() if name not in ("options", "rows", "title", "source")}
    title, source = entries.get("title", path.stem), entries.get("source", "")
    return Preset(path.stem, path, title, source, rows, **others)


def _check(entries, path):
    """Refuse what is no preset; option names and values are the command line's to check."""
    if not isinstance(entries, dict) or "options" not in entries:
        raise UserError(f"preset {path} has no 'options': give an object with the options to train with.")
    for name, value in entries.items():
        if name not in ENTRIES:
            raise UserError(f"preset {path}: unknown entry '{shown(name)}': choose from {', '.join(ENTRIES)}.")
        try:
            plain_json.check(value, ENTRIES[name], f"'{name}'")
            for row, options in value.items() if name == "rows" else ():
                plain_json.check(options, dict, f"row '{shown(row)}'")
        except plain_json.NotJSON as error:
            raise UserError(f"preset {path}: {error}: mend it there.") from None
    if not entries.get("rows", True):
        raise UserError(f"preset {path}: 'rows' is empty: add a row, or leave 'rows' out.")


def _quoted(names):
    return ", ".join(f"'{name}'" for name in names)
