"""An optimiser's update of one parameter as one operation, which also sums the squares of the gradient."""

from functools import lru_cache

import aesara.tensor as at
import numpy as np
from aesara.compile.mode import optdb
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import in2out, node_rewriter

from ladder.bricks.penalties import penalised
from ladder.fused.elementwise import as_written, statements
from ladder.fused.operation import FusedOperation, pointers


def optimiser_step(formula, state, gradient, rate, **constants):
    """Fused :func:`ladder.bricks.optimiser.optimiser_step`: the same arguments and results."""
    constants = tuple(sorted((name, float(value)) for name, value in constants.items()))
    return OptimiserStep(formula, constants, len(state))(*state, gradient, rate, return_list=True)[:-1]


def sum_of_squares(x):
    """Fused :func:`ladder.bricks.optimiser.sum_of_squares`: the same argument, but the sum is float64 (in C)."""
    return SumOfSquares()(x)


@lru_cache(maxsize=None)
def traced(formula, constants, n_state, penalties):
    """A formula applied to scalars.

    Returns
    -------
    inputs : list of float32 scalars
        ``x0`` (the parameter), ``x1`` … (its buffers), gradient, rate.
    outputs : list of float32 scalars
        The new state, and the gradient with its penalties.
    """
    state = [at.fscalar(f"x{k}") for k in range(n_state)]
    gradient, rate = at.fscalar("gradient"), at.fscalar("rate")
    numbers = {name: np.float32(value) for name, value in constants}
    whole = penalised(gradient, state[0], *penalties)
    return [*state, gradient, rate], [*formula(whole, rate, *state, **numbers), whole]


class OptimiserStep(FusedOperation):
    """(parameter, buffers, gradient, rate) -> new parameter and buffers, the gradient's sum of squares (float64 in C).

    ``inplace`` overwrites parameter and buffers; a rewrite of the graph sets it
    where that is allowed.

    Parameters
    ----------
    formula : function of :mod:`ladder.bricks.optimiser`
    constants : tuple of (name, float)
    n_state : int, the parameter and its buffers
    inplace : bool
    penalties : (l1, l2), floats
        Weights of penalties on the parameter, which are added to the gradient first.
    """

    __props__ = ("formula", "constants", "n_state", "inplace", "penalties")
    kernels = ("sums.h", "elementwise.h", "optimiser.h")

    def __init__(self, formula, constants, n_state, inplace=False, penalties=(0.0, 0.0)):
        self.formula, self.constants, self.n_state, self.inplace = formula, constants, n_state, inplace
        self.penalties = penalties
        if inplace:
            self.destroy_map = {k: [k] for k in range(n_state)}

    def in_place(self):
        return OptimiserStep(self.formula, self.constants, self.n_state, True, self.penalties)

    def with_penalties(self, l1, l2):
        return OptimiserStep(self.formula, self.constants, self.n_state, self.inplace, (l1, l2))

    def traced(self):
        return traced(self.formula, self.constants, self.n_state, self.penalties)

    def make_node(self, *inputs):
        ndim = at.as_tensor_variable(inputs[0]).ndim
        inputs = self.variables(inputs, [ndim] * (self.n_state + 1) + [0])
        return Apply(self, inputs, [x.type() for x in inputs[: self.n_state]] + [at.dscalar()])

    def infer_shape(self, fgraph, node, shapes):
        return [*shapes[: self.n_state], ()]

    def in_jax(self, node):
        from ladder.fused.jax.optimiser import optimiser_step as step

        return step(self)

    def c_support_code(self, **kwargs):
        return f"{super().c_support_code(**kwargs)}\nnamespace ladder {{{self._formula_in_c()}}}"

    def _formula_in_c(self):
        inputs, outputs = self.traced()
        body, (*results, whole) = statements(inputs, outputs, as_written)
        load = "".join(f"        const float {x.name} = state[{k}][i];\n" for k, x in enumerate(inputs[: self.n_state]))
        store = "".join(f"        state[{k}][i] = {result};\n" for k, result in enumerate(results))
        return f"""
struct Formula {{
    static const int N = {self.n_state};
    // Changes the state; returns the gradient with its penalties.
    static inline float apply(float* const* state, npy_intp i, float gradient, float rate) {{
{load}{body}{store}        return {whole};
    }}
}};
"""

    def c_code(self, node, name, inputs, outputs, sub):
        *state, gradient, rate = inputs
        *new, squares = outputs
        flags = "NPY_ARRAY_CARRAY" + ("" if self.inplace else " | NPY_ARRAY_ENSURECOPY")
        take = "".join(
            f"Py_XDECREF({y}); {y} = (PyArrayObject*)PyArray_FROM_OF((PyObject*){x}, {flags});\n"
            f"if (!{y}) {sub['fail']}\n"
            for x, y in zip(state, new)
        )
        return f"""{{
            {take}
            {pointers("state", new)}
            if (ladder::optimiser_step<ladder::Formula>(state, {gradient}, *ladder::floats({rate}), &{squares}))
                {sub["fail"]}
        }}"""


class SumOver(FusedOperation):
    """The sum of a function over the entries of an array, float64 in C; a subclass names the ``function`` in C++."""

    kernels = ("sums.h",)

    def make_node(self, x):
        (x,) = self.variables([x], [at.as_tensor_variable(x).ndim])
        return Apply(self, [x], [at.dscalar()])

    def infer_shape(self, fgraph, node, shapes):
        return [()]

    def c_code(self, node, name, inputs, outputs, sub):
        return f"if (ladder::sum_over<ladder::{self.function}>({inputs[0]}, &{outputs[0]})) {sub['fail']}"


class SumOfSquares(SumOver):
    """The sum of the squared entries of an array, float64 in C."""

    function = "Square"

    def in_jax(self, node):
        from ladder.fused.jax.optimiser import sum_of_squares

        return sum_of_squares


@node_rewriter([SumOfSquares])
def squares_of_step(fgraph, node):
    """If a step takes the array as its gradient, use the sum that it computes, and save another pass over the array."""
    for client, position in fgraph.clients[node.inputs[0]]:
        if client != "output" and isinstance(client.op, OptimiserStep) and position == client.op.n_state:
            return [client.outputs[-1]]
    return None


@node_rewriter([OptimiserStep], inplace=True)
def step_in_place(fgraph, node):
    return None if node.op.inplace else node.op.in_place()(*node.inputs, return_list=True)


# After the rewrites that change what is computed, and before those that work in place.
optdb.register("ladder_squares_of_step", in2out(squares_of_step, ignore_newtrees=True), "fast_run", position=48)
# As for Aesara's own in-place operations.
optdb.register("ladder_step_in_place", in2out(step_in_place, ignore_newtrees=True), "fast_run", "inplace", position=99)
