"""One decoder layer after its matrix product, as one operation, and its gradient as another."""

from functools import lru_cache, partial

import aesara.tensor as at
from aesara.gradient import DisconnectedType
from aesara.graph.basic import Apply

from ladder.bricks import decoder as bricks
from ladder.bricks import perceptron
from ladder.decoder_specs import PERCEPTRONS, hidden_sizes
from ladder.fused.elementwise import trace
from ladder.fused.layout import channels_last, channels_second, matrix_or_maps
from ladder.fused.operation import FusedOperation, pointers

KERNELS = ("elementwise.h", "columns.h", "parameters.h", "decoder.h")

#: A small network with more weights than this is not unrolled term by term: it is faster as matrix products.
MOST_UNROLLED = 64


def denoise(decoder, u_pre, z_corr, z_clean, m, s, w, b):
    """Fused :func:`ladder.bricks.decoder.denoise`: the same arguments and results."""
    if not _is_unrolled(decoder, u_pre is not None):
        return bricks.denoise(decoder, u_pre, z_corr, z_clean, m, s, w, b)
    function = _function(decoder, u_pre is not None)
    if function is None:
        return None, None
    makers = {"w": w, "b": b}
    parameters = [makers[kind](first, name) for name, first, kind in function.parameters]
    if function.shared:
        shared = [makers[kind](first, name, shape) for name, first, kind, shape in function.shared]
        parameters.append(at.concatenate([x.flatten() for x in shared]))
    signals = [_like(u_pre, z_corr)] if function.uses_u else []
    statistics = [] if m is None else [m, s]
    operation = Denoise(decoder, u_pre is not None, function.uses_u, bool(statistics), len(parameters))
    z_est, cost = operation(*map(channels_last, (*signals, z_corr, z_clean, *statistics)), *parameters)
    return channels_second(z_est), cost


def _like(u, z):
    """u repeated for every pixel of z: below global pooling it has only one."""
    if u.ndim != z.ndim or u.broadcastable == z.broadcastable:
        return u
    return channels_second(at.alloc(channels_last(u), *channels_last(z).shape))


def _is_unrolled(decoder, has_u):
    """Whether the kernel has the decoder function as a formula."""
    kind, _ = hidden_sizes(decoder)
    return kind not in PERCEPTRONS or perceptron.n_weights(decoder, has_u) <= MOST_UNROLLED


@lru_cache
def _function(decoder, has_u):
    """A decoder function in C++."""
    kind, sizes = hidden_sizes(decoder)
    brick = partial(perceptron.unrolled, kind, sizes) if kind in PERCEPTRONS else bricks.decoder_function(decoder)
    return trace(brick, has_u)


class _Decoding(FusedOperation):
    """What the operation and its gradient have in common: the decoder function, and the order of inputs."""

    kernels = KERNELS

    def __init__(self, decoder, has_u, uses_u, has_statistics, n_parameters):
        self.decoder, self.has_u, self.uses_u = decoder, has_u, uses_u
        self.has_statistics, self.n_parameters = has_statistics, n_parameters

    def elementwise(self):
        return _function(self.decoder, self.has_u)

    def split(self, inputs):
        """The inputs as (u_pre, z_corr, z_clean, mean, variance), parameters and the rest; None for missing ones."""
        rest = list(inputs)
        u_pre = rest.pop(0) if self.uses_u else None
        z_corr, z_clean = rest.pop(0), rest.pop(0)
        mean, variance = (rest.pop(0), rest.pop(0)) if self.has_statistics else (None, None)
        return (u_pre, z_corr, z_clean, mean, variance), rest[: self.n_parameters], rest[self.n_parameters :]

    def ndims(self, ndim):
        """Numbers of dimensions of Denoise's inputs."""
        return [ndim] * (2 + self.uses_u + 2 * self.has_statistics) + [1] * self.n_parameters

    def flags(self, *more):
        return ", ".join(str(flag).lower() for flag in (self.uses_u, self.has_statistics, *more))


class Denoise(_Decoding):
    """([u_pre,] z_corr, z_clean, [mean, variance,] parameters) -> z_est, cost; units or maps are the last axis.

    Parameters
    ----------
    decoder : str
    has_u : bool
        Whether the decoder function gets the signal from above.
    uses_u : bool
        Whether it uses it.
    has_statistics : bool
        Whether z_est is normalised before it is compared.
    n_parameters : int
        Number of parameter vectors: those with one entry per unit, and one with everything that units share.
    """

    __props__ = ("decoder", "has_u", "uses_u", "has_statistics", "n_parameters")

    def make_node(self, *inputs):
        inputs = self.variables(inputs, self.ndims(matrix_or_maps(inputs[0])))
        (_, z_corr, *_), _, _ = self.split(inputs)
        return Apply(self, inputs, [z_corr.type(), at.fscalar()])

    def infer_shape(self, fgraph, node, shapes):
        return [self.split(shapes)[0][1], ()]

    def connection_pattern(self, node):
        signals = [[True, True]] * (1 + self.uses_u)
        compared = [[False, True]] * (1 + 2 * self.has_statistics)
        return [*signals, *compared, *[[True, True]] * self.n_parameters]

    def L_op(self, inputs, outputs, gradients):
        has = tuple(not isinstance(g.type, DisconnectedType) for g in gradients)
        operation = DenoiseGradient(*(getattr(self, name) for name in self.__props__), *has)
        present = [g for g, there in zip(gradients, has) if there]
        found = operation(*inputs, outputs[0], *present, return_list=True)
        if not has[1]:
            n_signals = 1 + self.uses_u
            compared = [DisconnectedType()() for _ in range(1 + 2 * self.has_statistics)]
            found = [*found[:n_signals], *compared, *found[n_signals:]]
        return found

    def in_jax(self, node):
        from ladder.fused.jax import decoder

        return decoder.denoise(self)

    def c_code(self, node, name, inputs, outputs, sub):
        signals, parameters, _ = self.split(inputs)
        z_est, cost = outputs
        return f"""{{
            {pointers("parameters", parameters)}
            if (ladder::denoise<ladder::Function, {self.flags()}>(
                    {", ".join(x or "nullptr" for x in signals)}, parameters, &{z_est}, &{cost}))
                {sub["fail"]}
        }}"""


class DenoiseGradient(_Decoding):
    """(Denoise's inputs, z_est, [gradient for z_est,] [gradient for cost]) -> gradients for Denoise's inputs.

    Without a gradient for the cost there are none for what only the cost
    depends on: z_clean, mean and variance.

    Parameters
    ----------
    has_est, has_cost : bool, which gradients there are
    """

    __props__ = (*Denoise.__props__, "has_est", "has_cost")

    def __init__(self, decoder, has_u, uses_u, has_statistics, n_parameters, has_est, has_cost):
        super().__init__(decoder, has_u, uses_u, has_statistics, n_parameters)
        self.has_est, self.has_cost = has_est, has_cost

    def outputs_of(self, signals, parameters):
        """The inputs with gradients: (u_pre, z_corr, z_clean, mean, variance), None for others, and parameters."""
        u_pre, z_corr, *compared = signals
        return (u_pre, z_corr, *(compared if self.has_cost else (None,) * 3)), parameters

    def make_node(self, *inputs):
        ndim = matrix_or_maps(inputs[0])
        inputs = self.variables(inputs, [*self.ndims(ndim), ndim, *[ndim] * self.has_est, *[0] * self.has_cost])
        signals, parameters = self.outputs_of(*self.split(inputs)[:2])
        return Apply(self, inputs, [x.type() for x in (*signals, *parameters) if x is not None])

    def infer_shape(self, fgraph, node, shapes):
        signals, parameters = self.outputs_of(*self.split(shapes)[:2])
        return [shape for shape in (*signals, *parameters) if shape is not None]

    def in_jax(self, node):
        from ladder.fused.jax import decoder

        return decoder.denoise_gradient(self)

    def c_code(self, node, name, inputs, outputs, sub):
        signals, parameters, (z_est, *present) = self.split(inputs)
        present = iter(present)
        gradients = [next(present) if there else "nullptr" for there in (self.has_est, self.has_cost)]
        found = iter(outputs)
        into = [f"&{next(found)}" if x else "nullptr" for x in self.outputs_of(signals, parameters)[0]]
        return f"""{{
            {pointers("parameters", parameters)}
            {pointers("dparameters", list(found), outputs=True)}
            if (ladder::denoise_gradient<ladder::Function, {self.flags(self.has_est, self.has_cost)}>(
                    {", ".join(x or "nullptr" for x in signals)}, parameters, {z_est}, {", ".join(gradients)},
                    {", ".join(into)}, dparameters))
                {sub["fail"]}
        }}"""
