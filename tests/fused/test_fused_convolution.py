"""Fused convolutions and their gradients against sums over taps in float64, which are checked against SciPy."""

import platform
from functools import lru_cache

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from compare import (
    assert_all_close,
    assert_nothing_leaks,
    assert_refused,
    assert_same_bits,
    double,
    for_processors_without,
    normals,
    strided,
)
from scipy.signal import convolve2d, correlate2d

from ladder.backends import c, processor
from ladder.fused.convolution import Convolution, FilterGradient, convolve, deconvolve

BORDERS, STRIDES = ("valid", "full"), (1, 2, 3)

#: N, C, H, W, F, K: channels below, at and beyond a vector's width, few channels, large filters, one pixel, K of 1,
#: enough of everything for Winograd; filters wider than a vector over one map; few maps above, with so many pixels that
#: their products are computed in several turns; as many parts of a batch as there may be.
SIZES = [
    (2, 3, 9, 7, 5, 3),
    (1, 1, 8, 8, 1, 2),
    (3, 33, 7, 8, 40, 3),
    (2, 1, 12, 13, 50, 11),
    (13, 10, 5, 6, 33, 2),
    (2, 16, 12, 11, 96, 3),
    (2, 40, 10, 9, 3, 3),
    (5, 32, 9, 8, 1, 5),
    (9, 40, 3, 3, 20, 1),
    (3, 20, 7, 7, 3, 4),
    (1, 17, 5, 5, 31, 5),
    (40, 2, 1, 1, 3, 1),
    (2, 32, 17, 13, 64, 3),
    (7, 96, 6, 7, 32, 3),
    (3, 32, 15, 11, 32, 3),
    (4, 1, 19, 20, 37, 17),
    (33, 5, 24, 24, 3, 5),
    (3, 19, 5, 7, 10, 1),
    (32, 2, 32, 32, 70, 2),
]


def pairs(n, K, border, stride):
    """Along one axis: for each tap of the flipped filters, which outputs meet which inputs."""
    pad = 0 if border == "valid" else K - 1
    outputs = np.arange((n + 2 * pad - K) // stride + 1)
    for d in range(K):
        inputs = outputs * stride + d - pad
        there = (inputs >= 0) & (inputs < n)
        yield outputs[there], inputs[there]


def correlation(x, W, border, stride, g=None):
    """The correlation y in float64; given its gradient g, also the gradients for x and W."""
    K = W.shape[2]
    size = [(n + (K - 2 if border == "full" else -K)) // stride + 1 for n in x.shape[2:]]
    y, dx, dW = np.zeros((len(x), len(W), *size)), np.zeros(x.shape), np.zeros(W.shape)
    for d, (i_out, i_in) in enumerate(pairs(x.shape[2], K, border, stride)):
        for e, (j_out, j_in) in enumerate(pairs(x.shape[3], K, border, stride)):
            out, to = np.ix_(i_out, j_out), np.ix_(i_in, j_in)
            part = x[:, :, to[0], to[1]]
            y[:, :, out[0], out[1]] += np.einsum("ncij,fc->nfij", part, W[:, :, d, e])
            if g is not None:
                above = g[:, :, out[0], out[1]]
                dx[:, :, to[0], to[1]] += np.einsum("nfij,fc->ncij", above, W[:, :, d, e])
                dW[:, :, d, e] = np.einsum("nfij,ncij->fc", above, part)
    return {"y": y} if g is None else {"y": y, "dx": dx, "dW": dW}


def flip(W):
    return W[:, :, ::-1, ::-1]


def plain_convolve(x, W, g, border, stride):
    if stride > 1:
        return correlation(x, W, border, stride, g)
    found = correlation(x, flip(W), border, 1, g)
    return {**found, "dW": flip(found["dW"])}


def plain_deconvolve(z, W, g, border, stride, shape):
    spread = np.zeros((*z.shape[:2], *(n * stride for n in z.shape[2:])))
    spread[:, :, ::stride, ::stride] = z
    other = "full" if border == "valid" else "valid"
    whole = np.zeros(correlation(spread, W, other, 1)["y"].shape)
    whole[:, :, : shape[0], : shape[1]] = g
    found = plain_convolve(spread, W, whole, other, 1)
    return {
        "y": found["y"][:, :, : shape[0], : shape[1]],
        "dx": found["dx"][:, :, ::stride, ::stride],
        "dW": found["dW"],
    }


@lru_cache(maxsize=None)
def compiled(border, stride, decoder=False):
    """(x, W, g, [height, width]) -> y, and gradients for x and W."""
    x, W, g = (at.TensorType("float32", shape=(None,) * 4)(name) for name in "xWg")
    shape = [at.lscalar(), at.lscalar()] if decoder else []
    y = deconvolve(x, W, border, stride, shape) if decoder else convolve(x, W, border, stride)
    gradients = aesara.grad(None, [x, W], known_grads={y: g})
    return aesara.function([x, W, g, *shape], [y, *gradients], mode=Mode(linker=c.mode().linker, optimizer=None))


def run(arrays, border, stride, *shape):
    """Results by name; ``shape``: that of a decoder's result."""
    function = compiled(border, stride, bool(shape))
    return dict(zip(("y", "dx", "dW"), function(*(arrays[name] for name in "xWg"), *shape)))


def coarse(n, K, border, stride):
    return (n + (K - 2 if border == "full" else -K)) // stride + 1


def arrays_of(N, C, H, W, F, K, border, stride):
    small = [coarse(n, K, border, stride) for n in (H, W)]
    return normals(dict(x=(N, C, H, W), W=(F, C, K, K), g=(N, F, *small)))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("stride", STRIDES)
def test_convolution_and_gradients(border, stride):
    for sizes in SIZES:
        arrays = arrays_of(*sizes, border, stride)
        expected = plain_convolve(**double(arrays), border=border, stride=stride)
        assert_all_close(run(arrays, border, stride), expected, name=sizes)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("stride", STRIDES)
def test_deconvolution_and_gradients(border, stride):
    for N, C, H, W, F, K in SIZES:
        small = [coarse(n, K, border, stride) for n in (H, W)]
        arrays = normals(dict(x=(N, F, *small), W=(C, F, K, K), g=(N, C, H, W)))
        expected = plain_deconvolve(*double(arrays).values(), border, stride, (H, W))
        assert_all_close(run(arrays, border, stride, H, W), expected, name=(N, C, H, W, F, K))


@pytest.mark.parametrize("border", BORDERS)
def test_few_channels_of_any_width(border):
    """Rows of every length up to a little over two vectors, so many of them that they take several turns."""
    for width in range(3, 40):
        for sizes in [(1, 1, 19, width, 17, 3), (2, 3, 3, width, 2, 3)]:
            arrays = arrays_of(*sizes, border, 1)
            assert_all_close(
                run(arrays, border, 1), plain_convolve(**double(arrays), border=border, stride=1), name=sizes
            )


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_with_what_it_meets(border, value):
    for sizes in [(3, 2, 6, 7, 20, 3), (3, 20, 6, 7, 2, 3), (3, 32, 9, 9, 32, 3), (3, 20, 6, 7, 10, 1)]:
        arrays = arrays_of(*sizes, border, 1)
        arrays["x"][1, 0, 2, -1] = arrays["g"][1, 0, -1, 2] = value
        truth = {name: array[1:2] for name, array in double(arrays).items() if name != "W"}
        expected = plain_convolve(**truth, W=arrays["W"].astype("float64"), border=border, stride=1)
        found = run(arrays, border, 1)
        for name in ("y", "dx"):
            assert np.isfinite(found[name][[0, 2]]).all()
            assert (~np.isfinite(found[name][1:2]) >= ~np.isfinite(expected[name])).all()
            if sizes[1:] != (32, 9, 9, 32, 3):  # Winograd's tiles share what they meet
                assert (np.isfinite(found[name][1:2]) == np.isfinite(expected[name])).all()


@pytest.mark.parametrize("border", BORDERS)
def test_a_decoder_may_drop_more_than_it_must(border):
    arrays = normals(dict(x=(2, 3, 6, 7), W=(4, 3, 3, 3), g=(2, 4, 4, 5)))
    for stride in STRIDES:
        shape = arrays["g"].shape[2:]
        expected = plain_deconvolve(*double(arrays).values(), border, stride, shape)
        assert_all_close(run(arrays, border, stride, *shape), expected, name=stride)


def test_the_truth_is_scipys():
    arrays = double(normals(dict(x=(1, 1, 9, 8), W=(1, 1, 3, 3))))
    x, W = arrays["x"], arrays["W"]
    for border in BORDERS:
        y = correlation(x, flip(W), border, 1)["y"]
        np.testing.assert_allclose(y[0, 0], convolve2d(x[0, 0], W[0, 0], border))
        y = correlation(x, W, border, 2)["y"]
        np.testing.assert_allclose(y[0, 0], correlate2d(x[0, 0], W[0, 0], border)[::2, ::2])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags of x86 processors")
def test_narrower_vectors():
    """Compiled as for processors without AVX-512."""
    if processor.describe().get("vector_bits") == 256:
        pytest.skip("this processor has no wider vectors: the other tests compile for these")
    with for_processors_without("avx512f"):
        function = compiled.__wrapped__("full", 1)
    for sizes in SIZES:
        arrays = arrays_of(*sizes, "full", 1)
        found = dict(zip(("y", "dx", "dW"), function(*(arrays[name] for name in "xWg"))))
        assert_all_close(found, plain_convolve(**double(arrays), border="full", stride=1), name=sizes)


#: One for each way of feeding the tiles.
EVERY_WAY = [
    (2, 5, 6, 7, 4, 3),
    (2, 32, 9, 9, 32, 3),
    (2, 20, 6, 7, 40, 1),
    (2, 1, 19, 20, 37, 17),
    (2, 20, 7, 7, 20, 3),
]


@pytest.mark.parametrize("sizes", EVERY_WAY)
@pytest.mark.parametrize("border", BORDERS)
def test_memory_in_any_order(border, sizes):
    arrays = arrays_of(*sizes, border, 1)
    for name, array in arrays.items():
        for other in strided(array):
            found = run({**arrays, name: other}, border, 1)
            values = {**arrays, name: np.ascontiguousarray(other)}
            expected = run(values, border, 1)
            assert all(np.array_equal(found[key], expected[key]) for key in expected)


def test_threads_give_the_same_bits():
    for border in BORDERS:
        for sizes in [
            (40, 3, 12, 13, 40, 3),
            (30, 40, 10, 9, 3, 3),
            (9, 32, 15, 14, 64, 3),
            (50, 20, 6, 6, 33, 3),
            (20, 24, 7, 7, 10, 1),
        ]:
            arrays = arrays_of(*sizes, border, 1)
            assert_same_bits(lambda: run(arrays, border, 1).values())


def test_an_image_does_not_depend_on_its_batch():
    for channels in (1, 6, 32):
        arrays = arrays_of(23, channels, 9, 9, 32, 3, "full", 1)
        whole = run(arrays, "full", 1)
        for n in (0, 22):
            one = run({**arrays, "x": arrays["x"][n : n + 1], "g": arrays["g"][n : n + 1]}, "full", 1)
            for name in ("y", "dx"):
                assert np.array_equal(one[name][0], whole[name][n])


def test_nothing_leaks():
    assert_nothing_leaks(lambda n: [run(arrays_of(n, C, 6, 6, 32, 3, "valid", 1), "valid", 1) for C in (1, 64)])


def test_no_image():
    for border in BORDERS:
        arrays = arrays_of(0, 3, 5, 5, 4, 2, border, 1)
        found = run(arrays, border, 1)
        assert found["y"].shape == arrays["g"].shape and found["dx"].shape == arrays["x"].shape
        assert not found["dW"].any()


def test_gradients_of_gradients():
    """The operations' adjoints again: the gradients of <G, dW(x, g)> for x and g."""
    x, W, g, G = (at.TensorType("float32", shape=(None,) * 4)(name) for name in "xWgG")
    arrays = arrays_of(2, 3, 6, 5, 4, 3, "valid", 1)
    G_value = normals(dict(G=(4, 3, 3, 3)), seed=1)["G"]
    y = convolve(x, W, "valid", 1)
    dW = aesara.grad(None, W, known_grads={y: g})
    dx, dg = aesara.grad((dW * G).sum(), [x, g])
    found = aesara.function(
        [x, W, g, G], [dx, dg], mode=Mode(linker=c.mode().linker, optimizer=None), on_unused_input="ignore"
    )(*arrays.values(), G_value)
    truth = double(arrays)
    other = plain_convolve(truth["x"], G_value.astype("float64"), truth["g"], "valid", 1)
    assert_all_close(dict(zip(("dx", "dg"), found)), {"dx": other["dx"], "dg": other["y"]})


def test_static_shapes():
    x, W = at.TensorType("float32", shape=(None, 3, 9, 8))(), at.TensorType("float32", shape=(5, 3, 3, 3))()
    y = convolve(x, W, "valid", 1)
    assert y.type.shape == (None, 5, 7, 6)
    assert convolve(x, W, "full", 1).type.shape == (None, 5, 11, 10)
    assert convolve(x, W, "full", 2).type.shape == (None, 5, 6, 5)
    back = deconvolve(y, at.TensorType("float32", shape=(3, 5, 3, 3))(), "valid", 1, (9, 8))
    assert back.type.shape == (None, 3, 9, 8)
    dx, dW = aesara.grad(None, [x, W], known_grads={y: y})
    assert dx.type.shape == x.type.shape and dW.type.shape == W.type.shape


def test_bad_arguments():
    x, W = at.tensor4(dtype="float32"), at.tensor4(dtype="float32")
    with pytest.raises(ValueError):
        convolve(x, W, "half", 1)
    with pytest.raises(ValueError):
        Convolution(True, 0, False, False)
    with pytest.raises(TypeError):
        convolve(at.tensor4(dtype="float64"), W, "valid", 1)
    with pytest.raises(TypeError):
        FilterGradient(True, 1, False, False)(at.matrix(dtype="float32"), x, 3)
    with pytest.raises(TypeError):
        convolve(at.TensorType("float32", shape=(None, 1, 2, 2))(), np.zeros((1, 1, 3, 3), "float32"), "valid", 1)


def test_bad_shapes():
    arrays = arrays_of(2, 3, 5, 5, 4, 2, "valid", 1)
    for name, shape in [
        ("x", (2, 4, 5, 5)),
        ("W", (4, 3, 2, 1)),
        ("W", (4, 3, 7, 7)),
        ("g", (3, 4, 4, 4)),
        ("g", (2, 5, 4, 4)),
    ]:
        values = {**arrays, name: np.zeros(shape, "float32")}
        with pytest.raises(ValueError, match="convolution"):
            run(values, "valid", 1)
    assert_refused(compiled("valid", 1), [values[name] for name in "xWg"])
