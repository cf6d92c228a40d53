"""Box-Muller in C, at uniforms where it could go wrong."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.basic import Apply

from ladder.backends import c
from ladder.fused.operation import FusedOperation


class BoxMuller(FusedOperation):
    """Two float32 vectors of uniforms -> two of normals."""

    kernels = ("normal.h",)

    def make_node(self, *inputs):
        return Apply(self, inputs, [x.type() for x in inputs])

    def c_code(self, node, name, inputs, outputs, sub):
        copies = "".join(
            f"Py_XDECREF({y}); {y} = (PyArrayObject*)PyArray_NewCopy({x}, NPY_CORDER); if (!{y}) {sub['fail']}\n"
            for x, y in zip(inputs, outputs)
        )
        first, second = (f"ladder::floats({y})" for y in outputs)
        return f"{copies} ladder::box_muller({first}, {second}, PyArray_SIZE({outputs[0]}));"


@pytest.fixture(scope="module")
def box_muller():
    inputs = at.fvectors(2)
    return aesara.function(list(inputs), BoxMuller()(*inputs), mode=c.mode())


def test_everywhere(box_muller):
    """Both results are finite and have small relative errors, even near the zeros of cosine and sine."""
    powers = 2.0 ** -np.arange(33)
    units = np.concatenate([powers, [0.75, 0.375, 1 / 3], np.random.RandomState(1).uniform(size=100)]).astype("float32")
    units = np.unique([units, np.nextafter(units, np.float32(0)), np.nextafter(units, np.float32(1))])
    u1, u2 = (x.ravel() for x in np.meshgrid(units, units))
    found = box_muller(u1, u2)
    radius = np.sqrt(-2 * np.log(u1.astype("float64")))
    theta = (np.float32(2 * np.pi) * u2).astype("float64")
    for normals, wave in zip(found, (np.cos, np.sin)):
        assert np.isfinite(normals).all()
        np.testing.assert_allclose(normals, radius * wave(theta), rtol=3 * 2.0**-24, atol=0)
    assert (u1.max(), u2.max()) == (1, 1) and min(u1.min(), u2.min()) < 2.0**-32


def test_any_number_of_pairs(box_muller):
    """The numbers do not depend on their place in the vector, or in a register."""
    u1, u2 = np.random.RandomState(2).uniform(size=(2, 100)).astype("float32")
    whole = box_muller(u1, u2)
    for n in (0, 1, 7, 16, 33):
        for expected, found in zip(whole, box_muller(u1[-n or 100 :], u2[-n or 100 :])):
            np.testing.assert_array_equal(found, expected[-n or 100 :])
