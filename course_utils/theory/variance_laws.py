"""Chapter 5: how good the estimates of :mod:`course_utils.theory.perturbation` are, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_size
from course_utils.theory.perturbation import KINDS, Loss, losses_at


class Local(NamedTuple):
    """What the law of an estimator depends on: the loss at θ to second order.

    ``g2`` is ‖g‖², ``trace`` tr H, ``frobenius2`` ‖H‖²_F and ``diagonal2`` Σ H_ii². The last three multiply powers
    of σ: left at 0, the laws are those of small σ.
    """

    n: int
    E: float
    g2: float
    trace: float = 0.0
    frobenius2: float = 0.0
    diagonal2: float = 0.0


def local(loss: Loss, theta: Array, gradient: Callable[[Array], Array], h: float = 1e-4) -> Local:
    """The loss at θ to second order; the Hessian by central differences of ``gradient``, so for small n only."""
    theta, h = check_array("theta", theta, 1), check_number("h", h, above=0)
    g, H = gradient(theta), hessian(theta, gradient, h)
    return Local(
        theta.size,
        float(losses_at(loss, theta[None])[0]),
        float(g @ g),
        float(np.trace(H)),
        float(np.square(H).sum()),
        float(np.square(np.diag(H)).sum()),
    )


def hessian(theta: Array, gradient: Callable[[Array], Array], h: float = 1e-4) -> Array:
    """The Hessian at θ, shape (n, n), by central differences of ``gradient``: (n,) → (n,)."""
    H = np.array([(gradient(theta + e) - gradient(theta - e)) / (2 * h) for e in h * np.eye(theta.size)])
    return (H + H.T) / 2


def total_variance(kind: str, at: Local, sigma: float, K: int = 1) -> float:
    """E‖ĝ − E ĝ‖² of the mean of K draws, exact for a quadratic loss at every σ (claim course/variance-reduction).

    With Ω = σz the difference of losses is σ gᵀz + σ² zᵀHz/2. For Gaussian z, Isserlis' theorem gives
    E (gᵀz)²‖z‖² = (n + 2)‖g‖², E zᵀHz ‖z‖² = (n + 2) tr H and E (zᵀHz)²‖z‖² = (n + 4)(tr²H + 2‖H‖²_F), odd moments
    vanish, and ‖g‖² is subtracted once. Random signs have ‖z‖² = n and E (zᵀHz)² = tr²H + 2(‖H‖²_F − Σ H_ii²). Of K
    orthogonal directions each contributes n²(gᵀu)²/K², hence (n/K − 1)‖g‖², and curvature
    n²σ²(tr²H + 2‖H‖²_F)/(4(n + 2)K). Antithetic pairs cancel the even term. Forward mode has neither σ nor curvature.

    Raises:
        ValueError: for an unknown kind, and "node", whose law is ``SoftmaxNet.node_variance``.
    """
    sigma, K = check_number("sigma", sigma, above=0), check_size("K", K)
    n, E, g2, trace, frobenius2, diagonal2 = at
    bend = sigma**2 / 4 * (n + 4) * (trace**2 + 2 * frobenius2)
    match kind:
        case "no baseline":
            return ((n + 1) * g2 + bend + n * E**2 / sigma**2 + (n + 2) * E * trace) / K
        case "baseline":
            return ((n + 1) * g2 + bend) / K
        case "antithetic" | "forward":
            return (n + 1) * g2 / K
        case "signs":
            return ((n - 1) * g2 + sigma**2 / 4 * n * (trace**2 + 2 * (frobenius2 - diagonal2))) / K
        case "orthogonal":
            bend = (n * sigma) ** 2 / 4 * (trace**2 + 2 * frobenius2) / (n + 2)
            return (n / K - 1) * g2 + bend / K
    raise ValueError(f"kind must be one of {', '.join(k for k in KINDS if k != 'node')}, got {kind!r}")


def usable_sigma(at: Local) -> float:
    """The σ at which curvature doubles the variance of Gaussian draws with baseline (:func:`total_variance`).

    Returns infinity for a loss without curvature.
    """
    bend = (at.n + 4) * (at.trace**2 + 2 * at.frobenius2)
    return 2 * math.sqrt((at.n + 1) * at.g2 / bend) if bend > 0 else math.inf


def cosine_law(K: Array | int, n: Array | int) -> Array | float:
    """√(K/(K + n + 1)) = E ĝᵀg / √(E‖ĝ‖² ‖g‖²) for K Gaussian draws with baseline (claim perturbation/variance)."""
    return np.sqrt(K / (K + n + 1.0))


def exact_cosine(K: int, n: int) -> float:
    """The mean cosine between g and the mean of K Gaussian draws, exactly, for small σ.

    Split z into its part a along g and the rest. The part of ĝ along g is ‖g‖ S/K with S = Σ a_k² chi-square with K
    degrees of freedom; across, given the a_k, it is ‖g‖ √(S Q)/K with Q chi-square with n − 1. So cos² = S/(S + Q),
    which has the law Beta(K/2, (n − 1)/2). Returns E cos by the moments of that law.
    """
    from scipy.special import gammaln

    p, q = check_size("K", K) / 2, (check_size("n", n, 2) - 1) / 2
    return math.exp(gammaln(p + 0.5) - gammaln(p) + gammaln(p + q) - gammaln(p + q + 0.5))


def draws_for_cosine(cosine: float, n: int) -> int:
    """The smallest K with √(K/(K + n + 1)) ≥ cosine."""
    c, n = check_number("cosine", cosine, above=0), check_size("n", n)
    if c >= 1:
        raise ValueError(f"cosine must be below 1, got {c:g}")
    return max(1, math.ceil(c**2 * (n + 1) / (1 - c**2) * (1 - 1e-12)))


def largest_step(g: Array, H: Array, K: int) -> float:
    """The step below which descent along the mean of K Gaussian draws decreases the quadratic model on average.

    E ĝᵀHĝ = gᵀHg + (gᵀHg + ‖g‖² tr H)/K, so −γ‖g‖² + γ²/2 E ĝᵀHĝ < 0 for γ < 2/(ρ + (ρ + tr H)/K) with ρ = gᵀHg/‖g‖²,
    as in Chapter 4. Where a gradient feels one direction's curvature, its estimate feels all of them.

    Returns infinity when the curvature is not positive.
    """
    g, H, K = check_array("g", g, 1), check_array("H", H, 2), check_size("K", K)
    if H.shape != (g.size, g.size):
        raise ValueError(f"H must have shape ({g.size}, {g.size}), got {H.shape}")
    if not g.any():
        raise ValueError("g must not be 0: there is no direction to descend")
    rho = g @ H @ g / (g @ g)
    curvature = rho + (rho + np.trace(H)) / K
    return 2 / curvature if curvature > 0 else math.inf
