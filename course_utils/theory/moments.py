"""Chapter 6: the moments ``E tr S^k`` of ``S = WWᵀ``, W m × n with entries N(0, σ²), as exact whole numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import NamedTuple

from course_utils.theory.accept import Array, check_size


def moment(k: int, m: int, n: int) -> int:
    """``E tr S^k`` for σ = 1, an exact whole number; in general ``σ^(2k)`` times that (ldlt/moments, ldlt/james).

    A sum over the partitions of k without the box (3, 2), because all others carry a factor 0: at most two
    rows and a column below them. Their number grows as k², so that k = 100 takes well under a second.
    """
    k, m, n = check_size("k", k, 0), check_size("m", m), check_size("n", n)
    if k == 0:
        return m
    return moments_between(m, n, k, k)[0]


def moments(K: int, m: int, n: int) -> list[int]:
    """``E tr S^k`` for k = 0, 1, ..., K and σ = 1, exact."""
    K, m, n = check_size("K", K, 0), check_size("m", m), check_size("n", n)
    return [m, *moments_between(m, n, 1, K)]


def moment_polynomial(k: int) -> dict[tuple[int, int], int]:
    """``E tr S^k`` for σ = 1 as exponents (of m, of n) → coefficient."""
    k = check_size("k", k, 0)
    if k == 0:
        return {(1, 0): 1}
    first = [_product(range(0, 2 * p, 2)) for p in range(k + 1)]
    second = [_product(range(-1, 2 * q - 1, 2)) for q in range(k + 1)]
    below = [_product(range(-2, -2 - r, -1)) for r in range(k + 1)]
    total: Counter = Counter()
    for p, q, r, weight in _hooks(k):
        factor = _times(_times(first[p], second[q]), below[r])
        for a, one in enumerate(factor):
            for b, other in enumerate(factor):
                total[a, b] += weight * one * other
    return {powers: int(value) for powers, value in sorted(total.items(), reverse=True) if value}


@lru_cache(maxsize=256)
def _hooks(k: int) -> tuple[tuple[int, int, int, Fraction], ...]:
    """(p, q, r, weight): partitions of k with rows p ≥ q and a column of r boxes below, and what each counts.

    The weight is ``2k Π_{s≠(1,1)} (2a' − l') / j_κ`` of ldlt/moments, whose products over boxes are
    factorials here: the first row has co-arms a' = 0..p−1, the second co-leg 1, the column co-legs 2..r+1.
    """
    f = math.factorial
    shapes = [(k, 0, 0, Fraction(k * 2**k * f(k - 1), f(2 * k)))]
    for q in range(1, k // 2 + 1):
        for p in range(q, k - q + 1):
            r = k - p - q
            above = 2**p * k * f(p - 1) * _odd(q) * (-1) ** r * f(r + 1) * (2 * (p - q) + 1)
            # Row 1 and row 2 in their first columns, the rest of row 1, the rest of row 2, the column.
            j = (2 * p + r) * (2 * p + r + 1) * (2 * q + r - 1) * (2 * q + r)
            j *= f(2 * p - 1) * f(2 * q - 2) * f(r) * f(r + 1)
            shapes.append((p, q, r, Fraction(above, j)))
    return tuple(shapes)


def _odd(q: int) -> int:
    """``(−1)·1·3···(2q − 3)``: the second row's product of 2a' − 1."""
    return -math.prod(range(1, 2 * q - 2, 2))


def moments_between(m: int, n: int, low: int, high: int) -> list[int]:
    first, second, below = [1], [1], [1]
    for i in range(high):
        first.append(first[-1] * (m + 2 * i) * (n + 2 * i))
        second.append(second[-1] * (m + 2 * i - 1) * (n + 2 * i - 1))
        below.append(below[-1] * (m - 2 - i) * (n - 2 - i))
    found = []
    for k in range(low, high + 1):
        total = sum(weight * (first[p] * second[q] * below[r]) for p, q, r, weight in _hooks(k))
        found.append(int(total))
    return found


def _product(shifts: range) -> list[int]:
    """Coefficients of ``Π (x + c)``, the constant first."""
    coefficients = [1]
    for c in shifts:
        coefficients = _times(coefficients, [c, 1])
    return coefficients


def _times(one: list[int], other: list[int]) -> list[int]:
    result = [0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            result[i + j] += a * b
    return result


@cache
def mean_traces(powers: tuple[int, ...], m: int, n: int) -> int:
    """E of the product of ``tr S^k``, k in ``powers``, a decreasing tuple, by integration by parts (ldlt/moments)."""
    if not any(powers):
        return m ** len(powers)
    k, rest = powers[0], powers[1:]

    def then(new: tuple[int, ...], others: tuple[int, ...] = rest) -> int:
        return mean_traces(tuple(sorted(others + new, reverse=True)), m, n)

    cut = sum(then((j, k - 1 - j)) for j in range(1, k))
    merged = sum(2 * q * then((k + q - 1,), rest[:i] + rest[i + 1 :]) for i, q in enumerate(rest))
    return (n + k - 1) * then((k - 1,)) + cut + merged


class Pairing(NamedTuple):
    """One way to pair the 2k factors of ``tr S^k``, numbered from 0: it contributes ``m^rows n^columns``."""

    pairs: tuple[tuple[int, int], ...]
    rows: int
    columns: int


def wick_pairings(k: int) -> Iterator[Pairing]:
    """All ``(2k − 1)!!`` pairings of ``tr S^k = Σ W[i1,j1] W[i2,j1] W[i2,j2] W[i3,j2] ··· W[i1,jk]``.

    Isserlis and Wick: the mean of a product of Gaussians is the sum over all pairings of the product of the pairs'
    covariances. A pair of W's has covariance σ² when both its row and its column indices agree, else 0; what remains
    free is one row index for each class of rows, and one column index for each class of columns.
    """
    k = check_size("k", k)
    rows = [(t // 2 if t % 2 == 0 else (t // 2 + 1) % k) for t in range(2 * k)]
    columns = [t // 2 for t in range(2 * k)]

    def join(classes, a, b):
        return classes if a == b else tuple(b if c == a else c for c in classes)

    def grow(free, pairs, row_class, column_class):
        if not free:
            yield Pairing(pairs, len(set(row_class)), len(set(column_class)))
            return
        a, rest = free[0], free[1:]
        for i, b in enumerate(rest):
            yield from grow(
                rest[:i] + rest[i + 1 :],
                (*pairs, (a, b)),
                join(row_class, row_class[rows[a]], row_class[rows[b]]),
                join(column_class, column_class[columns[a]], column_class[columns[b]]),
            )

    yield from grow(tuple(range(2 * k)), (), tuple(range(k)), tuple(range(k)))


def wick_polynomial(k: int) -> dict[tuple[int, int], int]:
    """:func:`moment_polynomial` by counting pairings, for k ≤ 8 or so."""
    counts = Counter((pairing.rows, pairing.columns) for pairing in wick_pairings(k))
    return dict(sorted(counts.items(), reverse=True))


def saturated(ratio: Array, x: Array) -> Array:
    """``λ/(α + λ)`` of eigenvalues λ = σ² x, for σ²/α in ``ratio``."""
    scaled = ratio[..., None] * x
    return scaled / (1 + scaled)
