"""Compiled functions that read and change shared variables."""

import copy

import jax
import jax.numpy as jnp
import numpy as np

from ladder.backends.jax import memory
from ladder.backends.jax.graph import pure_function


class Function:
    """JAX's counterpart of what ``aesara.function`` returns, compiled anew for every shape of its inputs.

    Parameters
    ----------
    inputs, outputs, updates, givens
        See :func:`ladder.backends.function`.
    """

    def __init__(self, inputs, outputs, updates=None, givens=None):
        self._several = isinstance(outputs, (list, tuple))
        outputs = list(outputs) if self._several else [outputs]
        self._inputs = [variable.type.dtype for variable in inputs]
        self._outputs = [variable.type.dtype for variable in outputs]
        pure = pure_function(inputs, outputs, updates, givens)
        self._changing, self._constant = pure.changing, pure.constant
        self._call = jax.jit(pure.call, donate_argnums=0)

    def __call__(self, *arrays):
        arrays = [np.asarray(array, dtype) for array, dtype in zip(arrays, self._inputs, strict=True)]
        with memory.advised(
            "end what else uses it, or give a smaller --valid-batch-size where examples are evaluated."
        ):
            outputs, changed = self._call(values_of(self._changing), constants_of(self._constant), arrays)
            set_values(self._changing, changed)
            # Copies, as JAX's own arrays are read-only.
            outputs = [np.array(value, dtype) for value, dtype in zip(outputs, self._outputs)]
        return outputs if self._several else outputs[0]

    def on(self, others):
        """The same program with other shared variables.

        Parameters
        ----------
        others : function of a shared variable -> the one to take in its place

        Returns
        -------
        Function
        """
        other = copy.copy(self)
        other._changing, other._constant = (list(map(others, part)) for part in (self._changing, self._constant))
        return other


def values_of(variables):
    """The values of shared variables, without copying: NumPy or JAX arrays."""
    return [variable.container.storage[0] for variable in variables]


def constants_of(variables):
    """The same for shared variables that do not change: host arrays are moved to the device once and stay there."""
    for variable, value in zip(variables, values_of(variables)):
        if isinstance(value, (np.ndarray, np.generic)):
            variable.container.storage[0] = jnp.array(value)
    return values_of(variables)


def set_values(variables, values):
    """Store JAX arrays in shared variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.container.storage[0] = value
