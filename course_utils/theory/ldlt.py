"""Chapter 6: the output variance of an LDLT layer, ``y = γ W (αI + WᵀW)^(-1/2) x``, at its random start.

Notation of the chapter: ``W`` is m × n with entries N(0, σ²), ``sigma2`` is σ², ``S = WWᵀ``, x ~ N(0, I). The
variance of one output, averaged over the m of them, is ``Var[y] = (γ²/m)(m − α E tr(αI + S)^(-1))``
(ldlt/variance). It depends on σ²/α only, so everything below computes it for γ = α = 1 first.

``WWᵀ`` and ``WᵀW`` have the same positive eigenvalues: with ``r = min(m, n)`` and ``p = max(m, n)``, all of
them are those of an r × r matrix, and ``m Var[y]/γ² = E Σ λ/(α + λ)`` over these r.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_number, check_ratio, check_rng, check_size
from course_utils.theory.moments import moments_between, saturated

EXACT_UP_TO = 1000  # of min(m, n): there the exact variance takes some seconds and half a gigabyte

CERTIFIED = 1e-10  # an exact value whose estimated error is larger is refused

CHECKED_MOMENTS = 10  # exact moments that the mean density of eigenvalues has to reproduce


class Exact(NamedTuple):
    """A variance at one finite size, and the estimate of its absolute error."""

    value: float
    error: float


def exact_variance(m: int, n: int, sigma2: float, alpha: float = 1.0, gamma: float = 1.0) -> Exact:
    """Var[y] at this very size, to machine precision (course/exact-variance).

    The integral of ``λ/(α + λ)`` over the mean density of eigenvalues, see :func:`mean_density`. The error is
    estimated from the ten exact moments: the largest relative error with which that density reproduces them.

    Raises:
        ValueError: for min(m, n) above :data:`EXACT_UP_TO`, naming the large-size limit; when the
            moments do not certify an error of 1e-10.
    """
    m, n, gamma = check_size("m", m), check_size("n", n), check_number("gamma", gamma, above=0)
    ratio = check_ratio(sigma2, alpha)
    if min(m, n) > EXACT_UP_TO:
        near = limit_variance(m, n, sigma2, alpha, gamma)
        raise ValueError(
            f"min(m, n) must be at most {EXACT_UP_TO} for the exact variance, got {min(m, n)}; "
            f"limit_variance gives {near:.6g}, the value of large layers of this shape"
        )
    value, error = exact_over(m, n, ratio)
    return Exact(gamma**2 * float(value), gamma**2 * error)


def exact_over(m: int, n: int, ratio: Array | float) -> tuple[Array, float]:
    """Var[y]/γ² for each value of σ²/α, and its estimated error."""
    density = _density(min(m, n), max(m, n))
    if not density.error <= CERTIFIED:
        raise ValueError(
            f"at {m} × {n} the density reproduces the exact moments to {density.error:.1e} only, and "
            f"{CERTIFIED:g} is needed; limit_variance gives the value of large layers of this shape"
        )
    share = saturated(np.asarray(ratio, dtype=float), density.x)
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

    The joint density of the eigenvalues is ``Π|λ_i − λ_j| Π w(λ_i)``, ``w = x^((p−r−1)/2) e^(−x/2)``. With functions
    ``φ_j`` that span the polynomials of degree < r times w, de Bruijn integrates the absolute value into Pfaffians: ``E
    Σ f(λ) = tr(A⁻¹ C)``, ``A_jk = ∫ φ_j (εφ_k)``, ``C_jk = ∫ f φ_j (εφ_k)``, ``(εg)(x) = ∫ sgn(y − x) g(y) dy``. For
    odd r, A is bordered by ``∫ φ_j``. As C is linear in f, the integrand is the density.

    Everything is an integral over the singular value ``s = √x``, where the weight has no singularity, on
    Gauss–Legendre panels; the ``φ_j`` are Laguerre functions, for which A is well conditioned.
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
    exact = moments_between(r, p, 1, CHECKED_MOMENTS)
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


def limit_variance(m: int, n: int, sigma2: float, alpha: float = 1.0, gamma: float = 1.0) -> float:
    """Var[y] of large layers with this shape m/n and this nσ² (ldlt/limit, Marchenko and Pastur).

    ``2s/(t + √(t² − 4 y s²))`` with ``y = m/n``, ``s = nσ²/α``, ``t = 1 + s + sy``: the closed form of the
    claim without its cancellation.
    """
    m, n, gamma = check_size("m", m), check_size("n", n), check_number("gamma", gamma, above=0)
    return gamma**2 * float(limit_over(m / n, n * check_ratio(sigma2, alpha)))


def limit_over(y: Array | float, s: Array | float) -> Array:
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

    With ``controls`` what the deviations of tr S and tr S² from their exact means explain is subtracted, by linear
    regression: that leaves some 6 % of the variance at nσ² = α.
    """
    m, n, samples = check_size("m", m), check_size("n", n), check_size("samples", samples)
    chunk, rng = check_size("chunk", chunk), check_rng(rng)
    gamma, ratio = check_number("gamma", gamma, above=0), check_ratio(sigma2, alpha)
    first, second = moments_between(m, n, 1, 2)
    # Near the mean of each, so that squares do not cancel.
    middle = np.array([float(limit_over(m / n, n * ratio)), ratio * first, ratio**2 * second])
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
