"""Roles, annotated updates, the computation graph of outputs, and the parameter store."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import PYTHON, value

from ladder.graph import (
    BIAS,
    BNPARAM,
    PARAMETER,
    WEIGHT,
    ComputationGraph,
    ParameterStore,
    Role,
    add_role,
    annotate_update,
    annotated_updates,
    has_role,
)


@pytest.mark.parametrize("role", [WEIGHT, BIAS])
def test_weights_and_biases_are_parameters(role):
    assert role.is_a(PARAMETER) and role.is_a(role)
    assert not PARAMETER.is_a(role)


def test_statistics_are_not_learnt():
    assert not BNPARAM.is_a(PARAMETER)
    assert not WEIGHT.is_a(BIAS)


def test_a_role_belongs_to_one_variable():
    x, y = at.vectors("xy")
    assert add_role(x, WEIGHT) is x
    assert has_role(x, WEIGHT) and has_role(x, PARAMETER)
    assert not has_role(x, BIAS) and not has_role(x, BNPARAM)
    assert not has_role(y, WEIGHT)


def test_a_narrower_role_takes_the_wider_ones_place():
    x = at.vector()
    add_role(x, PARAMETER)
    assert not has_role(x, WEIGHT)
    add_role(x, WEIGHT)
    assert x.tag.roles == (WEIGHT,)
    add_role(x, PARAMETER)
    assert x.tag.roles == (WEIGHT,)


def test_unrelated_roles_add_up():
    x = at.vector()
    add_role(add_role(x, WEIGHT), BNPARAM)
    assert has_role(x, WEIGHT) and has_role(x, BNPARAM)


def test_grandchildren():
    grandchild = Role("grandchild", WEIGHT)
    assert grandchild.is_a(WEIGHT) and grandchild.is_a(PARAMETER) and not grandchild.is_a(BIAS)


def test_updates_add_up_and_the_last_wins():
    x, a, b = at.scalar(), aesara.shared(0.0), aesara.shared(0.0)
    one, two, three = (at.constant(float(i)) for i in (1, 2, 3))
    assert annotated_updates(x) == {}
    annotate_update(x, {a: one, b: two})
    annotate_update(x, {b: three})
    assert annotated_updates(x) == {a: one, b: three}
    assert annotated_updates(at.scalar()) == {}


def test_the_givers_dictionary_is_left_alone():
    x, a, b = at.scalar(), aesara.shared(0.0), aesara.shared(0.0)
    first = {a: at.constant(1.0)}
    annotate_update(x, first)
    annotate_update(x, {b: at.constant(2.0)})
    assert list(first) == [a]


@pytest.fixture
def graph():
    """``y = (x - mean) W + b``, with the update of its running average attached to the mean."""

    class Graph:
        x = at.matrix("x", dtype="float32")
        W = add_role(aesara.shared(np.float32([[1, 2], [3, 4]]), name="W"), WEIGHT)
        b = add_role(aesara.shared(np.float32([5, 6]), name="b"), BIAS)
        unused = add_role(aesara.shared(np.float32([5, 6]), name="a"), BIAS)
        average = aesara.shared(np.float32([10, 20]), name="average")
        mean = add_role(x.mean(axis=0), BNPARAM)
        count = aesara.shared(np.float32(0), name="count")
        noise = at.matrix("noise", dtype="float32")

    annotate_update(Graph.mean, {Graph.average: Graph.mean, Graph.count: Graph.count + 1})
    Graph.y = at.dot(Graph.x - Graph.mean, Graph.W) + Graph.b
    return Graph


def test_parameters_are_those_that_are_needed_sorted_by_name(graph):
    assert ComputationGraph([graph.y]).parameters == [graph.W, graph.b]
    early = add_role(aesara.shared(np.float32(1), name="A"), PARAMETER)
    assert ComputationGraph([graph.y, graph.x * early]).parameters == [early, graph.W, graph.b]


def test_averages_in_an_update_are_not_parameters_nor_followed(graph):
    variables = ComputationGraph([graph.y]).variables
    assert graph.mean in variables and graph.x in variables
    assert graph.average not in variables and graph.count not in variables


def test_roles(graph):
    found = ComputationGraph([graph.y])
    assert found.with_role(WEIGHT) == [graph.W]
    assert set(found.with_role(PARAMETER)) == {graph.W, graph.b}
    assert found.with_role(BNPARAM) == [graph.mean]


def test_updates_of_all_variables(graph):
    updates = ComputationGraph([graph.y]).updates
    assert set(updates) == {graph.average, graph.count}
    assert updates[graph.average] is graph.mean
    assert ComputationGraph([graph.x * 2]).updates == {}


def test_updates_run(graph):
    f = aesara.function([graph.x], graph.y, updates=ComputationGraph([graph.y]).updates, mode=PYTHON)
    f(np.float32([[1, 2], [3, 6]]))
    assert graph.average.get_value().tolist() == [2, 4] and graph.count.get_value() == 1


def test_replace_a_variable_and_keep_the_parameters(graph):
    (replaced,) = ComputationGraph([graph.y]).replace({graph.mean: graph.average})
    x = np.float32([[11, 22]])
    assert value(replaced, {graph.x: x}).tolist() == [[1 + 6 + 5, 2 + 8 + 6]]
    assert ComputationGraph([replaced]).parameters == [graph.W, graph.b]
    # The graph itself is as it was.
    assert value(graph.y, {graph.x: x}).tolist() == [[5, 6]]
    graph.b.set_value(np.float32([0, 0]))
    assert value(replaced, {graph.x: x}).tolist() == [[7, 10]]


def test_outputs_that_share_a_variable_still_do(graph):
    """Outputs computed from one random draw must go on sharing it."""
    root = at.sqrt(graph.x * graph.mean)
    first, second = ComputationGraph([root + 1, root * 2]).replace({graph.mean: graph.average})
    assert first.owner.inputs[0] is second.owner.inputs[0]


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
