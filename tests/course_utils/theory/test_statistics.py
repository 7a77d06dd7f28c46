"""Intervals and slopes against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_utils.theory import statistics


def test_slope_of_an_exact_power_law():
    widths = np.array([10, 100, 1000])
    slope = statistics.power_law_slope(widths, np.outer([1, 2, 5], widths**-0.7))
    assert slope.value == pytest.approx(-0.7) and slope.high - slope.low < 1e-9


@given(st.integers(1, 5000), st.data(), st.sampled_from([0.9, 0.95, 0.999]))
def test_clopper_pearson_leaves_half_of_what_may_fail_on_either_side(trials, data, confidence):
    k = data.draw(st.integers(0, trials))
    share, low, high = statistics.clopper_pearson(k, trials, confidence)
    assert share == k / trials
    half = (1 - confidence) / 2
    assert low == 0 if k == 0 else stats.binom.sf(k - 1, trials, low) == pytest.approx(half, rel=1e-6)
    assert high == 1 if k == trials else stats.binom.cdf(k, trials, high) == pytest.approx(half, rel=1e-6)


def test_mean_interval_is_students_also_where_all_are_equal():
    estimate = statistics.mean_interval([[1.0], [3.0]])
    assert estimate == pytest.approx((2, 2 - 63.6567, 2 + 63.6567), rel=1e-4)
    assert estimate.half == pytest.approx(63.6567, rel=1e-4)
    assert statistics.mean_interval([2.0, 2.0]) == (2, 2, 2)
