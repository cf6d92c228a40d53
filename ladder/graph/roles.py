"""Roles say what a variable is for, so that a graph can be searched for it.

After Blocks' ``blocks.roles``: a role is kept on the variable itself
(``variable.tag.roles``), never in a registry beside it.
"""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Role:
    """A named role; having a role means having its parents too."""

    name: str
    parent: Optional["Role"] = None

    def is_a(self, other):
        """Whether this role is ``other`` or descends from it."""
        return self == other or (self.parent is not None and self.parent.is_a(other))


#: Anything that is learnt by gradient descent.
PARAMETER = Role("parameter")
#: A multiplicative parameter (a matrix, or one scale a unit).
WEIGHT = Role("weight", PARAMETER)
#: An additive parameter.
BIAS = Role("bias", PARAMETER)
#: A statistic of batch normalisation: the batch's own, or its running average.
BNPARAM = Role("batch normalisation statistic")


def add_role(variable, role):
    """Give ``variable`` a role, unless it already has it or a narrower one."""
    roles = getattr(variable.tag, "roles", ())
    if not any(old.is_a(role) for old in roles):
        variable.tag.roles = tuple(old for old in roles if not role.is_a(old)) + (role,)
    return variable


def has_role(variable, role):
    """Whether ``variable`` has ``role`` or a narrower one."""
    return any(old.is_a(role) for old in getattr(variable.tag, "roles", ()))
