"""The same attacks by the Adversarial Robustness Toolbox, on the same weights in NumPy.

The toolbox needs no deep learning framework: it asks an estimator for
gradients, which are derived by hand here and computed by NumPy in float64.
"""

import warnings

import numpy as np
import pytest
from attacks.network import IN_DIM, N_CLASSES, NumpyNetwork, P, examples, parameter_store

from ladder.attacks.input_gradient import compile_input_gradient
from ladder.attacks.methods import AttackedBatch, AttackSettings

pytest.importorskip("art", reason="needs adversarial-robustness-toolbox: pip install -e '.[test]'")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about frameworks that are not installed
    from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescentNumpy
    from art.estimators.classification.classifier import ClassifierMixin
    from art.estimators.estimator import BaseEstimator, LossGradientsMixin

TAU, STEPS = 0.2, 7
K = np.prod(IN_DIM)


class Estimator(ClassifierMixin, LossGradientsMixin, BaseEstimator):
    """The toolbox's view of a :class:`NumpyNetwork`."""

    def __init__(self, network, clip):
        super().__init__(model=network, clip_values=(0.0, 1.0) if clip else None)
        self.nb_classes = N_CLASSES

    @property
    def input_shape(self):
        return IN_DIM

    def predict(self, x, **kwargs):
        return self.model.probabilities(x)

    def loss_gradient(self, x, y, **kwargs):
        return self.model.cross_entropy_gradient(x, y.argmax(axis=1))

    def fit(self, x, y, **kwargs):
        raise NotImplementedError


@pytest.fixture(scope="module")
def network():
    shareds = parameter_store()
    return NumpyNetwork(shareds), compile_input_gradient(P, IN_DIM, shareds)


def fast_gradient(norm, eps):
    return lambda estimator: FastGradientMethod(estimator, norm=norm, eps=eps)


def descent(norm):
    return lambda estimator: ProjectedGradientDescentNumpy(
        estimator, norm=norm, eps=TAU, eps_step=0.05, max_iter=STEPS, verbose=False
    )


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(
    "kind, attack",
    [
        ("sgn", fast_gradient(np.inf, TAU)),
        ("1N", fast_gradient(2, TAU)),
        ("kN", fast_gradient(2, TAU * np.sqrt(K))),
        ("pgd-linf", descent(np.inf)),
        ("pgd-l2", descent(2)),
    ],
)
def test_the_same_adversarial_images(network, kind, attack, clip):
    truth, gradient = network
    x, y = examples(200)
    settings = AttackSettings(steps=STEPS, step_size=0.05, clip=clip)
    ours = AttackedBatch(x, y, gradient, settings).attacked(kind, TAU)
    theirs = attack(Estimator(truth, clip)).generate(x, y)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert np.abs(ours - x).max() > 0.05
    # and it is an attack: the cost rises
    assert (truth.cross_entropy(ours, y) > truth.cross_entropy(x, y)).all()
