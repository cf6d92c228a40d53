"""Adam's update of one parameter as one operation, which adds up the squares of the gradient on its way."""

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import in2out, node_rewriter

from ladder.fused.operation import FusedOperation


def adam_step(parameter, mean, variance, gradient, rate, beta1, beta2, epsilon):
    """Fused :func:`ladder.bricks.adam.adam_step`: the same arguments and results."""
    return AdamStep(float(beta1), float(beta2), float(epsilon))(parameter, mean, variance, gradient, rate)[:3]


def sum_of_squares(x):
    """Fused :func:`ladder.bricks.adam.sum_of_squares`, in float64: the same arguments and results."""
    return SumOfSquares()(x)


class AdamStep(FusedOperation):
    """(parameter, mean, variance, gradient, rate) -> new parameter, mean, variance, and sum of g squared (float64).

    ``inplace`` overwrites the first three; a rewrite of the graph sees to
    that where it is allowed.
    """

    __props__ = ("beta1", "beta2", "epsilon", "inplace")
    kernels = ("squares.h", "adam.h")

    def __init__(self, beta1, beta2, epsilon, inplace=False):
        self.beta1, self.beta2, self.epsilon, self.inplace = beta1, beta2, epsilon, inplace
        if inplace:
            self.destroy_map = {0: [0], 1: [1], 2: [2]}

    def make_node(self, *inputs):
        ndim = at.as_tensor_variable(inputs[0]).ndim
        inputs = self.variables(inputs, [ndim] * 4 + [0])
        return Apply(self, inputs, [x.type() for x in inputs[:3]] + [at.dscalar()])

    def infer_shape(self, fgraph, node, shapes):
        return [*shapes[:3], ()]

    def in_jax(self, node):
        from ladder.fused.jax.adam import adam_step as step

        return step(self)

    def c_code(self, node, name, inputs, outputs, sub):
        *changed, gradient, rate = inputs
        *new, squares = outputs
        flags = "NPY_ARRAY_CARRAY" + ("" if self.inplace else " | NPY_ARRAY_ENSURECOPY")
        take = "".join(
            f"Py_XDECREF({y}); {y} = (PyArrayObject*)PyArray_FROM_OF((PyObject*){x}, {flags});\n"
            f"if (!{y}) {sub['fail']}\n"
            for x, y in zip(changed, new)
        )
        return f"""{{
            {take}
            if (ladder::adam({", ".join(new)}, {gradient}, *ladder::floats({rate}),
                             {self.beta1!r}f, {self.beta2!r}f, {self.epsilon!r}f, &{squares}))
                {sub["fail"]}
        }}"""


class SumOfSquares(FusedOperation):
    """The sum of the squared entries of an array, float64."""

    kernels = ("squares.h",)

    def make_node(self, x):
        (x,) = self.variables([x], [at.as_tensor_variable(x).ndim])
        return Apply(self, [x], [at.dscalar()])

    def infer_shape(self, fgraph, node, shapes):
        return [()]

    def in_jax(self, node):
        from ladder.fused.jax.adam import sum_of_squares

        return sum_of_squares

    def c_code(self, node, name, inputs, outputs, sub):
        return f"if (ladder::sum_of_squares({inputs[0]}, &{outputs[0]})) {sub['fail']}"


@node_rewriter([SumOfSquares])
def squares_of_adam(fgraph, node):
    """Where Adam meets the array as a gradient, it adds up the squares, and no other pass over it is needed."""
    for client, position in fgraph.clients[node.inputs[0]]:
        if client != "output" and isinstance(client.op, AdamStep) and position == 3:
            return [client.outputs[3]]
    return None


@node_rewriter([AdamStep], inplace=True)
def adam_in_place(fgraph, node):
    op = node.op
    return None if op.inplace else AdamStep(op.beta1, op.beta2, op.epsilon, inplace=True)(*node.inputs)


# After the rewrites that change what is computed, and before any is done in place.
optdb.register("ladder_squares_of_adam", in2out(squares_of_adam, ignore_newtrees=True), "fast_run", position=48)
# As for Aesara's own in-place operations.
optdb.register("ladder_adam_in_place", in2out(adam_in_place, ignore_newtrees=True), "fast_run", "inplace", position=99)
