"""Names that contain numbers are sorted in natural order."""

from ladder.tables.ordering import numbers_in_order


def test_numbers_in_order():
    names = ["a10", "a9", "10", "b", "a9/c2", "a²", "9", "a"]
    assert sorted(names, key=numbers_in_order) == ["9", "10", "a", "a9", "a9/c2", "a10", "a²", "b"]
