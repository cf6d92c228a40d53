"""HDF5 files from anywhere, read in a separate process.

HDF5 is a complex format, and its library trusts what it reads: one flipped bit
can crash the process that reads a file.  So a separate process reads it
(:mod:`ladder.data.hdf5_reader`) and hands over plain arrays; no HDF5 code runs
in this one.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

import numpy as np

from ladder import budget
from ladder.data.hdf5_origin import Ended
from ladder.data.hdf5_reader import Reader, Silent
from ladder.errors import UserError
from ladder.files import open_regular

#: Bytes of address space that a reader needs besides the data.
_READER_SIZE = 2**31

_MEND = "convert the data set again with `run.py convert`"


class HDF5File:
    """An open HDF5 file; a context manager.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    split : list of dict or None
        Fuel's table, with those of the fields ``split``, ``source``,
        ``start``, ``stop``, ``indices`` (how many examples are listed, or
        None) and ``available`` that the file has; a malformed row has
        ``refused``.  None if there is no such table.
    ranges : dict of name -> [int, int]
        Attributes of the root that hold two whole numbers.
    arrays : dict of name -> StoredArray
        The arrays at the root.

    Raises
    ------
    UserError
        The file is missing, damaged or of another format.
    """

    def __init__(self, path):
        self.path = path
        with open_regular(path, "give the path of an HDF5 file"):
            pass
        self._reader = Reader(path, describing=_READER_SIZE, memory=budget.limit() + _READER_SIZE)
        try:
            described = self._describe()
        except BaseException:
            self.close()
            raise
        self.split, self.ranges = described["split"], described["ranges"]
        self.arrays = {name: _stored_array(self, name, **about) for name, about in described["arrays"].items()}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """End the process that reads the file."""
        self._reader.close()

    def listed(self, number):
        """The positions that row ``number`` of the table lists, an integer array (n,)."""
        n = self.split[number]["indices"]
        return self.read({"row": number, "start": 0, "stop": n}, (n,), "int64", "a list of examples")

    def read(self, request, shape, dtype, what, offset=None):
        """Ask the reader for an array; only :class:`StoredArray` needs to call this."""
        dtype = np.dtype(dtype)
        # Even with no rows, NumPy makes an array only if its other dimensions are possible.
        budget.ask(
            prod(max(side, 1) for side in shape) * dtype.itemsize, f"{self.path}: {what}", "use a smaller data set"
        )
        array = np.empty(shape, dtype)
        content = memoryview(array.reshape(-1).view("uint8"))
        if offset is None:
            self._receive(request, content)
        else:
            self._read_from_file(offset + request["start"] * prod(shape[1:]) * dtype.itemsize, content)
        return array

    def _read_from_file(self, offset, content):
        """Fill a memoryview with bytes straight from the file."""
        with open_regular(self.path) as file:
            try:
                file.seek(offset)
                complete = file.readinto(content) == len(content)
            except (OSError, OverflowError, ValueError):  # no file has such an offset
                complete = False
        if not complete:
            raise self._damaged()

    def _receive(self, request, content):
        """Fill a memoryview with the reader's answer."""
        with self._telling():
            self._reader.ask(request)
            self._reader.receive(content)

    def _describe(self):
        """The reader's description of what is in the file."""
        with self._telling():
            described = self._reader.answer()
        if "error" in described:
            raise UserError(f"cannot read {self.path} as an HDF5 file: it {described['error']}; {_MEND}.")
        return described

    @contextmanager
    def _telling(self):
        """Turn a reader that ends early or hangs into an error about the file."""
        try:
            yield
        except Ended:
            raise self._damaged() from None
        except Silent:
            raise UserError(
                f"cannot read {self.path} as an HDF5 file: it is damaged, as reading it does not end; {_MEND}."
            ) from None

    def _damaged(self):
        return UserError(f"cannot read {self.path} as an HDF5 file: it is damaged; {_MEND}.")


@dataclass(frozen=True)
class StoredArray:
    """An array at the root of a file; ``refused`` says why it cannot be read, '' if it can.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Of bools, integers or floats.
    labels : tuple of str
        One per axis, '' where the file gives none.
    offset : int or None
        Position of its bytes in the file, if they are laid out there as in memory.
    """

    file: HDF5File
    name: str
    shape: tuple = ()
    dtype: object = None
    labels: tuple = ()
    offset: object = None
    refused: str = ""

    def __len__(self):
        return self.shape[0]

    def read(self, start, stop):
        """Rows ``start`` to ``stop``, which must be within the array."""
        request = {"name": self.name, "start": start, "stop": stop}
        shape = (stop - start, *self.shape[1:])
        return self.file.read(request, shape, self.dtype, f"the array {self.name!r}", self.offset)


def _stored_array(file, name, shape=(), dtype="f4", labels=(), offset=None, refused=""):
    return StoredArray(file, name, tuple(shape), np.dtype(dtype), tuple(labels), offset, refused)
