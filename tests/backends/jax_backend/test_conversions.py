"""Aesara's operations in JAX against its Python linker and NumPy."""

from itertools import product

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

from aesara.graph.basic import Apply
from aesara.graph.fg import FunctionGraph
from aesara.graph.op import Op
from aesara.link.c.op import COp
from aesara.raise_op import Assert
from aesara.tensor.nnet import conv2d
from aesara.tensor.signal.pool import pool_2d
from golden.evaluate import PYTHON

from ladder import bricks
from ladder.backends import jax as jax_backend
from ladder.fused.operation import FusedOperation

jax_backend.configure()

from ladder.backends.jax.rewrites import FOR_XLA


@pytest.fixture(autouse=True, scope="module")
def without_compiler():
    """As with the JAX backend: Aesara folds constants in Python."""
    with aesara.config.change_flags(cxx=""):
        yield


def normals(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def assert_as_in_python(inputs, outputs, *arrays, rtol=0, atol=0):
    """Compare values, shapes and types, exactly unless given tolerances."""
    found = jax_backend.function(inputs, outputs)(*arrays)
    expected = aesara.function(inputs, outputs, mode=PYTHON, on_unused_input="ignore")(*arrays)
    for k, (one, true) in enumerate(zip(found, expected, strict=True)):
        assert (one.dtype, one.shape) == (true.dtype, true.shape), outputs[k]
        np.testing.assert_allclose(one, true, rtol, atol, err_msg=f"output {k}: {outputs[k]}")


# --- Arithmetic


def test_largest_and_smallest_with_ties():
    x = at.TensorType("float32", shape=(None,) * 3)()
    array = np.round(2 * normals(4, 5, 6))
    axes = [0, 1, -1, (0, 2), (1, 2), None]
    outputs = [f(x, axis=axis) for f in (at.max, at.min) for axis in axes]
    outputs += [at.argmax(x, axis=axis) for axis in (0, 1, -1, None)] + [at.argmin(x, axis=1)]
    # Both outputs of one operation, and the index of the first of equal entries.
    for axis in axes:
        outputs += at.max_and_argmax(x, axis=axis)
    outputs.append(at.argmax(x, axis=2, keepdims=True) + 1)
    assert_as_in_python([x], outputs, array)
    assert_as_in_python([x], outputs, np.zeros((2, 3, 4), "float32"))


def test_reductions():
    x, n = at.fmatrix(), at.imatrix()
    array = np.round(4 * normals(5, 7)) / 4  # sums without rounding
    whole = np.arange(12, dtype="int32").reshape(3, 4) - 5
    axes = [None, 0, 1, (0, 1)]
    outputs = [f(x, axis=axis) for f in (at.sum, at.any, at.all) for axis in axes]
    outputs += [f(n, axis=axis) for f in (at.sum, at.prod, at.max, at.min) for axis in axes]
    outputs += [(x > 0).sum(axis=axis) for axis in axes] + [at.all(x > -9), at.any(n > 100, axis=0)]
    outputs += [at.cast(n, "int8").sum(), x.sum(axis=1, keepdims=True), x.sum(dtype="float64")]
    assert_as_in_python([x, n], outputs, array, whole)
    assert_as_in_python([x], [x.prod(), x.prod(axis=0), x.mean(), x.mean(axis=1), x.var(axis=0)], array, rtol=1e-5)


@pytest.mark.parametrize("shape, axes", [((1200, 1000), None), ((2000, 100, 5), (0, 1)), ((50, 3, 100, 80), (0, 2, 3))])
def test_long_sums(shape, axes):
    """Sums of numbers of one sign, whose rounding errors do not cancel."""
    x = at.TensorType("float32", shape=(None,) * len(shape))()
    array = np.random.RandomState(0).uniform(0.5, 1, shape).astype("float32")
    outputs = [x.sum(axis=axes), at.mean(x, axis=axes), at.square(x).sum(axis=axes)]
    double = array.astype("float64")
    expected = [double.sum(axis=axes), double.mean(axis=axes), np.square(double).sum(axis=axes)]
    for found, true in zip(jax_backend.function([x], outputs)(array), expected):
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, true, rtol=2e-6)


def test_casts_and_arithmetic_of_scalars():
    x, k, r = at.fmatrix(), at.lscalar(), at.fscalar()
    outputs = [at.cast(x, dtype) for dtype in ("int8", "int32", "int64", "float32", "float64", "bool")]
    outputs += [k + 1, k * r, at.cast(k, "float32") / 3, k // 2, k % 3, at.maximum(k, 3), r**2, at.switch(k > 3, r, 0)]
    n, m = x.shape[0], x.shape[1]
    outputs += [at.cast(n, "float32") * r, x / at.cast(m, "float32"), n / 2, at.sqrt(m)]
    assert_as_in_python([x, k, r], outputs, 10 * normals(3, 4), 7, np.float32(2.5), rtol=1e-6)


# --- Shapes


def test_sizes():
    """Each call has different sizes."""
    x, v = at.fmatrix(), at.fvector()
    n, m = x.shape[0], x.shape[1]
    outputs = [x.shape, n, n * m, at.minimum(n, 3), at.stack([n, at.constant(3), m // 2])]
    outputs += [at.arange(n), at.arange(1, n, 2)]
    outputs += [at.arange(n) * 2 + 1, at.prod(x.shape), x.shape.sum(), at.cast(at.arange(m), "float32") * x, x.size]
    outputs += [at.stack([x.sum(), v.max()]), at.stack([at.cast(n, "float32"), v[0]])]
    for shape in [(6, 4), (5, 3), (1, 8)]:
        array = np.round(normals(*shape))
        assert_as_in_python([x, v], outputs, array, np.round(normals(shape[1])))


def test_one_function_for_several_sizes():
    x = at.fmatrix()
    function = jax_backend.function([x], [x[: x.shape[0] // 2], x.reshape((x.shape[1], x.shape[0])).sum(axis=0)])
    for shape in [(6, 4), (5, 3), (6, 4)]:
        array = np.round(normals(*shape))
        half, sums = function(array)
        np.testing.assert_array_equal(half, array[: shape[0] // 2])
        np.testing.assert_array_equal(sums, array.reshape(shape[::-1]).sum(axis=0))


def test_slices():
    x = at.TensorType("float32", shape=(None,) * 3)()
    n, m = x.shape[0], x.shape[1]
    outputs = [
        x[: n // 2],
        x[n // 2 :],
        x[n - 1],
        x[1],
        x[-2],
        x[::-1],
        x[::2],
        x[1::3, ::-2],
        x[:, m // 2],
        x[:-1, 1:-1],
        x[-3:, :, 2],
        x[4:1:-2],
        x[:, :, :, None],
        x[1, 2, 3],
        x[n // 2 : n // 2 + 2, :1],
        x[100:],
        x[at.minimum(n, 3) :],
        x[at.arange(n), at.arange(n) % 2],
        x[:, at.argmax(x[0, :, 0])],
    ]
    assert_as_in_python([x], outputs, normals(7, 6, 5))


def test_reshape_alloc_and_dimshuffle():
    x, v = at.ftensor3(), at.fvector()
    n, m, k = x.shape
    outputs = [
        x.reshape((n, m * k)),
        x.reshape((n * 2, m // 2, k)),
        x.reshape((n, -1)),
        x.reshape((-1,)),
        x.flatten(),
        x.reshape((k, n, m)),
        x[0, 0, 0].reshape((1, 1)),
        x.reshape(at.stack([m, n * k])),
        at.alloc(v, n, v.shape[0]),
        at.zeros((n, 3)),
        at.ones_like(x),
        at.alloc(np.float32(2), m),
        at.zeros((n, 2), "int64"),
        x.dimshuffle(2, 0, 1),
        x.dimshuffle(0, "x", 2, 1),
        v.dimshuffle("x", 0, "x"),
        x.transpose(),
        at.specify_shape(x[:, :1], (None, 1, None)).dimshuffle(0, 2),
        v.dimshuffle(0, "x") * at.ones((1, n)),
    ]
    assert_as_in_python([x, v], outputs, normals(4, 6, 5), normals(3))


def test_set_and_inc_subtensor():
    x, y, r = at.fmatrix(), at.fmatrix(), at.fscalar()
    n = x.shape[0]
    outputs = []
    for f in (at.set_subtensor, at.inc_subtensor):
        places = [x[::2, 1:], x[1:5:3, :-1], x[::-2, :0:-1], x[n // 2 :], x[: n // 2, 2], x[3], x[-1, 1], x[:, ::3]]
        outputs += [f(place, r) for place in places]
        outputs += [f(place, y[: place.shape[0], : place.shape[1]]) for place in places if place.ndim == 2]
        outputs += [f(x[2], y[0, :5]), f(at.zeros((n * 2, 10))[::2, 1::2], x)]
    assert_as_in_python([x, y, r], outputs, normals(7, 5), normals(9, 9, seed=1), np.float32(3))


def test_split_and_join():
    x = at.fmatrix()
    n = x.shape[0]
    outputs = [*at.split(x, [2, 0, 5], 3, axis=0), *at.split(x, [1, 4], 2, axis=1)]
    outputs += at.split(x, at.stack([n - 3, 3]), 2)
    outputs += [at.join(0, x, x[:2]), at.join(1, x, x), at.stack([x, x], axis=1)]
    joined = at.join(0, x[:3], 2 * x[1:])
    outputs.append(at.grad((joined * at.arange(9).dimshuffle(0, "x")).sum(), x))
    assert_as_in_python([x], outputs, normals(7, 5))


def test_specify_shape():
    x = at.fmatrix()
    y = at.specify_shape(x, (None, 3))
    function = jax_backend.function([x], 2 * y)
    array = normals(4, 3)
    np.testing.assert_array_equal(function(array), 2 * array)
    with pytest.raises(ValueError, match=r"\(4, 2\).*\(None, 3\)"):
        function(array[:, :2])


def test_assertions():
    """Those about sizes, which are known, are checked; those about values, which are not, are skipped."""
    x = at.fvector()
    y = Assert("too short")(x, x.shape[0] > 2, x.shape[0] < 9)
    function = jax_backend.function([x], [2 * y, Assert("negative")(x, at.all(x > 0))])
    assert function([-1, 2, 3])[0].tolist() == [-2, 4, 6]
    with pytest.raises(AssertionError, match="too short"):
        function([1, 2])


# --- Convolution and pooling


@pytest.mark.parametrize("border, stride", list(product(("valid", "full"), (1, 2))))
def test_convolutions(border, stride):
    """With both gradients, sides that the stride does not divide, and filters wider than high."""
    x, W = at.TensorType("float32", shape=(None,) * 4)(), at.TensorType("float32", shape=(None,) * 4)()
    outputs = []
    for flip in (True, False):
        y = conv2d(x, W, border_mode=border, subsample=(stride, stride), filter_flip=flip)
        weights = at.cast(at.arange(y.size), "float32").reshape(y.shape) / 100 - 1
        outputs += [y, *at.grad((y * weights).sum(), [x, W])]
    for size in [(8, 7), (7, 10)]:
        assert_as_in_python([x, W], outputs, normals(2, 3, *size), normals(4, 3, 2, 3, seed=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("border", ["valid", "full"])
def test_a_transposed_convolution_with_a_stride(border):
    """The zeros between entries have the entries' type."""
    z, W = (at.TensorType("float32", shape=shape)() for shape in ((None, 3, 4, 3), (2, 3, 3, 3)))
    u = bricks.deconvolve(z, W, border, 2, (9, 7))
    assert_as_in_python([z, W], [u], normals(2, 3, 4, 3), normals(2, 3, 3, 3, seed=1), rtol=1e-5, atol=1e-5)


def test_a_convolution_with_two_strides():
    x, W = at.ftensor4(), at.ftensor4()
    y = conv2d(x, W, border_mode="full", subsample=(1, 3), filter_flip=True)
    outputs = [y, *at.grad((y**2).sum(), [x, W])]
    assert_as_in_python([x, W], outputs, normals(2, 2, 5, 8), normals(3, 2, 3, 2, seed=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 3), (3, 2), (3, 1), (2, 3), (1, 2), (9, 9)])
def test_max_pooling_that_keeps_the_border(size, stride):
    """With its gradient, which goes to each of several largest entries."""
    x = at.TensorType("float32", shape=(None,) * 4)()
    y = pool_2d(x, ws=(size, size), stride=(stride, stride), ignore_border=False, mode="max")
    weights = at.cast(at.arange(y.size) % 7 - 3, "float32").reshape(y.shape)
    outputs = [y, at.grad((y * weights).sum(), x)]
    array = normals(2, 3, 7, 8)
    function = jax_backend.function([x], outputs)
    expected = aesara.function([x], outputs, mode=PYTHON)
    for values in (array, np.round(array), np.maximum(0, np.round(array)), np.zeros_like(array), -1 - np.abs(array)):
        for found, true in zip(function(values), expected(values)):
            np.testing.assert_array_equal(found, true)


def test_max_pooling_of_oblong_windows():
    x = at.ftensor4()
    y = pool_2d(x, ws=(3, 2), stride=(2, 1), ignore_border=False, mode="max")
    assert_as_in_python([x], [y, at.grad((y * y).sum(), x)], np.round(normals(2, 3, 6, 5)))


# --- Operations without a conversion


class Strange(Op):
    """Stands in for an operation in Python that has no conversion."""

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0]

    def __str__(self):
        return "the-strange-one"


class StrangeInC(Strange, COp):
    """The same for an operation in C."""


class StrangeFused(FusedOperation):
    """The same for one of our own operations."""

    make_node, __str__ = Strange.make_node, Strange.__str__


@pytest.mark.parametrize("kind", [Strange, StrangeInC, StrangeFused])
def test_an_operation_without_a_conversion_is_named(kind):
    x = at.fvector()
    with pytest.raises(NotImplementedError, match="the-strange-one"):
        jax_backend.function([x], 2 * kind()(x))


def test_convolutions_and_pooling_without_a_conversion_are_named():
    """At the first call at the latest."""
    x, W = at.ftensor4(), at.ftensor4()
    y = conv2d(x, W, border_mode="half")
    convolutions = [y, *at.grad(y.sum(), [x, W]), conv2d(x, W, filter_dilation=(2, 2)), conv2d(x, W, num_groups=2)]
    pooled = [
        pool_2d(x, (2, 2), ignore_border=True),
        pool_2d(x, (2, 2), ignore_border=False, mode="sum"),
        pool_2d(x, (2, 2), ignore_border=True, pad=(1, 1)),
        at.grad(pool_2d(x, (2, 2), ignore_border=True, mode="max").sum(), x),
    ]
    arrays = np.zeros((2, 2, 5, 5), "float32"), np.zeros((2, 2, 3, 3), "float32")
    for output, name in [*((y, "AbstractConv2d") for y in convolutions), *((y, "Pool") for y in pooled)]:
        with pytest.raises(NotImplementedError, match=f"no JAX conversion for .*{name}"):
            jax_backend.function([x, W], output)(*arrays)


# --- Rewrites


def rewritten(inputs, output):
    """The output's node after the rewrites for XLA."""
    graph = FunctionGraph(inputs, [output], clone=False)
    FOR_XLA.rewrite(graph)
    return graph.outputs[0]


def test_a_maximum_is_compared_as_what_it_is_made_of():
    a, b, third = at.fmatrices(3)
    for output, larger, smaller in [
        (at.eq(at.maximum(a, b), a), a, b),
        (at.eq(at.maximum(a, b), b), b, a),
        (at.eq(a, at.maximum(a, b)), a, b),
        (at.eq(b, at.maximum(a, b)), b, a),
    ]:
        assert aesara.graph.basic.equal_computations([rewritten([a, b], output)], [at.ge(larger, smaller)])
    for output in [
        at.eq(at.maximum(a, b), third),
        at.eq(at.minimum(a, b), a),
        at.neq(at.maximum(a, b), a),
        at.eq(a, b),
        at.ge(at.maximum(a, b), a),
        at.eq(at.maximum(a, b), 2 * a),
        at.eq(at.max(a), a),
    ]:
        assert rewritten([a, b, third], output) is output


def test_the_comparison_gives_the_same():
    """With ties, NaN and broadcasting."""
    a, b = at.fmatrix(), at.frow()
    outputs = [at.eq(at.maximum(a, b), a), at.eq(b, at.maximum(a, b)), at.grad(at.maximum(a, b).sum(), a)]
    values = np.float32([[0, 1, np.nan, np.inf, -1], [0, 0, 2, 1, np.nan]])
    assert_as_in_python([a, b], outputs, values, np.float32([[0, 0, 1, np.inf, -1]]))
