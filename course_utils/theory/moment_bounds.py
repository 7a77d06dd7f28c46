"""Chapter 6: the series of an LDLT layer's variance, and guaranteed bounds on it, from the same exact moments."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_number, check_ratio, check_size
from course_utils.theory.moments import moments_between, saturated


def partial_sums(terms: int, m: int, n: int, sigma2: float, alpha: float = 1.0) -> Array:
    """The truncated series of Var[y]/γ² after 1, ..., ``terms`` terms, shape (terms,) (ldlt/series).

    ``(1/m) Σ_k (−1)^(k+1) E tr S^k / α^k``, summed exactly and rounded once. The series is asymptotic: for
    every σ² > 0 it diverges in the end. Successive partial sums always have the variance between them,
    because they are those of a Stieltjes series. What is too large for a float is returned as infinite.
    """
    terms, m, n = check_size("terms", terms), check_size("m", m), check_size("n", n)
    ratio = Fraction(check_ratio(sigma2, alpha))
    sums, total = [], Fraction(0)
    for k, value in enumerate(moments_between(m, n, 1, terms), 1):
        total -= (-ratio) ** k * value / m
        sums.append(_float(total))
    return np.array(sums)


class Bounds(NamedTuple):
    """Numbers between which Var[y] lies, whatever else the eigenvalues do."""

    lower: float
    upper: float


def bounds(m: int, n: int, sigma2: float, alpha: float = 1.0, gamma: float = 1.0, moments: int = 10) -> Bounds:
    """Guaranteed bounds of Var[y] from the exact ``E tr S^k``, k ≤ K = ``moments`` (course/moment-bounds).

    The moments define a Gauss rule for the mean density of the eigenvalues. As ``1/(α + λ)`` has derivatives
    of alternating sign, the rule's error has a known sign: with ⌈K/2⌉ nodes it bounds the variance from
    above, and with ⌊K/2⌋ nodes and one more at 0 (Gauss–Radau) from below. The way from moments to nodes is
    ill-conditioned, and therefore goes through exact rationals; rounding enters at 1e-14.
    """
    m, n, K = check_size("m", m), check_size("n", n), check_size("moments", moments)
    gamma, ratio = check_number("gamma", gamma, above=0), check_ratio(sigma2, alpha)
    return Bounds(*(gamma**2 * float(side) for side in bounds_over(m, n, K, ratio)))


def bounds_over(m: int, n: int, K: int, ratio: Array | float) -> tuple[Array, Array]:
    """Lower and upper bound of Var[y]/γ² for each value of σ²/α."""
    r, p, ratio = min(m, n), max(m, n), np.asarray(ratio, dtype=float)
    x, weights = _gauss_rule(r, p, 0, (K + 1) // 2)
    upper = (weights * saturated(ratio, x)).sum(axis=-1)
    x, weights = _gauss_rule(r, p, 1, K // 2)
    lower = (weights * (ratio[..., None] / (1 + ratio[..., None] * x))).sum(axis=-1)
    return lower / m, upper / m


@lru_cache(maxsize=512)
def _gauss_rule(r: int, p: int, shift: int, N: int) -> tuple[Array, Array]:
    """Nodes and weights, (N,), of the Gauss rule of ``x^shift`` times the mean eigenvalue density, σ = 1."""
    if N == 0:
        return np.zeros(0), np.zeros(0)
    size = 5 * math.ceil(N / 5)  # shared by the smaller rules
    a, b, mass = _recurrence(r, p, shift, size)
    off = np.sqrt(b[: N - 1])
    nodes, vectors = np.linalg.eigh(np.diag(a[:N]) + np.diag(off, 1) + np.diag(off, -1))
    return nodes, mass * vectors[0] ** 2


@lru_cache(maxsize=64)
def _recurrence(r: int, p: int, shift: int, N: int) -> tuple[Array, Array, float]:
    """Chebyshev's algorithm in exact rationals: recurrence coefficients a (N,), b (N − 1,) and the mass."""
    exact = [Fraction(value) for value in [r, *moments_between(r, p, 1, 2 * N - 1 + shift)][shift:]]
    before, row = [Fraction(0)] * (2 * N), exact
    a, b = [row[1] / row[0]], []
    for _ in range(N - 1):
        last = b[-1] if b else 0
        # Row k holds the integrals of x^l times the k-th monic orthogonal polynomial, l = k, k + 1, ...
        new = [row[i + 1] - a[-1] * row[i] - last * before[i] for i in range(1, len(row) - 1)]
        b.append(new[0] / row[0])
        a.append(new[1] / new[0] - row[1] / row[0])
        before, row = row[1:], new
    return np.array([float(value) for value in a]), np.array([float(value) for value in b]), float(exact[0])


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
