"""The linear model of two inputs and two classes for the figures of adversarial noise (thesis, section 5.4).

logits = x W + b, as a ladder's top layer without normalisation; its cost and the directions of the noise are the
package's own.
"""

from dataclasses import dataclass

import numpy as np

#: Kind of noise -> what it is, in a word or two; those of ``--adv-kind``.
KINDS = {
    "sgn": "sign of U",
    "udg": "U itself",
    "1N": "U at norm 1",
    "kN": "U at norm √2",
    "vat": "most change, no label",
}

CENTRES, SPREAD, SEED = ((-0.9, -0.5), (0.9, 0.5)), 0.55, 5

#: Number of Adam updates and their learning rate; initial weights are drawn as in a ladder.
STEPS, RATE = 300, 0.05


@dataclass(frozen=True)
class LinearModel:
    """The model's parameters, and the examples that it was trained on.

    Attributes
    ----------
    W : (2, 2) float32, from inputs to logits
    b : (2,) float32
    x : (examples, 2) float32
    y : (examples,) int64
    """

    W: np.ndarray
    b: np.ndarray
    x: np.ndarray
    y: np.ndarray

    def logits(self, x):
        """(examples, 2) -> (examples, 2), in NumPy."""
        return x @ self.W + self.b


def examples(n=40, seed=SEED):
    """Two clusters, n points in all: x (n, 2) float32, y (n,) int64; the same on every call."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n - n // 2, n // 2])
    x = np.array(CENTRES)[y] + SPREAD * rng.standard_normal((n, 2))
    return x.astype("float32"), y.astype("int64")


def fitted(steps=STEPS):
    """A :class:`LinearModel`, trained by the package's Adam on the mean cross-entropy."""
    import aesara
    import aesara.tensor as at

    from ladder.bricks.costs import crossentropy_of_logits
    from ladder.bricks.dense import dense_init
    from ladder.report.figures.interpreted import interpreted
    from ladder.training.optimisers import adam

    x, y = examples()
    first = dense_init(np.random.RandomState(SEED), 2, 2).astype("float32")
    W, b = aesara.shared(first, name="W"), aesara.shared(np.zeros(2, "float32"), name="b")
    cost = crossentropy_of_logits(aesara.shared(y), at.dot(aesara.shared(x), W) + b)
    step = interpreted([], [], adam(at.grad(cost, [W, b]), [W, b], np.float32(RATE)))
    for _ in range(steps):
        step()
    return LinearModel(W.get_value(), b.get_value(), x, y)


def directions(model, kinds=tuple(KINDS), xi=0.01, seed=SEED):
    """u of each kind of noise at the model's examples, as :mod:`ladder.adversarial` computes them.

    Parameters
    ----------
    model : LinearModel
    kinds : sequence of str, of ``KINDS``
    xi : float
        How far ``vat`` looks, ``--vat-xi``.
    seed : int, of the random directions that ``vat`` starts from

    Returns
    -------
    dict of kind -> (examples, 2) float32
    """
    import aesara
    import aesara.tensor as at
    from aesara.gradient import disconnected_grad

    from ladder.bricks.adversarial import direction
    from ladder.bricks.costs import crossentropy_of_logits, kl_divergence
    from ladder.report.figures.interpreted import interpreted

    x, y, start = (aesara.shared(value) for value in (model.x, model.y, _unit_vectors(len(model.x), seed)))

    def logits(x):
        return at.dot(x, aesara.shared(model.W)) + aesara.shared(model.b)

    U = at.grad(crossentropy_of_logits(y, logits(x)), x)
    moved = x + np.float32(xi) * start
    away = at.grad(kl_divergence(disconnected_grad(logits(x)), logits(moved)), moved)
    found = [direction(kind, away if kind == "vat" else U) for kind in kinds]
    return dict(zip(kinds, interpreted([], found)()))


def _unit_vectors(n, seed):
    drawn = np.random.default_rng(seed).standard_normal((n, 2))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype("float32")
