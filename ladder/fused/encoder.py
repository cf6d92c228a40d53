"""One encoder layer after its matrix product, as one operation, and its gradient as another."""

from functools import lru_cache

import aesara.tensor as at
from aesara.gradient import DisconnectedType
from aesara.graph.basic import Apply

from ladder.activation_specs import parse_activation
from ladder.bricks.encoder import activate
from ladder.fused.elementwise import trace
from ladder.fused.layout import channels_last, channels_second, matrix_or_maps
from ladder.fused.maxout import maxout
from ladder.fused.operation import FusedOperation, pointers

KERNELS = ("elementwise.h", "columns.h", "rows.h", "parameters.h", "encoder.h")


def encode(z_pre, noise, std, b, c, act):
    """Fused :func:`ladder.bricks.encoder.encode`: the same arguments and results.

    Gradients treat the noise and ``std`` as constants.
    """
    pieces = parse_activation(act).pieces
    if pieces > 1:
        z, m, s, h = encode(z_pre, noise, std, b, c, "linear")
        return z, m, s, maxout(h, pieces)
    parameters = [x for x in (b, c) if x is not None]
    noise = [] if noise is None else [channels_last(noise), at.constant(std, dtype="float32")]
    operation = Encode(act, b is not None, c is not None, bool(noise))
    operation.elementwise().source  # fails now if something has no C++
    z, h, m, s = map(channels_second, operation(channels_last(z_pre), *noise, *parameters))
    return z, m, s, h


@lru_cache
def _function(act, has_b, has_c):
    """``activate`` in C++."""

    def brick(z, u, w, b):
        return activate(z, b(0.0, "b") if has_b else None, w(1.0, "c") if has_c else None, act)

    return trace(brick, has_u=False)


class _Encoding(FusedOperation):
    """What the operation and its gradient have in common: the function that is applied to z."""

    def elementwise(self):
        return _function(self.act, self.has_b, self.has_c)

    @property
    def n_parameters(self):
        return self.has_b + self.has_c


class Encode(_Encoding):
    """(z_pre, [noise, std,] [b,] [c]) -> z, h, mean, variance; units or maps are the last axis.

    Parameters
    ----------
    act : str, name of the activation
    has_b, has_c, noisy : bool, which inputs there are
    """

    __props__ = ("act", "has_b", "has_c", "noisy")
    kernels = KERNELS

    def __init__(self, act, has_b, has_c, noisy):
        self.act, self.has_b, self.has_c, self.noisy = act, has_b, has_c, noisy

    def make_node(self, *inputs):
        ndim = matrix_or_maps(inputs[0])
        z_pre, *rest = self.variables(inputs, [ndim, *[ndim, 0] * self.noisy, *[1] * self.n_parameters])
        row = at.TensorType("float32", shape=(*[1] * (ndim - 1), z_pre.type.shape[-1]))
        return Apply(self, [z_pre, *rest], [z_pre.type(), z_pre.type(), row(), row()])

    def infer_shape(self, fgraph, node, shapes):
        row = (*[at.constant(1)] * (len(shapes[0]) - 1), shapes[0][-1])
        return [shapes[0], shapes[0], row, row]

    def connection_pattern(self, node):
        constant = [[False] * 4] * 2 if self.noisy else []
        return [[True] * 4, *constant, *[[False, True, False, False]] * self.n_parameters]

    def L_op(self, inputs, outputs, gradients):
        z, _, mean, variance = outputs
        has = tuple(not isinstance(g.type, DisconnectedType) for g in gradients)
        operation = EncodeGradient(self.act, self.has_b, self.has_c, has)
        parameters = inputs[3:] if self.noisy else inputs[1:]
        present = [g for g, there in zip(gradients, has) if there]
        dz_pre, *dparameters = operation(inputs[0], z, mean, variance, *parameters, *present, return_list=True)
        constant = [DisconnectedType()() for _ in range(2 * self.noisy)]
        if not has[1]:
            dparameters = [DisconnectedType()() for _ in parameters]
        return [dz_pre, *constant, *dparameters]

    def in_jax(self, node):
        from ladder.fused.jax import encoder

        return encoder.encode(self)

    def c_code(self, node, name, inputs, outputs, sub):
        z_pre, *rest = inputs
        noise, std = (rest[0], f"*ladder::floats({rest[1]})") if self.noisy else ("nullptr", "0.0f")
        z, h, mean, variance = outputs
        return f"""{{
            {pointers("parameters", rest[2:] if self.noisy else rest)}
            if (ladder::encode<ladder::Function, {str(self.noisy).lower()}>(
                    {z_pre}, {noise}, {std}, parameters, &{z}, &{h}, &{mean}, &{variance}))
                {sub["fail"]}
        }}"""


class EncodeGradient(_Encoding):
    """(z_pre, z, mean, variance, [b,] [c,] gradients) -> gradients for z_pre, [b,] [c].

    Parameters
    ----------
    has : tuple of bool, which of the gradients for z, h, mean, variance there are
    """

    __props__ = ("act", "has_b", "has_c", "has")
    kernels = KERNELS

    def __init__(self, act, has_b, has_c, has):
        self.act, self.has_b, self.has_c, self.has = act, has_b, has_c, has

    def make_node(self, *inputs):
        ndim = matrix_or_maps(inputs[0])
        inputs = self.variables(inputs, [ndim] * 4 + [1] * self.n_parameters + [ndim] * sum(self.has))
        parameters = inputs[4 : 4 + self.n_parameters]
        return Apply(self, inputs, [inputs[0].type(), *(p.type() for p in parameters)])

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0], *shapes[4 : 4 + self.n_parameters]]

    def in_jax(self, node):
        from ladder.fused.jax import encoder

        return encoder.encode_gradient(self)

    def c_code(self, node, name, inputs, outputs, sub):
        parameters, present = inputs[4 : 4 + self.n_parameters], iter(inputs[4 + self.n_parameters :])
        gradients = ", ".join(next(present) if there else "nullptr" for there in self.has)
        flags = ", ".join(str(there).lower() for there in self.has)
        return f"""{{
            {pointers("parameters", parameters)}
            {pointers("dparameters", outputs[1:], outputs=True)}
            if (ladder::encode_gradient<ladder::Function, {flags}>(
                    {", ".join(inputs[:4])}, parameters, {gradients}, &{outputs[0]}, dparameters))
                {sub["fail"]}
        }}"""
