"""Products of several matrices of examples at once with the weights of a fully connected layer, and their gradients.

The paths of a ladder go through a layer together: its weights are packed once for
all of them, and their gradient is one sum over all examples.  Two operations are
each other's gradients: :class:`Dense`, and :class:`OuterProducts` for the weights.
"""

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.gradient import DisconnectedType
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import node_rewriter, out2in

from ladder.bricks.dense import as_matrix
from ladder.fused.operation import FusedOperation, pointers

#: What matrix products need from ``c/``, and from the standard library.
PRODUCTS = ("buffer.h", "tile.h", "pack.h", "dense.h")
HEADERS = ("<new>", "<numeric>", "<utility>")


def dense(hs, W):
    """Fused :func:`ladder.bricks.dense.dense`: the same arguments and results."""
    return Dense(transposed=False)(W, *map(as_matrix, hs), return_list=True)


class _Products(FusedOperation):
    """What both operations have in common."""

    kernels = PRODUCTS

    def c_headers(self, **kwargs):
        return [*super().c_headers(**kwargs), *HEADERS]


class Dense(_Products):
    """(W, x_1, …, x_n) -> x_1 W, …, x_n W.

    Parameters
    ----------
    transposed : bool, whether to multiply by the transposed W, as gradients do
    """

    __props__ = ("transposed",)

    def __init__(self, transposed):
        self.transposed = transposed

    def make_node(self, W, *xs):
        W, *xs = self.variables([W, *xs], [2] * (1 + len(xs)))
        units = W.type.shape[0 if self.transposed else 1]
        return Apply(self, [W, *xs], [at.TensorType("float32", shape=(x.type.shape[0], units))() for x in xs])

    def infer_shape(self, fgraph, node, shapes):
        (W, *xs) = shapes
        return [(x[0], W[0 if self.transposed else 1]) for x in xs]

    def connection_pattern(self, node):
        n = len(node.outputs)
        return [[True] * n, *([i == j for j in range(n)] for i in range(n))]

    def L_op(self, inputs, outputs, gradients):
        W, *xs = inputs
        there = [i for i, dy in enumerate(gradients) if not isinstance(dy.type, DisconnectedType)]
        dys = [gradients[i] for i in there]
        dxs = [DisconnectedType()() for _ in xs]
        for i, dx in zip(there, Dense(not self.transposed)(W, *dys, return_list=True)):
            dxs[i] = dx
        with_gradient = [xs[i] for i in there]
        dW = OuterProducts()(*dys, *with_gradient) if self.transposed else OuterProducts()(*with_gradient, *dys)
        return [dW, *dxs]

    def in_jax(self, node):
        def function(W, *xs):
            ys = [x @ (W.T if self.transposed else W) for x in xs]
            return ys if len(ys) > 1 else ys[0]

        return function

    def c_code(self, node, name, inputs, outputs, sub):
        W, *xs = inputs
        return f"""{{
            {pointers("x", xs)}
            {pointers("y", outputs, outputs=True)}
            if (ladder::dense({W}, x, {len(xs)}, {str(self.transposed).lower()}, y)) {sub["fail"]}
        }}"""


class OuterProducts(_Products):
    """(x_1, …, x_n, y_1, …, y_n) -> the sum of x_i' y_i, (units of x, units of y)."""

    def make_node(self, *inputs):
        inputs = self.variables(inputs, [2] * len(inputs))
        shape = inputs[0].type.shape[1], inputs[-1].type.shape[1]
        return Apply(self, inputs, [at.TensorType("float32", shape=shape)()])

    def infer_shape(self, fgraph, node, shapes):
        return [(shapes[0][1], shapes[-1][1])]

    def L_op(self, inputs, outputs, gradients):
        n, (dW,) = len(inputs) // 2, gradients
        dxs = Dense(transposed=True)(dW, *inputs[n:], return_list=True)
        dys = Dense(transposed=False)(dW, *inputs[:n], return_list=True)
        return [*dxs, *dys]

    def in_jax(self, node):
        n = len(node.inputs) // 2
        return lambda *inputs: sum(x.T @ y for x, y in zip(inputs[:n], inputs[n:]))

    def c_code(self, node, name, inputs, outputs, sub):
        n = len(inputs) // 2
        return f"""{{
            {pointers("x", inputs[:n])}
            {pointers("y", inputs[n:])}
            if (ladder::outer_products(x, y, {n}, &{outputs[0]})) {sub["fail"]}
        }}"""


@node_rewriter([Dense])
def used_paths(fgraph, node):
    """Leave out paths whose outputs are not used, such as the labelled ones in the denoising costs of validation."""
    used = [i for i, y in enumerate(node.outputs) if fgraph.clients[y]]
    if len(used) == len(node.outputs):
        return None
    W, *xs = node.inputs
    ys = node.op(W, *(xs[i] for i in used), return_list=True)
    return {node.outputs[i]: y for i, y in zip(used, ys)}


# From the outputs down: leaving out one path may make another unused.
optdb.register("ladder_used_paths", out2in(used_paths, ignore_newtrees=True), "fast_run", position=90)
