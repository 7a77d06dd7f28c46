"""Chapter 3, the count: how many neurons start near zero.

One number, Σ_i 1{|w0_iᵀx| ≤ τ‖x‖}, the count of m independent indicators: its exact law and five bounds on its upper
tail. How far a move can take f from f0 is in :mod:`course_utils.theory.worst_case`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_probability, check_size
from course_utils.theory.statistics import clopper_pearson, log_inverse


class NearZero(NamedTuple):
    """Pr[|z| ≤ τ] for a standard normal z: ``exact``, the ``density`` bound 2τ/√(2π) and the ``lecture``'s τ."""

    exact: float
    density: float
    lecture: float


class TailBounds(NamedTuple):
    """Values that the count exceeds with probability at most δ, and the ``mean`` of the count."""

    mean: float
    lecture: float
    hoeffding: float
    bernstein: float
    chernoff: float
    exact: int


class Coverage(NamedTuple):
    """How often a bound was exceeded: ``share`` = exceeded/draws, Clopper–Pearson interval (low, high)."""

    exceeded: int
    draws: int
    share: float
    low: float
    high: float


def near_zero_probability(tau: float) -> float:
    """Pr[|z| ≤ τ] = erf(τ/√2) for a standard normal z: the chance that |w0_iᵀx| ≤ τ‖x‖ (lecture/density)."""
    return math.erf(check_number("tau", tau, at_least=0) / math.sqrt(2))


def near_zero_roundings(tau: float) -> NearZero:
    """erf(τ/√2) ≤ 2τ/√(2π) ≤ τ: exact, the density at 0 times 2τ, and the slide's rounding (lecture/density)."""
    return NearZero(near_zero_probability(tau), 2 * tau / math.sqrt(2 * math.pi), float(tau))


def log_mgf(s: Array | float, p: float) -> Array | float:
    """log E exp(s(P − p)) for an indicator P with Pr[P = 1] = p; the shape is that of s.

    Hoeffding's lemma bounds it by s²/8 for every p: its second derivative in s is the variance of an
    indicator, which is at most 1/4.
    """
    p, s = check_probability("p", p), check_array("s", s)
    # expm1 keeps the digits near s = 0, logaddexp the range where e^s would overflow
    near = np.log1p(p * np.expm1(np.minimum(s, 1.0)))
    far = np.logaddexp(math.log1p(-p), math.log(p) + s)
    value = np.where(s < 1, near, far) - s * p
    return value if value.ndim else float(value)


def hoeffding_log_mgf(s: Array | float) -> Array | float:
    """s²/8, Hoeffding's bound on ``log_mgf`` for every p; the shape is that of s."""
    value = check_array("s", s) ** 2 / 8
    return value if value.ndim else float(value)


def tail_bounds(m: int, tau: float, delta: float) -> TailBounds:
    """Five numbers that the count of neurons with |w0_iᵀx| ≤ τ‖x‖ exceeds with probability at most δ.

    With p = erf(τ/√2), L = log(1/δ):

    - lecture (Lemma 4.2): mτ + √(mL)
    - Hoeffding with its own constants: mp + √(mL/2)
    - Bernstein, told the variance: mp + √(2mp(1 − p)L) + L/3 (Boucheron, Lugosi, Massart 2013, Theorem 2.10)
    - Chernoff: mq for the q ≥ p with m KL(q‖p) = L, or m where no q < 1 is that unlikely
    - exact: the smallest whole k with Pr[count > k] ≤ δ

    Always exact ≤ Chernoff ≤ min(Hoeffding, Bernstein) and Hoeffding ≤ lecture. Bernstein wins over Hoeffding
    when p is small (lecture/lemma-4.2).
    """
    m, L = check_size("m", m), log_inverse(delta)
    p = near_zero_probability(check_number("tau", tau, above=0))
    mean = m * p
    return TailBounds(
        mean=mean,
        lecture=m * tau + math.sqrt(m * L),
        hoeffding=mean + math.sqrt(m * L / 2),
        bernstein=mean + math.sqrt(2 * mean * (1 - p) * L) + L / 3,
        chernoff=_chernoff(m, p, L),
        exact=_binomial_quantile(m, p, delta),
    )


def coverage(counts: Array, bound: float, confidence: float = 0.95) -> Coverage:
    """The share of ``counts``, shape (draws,), that exceed ``bound``, with its Clopper–Pearson interval.

    A bound that holds with probability 1 − δ keeps its promise as long as ``low`` ≤ δ (lecture/lemma-4.2).
    """
    counts, bound = check_array("counts", counts, 1), check_number("bound", bound)
    exceeded = int(np.count_nonzero(counts > bound))
    return Coverage(exceeded, len(counts), *clopper_pearson(exceeded, len(counts), confidence))


def _binomial_tail(k: int, m: int, p: float) -> float:
    from scipy.special import betainc

    if k < 0:
        return 1.0
    return float(betainc(k + 1, m - k, p)) if k < m else 0.0


def _binomial_quantile(m: int, p: float, delta: float) -> int:
    # bisection on the upper tail: scipy's ppf(1 − δ) loses every δ below 1e-16
    low, high = -1, m
    while high - low > 1:
        k = (low + high) // 2
        low, high = (low, k) if _binomial_tail(k, m, p) <= delta else (k, high)
    return high


def _chernoff(m: int, p: float, L: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import rel_entr

    def excess(q: float) -> float:
        return float(m * (rel_entr(q, p) + rel_entr(1 - q, 1 - p)) - L)

    if p == 1 or excess(1.0) <= 0:
        return float(m)
    return m * brentq(excess, p, 1.0, xtol=1e-16, rtol=1e-15)
