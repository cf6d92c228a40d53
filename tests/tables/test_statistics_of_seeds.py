"""Statistics of a few seeds, against hand-computed values and SciPy."""

import numpy as np
import pytest
from scipy import stats

from ladder.tables import statistics
from ladder.tables.statistics import compare_with_baseline, permutation, summarize, verdict, wilcoxon


def by_seed(errors):
    return dict(enumerate(errors, 1))


def test_summary_by_hand():
    found = summarize([1.0, 2.0, 4.0, 5.0])
    assert (found.n, found.mean) == (4, 3.0)
    assert found.std == pytest.approx((10 / 3) ** 0.5)  # squares 4 1 1 4 over n - 1
    assert 1 <= found.interval[0] < 3 < found.interval[1] <= 5
    assert summarize([1.0, 2.0, 4.0, 5.0]) == found  # the same every time


def test_interval_is_that_of_95_per_cent():
    """For many errors it is that of the normal distribution."""
    errors = np.random.default_rng(3).normal(1, 0.1, 200)
    low, high = summarize(errors).interval
    half = stats.norm.ppf(0.975) * errors.std(ddof=1) / 200**0.5
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
    assert (high + low) / 2 == pytest.approx(errors.mean(), abs=0.1 * half)


def test_interval_is_corrected_for_skewness():
    """It lies further towards the tail than the quantiles of resampled means."""
    errors = np.random.default_rng(3).exponential(1, 30)
    resampled = errors[np.random.default_rng(4).integers(0, 30, (20_000, 30))].mean(axis=1)
    (low, high), (low_of_means, high_of_means) = summarize(errors).interval, np.quantile(resampled, [0.025, 0.975])
    assert low > low_of_means + 0.01 and high > high_of_means + 0.02


def test_one_seed_and_equal_seeds():
    one = summarize([0.5])
    assert (one.mean, one.std, one.interval) == (0.5, None, None)
    equal = summarize([0.5, 0.5, 0.5])
    assert (equal.std, equal.interval) == (0, (0.5, 0.5))


def test_the_interval_of_errors_does_not_depend_on_their_order_or_unit():
    """0.3 + 0.2 + 0.1 and 0.1 + 0.2 + 0.3 differ in the last bit."""
    low, high = summarize([3, 2, 1]).interval
    for errors in ([0.3, 0.2, 0.1], [0.1, 0.2, 0.3], [0.2, 0.3, 0.1]):
        assert summarize(errors).interval == pytest.approx((low / 10, high / 10))


def test_permutation_by_hand():
    # 1 2 3: of the 8 sign patterns, + + + and - - - have means as far from 0 as 2
    assert permutation([1, 2, 3]) == pytest.approx(2 / 8)
    # 1 2 -1: the sums are 4 2 2 0 0 -2 -2 -4; 3 of 8 are at least 2, and as many at most -2
    assert permutation([1, 2, -1]) == pytest.approx(min(1, 2 * np.mean([sum(s) >= 2 for s in _signed(1, 2, 1)])))
    assert permutation([0, 0]) == 1


@pytest.mark.parametrize(
    "images, n", [([2, 2, -4, 3], 360), ([0, 6, 10, -1, 1, -7, -8, 10], 8000), ([0, 6, 10, -1, 1, -7, -8, 10], 40000)]
)
def test_permutation_with_images_that_are_no_round_part_of_a_per_cent(images, n):
    """2 + 2 - 4 + 3 of 360 are as many as - 2 - 2 + 4 + 3, however 1 / 360 is rounded."""
    test = compare_with_baseline(by_seed(100 * (20 + np.array(images)) / n), by_seed([100 * 20 / n] * len(images)))
    sums = [sum(s) for s in _signed(*map(abs, images))]
    assert test.permutation == pytest.approx(np.mean([abs(s) >= abs(sum(images)) for s in sums]))


def _signed(*sizes):
    return [
        [s * sign for s, sign in zip(sizes, signs)]
        for signs in np.ndindex(*[2] * len(sizes))
        for signs in [[2 * b - 1 for b in signs]]
    ]


@pytest.mark.parametrize("n", [5, 8, 10, 13])
def test_wilcoxon_is_scipys_where_that_is_exact(n):
    differences = np.random.default_rng(n).normal(0.3, 1, n)
    assert wilcoxon(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_signs_of_more_than_13_seeds_are_drawn(monkeypatch):
    differences = np.random.default_rng(5).normal(0.4, 1, 14)
    drawn = wilcoxon(differences), permutation(differences)
    assert drawn == (wilcoxon(differences), permutation(differences))
    monkeypatch.setattr(statistics, "MOST_ENUMERATED", 14)
    exact = stats.wilcoxon(differences, method="exact").pvalue, permutation(differences)
    assert 0.05 < min(exact) and max(exact) < 0.6
    assert drawn == pytest.approx(exact, abs=0.02) and drawn != exact


def test_what_was_observed_is_one_of_the_drawn_signs():
    assert permutation(np.ones(40)) == wilcoxon(np.ones(40)) == 1 / (statistics.RESAMPLES + 1)


def test_wilcoxon_with_ties_and_zeros_enumerates_all_signs():
    differences = [0.1, 0.1, -0.1, 0.3, 0.0, 0.2]
    ranks = stats.rankdata([0.1, 0.1, 0.1, 0.3, 0.2])
    observed = abs(sum(np.sign([0.1, 0.1, -0.1, 0.3, 0.2]) * ranks))
    sums = [sum(signed) for signed in _signed(*ranks)]
    assert wilcoxon(differences) == pytest.approx(2 * np.mean([s >= observed - 1e-9 for s in sums]))


def test_pairs_are_the_shared_seeds_and_rounding_makes_no_difference():
    test = compare_with_baseline({1: 0.91, 2: 0.98, 7: 5.0}, {1: 1.01, 2: 1.08, 8: 0.0})
    assert test.seeds == (1, 2) and test.difference == pytest.approx(-0.1)
    assert test.wilcoxon == pytest.approx(0.5) == test.permutation
    assert compare_with_baseline({1: 1.0}, {2: 1.0}) is None
    assert compare_with_baseline({1: 1.0}, {1: 2.0}).wilcoxon == 1


def test_verdicts():
    baseline = by_seed(np.linspace(1, 2, 13))

    def said(differences):
        shifted = {seed: baseline[seed] + d for seed, d in by_seed(differences).items()}
        return verdict(compare_with_baseline(shifted, baseline))

    assert "one seed cannot tell these apart" in said([-1])
    assert "5 seeds cannot tell these apart (no exact test of 5 can give p below 0.0625" in said([-1, -2, -3, -4, -5])
    assert "lower than the baseline at the 5 % level" in said([-1, -2, -3, -4, -5, -6])
    assert "higher than the baseline" in said(range(1, 11))
    alternating = said([1, -1] * 5)
    assert "10 seeds cannot tell these apart (Wilcoxon p = 1, permutation p = 1)" in alternating
    assert "10 of which 4 differ can give p below 0.125" in said([-1, -2, -3, -4] + [0] * 6)
    assert "5 of which 0 differ can give p below 1," in said([0] * 5)
    assert "the two tests disagree" in said([-i / 10 for i in range(1, 13)] + [9])
