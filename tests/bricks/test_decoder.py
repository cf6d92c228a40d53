"""Decoder functions: values, parameters (names, initial values, order of creation), gradients."""

from types import SimpleNamespace

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import value
from golden.numpy_ladder import WITH_U, WITHOUT_U, central_differences

from ladder.bricks.decoder import DECODERS, denoise

UNITS = 3
rng = np.random.RandomState(0)
Z, U = rng.randn(2, 5, UNITS).astype("float32")

A1_TO_A10 = dict(a1=0, a2=1, a3=0, a4=0, a5=0, a6=0, a7=1, a8=0, a9=0, a10=0)

#: Initial values, in the order in which the original creates them.
PARAMETERS_WITH_U = {
    "i": {},
    "lin": dict(a1=1, b=0),
    "relu": dict(b=0),
    "sigmoid": dict(b=0, c=1),
    "sig": dict(c1=0, c2=1, c3=0, c4=0, a1=0, a2=1, b1=1, a3=0, a4=0),
    "comparison_g2": dict(c1=0, c2=1, c3=0, a1=0, a2=1, b1=1, a3=0),
    "comparison_g3": dict(a1=0, a2=1, a3=0, a4=0),
    "comparison_g4": dict(w1_lat=1, b1=0, w2_lat=1, b2=0, w3_lat=0, w1_ver=1, w2_ver=1, w3_ver=0),
    "comparison_g5": A1_TO_A10,
    "gauss": A1_TO_A10,
    "gauss_stable_v": A1_TO_A10,
}
PARAMETERS_WITHOUT_U = {
    "i": {},
    "lin": dict(a1=1, b=0),
    "sig": dict(c1=0, c2=1, a1=0, a2=1, b1=1),
    "comparison_g2": dict(c1=0, c2=1, a1=0, a2=1, b1=1),
    "comparison_g3": dict(a1=0, a2=1),
    "comparison_g4": dict(w1_lat=1, b1=0, w2_lat=1, b2=0, w3_lat=0),
    "comparison_g5": dict(b1=0, w1=1),
    "gauss": dict(b1=0, w1=1),
    "gauss_stable_v": dict(b1=0, w1=1),
}
MULTIPLICATIVE = {
    "i": "",
    "lin": "a1",
    "relu": "",
    "sigmoid": "c",
    "sig": "c2 c3 c4 a2 b1 a3 a4",
    "comparison_g2": "c2 c3 a2 b1 a3",
    "comparison_g3": "a2 a3 a4",
    "comparison_g4": "w1_lat w2_lat w3_lat w1_ver w2_ver w3_ver",
    **dict.fromkeys(("gauss", "comparison_g5", "gauss_stable_v"), "a2 a7 w1"),
}

CASES = [(name, True) for name in PARAMETERS_WITH_U] + [(name, False) for name in PARAMETERS_WITHOUT_U]


class Built:
    """A decoder function on variables z and u, and the parameters that it asked for."""

    def __init__(self, name, with_u):
        self.z, self.u = at.fmatrices(2)
        self.parameters = {}
        self.z_est = DECODERS[name](self.z, self.u if with_u else None, w=self.make, b=self.make)
        self.truth = WITH_U[name] if with_u else lambda z, u, p: WITHOUT_U[name](z, p)

    def make(self, init, name):
        if name not in self.parameters:
            self.parameters[name] = aesara.shared(np.full(UNITS, init, "float32"), name=name)
        return self.parameters[name]

    def first_values(self):
        return {name: float(shared.get_value()[0]) for name, shared in self.parameters.items()}

    def perturb(self):
        rng = np.random.RandomState(1)
        for shared in self.parameters.values():
            shared.set_value((shared.get_value() + 0.5 * rng.randn(UNITS)).astype("float32"))
        return {name: shared.get_value() for name, shared in self.parameters.items()}

    def expected(self, parameters):
        return self.truth(Z.astype("float64"), U.astype("float64"), SimpleNamespace(**parameters))

    def value(self):
        return value(self.z_est, {self.z: Z, self.u: U})


def test_all_functions_are_tested():
    assert set(DECODERS) == {""} | set(PARAMETERS_WITH_U)


def test_none():
    assert DECODERS[""](None, None, None, None) is None


@pytest.mark.parametrize("name, with_u", CASES)
def test_values_at_perturbed_parameters(name, with_u):
    built = Built(name, with_u)
    z_est = built.value()
    np.testing.assert_allclose(z_est, built.expected(built.first_values()), rtol=2e-6, atol=1e-6)
    perturbed = built.perturb()
    z_est = built.value()
    assert z_est.shape == (5, UNITS) and z_est.dtype == "float32"
    np.testing.assert_allclose(z_est, built.expected(perturbed), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name, with_u", CASES)
def test_parameters(name, with_u):
    expected = (PARAMETERS_WITH_U if with_u else PARAMETERS_WITHOUT_U)[name]
    made = Built(name, with_u).first_values()
    assert made == expected
    assert list(made) == list(expected)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "gauss"])
def test_below_global_pooling_u_is_the_same_for_every_pixel(name):
    rng, shape = np.random.RandomState(3), (5, UNITS, 2, 4)
    arrays = rng.randn(2, *shape).astype("float32")
    u = rng.randn(5, UNITS, 1, 1).astype("float32")
    z, clean = at.ftensor4s(2)
    one, every = at.TensorType("float32", shape=(None, UNITS, 1, 1))(), at.ftensor4()
    parameters = {"w": note_first, "b": note_first}
    costs = [denoise(name, above, z, clean, None, None, **parameters)[1] for above in (one, every)]
    spread = np.broadcast_to(u, shape).copy()
    found, expected = (
        value(cost, {z: arrays[0], clean: arrays[1], above: values})
        for cost, above, values in zip(costs, (one, every), (u, spread))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def note_first(init, name, shape=None):
    return at.constant(np.full(UNITS, init + 0.1, "float32"))


@pytest.mark.parametrize("name", ["gauss", "comparison_g5"])
def test_gauss_starts_at_zero(name):
    assert (Built(name, True).value() == 0).all()


@pytest.mark.parametrize("name, with_u", [case for case in CASES if case[0] != "i"])
def test_gradients(name, with_u):
    built = Built(name, with_u)
    perturbed = built.perturb()
    target = np.random.RandomState(2).randn(5, UNITS)
    cost = at.square(built.z_est - target.astype("float32")).sum()
    shareds = list(built.parameters.values())
    gradients = value(at.grad(cost, shareds), {built.z: Z, built.u: U})
    expected = central_differences(lambda p: ((built.expected(p) - target.astype("float32")) ** 2).sum(), perturbed)
    for shared, gradient in zip(shareds, gradients):
        np.testing.assert_allclose(gradient, expected[shared.name], rtol=1e-4, atol=1e-4, err_msg=shared.name)


@pytest.mark.parametrize("name, with_u", CASES)
def test_who_is_additive(name, with_u):
    """Additive parameters come from b, multiplicative ones from w, as in the original."""
    kinds = {}

    def note(kind):
        def make(init, name):
            assert kinds.setdefault(name, kind) == kind
            return at.constant(np.full(UNITS, init, "float32"))

        return make

    z, u = at.fmatrices(2)
    DECODERS[name](z, u if with_u else None, w=note("w"), b=note("b"))
    assert set(kinds) == set((PARAMETERS_WITH_U if with_u else PARAMETERS_WITHOUT_U)[name])
    assert {k for k, kind in kinds.items() if kind == "w"} == set(MULTIPLICATIVE[name].split()) & set(kinds)
