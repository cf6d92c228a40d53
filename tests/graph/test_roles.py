"""Roles: kept on the variable, with a hierarchy."""

import aesara.tensor as at
import pytest

from ladder.graph.roles import BIAS, BNPARAM, PARAMETER, WEIGHT, Role, add_role, has_role


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
