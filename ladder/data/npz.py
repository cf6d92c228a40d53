"""Reading a user's ``.npz`` files: only plain arrays, whose declared sizes are checked first."""

import math
import zipfile
from collections import Counter

import numpy as np

from ladder import budget
from ladder.errors import UserError
from ladder.files import open_regular

#: The only ones that NumPy writes.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

#: A checkpoint of fifty layers has a thousand.
MOST_ARRAYS = 20_000

#: The most bytes that are read at once: of an array's content, and of the list of all arrays.
MOST_BYTES_AT_ONCE = 2**23

#: Bytes read at a time.
_PART = 2**22

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load_arrays(path):
    """The arrays of an ``.npz`` file.

    Parameters
    ----------
    path : path of the file

    Returns
    -------
    dict of name -> array

    Raises
    ------
    UserError
        If the file is missing or damaged, or holds a name twice, anything but
        arrays of plain values, or more than memory allows.
    """
    with open_regular(path) as file:
        try:
            return _load(file, path)
        except UserError:
            raise
        # What a damaged file raises depends on where the damage is.
        except Exception as error:
            if file.seek(0) == 0 and file.read(6) == b"\x93NUMPY":
                raise UserError(f"{path} holds a single array: save named arrays with numpy.savez.") from None
            raise UserError(
                f"cannot read {path} as a .npz file of numbers: it is damaged or of another kind."
            ) from error


class _ReadInParts:
    """An open file that refuses to read much at once, as zipfile would with a long list of members."""

    def __init__(self, file):
        self._read = file.read
        self.seek, self.tell, self.close, self.seekable = file.seek, file.tell, file.close, file.seekable

    def read(self, size=-1):
        if size > MOST_BYTES_AT_ONCE:
            raise ValueError("its list of members is far too long")
        return self._read(size)


def _load(file, path):
    with zipfile.ZipFile(_ReadInParts(file)) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS:
            raise UserError(f"{path} holds {len(members)} arrays, and no more than {MOST_ARRAYS} are read: save fewer.")
        counts = Counter(_name(member) for member in members)
        repeated = sorted(name for name, count in counts.items() if count > 1)
        if repeated:
            raise UserError(f"{path} holds {', '.join(repeated[:5])} more than once: write it again with numpy.savez.")
        budget.ask(sum(member.file_size for member in members), f"{path}: the arrays in it", "save fewer of them")
        return {_name(member): _array(archive, member, path) for member in members}


def _name(member):
    return member.filename.removesuffix(".npy")


def _array(archive, member, path):
    if not member.filename.endswith(".npy"):
        raise UserError(f"{path} holds {member.filename!r}, which is not an array: save only arrays, with numpy.savez.")
    if member.flag_bits & 1:
        raise UserError(f"{path} is encrypted: save it again with numpy.savez.")
    if member.compress_type not in COMPRESSIONS:
        raise UserError(
            f"{path} is packed in a way that NumPy does not use: save it again with numpy.savez_compressed."
        )
    with archive.open(member) as content:
        shape, is_fortran, dtype = _header(content)
        if dtype.hasobject:
            raise UserError(f"{path}: {_name(member)!r} holds Python objects, which are not read: save only numbers.")
        size = math.prod(shape) * dtype.itemsize
        # What the header declares must exist before memory is allocated for it.
        if size != member.file_size - content.tell():
            raise ValueError("the array's shape is not that of its content")
        array = np.empty(math.prod(shape), dtype)
        _fill(memoryview(array.view("uint8")), content)
        if content.read(1):
            raise ValueError("there is more than an array")
    return array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)


def _header(content):
    """Shape, whether the first index varies fastest, and dtype."""
    shape, is_fortran, dtype = _HEADERS[np.lib.format.read_magic(content)](content)
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("a shape is of whole numbers")
    return shape, is_fortran, dtype


def _fill(view, content):
    done = 0
    while done < len(view):
        part = content.read(min(_PART, len(view) - done))
        if not part:
            raise EOFError
        view[done : done + len(part)] = part
        done += len(part)
