"""The published numbers: one JSON file per table in ``results/published``.

``source``, ``unit``, ``misprints``
    Where it was published, in what unit, and its misprints.
``rows``
    By name: ``seeds`` (test errors by seed) if they were printed one by one;
    ``mean`` and ``std`` as printed; ``attacked``: the ``mean`` and ``std`` of
    test errors under each attack (kind and tau, e.g. 'sgn 0.25').
"""

import os
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Tuple

from ladder import plain_json
from ladder.errors import UserError
from ladder.files import shown

#: Where the files are: in a checkout, and where an installation puts them (setup.py).
FOLDERS = (
    Path(__file__).resolve().parents[2] / "results" / "published",
    Path(sysconfig.get_path("data")) / "share" / "ladder" / "published",
)

TABLE_TYPES = {"source": str, "rows": dict, "misprints": Optional[Tuple[str, ...]]}
ROW_TYPES = {"seeds": Optional[dict], "mean": Optional[float], "std": Optional[float], "attacked": Optional[dict]}
ATTACKED_TYPES = {"mean": float, "std": Optional[float]}


@dataclass(frozen=True)
class PublishedRow:
    """Published test errors, per cent.

    Attributes
    ----------
    errors : dict of seed -> float
        Empty where only the mean was printed.
    mean, std : float or None
        As printed, even if that is a misprint.
    attacked : dict of attack -> (mean, std or None)
        Errors under attack, as printed.
    """

    errors: dict = field(default_factory=dict)
    mean: Optional[float] = None
    std: Optional[float] = None
    attacked: dict = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedTable:
    """What one file holds: ``rows`` maps names to :class:`PublishedRow`."""

    source: str
    rows: dict
    misprints: tuple = ()


def published_rows(preset):
    """The published numbers of a preset, under the preset's row names.

    Parameters
    ----------
    preset : Preset

    Returns
    -------
    PublishedTable
        Without rows if nothing was published.
    """
    if preset.published is None:
        return PublishedTable("", {})
    table = load_published(preset.published["table"])
    row = preset.published.get("row")
    if row is None:
        return table
    if row not in table.rows:
        raise UserError(
            f"preset {preset.path}: the published table {preset.published['table']} has no row '{row}': "
            f"choose from {', '.join(table.rows)}."
        )
    return PublishedTable(table.source, {next(iter(preset.rows)): table.rows[row]}, table.misprints)


def load_published(name):
    """A published table by name."""
    for folder in FOLDERS:
        path = folder / f"{name}.json"
        if os.path.isfile(path):  # unlike Path.is_file, accepts names that are too long
            break
    else:
        raise UserError(
            f"there is no published table '{shown(name)}' in {FOLDERS[0]}: check 'published' in the preset."
        )
    try:
        entries = plain_json.check(plain_json.read(path), TABLE_TYPES, "the whole")
        rows = {row: _row(values) for row, values in entries["rows"].items()}
    except (plain_json.NotJSON, ValueError) as error:
        raise UserError(f"the published table {path} is damaged ({error}): restore it.") from None
    return PublishedTable(entries["source"], rows, entries["misprints"] or ())


def _row(values):
    unknown = sorted(set(plain_json.check(values, dict, "a row")) - set(ROW_TYPES))
    if unknown:
        raise plain_json.NotJSON(f"'{unknown[0]}' is not known")
    row = plain_json.check(values, ROW_TYPES, "a row")
    seeds = {int(seed): plain_json.check(error, float, "an error") for seed, error in (row["seeds"] or {}).items()}
    attacked = {name: plain_json.check(of, ATTACKED_TYPES, "attacked") for name, of in (row["attacked"] or {}).items()}
    return PublishedRow(seeds, row["mean"], row["std"], {name: tuple(of.values()) for name, of in attacked.items()})
