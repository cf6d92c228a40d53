"""Error counts, by hand for points on a line: class 1 lies above 0."""

import numpy as np
import pytest

from ladder.attacks.methods import AttackSettings
from ladder.attacks.robustness import count_errors

X = np.float32([[-0.3], [-0.1], [0.1], [0.3], [0.2], [-0.05]])
Y = np.array([0, 0, 1, 1, 0, 1])  # the last two are wrong before any attack


def classify(x):
    return np.concatenate([-x, x], axis=1)


def upwards(x, y):
    return np.ones_like(x)


def against_the_class(x, y):
    return np.where(y[:, None] == 0, 1, -1).astype("float32")


def counted(gradient, n_batches=1, **settings):
    batches = zip(np.array_split(X, n_batches), np.array_split(Y, n_batches))
    return count_errors(batches, classify, gradient, AttackSettings(**settings))


@pytest.mark.parametrize("n_batches", [1, 3])
def test_every_example_counts_and_those_wrong_before_apart(n_batches):
    report = counted(against_the_class, n_batches, kinds=("sgn", "pgd-linf"), taus=(0.0, 0.15, 0.35))
    assert (report["n"], report["n_wrong_before"]) == (6, 2)
    found = [(a["kind"], a["tau"], a["n_wrong"], a["n_newly_wrong"]) for a in report["attacks"]]
    assert found == [
        ("sgn", 0.0, 2, 0),
        ("sgn", 0.15, 4, 2),
        ("sgn", 0.35, 6, 4),
        ("pgd-linf", 0.0, 2, 0),
        ("pgd-linf", 0.15, 4, 2),
        ("pgd-linf", 0.35, 6, 4),
    ]
    assert report["attacks"][1]["error_percent"] == pytest.approx(100 * 4 / 6)


def test_an_attack_that_mends_an_error_is_counted_as_it_is():
    (attack,) = counted(upwards, kinds=("sgn",), taus=(0.15,))["attacks"]
    # -0.1 of class 0 becomes wrong, -0.05 of class 1 becomes right
    assert (attack["n_wrong"], attack["n_newly_wrong"]) == (2, 1)


def test_progress_covers_every_attack_on_every_example():
    seen = []
    settings = AttackSettings(kinds=("sgn", "gaussian"), taus=(0.0, 0.1, 0.2))
    count_errors([(X[:4], Y[:4]), (X[4:], Y[4:])], classify, upwards, settings, seen.append)
    assert sum(seen) == 6 * 2 * 3


def test_batches_get_different_noise():
    seen = []

    def look(x):
        seen.append(x)
        return classify(x)

    zeros = np.zeros((100, 1), "float32"), np.zeros(100, int)
    count_errors([zeros, zeros], look, None, AttackSettings(kinds=("gaussian",), taus=(1.0,)))
    assert (seen[1] != seen[3]).any()
