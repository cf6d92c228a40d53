"""Find a data set on disk and load one split of it into memory.

The layout is that of Fuel's ``H5PYDataset`` (see ``ladder.data.fuel_file``),
so files that ``fuel-convert`` wrote can be used as they are.

Source: ``fuel/datasets/hdf5.py`` and ``fuel/utils/__init__.py`` of Fuel 0.2;
the check of MNIST's range is from ``setup_data`` in the original's ``run.py``.
"""

import logging
import os
from pathlib import Path

import numpy

from ladder import budget
from ladder.data import NO_LABEL
from ladder.data.convert.digits import convert_digits
from ladder.data.hdf5_file import HDF5File
from ladder.errors import UserError
from ladder.files import expanded, open_regular

logger = logging.getLogger("main.data")

SUFFIXES = (".hdf5", ".h5")


def data_path():
    """Folders in which data sets are looked up, first match first.

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
        A name is looked up as ``NAME.hdf5`` in ``data_path()``.  What ends
        in ``.hdf5`` or ``.h5``, or has a folder in it, is a path.  The data
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
    if _is_path(name):
        return _existing_file(expanded(name))
    for folder in data_path():
        if (folder / f"{name}.hdf5").is_file():
            return folder / f"{name}.hdf5"
    if name == "digits":
        path = convert_digits(output_directory() / "digits.hdf5")
        logger.info("Wrote %s from scikit-learn's digits", path)
        return path
    raise UserError(_how_to_make(name))


def _is_path(name):
    separators = {os.sep, os.altsep} - {None}
    return name.endswith(SUFFIXES) or any(separator in name for separator in separators)


def _existing_file(path):
    with open_regular(path, "give the path of an HDF5 file, or a data set's name"):
        return path


def _how_to_make(name):
    folders = " or ".join(str(folder) for folder in data_path())
    command = {
        "mnist": "`run.py convert mnist --directory D`, where D holds MNIST's four files",
        "cifar10": "`run.py convert cifar10 --directory D`, where D holds cifar-10-python.tar.gz",
    }.get(name, "`run.py convert arrays --input FILE.npz --name NAME`, or give the path of an HDF5 file")
    return f"there is no data set {name!r} in {folders}: make it with {command}"


class HDF5Dataset:
    """One split of a data set, read into memory once.

    Parameters
    ----------
    path : str or Path
        A file in Fuel's layout.
    split : str
        For instance ``"train"`` or ``"test"``.

    Attributes
    ----------
    features : array, shape (num_examples, ...), dtype as stored
    targets : int64 array, shape (num_examples,)
        Classes from 0; -1 is "no label", also where the file has no targets
        for this split.
    num_examples : int
    axis_labels : dict of str to tuple of str
        Source name to labels, '' where the file gives none.
    path : Path

    Raises
    ------
    UserError
        If the file is not an HDF5 file of this layout, is damaged, lacks the
        split, or holds sources that do not fit together.
    """

    def __init__(self, path, split):
        self.path = Path(path)
        with HDF5File(self.path) as h5file:
            rows = _rows_of(h5file, self.path)
            self._read(h5file, _rows_of_split(rows, split, self.path), split)
        self.num_examples = len(self.features)

    def _read(self, h5file, rows, split):
        where = f"{self.path}, split {split!r}"
        self.features = _read_source(h5file, rows["features"], where)
        if "targets" in rows:
            self.targets = _class_numbers(_read_source(h5file, rows["targets"], where), where)
        else:
            self.targets = numpy.full(len(self.features), NO_LABEL, "int64")
        self.axis_labels = {
            source: h5file.arrays[source].labels for source in rows
        }
        if self.features.ndim < 2 or 0 in self.features.shape[1:]:
            raise UserError(
                f"{where} has features of shape {self.features.shape}: give one row of numbers or one image an example"
            )
        if len(self.features) != len(self.targets):
            raise UserError(
                f"{where} has {len(self.features)} features but {len(self.targets)} targets: "
                "convert the data set again"
            )
        if len(self.features) == 0:
            raise UserError(f"{where} has no examples: convert the data set again, or use another split")


def split_names(path):
    """The splits of a file that have features: a sorted list of str.

    Raises ``UserError`` if the file is not an HDF5 file in Fuel's layout.
    """
    with HDF5File(path) as h5file:
        return _splits_in(_rows_of(h5file, path))


def _rows_of(h5file, path):
    """The rows of the ``split`` attribute that can be used, as dicts."""
    fields = {"split", "source", "start", "stop", "indices", "available"}
    if h5file.split is None or not all(fields <= row.keys() for row in h5file.split if "refused" not in row):
        raise UserError(
            f"{path} lacks Fuel's attribute 'split': convert the data set with `run.py convert`"
        )
    refused = next((row["refused"] for row in h5file.split if "refused" in row), None)
    if refused:
        raise UserError(f"{path} has a row in Fuel's attribute 'split' whose {refused}: convert the data set again")
    rows = [{**row, "number": number} for number, row in enumerate(h5file.split)]
    return [row for row in rows if row["available"]]


def _splits_in(rows):
    return sorted({row["split"] for row in rows if row["source"] == "features"})


def _rows_of_split(rows, split, path):
    if split not in _splits_in(rows):
        raise UserError(
            f"{path} has no split {split!r}: the splits there are {', '.join(_splits_in(rows)) or 'none'}"
        )
    return {
        row["source"]: row
        for row in rows
        if row["split"] == split and row["source"] in ("features", "targets")
    }


def _read_source(h5file, row, where):
    stored = h5file.arrays.get(row["source"])
    if stored is None or stored.refused:
        raise UserError(
            f"{where} has no array of numbers {row['source']!r}{_because(stored)}: convert the data set again"
        )
    if row["indices"] is not None:
        return _read_subset(stored, h5file.listed(row["number"]), where)
    return _read_range(stored, row["start"], row["stop"], where)


def _because(stored):
    return f", as that {stored.refused}" if stored is not None else ""


def _read_range(stored, start, stop, where):
    if not 0 <= start <= stop <= len(stored):
        raise UserError(
            f"{where} asks for examples {start} to {stop} of {len(stored)}: convert the data set again"
        )
    return stored.read(start, stop)


def _read_subset(stored, listed, where):
    """The rows of the positions ``listed``, sorted and unique as in Fuel."""
    indices = numpy.unique(listed)
    if len(indices) and not 0 <= indices[0] <= indices[-1] < len(stored):
        raise UserError(
            f"{where} lists examples that are not among the {len(stored)} of the file: "
            "convert the data set again"
        )
    # HDF5 picks single rows slowly: read the span once, then pick in memory.
    if len(indices) == 0:
        return stored.read(0, 0)
    return stored.read(int(indices[0]), int(indices[-1]) + 1)[indices - indices[0]]


def _class_numbers(targets, where):
    if targets.dtype.kind not in "ui":
        raise UserError(f"{where} has targets of type {targets.dtype}: they must be integers, one class each")
    if targets.size != len(targets):
        raise UserError(
            f"{where} has targets of shape {targets.shape}: give one class number an example, not one-hot rows"
        )
    targets = targets.reshape(-1).astype("int64")
    if targets.size and targets.min() < NO_LABEL:
        raise UserError(
            f"{where} has the target {targets.min()}: classes count from 0, and only -1 means 'no label'"
        )
    return targets


def scales_pixels(dataset):
    """Whether a data set's uint8 pixels are divided by 255 when read: all but CIFAR-10's, as in the original.

    Parameters
    ----------
    dataset : str or Path
        Name or file.
    """
    return Path(dataset).stem != "cifar10"


def as_float32(features, dataset="the data set", scale=True, unit_interval=False):
    """Features as the float32 numbers that the network takes.

    Parameters
    ----------
    features : array, shape (N, ...)
        Any bool, integer or float dtype.
    dataset : str
        What to call the data in messages.
    scale : bool
        Divide uint8 by 255, in float32, as Fuel's ``convert_mnist`` does
        with ``--dtype float32``.  CIFAR-10 keeps its 0 to 255.
    unit_interval : bool
        Insist on values from 0 to 1, as the original does for MNIST.

    Returns
    -------
    float32 array, shape (N, ...)
        ``features`` itself where it is float32 already.

    Raises
    ------
    UserError
        If a value is not finite (in float32), or not in the unit interval.
    """
    scaled = features.dtype == numpy.uint8 and scale
    if features.dtype != numpy.float32:
        budget.ask(4 * features.size, f"{dataset} in float32", "use a smaller data set")
    with numpy.errstate(over="ignore"):  # an overflow is reported just below
        converted = features.astype("float32", copy=False)
    if scaled:
        converted /= numpy.float32(255)
    lowest, highest = (converted.min(), converted.max()) if converted.size else (0, 0)
    # min and max carry NaN along, so no array of flags is needed.
    if not (numpy.isfinite(lowest) and numpy.isfinite(highest)):
        raise UserError(
            f"{dataset} has features that are not finite numbers (NaN or infinity): "
            "replace them"
        )
    if unit_interval and not (lowest >= 0 and highest <= 1):
        raise UserError(
            f"{dataset} has features from {lowest:g} to {highest:g} where 0 to 1 is expected: "
            f"convert the data set again with `run.py convert {dataset} --directory D --force`"
        )
    return converted
