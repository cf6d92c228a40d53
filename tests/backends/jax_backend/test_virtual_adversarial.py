"""Virtual adversarial noise and cost: the fused graph in JAX against the plain one in Aesara."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytest.importorskip("jax.numpy", reason="needs JAX")

from golden.evaluate import value
from test_model import built, perturb

from ladder import model
from ladder.backends import jax as jax_backend
from ladder.bricks.noise import NoiseSource
from ladder.graph import ComputationGraph

jax_backend.configure()

OPTIONS = {
    "act": ("leakyrelu",),
    "adv_kind_unlabeled": "vat",
    "adv_path": "layers",
    "adv_layers": (0, 2),
    "adv_tau_unlabeled": (0.0, 0.25),
    "vat_cost": (3.0, 0.0),
    "vat_radius": (0.5, 0.5),
    "vat_iterations": 1,
    "vat_xi": 0.5,
    "vat_noise_std": 0.4,
}


class SameNoise(NoiseSource):
    """The same numbers in every backend, without streams, each of which takes a second to make."""

    def __init__(self, *_):
        super().__init__()
        self._rng = np.random.RandomState(1)

    def _draw(self, shape):
        normals = at.as_tensor(self._rng.randn(300).astype("float32"))
        return normals[: at.prod(at.stack(shape))].reshape(shape)


def of_a_ladder(plain_graph):
    """Variables to compare, by name, and the inputs' arrays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "noise_source", SameNoise)
        ladder, arrays = built(plain_graph=plain_graph, **OPTIONS)
    perturb(ladder)
    total, noisy = ladder.costs.total, ladder.act.corr.unlabeled.z
    parameters = ComputationGraph([total]).parameters
    outputs = {"total": total, "vat0": ladder.costs.vat[0], "z0": noisy[0], "z2": noisy[2]}
    outputs.update({v.name: gradient for v, gradient in zip(parameters, at.grad(total, parameters))})
    return outputs, arrays


def test_costs_and_gradients_in_jax():
    with aesara.config.change_flags(cxx=""):
        outputs, arrays = of_a_ladder(plain_graph=False)
        found = jax_backend.function(list(arrays), list(outputs.values()), {})(*arrays.values())
    plain, arrays = of_a_ladder(plain_graph=True)
    expected = dict(zip(plain, value(list(plain.values()), arrays)))
    assert expected["vat0"] > 0.01 and set(outputs) == set(plain)
    for name, one in zip(outputs, found):
        largest = np.abs(expected[name]).max()
        np.testing.assert_allclose(one, expected[name], rtol=1e-3, atol=2e-4 * largest, err_msg=name)
