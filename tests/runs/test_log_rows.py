import numpy as np

from ladder.runs.log_rows import by_epoch


def test_only_finite_numbers_of_an_epoch_count():
    rows = [
        {"epoch": 1, "x": 2},
        {"epoch": 2, "x": float("nan")},
        {"epoch": 3, "x": float("-inf")},
        {"epoch": 4, "x": "5.0"},
        {"epoch": 5, "x": None},
        {"epoch": 6.0, "x": 6.0},
        {"epoch": True, "x": 7.0},
        {"epoch": 8, "y": 8.0},
        {"x": 9.0},
        {"epoch": 10, "x": 0.5},
    ]
    found = by_epoch(rows, "x")
    assert found == {1: 2.0, 10: 0.5} and type(found[1]) is float


def test_the_later_row_of_an_epoch_counts():
    """A run that was killed between its row and its checkpoint writes the row again."""
    assert by_epoch([{"epoch": 1, "x": 3.0}, {"epoch": 1, "x": 2.0}], "x") == {1: 2.0}
    assert by_epoch([{"epoch": 1, "x": 3.0}, {"epoch": 1, "x": np.nan}], "x") == {1: 3.0}
