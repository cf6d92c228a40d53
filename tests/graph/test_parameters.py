"""The parameter store: float32, and the first value wins."""

import numpy as np

from ladder.graph.parameters import ParameterStore
from ladder.graph.roles import BIAS, PARAMETER, WEIGHT, has_role


def test_made_once():
    store = ParameterStore()
    first = store.get_or_make("W", np.array([[1.0, 2.0]]), WEIGHT)
    second = store.get_or_make("W", np.array([[3.0, 4.0]]), BIAS)
    assert second is first is store["W"]
    assert first.get_value().tolist() == [[1, 2]]
    assert has_role(first, WEIGHT) and not has_role(first, BIAS)


def test_stored_as_float32_and_named():
    tenth = ParameterStore().get_or_make("b", np.full(3, 0.1), BIAS)
    assert tenth.name == "b" and tenth.dtype == "float32"
    assert tenth.get_value().tolist() == [float(np.float32(0.1))] * 3
    assert tenth.type.shape == (3,)


def test_scalars():
    counter = ParameterStore().get_or_make("counter", 1)
    assert counter.ndim == 0 and counter.dtype == "float32" and counter.get_value() == 1
    assert not has_role(counter, PARAMETER)


def test_later_changes_to_the_array_do_not_show():
    value = np.ones(2, "float32")
    shared = ParameterStore().get_or_make("b", value)
    value[:] = 5
    assert shared.get_value().tolist() == [1, 1]


def test_order_of_creation():
    store = ParameterStore()
    for name in "cab":
        store.get_or_make(name, 0)
    store.get_or_make("c", 0)
    assert list(store) == ["c", "a", "b"]
