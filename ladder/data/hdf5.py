"""Find a data set on disk and load one split of it into memory.

The layout is that of Fuel's ``H5PYDataset`` (see ``ladder.data.fuel_file``),
so files that ``fuel-convert`` wrote can be used as they are.  So can older
ones: up to Fuel 0.0.1 (May 2015), ``split`` had no field ``indices`` and, at
first, two dimensions; before April 2015, each split was an attribute of the
root that held its first row and the row after its last.

Source: ``fuel/datasets/hdf5.py`` and ``fuel/utils/__init__.py`` of Fuel 0.2.
"""

import logging
import os
from pathlib import Path

import numpy as np

from ladder import budget
from ladder.data import NO_LABEL
from ladder.data.channels import channels_first
from ladder.data.description import read_description
from ladder.data.hdf5_file import HDF5File
from ladder.data.labels import as_class_numbers, mend
from ladder.data.registry import KNOWN, how_to_make, is_path
from ladder.errors import UserError
from ladder.files import expanded, open_regular

logger = logging.getLogger("main.data")


def data_path():
    """Folders in which data sets are looked up; the first match counts.

    Returns
    -------
    list of Path
        The entries of ``$FUEL_DATA_PATH``, if it is set, then ``datasets``
        in the current folder.
    """
    entries = os.environ.get("FUEL_DATA_PATH", "").split(os.pathsep)
    return [expanded(entry) for entry in entries if entry] + [Path("datasets")]


def output_directory():
    """The folder (a Path) that converters write to unless told otherwise."""
    return data_path()[0]


def find_dataset(name_or_path):
    """The file of a data set, given its name or its path.

    Parameters
    ----------
    name_or_path : str or Path
        A name is looked up as ``NAME.hdf5`` in ``data_path()``.  Anything that
        ends in ``.hdf5`` or ``.h5``, or has a folder in it, is a path.  The data
        set ``digits`` is made when it is first asked for.

    Returns
    -------
    Path

    Raises
    ------
    UserError
        If there is no such file; the message says how to make it.
    """
    name = str(name_or_path)
    if is_path(name):
        return _existing_file(expanded(name))
    if found := existing_file(name):
        return found
    if name in KNOWN and KNOWN[name].needs_nothing:
        return _made(KNOWN[name])
    raise UserError(_how_to_make(name))


def existing_file(name_or_path):
    """The file (Path) of a data set if it exists already, else None; argument as for :func:`find_dataset`."""
    name = str(name_or_path)
    if is_path(name):
        places = [Path(os.path.expanduser(name))]
    else:
        places = [folder / f"{name}.hdf5" for folder in data_path()]
        if name in KNOWN and KNOWN[name].needs_nothing and user_cache():
            places.append(user_cache() / f"{name}.hdf5")
    return next((path for path in places if os.path.isfile(path)), None)


def user_cache():
    """The cache folder (a Path), used if the data sets' folder is not writable; None without a home folder."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ladder")
    return None if folder.parts[0] == "~" else folder


def _made(dataset):
    """Make a data set in the data sets' folder or, if that is not writable, in the user's cache."""
    try:
        path = dataset.convert(output_path=output_directory() / f"{dataset.name}.hdf5")
    except UserError as error:
        if user_cache() is None:
            raise
        try:
            path = dataset.convert(output_path=user_cache() / f"{dataset.name}.hdf5")
        except UserError:
            raise error from None
    logger.info("Wrote %s: %s", path, dataset.what)
    return path


def _existing_file(path):
    with open_regular(path, "give the path of an HDF5 file, or a data set's name"):
        return path


def _how_to_make(name):
    folders = " or ".join(str(folder) for folder in data_path())
    return f"there is no data set {name!r} in {folders}: make it with {how_to_make(name)}."


#: The sources of a data set; a file may name them differently.
SOURCES = ("features", "targets")


class HDF5Dataset:
    """One split of a data set, read into memory once.

    Parameters
    ----------
    path : str or Path
        A file in Fuel's layout.
    split : str
        For instance ``"train"`` or ``"test"``.
    names : dict of str to str, optional
        The file's names for ``features`` and ``targets``, if they differ;
        without an entry for ``targets``, none are read.
    channels : 'first', 'last' or None
        Where images have their channels; None: decided by the axis labels or
        the shape.
    given : dict, optional
        Options to repeat in a message's command, see :func:`ladder.data.labels.mend`.

    Attributes
    ----------
    features : array, shape (num_examples, ...), dtype as stored
        Images have their channels first.
    targets : int64 array, shape (num_examples,)
        Classes; -1 is "no label", also where the file has no targets for this
        split.
    num_examples : int
    axis_labels : dict of str to tuple of str
        Source name to labels as stored, '' where the file gives none.
    is_turned : bool
        Whether the images were stored with their channels last.
    sources : tuple of str
        The names of all sources of the split.
    path : Path
    description : dict
        Class names, and how images were read, see :mod:`ladder.data.description`; empty if the file has none.

    Raises
    ------
    UserError
        If the file is not an HDF5 file of this layout, is damaged, lacks the
        split, or holds sources that do not fit together.
    """

    def __init__(self, path, split, names=None, channels=None, given=None):
        self.path = Path(path)
        names = names or {source: source for source in SOURCES}
        with HDF5File(self.path) as h5file:
            rows = _rows_of(h5file, self.path)
            self.sources = tuple(sorted({row["source"] for row in rows if row["split"] == split}))
            self._read(h5file, _rows_of_split(rows, split, names, self.path), split)
            self.description = read_description(h5file)
        stored = self.features
        self.features = channels_first(stored, self.axis_labels["features"], self.path, channels, given)
        self.is_turned = self.features is not stored
        self.num_examples = len(self.features)

    def _read(self, h5file, rows, split):
        where = f"{self.path}, split {split!r}"
        self.features = _read_source(h5file, rows["features"], where)
        n = len(self.features)
        budget.ask(8 * n, f"{where}: the class numbers of {n:,} examples", "use a smaller data set")
        if "targets" in rows:
            stored = _read_source(h5file, rows["targets"], where)
            self.targets = as_class_numbers(stored, f"{rows['targets']['source']!r} of {where},")
        else:
            self.targets = np.full(len(self.features), NO_LABEL, "int64")
        self.axis_labels = {source: h5file.arrays[row["source"]].labels for source, row in rows.items()}
        if self.features.ndim < 2:
            raise UserError(
                f"{where} has features of shape {self.features.shape}: give one row of numbers or one image per example."
            )
        if len(self.features) != len(self.targets):
            raise UserError(
                f"{where} has {len(self.features)} features but {len(self.targets)} targets: convert the data set again."
            )
        if len(self.features) == 0:
            raise UserError(f"{where} has no examples: convert the data set again, or use another split.")


def split_names(path):
    """The splits of a file: a sorted list of str.

    Raises ``UserError`` if the file is not an HDF5 file in Fuel's layout.
    """
    with HDF5File(path) as h5file:
        return sorted({row["split"] for row in _rows_of(h5file, path)})


def _rows_of(h5file, path):
    """The file's splits, as dicts of split, source, start, stop, indices (None: all between) and number."""
    refused = next((row["refused"] for row in h5file.split or () if "refused" in row), None)
    if refused:
        raise UserError(f"{path} has a row in Fuel's attribute 'split' whose {refused}: convert the data set again.")
    if h5file.split is None:
        rows = list(_rows_of_ranges(h5file))
    else:
        # Up to Fuel 0.0.1 there were no lists of indices.
        rows = [{"indices": None, "available": True, **row, "number": i} for i, row in enumerate(h5file.split)]
        complete = all({"split", "source", "start", "stop"} <= row.keys() for row in rows)
        rows = [row for row in rows if row["available"]] if complete else []
    if not rows:
        raise UserError(
            f"{path} lacks Fuel's attribute 'split', which says what trains and what tests: convert the data set with "
            "`run.py convert`."
        )
    return rows


def _rows_of_ranges(h5file):
    """The same for files that predate the attribute ``split``, where 'train', say, is an attribute of two numbers."""
    for split, (start, stop) in h5file.ranges.items():
        for source in h5file.arrays:
            yield {"split": split, "source": source, "start": start, "stop": stop, "indices": None}


def _rows_of_split(rows, split, names, path):
    """Dict of 'features' and, if there are any, 'targets' -> their row of a split."""
    found = {row["source"]: row for row in rows if row["split"] == split}
    if not found:
        there = sorted({row["split"] for row in rows})
        raise UserError(
            f"{path} has no split {split!r}: the splits there are {', '.join(there)}{_mend_of_splits(there, path)}."
        )
    for source, name in names.items():
        if name not in found and (source == "features" or source != name):
            raise UserError(
                f"{path}, split {split!r}, has no source {name!r}: the sources there are {', '.join(sorted(found))}; "
                "choose with --sources features=NAME,targets=NAME."
            )
    return {source: found[name] for source, name in names.items() if name in found}


def _mend_of_splits(there, path):
    if "train" in there or not there:
        return ""
    if len(there) > 1:
        return f"; {mend(path, {'--splits': 'train=NAME,test=NAME'})} names them"
    return f"; {mend(path)} divides it into training and test examples"


def _read_source(h5file, row, where):
    stored = h5file.arrays.get(row["source"])
    if stored is None or stored.refused:
        raise UserError(
            f"{where} has no array of numbers {row['source']!r}{_because(stored)}: convert the data set again."
        )
    if 0 in stored.shape[1:]:  # any number of such rows takes no bytes
        raise UserError(
            f"{where} has {row['source']!r} of shape {stored.shape}: give one row of numbers or one image per example, "
            "and one class number."
        )
    if row["indices"] is not None:
        return _read_subset(stored, h5file.listed(row["number"]), where)
    return _read_range(stored, row["start"], row["stop"], where)


def _because(stored):
    return f", as that {stored.refused}" if stored is not None else ""


def _read_range(stored, start, stop, where):
    if not 0 <= start <= stop <= len(stored):
        raise UserError(f"{where} asks for examples {start} to {stop} of {len(stored)}: convert the data set again.")
    return stored.read(start, stop)


def _read_subset(stored, listed, where):
    """The rows at the positions ``listed``, sorted and without repeats, as in Fuel."""
    indices = np.unique(listed)
    if len(indices) and not 0 <= indices[0] <= indices[-1] < len(stored):
        raise UserError(
            f"{where} lists examples that are not among the {len(stored)} of the file: convert the data set again."
        )
    # HDF5 picks single rows slowly: read the span once, then pick in memory.
    if len(indices) == 0:
        return stored.read(0, 0)
    return stored.read(int(indices[0]), int(indices[-1]) + 1)[indices - indices[0]]
