"""What is repaired in Aesara works as it did with old NumPy and Python, and other versions are left alone."""

import itertools
from pathlib import Path

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara import scalar
from aesara.compile.io import In
from aesara.sandbox import rng_mrg
from aesara.tensor import elemwise_cgen
from aesara.tensor.elemwise import Elemwise
from aesara.tensor.nnet import conv2d
from aesara.tensor.nnet.corr import CorrMM
from aesara.tensor.type import TensorType
from scipy.signal import correlate2d

from ladder.backends import aliases, c, repairs

X = np.random.RandomState(0).randn(2, 1, 5, 4).astype("float32")
W = np.random.RandomState(1).randn(3, 1, 2, 2).astype("float32")


def images(*shape):
    return TensorType("float32", shape=shape)()


@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_in_c(stride):
    """``c.mode`` repairs what Aesara 2.9.4 cannot build."""
    x, w = images(None, 1, 5, 4), images(3, 1, 2, 2)
    y = aesara.function([x, w], conv2d(x, w, subsample=(stride, stride), filter_flip=False), mode=c.mode())
    assert any(isinstance(node.op, CorrMM) for node in y.maker.fgraph.toposort())
    expected = np.array([[correlate2d(image[0], w[0], "valid") for w in W.astype("float64")] for image in X])
    np.testing.assert_allclose(y(X, W), expected[:, :, ::stride, ::stride], rtol=1e-5, atol=1e-6)


def test_repaired_types():
    """The type says if there is just one image or one filter, and nothing else about the shape."""
    repairs.repair()
    x, w = images(None, 3, 5, 4), images(7, 3, 2, 2)
    assert CorrMM()(x, w).type == TensorType("float32", shape=(None, None, None, None))
    assert CorrMM()(images(1, 3, 5, 4), images(1, 3, 2, 2)).type.shape == (1, 1, None, None)
    assert CorrMM()(at.dtensor4(), w).dtype == "float64"
    for wrong in ((at.fmatrix(), w), (x, at.ftensor3())):
        with pytest.raises(TypeError, match="CorrMM"):
            CorrMM()(*wrong)


def test_order_of_loops():
    """Elementwise C loops over arrays in any memory order, which it sorts without ``std::sort``."""
    x, y = at.ftensor4(), at.ftensor4()
    add = aesara.function([x, y], at.exp(x) + y, mode=c.mode())
    (code,) = [node.op._c_all(node, "n", ["x", "y"], ["z"], {"fail": ""})[3] for node in add.maker.fgraph.toposort()]
    assert "std::swap" in code and "std::sort" not in code
    values = np.random.RandomState(0).randn(2, 3, 4, 5).astype("float32")
    for order in itertools.permutations(range(4)):
        other = np.ascontiguousarray(values.transpose(order)).transpose(np.argsort(order))
        np.testing.assert_allclose(add(other, values), np.exp(values) + values, rtol=1e-5, atol=2e-6)


def test_rows_of_elements(monkeypatch):
    """The loop over rows of neighbouring elements computes the bits of the one for any strides."""
    z, noise, column, row = at.fmatrix(), at.fmatrix(), at.TensorType("float32", (None, 1))(), at.fvector()
    moved = z + np.float32(0.1) * noise / column + row
    whole = at.cast(at.floor(10 * z), "int64") // at.cast(1 + 9 * column, "int8")  # raises an error within the loop
    a, b = scalar.float32(), scalar.float32()
    two = Elemwise(scalar.Composite([a, b], [a + b, scalar.exp(a)]))(z, noise)
    graph = [z, noise, column, row], [moved, at.exp(moved) * column, at.switch(z > row, z, noise).sum(), whole, *two]
    by_rows = compiled_with(elemwise_cgen.make_reordered_loop, *graph, monkeypatch)
    by_strides = compiled_with(elemwise_cgen.make_reordered_loop.__wrapped__, *graph, monkeypatch)
    random = np.random.RandomState(0)
    for rows, columns in ((7, 5), (33, 70), (1, 40), (40, 1), (1, 1), (0, 3), (3, 0)):
        a, b = random.randn(2, rows, columns).astype("float32")
        c_, r = random.rand(rows, 1).astype("float32"), random.randn(columns).astype("float32")
        wide = random.randn(rows, 2 * columns).astype("float32")
        for same in (a, np.asfortranarray(a), wide[:, ::2], wide[:, columns:], wide[::-1, :columns], a[:, ::-1]):
            ours, theirs = by_rows(same, b, c_, r), by_strides(same, b, c_, r)
            for x, y in zip(ours, theirs):
                np.testing.assert_array_equal(x, y)
            np.testing.assert_allclose(ours[0], same + np.float32(0.1) * b / c_ + r, rtol=1e-4, atol=1e-5)


def test_rows_of_elements_of_maps():
    """Maps with rows that are neighbours or not, and a factor for each map."""
    x, factors = at.ftensor4(), at.TensorType("float32", (None, None, 1, 1))()
    scaled = aesara.function([x, factors], x * factors, mode=c.mode())
    random = np.random.RandomState(0)
    maps, f = random.randn(2, 3, 8, 10).astype("float32"), random.randn(2, 3, 1, 1).astype("float32")
    for part in (maps, maps[:, :, ::-2], maps[:, ::-1, 1:, 5:], maps[..., ::3], maps.transpose(0, 1, 3, 2)):
        np.testing.assert_array_equal(scaled(part, f), part * f)


@pytest.mark.parametrize("static, shapes", [((1, 1), [(1, 1)]), ((None, None), [(1, 1), (3, 40), (1, 40)])])
def test_rows_of_elements_in_place(static, shapes):
    """The result takes the place of an input, also where all arrays are one element by their types."""
    one, x = at.TensorType("float32", (1, 1))(), at.TensorType("float32", static)()
    divided = Elemwise(scalar.true_divide, {0: 1})(one, x)
    divide = aesara.function([one, In(x, mutable=True)], divided, mode=c.mode(), accept_inplace=True)
    for shape in shapes:
        eights = np.full(shape, 8, "float32")
        result = divide(np.full((1, 1), 2, "float32"), eights)
        np.testing.assert_array_equal(result, np.full(shape, 0.25))
        assert result is eights


def test_what_lets_rows_of_elements_be_vectorised():
    """Strides of 1 that g++ can see, nothing that may overlap, and the flag for loops after many checks."""
    x, column = at.fmatrix(), at.TensorType("float32", (None, 1))()
    node = Elemwise(scalar.mul)(x, column).owner
    loop = node.op._c_all(node, "n", ["x", "column"], ["y"], {"fail": ""})[3]
    assert "if (x_stride1 == 1 && y_stride1 == 1)" in loop and "x_row[row_i]" in loop and "#pragma GCC ivdep" in loop
    compiler = Path(aesara.config.cxx).name
    assert ("-fno-guess-branch-probability" in node.op.c_compile_args()) == (
        "g++" in compiler and "clang" not in compiler
    )


def compiled_with(make_loop, inputs, outputs, monkeypatch):
    """A function whose elementwise C code has these loops, and no module from the cache."""
    version = (id(make_loop),)
    with monkeypatch.context() as changed:
        changed.setattr(elemwise_cgen, "make_reordered_loop", make_loop)
        changed.setattr(Elemwise, "c_code_cache_version_apply", lambda self, node: version)
        return aesara.function(inputs, outputs, mode=c.mode())


@pytest.mark.parametrize("float_type", ["float32", "float64"])
def test_types_of_constants(float_type):
    """The smallest that represents a number exactly, except for floats where ``floatX`` is float32."""
    values = {1: "int8", 127: "int8", 128: "int16", -129: "int16", 40000: "int32", 2**31: "int64"}
    values |= {0.5: "float32", 1.1: float_type, -1e300: float_type}
    with aesara.config.change_flags(floatX=float_type), np.errstate(over="ignore"):
        for value, expected in values.items():
            assert at.constant(value).dtype == expected, value
        for value in (np.float64(0.5), np.float32(1.1)):
            assert at.constant(value).dtype == value.dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_without_a_compiler(dtype):
    """MRG's Python method draws the same numbers as its C code, except for the rounding of the last product."""
    drawn = []
    for mode in (c.mode(), aesara.compile.mode.Mode(linker="py", optimizer=None)):
        streams = rng_mrg.MRG_RandomStream(7)
        drawn.append(aesara.function([], streams.uniform((5, 3), dtype=dtype), mode=mode)())
    assert drawn[0].dtype == dtype
    np.testing.assert_array_max_ulp(*drawn, maxulp=1)


@pytest.mark.parametrize("change, numeric", [(at.inc_subtensor, np.add.at), (at.set_subtensor, np.ndarray.__setitem__)])
def test_rows_that_are_picked_are_changed(change, numeric):
    x, w = at.fmatrix(), np.arange(12, dtype="float32").reshape(4, 3)
    changed = aesara.function([x], change(x[[0, 2, 2]], 7), mode=c.mode())(w)
    numeric(w, [0, 2, 2], 7)
    np.testing.assert_array_equal(changed, w)


def test_loops():
    x, w = at.fmatrix(), np.arange(12, dtype="float32").reshape(4, 3)
    sums, changes = aesara.scan(lambda row, before: before + row, sequences=[x], outputs_info=[at.zeros_like(x[0])])
    np.testing.assert_array_equal(aesara.function([x], sums, updates=changes, mode=c.mode())(w), w.cumsum(axis=0))


def test_names_that_numpy_2_removed():
    aliases.restore()
    assert np.cast["float32"](1.1).dtype == "float32" and np.sctype2char("int64") == np.dtype("int64").char
    with pytest.raises(np.AxisError):
        np.zeros(2).sum(axis=3)
    assert issubclass(np.ComplexWarning, Warning)


@pytest.mark.parametrize("version, repaired", [(repairs.REPAIRED_VERSION, True), ("2.9.5", False), ("3.0.0", False)])
def test_another_version_is_left_alone(monkeypatch, version, repaired):
    def theirs(self, img, kern):
        raise NotImplementedError

    monkeypatch.setattr(CorrMM, "make_node", theirs)
    monkeypatch.setattr(aesara, "__version__", version)
    repairs.repair()
    assert (CorrMM.make_node is not theirs) == repaired
