"""Reading JSON written by others, whatever it holds, and checking it against declared types."""

import json
import math
import typing

from ladder.files import open_regular, read_at_most

#: The most bytes of a file (logs of very many epochs are the largest) and of a value, which needs many times as much
#: memory.
MOST_BYTES, MOST_BYTES_OF_A_VALUE = 2**27, 2**24

#: Bytes of memory for each value, once Python holds it.
BYTES_OF_A_VALUE = 100

#: The most digits of a whole number (the largest that this program writes is a seed's).
MOST_DIGITS = 30

#: The largest float32; a larger number would be infinite to the network.
MOST_FLOAT32 = 3.4028234e38

_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class NotJSON(ValueError):
    """Something is wrong with a text or its values; the message completes a sentence."""


def read(path, mend="give another file"):
    """The value in a JSON file.

    Raises
    ------
    UserError
        It is missing, or not a file.
    NotJSON
        It is not JSON that this program could have written.
    """
    return parse(read_bytes(path, mend))


def read_bytes(path, mend="give another file"):
    """The content of a file; NotJSON if it is too large to be one of ours."""
    with open_regular(path, mend) as file:
        content = read_at_most(file, MOST_BYTES)
    if len(content) > MOST_BYTES:
        raise NotJSON("it is far too large")
    return content


def parse(content):
    """The value in a JSON text (bytes of UTF-8)."""
    if len(content) > MOST_BYTES_OF_A_VALUE:
        raise NotJSON("it is far too large")
    try:
        return json.loads(content.decode("utf-8"), parse_int=_whole_number)
    except UnicodeDecodeError:
        raise NotJSON("it is not UTF-8 text") from None
    except RecursionError:
        raise NotJSON("it is nested too deeply") from None
    except ValueError as error:
        raise NotJSON(str(error)) from None


def memory(text):
    """About how many bytes of memory a JSON text (bytes) and its values take once Python holds them."""
    return len(text) + BYTES_OF_A_VALUE * (1 + sum(map(text.count, (b",", b"[", b"{"))))


def _whole_number(digits):
    number_of_them = len(digits.lstrip("-"))
    if number_of_them > MOST_DIGITS:  # floats have some 300 digits at most, Python's integers any number
        raise NotJSON(f"a number has {number_of_them} digits")
    return int(digits)


def check(value, kind, name):
    """Check a value against a type; where the type asks for it, lists become tuples and whole numbers floats.

    Parameters
    ----------
    value : what JSON has
    kind : type
        ``int``, ``float`` (a finite one), ``str``, ``bool``, ``dict``,
        ``list``, ``Optional`` of one, ``Tuple`` of some, or a dict of name ->
        type for an object with these entries.
    name : str
        What to call the value in a message.

    Raises
    ------
    NotJSON
    """
    if isinstance(kind, dict):
        check(value, dict, name)
        missing = [key for key in kind if key not in value and type(None) not in typing.get_args(kind[key])]
        if missing:
            raise NotJSON(f"{name} has no '{missing[0]}'")
        return {key: check(value.get(key), inner, f"'{key}'") for key, inner in kind.items()}
    arguments = typing.get_args(kind)
    if type(None) in arguments:
        return None if value is None else check(value, arguments[0], name)
    if typing.get_origin(kind) is tuple:
        check(value, list, name)
        inner = arguments[:1] * len(value) if Ellipsis in arguments else arguments
        if len(value) != len(inner):
            raise NotJSON(f"{name} has {len(value)} entries, not {len(inner)}")
        return tuple(check(entry, each, f"an entry of {name}") for entry, each in zip(value, inner))
    if kind is float and type(value) is int:
        value = float(value) if abs(value) < MOST_FLOAT32 else math.inf
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise NotJSON(f"{name} is {_short(value)}, not {_WORDS[kind]}")
    return value


def _short(value):
    """A value for a message, kept short however long or deep it is."""
    if isinstance(value, (dict, list)):
        return _WORDS[type(value)]
    text = (
        json.dumps(value, default=repr) if not isinstance(value, int) or abs(value) < 10**30 else "a very long number"
    )
    return text if len(text) <= 60 else f"{text[:50]}…"
