"""A penalty's sum, and the terms that penalties add to gradients, included in an optimiser's pass over the weights."""

from aesara.compile.mode import optdb
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import in2out, node_rewriter

from ladder.fused.operation import FusedOperation
from ladder.fused.optimiser import OptimiserStep, SumOver


def penalised(gradient, W, l1, l2):
    """Fused :func:`ladder.bricks.penalties.penalised`: the same arguments and results."""
    return Penalised(l1, l2)(gradient, W)


def sum_of_absolutes(x):
    """Fused :func:`ladder.bricks.penalties.sum_of_absolutes`: the same argument, but the sum is float64."""
    return SumOfAbsolutes()(x)


class SumOfAbsolutes(SumOver):
    """The sum of the absolute values of the entries of an array, float64."""

    function = "Absolute"

    def in_jax(self, node):
        from ladder.fused.jax.penalties import sum_of_absolutes

        return sum_of_absolutes


class Penalised(FusedOperation):
    """(gradient, W) -> gradient + l2 W + l1 sgn(W).

    A separate operation only where the gradients are needed before the optimiser's pass, to clip them.

    Parameters
    ----------
    l1, l2 : float
    """

    __props__ = ("l1", "l2")
    kernels = ("penalties.h",)

    def __init__(self, l1, l2):
        self.l1, self.l2 = float(l1), float(l2)

    def make_node(self, gradient, W):
        gradient, W = self.variables([gradient, W], [W.ndim] * 2)
        return Apply(self, [gradient, W], [W.type()])

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[1]]

    def in_jax(self, node):
        from ladder.fused.jax.penalties import penalised

        return lambda gradient, W: penalised(gradient, W, self.l1, self.l2)

    def c_code(self, node, name, inputs, outputs, sub):
        arguments = f"{', '.join(inputs)}, {self.l1!r}f, {self.l2!r}f, &{outputs[0]}"
        return f"if (ladder::penalised({arguments})) {sub['fail']}"


@node_rewriter([OptimiserStep])
def penalised_step(fgraph, node):
    """Let a step add the penalties itself if its gradient is penalised for its own parameter and used nowhere else."""
    gradient, W = node.inputs[node.op.n_state], node.inputs[0]
    if gradient.owner is None or not isinstance(gradient.owner.op, Penalised) or gradient.owner.inputs[1] is not W:
        return None
    if len(fgraph.clients[gradient]) > 1:
        return None
    op = node.op.with_penalties(gradient.owner.op.l1, gradient.owner.op.l2)
    inputs = [*node.inputs[: op.n_state], gradient.owner.inputs[0], node.inputs[-1]]
    return op(*inputs, return_list=True)


# Once no sum of squares needs the gradient by itself.
optdb.register("ladder_penalised_step", in2out(penalised_step, ignore_newtrees=True), "fast_run", position=48.5)
