"""Attacks against closed forms of a linear classifier, and what must hold for any gradient."""

import numpy as np
import pytest

from ladder.attacks import methods
from ladder.attacks.methods import AttackedBatch, AttackSettings, direction, project, projected_gradient_descent
from ladder.errors import UserError

SHAPE = (6, 2, 3)
TOWARDS_1 = np.random.RandomState(1).randn(*SHAPE[1:]).astype("float32")
X = np.random.RandomState(2).rand(*SHAPE).astype("float32")
Y = np.array([0, 1, 0, 1, 1, 0])


def linear(x, y):
    """The gradient of the log odds against the true class, for two classes and logits 0 and <x, TOWARDS_1>."""
    return np.where(y[:, None, None] == 0, TOWARDS_1, -TOWARDS_1).astype("float32")


def crooked(x, y):
    """A gradient whose direction changes with x."""
    return np.cos(9 * x + np.arange(3, dtype="float32")).astype("float32")


def norms(x):
    return np.sqrt(np.square(x.astype("float64")).sum(axis=(1, 2)))


def noise(kind, tau, gradient=linear, number=0, **settings):
    return AttackedBatch(X, Y, gradient, AttackSettings(**settings), number).attacked(kind, tau) - X


UP = np.where(Y[:, None, None] == 0, 1, -1)
NORM = np.linalg.norm(TOWARDS_1)


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("sgn", 0.25 * UP * np.sign(TOWARDS_1)),
        ("1N", 0.25 * UP * TOWARDS_1 / NORM),
        ("kN", 0.25 * np.sqrt(6) * UP * TOWARDS_1 / NORM),
        # the gradient is the same everywhere, so descent ends at the boundary of the ball
        ("pgd-linf", 0.25 * UP * np.sign(TOWARDS_1)),
        ("pgd-l2", 0.25 * UP * TOWARDS_1 / NORM),
    ],
)
def test_noise_in_closed_form(kind, expected):
    np.testing.assert_allclose(noise(kind, 0.25), expected, atol=1e-6)


def test_kN_and_the_control_have_the_power_of_sgn():
    for kind in ("kN", "sgn", "gaussian"):
        np.testing.assert_allclose(norms(noise(kind, 0.3)), 0.3 * np.sqrt(6), rtol=1e-5)


def test_steps_and_step_size():
    found = noise("pgd-linf", 0.25, steps=3, step_size=0.01)
    np.testing.assert_allclose(found, 0.03 * UP * np.sign(TOWARDS_1), atol=1e-6)
    found = noise("pgd-l2", 0.25, steps=3, step_size=0.01)
    np.testing.assert_allclose(found, 0.03 * UP * TOWARDS_1 / NORM, atol=1e-6)


@pytest.mark.parametrize("kind", methods.PROJECTED)
def test_without_a_step_size_the_steps_together_are_two_and_a_half_radii_long(kind):
    def after(**steps):
        return projected_gradient_descent(kind, X, Y, crooked, 0.2, steps=10, **steps)

    np.testing.assert_array_equal(after(), after(step_size=0.05))
    assert (after() != after(step_size=0.02)).any()


@pytest.mark.parametrize("kind", methods.SINGLE_STEP + methods.PROJECTED)
def test_a_gradient_of_zero_gives_no_noise(kind):
    def half_dead(x, y):
        return np.where(np.arange(6)[:, None, None] < 3, 0, crooked(x, y)).astype("float32")

    found = noise(kind, 0.25, half_dead)
    assert (found[:3] == 0).all() and (norms(found[3:]) > 0.1).all()


@pytest.mark.parametrize("kind", methods.SINGLE_STEP)
def test_only_the_direction_of_the_gradient_counts(kind):
    gradient = np.random.RandomState(3).randn(*SHAPE).astype("float32")
    scale = np.float32([1e-30, 1e-20, 1e-3, 1, 1e20, 1e30]).reshape(-1, 1, 1)
    np.testing.assert_allclose(direction(kind, scale * gradient), direction(kind, gradient), rtol=1e-5)


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("kind", methods.PROJECTED)
def test_descent_stays_in_the_ball_and_climbs(kind, clip, random_start):
    found = noise(kind, 0.4, crooked, clip=clip, random_start=random_start, steps=30, step_size=0.15)
    size = np.abs(found).max(axis=(1, 2)) if kind == "pgd-linf" else norms(found)
    assert (size <= 0.4 + 1e-6).all() and (size > 0.1).all()
    cost = np.sin(9 * X + np.arange(3)).sum(axis=(1, 2))
    attacked = np.sin(9 * (X + found) + np.arange(3)).sum(axis=(1, 2))
    assert (attacked > cost).all()
    outside = (X + found < 0) | (X + found > 1)
    assert not outside.any() if clip else outside.any()


@pytest.mark.parametrize("kind", methods.KINDS)
def test_clipping_keeps_inputs_between_0_and_1(kind):
    def inside(x, y):
        assert x.min() >= 0 and x.max() <= 1
        return linear(x, y)

    batch = AttackedBatch(X, Y, inside, AttackSettings(clip=True, random_start=True))
    attacked = batch.attacked(kind, 1.5)
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert attacked.dtype == np.float32 and (attacked != X).any()
    unclipped = noise(kind, 1.5) + X
    assert unclipped.min() < 0 and unclipped.max() > 1


def test_projection():
    found = np.array([[[3, -4]], [[0.3, -0.4]], [[0, 0]]], "float32")
    np.testing.assert_allclose(project("pgd-l2", found, 1), [[[0.6, -0.8]], [[0.3, -0.4]], [[0, 0]]], rtol=1e-6)
    np.testing.assert_allclose(project("pgd-linf", found, 0.35), [[[0.35, -0.35]], [[0.3, -0.35]], [[0, 0]]])


def test_without_power_nothing_changes_and_nothing_is_computed():
    batch = AttackedBatch(X, Y, None, AttackSettings())
    for kind in methods.KINDS:
        assert batch.attacked(kind, 0.0) is X


def test_the_gradient_at_the_examples_is_computed_once():
    calls = []

    def counted(x, y):
        calls.append(len(x))
        return linear(x, y)

    batch = AttackedBatch(X, Y, counted, AttackSettings())
    for kind in ("sgn", "1N", "kN", "gaussian"):
        for tau in (0.1, 0.2):
            batch.attacked(kind, tau)
    assert calls == [6]


def test_the_control_is_a_fair_coin_that_a_seed_repeats():
    x = np.zeros((50, 400), "float32")
    signs = [
        AttackedBatch(x, None, None, AttackSettings(seed=seed), number).attacked("gaussian", 0.5) * 2
        for seed, number in ((1, 0), (1, 0), (2, 0), (1, 1))
    ]
    assert set(np.unique(signs[0])) == {-1, 1} and abs(signs[0].mean()) < 0.03
    assert (signs[0] == signs[1]).all()
    for other in signs[2:]:
        assert abs((signs[0] * other).mean()) < 0.03
    # the same signs whatever the power
    assert (np.sign(noise("gaussian", 0.1)) == np.sign(noise("gaussian", 0.3))).all()


@pytest.mark.parametrize("kind", methods.PROJECTED)
def test_random_starts_fill_the_ball(kind):
    starts = methods.random_in_ball(kind, (4000, 2, 3), 0.5, np.random.default_rng(0))
    size = np.abs(starts).max(axis=(1, 2)) if kind == "pgd-linf" else norms(starts)
    # the part of the ball within a radius grows as its 6th power
    inside = np.sort((size / 0.5) ** 6)
    np.testing.assert_allclose(inside, np.linspace(0, 1, 4000), atol=0.03)
    np.testing.assert_allclose(starts.mean(axis=0), 0, atol=0.03)
    assert (noise(kind, 0.2, crooked, random_start=True) == noise(kind, 0.2, crooked, random_start=True)).all()
    assert (noise(kind, 0.2, crooked, random_start=True) != noise(kind, 0.2, crooked)).any()


@pytest.mark.parametrize(
    "settings, sentence",
    [
        (dict(kinds=("sng",)), "--kinds: unknown attack 'sng': choose from sgn, 1N, kN, pgd-linf, pgd-l2, gaussian."),
        (dict(kinds=("sgn", "sgn")), "--kinds has sgn more than once: give it once."),
        (dict(taus=(0.1, -0.1)), "--tau is -0.1, but must be between 0 and 1000000."),
        (dict(taus=(float("nan"),)), "--tau is nan, but must be between 0 and 1000000."),
        (dict(taus=(float("inf"),)), "--tau is inf, but must be between 0 and 1000000."),
        (dict(taus=(0.1, 0.1)), "--tau has 0.1 more than once: give it once."),
        (dict(steps=0), "--steps is 0, but must be at least 1 and at most 10,000."),
        (dict(step_size=0.0), "--step-size is 0, but must be above 0 and at most 1000000."),
        (dict(step_size=float("nan")), "--step-size is nan, but must be above 0 and at most 1000000."),
        (dict(seed=-1), "--attack-seed is -1, but must be 0 or more."),
    ],
)
def test_bad_settings_are_named(settings, sentence):
    with pytest.raises(UserError) as error:
        AttackSettings(**settings)
    assert str(error.value) == sentence


@pytest.mark.parametrize("kind", methods.PROJECTED)
def test_a_random_start_depends_on_its_ball_seed_batch_and_kind_alone(kind):
    found = noise(kind, 0.2, linear, 3, random_start=True, steps=1, step_size=1e-6, seed=5, kinds=(kind,))
    rng = np.random.default_rng([5, 3, methods.KINDS.index(kind)])
    np.testing.assert_allclose(found, methods.random_in_ball(kind, SHAPE, 0.2, rng), atol=3e-6)


def test_the_control_does_not_depend_on_which_kinds_are_asked_for():
    np.testing.assert_array_equal(noise("gaussian", 0.1, kinds=("gaussian",)), noise("gaussian", 0.1))
