"""What a random search draws: distributions against SciPy's, and draws that stay the same when others are added."""

import re

import numpy as np
import pytest
from scipy import stats

from ladder.errors import UserError
from ladder.options import Options
from ladder.sweeps.configurations import Search, configurations, in_words
from ladder.sweeps.distributions import draw, generator, parse

NETWORK = {"encoder_layers": ("10",), "denoising_cost_x": (0.0, 0.0), "dataset": "digits"}
DRAWN = {"lr": "log-uniform:1e-4:1e-1", "batch_size": "integers:20:22", "lrate_decay": "uniform:0.2:0.4"}


def drawn(n=400, seed=1, given=(), **distributions):
    return configurations({**NETWORK, **dict(given)}, search=Search(n, distributions or DRAWN, seed))


def test_distributions_are_those_they_are_called():
    found = drawn()
    log_rates, decays = np.log([p.lr for p in found]), [p.lrate_decay for p in found]
    for values, low, high in ((log_rates, np.log(1e-4), np.log(1e-1)), (decays, 0.2, 0.4)):
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01
    counts = [sum(p.batch_size == size for p in found) for size in (20, 21, 22)]
    assert sum(counts) == len(found) and stats.chisquare(counts).pvalue > 0.01
    # They are drawn independently.
    assert abs(stats.spearmanr(log_rates, decays).statistic) < 0.15


def test_values_of_options_and_choices_are_drawn_alike():
    found = drawn(given={"act": [("relu",), ("tanh",)], "seed": [3, 4]}, optimizer="choice:adam|sgd|momentum")
    assert {p.seed for p in found} == {3, 4}
    for seed in (3, 4):
        of_seed = [p for p in found if p.seed == seed]
        assert len({(p.act, p.optimizer) for p in of_seed}) == len(of_seed) == 6  # none twice, and 400 draws find all
    # Every configuration has both seeds, side by side.
    assert all((a.act, a.optimizer) == (b.act, b.optimizer) for a, b in zip(found[::2], found[1::2]))


def test_draws_that_are_alike_are_told_of(caplog):
    with caplog.at_level("INFO", logger="main"):
        found = drawn(30, batch_size="integers:20:22", given={"seed": [3, 4]})
    assert len(found) == 6 and "Of 60 runs drawn 54 are like others, and are trained once" in caplog.text


def test_the_same_seed_draws_the_same_and_more_draws_keep_the_first():
    assert drawn(20) == drawn(40)[:20]
    assert drawn(20, seed=2) != drawn(20)
    with_another = drawn(20, **DRAWN, momentum="uniform:0.1:0.9")
    assert [p.lr for p in with_another] == [p.lr for p in drawn(20)]
    assert len({p.momentum for p in with_another}) == 20


def test_sets_of_labels_are_told_apart_in_few_letters():
    many = [Options(**NETWORK, labeled_indices=tuple(range(i, 1000 + i))) for i in range(2)]
    one, other = (in_words(p, ["labeled_indices"]) for p in many)
    assert one != other and re.fullmatch(r"labeled-indices of 1,000 examples \([0-9a-f]{6}\)", one)


def test_a_distribution_of_scipy_serves_as_it_is():
    (p,) = drawn(1, lr=stats.loguniform(1e-3, 1e-2))
    expected = stats.loguniform(1e-3, 1e-2).rvs(random_state=generator("lr", 0, 1))
    assert p.lr == pytest.approx(expected, rel=1e-5)


def test_a_number_is_drawn_with_six_digits():
    value = stats.uniform(1, 1).rvs(random_state=generator("lr", 0, 1))
    assert draw(parse("uniform:1:2"), "lr", 0, 1) == f"{value:.5f}" != str(value)


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("lr", "normal:0:1", "--draw lr: 'normal:0:1' is no distribution: give uniform:A:B, log-uniform:A:B"),
        ("lr", "uniform:1", "'uniform:1' must have two numbers"),
        ("lr", "uniform:2:1", "the first number must be below the second"),
        ("batch_size", "integers:1:99999999999999999999999", "goes beyond 1e.18: give smaller numbers"),
        ("lr", "log-uniform:0:1", "both numbers must be above 0"),
        ("batch_size", "uniform:20:30", "--draw batch-size: .* whole number"),
        ("batch_size", "integers:1.5:3", "two whole numbers"),
        ("act", "choice:relu||tanh", "names no values"),
        ("plain_graph", "choice:1|0", "'plain_graph' is no option that takes a value"),
        ("seed", "integers:1:3", "'seed' is no option"),
        ("lr", "uniform:-2:-1", "--lr"),
    ],
)
def test_mistakes_name_the_option(name, text, message):
    with pytest.raises(UserError, match=message):
        configurations(NETWORK, search=Search(3, {name: text}))
