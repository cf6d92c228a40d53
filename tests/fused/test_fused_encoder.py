"""The encoder's operation against the brick of the same name, float64 and central differences."""

from functools import lru_cache
from itertools import product

import aesara.tensor as at
import numpy as np
import pytest
from aesara.gradient import DisconnectedInputError
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
from golden.numpy_ladder import ACTIVATIONS, normalize

from ladder import bricks, fused

ACTS = ["relu", "leakyrelu", "linear", "sigmoid", "softplus"]
STD = 0.3
OUTPUTS = ("z", "h", "m", "s")
#: Whether there are b, c and noise.
VARIANTS = list(product((False, True), repeat=3))
NOTHING, EVERYTHING = VARIANTS[0], VARIANTS[-1]
#: Which outputs have a gradient: each alone, those of a layer that is not compared, only the compared ones, all.
SUBSETS = [*((name,) for name in OUTPUTS), ("z", "h"), ("z", "m", "s"), OUTPUTS]


def variants(act):
    """All for one activation, two for the others: what b, c and noise do does not depend on it."""
    return VARIANTS if act == "sigmoid" else [NOTHING, EVERYTHING]


def shapes(rows=None, units=None):
    """Shapes of the inputs and of the gradients for the outputs, by name."""
    matrix, row, vector = (rows, units), (1, units), (units,)
    return dict(z_pre=matrix, noise=matrix, b=vector, c=vector, gz=matrix, gh=matrix, gm=row, gs=row)


def arrays(rows, units):
    values = normals(shapes(rows, units))
    return {**values, "z_pre": 3 * values["z_pre"] + 1, "c": 1 + values["c"] / 3}


def build(module, act, subsets, shapes=shapes()):
    """(variant, ()) -> outputs, (variant, outputs with a gradient) -> gradients of the inputs; by name."""
    graph = Graph(shapes, plain=module is bricks)
    for variant in subsets:
        has_b, has_c, noisy = variant
        given = dict(b=has_b, c=has_c, noise=noisy)
        noise, b, c = (graph.variables[name] if given[name] else None for name in ("noise", "b", "c"))
        z, m, s, h = module.encode(graph.variables["z_pre"], noise, STD, b, c, act)
        outputs = graph.made[variant, ()] = dict(z=z, h=h, m=m, s=s)
        for subset in subsets[variant]:
            graph.add_gradients((variant, subset), {name: outputs[name] for name in subset}, ("z_pre", "b", "c"))
    return graph.compiled()


@lru_cache(maxsize=None)
def graph(act):
    """The activation's variants, with gradients for all outputs; for a sigmoid with everything, also for SUBSETS."""
    subsets = {variant: [OUTPUTS] for variant in variants(act)}
    return build(fused, act, {**subsets, EVERYTHING: SUBSETS} if act == "sigmoid" else subsets)


def everything(**values):
    """Outputs and gradients for all of them, by name, of a sigmoid with b, c and noise."""
    found = graph("sigmoid")(**values)
    return {**found[EVERYTHING, ()], **{"d" + name: x for name, x in found[EVERYTHING, OUTPUTS].items()}}


def truth(act, variant, values):
    """Outputs by name, in the precision of the values."""
    z_pre, (has_b, has_c, noisy) = values["z_pre"], variant
    m, s = z_pre.mean(0, keepdims=True), z_pre.var(0, keepdims=True)
    z = normalize(z_pre, m, s) + (STD * values["noise"] if noisy else 0)
    shifted = z + values["b"] if has_b else z
    return dict(z=z, h=ACTIVATIONS[act](shifted * values["c"] if has_c else shifted), m=m, s=s)


def true_gradients(act, variant, subset, values, step=1e-6):
    """Gradients by input name; b and c only affect h."""

    def losses(**moved):
        outputs = truth(act, variant, {**values, **moved})
        return sum((values["g" + name] * outputs[name]).sum(0) for name in subset)

    names = ["z_pre", *(name for name, there in zip("bc", variant) if there and "h" in subset)]
    return central_differences(losses, {name: values[name] for name in names}, step)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("act", ACTS)
def test_outputs_and_gradients(act, shape):
    values = arrays(*shape)
    found, values = graph(act)(**values), double(values)
    for variant in variants(act):
        assert_all_close(found[variant, ()], truth(act, variant, values), name=variant)
        assert_all_close(found[variant, OUTPUTS], true_gradients(act, variant, OUTPUTS, values), name=variant)


def test_an_activation_with_a_number():
    values, act = arrays(9, 37), "elu:0.5"
    found, values = build(fused, act, {EVERYTHING: [OUTPUTS]})(**values), double(values)
    assert_all_close(found[EVERYTHING, ()], truth(act, EVERYTHING, values))
    assert_all_close(found[EVERYTHING, OUTPUTS], true_gradients(act, EVERYTHING, OUTPUTS, values))


@pytest.mark.parametrize("subset", SUBSETS, ids="".join)
def test_gradients_of_any_outputs(subset):
    values = arrays(18, 33)
    found = graph("sigmoid")(**values)[EVERYTHING, subset]
    assert_all_close(found, true_gradients("sigmoid", EVERYTHING, subset, double(values)))


@pytest.mark.parametrize("act", ACTS)
def test_as_the_plain_brick(act):
    """Also with a dead unit, whose gradients are far larger."""
    plain = build(bricks, act, {NOTHING: [OUTPUTS], EVERYTHING: [OUTPUTS]})
    values = arrays(8, 45)
    values["z_pre"][:, 3] = 0.5
    found, expected = graph(act)(**values), plain(**values)
    for key in expected:
        for columns in ([3], np.arange(45) != 3):
            assert_all_close(found[key], expected[key], columns, key)


def test_means_have_the_bits_of_the_plain_brick():
    """Where all values are nearly equal, a difference in the mean's rounding would appear 100000 times as large."""
    plain = build(bricks, "linear", {NOTHING: []})
    for rows in (5, 23, 100):
        values = arrays(rows, 70)
        values["z_pre"][:, ::2] = values["z_pre"][0, ::2]
        found, expected = graph("linear")(**values)[NOTHING, ()], plain(**values)[NOTHING, ()]
        np.testing.assert_array_equal(found["m"], expected["m"])


@pytest.mark.parametrize("constant", [0, 0.1, -1e-20, 12345.678])
def test_a_dead_unit_is_exactly_normal(constant):
    """A sum of 16 equal values has no rounding error if it is computed in double."""
    values = arrays(16, 40)
    values["z_pre"][:, 35] = constant
    found = graph("relu")(**values)[NOTHING, ()]
    assert (found["z"][:, 35] == 0).all() and (found["s"][:, 35] == 0).all()
    assert (found["m"][:, 35] == np.float32(constant)).all()


@pytest.mark.parametrize("act", ACTS)
def test_gradients_of_a_dead_unit(act):
    values = arrays(12, 34)
    values["z_pre"][:, 33] = 0.25
    found = graph(act)(**values)[EVERYTHING, OUTPUTS]
    expected = true_gradients(act, EVERYTHING, OUTPUTS, double(values), step=1e-9)
    assert np.abs(expected["z_pre"][:, 33]).max() > 1e4
    assert_all_close(found, expected, [33])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("act", ACTS)
def test_nan_and_infinity_become_nan_in_their_unit_alone(act, bad):
    values = arrays(9, 37)
    good, found = graph(act)(**values), graph(act)(**spoilt(values, "z_pre", bad, 35))
    for key, outputs in found.items():
        for name, array in outputs.items():
            others = np.arange(37) != 35
            np.testing.assert_array_equal(array[..., others], good[key][name][..., others], str((key, name)))
            if name in ("z", "h", "s", "z_pre"):
                assert np.isnan(array[..., 35]).all(), (key, name)


@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("name", ["gz", "gh", "gm", "gs"])
def test_a_bad_gradient_shows(name, bad):
    values = arrays(9, 37)
    good, found = everything(**values), everything(**spoilt(values, name, bad, 35))
    assert (np.isfinite(found["dz_pre"]) == (np.arange(37) != 35)).all()
    assert bits(found[name] for name in OUTPUTS) == bits(good[name] for name in OUTPUTS)


def test_bad_noise_stays_where_it_is():
    values = arrays(9, 37)
    good, found = everything(**values), everything(**spoilt(values, "noise", np.nan, 35))
    for name in ("z", "h"):
        assert np.argwhere(np.isnan(found[name])).tolist() == [[0, 35]]
    assert bits(found[name] for name in "ms") == bits(good[name] for name in "ms")


@pytest.mark.parametrize("name", shapes())
def test_elements_may_lie_anywhere_in_memory(name):
    values = arrays(9, 37)
    expected = bits(everything(**values).values())
    for array in strided(values[name]):
        assert bits(everything(**{**values, name: array}).values()) == expected


@pytest.mark.parametrize("name", shapes())
def test_wrong_sizes(name):
    """They are refused, and correct sizes still work afterwards."""
    values = arrays(6, 8)
    expected = bits(everything(**values).values())
    for wrong in shortened(values[name]):
        assert_refused(graph("sigmoid").function, {**values, name: wrong}.values())
    assert bits(everything(**values).values()) == expected


def test_wrong_types():
    x, v = at.fmatrix(), at.fvector()
    for z_pre, noise, b in [
        (at.dmatrix(), None, None),
        (v, None, None),
        (at.ftensor3(), None, None),
        (x, at.dmatrix(), None),
        (x, v, None),
        (x, None, at.dvector()),
        (x, None, x),
        (at.ftensor4(), x, None),
        (x, at.ftensor4(), None),
        (at.dtensor4(), None, None),
        (at.TensorType("float32", shape=(None,) * 5)(), None, None),
    ]:
        with pytest.raises(TypeError, match="float32"):
            fused.encode(z_pre, noise, STD, b, None, "relu")


# --- Many rows, and maps


@pytest.mark.parametrize("shape", TALL, ids=str)
def test_tall_matrices(shape):
    values = arrays(*shape)
    found, values = graph("sigmoid")(**values), double(values)
    for variant in (NOTHING, EVERYTHING):
        assert_all_close(found[variant, ()], truth("sigmoid", variant, values), name=variant)

        def losses(**moved):
            outputs = truth("sigmoid", variant, moved)
            return sum((values["g" + name] * outputs[name]).sum(0) for name in OUTPUTS)

        assert_slopes(found[variant, OUTPUTS], losses, values)


@pytest.mark.parametrize("deviation", [0, 1e-6, 1e-4, 1e-2])
def test_tall_columns_that_are_nearly_constant(deviation):
    """The mean rounds only the sum over all rows and the quotient, and the variance is taken about it."""
    values = arrays(5000, 40)
    values["z_pre"] = (7.3 + deviation * values["z_pre"]).astype("float32")
    found = graph("linear")(**values)[NOTHING, ()]
    z_pre = values["z_pre"].astype("float64")
    m = np.float32(z_pre.sum(0)) / np.float32(5000)
    np.testing.assert_array_equal(found["m"][0], m)
    s = ((z_pre - m) ** 2).mean(0)
    np.testing.assert_allclose(found["s"][0], s, rtol=1e-4, atol=1e-14)
    np.testing.assert_allclose(found["z"], (z_pre - m) / np.sqrt(s + 1e-10), rtol=2e-4, atol=2e-5)


def test_tall_matrices_give_the_same_bits_with_any_number_of_threads():
    values = arrays(5000, 33).values()
    assert_same_bits(lambda: graph("sigmoid").function(*values))


def shapes_of_maps(n=None, maps=None, height=None, width=None):
    matrix, row, vector = (n, maps, height, width), (1, maps, 1, 1), (maps,)
    return dict(z_pre=matrix, noise=matrix, b=vector, c=vector, gz=matrix, gh=matrix, gm=row, gs=row)


@lru_cache(maxsize=None)
def graph_of_maps():
    return build(fused, "sigmoid", {NOTHING: [OUTPUTS], EVERYTHING: [OUTPUTS]}, shapes_of_maps())


def arrays_of_maps(*shape):
    values = normals(shapes_of_maps(*shape))
    return {**values, "z_pre": 3 * values["z_pre"] + 1, "c": 1 + values["c"] / 3}


@pytest.mark.parametrize("shape", MAPS, ids=str)
def test_pixels_of_maps_are_rows(shape):
    """Outputs, and gradients for all inputs, are the same to the bit."""
    values = arrays_of_maps(*shape)
    found, expected = graph_of_maps()(**values), graph("sigmoid")(**pixels_as_rows(values))
    for key, outputs in found.items():
        assert outputs.keys() == expected[key].keys()
        for name, rows in pixels_as_rows(outputs).items():
            np.testing.assert_array_equal(rows, expected[key][name], err_msg=f"{key} {name}")
        for name in ("z", "h", "z_pre"):
            assert name not in outputs or outputs[name].shape == shape


@pytest.mark.parametrize("shape", MAPS, ids=str)
def test_noise_may_lie_as_maps_or_channels_last(shape):
    """Noise is drawn as maps; only one of the two memory layouts is that of the other signals."""
    values = arrays_of_maps(*shape)
    last = np.ascontiguousarray(values["noise"].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    found = [bits(graph_of_maps().function(*{**values, "noise": noise}.values())) for noise in (values["noise"], last)]
    assert found[0] == found[1]


@pytest.mark.parametrize("name", shapes_of_maps())
def test_maps_may_lie_anywhere_in_memory(name):
    values = arrays_of_maps(3, 5, 7, 6)
    expected = bits(graph_of_maps().function(*values.values()))
    for array in strided(values[name]):
        assert bits(graph_of_maps().function(*{**values, name: array}.values())) == expected


def test_maps_give_the_same_bits_with_any_number_of_threads():
    values = arrays_of_maps(10, 40, 9, 8).values()
    assert_same_bits(lambda: graph_of_maps().function(*values))


@pytest.mark.parametrize("name", shapes_of_maps())
def test_wrong_sizes_of_maps(name):
    values = arrays_of_maps(3, 5, 4, 4)
    for shape in too_large(values[name].shape):
        assert_refused(graph_of_maps().function, {**values, name: np.zeros(shape, "float32")}.values())


def test_shapes_of_maps_need_no_numbers():
    found = graph_of_maps().shapes([(EVERYTHING, ()), (EVERYTHING, OUTPUTS)], **arrays_of_maps(2, 3, 4, 5))
    maps, row = (2, 3, 4, 5), (1, 3, 1, 1)
    assert found == [maps, maps, row, row, maps, (3,), (3,)]


def test_static_shapes_of_maps():
    x = at.TensorType("float32", shape=(None, 5, 4, 3))()
    z, m, s, h = fused.encode(x, None, 0.0, None, None, "relu")
    assert z.type.shape == h.type.shape == (None, 5, 4, 3) and m.type.shape == s.type.shape == (1, 5, 1, 1)


def test_no_examples():
    found = everything(**arrays(0, 40))
    for name in ("z", "h", "dz_pre"):
        assert found[name].shape == (0, 40)
    for name in "ms":
        assert found[name].shape == (1, 40) and np.isnan(found[name]).all()
    assert (found["db"] == 0).all() and (found["dc"] == 0).all()


def test_no_units():
    assert everything(**arrays(5, 0))["h"].shape == (5, 0)


def test_memory_kept_from_a_call_fits_the_next():
    """z, m and s stay allocated where they are not outputs."""
    key = EVERYTHING, OUTPUTS
    gradients = graph("sigmoid").compile([key])
    for shape in [(9, 37), (9, 37), (5, 37), (9, 64), (21, 1003), (1, 1)]:
        values = arrays(*shape)
        assert bits(gradients(*values.values())) == bits(graph("sigmoid")(**values)[key].values())
    assert_nothing_leaks(lambda n: gradients(*arrays(n, 1003).values()))


def test_the_same_bits_from_call_to_call_and_with_any_number_of_threads():
    values = arrays(21, 1003).values()
    assert_same_bits(lambda: graph("sigmoid").function(*values))


def test_shapes_need_no_numbers():
    found = graph("sigmoid").shapes([(EVERYTHING, ()), (EVERYTHING, OUTPUTS)], **arrays(3, 4))
    assert found == [(3, 4), (3, 4), (1, 4), (1, 4), (3, 4), (4,), (4,)]


def test_static_shapes():
    x = at.TensorType("float32", shape=(None, 5))()
    z, m, s, h = fused.encode(x, None, 0.0, None, None, "relu")
    assert z.type.shape == h.type.shape == (None, 5) and m.type.shape == s.type.shape == (1, 5)


def test_the_noise_is_a_constant():
    x, noise = at.fmatrices(2)
    z, *_ = fused.encode(x, noise, STD, None, None, "relu")
    with pytest.raises(DisconnectedInputError):
        at.grad(z.sum(), noise)


def test_an_activation_without_cpp_is_named(monkeypatch):
    monkeypatch.setitem(bricks.activations.ACTIVATIONS, "elu", lambda x, alpha: at.sin(x))
    with pytest.raises(NotImplementedError, match="sin"):
        fused.encode(at.fmatrix(), None, 0.0, None, None, "elu:7")
