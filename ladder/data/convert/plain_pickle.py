"""Reading a pickle of plain values without running what it asks for.

A pickle is a program: it names functions, and whoever reads it calls them.
Here it can name nothing but what rebuilds bytes and numpy's arrays and numbers,
and even these names lead to stand-ins below, which build arrays of numbers
from checked parts; numpy's own functions never see what the file says.
"""

import io
import math
import pickle
import re

import numpy

from ladder.errors import UserError

#: Where numpy's reconstructing functions live: before 2.0, since, and by other paths.
MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")


class Refused(Exception):
    """The pickle asks for something else; the message is its name."""


def load_dict(content, where):
    """The dictionary in a pickle, of any protocol, written by Python 2 or 3.

    Parameters
    ----------
    content : bytes
    where : str or Path
        What to call it in messages.

    Returns
    -------
    dict of str to value
        Containers, strings, bytes and numbers; arrays of numbers as read-only
        numpy arrays.  Python 2's strings are bytes.

    Raises
    ------
    UserError
        If it asks for anything else, is damaged, or is no dictionary with
        strings for keys.
    """
    try:
        found = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        return {_text(key): _plain(value) for key, value in found.items()}
    except Refused as refused:
        raise UserError(
            f"{where} asks for {refused}, which plain data never does, so it was not read: get the file anew "
            "from a source that you trust"
        ) from None
    # What a damaged pickle raises depends on where the damage is.
    except Exception as error:
        raise UserError(f"cannot read {where}, it is damaged or cut short: get the file anew") from error


class _Unpickler(pickle.Unpickler):
    # Methods of this class, which is used once and nowhere else: a pickle may set attributes of what it names.

    def find_class(self, module, name):
        """The stand-in for a name; anything that has none is refused."""
        if name in ("_reconstruct", "scalar") and module in MULTIARRAY:
            return self.empty_array if name == "_reconstruct" else self.number
        if name == "_frombuffer" and module in NUMERIC:
            return self.array_of_buffer
        admitted = {
            ("numpy", "ndarray"): "numpy.ndarray",  # an argument only, never called
            ("numpy", "dtype"): _Dtype,
            ("_codecs", "encode"): self.encode,  # Python 3's bytes in protocols 0 to 2
            ("__builtin__", "bytes"): self.no_bytes,  # such bytes when there are none
            ("builtins", "bytes"): self.no_bytes,
        }
        if (module, name) not in admitted:
            raise Refused(f"{module}.{name}")
        return admitted[module, name]

    def empty_array(self, kind, shape, typecode):
        return _Array()

    def array_of_buffer(self, buffer, dtype, shape, order):
        array = _Array()
        array.value = _array(buffer, dtype, shape, order)
        return array

    def number(self, dtype, content):
        return _array(content, dtype, (), "C").item()

    def encode(self, text, encoding):
        if encoding not in ("latin1", b"latin1"):
            raise ValueError("bytes are written as latin1")
        return text.encode("latin1")

    def no_bytes(self):
        return b""


class _Dtype:
    """Stands for ``numpy.dtype``: of numbers only."""

    def __init__(self, code, align, copy):
        self.code, self.order = _text(code), "="
        if not re.fullmatch(r"b1|[ui][1248]|f[248]", self.code):
            raise ValueError(f"{self.code} is no type of numbers")

    def __setstate__(self, state):
        self.order = _text(state[1])

    @property
    def value(self):
        return numpy.dtype(self.order + self.code)


class _Array:
    """Stands for an array that ``_reconstruct`` makes and its state fills."""

    value = None

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        self.value = _array(content, dtype, shape, "F" if is_fortran else "C")


def _array(content, dtype, shape, order):
    if not isinstance(dtype, _Dtype) or len(content) != math.prod(shape) * dtype.value.itemsize:
        raise ValueError("the array's parts do not fit together")
    return numpy.frombuffer(bytes(content), dtype.value).reshape(shape, order=order)


def _text(value):
    text = value.decode("ascii") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise ValueError(f"{value!r} is no text")
    return text


def _plain(value):
    return value.value if isinstance(value, _Array) else value
