"""Intervals and slopes against their definitions."""

import pickle

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


def test_an_interval_at_another_confidence_is_that_of_the_same_repetitions():
    values = np.random.default_rng(1).normal(size=20)
    for again in (
        statistics.mean_interval(values).at(0.9),
        pickle.loads(pickle.dumps(statistics.mean_interval(values))).at(0.9),
    ):
        assert again == pytest.approx(statistics.mean_interval(values, 0.9)) and again.confidence == 0.9
    assert statistics.clopper_pearson(7, 50).at(0.999) == statistics.clopper_pearson(7, 50, 0.999)
    assert statistics.clopper_pearson(7, 50).repetitions == 50 and statistics.mean_interval(values).repetitions == 20


def test_an_interval_from_a_standard_error_is_that_of_the_mean():
    values = np.random.default_rng(2).normal(size=15)
    error = values.std(ddof=1) / 15**0.5
    assert statistics.Interval.t(values.mean(), error, 15) == pytest.approx(statistics.mean_interval(values))
    with pytest.raises(ValueError, match="repetitions must be at least 2, got 1"):
        statistics.Interval.t(0, 1, 1)
