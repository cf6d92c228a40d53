"""A look at the graph that some outputs need: its parameters, its updates."""

from aesara.compile.sharedvalue import SharedVariable
from aesara.graph.basic import ancestors, clone_replace

from ladder.graph.annotations import annotated_updates
from ladder.graph.roles import PARAMETER, has_role


class ComputationGraph:
    """All variables that ``outputs`` are computed from (Blocks has the like).

    Attributes
    ----------
    outputs : list of variables
    variables : list of variables
        Outputs and everything above them, annotated updates not followed.
    """

    def __init__(self, outputs):
        self.outputs = list(outputs)
        self.variables = list(ancestors(self.outputs))

    def with_role(self, role):
        """The variables that have ``role``, in no particular order."""
        return [v for v in self.variables if has_role(v, role)]

    @property
    def parameters(self):
        """Shared variables that are learnt, sorted by name."""
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
        """The outputs again, computed with some variables replaced.

        Parameters
        ----------
        replacements : dict
            variable of this graph -> variable to use in its place.

        Returns
        -------
        list of variables
        """
        return clone_replace(self.outputs, replacements, copy_inputs_over=True)
