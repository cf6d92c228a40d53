"""The rules: which differences are small enough."""

import numpy as np
import pytest

from ladder.parity.comparison import FAILED, PASSED, Result
from ladder.parity.tolerances import EXACT, RULES, Rule, difference, floor_of_mean

TENSOR, ENTRY = Rule(1e-4), Rule(1e-5, per_entry=True, later=1e-4)


@pytest.mark.parametrize(
    "rule, ours, golden, share",
    [
        (EXACT, [1.0, 2.0], [1.0, 2.0], 0),
        (TENSOR, [1.0, 10.0005], [1.0, 10.0], 0.5),
        (TENSOR, [1.0005, 10.0], [1.0, 10.0], 0.5),
        (TENSOR, [5e-8], [0.0], 0.5),
        (ENTRY, [1.000005, 10.0005], [1.0, 10.0], 0.5),
        (ENTRY, [1.00005, 10.0], [1.0, 10.0], 5),
        (TENSOR, [np.nan, 1.0], [np.nan, 1.0], 0),
        (TENSOR, [np.inf, 1.0], [np.inf, 1.0], 0),
    ],
)
def test_share_of_what_is_allowed(rule, ours, golden, share):
    assert difference(np.array(ours), np.array(golden), rule).share == pytest.approx(share, rel=1e-6)


def test_one_bit_is_too_much_where_bits_must_agree():
    one = np.float32(1)
    assert difference(np.nextafter(one, 2, dtype="float32"), one, EXACT).share > 1


@pytest.mark.parametrize("ours, golden", [(np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0), (-np.inf, np.inf)])
def test_not_finite_on_one_side_is_infinitely_far(ours, golden):
    assert difference(np.array([ours, 0]), np.array([golden, 0]), TENSOR).share == np.inf


def test_a_mean_may_be_off_by_the_rounding_of_what_it_averages():
    assert floor_of_mean(np.array([0.0, 4.0])) == pytest.approx(8 * 2.0**-23)
    assert floor_of_mean(np.zeros(3)) == 1e-7


def test_a_mean_of_normalised_values_may_be_off_by_the_rounding_of_their_mean_below():
    """That rounding is proportional to the mean in units of its deviation, if this is above one."""
    variance, rounding = np.array([1.0, 4.0]), 8 * 2.0**-23
    assert floor_of_mean(variance, np.array([2.0, -6.0]), np.array([4.0, 1.0])) == pytest.approx(6 * rounding)
    assert floor_of_mean(variance, np.array([0.1, 0.0]), np.ones(2)) == pytest.approx(rounding)
    assert floor_of_mean(variance, None, np.ones(2)) == pytest.approx(rounding)
    assert np.isfinite(floor_of_mean(variance, np.ones(2), np.zeros(2)))


def test_verdicts():
    result = Result("some")
    assert result.verdict == FAILED  # comparing nothing is not a success
    result.compare("costs", "a", 1.0, 1.0, RULES["costs"])
    assert result.verdict == PASSED
    result.compare("costs", "b", np.zeros(2), np.zeros(3), RULES["costs"])
    assert result.verdict == FAILED
    assert "shape" in result.lines["costs"].failures[0]
