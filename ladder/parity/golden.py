"""Read golden files: numbers that the original code computed.

A golden file is a pair ``NAME.npz`` and ``NAME.json``.  The .npz holds the
arrays by name, or packed into two flat vectors with an index in the .json.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ladder import plain_json
from ladder.data.npz import load_arrays
from ladder.errors import UserError

SUFFIXES = (".npz", ".json")
PACKED = ("flat_f32", "flat_i64")

#: The dtypes that an array may have had before it was packed.
TYPES = ("float32", "float64", "int32", "int64")


class Unreadable(Exception):
    """A golden file that cannot be used; the message says why."""


@dataclass(frozen=True)
class Golden:
    """The contents of one golden file.

    Attributes
    ----------
    name : str
    arrays : dict of str to array
        ``__`` separates the levels of a name: ``clean0__cost__total``.
    meta : dict
        The .json: the configuration, and more.
    """

    name: str
    arrays: dict
    meta: dict


def find(directory, only=()):
    """The names of all golden files in a directory, sorted.

    A name is listed if either half of the pair is there.

    Parameters
    ----------
    directory : str or Path
    only : sequence of str
        Names to restrict the list to; empty means all.

    Returns
    -------
    list of str

    Raises
    ------
    UserError
        If the directory is missing or holds no golden files, or one of
        ``only`` is not there.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: give the one with the original's .npz and .json files.")
    names = sorted({file.stem for file in files(folder)})
    if not names:
        raise UserError(f"there are no golden files in {folder}: give a folder with pairs of .npz and .json files.")
    missing = [name for name in only if name not in names]
    if missing:
        raise UserError(f"--only {missing[0]}: there is no such golden file in {folder}; there are {', '.join(names)}.")
    return [name for name in names if not only or name in only]


def files(directory):
    """The halves (list of Path) of all golden files in a directory."""
    found = [file for file in Path(directory).iterdir() if file.suffix in SUFFIXES and not file.name.startswith(".")]
    return list(filter(Path.is_file, found))


def read(directory, name):
    """Read the golden file ``name``.

    Returns
    -------
    Golden

    Raises
    ------
    Unreadable
        If one of the pair is missing or damaged, or the two do not match.
    """
    folder = Path(directory)
    meta = _read_json(folder / f"{name}.json")
    stored = _read_npz(folder / f"{name}.npz")
    index = meta.get("arrays", {})
    if any(key in stored for key in PACKED):
        arrays, left = {}, sum(stored[key].size for key in PACKED if key in stored)
        for key, entry in index.items():
            arrays[key] = _unpack(stored, key, entry)
            left -= arrays[key].size
            if left < 0:  # each may be as large as the memory allows
                raise Unreadable("its arrays share stored numbers")
    else:
        arrays = stored
        _check_index(arrays, index)
    if not arrays:
        raise Unreadable("it holds no arrays")
    return Golden(name, arrays, meta)


def _read_json(path):
    _check_there(path)
    try:
        meta = plain_json.read(path)
    except (UserError, plain_json.NotJSON) as error:
        raise Unreadable(f"{path.name} cannot be read: {error}") from error
    if not isinstance(meta, dict) or not isinstance(meta.get("arrays", {}), dict):
        raise Unreadable(f"{path.name} does not describe arrays")
    return meta


def _read_npz(path):
    _check_there(path)
    try:
        return load_arrays(path)
    except UserError as error:
        raise Unreadable(f"{path.name} cannot be read: {error}") from error


def _check_there(path):
    if not path.exists():
        raise Unreadable(f"{path.name} is missing")


def _unpack(stored, key, entry):
    """One array out of the flat vectors; ``entry`` is (dtype, shape, offset)."""
    try:
        dtype, shape, offset = entry
        if dtype not in TYPES:
            raise Unreadable(f"{key} is of type {str(dtype)[:40]}, not one of {', '.join(TYPES)}")
        flat = stored["flat_f32" if dtype.startswith("float") else "flat_i64"]
        size = int(np.prod(shape, dtype="int64"))
        if offset < 0 or offset + size > len(flat):
            raise Unreadable(f"{key} lies outside of the stored numbers")
        return flat[offset : offset + size].reshape(shape).astype(dtype)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Unreadable(f"the index entry of {key} is damaged: {error}") from error


def _check_index(arrays, index):
    """Refuse arrays that differ from the index; it may list others that were left out."""
    for key, array in arrays.items():
        entry = index.get(key, [str(array.dtype), list(array.shape)])
        if [str(array.dtype), list(array.shape)] != entry:
            raise Unreadable(f"{key} is {array.dtype} {list(array.shape)}, not {entry} as the .json says")
