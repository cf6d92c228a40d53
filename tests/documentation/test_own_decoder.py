"""The decoder function of docs/howto/own-decoder.md computes what the page says, and can be fused like the others."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from documentation.markdown import ROOT, blocks
from golden.evaluate import value

from ladder.bricks import decoder
from ladder.fused.elementwise import trace

(DIFF,) = [block for block in blocks(ROOT / "docs" / "howto" / "own-decoder.md") if block.language == "diff"]


@pytest.fixture(scope="module")
def gated():
    added = [line[1:] for line in DIFF.lines[: DIFF.lines.index("@@ DECODERS")] if line.startswith("+")]
    names = dict(vars(decoder))
    exec("\n".join(added), names)
    return names["gated"]


def made(values):
    """A function that makes parameters with the given values, or else with their initial ones."""
    return lambda init, name: aesara.shared(np.float32(values.get(name, init)), name=name)


def test_values(gated):
    z, u = np.random.RandomState(0).randn(2, 5, 3).astype("float32")
    a = {"a1": 0.7, "a2": -0.2, "a3": 0.3, "a4": 0.1}
    zs, us = at.fmatrices(2)
    found = value(gated(zs, us, made(a), made(a)), {zs: z, us: u})
    np.testing.assert_allclose(found, z / (1 + np.exp(-(0.7 * u - 0.2))) + 0.3 * u + 0.1, rtol=1e-5)


@pytest.mark.parametrize("has_u", [True, False])
def test_it_can_be_fused(gated, has_u):
    function = trace(gated, has_u=has_u)
    assert [name for name, *_ in function.parameters] == (["a1", "a2", "a3", "a4"] if has_u else ["b1", "w1"])
    assert "struct Function" in function.source  # printed as C, with its gradient
