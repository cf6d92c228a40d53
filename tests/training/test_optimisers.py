"""Optimisers, the gradient norm and clipping, against NumPy and PyTorch."""

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from golden.evaluate import PYTHON, value

from ladder.optimisation import OPTIMISERS as DEFAULTS
from ladder.training.optimisers import OPTIMISERS, adam, clipped, gradient_norm

FIRST = {"W": np.float32([[1.0, -2.0], [0.5, 3.0]]), "b": np.float32([0.25, -4.0])}


class BlocksAdam:
    """Blocks 0.2's Adam in float64, with the betas of Kingma and Ba."""

    def __init__(self, shapes, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.beta1, self.beta2, self.epsilon, self.t = 1 - beta1, 1 - beta2, epsilon, 0
        self.m = [np.zeros(shape) for shape in shapes]
        self.v = [np.zeros(shape) for shape in shapes]

    def step(self, values, gradients, lr):
        self.t += 1
        rate = lr * np.sqrt(1 - (1 - self.beta2) ** self.t) / (1 - (1 - self.beta1) ** self.t)
        new = []
        for i, (value_, g) in enumerate(zip(values, gradients)):
            self.m[i] = self.beta1 * g + (1 - self.beta1) * self.m[i]
            self.v[i] = self.beta2 * g**2 + (1 - self.beta2) * self.v[i]
            new.append(value_ - rate * self.m[i] / (np.sqrt(self.v[i]) + self.epsilon))
        return new


class Learner:
    """Parameters whose gradients are passed in."""

    def __init__(self, **options):
        self.parameters = [aesara.shared(value_, name=name) for name, value_ in FIRST.items()]
        self.gradients = [at.fmatrix(), at.fvector()]
        self.rate = aesara.shared(np.float32(0.01), name="learning_rate")
        self.updates = adam(self.gradients, self.parameters, self.rate, **options)
        self.step = aesara.function(self.gradients, [], updates=self.updates, mode=PYTHON)

    def values(self):
        return [parameter.get_value() for parameter in self.parameters]


def gradients_of_update(k, scale=1.0):
    rng = np.random.RandomState(k)
    return [(scale * rng.randn(*first.shape)).astype("float32") for first in FIRST.values()]


@pytest.mark.parametrize("options", [{}, {"beta1": 0.7, "beta2": 0.95, "epsilon": 0.1}])
def test_five_updates(options):
    learner, truth = Learner(**options), BlocksAdam([(2, 2), (2,)], **options)
    expected = [first.astype("float64") for first in FIRST.values()]
    for k in range(5):
        gradients = gradients_of_update(k)
        learner.step(*gradients)
        expected = truth.step(expected, [g.astype("float64") for g in gradients], 0.01)
        for ours, theirs in zip(learner.values(), expected):
            assert ours.dtype == "float32"
            # 1 - 0.001 and its powers lose digits in float32, so the first rates are not exact.
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=2e-6)


def test_first_step_is_the_learning_rate_along_the_sign():
    learner = Learner()
    gradients = gradients_of_update(0)
    learner.step(*gradients)
    for ours, first, g in zip(learner.values(), FIRST.values(), gradients):
        np.testing.assert_allclose(ours - first, -0.01 * np.sign(g), rtol=1e-3)


def test_epsilon_is_added_to_the_uncorrected_root():
    """Gradients near epsilon show where it is added: Kingma and Ba's own formula would step 0.01 / 1.0316."""
    g = np.float32(1e-8 / 0.001**0.5)  # so that the root of the second moment is epsilon
    learner = Learner()
    learner.step(np.full((2, 2), g), np.full(2, g))
    np.testing.assert_allclose(learner.values()[0] - FIRST["W"], -0.005, rtol=1e-3)


def test_no_gradient_no_step():
    learner = Learner()
    learner.step(np.zeros((2, 2), "float32"), np.zeros(2, "float32"))
    for ours, first in zip(learner.values(), FIRST.values()):
        np.testing.assert_array_equal(ours, first)


def test_the_rate_may_change_between_updates():
    learner, truth = Learner(), BlocksAdam([(2, 2), (2,)])
    expected = [first.astype("float64") for first in FIRST.values()]
    for k, rate in enumerate([0.01, 0.001, 0.0]):
        learner.rate.set_value(np.float32(rate))
        before = learner.values()
        learner.step(*gradients_of_update(k))
        expected = truth.step(expected, [g.astype("float64") for g in gradients_of_update(k)], rate)
        for ours, theirs in zip(learner.values(), expected):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=2e-6)
    for ours, old in zip(learner.values(), before):
        np.testing.assert_array_equal(ours, old)


def test_what_is_updated():
    learner = Learner()
    names = [shared.name for shared in learner.updates]
    assert names == ["adam_time", "W_mean", "W_variance", "W", "b_mean", "b_variance", "b"]
    for k in range(3):
        learner.step(*gradients_of_update(k))
    assert next(iter(learner.updates)).get_value() == 3
    for shared, new in learner.updates.items():
        assert shared.dtype == new.dtype == "float32"


def test_a_number_will_do_as_rate():
    x = aesara.shared(np.float32(1), name="x")
    updates = adam([at.constant(np.float32(3))], [x], 0.01)
    aesara.function([], [], updates=updates, mode=PYTHON)()
    np.testing.assert_allclose(x.get_value(), 0.99, rtol=1e-4)
    assert x.dtype == "float32"


def test_the_norm_of_all_gradients_together():
    learner, arrays = Learner(), gradients_of_update(1)
    norm = value(gradient_norm(learner.gradients), dict(zip(learner.gradients, arrays)))
    assert norm.shape == () and norm.dtype == "float32"
    flat = np.concatenate([a.ravel() for a in arrays]).astype("float64")
    np.testing.assert_allclose(norm, np.linalg.norm(flat), rtol=1e-6)


class Trained:
    """A cost of two parameters, with a product and a sine, as our graph and with gradients by hand."""

    START = {"a": np.linspace(-1, 2, 6).reshape(2, 3).astype("float32"), "b": np.float32([0.3, -0.2, 0.5])}

    def __init__(self, name, rate, **constants):
        a, b = self.parameters = [aesara.shared(value_, name=name) for name, value_ in self.START.items()]
        cost = self.cost(a, b, at)
        gradients = at.grad(cost, self.parameters)
        updates = OPTIMISERS[name](gradients, self.parameters, np.float32(rate), **constants)
        self.step = aesara.function([], [], updates=updates, mode=PYTHON)

    @staticmethod
    def cost(a, b, library):
        return ((a * b - 1) ** 2).sum() + library.sin(3 * a).sum()

    @staticmethod
    def slopes(a, b):
        return 2 * (a * b - 1) * b + 3 * np.cos(3 * a), (2 * (a * b - 1) * a).sum(axis=0)


def by_the_papers(name, rate, updates, momentum=0, rho=0, beta1=0, beta2=0, epsilon=0):
    """The papers' formulas in float64; returns the parameters after that many updates."""
    values = [x.astype("float64") for x in Trained.START.values()]
    first, second, third = ([0 * x for x in values] for _ in range(3))
    for t in range(1, updates + 1):
        for k, g in enumerate(Trained.slopes(*values)):
            if name == "sgd":
                step = -rate * g
            elif name in ("momentum", "nesterov"):
                first[k] = momentum * first[k] - rate * g
                step = first[k] if name == "momentum" else momentum * first[k] - rate * g
            elif name == "adagrad":
                first[k] = first[k] + g**2
                step = -rate * g / (np.sqrt(first[k]) + epsilon)
            elif name == "rmsprop":
                first[k] = rho * first[k] + (1 - rho) * g**2
                step = -rate * g / (np.sqrt(first[k]) + epsilon)
            elif name == "adadelta":
                first[k] = rho * first[k] + (1 - rho) * g**2
                delta = np.sqrt(second[k] + epsilon) / np.sqrt(first[k] + epsilon) * g
                second[k] = rho * second[k] + (1 - rho) * delta**2
                step = -rate * delta
            else:
                first[k] = beta1 * first[k] + (1 - beta1) * g
                second[k] = beta2 * second[k] + (1 - beta2) * g**2
                third[k] = np.maximum(third[k], second[k])
                largest = third[k] if name == "amsgrad" else second[k]
                rate_t = rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
                step = -rate_t * first[k] / (np.sqrt(largest) + epsilon)
            values[k] = values[k] + step
    return values


RATES = {"sgd": 0.01, "momentum": 0.005, "nesterov": 0.005, "adagrad": 0.05, "rmsprop": 0.002, "adadelta": 1.0}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_fifty_updates_are_those_of_the_paper(name):
    rate, constants = RATES.get(name, 0.02), DEFAULTS[name]
    trained = Trained(name, rate, **constants)
    for _ in range(50):
        trained.step()
    expected = by_the_papers(name, rate, 50, **constants)
    for parameter, true, start in zip(trained.parameters, expected, Trained.START.values()):
        assert parameter.dtype == "float32" and np.abs(true - start).max() > 0.03
        np.testing.assert_allclose(parameter.get_value(), true, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_fifty_updates_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    rate, constants = RATES.get(name, 0.02), dict(DEFAULTS[name])
    ours = Trained(name, rate, **constants)
    betas = {"betas": (constants.pop("beta1"), constants.pop("beta2"))} if "beta1" in constants else {}
    names = {"epsilon": "eps", "rho": "alpha" if name == "rmsprop" else "rho"}
    constants = {names.get(key, key): value_ for key, value_ in constants.items()}
    of_torch, more = {
        "sgd": (torch.optim.SGD, {}),
        "momentum": (torch.optim.SGD, {}),
        "nesterov": (torch.optim.SGD, {"nesterov": True}),
        "amsgrad": (torch.optim.Adam, {"amsgrad": True}),
    }.get(name) or (getattr(torch.optim, {"rmsprop": "RMSprop"}.get(name, name.capitalize())), {})
    parameters = [torch.tensor(x, requires_grad=True) for x in Trained.START.values()]
    theirs = of_torch(parameters, lr=rate, **constants, **betas, **more)
    for _ in range(50):
        ours.step()
        theirs.zero_grad()
        Trained.cost(*parameters, torch).backward()
        theirs.step()
    for parameter, other in zip(ours.parameters, parameters):
        np.testing.assert_allclose(parameter.get_value(), other.detach().numpy(), rtol=1e-4, atol=1e-4)


def test_gradients_are_clipped_together():
    gradients, arrays = [at.fmatrix(), at.fvector()], [np.float32([[3, 0]]), np.float32([4])]
    for most, expected in ((10.0, arrays), (5.0, arrays), (1.0, [np.float32([[0.6, 0]]), np.float32([0.8])])):
        found = value(clipped(gradients, gradient_norm(gradients), most), dict(zip(gradients, arrays)))
        for ours, true in zip(found, expected):
            assert ours.dtype == "float32"
            np.testing.assert_allclose(ours, true, rtol=1e-6)
