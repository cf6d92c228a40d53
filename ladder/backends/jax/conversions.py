"""Conversions that Aesara 2.9.4's JAX dispatch lacks, or has in a form that our graphs cannot use.

A conversion is a function from an operation and its node to a function of
arrays.  Shapes are concrete while JAX traces, and the conversions of shapes,
slices and scalar arithmetic below keep sizes Python integers throughout
(Aesara's own require constants, and so another graph for every batch size).
"""

import math
import operator

import jax
import jax.numpy as jnp
import numpy as np
from aesara.link.c.op import COp
from aesara.link.jax.dispatch import jax_funcify
from aesara.raise_op import Assert, CheckAndRaise
from aesara.sandbox.rng_mrg import mrg_uniform
from aesara.scalar.basic import Cast, ScalarOp
from aesara.tensor.basic import Alloc, ARange, MakeVector, ScalarFromTensor, Split, TensorFromScalar
from aesara.tensor.elemwise import CAReduce, DimShuffle
from aesara.tensor.math import Argmax, MaxAndArgmax
from aesara.tensor.nnet.abstract_conv import AbstractConv2d, AbstractConv2d_gradInputs, AbstractConv2d_gradWeights
from aesara.tensor.shape import Reshape, Shape, SpecifyShape
from aesara.tensor.signal.pool import AveragePoolGrad, MaxPoolGrad, Pool
from aesara.tensor.subtensor import IncSubtensor, Subtensor, indices_from_subtensor

from ladder.backends.jax import convolution, pooling
from ladder.backends.jax.normals import mrg_uniforms


def is_concrete(x):
    """Whether a value is known while tracing."""
    return isinstance(x, (bool, int, float, np.generic, np.ndarray))


def convert(op, node=None, **kwargs):
    """Convert an operation to a function of arrays; sizes and shapes that are known while tracing stay known."""
    function, scalar_op = jax_funcify(op, node=node, **kwargs), getattr(op, "scalar_op", op)
    if node is None or not isinstance(scalar_op, ScalarOp) or isinstance(op, CAReduce) or node.outputs[0].type.ndim > 1:
        return function
    dtype = node.outputs[0].type.dtype

    def of_sizes(*inputs):
        if all(map(is_concrete, inputs)):
            return constant(np.vectorize(scalar_op.impl)(*inputs).astype(dtype))
        return function(*inputs)

    return of_sizes


def constant(data, dtype=None, **kwargs):
    """Constants stay NumPy arrays, and scalars become Python numbers: JAX arrays would be unknown while tracing."""
    return data.item() if isinstance(data, (np.ndarray, np.generic)) and np.ndim(data) == 0 else data


@jax_funcify.register(Alloc)
def alloc(op, node, **kwargs):
    """Allocate with the output's dtype: a Python number would give double precision."""
    dtype = node.outputs[0].type.dtype

    def function(x, *shape):
        return jnp.broadcast_to(jnp.asarray(x, dtype), shape)

    return function


@jax_funcify.register(COp)
def by_its_own_method(op, node, **kwargs):
    """Our own operations define their JAX form themselves."""
    if not hasattr(op, "in_jax"):
        raise NotImplementedError(f"no JAX conversion for Aesara's {op}: add it to ladder/backends/jax/conversions.py")
    function = op.in_jax(node)
    if len(node.outputs) > 1:
        return function

    def alone(*inputs):
        result = function(*inputs)
        return result[0] if isinstance(result, tuple) else result

    return alone


@jax_funcify.register(Assert)
@jax_funcify.register(CheckAndRaise)
def check_and_raise(op, **kwargs):
    """Check conditions on shapes, which are known while tracing; JAX cannot raise on values."""

    def function(x, *conditions):
        if any(is_concrete(condition) and not np.all(condition) for condition in conditions):
            raise op.exc_type(op.msg)
        return x

    return function


# Arithmetic.


@jax_funcify.register(Cast)
def cast(op, **kwargs):
    return lambda x: jnp.asarray(x).astype(op.o_type.dtype)


@jax_funcify.register(CAReduce)
def reduction(op, node, **kwargs):
    name, dtype = type(op.scalar_op).__name__, node.outputs[0].dtype
    axes = tuple(range(node.inputs[0].ndim)) if op.axis is None else tuple(op.axis)
    reduce = {"Add": "sum", "Mul": "prod", "ScalarMaximum": "max", "ScalarMinimum": "min", "OR": "any", "AND": "all"}[
        name
    ]

    def function(x):
        if is_concrete(x):
            return constant(np.asarray(getattr(np, reduce)(x, axis=axes), dtype))
        if reduce == "sum":
            return exact_sum(x, axes).astype(dtype)
        return getattr(jnp, reduce)(x, axis=axes).astype(dtype)

    return function


def exact_sum(x, axes):
    """Sum, in two stages for float32 over several axes, as the rounding of a single stage would show.

    (The C backend accumulates in float64.)  The barrier keeps XLA's first
    passes from merging the two sums.
    """
    if len(axes) > 1 and x.dtype == jnp.float32:
        x = jax.lax.optimization_barrier(x.sum(axis=axes[1:], keepdims=True))
    return x.sum(axis=axes)


@jax_funcify.register(Argmax)
def argmax(op, node, **kwargs):
    return lambda x: _argmax(x, op.axis)


@jax_funcify.register(MaxAndArgmax)
def max_and_argmax(op, node, **kwargs):
    axes = op.axis

    def function(x):
        return jnp.max(x, axis=tuple(axes)), _argmax(x, axes)

    return function


def _argmax(x, axes):
    """The index of the first largest entry over some axes taken together."""
    axes = tuple(range(x.ndim)) if axes is None else tuple(axes)
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    x = jnp.transpose(x, (*kept, *axes))
    return jnp.argmax(x.reshape(*x.shape[: len(kept)], -1), axis=-1).astype(jnp.int64)


# Shapes.


@jax_funcify.register(ARange)
def arange(op, node, **kwargs):
    return lambda start, stop, step: np.arange(start, stop, step, op.dtype)


@jax_funcify.register(MakeVector)
def make_vector(op, node, **kwargs):
    def function(*entries):
        if all(map(is_concrete, entries)):
            return np.array(entries, op.dtype)
        return jnp.stack([jnp.asarray(x, op.dtype) for x in entries])

    return function


@jax_funcify.register(TensorFromScalar)
@jax_funcify.register(ScalarFromTensor)
def same(op, **kwargs):
    return lambda x: x


@jax_funcify.register(Shape)
def shape(op, **kwargs):
    return lambda x: np.array(np.shape(x), "int64")


@jax_funcify.register(Reshape)
def reshape(op, node, **kwargs):
    return lambda x, shape: jnp.reshape(x, tuple(int(n) for n in shape))


@jax_funcify.register(SpecifyShape)
def specify_shape(op, node, **kwargs):
    def function(x, *shape):
        wanted = node.outputs[0].type.shape
        if any(n is not None and n != m for n, m in zip(wanted, x.shape, strict=True)):
            raise ValueError(f"an array of shape {x.shape} where the graph has {wanted}")
        return x

    return function


@jax_funcify.register(DimShuffle)
def dimshuffle(op, node, **kwargs):
    def function(x):
        shape = [x.shape[axis] if axis != "x" else 1 for axis in op.new_order]
        return jnp.transpose(x, op.transposition).reshape(shape)

    return function


@jax_funcify.register(Subtensor)
def subtensor(op, node, **kwargs):
    def function(x, *bounds):
        return x[_indices(bounds, op.idx_list)]

    return function


@jax_funcify.register(IncSubtensor)
def inc_subtensor(op, node, **kwargs):
    def function(x, y, *bounds):
        place = jnp.asarray(x).at[_indices(bounds, op.idx_list)]
        return place.set(y) if op.set_instead_of_inc else place.add(y)

    return function


def _indices(bounds, idx_list):
    indices = indices_from_subtensor(bounds, idx_list)
    return tuple(slice(*map(_bound, (i.start, i.stop, i.step))) if isinstance(i, slice) else i for i in indices)


def _bound(n):
    return n if n is None else operator.index(n)


@jax_funcify.register(Split)
def split(op, node, **kwargs):
    def function(x, axis, sizes):
        return jnp.split(x, np.cumsum([int(n) for n in sizes])[:-1], axis=int(axis))

    return function


# Convolution and pooling of the plain graph: (examples, maps, height, width).

MAPS = ("NCHW", "OIHW", "NCHW")


@jax_funcify.register(AbstractConv2d)
def conv2d(op, node, **kwargs):
    _check(op)

    def function(x, W):
        padding = _padding(op, W.shape[2:])
        return jax.lax.conv_general_dilated(x, _taps(op, W), op.subsample, padding, dimension_numbers=MAPS)

    return function


@jax_funcify.register(AbstractConv2d_gradInputs)
def conv2d_gradient_for_inputs(op, node, **kwargs):
    _check(op)

    def function(W, dy, shape):
        pads = [pad for pad, _ in _padding(op, W.shape[2:])]
        # The adjoint: taps reversed, input and output maps exchanged.
        W = _taps(op, W)[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        return convolution.to_fine(dy, W, op.subsample, pads, [int(n) for n in shape], MAPS)

    return function


@jax_funcify.register(AbstractConv2d_gradWeights)
def conv2d_gradient_for_filters(op, node, **kwargs):
    _check(op)

    def function(x, dy, shape):
        sizes = [int(n) for n in shape]
        pads = [pad for pad, _ in _padding(op, sizes)]
        return _taps(op, convolution.filter_gradient(x, dy, op.subsample, pads, sizes, ("CNHW", "IOHW", "CNHW")))

    return function


def _check(op):
    if op.filter_dilation != (1, 1) or op.num_groups != 1 or op.unshared:
        raise NotImplementedError(f"no JAX conversion for {op}: dilated, grouped or unshared filters")


def _taps(op, W):
    """Filters as they are applied to the image, after any flip."""
    return W[:, :, ::-1, ::-1] if op.filter_flip else W


def _padding(op, sizes):
    """The numbers of zeros before and after each axis."""
    if op.border_mode == "valid":
        return [(0, 0), (0, 0)]
    if op.border_mode == "full":
        return [(K - 1, K - 1) for K in sizes]
    raise NotImplementedError(f"no JAX conversion for {op}: its border is neither valid nor full")


@jax_funcify.register(Pool)
def pool(op, node, **kwargs):
    size, stride = _windows(op, node.inputs[1:])

    def function(x, *_):
        to = Pool.out_shape(x.shape, size, False, stride)[2:]
        reduced = pooling.largest if op.mode == "max" else pooling.mean
        return _maps_second(reduced(_maps_last(x), size, stride, to))

    return function


@jax_funcify.register(MaxPoolGrad)
def max_pool_gradient(op, node, **kwargs):
    size, stride = _windows(op, node.inputs[3:])
    return lambda x, y, dy, *_: _maps_second(pooling.gradient(_maps_last(x), _maps_last(dy), size, stride))


@jax_funcify.register(AveragePoolGrad)
def mean_pool_gradient(op, node, **kwargs):
    size, stride = _windows(op, node.inputs[2:])
    return lambda x, dy, *_: _maps_second(pooling.mean_gradient(_maps_last(dy), size, stride, x.shape[2:]))


def _windows(op, parameters):
    """Size and stride of the windows, constants of the graph."""
    if op.mode not in ("max", "average_exc_pad") or op.ignore_border or op.ndim != 2 or any(parameters[2].data):
        raise NotImplementedError(
            f"no JAX conversion for {op}: only max-pooling and mean-pooling in two dimensions that keep the border"
        )
    return [tuple(int(n) for n in parameter.data) for parameter in parameters[:2]]


def _maps_last(x):
    return x.transpose(0, 2, 3, 1)


def _maps_second(x):
    return x.transpose(0, 3, 1, 2)


@jax_funcify.register(mrg_uniform)
def mrg(op, node, **kwargs):
    def function(state, shape):
        shape = [int(n) for n in shape]
        next_state, uniforms = mrg_uniforms(state, math.prod(shape))
        return next_state, uniforms.reshape(shape)

    return function
