"""Chapter 6: the output variance of an LDLT layer, ``y = γ W (αI + WᵀW)^(-1/2) x``, at its random start.

Notation of the chapter: ``W`` is m × n with entries N(0, σ²), ``sigma2`` is σ², ``S = WWᵀ``, x ~ N(0, I). The
variance of one output, averaged over the m of them, is ``Var[y] = (γ²/m)(m − α E tr(αI + S)^(-1))``
(ldlt/variance). It depends on σ²/α only, so everything below computes it for γ = α = 1 first.

``WWᵀ`` and ``WᵀW`` have the same positive eigenvalues: with ``r = min(m, n)`` and ``p = max(m, n)``, all of
them are those of an r × r matrix, and ``m Var[y]/γ² = E Σ λ/(α + λ)`` over these r.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_utils.theory.networks import Array, check_number, check_size
from course_utils.theory.sign_flips import check_rng

EXACT_UP_TO = 1000  # of min(m, n): there the exact variance takes some seconds and half a gigabyte
CERTIFIED = 1e-10  # an exact value whose estimated error is larger is refused
CHECKED_MOMENTS = 10  # exact moments that the mean density of eigenvalues has to reproduce


# --- moments --------------------------------------------------------------------------------------


def moment(k: int, m: int, n: int) -> int:
    """``E tr S^k`` for σ = 1, an exact whole number; in general ``σ^(2k)`` times that (ldlt/moments).

    A sum over the partitions of k without the box (3, 2), because all others carry a factor 0: at most two
    rows and a column below them. Their number grows as k², so that k = 100 takes well under a second.

    Raises:
        ValueError: for k < 0, or a size below 1.
        TypeError: for an argument that is not a whole number.
    """
    k, m, n = _check_order("k", k), check_size("m", m), check_size("n", n)
    if k == 0:
        return m
    return _moments(m, n, k, k)[0]


def moments(K: int, m: int, n: int) -> list[int]:
    """``E tr S^k`` for k = 0, 1, ..., K and σ = 1, exact; errors as :func:`moment`."""
    K, m, n = _check_order("K", K), check_size("m", m), check_size("n", n)
    return [m, *_moments(m, n, 1, K)]


def moment_polynomial(k: int) -> dict[tuple[int, int], int]:
    """``E tr S^k`` for σ = 1 as exponents (of m, of n) → coefficient; errors as :func:`moment`."""
    k = _check_order("k", k)
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


def _moments(m: int, n: int, low: int, high: int) -> list[int]:
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


class Pairing(NamedTuple):
    """One way to pair the 2k factors of ``tr S^k``, numbered from 0: it contributes ``m^rows n^columns``."""

    pairs: tuple[tuple[int, int], ...]
    rows: int
    columns: int


def wick_pairings(k: int) -> Iterator[Pairing]:
    """All ``(2k − 1)!!`` pairings of ``tr S^k = Σ W[i1,j1] W[i2,j1] W[i2,j2] W[i3,j2] ··· W[i1,jk]``.

    Isserlis and Wick: the mean of a product of Gaussians is the sum over all pairings of the product of the
    pairs' covariances. A pair of W's has covariance σ² when both its row and its column indices agree, else
    0; what remains free is one row index for each class of rows, and one column index for each class of
    columns.

    Raises:
        ValueError: for k < 1.
        TypeError: if k is not a whole number.
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
    """:func:`moment_polynomial` by counting pairings, for k ≤ 8 or so; errors as :func:`wick_pairings`."""
    counts = Counter((pairing.rows, pairing.columns) for pairing in wick_pairings(k))
    return dict(sorted(counts.items(), reverse=True))


# --- the series, and bounds from the same moments -------------------------------------------------


def partial_sums(terms: int, m: int, n: int, sigma2: float, alpha: float = 1.0) -> Array:
    """The truncated series of Var[y]/γ² after 1, ..., ``terms`` terms, shape (terms,) (ldlt/series).

    ``(1/m) Σ_k (−1)^(k+1) E tr S^k / α^k``, summed exactly and rounded once. The series is asymptotic: for
    every σ² > 0 it diverges in the end. Successive partial sums always have the variance between them,
    because they are those of a Stieltjes series. What is too large for a float is returned as infinite.

    Raises:
        ValueError: for a size or number of terms below 1, σ² < 0, α ≤ 0.
        TypeError: for arguments of another type.
    """
    terms, m, n = check_size("terms", terms), check_size("m", m), check_size("n", n)
    ratio = Fraction(_ratio(sigma2, alpha))
    sums, total = [], Fraction(0)
    for k, value in enumerate(_moments(m, n, 1, terms), 1):
        total -= (-ratio) ** k * value / m
        sums.append(_float(total))
    return np.array(sums)


class Bounds(NamedTuple):
    """Numbers between which Var[y] lies, whatever else the eigenvalues do."""

    lower: float
    upper: float


def moment_bounds(
    m: int,
    n: int,
    sigma2: float,
    alpha: float = 1.0,
    gamma: float = 1.0,
    moments: int = 10,
    accuracy: float | None = None,
) -> Bounds:
    """Guaranteed bounds of Var[y] from the exact ``E tr S^k``, k ≤ ``moments`` (course/moment-bounds).

    The moments define a Gauss rule for the mean density of the eigenvalues. As ``1/(α + λ)`` has derivatives
    of alternating sign, the rule's error has a known sign: with ⌈K/2⌉ nodes it bounds the variance from
    above, and with ⌊K/2⌋ nodes and one more at 0 (Gauss–Radau) from below. The way from moments to nodes is
    ill-conditioned, and therefore goes through exact rationals; rounding enters at 1e-14.

    Args:
        moments: how many moments K are used, at least 1.
        accuracy: refuse bounds that are further apart.

    Raises:
        ValueError: for a size or number of moments below 1, σ² < 0, α ≤ 0, γ ≤ 0, or when the bounds are
            further apart than ``accuracy``: too few moments.
        TypeError: for arguments of another type.
    """
    m, n, K = check_size("m", m), check_size("n", n), check_size("moments", moments)
    gamma, ratio = check_number("gamma", gamma, above=0), _ratio(sigma2, alpha)
    lower, upper = (gamma**2 * float(side) for side in _bounds(m, n, K, ratio))
    if accuracy is not None and upper - lower > check_number("accuracy", accuracy, above=0):
        raise ValueError(
            f"{K} moments leave bounds {upper - lower:.2g} apart ({lower:.6g} to {upper:.6g}), accuracy "
            f"{accuracy:g} was asked for: use more moments, or exact_variance"
        )
    return Bounds(lower, upper)


def _bounds(m: int, n: int, K: int, ratio: Array | float) -> tuple[Array, Array]:
    """Lower and upper bound of Var[y]/γ² for each value of σ²/α."""
    r, p, ratio = min(m, n), max(m, n), np.asarray(ratio, dtype=float)
    x, weights = _gauss_rule(r, p, 0, (K + 1) // 2)
    upper = (weights * _share(ratio, x)).sum(axis=-1)
    x, weights = _gauss_rule(r, p, 1, K // 2)
    lower = (weights * (ratio[..., None] / (1 + ratio[..., None] * x))).sum(axis=-1)
    return lower / m, upper / m


def _share(ratio: Array, x: Array) -> Array:
    """``λ/(α + λ)`` of eigenvalues λ = σ² x, for σ²/α in ``ratio``."""
    scaled = ratio[..., None] * x
    return scaled / (1 + scaled)


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
    exact = [Fraction(value) for value in [r, *_moments(r, p, 1, 2 * N - 1 + shift)][shift:]]
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


# --- the exact variance ---------------------------------------------------------------------------


class Exact(NamedTuple):
    """A variance at one finite size, and the estimate of its absolute error."""

    value: float
    error: float


def exact_variance(m: int, n: int, sigma2: float, alpha: float = 1.0, gamma: float = 1.0) -> Exact:
    """Var[y] at this very size, to machine precision (course/exact-variance).

    The integral of ``λ/(α + λ)`` over the mean density of eigenvalues, see :func:`mean_density`. The error is
    estimated from the ten exact moments: the largest relative error with which that density reproduces them.

    Raises:
        ValueError: for a size below 1, σ² < 0, α ≤ 0, γ ≤ 0; for min(m, n) above :data:`EXACT_UP_TO`, naming
            the large-size limit; when the moments do not certify an error of 1e-10.
        TypeError: for arguments of another type.
    """
    m, n, gamma = check_size("m", m), check_size("n", n), check_number("gamma", gamma, above=0)
    ratio = _ratio(sigma2, alpha)
    if min(m, n) > EXACT_UP_TO:
        near = limit_variance(m, n, sigma2, alpha, gamma)
        raise ValueError(
            f"min(m, n) must be at most {EXACT_UP_TO} for the exact variance, got {min(m, n)}; "
            f"limit_variance gives {near:.6g}, the value of large layers of this shape"
        )
    value, error = _exact(m, n, ratio)
    return Exact(gamma**2 * float(value), gamma**2 * error)


def _exact(m: int, n: int, ratio: Array | float) -> tuple[Array, float]:
    """Var[y]/γ² for each value of σ²/α, and its estimated error."""
    density = _density(min(m, n), max(m, n))
    if not density.error <= CERTIFIED:
        raise ValueError(
            f"at {m} × {n} the density reproduces the exact moments to {density.error:.1e} only, and "
            f"{CERTIFIED:g} is needed; limit_variance gives the value of large layers of this shape"
        )
    share = _share(np.asarray(ratio, dtype=float), density.x)
    return share @ density.weights / m, density.error


class MeanDensity(NamedTuple):
    """The mean density of the r = min(m, n) eigenvalues of S for σ = 1, on a grid fit for integrals over it.

    ``E Σ f(λ)`` over the r eigenvalues is ``f(x) @ weights``; ``density`` is per unit of √x.
    """

    x: Array  # (Q,) eigenvalues
    density: Array  # (Q,)
    weights: Array  # (Q,)
    error: float  # largest relative error of the first ten moments


def mean_density(m: int, n: int) -> MeanDensity:
    """The mean eigenvalue density of ``WWᵀ``, σ = 1, by de Bruijn's formula (course/exact-variance).

    The joint density of the eigenvalues is ``Π|λ_i − λ_j| Π w(λ_i)``, ``w = x^((p−r−1)/2) e^(−x/2)``. With
    functions ``φ_j`` that span the polynomials of degree < r times w, de Bruijn integrates the absolute value
    into Pfaffians: ``E Σ f(λ) = tr(A⁻¹ C)``, ``A_jk = ∫ φ_j (εφ_k)``, ``C_jk = ∫ f φ_j (εφ_k)``, ``(εg)(x) =
    ∫ sgn(y − x) g(y) dy``. For odd r, A is bordered by ``∫ φ_j``. As C is linear in f, the integrand is the
    density.

    Everything is an integral over the singular value ``s = √x``, where the weight has no singularity, on
    Gauss–Legendre panels; the ``φ_j`` are Laguerre functions, for which A is well conditioned.

    Raises:
        ValueError: for a size below 1, or min(m, n) above :data:`EXACT_UP_TO`.
        TypeError: for a size that is not a whole number.
    """
    m, n = check_size("m", m), check_size("n", n)
    if min(m, n) > EXACT_UP_TO:
        raise ValueError(f"min(m, n) must be at most {EXACT_UP_TO}, got {min(m, n)}")
    return _density(min(m, n), max(m, n))


@lru_cache(maxsize=512)
def _density(r: int, p: int) -> MeanDensity:
    s, half = _panels(r, p)
    reference, to_node = _legendre()
    h = half[:, None] * reference
    phi = _laguerre_functions(r, p - r, s)
    in_panel = (phi * h).sum(axis=-1)
    total = in_panel.sum(axis=-1)
    integral = half[:, None] * (phi @ to_node.T) + (np.cumsum(in_panel, axis=-1) - in_panel)[..., None]
    integral *= -2
    integral += total[:, None, None]
    phi, epsilon, s, h = phi.reshape(r, -1), integral.reshape(r, -1), s.ravel(), h.ravel()
    A = (phi * h) @ epsilon.T
    A = (A - A.T) / 2
    if r % 2:
        A = np.block([[A, total[:, None]], [-total, 0.0]])
    inverse = np.linalg.inv(A)
    density = np.einsum("kq,kq->q", inverse[:r, :r] @ phi, epsilon)
    if r % 2:
        density -= inverse[:r, r] @ phi
    x = s**2
    exact = _moments(r, p, 1, CHECKED_MOMENTS)
    scale = p + r + 1  # keeps the powers inside the range of a float
    errors = [
        abs(float(Fraction((x / scale) ** k @ (density * h)) * scale**k / value) - 1)
        for k, value in enumerate(exact, 1)
    ]
    return MeanDensity(x, density, density * h, max(errors))


NODES = 16  # of each panel


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    """Gauss–Legendre weights on [−1, 1], and the matrix that integrates from −1 to each node."""
    from numpy.polynomial import legendre

    t, weights = legendre.leggauss(NODES)
    rows = [legendre.legval(t, legendre.legint(unit, lbnd=-1)) for unit in np.eye(NODES)]
    return weights, np.linalg.solve(legendre.legvander(t, NODES - 1).T, np.array(rows)).T


def _panels(r: int, p: int) -> tuple[Array, Array]:
    """Nodes (P, NODES) in the singular value s, and the half widths (P,) of the panels."""
    from numpy.polynomial.legendre import leggauss

    # Beyond the edges √p ± √r everything falls off as a Gaussian: e^(−72) after 12 units.
    low, high = max(0.0, math.sqrt(p) - math.sqrt(r) - 12), math.sqrt(p) + math.sqrt(r) + 12
    # A Laguerre function turns by at most √(4r + 2) a unit of s, a product of two by twice that: 12 a panel.
    count = math.ceil((high - low) * math.sqrt(4 * r + 2) / 6)
    edges = np.linspace(low, high, count + 1)
    if low == 0:
        # λ/(α + λ) has poles at s = ±i√α/σ, near 0 for a large σ: no panel is wider than its distance from 0.
        edges = np.concatenate([[0], edges[1] * 2.0 ** np.arange(-40, 0), edges[1:]])
    half = np.diff(edges) / 2
    return (edges[:-1] + half)[:, None] + half[:, None] * leggauss(NODES)[0], half


def _laguerre_functions(r: int, c: int, s: Array) -> Array:
    """``s^c e^(−s²/2) L_j^(c)(s²)`` for j < r, shape (r, *s.shape), normalised up to one common factor."""
    x = s**2
    # Relative to the maximum of s^c e^(−s²/2), at s² = c: two large numbers would cancel.
    with np.errstate(divide="ignore"):  # s = 0, where the weight is 0
        scale = c / 2 * (np.log1p((x - c) / c) - (x - c) / c) if c else -x / 2
    rows = np.empty((r, *s.shape))
    before, value = np.zeros_like(s), np.ones_like(s)
    for j in range(r):
        np.multiply(value, np.exp(scale), out=rows[j])
        following = (2 * j + 1 + c - x) * value - math.sqrt(j * (j + c)) * before
        before, value = value, following / math.sqrt((j + 1) * (j + 1 + c))
        if j % 8 == 7:  # polynomial and weight leave the range of a float long before their product does
            size = np.maximum(np.maximum(np.abs(before), np.abs(value)), 1.0)
            before, value, scale = before / size, value / size, scale + np.log(size)
    return rows


# --- large layers, and simulation -----------------------------------------------------------------


def limit_variance(m: int, n: int, sigma2: float, alpha: float = 1.0, gamma: float = 1.0) -> float:
    """Var[y] of large layers with this shape m/n and this nσ² (ldlt/limit, Marchenko and Pastur).

    ``2s/(t + √(t² − 4 y s²))`` with ``y = m/n``, ``s = nσ²/α``, ``t = 1 + s + sy``: the closed form of the
    claim without its cancellation.

    Raises:
        ValueError: for a size below 1, σ² < 0, α ≤ 0, γ ≤ 0.
        TypeError: for arguments of another type.
    """
    m, n, gamma = check_size("m", m), check_size("n", n), check_number("gamma", gamma, above=0)
    return gamma**2 * float(_limit(m / n, n * _ratio(sigma2, alpha)))


def _limit(y: Array | float, s: Array | float) -> Array:
    t = 1 + s + s * y
    return 2 * s / (t + np.sqrt(t**2 - 4 * y * s**2))


class Simulated(NamedTuple):
    """A mean over independent matrices W, and its standard error (nan for too few samples)."""

    mean: float
    standard_error: float


def simulate(
    m: int,
    n: int,
    sigma2: float,
    samples: int,
    rng: np.random.Generator,
    alpha: float = 1.0,
    gamma: float = 1.0,
    controls: bool = False,
    chunk: int = 4096,
) -> Simulated:
    """Var[y] as the mean of ``tr Cov[y | W]/m`` over random W, without ever drawing W.

    Householder's reflections make a Gaussian matrix bidiagonal, and what they leave is known: independent
    χ_p, χ_(p−1), ... on the diagonal and χ_(r−1), ..., χ_1 beside it (Golub and Kahan; Silverstein; Dumitriu
    and Edelman). The trace needs no singular values either: the LDLᵀ factorisation of a tridiagonal matrix
    gives it in r steps, in a form (stationary qd) that only adds positive numbers.

    Args:
        controls: subtract what the deviations of tr S and tr S² from their exact means explain, by linear
            regression. It leaves some 6 % of the variance at nσ² = α.
        chunk: matrices at a time.

    Raises:
        ValueError: for a size, number of samples or chunk below 1, σ² < 0, α ≤ 0, γ ≤ 0.
        TypeError: for arguments of another type.
    """
    m, n, samples = check_size("m", m), check_size("n", n), check_size("samples", samples)
    chunk, rng = check_size("chunk", chunk), check_rng(rng)
    gamma, ratio = check_number("gamma", gamma, above=0), _ratio(sigma2, alpha)
    first, second = _moments(m, n, 1, 2)
    # Near the mean of each, so that squares do not cancel.
    middle = np.array([float(_limit(m / n, n * ratio)), ratio * first, ratio**2 * second])
    count = 3 if controls else 1
    total, products, done = np.zeros(count), np.zeros((count, count)), 0
    while done < samples:
        size = min(chunk, samples - done)
        rows = (_traces(m, n, ratio, size, rng) - middle[:, None])[:count]
        total, products, done = total + rows.sum(axis=1), products + rows @ rows.T, done + size
    means = total / samples
    covariance = products / samples - np.outer(means, means)
    slopes = np.linalg.lstsq(covariance[1:, 1:], covariance[1:, 0])[0] if controls else np.zeros(0)
    mean = middle[0] + means[0] - slopes @ means[1:]
    variance = max(covariance[0, 0] - slopes @ covariance[1:, 0], 0)
    free = samples - count
    return Simulated(float(gamma**2 * mean), gamma**2 * math.sqrt(variance / free) if free > 0 else math.nan)


def _traces(m: int, n: int, ratio: float, size: int, rng: np.random.Generator) -> Array:
    """``Σ λ/(1 + λ)/m``, ``Σ λ``, ``Σ λ²`` over the eigenvalues λ of S with σ²/α = ratio, (3, size)."""
    r, p = min(m, n), max(m, n)
    # BBᵀ + I = LDLᵀ for the bidiagonal B with squared entries a, b. The pivots are a + e, and g is what the
    # derivative of the pivots leaves of e: Σ λ/(1 + λ) = Σ (a + g)/(a + e).
    a = ratio * rng.chisquare(p, size)
    e, g = np.ones(size), np.zeros(size)
    share, trace, square = a / (a + e), a.copy(), a**2
    for i in range(1, r):
        b = ratio * rng.chisquare(r - i, size)
        pivot = a + e
        g = b * (e**2 + a * g) / pivot**2
        e = 1 + b * e / pivot
        square += 2 * a * b
        a = ratio * rng.chisquare(p - i, size)
        share += (a + g) / (a + e)
        trace += a + b
        square += (a + b) ** 2
    return np.array([share / m, trace, square])


# --- what the chapter draws -----------------------------------------------------------------------


class Spectrum(NamedTuple):
    """Mean density of the positive singular values of W, m × n, σ² = 1/p, and its large-size limit."""

    m: int
    n: int
    s: Array  # singular values
    density: Array  # of one of the r, at s
    limit: Array


def spectrum(m: int, n: int) -> Spectrum:
    """How the singular values of W spread at this size for σ² = 1/max(m, n); errors as mean_density."""
    exact = mean_density(m, n)
    r, p = sorted((m, n))
    x, y = exact.x / p, r / p
    inside = np.maximum(((1 + math.sqrt(y)) ** 2 - x) * (x - (1 - math.sqrt(y)) ** 2), 0)
    limit = np.sqrt(inside) / (math.pi * y * np.sqrt(x))
    return Spectrum(m, n, np.sqrt(x), exact.density * math.sqrt(p) / r, limit)


class ShapeCurve(NamedTuple):
    """Var[y]/γ² over the shape m/n at one nσ²/α: the limit, and exact values of small layers."""

    s: float
    shapes: Array  # m/n
    limit: Array
    exact: dict[int, tuple[Array, Array]]  # n → (m/n, variance)


def shape_curve(s: float, sizes: tuple[int, ...] = (3, 5, 20)) -> ShapeCurve:
    """The variance for m/n up to 2, and at every m ≤ 2n for the given n.

    Raises:
        ValueError: for a size below 1, s ≤ 0; and as :func:`exact_variance`.
        TypeError: for arguments of another type.
    """
    s, shapes = check_number("s", s, above=0), np.linspace(0.01, 2, 200)
    exact = {}
    for n in sizes:
        ms = np.arange(1, 2 * check_size("n", n) + 1)
        exact[n] = ms / n, np.array([exact_variance(int(m), n, s / n).value for m in ms])
    return ShapeCurve(s, shapes, _limit(shapes, s), exact)


class VarianceCurve(NamedTuple):
    """Var[y]/γ² over nσ²/α for one shape: exact, the limit, bounds from K moments; and at one marked nσ²."""

    m: int
    n: int
    K: int
    s: Array  # (points,) nσ²/α
    exact: Array
    limit: Array
    lower: Array
    upper: Array
    marked: float
    value: float
    bounds: Bounds


def variance_curve(m: int, n: int, s: float = 1.0, moments: int = 10, points: int = 81) -> VarianceCurve:
    """The variance of an m × n layer for nσ²/α from 0.01 to 1000, with the value at ``s`` marked.

    Raises:
        ValueError: for a size, number of moments or points below 1, s ≤ 0; and as :func:`exact_variance`.
        TypeError: for arguments of another type.
    """
    m, n, K = check_size("m", m), check_size("n", n), check_size("moments", moments)
    s, points = check_number("s", s, above=0), check_size("points", points)
    grid = np.geomspace(0.01, 1000, points)
    lower, upper = _bounds(m, n, K, grid / n)
    value, exact = exact_variance(m, n, s / n).value, _exact(m, n, grid / n)[0]
    bounds = moment_bounds(m, n, s / n, moments=K)
    return VarianceCurve(m, n, K, grid, exact, _limit(m / n, grid), lower, upper, s, value, bounds)


class MomentCurve(NamedTuple):
    """What 1, 2, ... moments say of Var[y]/γ² at one size and nσ²/α: sums of the series, and bounds."""

    m: int
    n: int
    s: float
    K: Array  # (most,)
    series: Array
    lower: Array
    upper: Array
    exact: float

    @property
    def best(self) -> int:
        """The number of terms at which the series is closest to the exact value."""
        return int(self.K[np.argmin(np.abs(self.series - self.exact))])


def moment_curve(m: int, n: int, s: float, most: int = 20) -> MomentCurve:
    """Series and bounds of an m × n layer with nσ²/α = s for every number of moments up to ``most``.

    Raises:
        ValueError: for a size or number of moments below 1, s ≤ 0; and as :func:`exact_variance`.
        TypeError: for arguments of another type.
    """
    m, n, most = check_size("m", m), check_size("n", n), check_size("most", most)
    ratio = check_number("s", s, above=0) / n
    lower, upper = np.array([_bounds(m, n, K, ratio) for K in range(1, most + 1)]).T
    exact = exact_variance(m, n, ratio).value
    return MomentCurve(m, n, s, np.arange(1, most + 1), partial_sums(most, m, n, ratio), lower, upper, exact)


class SizeGrid(NamedTuple):
    """Theory minus simulation for every pair of sizes: arrays indexed by (m, n), each (sizes, sizes)."""

    sizes: tuple[int, ...]
    s: float
    exact: Array
    series: Array  # ten terms
    simulated: Array
    standard_error: Array


def size_grid(sizes: tuple[int, ...], s: float, samples: int, rng: np.random.Generator) -> SizeGrid:
    """Exact variance, ten-term series and simulation for all m, n in ``sizes`` at nσ²/α = s (ldlt/figures).

    Raises:
        ValueError: for no sizes, a size or number of samples below 1, s ≤ 0; and as :func:`exact_variance`.
        TypeError: for arguments of another type.
    """
    if not len(sizes):
        raise ValueError(f"sizes must not be empty, got {sizes!r}")
    s = check_number("s", s, above=0)
    exact, series, mean, error = np.empty((4, len(sizes), len(sizes)))
    for i, m in enumerate(sizes):
        for j, n in enumerate(sizes):
            exact[i, j] = exact_variance(m, n, s / n).value
            series[i, j] = partial_sums(CHECKED_MOMENTS, m, n, s / n)[-1]
            mean[i, j], error[i, j] = simulate(m, n, s / n, samples, rng)
    return SizeGrid(tuple(sizes), s, exact, series, mean, error)


def _check_order(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
    return int(value)


def _ratio(sigma2: float, alpha: float) -> float:
    ratio = check_number("sigma2", sigma2, at_least=0) / check_number("alpha", alpha, above=0)
    if not math.isfinite(ratio):
        raise ValueError(f"sigma2 / alpha must be finite, got {sigma2} / {alpha}")
    return ratio


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
