"""Fused operations in JAX against the plain bricks in Python, which need no compiler."""

import inspect
from itertools import combinations, product

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

from compare import Graph, assert_all_close, normals
from golden.evaluate import PYTHON

from ladder import bricks, fused
from ladder.backends import jax as jax_backend
from ladder.bricks import optimiser as formulas
from ladder.bricks.encoder import activate
from ladder.optimisation import CONSTANTS, OPTIMISERS

jax_backend.configure()

STD = 0.3
#: Examples and units; examples, maps, height and width.
MATRIX, MAPS = (9, 37), (3, 5, 4, 6)


@pytest.fixture(autouse=True, scope="module")
def without_compiler():
    """As with the JAX backend: Aesara folds constants in Python."""
    with aesara.config.change_flags(cxx=""):
        yield


class JaxGraph(Graph):
    """A graph that JAX compiles to one function."""

    def compile(self, keys):
        outputs = [x for key in keys for x in self.made[key].values()]
        return jax_backend.function(list(self.variables.values()), outputs)


def graph_of(module, shapes):
    """The graph of the bricks in Python, or of fused operations in JAX."""
    if module is bricks:
        return Graph(shapes, plain=True)
    return JaxGraph(shapes, plain=False)


def rows_unknown(shapes):
    """Shapes for types: the number of examples is known only when a function is called."""
    return {name: (None, *shape[1:]) if len(shape) > 1 and shape[0] != 1 else shape for name, shape in shapes.items()}


def assert_as_the_bricks(build, shapes, values):
    """``build(module, graph)`` adds outputs to a graph; each must match the plain brick's in Python."""
    found, expected = {}, {}
    for module, results in ((fused, found), (bricks, expected)):
        graph = graph_of(module, rows_unknown(shapes))
        build(module, graph)
        results.update(graph.compiled()(**values))
    assert found.keys() == expected.keys()
    for key, outputs in expected.items():
        # Fused operations return a gradient of 0 where the brick has none.
        for name in found[key].keys() - outputs.keys():
            assert not found[key].pop(name).any(), (key, name)
        assert_all_close(found[key], outputs, name=key)


# --- The encoder

ACTS = ["relu", "leakyrelu", "linear", "sigmoid", "softplus", "elu:0.5"]
OUTPUTS = ("z", "h", "m", "s")
#: Whether there are b, c and noise.
VARIANTS = list(product((False, True), repeat=3))
NOTHING, EVERYTHING = VARIANTS[0], VARIANTS[-1]
#: Every choice of outputs that have a gradient.
SUBSETS = [subset for k in range(1, 5) for subset in combinations(OUTPUTS, k)]


def encoder_shapes(shape):
    row, vector = (1, shape[1], *[1] * (len(shape) - 2)), (shape[1],)
    return dict(z_pre=shape, noise=shape, b=vector, c=vector, gz=shape, gh=shape, gm=row, gs=row)


def encoders(act, subsets):
    """``subsets``: (variant, [outputs with a gradient, …])."""

    def build(module, graph):
        for variant, wanted in subsets:
            given = dict(zip(("b", "c", "noise"), variant))
            noise, b, c = (graph.variables[name] if given[name] else None for name in ("noise", "b", "c"))
            z, m, s, h = module.encode(graph.variables["z_pre"], noise, STD, b, c, act)
            outputs = graph.made[variant, ()] = dict(z=z, h=h, m=m, s=s)
            for subset in wanted:
                graph.add_gradients((variant, subset), {name: outputs[name] for name in subset}, ("z_pre", "b", "c"))

    return build


@pytest.mark.parametrize("shape", [MATRIX, MAPS], ids=str)
@pytest.mark.parametrize("act", ACTS)
def test_encoder(act, shape):
    """With and without b, c and noise."""
    shapes = encoder_shapes(shape)
    values = normals(shapes)
    values.update(z_pre=3 * values["z_pre"] + 1, c=1 + values["c"] / 3)
    variants = VARIANTS if act == "relu" and shape is MATRIX else [NOTHING, EVERYTHING]
    assert_as_the_bricks(encoders(act, [(variant, [OUTPUTS]) for variant in variants]), shapes, values)


@pytest.mark.parametrize("shape", [(9, 36), (3, 6, 4, 6)], ids=str)
def test_maxout(shape):
    """With equal pieces, as all entries of b are the same."""
    shapes = encoder_shapes(shape)
    shapes["gh"] = (shape[0], shape[1] // 3, *shape[2:])
    values = normals(shapes)
    values["z_pre"][:, 0] = values["z_pre"][:, shape[1] // 3]
    values["b"][:] = values["b"][0]
    values["noise"][:, 0] = values["noise"][:, shape[1] // 3]
    assert_as_the_bricks(encoders("maxout:3", [((True, False, True), [OUTPUTS])]), shapes, values)


@pytest.mark.parametrize("shape", [MATRIX, MAPS], ids=str)
def test_gradients_of_any_outputs_of_an_encoder(shape):
    shapes = encoder_shapes(shape)
    values = normals(shapes)
    assert_as_the_bricks(encoders("sigmoid", [(EVERYTHING, SUBSETS)]), shapes, values)


def test_a_dead_unit_of_an_encoder():
    shapes = encoder_shapes((8, 3))
    values = normals(shapes)
    values["z_pre"][:, 1] = 0.5
    build = encoders("relu", [(NOTHING, []), (EVERYTHING, [("z",)])])
    found = graph_of(fused, shapes)
    build(fused, found)
    found = found.compiled()(**values)
    assert (found[NOTHING, ()]["z"][:, 1] == 0).all() and (found[NOTHING, ()]["s"][:, 1] == 0).all()
    assert np.abs(found[EVERYTHING, ("z",)]["z_pre"][:, 1]).max() > 1e4


def test_nan_stays_in_its_unit():
    shapes = encoder_shapes(MATRIX)
    values = normals(shapes)
    values["z_pre"][2, 5] = np.nan
    graph = graph_of(fused, shapes)
    encoders("relu", [(EVERYTHING, [OUTPUTS])])(fused, graph)
    for outputs in graph.compiled()(**values).values():
        for name in outputs.keys() & {"z", "h", "s", "z_pre"}:
            bad = np.isnan(outputs[name])
            assert bad[:, 5].all() and bad.sum() == len(bad), name


# --- The decoder

#: Decoder functions, and whether they get u.
DECODERS = [
    (name, has_u)
    for name in bricks.decoder.DECODERS
    for has_u in (True, False)
    if name and (has_u or name not in ("relu", "sigmoid"))
]
ESTIMATE_AND_COST = ("z_est", "cost")


def parameters_of(decoder, has_u):
    """Name -> first value."""
    made = {}

    def new(init, name, shape=None):
        made.setdefault(name, init if shape is None else np.full(shape, init))
        return at.fvector(name) if shape is None else at.TensorType("float32", shape=shape)(name)

    z = at.fmatrix()
    bricks.denoise(decoder, z if has_u else None, z, z, None, None, new, new)
    return made


def decoder_shapes(decoder, has_u, shape, u=None):
    row = (1, shape[1], *[1] * (len(shape) - 2))
    parameters = {name: np.shape(first) or shape[1:2] for name, first in parameters_of(decoder, has_u).items()}
    return dict(u_pre=u or shape, z_corr=shape, z_clean=shape, m=row, s=row, **parameters, gz_est=shape, gcost=())


def decoders(decoder, has_u, subsets):
    """With and without statistics; ``subsets``: outputs that have a gradient."""

    def build(module, graph):
        v = graph.variables
        make = lambda init, name, shape=None: v[name]
        wrt = [name for name in v if name not in ("gz_est", "gcost")]
        for has_statistics in (False, True):
            statistics = (v["m"], v["s"]) if has_statistics else (None, None)
            u_pre = v["u_pre"] if has_u else None
            z_est, cost = module.denoise(decoder, u_pre, v["z_corr"], v["z_clean"], *statistics, make, make)
            outputs = graph.made[has_statistics, ()] = dict(z_est=z_est, cost=cost)
            for subset in subsets:
                graph.add_gradients((has_statistics, subset), {name: outputs[name] for name in subset}, wrt)

    return build


def assert_decoder(decoder, has_u, shape, subsets=(ESTIMATE_AND_COST,), u=None):
    shapes = decoder_shapes(decoder, has_u, shape, u)
    values = normals(shapes)
    for name, first in parameters_of(decoder, has_u).items():
        values[name] = np.float32(first) + values[name] / 2
    values.update(u_pre=3 * values["u_pre"] + 1, s=values["s"] ** 2 + np.float32(0.1))
    assert_as_the_bricks(decoders(decoder, has_u, subsets), shapes, values)


@pytest.mark.parametrize("decoder, has_u", DECODERS)
def test_decoder(decoder, has_u):
    assert_decoder(decoder, has_u, MATRIX)


@pytest.mark.parametrize("decoder, has_u, shape", [("amlp:2:3", True, MAPS), ("mlp:2", False, MATRIX)])
def test_small_networks(decoder, has_u, shape):
    assert_decoder(decoder, has_u, shape)


@pytest.mark.parametrize("decoder, has_u", [("gauss", True), ("gauss", False), ("relu", True)])
def test_decoder_of_maps(decoder, has_u):
    assert_decoder(decoder, has_u, MAPS)


@pytest.mark.parametrize("decoder, has_u", [("gauss", True), ("lin", True)])
def test_gradients_of_the_estimate_or_the_cost_alone(decoder, has_u):
    assert_decoder(decoder, has_u, MATRIX, [("z_est",), ("cost",)])


def test_decoder_below_global_pooling():
    """Every pixel gets the same u."""
    assert_decoder("sig", True, MAPS, u=(*MAPS[:2], 1, 1))


# --- Convolutions, pooling and Adam


def assert_same(build, inputs, arrays, exact=False):
    """``build(module)`` -> outputs: those of the fused module in JAX match those of the bricks in Python."""
    found = jax_backend.function(inputs, build(fused))(*arrays)
    expected = aesara.function(inputs, build(bricks), mode=PYTHON, on_unused_input="ignore")(*arrays)
    for k, (one, true) in enumerate(zip(found, expected, strict=True)):
        assert one.shape == true.shape
        atol = 0 if exact else 2e-5 * np.abs(true).max()
        np.testing.assert_allclose(one, true, rtol=0 if exact else 2e-5, atol=atol, err_msg=f"output {k}")


def maps(name, *shape):
    return at.TensorType("float32", shape=(None, *shape))(name)


def filters(name, *shape):
    return at.TensorType("float32", shape=shape)(name)


def test_convolutions():
    """Both borders, strides that divide the sides or do not, both gradients, and a gradient of a gradient."""
    x, W = maps("x", 3, 8, 7), filters("W", 4, 3, 3, 3)

    def build(module):
        for border, stride in product(("valid", "full"), (1, 2, 3)):
            y = module.convolve(x, W, border, stride)
            dx, dW = at.grad((y * at.cos(y)).sum(), [x, W])
            yield from (y, dx, dW)
            if stride < 3:
                yield at.grad(at.square(dW).sum(), x)

    arrays = normals(dict(x=(2, 3, 8, 7), W=(4, 3, 3, 3)))
    assert_same(lambda module: list(build(module)), [x, W], [arrays["x"] / 2, arrays["W"] / 3])


def test_deconvolutions():
    """The largest possible result, and a cropped one."""
    z, W = maps("z", 3, 4, 3), filters("W", 2, 3, 3, 3)

    def build(module):
        for border, stride in product(("valid", "full"), (1, 2)):
            # What lies beyond is cut off by the brick, too.
            whole = [n * stride + (-2 if border == "full" else 2) for n in (4, 3)]
            for shape in (whole, [max(1, n - 1) for n in whole]):
                y = module.deconvolve(z, W, border, stride, shape)
                yield from (y, *at.grad((y * at.cos(y)).sum(), [z, W]))

    arrays = normals(dict(z=(2, 3, 4, 3), W=(2, 3, 3, 3)))
    assert_same(lambda module: list(build(module)), [z, W], [arrays["z"] / 2, arrays["W"] / 3])


@pytest.mark.parametrize("rounded", [False, True], ids=["", "with ties"])
def test_max_pooling_and_unpooling(rounded):
    """To the bit: windows that are adjacent, overlapping, apart, larger than the maps, or incomplete."""
    x = maps("x", 5, 7, 8)

    def build(module):
        for size, stride in [(2, 2), (3, 3), (3, 2), (3, 1), (2, 3), (9, 9)]:
            y = module.max_pool(x, size, stride)
            # Whole numbers, whose sums are exact.
            weights = at.cast(at.arange(y.size) % 19 - 9, "float32").reshape(y.shape)
            yield from (y, at.grad((y * weights).sum(), x))
            if size == stride:
                yield module.unpool(y, size, (7, 8))

    (array,) = normals(dict(x=(3, 5, 7, 8))).values()
    array = np.maximum(0, np.round(array)) if rounded else array
    assert_same(lambda module: list(build(module)), [x], [array], exact=True)


def test_mean_pooling():
    x = maps("x", 5, 7, 8)

    def build(module):
        for size, stride in [(2, 2), (3, 3), (3, 2), (2, 3), (9, 9)]:
            y = module.mean_pool(x, size, stride)
            yield from (y, at.grad(at.square(y).sum(), x))

    assert_same(lambda module: list(build(module)), [x], list(normals(dict(x=(3, 5, 7, 8))).values()))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name):
    """For a scalar, a vector, a matrix, filters, and many numbers."""
    formula = getattr(formulas, name)
    buffers = [kind for kind in list(inspect.signature(formula).parameters)[3:] if kind not in CONSTANTS]
    rate, inputs, arrays = at.fscalar(), [], []
    for shape in [(), (15,), (45, 100), (2, 3, 3, 3), (60001,)]:
        names = ["gradient", "parameter", *buffers]
        inputs.append([filters(name, *shape) for name in names])
        values = normals(dict.fromkeys(names, shape), seed=len(shape))
        arrays += [x if kind in ("gradient", "parameter", "mean", "velocity") else x**2 for kind, x in values.items()]

    def build(module):
        for constants in ({}, dict.fromkeys(CONSTANTS, 0.1)):
            constants = {
                k: np.float32(v) for k, v in {**OPTIMISERS[name], **constants}.items() if k in OPTIMISERS[name]
            }
            for gradient, *state in inputs:
                yield from module.optimiser_step(formula, state, gradient, rate, **constants)
        yield from (module.sum_of_squares(gradient) for gradient, *_ in inputs)

    variables = [*(x for variables in inputs for x in variables), rate]
    assert_same(lambda module: list(build(module)), variables, [*arrays, np.float32(0.01)])


# --- A hazard


@pytest.mark.parametrize("act", ["relu", "leakyrelu"])
def test_pooling_finds_what_was_largest_though_xla_computes_it_anew(act):
    """If XLA fuses a product and a sum in only one of several kernels, x and max(x) can round differently."""
    sizes = dict(x=(8, 2, 12, 12), W=(16, 2, 3, 3), V=(8, 16, 3, 3), noise=(8, 16, 10, 10), b=(16,), g=(8, 8, 3, 3))
    x, W, V, noise, b, g = inputs = [
        filters(name, *shape) if name in "WVb" else maps(name, *shape[1:]) for name, shape in sizes.items()
    ]

    def build(module):
        """Only the gradient for the first layer's filters, of two layers, the first of which is pooled."""
        *_, h = module.encode(module.convolve(x, W, "valid", 1), noise, STD, b, None, act)
        below = module.max_pool(h, 2, 2)
        *_, above = module.encode(module.convolve(below, V, "valid", 1), None, 0.0, None, None, act)
        return [at.grad((above * g).sum(), W)]

    assert_same(build, inputs, list(normals(sizes).values()))


@pytest.mark.parametrize("act", ["relu", "maxout:2"])
def test_pooling_of_what_a_pass_begins_with(act):
    """A z with noise and a direction added, as with ``--adv-path layers``: the same hazard, without normalisation."""
    above = 16 // (2 if act == "maxout:2" else 1)
    sizes = dict(
        z=(8, 16, 10, 10), V=(8, above, 3, 3), noise=(8, 16, 10, 10), u=(8, 16, 10, 10), b=(16,), g=(8, 8, 3, 3)
    )
    z, V, noise, u, b, g = inputs = [
        filters(name, *shape) if name in "Vb" else maps(name, *shape[1:]) for name, shape in sizes.items()
    ]

    def build(module):
        h = activate(z + u * np.float32(0.37) + noise * np.float32(STD), b, None, act)
        *_, out = module.encode(module.convolve(module.max_pool(h, 2, 2), V, "valid", 1), None, 0.0, None, None, "relu")
        return at.grad((out * g).sum(), [u, z])

    assert_same(build, inputs, list(normals(sizes).values()))


def test_penalties_and_the_largest_norm():
    shapes = dict(W=MATRIX, g=MATRIX, filters=MAPS)

    def build(module, graph):
        W, g, filters = graph.variables.values()
        penalised = module.penalised(g, W, 0.3, 0.2)
        (new,) = module.optimiser_step(formulas.sgd, [W], penalised, np.float32(0.1))
        norm = at.sqrt(module.sum_of_squares(penalised))
        graph.made["update"] = {"W": module.within_norm(new, 2.0), "norm": at.cast(norm, "float32")}
        graph.made["others"] = {
            "penalised": module.penalised(g, W, 0.3, 0.0),
            "filters": module.within_norm(filters, 2.0),
            "sum": at.cast(module.sum_of_absolutes(W), "float32"),
        }

    assert_as_the_bricks(build, shapes, normals(shapes))
