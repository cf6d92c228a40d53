"""What a graph is searched for, and what is replaced in it."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import PYTHON, value

from ladder.graph.annotations import annotate_update
from ladder.graph.computation import ComputationGraph
from ladder.graph.roles import BIAS, BNPARAM, PARAMETER, WEIGHT, add_role


@pytest.fixture
def graph():
    """``y = (x - mean) W + b``, the mean annotated with its running average."""

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
    """What is random is drawn once for all outputs that were computed from one draw."""
    root = at.sqrt(graph.x * graph.mean)
    first, second = ComputationGraph([root + 1, root * 2]).replace({graph.mean: graph.average})
    assert first.owner.inputs[0] is second.owner.inputs[0]
