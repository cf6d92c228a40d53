"""Reading numbers from a CSV file, one example per line; mistakes are reported by line, column and text."""

import codecs
import csv
import io
import re
import sys

import numpy as np

from ladder import budget
from ladder.errors import UserError
from ladder.files import open_regular

#: Separators between numbers, by the names that ``--separator`` takes.
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "bar": "|"}

#: Bytes of memory for each byte of the file, for each separator and for each line, once Python holds it cell by cell.
BYTES_OF_A_BYTE, BYTES_OF_A_CELL, BYTES_OF_A_LINE = 6, 100, 400

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a")


def read_numbers(path, n_values, separator="comma", header=None):
    """The examples of a CSV file.

    Empty lines and lines that begin with ``#`` are skipped.

    Parameters
    ----------
    path : Path
    n_values : int
        How many numbers an example has.
    separator : str
        A name in ``SEPARATORS``.
    header : bool or None
        Whether the first line is a header; None: it is one if it is mostly
        words, or counts the columns (0, 1, 2 … or 1, 2, 3 …) and cannot be an
        example.  A message says so, unless all its cells are words.

    Returns
    -------
    float32 array, shape (examples, n_values)

    Raises
    ------
    UserError
    """
    text = _text(path, SEPARATORS[separator])
    lines = _lines(text, SEPARATORS[separator], path)
    first = lines[:1]
    if lines and (_is_header(lines, n_values) if header is None else header):
        lines = lines[1:]
    if not lines:
        raise UserError(f"{path} has no examples: give one per line.")
    _check_widths(first, lines, n_values, separator, path)
    return _as_numbers(lines, path)


def _text(path, separator):
    with open_regular(path) as file:
        size = file.seek(0, 2)
        _ask(BYTES_OF_A_BYTE * size, path)
        file.seek(0)
        content = file.read()
    n_separators, n_lines = content.count(separator.encode()), max(content.count(b"\n"), content.count(b"\r"))
    _ask(BYTES_OF_A_BYTE * size + BYTES_OF_A_CELL * n_separators + BYTES_OF_A_LINE * n_lines, path)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    elif b"\0" in content:
        encodings = ()
    else:
        # Excel begins its files with a byte order mark, which utf-8-sig drops; numbers are the same in all of these.
        encodings = ("utf-8-sig", "latin-1")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise UserError(f"{path} is not text, so it is not a CSV file: give a .csv or a .npz file.")


def _ask(n_bytes, path):
    budget.ask(n_bytes, f"{path}: the numbers in it", "predict fewer examples at a time, or give a .npz file")


def _lines(text, separator, path):
    """(line number, cells) of each line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator == " ")
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise UserError(f"line {reader.line_num} of {path} cannot be read as CSV ({error}): fix it.") from None
    return [(number, cells) for number, cells in lines if cells and cells != [""] and not cells[0].startswith("#")]


def _is_header(lines, n_values):
    """Whether the first line is a header; a message says so where that is not obvious."""
    (number, cells), rest = lines[0], lines[1:]
    if len(cells) == 1 < n_values:
        return False  # the file has another separator
    words = [
        cell for cell in cells if re.match(r"[^\W\d]", cell) and not _is_number(cell) and cell.lower() not in MISSING
    ]
    if len(words) > len(cells) / 2:
        if len(words) < len(cells):
            _say(number, "is mostly words")
        return True
    names = cells[1:] if cells[0] == "" else cells  # pandas leaves the index column unnamed
    if _counts(names) and _is_apart(names, rest):
        _say(number, f"counts the columns ({', '.join(names[:3])} …)")
        return True
    return False


def _say(number, what):
    # Standard output is for the predicted classes.
    print(f"Line {number} {what}: it is taken for a header (if it is an example, add --no-header)", file=sys.stderr)


def _counts(cells):
    """Whether cells read 0, 1, 2 … or 1, 2, 3 …"""
    return any(cells == [str(start + i) for i in range(len(cells))] for start in (0, 1)) and len(cells) > 0


def _is_apart(cells, rest):
    """Whether a line that counts must be a header; one of two numbers may be an example if others hold integers."""
    return len(cells) > 2 or not any(all(cell.lstrip("+-").isdigit() for cell in other) for _, other in rest)


def _number(text):
    """A number as other programs write it: without the underscores that Python allows."""
    if "_" in text:
        raise ValueError(f"{text} has an underscore")
    return float(text)


def _is_number(text):
    try:
        _number(text)
    except ValueError:
        return False
    return True


def _check_widths(first, lines, n_values, separator, path):
    wrong = next(((number, cells) for number, cells in lines if len(cells) != n_values), None)
    if wrong is None:
        return
    number, cells = wrong
    found = f"line {number} of {path} has {len(cells)} value{'s' * (len(cells) != 1)}, but an example has {n_values}"
    if len(cells) == n_values + 1:
        if cells[-1] == "":
            raise UserError(f"{found}: it ends with a {separator}, which makes column {len(cells)} empty: remove it.")
        index = [row[0] for _, row in lines]
        if _counts(index) or first[0][1][0] == "":
            raise UserError(
                f"{found}: column 1 ({', '.join(index[:3])} …) numbers the examples: leave it out (pandas: "
                "to_csv(FILE, index=False))."
            )
    better = _better_separator(cells, n_values, separator)
    if better:
        decimal = ", and write points for decimal commas" * any(
            "," in cell for cell in _split(cells, separator, better)
        )
        raise UserError(f"{found}: its values are separated by a {better}: add --separator {better}{decimal}.")
    raise UserError(f"{found}: give one example per line, {n_values} numbers separated by a {separator}.")


def _better_separator(cells, n_values, separator):
    """The name of another separator that gives the line the right number of values, or None."""
    others = (name for name in SEPARATORS if name != separator)
    return next((name for name in others if len(_split(cells, separator, name)) == n_values > 1), None)


def _split(cells, separator, other):
    line = SEPARATORS[separator].join(cells)
    return line.split() if other == "space" else line.split(SEPARATORS[other])


def _as_numbers(lines, path):
    try:
        # An overflow is reported below, with its text.
        with np.errstate(over="ignore"):
            numbers = np.array([[_number(cell) for cell in cells] for _, cells in lines]).astype("float32")
    except ValueError:
        numbers = None
    if numbers is None or not np.isfinite(numbers).all():
        raise UserError(_first_mistake(lines, path))
    return numbers


def _first_mistake(lines, path):
    for number, cells in lines:
        for column, cell in enumerate(cells, start=1):
            mistake = _mistake(cell, cells)
            if mistake:
                return f"line {number}, column {column} of {path} holds {cell!r}, {mistake}."


def _mistake(cell, cells):
    """What is wrong with a cell and how to fix it, or None."""
    if cell.lower() in MISSING:
        return "which is a missing value: fill it in, as the network needs a number there"
    if not _is_number(cell):
        if not any(map(_is_number, cells)):
            return "which is not a number, nor is anything else on that line: remove the line if it is another header"
        if _is_number(cell.replace(",", ".")):
            return "with a decimal comma: write a point"
        if ";" in cell:
            return "which is not a number: if semicolons separate numbers, add --separator semicolon, and write points for decimal commas"
        return "which is not a number: correct it (if the line is a header, add --header)"
    if not abs(_number(cell)) <= float(np.finfo("float32").max):
        return "which is too large for a 32-bit number, or infinite: correct it"
    return None
