"""The decoder's operation against the brick of the same name, float64 and central differences."""

from functools import lru_cache
from types import SimpleNamespace

import aesara.tensor as at
import numpy as np
import pytest
from compare import (
    MAPS,
    SHAPES,
    TALL,
    Graph,
    assert_all_close,
    assert_nothing_leaks,
    assert_refused,
    assert_same_bits,
    assert_slopes,
    bits,
    central_differences,
    double,
    normals,
    pixels_as_rows,
    shortened,
    spoilt,
    strided,
    too_large,
)
from golden.numpy_ladder import WITH_U, WITHOUT_U, normalize

from ladder import bricks, fused

#: Decoder functions, and whether they get u.
CASES = [(name, True) for name in WITH_U] + [(name, False) for name in WITHOUT_U]
OUTPUTS = ("z_est", "cost")
#: The cases in IN_PARTS are also tested without statistics, where z_est is compared as it is, and with gradients for
#: one output alone.  Neither depends on the decoder function, and each is another kernel to compile.
SUBSETS = [("z_est",), ("cost",), OUTPUTS]
IN_PARTS = [("gauss", True), ("lin", True)]


def parameters_of(module, decoder, has_u):
    """Name -> (first value, maker) in the order of creation."""
    made = {}

    def maker(kind):
        def new(init, name):
            made.setdefault(name, (init, kind))
            return at.fvector(name)

        return new

    z, u = at.fmatrix(), at.fmatrix() if has_u else None
    module.denoise(decoder, u, z, z, None, None, maker("w"), maker("b"))
    return made


def shapes(decoder, has_u, rows=None, units=None):
    """Shapes of the inputs and of the gradients for the outputs, by name."""
    matrix, row, vector = (rows, units), (1, units), (units,)
    parameters = {name: vector for name in parameters_of(bricks, decoder, has_u)}
    return dict(u_pre=matrix, z_corr=matrix, z_clean=matrix, m=row, s=row, **parameters, gz_est=matrix, gcost=())


ARRAYS = [name for name, shape in shapes("gauss", True).items() if shape]


def arrays(decoder, has_u, rows, units):
    values = normals(shapes(decoder, has_u, rows, units))
    for name, (first, _) in parameters_of(bricks, decoder, has_u).items():
        values[name] = np.float32(first) + values[name] / 2
    return {**values, "u_pre": 3 * values["u_pre"] + 1, "s": values["s"] ** 2 + np.float32(0.1)}


def build(module, decoder, has_u, subsets=None, shapes_of=shapes):
    """(has statistics, ()) -> outputs, (has statistics, outputs with a gradient) -> gradients of the inputs."""
    in_parts = (decoder, has_u) in IN_PARTS
    subsets = subsets or (SUBSETS if in_parts else [OUTPUTS])
    graph = Graph(shapes_of(decoder, has_u), plain=module is bricks)
    v = graph.variables
    make = lambda init, name: v[name]
    wrt = [name for name in v if name not in ("gz_est", "gcost")]
    for has_statistics in (False, True) if in_parts else (True,):
        statistics = (v["m"], v["s"]) if has_statistics else (None, None)
        u_pre = v["u_pre"] if has_u else None
        z_est, cost = module.denoise(decoder, u_pre, v["z_corr"], v["z_clean"], *statistics, make, make)
        outputs = graph.made[has_statistics, ()] = dict(z_est=z_est, cost=cost)
        for subset in subsets:
            graph.add_gradients((has_statistics, subset), {name: outputs[name] for name in subset}, wrt)
    return graph.compiled()


@lru_cache(maxsize=None)
def graph(decoder, has_u):
    return build(fused, decoder, has_u)


def everything(**values):
    """Outputs and gradients for both, by name, of ``gauss`` with statistics."""
    found = graph("gauss", True)(**values)
    return {**found[True, ()], **{"d" + name: x for name, x in found[True, OUTPUTS].items()}}


def truth(decoder, has_u, has_statistics, values):
    """z_est, and each unit's part of the cost."""
    v = SimpleNamespace(**values)
    if has_u:
        z_est = WITH_U[decoder](v.z_corr, normalize(v.u_pre, v.u_pre.mean(0), v.u_pre.var(0)), v)
    else:
        z_est = WITHOUT_U[decoder](v.z_corr, v)
    compared = normalize(z_est, v.m, v.s) if has_statistics else z_est
    return z_est, ((compared - v.z_clean) ** 2).mean(0) / z_est.shape[1]


def true_gradients(decoder, has_u, has_statistics, subset, values, step=1e-6):
    """Gradients by input name, for the inputs that an output depends on."""

    def losses(**moved):
        z_est, cost = truth(decoder, has_u, has_statistics, {**values, **moved})
        parts = dict(z_est=(values["gz_est"] * z_est).sum(0), cost=values["gcost"] * cost)
        return sum(parts[name] for name in subset)

    names = ["u_pre"] * (has_u and decoder not in ("i", "lin")) + ["z_corr", *parameters_of(bricks, decoder, has_u)]
    names += ["z_clean"] * ("cost" in subset) + ["m", "s"] * ("cost" in subset and has_statistics)
    return central_differences(losses, {name: values[name] for name in names}, step)


def test_all_functions_are_tested():
    assert set(bricks.decoder.DECODERS) == {"", *WITH_U}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_and_gradients(case, shape):
    values = arrays(*case, *shape)
    found, values = graph(*case)(**values), double(values)
    for (has_statistics, subset), outputs in found.items():
        if subset:
            expected = true_gradients(*case, has_statistics, subset, values)
        else:
            z_est, cost = truth(*case, has_statistics, values)
            expected = dict(z_est=z_est, cost=cost.sum())
        assert_all_close(outputs, expected, name=(has_statistics, subset))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_as_the_plain_brick(case):
    """Also with units that are dead above or below, whose gradients are far larger."""
    values = arrays(*case, 8, 45)
    values["u_pre"][:, 3] = 0.5
    values["s"][:, 40] = 0
    found, expected = graph(*case)(**values), build(bricks, *case, [OUTPUTS])(**values)
    for key in expected:
        if key[1]:  # some functions do not use z
            expected[key].setdefault("z_corr", np.zeros((8, 45)))
        for columns in ([3], [40], [i for i in range(45) if i not in (3, 40)]):
            assert_all_close(found[key], expected[key], columns, key)


def test_gradients_of_a_dead_unit_above():
    values = arrays("gauss", True, 12, 34)
    values["u_pre"][:, 33] = 0.25
    found = graph("gauss", True)(**values)[False, ("z_est",)]
    expected = true_gradients("gauss", True, False, ("z_est",), double(values), step=1e-9)
    assert np.abs(expected["u_pre"][:, 33]).max() > 1e4
    assert_all_close(found, expected, [33])


@pytest.mark.parametrize("constant", [0, 0.1, -1e-20, 12345.678])
def test_a_dead_unit_above_is_exactly_0(constant):
    """A sum of 16 equal values has no rounding error if it is computed in double."""
    values = arrays("relu", True, 16, 40)
    values["u_pre"][:, 35], values["b"][35] = constant, 0.25
    assert (graph("relu", True)(**values)[True, ()]["z_est"][:, 35] == 0.25).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("name", ["u_pre", "z_corr", "z_clean", "m", "s"])
def test_what_is_not_finite_shows_in_its_unit_and_the_cost(name, bad):
    """Only an infinite variance leaves everything finite: its unit comes out as 0."""
    values = arrays("gauss", True, 9, 37)
    good, found = everything(**values), everything(**spoilt(values, name, bad, 35))
    others = np.arange(37) != 35
    for key in set(found) - {"cost"}:
        np.testing.assert_array_equal(found[key][..., others], good[key][..., others], key)
    reached = dict(u_pre=["z_est", "du_pre", "dz_corr", "da1"], z_corr=["z_est", "dz_corr", "du_pre"])
    infinite_variance = (name, bad) == ("s", np.inf)
    assert np.isfinite(found["cost"]) == infinite_variance
    for key in [] if infinite_variance else reached.get(name, ["dz_corr", "dz_clean", "du_pre"]):
        assert not np.isfinite(found[key][..., 35]).all(), key
    if name == "u_pre":
        assert np.isnan(found["z_est"][:, 35]).all() and np.isnan(found["du_pre"][:, 35]).all()


@pytest.mark.parametrize("case", [case for case in CASES if case[1] and case[0] not in ("i", "lin")], ids=str)
def test_nan_above_is_nan_below(case):
    values = spoilt(arrays(*case, 9, 37), "u_pre", np.nan, 35)
    for (has_statistics, subset), found in graph(*case)(**values).items():
        expected = np.arange(37) == 35
        name = "u_pre" if subset else "z_est"
        assert (np.isnan(found[name]) == expected).all(), (has_statistics, subset)


@pytest.mark.parametrize("name", ARRAYS)
def test_elements_may_lie_anywhere_in_memory(name):
    values = arrays("gauss", True, 9, 37)
    expected = bits(everything(**values).values())
    for array in strided(values[name]):
        assert bits(everything(**{**values, name: array}).values()) == expected


@pytest.mark.parametrize("name", ARRAYS)
def test_wrong_sizes(name):
    """They are refused, and correct sizes still work afterwards."""
    values = arrays("gauss", True, 6, 8)
    expected = bits(everything(**values).values())
    for wrong in shortened(values[name]):
        assert_refused(graph("gauss", True).function, {**values, name: wrong}.values())
    assert bits(everything(**values).values()) == expected


@pytest.mark.parametrize("name", ["u_pre", "z_corr", "z_clean", "m", "s", "a1"])
def test_wrong_types(name):
    for wrong in (at.TensorType("float64", shape=shapes("gauss", True)[name])(), at.ftensor3(), at.fscalar()):
        v = {**Graph(shapes("gauss", True), plain=False).variables, name: wrong}
        signals = (v[key] for key in ("u_pre", "z_corr", "z_clean", "m", "s"))
        with pytest.raises(TypeError, match="float32"):
            fused.denoise("gauss", *signals, *[lambda init, name: v[name]] * 2)


# --- Many rows, and maps


@pytest.mark.parametrize("shape", TALL, ids=str)
def test_tall_matrices(shape):
    values = arrays("gauss", True, *shape)
    found, values = graph("gauss", True)(**values), double(values)
    for has_statistics in (False, True):
        z_est, cost = truth("gauss", True, has_statistics, values)
        assert_all_close(found[has_statistics, ()], dict(z_est=z_est, cost=cost.sum()), name=has_statistics)

        def losses(**moved):
            z_est, cost = truth("gauss", True, has_statistics, moved)
            return (values["gz_est"] * z_est).sum(0) + values["gcost"] * cost

        assert_slopes(found[has_statistics, OUTPUTS], losses, values)


def test_tall_matrices_give_the_same_bits_with_any_number_of_threads():
    values = arrays("gauss", True, 5000, 33).values()
    assert_same_bits(lambda: graph("gauss", True).function(*values))


def shapes_of_maps(decoder, has_u, n=None, maps=None, height=None, width=None, u=None):
    """``u``: a separate shape for the signal from above."""
    matrix, row, vector = (n, maps, height, width), (1, maps, 1, 1), (maps,)
    parameters = {name: vector for name in parameters_of(bricks, decoder, has_u)}
    return dict(u_pre=u or matrix, z_corr=matrix, z_clean=matrix, m=row, s=row, **parameters, gz_est=matrix, gcost=())


def shapes_below_global_pooling(decoder, has_u, n=None, maps=None, height=None, width=None):
    return shapes_of_maps(decoder, has_u, n, maps, height, width, (n, maps, 1, 1))


def arrays_of_maps(shapes_of, *shape):
    values = normals(shapes_of("gauss", True, *shape))
    return {**values, "u_pre": 3 * values["u_pre"] + 1, "s": values["s"] ** 2 + np.float32(0.1)}


@lru_cache(maxsize=None)
def graph_of_maps(shapes_of=shapes_of_maps):
    return build(fused, "gauss", True, [OUTPUTS], shapes_of)


@pytest.mark.parametrize("shape", MAPS, ids=str)
def test_pixels_of_maps_are_rows(shape):
    """The estimate, the cost, and gradients for all inputs are the same to the bit."""
    values = arrays_of_maps(shapes_of_maps, *shape)
    found, expected = graph_of_maps()(**values), graph("gauss", True)(**pixels_as_rows(values))
    for key, outputs in found.items():
        assert outputs.keys() == expected[key].keys()
        for name, rows in pixels_as_rows(outputs).items():
            np.testing.assert_array_equal(rows, expected[key][name], err_msg=f"{key} {name}")


@pytest.mark.parametrize("shape", MAPS, ids=str)
def test_below_global_pooling_every_pixel_gets_the_same_u(shape):
    """As if u had been copied to every pixel; its gradient is the sum over pixels."""
    values = arrays_of_maps(shapes_below_global_pooling, *shape)
    found = graph_of_maps(shapes_below_global_pooling)(**values)
    copied = {**values, "u_pre": np.broadcast_to(values["u_pre"], shape).copy()}
    for key, expected in graph_of_maps()(**copied).items():
        for name, array in expected.items():
            array = array.sum((2, 3), keepdims=True) if name == "u_pre" else array
            size = np.abs(expected[name]).max()
            np.testing.assert_allclose(found[key][name], array, rtol=1e-6, atol=1e-5 * size, err_msg=f"{key} {name}")


@pytest.mark.parametrize("name", [name for name, shape in shapes_of_maps("gauss", True).items() if shape])
def test_maps_may_lie_anywhere_in_memory(name):
    values = arrays_of_maps(shapes_of_maps, 3, 5, 7, 6)
    expected = bits(graph_of_maps().function(*values.values()))
    for array in strided(values[name]):
        assert bits(graph_of_maps().function(*{**values, name: array}.values())) == expected


def test_maps_give_the_same_bits_with_any_number_of_threads():
    values = arrays_of_maps(shapes_of_maps, 10, 40, 9, 8).values()
    assert_same_bits(lambda: graph_of_maps().function(*values))


@pytest.mark.parametrize("name", ["u_pre", "z_corr", "z_clean", "m", "s", "a1", "gz_est"])
def test_wrong_sizes_of_maps(name):
    values = arrays_of_maps(shapes_of_maps, 3, 5, 4, 4)
    for shape in too_large(values[name].shape):
        assert_refused(graph_of_maps().function, {**values, name: np.zeros(shape, "float32")}.values())


def test_shapes_of_maps_need_no_numbers():
    values = arrays_of_maps(shapes_of_maps, 2, 3, 4, 5)
    found = graph_of_maps().shapes([(True, ()), (True, OUTPUTS)], **values)
    assert found == [(2, 3, 4, 5), (), *[(2, 3, 4, 5)] * 3, *[(1, 3, 1, 1)] * 2, *[(3,)] * 10]


def test_no_examples_and_no_units():
    found = everything(**arrays("gauss", True, 0, 40))
    assert found["z_est"].shape == found["du_pre"].shape == (0, 40) and np.isnan(found["cost"])
    for name in ("dm", "ds", "da1", "da10"):
        assert (found[name] == 0).all()
    assert everything(**arrays("gauss", True, 5, 0))["z_est"].shape == (5, 0)


def test_memory_kept_from_a_call_fits_the_next():
    """z_est stays allocated where it is not an output."""
    key = True, OUTPUTS
    gradients = graph("gauss", True).compile([key])
    for shape in [(9, 37), (9, 37), (5, 37), (9, 64), (21, 1003), (1, 1)]:
        values = arrays("gauss", True, *shape)
        assert bits(gradients(*values.values())) == bits(graph("gauss", True)(**values)[key].values())
    assert_nothing_leaks(lambda n: gradients(*arrays("gauss", True, n, 1003).values()))


def test_the_same_bits_from_call_to_call_and_with_any_number_of_threads():
    values = arrays("gauss", True, 21, 1003).values()
    assert_same_bits(lambda: graph("gauss", True).function(*values))


def test_shapes_need_no_numbers():
    found = graph("comparison_g3", True).shapes([(True, ()), (True, OUTPUTS)], **arrays("comparison_g3", True, 3, 4))
    assert found == [(3, 4), (), *[(3, 4)] * 3, *[(1, 4)] * 2, *[(4,)] * 4]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_parameters_as_the_plain_brick(case):
    """Names in order of creation, first values, and which ones are made as weights."""
    found, expected = (list(parameters_of(module, *case).items()) for module in (fused, bricks))
    assert found == expected


def test_each_parameter_is_made_once():
    made = []
    make = lambda init, name: made.append(name) or at.fvector()
    z = at.fmatrix()
    fused.denoise("comparison_g4", z, z, z, None, None, make, make)
    assert len(made) == len(set(made)) == 8


def test_no_decoder():
    assert fused.denoise("", None, at.fmatrix(), at.fmatrix(), None, None, None, None) == (None, None)


def test_weights_that_units_of_several_blocks_share():
    """The gradients of a perceptron's weights are sums over all units, here more than one block of columns."""
    own = {"W1": (3, 2), "b1": (2,), "W2": (2, 3), "b2": (3,), "W3": (3, 1), "b3": (1,)}

    def sizes(rows=None, units=None):
        matrix, row = (rows, units), (1, units)
        signals = dict(u_pre=matrix, z_corr=matrix, z_clean=matrix, m=row, s=row)
        return {**signals, **own, "gz_est": matrix, "gcost": ()}

    values, results = normals(sizes(9, 70)), []
    values.update(u_pre=3 * values["u_pre"] + 1, s=values["s"] ** 2 + np.float32(0.1))
    for module in (fused, bricks):
        graph = Graph(sizes(), plain=module is bricks)
        v = graph.variables
        signals = [v[name] for name in ("u_pre", "z_corr", "z_clean", "m", "s")]

        def make(init, name, shape=None):
            return v[name]

        outputs = dict(zip(OUTPUTS, module.denoise("amlp:2:3", *signals, make, make)))
        graph.made["outputs"] = outputs
        graph.add_gradients("gradients", outputs, ["u_pre", "z_corr", "z_clean", "m", "s", *own])
        results.append(graph.compiled()(**values))
    for key, expected in results[1].items():
        assert_all_close(results[0][key], expected, name=key)
