"""Write data in the layout of Fuel's ``H5PYDataset``.

All splits of a source lie one after the other in one HDF5 dataset at the root
(``features``, ``targets``).  The root attribute ``split`` says which rows
belong to which split.  Fuel can read files of this layout, and
``ladder.data.hdf5`` can read files that Fuel wrote.

Source: ``fuel/datasets/hdf5.py`` (``create_split_array``) and
``fuel/converters/base.py`` of Fuel 0.2.
"""

import os
import re
from pathlib import Path

import h5py
import numpy as np

from ladder.data.description import DESCRIPTION, as_bytes
from ladder.errors import UserError
from ladder.files import replacing

#: The axis labels of images and of their targets.
IMAGES = {"features": ("batch", "channel", "height", "width"), "targets": ("batch", "index")}


def write_fuel_file(path, splits, axis_labels, description=None):
    """Write ``splits`` to ``path`` atomically; an existing file is replaced.

    Parameters
    ----------
    path : str or Path
        The file to write, or a link to it.  Missing folders are created.
    splits : dict of str to dict of str to array
        Split name to source name to array of shape (examples, ...).  Every
        split has the same sources, and a source has the same dtype and example
        shape in every split.  The rows are stored in the order
        of the dict.
    axis_labels : dict of str to tuple of str
        Source name to one label per axis.
    description : dict, optional
        What else is known about the data, see :mod:`ladder.data.description`.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(os.path.realpath(path)) as unfinished, _created(unfinished) as h5file:
            for source in sorted(axis_labels):
                _write_source(h5file, source, [arrays[source] for arrays in splits.values()])
                _label_axes(h5file[source], axis_labels[source])
            if description:
                h5file.create_dataset(DESCRIPTION, data=as_bytes(description))
            h5file.attrs["split"] = _split_rows(splits)
    except (OSError, RuntimeError) as error:  # h5py raises RuntimeError if the file cannot be closed
        raise UserError(
            f"cannot write {path} ({_reason(error)}): choose a folder that you may write to and that has space left."
        ) from error
    return path


def _created(path):
    """An open HDF5 file, as ``h5py.File(path, "w")`` makes it, but without a buffer for rows.

    HDF5 would flush that buffer when it frees the array; on failure, h5py would print pages of errors but raise none.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_sieve_buf_size(0)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    return h5py.File(h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, fapl=access))


def _reason(error):
    """The system's error message about a file, without HDF5's text around it."""
    number = re.search(r"errno = (\d+)", str(error))
    return os.strerror(int(number[1])) if number else getattr(error, "strerror", None) or error


def _write_source(h5file, name, arrays):
    examples = sum(len(array) for array in arrays)
    stored = h5file.create_dataset(name, (examples, *arrays[0].shape[1:]), arrays[0].dtype)
    start = 0
    for array in arrays:
        stored[start : start + len(array)] = array
        start += len(array)


def _label_axes(stored, labels):
    for axis, label in enumerate(labels):
        stored.dims[axis].label = label


def _split_rows(splits):
    """The ``split`` attribute: one row per pair of split and source."""
    rows, start = [], 0
    for split, arrays in splits.items():
        stop = start + len(next(iter(arrays.values())))
        for source in arrays:
            # Fuel writes '.' for "no comment": its pickles disliked ''.
            rows.append((split.encode(), source.encode(), start, stop, None, True, b"."))
        start = stop
    rows.sort(key=lambda row: row[:2])
    return np.array(rows, dtype=_row_dtype(splits))


def _row_dtype(splits):
    sources = next(iter(splits.values()))
    return np.dtype(
        [
            ("split", f"S{max(map(len, splits))}"),
            ("source", f"S{max(map(len, sources))}"),
            ("start", np.int64),
            ("stop", np.int64),
            ("indices", h5py.ref_dtype),
            ("available", np.bool_),
            ("comment", "S1"),
        ]
    )
