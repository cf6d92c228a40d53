"""Roles and updates of symbolic variables, and the store of parameters.

Modelled on Blocks' ``blocks.roles`` and ``blocks.graph``: roles and updates are
kept on the variable itself (``variable.tag``), never in a separate registry.

Batch normalisation needs both.  A clean mean's running average changes with
every batch: that update is attached to a variable where it is created, and
collected by whoever compiles a graph that contains the variable
(:attr:`ComputationGraph.updates`).
"""

from dataclasses import dataclass
from typing import Optional

import aesara
import aesara.tensor as at
import numpy as np
from aesara.compile.sharedvalue import SharedVariable
from aesara.graph.basic import ancestors, clone_replace


@dataclass(frozen=True)
class Role:
    """A named role; a variable that has it also has its parents."""

    name: str
    parent: Optional["Role"] = None

    def is_a(self, other):
        """Whether this role is ``other`` or descends from it."""
        return self == other or (self.parent is not None and self.parent.is_a(other))


#: Anything that is learnt by gradient descent.
PARAMETER = Role("parameter")
#: A multiplicative parameter (a matrix, or one scale per unit).
WEIGHT = Role("weight", PARAMETER)
#: The weights from one layer to the next, a matrix or filters, on which regularisers act.
MAPPING = Role("mapping", WEIGHT)
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


def annotate_update(variable, updates):
    """Attach ``updates`` (shared variable -> new value) to ``variable``."""
    variable.tag.updates = {**getattr(variable.tag, "updates", {}), **updates}


def annotated_updates(variable):
    """The updates attached to ``variable`` (shared variable -> new value)."""
    return getattr(variable.tag, "updates", {})


def learnt_parameters(cost):
    """The parameters that receive a gradient from a cost, with their gradients.

    A layer used without its activation gets no gradient for its bias, and a direction of adversarial noise passes on
    none at all.

    Parameters
    ----------
    cost : scalar variable

    Returns
    -------
    dict of shared variable -> variable, sorted by name
    """
    parameters = ComputationGraph([cost]).parameters
    gradients = at.grad(cost, parameters, disconnected_inputs="ignore", return_disconnected="none")
    return {parameter: g for parameter, g in zip(parameters, gradients) if g is not None}


class ComputationGraph:
    """All variables that ``outputs`` are computed from, as in Blocks.

    Attributes
    ----------
    outputs : list of variables
    variables : list of variables
        Outputs and everything that they are computed from; annotated updates are not followed.
    """

    def __init__(self, outputs):
        self.outputs = list(outputs)
        self.variables = list(ancestors(self.outputs))

    def with_role(self, role):
        """The variables that have ``role``, in no particular order."""
        return [v for v in self.variables if has_role(v, role)]

    @property
    def parameters(self):
        """The parameters among the variables, sorted by name; not all need receive a gradient."""
        shared = (v for v in self.variables if isinstance(v, SharedVariable))
        return sorted((v for v in shared if has_role(v, PARAMETER)), key=lambda v: v.name)

    @property
    def updates(self):
        """Annotated updates of all variables: shared variable -> new value."""
        found = {}
        for variable in self.variables:
            found.update(annotated_updates(variable))
        return found

    def replace(self, replacements):
        """The outputs with some variables replaced.

        Parameters
        ----------
        replacements : dict
            variable of this graph -> variable to use in its place.

        Returns
        -------
        list of variables
        """
        return clone_replace(self.outputs, replacements, copy_inputs_over=True)


class ParameterStore(dict):
    """Dict of name -> shared variable, in order of creation.

    The clean and the corrupted encoder share parameters by asking for the same
    names.
    """

    def get_or_make(self, name, value, role=None):
        """The shared variable ``name``, made from ``value`` if it does not exist.

        Parameters
        ----------
        name : str
        value : array_like
            Initial value, stored as float32; ignored if ``name`` exists.
        role : Role, optional
            Also given to an existing variable that has none.

        Returns
        -------
        shared variable
        """
        if name not in self:
            value = np.asarray(value, dtype="float32")
            # A static shape saves Aesara work on symbolic ones: compiling takes a third less time.
            self[name] = aesara.shared(value, name=name, shape=value.shape)
        if role is not None and not getattr(self[name].tag, "roles", ()):
            add_role(self[name], role)
        return self[name]


def parameter_makers(store, prefix, width, *seed):
    """Functions (initial value, name, shape=None) -> parameter, as decoder functions take them.

    Without a shape, a parameter has one entry per unit.  With one, all units share
    it; a weight is then drawn from a normal distribution with the initial value as
    its standard deviation, from a separate stream, so that all other initial values
    stay the same.

    Parameters
    ----------
    store : ParameterStore
    prefix : str, of the names
    width : int, number of units or maps
    seed : int, one or more, of the stream

    Returns
    -------
    dict of 'w', 'b' -> function
    """
    rng = np.random.RandomState(seed)

    def w(init, name, shape=None):
        first = init * np.ones(width) if shape is None else init * rng.standard_normal(shape)
        return store.get_or_make(prefix + name, first, WEIGHT)

    def b(init, name, shape=None):
        return store.get_or_make(prefix + name, init * np.ones(width if shape is None else shape), BIAS)

    return {"w": w, "b": b}
