"""A user's own arrays: which shapes they may have, and that no pixel changes its place."""

import numpy as np
import pytest

from ladder.data.own_examples import as_examples, read_values
from ladder.errors import UserError


def numbers(*shape):
    return np.arange(np.prod(shape)).reshape(shape)


@pytest.mark.parametrize("in_dim", [(3, 4, 4), (1, 4, 5), (3, 3, 3), (4, 8), (12,), (2, 3, 4, 5)])
def test_every_pixel_keeps_its_place(in_dim):
    examples = numbers(7, *in_dim)
    same = [examples, examples.reshape(7, -1), examples.reshape(7, *(side for side in in_dim if side != 1))]
    if len(in_dim) == 3 and in_dim != (3, 3, 3):
        same.append(np.moveaxis(examples, 1, -1))
    for values in same:
        assert np.array_equal(as_examples(values, in_dim, "X is an array"), examples)


@pytest.mark.parametrize(
    "in_dim, shape",
    [((3, 4, 5), (5, 4, 3)), ((3, 4, 5), (4, 3, 5)), ((4, 8), (8, 4)), ((32,), (4, 8)), ((3, 4), (2, 6))],
)
def test_another_order_of_axes_is_refused(in_dim, shape):
    with pytest.raises(UserError) as caught:
        as_examples(numbers(7, *shape), in_dim, "X is an array")
    said = str(caught.value)
    assert str((7, *shape)) in said and f"(examples, {', '.join(map(str, in_dim))})" in said


def test_the_command_line_refuses_it_too(tmp_path):
    np.savez(tmp_path / "x.npz", features=numbers(2, 8, 4))
    with pytest.raises(
        UserError, match=r"x.npz holds an array of int64 of shape \(2, 8, 4\), but .*\(examples, 4, 8\)"
    ):
        read_values(tmp_path / "x.npz", (4, 8))
    np.savez(tmp_path / "x.npz", features=np.moveaxis(numbers(2, 3, 4, 5), 1, -1))
    assert np.array_equal(read_values(tmp_path / "x.npz", (3, 4, 5)), numbers(2, 3, 4, 5))
