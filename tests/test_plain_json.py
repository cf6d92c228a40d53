"""JSON written by others: whatever is wrong with it raises one kind of error, with a sentence."""

from typing import Optional, Tuple

import pytest

from ladder.plain_json import NotJSON, check, parse


@pytest.mark.parametrize(
    "content, said",
    [
        (b"[" * 100_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b"\xff", "not UTF-8"),
        ('"é"'.encode("utf-16"), "not UTF-8"),
        (b"", "Expecting value"),
        (b"9" * 5000, "digits"),
        (b'{"epoch": -' + b"9" * 400 + b"}", "a number has 400 digits"),
        (b"{]", "Expecting"),
    ],
)
def test_no_json(content, said):
    with pytest.raises(NotJSON, match=said):
        parse(content)


@pytest.mark.parametrize(
    "value, kind, checked",
    [
        (1, int, 1),
        (1, float, 1.0),
        (0.5, float, 0.5),
        ("a", str, "a"),
        (True, bool, True),
        (None, Optional[int], None),
        ([1, 2], Tuple[int, ...], (1, 2)),
        ([1, 0.5], Tuple[float, float], (1.0, 0.5)),
        ({"a": 1, "c": 2}, {"a": int, "b": Optional[str]}, {"a": 1, "b": None}),
    ],
)
def test_declared_types(value, kind, checked):
    assert repr(check(value, kind, "x")) == repr(checked)  # as 1 == 1.0 and True == 1


@pytest.mark.parametrize(
    "value, kind",
    [
        (True, int),
        (1.0, int),
        (float("inf"), int),
        (float("inf"), float),
        (float("nan"), float),
        (10**400, float),
        (True, float),
        ("1", int),
        (1, str),
        (0, bool),
        (None, str),
        ([], str),
        (["a"], Tuple[int, ...]),
        ([1], Tuple[float, float]),
        ({}, Tuple[int, ...]),
        ([], dict),
        ({}, {"a": int}),
        ("x", Optional[int]),
        (10**30, str),
        ([[[]]], float),
    ],
)
def test_other_types(value, kind):
    with pytest.raises(NotJSON) as caught:
        check(value, kind, "it")
    assert len(str(caught.value)) < 120
