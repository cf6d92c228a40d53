"""Reading a pickle of plain values without running what it asks for.

A pickle is a program: it names functions, and its reader calls them.  Python's
own reader is not used here: the few instructions that plain data needs are
executed below, one by one, on values that cannot do anything.  The names that
rebuild bytes and NumPy's arrays lead to stand-ins, which build arrays of
numbers from checked parts; any other name is refused.  So is everything that no
data set needs and that can break a reader: keys that are not strings, very many
instructions, and content that grows.
"""

import math
import pickletools
import re

import numpy as np

from ladder.errors import UserError

#: The modules of NumPy's reconstructing functions, before 2.0 and since.
MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")

#: A batch of CIFAR-10, with 10,000 labels and file names, has some 60,000.
MOST_INSTRUCTIONS = 500_000


class Refused(Exception):
    """The pickle asks for something that is not allowed; the message names it."""


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
        NumPy arrays.  Python 2's strings are bytes.

    Raises
    ------
    UserError
        If it asks for anything else, is damaged, or is not a dictionary with
        strings for keys.
    """
    try:
        found = _Machine(len(content)).run(content)
        return {_text(key): _plain(value) for key, value in found.items()}
    except Refused as refused:
        raise UserError(
            f"{where} asks for {str(refused)[:100]}, which plain data never does, so it was not read: get the file anew "
            "from a source that you trust."
        ) from None
    # What a damaged pickle raises depends on where the damage is.
    except Exception as error:
        raise UserError(f"cannot read {where}, it is damaged or cut short: get the file anew.") from error


_MARK = object()


class _Machine:
    """Executes a pickle's instructions; each is a function of the stack and the instruction's argument."""

    def __init__(self, size):
        self._stack, self._memo = [], {}
        self._may_copy = 4 * size  # bytes: content may be referred to again and again, but not copied

    def run(self, content):
        """The value that the pickle describes."""
        for number, (instruction, argument, _) in enumerate(pickletools.genops(content)):
            if number > MOST_INSTRUCTIONS:
                raise ValueError("there are too many instructions")
            name = instruction.name
            if name == "STOP":
                return self._stack.pop()
            if name in _IGNORED:
                continue
            if name in _CONSTANTS:
                self._push(_CONSTANTS[name]())
            elif name in _VALUES:
                self._push(_VALUES[name](argument))
            elif (follow := getattr(self, f"_{name.lower()}", None)) is None:
                raise Refused(f"the instruction {name}")
            else:
                follow(argument)
        raise EOFError

    def _push(self, value):
        self._stack.append(value)

    def _pop_to_mark(self):
        taken = []
        while (value := self._stack.pop()) is not _MARK:
            taken.append(value)
        return taken[::-1]

    # --- containers

    def _mark(self, _):
        self._push(_MARK)

    def _pop(self, _):
        self._stack.pop()

    def _tuple(self, _):
        self._push(tuple(self._pop_to_mark()))

    def _list(self, _):
        self._push(self._pop_to_mark())

    def _dict(self, _):
        items = self._pop_to_mark()
        self._push({})
        self._set(items)

    def _tuple1(self, _):
        self._take_tuple(1)

    def _tuple2(self, _):
        self._take_tuple(2)

    def _tuple3(self, _):
        self._take_tuple(3)

    def _take_tuple(self, n):
        taken = tuple(self._stack[-n:])
        if len(taken) < n:
            raise ValueError("the stack is too short")
        del self._stack[-n:]
        self._push(taken)

    def _append(self, _):
        value = self._stack.pop()
        self._extend([value])

    def _appends(self, _):
        self._extend(self._pop_to_mark())

    def _extend(self, values):
        if type(self._stack[-1]) is not list:
            raise ValueError("no list to add to")
        self._stack[-1].extend(values)

    def _setitem(self, _):
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value])

    def _setitems(self, _):
        self._set(self._pop_to_mark())

    def _set(self, items):
        if type(self._stack[-1]) is not dict or not all(type(key) in (str, bytes) for key in items[::2]):
            raise ValueError("a dictionary's keys are strings")
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))

    # --- the memo

    def _put(self, number):
        self._memo[number] = self._stack[-1]

    _binput = _long_binput = _put

    def _memoize(self, _):
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, number):
        self._push(self._memo[number])

    _binget = _long_binget = _get

    # --- names and calls

    def _global(self, names):
        self._push(_Name.known(*names.split(" ", 1)))

    def _stack_global(self, _):
        name, module = self._stack.pop(), self._stack.pop()
        if type(name) is not str or type(module) is not str:
            raise ValueError("a name is a text")
        self._push(_Name.known(module, name))

    def _reduce(self, _):
        arguments, name = self._stack.pop(), self._stack.pop()
        if type(name) is not _Name or type(arguments) is not tuple:
            raise ValueError("only names can be called")
        made = name.stand_in(*arguments)
        if type(made) is bytes:
            self._may_copy -= len(made)
        if self._may_copy < 0:
            raise ValueError("the content grows")
        self._push(made)

    def _build(self, _):
        state = self._stack.pop()
        if type(self._stack[-1]) not in (_Dtype, _Array) or type(state) is not tuple:
            raise ValueError("nothing else has a state")
        self._stack[-1].set_state(*state)


#: Instructions that say how the pickle is laid out.
_IGNORED = {"PROTO", "FRAME"}

#: Instructions that make a new value, and those whose argument is the value.
_CONSTANTS = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_VALUES = {
    **dict.fromkeys(
        ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"), lambda n: n
    ),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), lambda text: text),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), bytes),
    # Python 2's strings, in which every character is a byte.
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING"), lambda text: text.encode("latin1")),
}


class _Name:
    """A name that a pickle may use, and what is called in its place (None: nothing)."""

    def __init__(self, stand_in):
        self.stand_in = stand_in

    @classmethod
    def known(cls, module, name):
        """The name of something in a module; refused unless it is one of the few allowed."""
        if name in ("_reconstruct", "scalar") and module in MULTIARRAY:
            return cls(_empty_array if name == "_reconstruct" else _number)
        if name == "_frombuffer" and module in NUMERIC:
            return cls(_array_of_buffer)
        stand_ins = {
            ("numpy", "ndarray"): None,  # an argument only, never called
            ("numpy", "dtype"): _Dtype,
            ("_codecs", "encode"): _encode,  # Python 3's bytes in protocols 0 to 2
            ("__builtin__", "bytes"): _no_bytes,  # the same for empty bytes
            ("builtins", "bytes"): _no_bytes,
        }
        if (module, name) not in stand_ins:
            raise Refused(f"{module}.{name}")
        return cls(stand_ins[module, name])


class _Dtype:
    """Stands for ``numpy.dtype``, but only for types of numbers."""

    def __init__(self, code, align, copy):
        self.code, self.order = _text(code), "="
        if not re.fullmatch(r"b1|[ui][1248]|f[248]", self.code):
            raise ValueError(f"{self.code} is not a type of numbers")

    def set_state(self, version, order, *others):
        self.order = _text(order)
        if self.order not in ("<", ">", "=", "|"):
            raise ValueError(f"{self.order[:10]} is not an order of bytes")

    @property
    def value(self):
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for an array that ``_reconstruct`` makes and its state fills."""

    value = None

    def set_state(self, version, shape, dtype, is_fortran, content):
        self.value = _array(content, dtype, shape, "F" if is_fortran else "C")


def _empty_array(kind, shape, typecode):
    return _Array()


def _array_of_buffer(buffer, dtype, shape, order):
    array = _Array()
    array.value = _array(buffer, dtype, shape, order)
    return array


def _number(dtype, content):
    return _array(content, dtype, (), "C").item()


def _encode(text, encoding):
    if encoding not in ("latin1", b"latin1"):
        raise ValueError("bytes are written as latin1")
    return text.encode("latin1")


def _no_bytes():
    return b""


def _array(content, dtype, shape, order):
    if type(content) is not bytes or type(dtype) is not _Dtype or type(shape) is not tuple:
        raise ValueError("the array's parts are of other types")
    if not all(type(side) is int and 0 <= side < 2**40 for side in shape) or len(shape) > 32:
        raise ValueError("the array's shape is none")
    if len(content) != math.prod(shape) * dtype.value.itemsize:
        raise ValueError("the array's parts do not fit together")
    return np.frombuffer(content, dtype.value).reshape(shape, order=order)


def _text(value):
    text = value.decode("ascii") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise ValueError("a name is a text")
    return text


def _plain(value):
    return value.value if isinstance(value, _Array) else value
