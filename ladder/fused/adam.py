"""Adam's update of one parameter as one operation."""

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import in2out, node_rewriter

from ladder.fused.operation import FusedOperation


def adam_step(parameter, mean, variance, gradient, rate, beta1, beta2, epsilon):
    """Fused :func:`ladder.training.algorithms.adam_step`: the same arguments and results."""
    return AdamStep(float(beta1), float(beta2), float(epsilon))(parameter, mean, variance, gradient, rate)


class AdamStep(FusedOperation):
    """(parameter, mean, variance, gradient, rate) -> new parameter, mean, variance, and sum of g squared (float64).

    ``inplace`` overwrites the first three; a rewrite of the graph sees to
    that where it is allowed.
    """

    __props__ = ("beta1", "beta2", "epsilon", "inplace")
    kernels = ("adam.h",)

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


@node_rewriter([AdamStep], inplace=True)
def adam_in_place(fgraph, node):
    op = node.op
    return None if op.inplace else AdamStep(op.beta1, op.beta2, op.epsilon, inplace=True)(*node.inputs)


# After the rewrites that change what is computed, as for Aesara's own in-place operations.
optdb.register("ladder_adam_in_place", in2out(adam_in_place, ignore_newtrees=True), "fast_run", "inplace", position=99)
