"""Means, rates and shares with their intervals, as every chapter reports them.

99 % rather than 95: the course tests dozens of numbers, and one in twenty would be denied by chance alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_probability, check_size


class Interval(NamedTuple):
    """A number estimated from independent repetitions, and its confidence interval from ``low`` to ``high``."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def half(self) -> float:
        """Half the interval's length."""
        return (self.high - self.low) / 2


def mean_interval(values: Array, confidence: float = 0.99) -> Interval:
    """The mean of n ≥ 2 independent repetitions, of any shape, with its Student-t interval."""
    from scipy.stats import t

    values = check_array("values", values).ravel()
    if values.size < 2:
        raise ValueError(f"values must hold at least 2 repetitions, got {values.size}")
    # not scipy's ttest_1samp, which warns where all repetitions are equal
    quantile = t.ppf((1 + check_probability("confidence", confidence)) / 2, values.size - 1)
    mean, half = values.mean(), quantile * values.std(ddof=1) / math.sqrt(values.size)
    return Interval(float(mean), float(mean - half), float(mean + half))


def power_law_slope(widths: Array, values: Array) -> Interval:
    """The mean slope of ``log values`` against ``log widths``, with its Student-t interval at 99 %.

    Least squares fits each of the r ≥ 2 independent repetitions on its own: ``values`` is (r, w), ``widths`` (w,).
    """
    widths, values = check_array("widths", widths, 1), check_array("values", values, 2)
    if values.shape[1] != widths.size or values.shape[0] < 2 or np.unique(widths).size < 2:
        raise ValueError(
            f"values must have shape (at least 2, len(widths)) with at least 2 different widths, "
            f"got {values.shape} for {widths.size} widths"
        )
    if min(widths.min(), values.min()) <= 0:
        raise ValueError(f"widths and values must be positive, got {min(widths.min(), values.min()):g}")
    x = np.log(widths) - np.log(widths).mean()
    return mean_interval(np.log(values) @ x / (x @ x))


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The share of ``successes`` in ``trials`` with the exact two-sided interval for its probability."""
    from scipy.stats import binomtest

    n, k = check_size("trials", trials), check_number("successes", successes)
    if not 0 <= k <= n or k != int(k):
        raise ValueError(f"successes must be a whole number from 0 to trials = {n}, got {successes}")
    ends = binomtest(int(k), n).proportion_ci(check_probability("confidence", confidence), "exact")
    return Interval(k / n, float(ends.low), float(ends.high))


def rms(values: Array) -> float:
    """The root mean square of all entries."""
    return float(np.sqrt(np.mean(np.square(values))))


def log_inverse(delta: float) -> float:
    """log(1/δ) for δ in (0, 1), without the overflow of 1/δ for the smallest δ."""
    return -math.log(check_probability("delta", delta))
