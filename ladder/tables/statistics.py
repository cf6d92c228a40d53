"""Statistics of a few seeds: means with their uncertainty, and paired tests.

Every number is reproducible: whatever is random (the bootstrap, and tests of
more seeds than can be enumerated) starts from a fixed state.
"""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

RESAMPLES = 9999
LEVEL = 0.05

#: The most seeds for which all 2^n combinations of signs are enumerated.
MOST_ENUMERATED = 13

#: Decimals to which differences of errors in per cent are rounded, and how far apart sums of these may be and still
#: count as equal: one image in ten million is 1e-5 %.
ROUNDING, SAME = 9, 1e-7


@dataclass(frozen=True)
class Summary:
    """The errors of some seeds, summarised.

    Attributes
    ----------
    n : int
    mean : float
    std : float or None
        Sample standard deviation (n - 1); None for one seed.
    interval : (float, float) or None
        95 % bootstrap interval of the mean; None for one seed.
    """

    n: int
    mean: float
    std: Optional[float]
    interval: Optional[Tuple[float, float]]


@dataclass(frozen=True)
class PairedTest:
    """Two settings compared over the seeds that both have.

    Attributes
    ----------
    seeds : tuple of int
    difference : float, mean of this minus the baseline
    unequal : int, how many seeds differ at all
    wilcoxon, permutation : float, two-sided p
    of_all : bool
        Whether neither has any other seed, so that the mean difference is the difference of their means.
    """

    seeds: Tuple[int, ...]
    difference: float
    unequal: int
    wilcoxon: float
    permutation: float
    of_all: bool = True

    @property
    def smallest_possible(self):
        """The p value if all differences have the same sign: the smallest that so many unequal seeds can give."""
        return min(1.0, 2.0 ** (1 - self.unequal))


def summarize(errors):
    """A :class:`Summary`.

    Parameters
    ----------
    errors : sequence of float, one per seed, at least one
    """
    errors = np.asarray(errors, float)
    if len(errors) < 2:
        return Summary(len(errors), float(errors.mean()), None, None)
    return Summary(len(errors), float(errors.mean()), float(errors.std(ddof=1)), _interval(errors))


def mean_error(errors, axis=-1):
    """The mean along an axis, rounded so that it does not depend on the order of the errors.

    This matters to the bootstrap, which counts the resampled means below the observed one and those equal to it.
    """
    return np.round(np.mean(errors, axis=axis), ROUNDING)


def _interval(errors):
    """The bias-corrected and accelerated bootstrap interval; a point if all errors are equal."""
    if np.ptp(errors) == 0:
        return float(errors[0]), float(errors[0])
    from scipy import stats  # takes longer to import than all the rest of the command line

    found = stats.bootstrap(
        (errors,),
        mean_error,
        confidence_level=0.95,
        n_resamples=RESAMPLES,
        method="BCa",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def compare_with_baseline(errors, baseline):
    """A :class:`PairedTest` over the seeds that both have; None if there are none.

    Parameters
    ----------
    errors, baseline : dict of seed -> float
    """
    seeds = tuple(sorted(set(errors) & set(baseline)))
    if not seeds:
        return None
    # Errors are printed in hundredths; equal differences must not differ by rounding.
    differences = np.round([errors[seed] - baseline[seed] for seed in seeds], ROUNDING)
    unequal = int(np.count_nonzero(differences))
    of_all = len(seeds) == len(errors) == len(baseline)
    return PairedTest(
        seeds, float(differences.mean()), unequal, wilcoxon(differences), permutation(differences), of_all
    )


def permutation(differences):
    """Two-sided p value of the mean difference if both signs of each difference are equally likely.

    All 2^n combinations of signs are enumerated for up to 13 seeds.
    """
    return _sign_flips(np.asarray(differences, float))


def wilcoxon(differences):
    """Two-sided p value of the Wilcoxon signed-rank test, exact for up to 13 seeds, even with ties.

    Differences of 0 are left out.  ``scipy.stats.wilcoxon`` is exact only
    without ties, and errors in hundredths of a per cent tie often.
    """
    from scipy import stats

    differences = np.asarray(differences, float)
    differences = differences[differences != 0]
    # The ranks are of magnitudes, which flipping signs does not change.
    return _sign_flips(np.sign(differences) * stats.rankdata(np.abs(differences)))


def _sign_flips(values):
    """Two-sided p value of the sum of some values if both signs of each are equally likely.

    Not ``scipy.stats.permutation_test``, which treats sums that differ only by rounding as different.
    """
    n = len(values)
    if n < 2 or not values.any():
        return 1.0
    if n <= MOST_ENUMERATED:
        flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        flipped = np.random.default_rng(0).integers(0, 2, (RESAMPLES, n))
    as_far = np.abs((1 - 2 * flipped) @ values) >= abs(values.sum()) - SAME
    if n <= MOST_ENUMERATED:
        return float(as_far.mean())
    return float((as_far.sum() + 1) / (RESAMPLES + 1))  # the observed signs count as one of the samples


def verdict(test):
    """The result of a test in one plain sentence, without a full stop.

    Parameters
    ----------
    test : PairedTest
    """
    n = len(test.seeds)
    seeds = "1 shared seed" if n == 1 else f"{n} shared seeds"
    means = f"mean difference {test.difference:+.3f} over {seeds}"
    p = f"Wilcoxon p = {test.wilcoxon:.3g}, permutation p = {test.permutation:.3g}"
    if test.smallest_possible > LEVEL:
        unequal = f"{n}" if test.unequal == n else f"{n} of which {test.unequal} differ"
        least = f"no exact test of {unequal} can give p below {test.smallest_possible:.3g}, let alone {LEVEL:g}"
        return f"{means}: {'one seed' if n == 1 else f'{n} seeds'} cannot tell these apart ({least})"
    if max(test.wilcoxon, test.permutation) < LEVEL:
        return f"{means}: {'lower' if test.difference < 0 else 'higher'} than the baseline at the 5 % level ({p})"
    if min(test.wilcoxon, test.permutation) < LEVEL:
        return f"{means}: the two tests disagree at the 5 % level, which decides nothing ({p})"
    return f"{means}: {n} seeds cannot tell these apart ({p})"
