"""Means, rates and shares with their intervals, as every chapter reports them.

99 % rather than 95: the course tests dozens of numbers, and one in twenty would be denied by chance alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_probability, check_size


class _Ends(NamedTuple):
    value: float
    low: float
    high: float


class Interval(_Ends):
    """A number estimated from independent repetitions, and its confidence interval from ``low`` to ``high``.

    A tuple of three that knows how it was made, so that :meth:`at` can widen it where several are read together.

    Attributes:
        repetitions: how many independent repetitions it rests on.
        confidence: the probability with which such an interval holds the truth.
        error: the standard error of a mean, whose interval is Student's; None for a share of successes.
    """

    repetitions: int
    confidence: float
    error: float | None

    def __new__(
        cls, value: float, low: float, high: float, *, repetitions: int, confidence: float, error: float | None = None
    ) -> Interval:
        self = super().__new__(cls, float(value), float(low), float(high))
        self.repetitions, self.confidence, self.error = repetitions, confidence, error
        return self

    @classmethod
    def t(cls, value: float, error: float, repetitions: int, confidence: float = 0.99) -> Interval:
        """Student's interval of a mean of n ≥ 2 repetitions, from its standard error."""
        from scipy.stats import t

        n, error = check_size("repetitions", repetitions, 2), check_number("error", error)
        half = error * float(t.ppf((1 + check_probability("confidence", confidence)) / 2, n - 1))
        return cls(value, value - half, value + half, repetitions=n, confidence=confidence, error=error)

    def at(self, confidence: float) -> Interval:
        """The interval of the same repetitions at another confidence."""
        if self.error is None:
            return clopper_pearson(round(self.value * self.repetitions), self.repetitions, confidence)
        return self.t(self.value, self.error, self.repetitions, confidence)

    def __getnewargs_ex__(self) -> tuple[tuple, dict]:  # for copies and other processes
        kept = {"repetitions": self.repetitions, "confidence": self.confidence, "error": self.error}
        return tuple(self), kept

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def half(self) -> float:
        """Half the interval's length."""
        return (self.high - self.low) / 2


def mean_interval(values: Array, confidence: float = 0.99) -> Interval:
    """The mean of n ≥ 2 independent repetitions, of any shape, with its Student-t interval."""
    values = check_array("values", values).ravel()
    if values.size < 2:
        raise ValueError(f"values must hold at least 2 repetitions, got {values.size}")
    # not scipy's ttest_1samp, which warns where all repetitions are equal
    return Interval.t(values.mean(), values.std(ddof=1) / math.sqrt(values.size), values.size, confidence)


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
    confidence = check_probability("confidence", confidence)
    if not 0 <= k <= n or k != int(k):
        raise ValueError(f"successes must be a whole number from 0 to trials = {n}, got {successes}")
    ends = binomtest(int(k), n).proportion_ci(confidence, "exact")
    return Interval(k / n, ends.low, ends.high, repetitions=n, confidence=confidence)


def rms(values: Array) -> float:
    """The root mean square of all entries."""
    return float(np.sqrt(np.mean(np.square(values))))


def log_inverse(delta: float) -> float:
    """log(1/δ) for δ in (0, 1), without the overflow of 1/δ for the smallest δ."""
    return -math.log(check_probability("delta", delta))
