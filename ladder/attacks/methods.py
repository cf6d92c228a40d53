"""Attacks: inputs moved a little, so that a classifier gets them wrong.

Plain functions of arrays; all they know of the network is a function from
examples and classes to gradients.  tau is in the units of the inputs that are
attacked.  The noise of each kind, with k the number of inputs of an example:

``sgn``
    tau sign(gradient): the fast gradient sign method (Goodfellow et al. 2015).
``1N``
    tau gradient / ||gradient||: L2 norm tau.
``kN``
    sqrt(k) times that, which has the power of ``sgn``.
``pgd-linf``, ``pgd-l2``
    Projected gradient descent (Madry et al. 2018): steps along ``sgn`` or
    ``1N``, each put back into the ball of radius tau in the L-infinity or L2
    norm.
``gaussian``
    tau sign(n), n standard normal: not an attack but the control, with the
    power of ``sgn``.

The first three names, and the control, are from "Adversarial Learning with
Ladder Networks" (2016), section 5.4.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Optional, Tuple

import numpy as np

from ladder.errors import UserError

SINGLE_STEP = ("sgn", "1N", "kN")
PROJECTED = ("pgd-linf", "pgd-l2")
KINDS = SINGLE_STEP + PROJECTED + ("gaussian",)

#: The means and variances that gradients are taken through: those for test data, or each batch's own.
STATISTICS = ("fixed", "batch")

#: Length of all steps together, in radii, unless a step size is given (Madry's choice for L2).
STEPS_IN_RADII = 2.5

#: A larger value is a typing mistake, whatever the units.
LARGEST_TAU = 1_000_000


@dataclass(frozen=True)
class AttackSettings:
    """Which attacks, and how.

    Attributes
    ----------
    kinds : tuple of str, from ``KINDS``
    taus : tuple of float, 0 or more
    steps : int, of projected gradient descent
    step_size : float, length of one such step; None: ``2.5 tau / steps``
    clip : bool
        Whether attacked inputs are kept between 0 and 1, where the examples must lie.
    random_start : bool
        Whether projected gradient descent starts at a random point of the
        ball rather than at the example.
    seed : int, for ``gaussian`` and random starts
    statistics : str, from ``STATISTICS``
    """

    kinds: Tuple[str, ...] = KINDS
    taus: Tuple[float, ...] = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
    steps: int = 20
    step_size: Optional[float] = None
    clip: bool = False
    random_start: bool = False
    seed: int = 1
    statistics: str = "fixed"

    def __post_init__(self):
        for kind in self.kinds:
            if kind not in KINDS:
                raise UserError(f"--kinds: unknown attack '{kind}': choose from {', '.join(KINDS)}.")
        for tau in self.taus:
            check_tau("--tau", tau)
        _refuse_repeated("--kinds", self.kinds)
        _refuse_repeated("--tau", self.taus)
        if len(self.kinds) * len(self.taus) > MOST_ATTACKS:
            raise UserError(f"--kinds and --tau make more than {MOST_ATTACKS:,} attacks: give fewer.")
        if not 1 <= self.steps <= MOST_STEPS:
            raise UserError(f"--steps is {self.steps}, but must be at least 1 and at most {MOST_STEPS:,}.")
        if self.step_size is not None and not 0 < self.step_size <= LARGEST_TAU:
            raise UserError(f"--step-size is {self.step_size:g}, but must be above 0 and at most {LARGEST_TAU}.")
        if self.seed < 0:
            raise UserError(f"--attack-seed is {self.seed}, but must be 0 or more.")
        if self.statistics not in STATISTICS:
            raise UserError(f"--statistics is {self.statistics}, but must be 'fixed' or 'batch'.")


#: A table has a column for each.
MOST_ATTACKS = 1_000

#: Far more steps than it takes until the result no longer changes; a few minutes for the digits.
MOST_STEPS = 10_000


def check_tau(option, tau):
    """Refuse a tau that is negative, NaN or absurdly large."""
    if not 0 <= tau <= LARGEST_TAU:
        raise UserError(f"{option} is {tau:g}, but must be between 0 and {LARGEST_TAU}.")


def _refuse_repeated(option, values):
    seen = set()
    for value in values:
        if value in seen:
            raise UserError(f"{option} has {value} more than once: give it once.")
        seen.add(value)


class AttackedBatch:
    """A batch of examples under every attack.

    The gradient at the examples and the random draws do not depend on tau; they
    are computed once and shared by all attacks.

    Parameters
    ----------
    x : (examples, …) float32
    y : (examples,) int64, the true classes
    gradient : function (x, y) -> (examples, …) float32
        The gradient of each example's cost with respect to its own inputs, up
        to a positive factor per example: no attack depends on its length.
    settings : AttackSettings
    number : int, the batch's: different batches get different random draws
    """

    def __init__(self, x, y, gradient, settings, number=0):
        self.x, self.y = x, y
        self._gradient, self._settings, self._number = gradient, settings, number

    def attacked(self, kind, tau):
        """The examples after an attack of ``KINDS``: (examples, …) float32."""
        if tau == 0:
            return self.x
        if kind in PROJECTED:
            return self._projected(kind, tau)
        noise = self._noise if kind == "gaussian" else direction(kind, self._gradient_at_x)
        return self._clipped(self.x + np.float32(tau) * noise)

    @cached_property
    def _gradient_at_x(self):
        return self._gradient(self.x, self.y)

    @cached_property
    def _noise(self):
        return np.sign(self._random("gaussian").standard_normal(self.x.shape, "float32"))

    def _projected(self, kind, tau):
        s = self._settings
        start = self.x
        if s.random_start:
            start = self._clipped(self.x + random_in_ball(kind, self.x.shape, tau, self._random(kind)))
        return projected_gradient_descent(
            kind, self.x, self.y, self._gradient, tau, steps=s.steps, step_size=s.step_size, clip=s.clip, start=start
        )

    def _random(self, kind):
        """Each kind has its own generator, so its draws do not depend on which others are asked for."""
        return np.random.default_rng([self._settings.seed, self._number, KINDS.index(kind)])

    def _clipped(self, x):
        return to_unit_interval(x) if self._settings.clip else x


def direction(kind, gradient):
    """The noise of a kind at tau = 1; 0 where the gradient is 0.

    Parameters
    ----------
    kind : of ``SINGLE_STEP``
    gradient : (examples, …) float32

    Returns
    -------
    (examples, …) float32
    """
    if kind == "sgn":
        return np.sign(gradient)
    unit = gradient / np.maximum(_norms(gradient), np.finfo("float64").tiny)
    return (unit * math.sqrt(gradient[0].size) if kind == "kN" else unit).astype("float32")


def projected_gradient_descent(kind, x, y, gradient, tau, *, steps, step_size=None, clip=False, start=None):
    """Steps up the cost that never leave the ball around ``x``.

    Parameters
    ----------
    kind : of ``PROJECTED``
    x : (examples, …) float32, centres of the balls
    y, gradient : as in :class:`AttackedBatch`
    tau : float, radius
    steps, step_size, clip : as in :class:`AttackSettings`
    start : (examples, …) float32, in the ball; None: ``x``

    Returns
    -------
    (examples, …) float32
        The result of the last step.
    """
    if step_size is None:
        step_size = STEPS_IN_RADII * tau / steps
    along = "sgn" if kind == "pgd-linf" else "1N"
    attacked = x if start is None else start
    for _ in range(steps):
        attacked = attacked + np.float32(step_size) * direction(along, gradient(attacked, y))
        if clip:
            attacked = to_unit_interval(attacked)
        # Projected after clipping: moving back towards x, which is in the unit interval, stays in it.
        attacked = x + project(kind, attacked - x, tau)
    return attacked


def project(kind, noise, tau):
    """The nearest point in the ball of radius ``tau``: (examples, …) float32 -> the same shape."""
    if kind == "pgd-linf":
        return np.clip(noise, -np.float32(tau), np.float32(tau))
    norms = _norms(noise)
    return np.where(norms > tau, noise * (tau / np.maximum(norms, tau)), noise).astype("float32")


def random_in_ball(kind, shape, tau, rng):
    """A uniformly random point of each example's ball: float32 of ``shape`` (examples, …)."""
    if kind == "pgd-linf":
        return rng.uniform(-tau, tau, shape).astype("float32")
    normals = rng.standard_normal(shape)
    radii = tau * rng.uniform(size=len(normals)) ** (1 / normals[0].size)
    return (normals / _norms(normals) * radii.reshape((-1,) + (1,) * (normals.ndim - 1))).astype("float32")


def to_unit_interval(x):
    return np.clip(x, np.float32(0), np.float32(1))


def _norms(x):
    """L2 norm of each example, in float64, where squares of float32 neither overflow nor underflow."""
    squares = np.square(x, dtype="float64").reshape(len(x), -1)
    return np.sqrt(squares.sum(axis=1)).reshape((-1,) + (1,) * (x.ndim - 1))
