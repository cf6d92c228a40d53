"""Translation of bricks to C++, and the elementary functions in C++ against NumPy."""

from functools import lru_cache

import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.basic import Apply
from compare import Graph
from golden.numpy_ladder import WITH_U, WITHOUT_U

from ladder.bricks.activations import ACTIVATIONS, apply_activation
from ladder.bricks.decoder import DECODERS
from ladder.fused.elementwise import OPERATIONS, trace
from ladder.fused.operation import FusedOperation

TENTH = np.float32(0.1)
#: Operation -> a formula of two numbers that uses it, and the same in NumPy, which rounds alike.
FORMULAS = {
    "add": (lambda z, u: z + u, np.add),
    "mul": (lambda z, u: z * u, np.multiply),
    "sub": (lambda z, u: z - u, np.subtract),
    "true_divide": (lambda z, u: z / u, np.divide),
    "square": (lambda z, u: at.square(z), lambda z, u: z * z),
    "sqrt": (lambda z, u: at.sqrt(z), lambda z, u: np.sqrt(z)),
    "sgn": (lambda z, u: at.sgn(z), lambda z, u: np.sign(z)),
    "maximum": (at.maximum, np.maximum),
    "EQ": (lambda z, u: at.cast(at.eq(z, u), "float32"), np.equal),
    "GT": (lambda z, u: at.cast(z > u, "float32"), np.greater),
    "Switch": (lambda z, u: at.switch(z > u, TENTH, u), lambda z, u: np.where(z > u, TENTH, u)),
}
#: Operation -> a function of one number, the same in NumPy, and by how many units in the last place it may be off.
FUNCTIONS = {
    "exp": (lambda z, u: at.exp(z), np.exp, 1),
    "expm1": (lambda z, u: at.expm1(z), np.expm1, 2),
    "tanh": (lambda z, u: at.tanh(z), np.tanh, 3),
    "sigmoid": (lambda z, u: at.sigmoid(z), lambda z: 1 / (1 + np.exp(-z)), 2),
    "scalar_softplus": (lambda z, u: at.log(np.float32(1) + at.exp(z)), lambda z: np.logaddexp(0, z), 3),
}
BRICKS = {name: brick for name, (brick, *_) in {**FORMULAS, **FUNCTIONS}.items()}


def traced(name):
    return trace(lambda z, u, w, b: BRICKS[name](z, u), has_u=True)


class Evaluate(FusedOperation):
    """Two vectors -> a vector for each of BRICKS."""

    kernels = ("elementwise.h",)

    def c_support_code(self, **kwargs):
        printed = "".join(f"namespace of_{name} {{{traced(name).source}}}\n" for name in BRICKS)
        return f"{super().c_support_code()}\nnamespace ladder {{{printed}}}"

    def make_node(self, z, u):
        return Apply(self, [z, u], [z.type() for _ in BRICKS])

    def c_code(self, node, name, inputs, outputs, sub):
        z, u = (f"ladder::floats({x})[i]" for x in inputs)
        loops = "".join(
            f"""if (!ladder::allocate(&{output}, 1, &n)) {sub["fail"]}
            for (npy_intp i = 0; i < n; ++i)
                ladder::floats({output})[i] = ladder::of_{name}::Function::value({z}, {u}, none, 0);
            """
            for name, output in zip(BRICKS, outputs)
        )
        return f"""{{
            const npy_intp n = PyArray_SIZE({inputs[0]});
            const float* const* none = nullptr;
            {loops}
        }}"""


@lru_cache(maxsize=None)
def graph():
    graph = Graph(dict(z=(None,), u=(None,)), plain=False)
    graph.made["values"] = dict(zip(BRICKS, Evaluate()(*graph.variables.values())))
    return graph.compiled()


def test_all_operations_are_tested():
    assert set(BRICKS) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_formulas_take_the_operation_and_without_it_fail_by_name(name, monkeypatch):
    assert traced(name).source
    monkeypatch.delitem(OPERATIONS, name)
    with pytest.raises(NotImplementedError, match="(?i)" + name.replace("scalar_", "")):
        traced(name).source


@pytest.mark.parametrize("formula", [at.sin, at.floor, lambda z: at.cast(z, "int8")])
def test_an_operation_without_cpp_is_named(formula):
    with pytest.raises(NotImplementedError, match="Elemwise"):
        trace(lambda z, u, w, b: formula(z), has_u=False).source


SPECIAL = np.float32([0.0, 1.0, 0.1, 2.5, 88.5, 1e-45, 1.1754944e-38, 3.4028235e38, np.inf])
SPECIAL = np.concatenate([SPECIAL, -SPECIAL, [np.nan]]).astype("float32")


def test_formulas():
    """At all pairs of special values."""
    z, u = (x.ravel() for x in np.meshgrid(SPECIAL, SPECIAL))
    found = graph()(z=z, u=u)["values"]
    for name, (_, formula) in FORMULAS.items():
        with np.errstate(all="ignore"):
            expected = np.asarray(formula(z, u), dtype="float32")
        np.testing.assert_array_equal(found[name], expected, name)


def test_functions_everywhere():
    """At one in 1000 floats, NaN included, and where the results become 0 or infinite."""
    ends = np.arange(-105, 105, 2**-10, dtype="float32")
    z = np.concatenate([np.arange(0, 2**32, 1009, dtype="uint32").view("float32"), SPECIAL, ends])
    found = graph()(z=z, u=z)["values"]
    for name, (_, function, units) in FUNCTIONS.items():
        with np.errstate(all="ignore"):
            expected = function(z.astype("float64")).astype("float32")
            large = np.isfinite(expected) & (np.abs(expected) > 2.0**-125)
            off = np.abs(found[name][large].astype("float64") - expected[large]) / np.spacing(np.abs(expected[large]))
        assert off.max() <= units, (name, off.max(), z[large][off.argmax()])
        # Results that are not finite must be exact; tiny ones may be 0.
        np.testing.assert_array_equal(found[name][~np.isfinite(expected)], expected[~np.isfinite(expected)], name)
        small = np.isfinite(expected) & ~large
        assert (found[name][small] * np.sign(expected[small]) >= 0).all(), name
        assert (np.abs(found[name][small]) <= 2.0**-124).all(), name


def test_elu_is_taken_of_numbers_that_it_was_not_made_for():
    """The exponential of a large z must not be infinite where its gradient is multiplied by 0."""
    assert "expm1(" in trace(lambda z, u, w, b: apply_activation("elu", z), has_u=False).source


def test_what_units_share_comes_after_what_each_has():
    def brick(z, u, w, b):
        W = w(0.5, "W", (2, 1))
        return w(1.0, "a") * z * W[0, 0] + W[1, 0]

    function = trace(brick, has_u=False)
    assert function.parameters == (("a", 1.0, "w"),) and function.shared == (("W", 0.5, "w", (2, 1)),)
    assert list(function.inputs) == ["z", "a", "W_0_0", "W_1_0"]
    assert "P = 1, S = 2;" in function.source and "W_1_0 = p[2][j];" in function.source


def test_softplus_is_stable_with_its_gradient():
    """Even where exp is infinite: log(1 + exp(x)) is not computed as it is written."""
    source = trace(lambda z, u, w, b: ACTIVATIONS["softplus"](z), has_u=False).source
    assert "softplus(" in source and "sigmoid(" in source and "exp(" not in source


@pytest.mark.parametrize("decoder, has_u", [(name, True) for name in WITH_U] + [(name, False) for name in WITHOUT_U])
def test_decoders(decoder, has_u):
    function = trace(DECODERS[decoder], has_u)
    assert function.uses_u == (has_u and decoder not in ("i", "lin"))
    names = [name for name, _, _ in function.parameters]
    assert len(set(names)) == len(names)
    assert f"P = {len(names)}, S = 0;" in function.source
    for k, name in enumerate(names):
        assert f"{name} = p[{k}][j];" in function.source and f"d[{k}][j] += " in function.source


def test_no_decoder():
    assert trace(DECODERS[""], has_u=False) is None
