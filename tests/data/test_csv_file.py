"""A user's examples as CSV: headers, separators, and messages that locate a mistake."""

import tracemalloc

import numpy as np
import pytest

from ladder.data import csv_file
from ladder.data.csv_file import read_numbers
from ladder.errors import UserError

ROWS = "0.5,1.5,2\n3,4,-5e-1\n"
NUMBERS = [[0.5, 1.5, 2], [3, 4, -0.5]]


def read(tmp_path, content, n_values=3, **options):
    path = tmp_path / "my.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_numbers(path, n_values, **options)


@pytest.mark.parametrize(
    "content, options",
    [
        (ROWS, {}),
        ("a,b,c\n" + ROWS, {}),
        ("a,b,2020\n" + ROWS, {}),
        ("0,1,2\n" + ROWS, {}),
        ("1,2,3\n" + ROWS, {}),
        ('"a","b","c"\r\n' + ROWS.replace("\n", "\r\n"), {}),
        ("# written by hand\n" + ROWS, {}),
        ("\n" + ROWS + "   \n\n", {}),
        ("größe,b,c\n".encode("latin-1") + ROWS.encode(), {}),
        (b"\xef\xbb\xbf" + ROWS.encode(), {}),
        (("a,b,c\n" + ROWS).encode("utf-16"), {}),
        (ROWS.replace(",", ";"), {"separator": "semicolon"}),
        (ROWS.replace(",", "\t"), {"separator": "tab"}),
        (ROWS.replace(",", "  "), {"separator": "space"}),
        ("7,8,9\n" + ROWS, {"header": True}),
    ],
)
def test_what_is_read(tmp_path, content, options):
    numbers = read(tmp_path, content, **options)
    assert numbers.dtype == "float32" and numbers.tolist() == NUMBERS


def test_a_header_of_numbers_is_told_of_and_can_be_refused(tmp_path, capsys):
    assert len(read(tmp_path, "0,1,2\n" + ROWS)) == 2
    said = capsys.readouterr()
    assert "Line 1 counts the columns (0, 1, 2 …)" in said.err and "--no-header" in said.err and said.out == ""
    assert read(tmp_path, "0,1,2\n" + ROWS, header=False)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("content, n", [("0,1\n1,0\n", 2), ("1\n0\n", 2), ("0,1\n0.5,0.25\n", 1), ("0\n0.5\n", 1)])
def test_two_whole_numbers_are_an_example_among_such(tmp_path, content, n):
    assert len(read(tmp_path, content, content.split("\n")[0].count(",") + 1)) == n


@pytest.mark.parametrize(
    "content, sentence",
    [
        (ROWS.replace(",", ";"), "line 1 of .* has 1 value, but an example has 3: .*add --separator semicolon"),
        (ROWS.replace(",", "\t"), "add --separator tab"),
        (ROWS.replace(",", " "), "add --separator space"),
        ("0,5;1,5;2\n", "--separator semicolon, and write points for decimal commas"),
        ("0,5;1,5;2;7\n", "--separator semicolon, and write points for decimal commas"),
        (ROWS.replace("\n", ",\n"), "line 1 of .* ends with a comma, which makes column 4 empty"),
        (",a,b,c\n0,1.5,2,3\n1,4,5,6\n", "column 1 \\(0, 1 …\\) numbers the examples: .*index=False"),
        (ROWS + "1,NA,2\n", "line 3, column 2 of .* holds 'NA', which is a missing value"),
        (ROWS + "1,,2\n", "line 3, column 2 of .* holds '', which is a missing value"),
        (ROWS + "1,nan,2\n", "line 3, column 2 of .* holds 'nan', which is a missing value"),
        (ROWS + "1,2,1e39\n", "line 3, column 3 of .* holds '1e39', which is too large"),
        (ROWS + "1,2,-inf\n", "holds '-inf', which is too large for a 32-bit number, or infinite"),
        (ROWS + "1,2,x3\n", "line 3, column 3 of .* holds 'x3', which is not a number"),
        (ROWS + "1,2,1_000\n", "line 3, column 3 of .* holds '1_000', which is not a number"),
        (ROWS + "a,b,c\n", "line 3, column 1 of .* holds 'a', .* another header"),
        ('"0,5","1,5","2"\n' + ROWS, "holds '0,5', with a decimal comma"),
        ("1kg,2kg,3kg\n" + ROWS, "line 1, column 1 of .* holds '1kg'"),
        (ROWS + "1,2\n", "line 3 of .* has 2 values, but an example has 3"),
        ("a,b,c\n", "has no examples"),
        ("", "has no examples"),
        (b"PK\x03\x04\0\0", "is not text"),
    ],
)
def test_mistakes_are_named_with_line_column_and_text(tmp_path, content, sentence):
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, content)


def test_the_decimal_commas_of_another_separator_are_named(tmp_path):
    with pytest.raises(UserError, match="line 1, column 1 of .* holds '0,5', with a decimal comma: write a point"):
        read(tmp_path, "0,5;1,5;2\n", separator="semicolon")


def test_many_lines(tmp_path):
    numbers = np.random.RandomState(0).rand(500, 3).astype("float32")
    assert (read(tmp_path, "".join(",".join(map(repr, map(float, row))) + "\n" for row in numbers)) == numbers).all()


def test_a_file_too_large_for_memory_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setenv("LADDER_MEMORY", "0.001")
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(UserError, match="large.csv: the numbers in it would need .* of memory, and no more than 1 MB"):
        read_numbers(path, 3)


def test_a_file_of_many_short_lines_is_larger_in_memory(tmp_path, monkeypatch):
    path = tmp_path / "short.csv"
    path.write_text("\n" * 10_000)
    monkeypatch.setenv("LADDER_MEMORY", "0.001")  # six bytes per byte of the file would fit
    with pytest.raises(UserError, match="short.csv: the numbers in it would need 4.06 MB of memory"):
        read_numbers(path, 1)


@pytest.mark.parametrize("number, per_line", [("5", 500), ("12", 500), ("0.123456", 500), ("12", 1)])
def test_no_more_memory_is_taken_than_was_asked_for(number, per_line, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(csv_file.budget, "ask", lambda n_bytes, *_: asked.append(n_bytes))
    path = tmp_path / "numbers.csv"
    path.write_text((",".join([number] * per_line) + "\n") * (100_000 // per_line))
    tracemalloc.start()
    try:
        read_numbers(path, per_line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert asked[-1] / 3 < peak < asked[-1]
