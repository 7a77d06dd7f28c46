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

    With Ω = σz the difference of losses is σ gᵀz + σ² zᵀHz/2, so that one draw is (gᵀz) z + σ (zᵀHz) z/2 and
    E‖ĝ‖² = E (gᵀz)²‖z‖² + σ²/4 E (zᵀHz)²‖z‖², from which ‖g‖² is subtracted; products of the two terms are odd in z
    and vanish.

    Gaussian z: length and direction are independent, so a factor ‖z‖² multiplies the mean of a form q of degree 2p by
    E‖z‖^(2p+2)/E‖z‖^(2p) = n + 2p. As E (gᵀz)² = ‖g‖², E zᵀHz = tr H and, in the axes of H, E (zᵀHz)² =
    Σ λ_i λ_j E z_i² z_j² = tr²H + 2‖H‖²_F, this gives E (gᵀz)²‖z‖² = (n + 2)‖g‖², E zᵀHz ‖z‖² = (n + 2) tr H and
    E (zᵀHz)²‖z‖² = (n + 4)(tr²H + 2‖H‖²_F). Without a baseline E z/σ is added to the draw: its square has the mean
    nE²/σ², its product with the curvature term, twice, (n + 2) E tr H.

    Random signs: ‖z‖² = n, E (gᵀz)² = ‖g‖², and of zᵀHz = tr H + Σ_{i≠j} H_ij z_i z_j the second moment is
    tr²H + 2(‖H‖²_F − Σ H_ii²).

    K orthogonal directions √n u_k: the mean is (n/K) P g with P the projection on their span, E‖Pg‖² = (K/n)‖g‖²,
    hence (n/K − 1)‖g‖². The curvature terms n^(3/2) σ (u_kᵀHu_k) u_k/2 are orthogonal, and E (uᵀHu)² =
    (tr²H + 2‖H‖²_F)/(n(n + 2)), since E‖z‖⁴ = n(n + 2): n²σ²(tr²H + 2‖H‖²_F)/(4(n + 2)K).

    The mean of the K losses as baseline makes ĝ_j the sample covariance of y = (Ẽ − E)/σ and z_j, whose variance is
    (μ₂₂ − (K − 2)/(K − 1) μ₁₁² + μ₂₀ μ₀₂/(K − 1))/K in the central moments of (y, z_j). Summed over j, with Σ μ₂₂ =
    (n + 2)‖g‖² + σ²(n + 4)‖H‖²_F/2 (tr H cancels: the mean of y is subtracted, not its value at θ), Σ μ₁₁² = ‖g‖²,
    μ₂₀ = ‖g‖² + σ²‖H‖²_F/2 and μ₀₂ = 1, this is (n + 1)‖g‖²/(K − 1) + σ²‖H‖²_F (n + 4(K − 1)/K)/(2(K − 1)): a clean
    pass is worth one draw, and costs one.

    Antithetic pairs cancel the even term. Forward mode has neither σ nor curvature.

    Raises:
        ValueError: for an unknown kind, and for those whose law knows a network: ``SoftmaxNet.node_variance`` and
            ``example_variance``. For "mean baseline" with K = 1.
    """
    sigma, K = check_number("sigma", sigma, above=0), check_size("K", K)
    n, E, g2, trace, frobenius2, diagonal2 = at
    bend = sigma**2 / 4 * (n + 4) * (trace**2 + 2 * frobenius2)
    match kind:
        case "no baseline":
            return ((n + 1) * g2 + bend + n * E**2 / sigma**2 + (n + 2) * E * trace) / K
        case "baseline":
            return ((n + 1) * g2 + bend) / K
        case "mean baseline":
            K = check_size("K", K, 2)
            return ((n + 1) * g2 + sigma**2 / 2 * frobenius2 * (n + 4 * (K - 1) / K)) / (K - 1)
        case "antithetic" | "forward":
            return (n + 1) * g2 / K
        case "signs":
            return ((n - 1) * g2 + sigma**2 / 4 * n * (trace**2 + 2 * (frobenius2 - diagonal2))) / K
        case "orthogonal":
            bend = (n * sigma) ** 2 / 4 * (trace**2 + 2 * frobenius2) / (n + 2)
            return (n / K - 1) * g2 + bend / K
    known = ", ".join(k for k in KINDS if k not in ("node", "global node", "example"))
    raise ValueError(f"kind must be one of {known}, got {kind!r}")


def usable_sigma(at: Local) -> float:
    """The σ at which curvature doubles the variance of Gaussian draws with baseline (:func:`total_variance`).

    Returns infinity for a loss without curvature.
    """
    bend = (at.n + 4) * (at.trace**2 + 2 * at.frobenius2)
    return 2 * math.sqrt((at.n + 1) * at.g2 / bend) if bend > 0 else math.inf


def cosine_law(K: Array | int, n: Array | int) -> Array | float:
    """√(K/(K + n + 1)) = E ĝᵀg / √(E‖ĝ‖² ‖g‖²) for K Gaussian draws with baseline (claim perturbation/variance).

    Close to the mean cosine for large K only: at K = 1 it is too large by √(π/2) as n grows (:func:`exact_cosine`).
    """
    return np.sqrt(K / (K + n + 1.0))


def exact_cosine(K: int, n: int) -> float:
    """The mean cosine between g and the mean of K Gaussian draws, exactly, for small σ.

    Split z into its part a along g and the rest. The part of ĝ along g is ‖g‖ S/K with S = Σ a_k² chi-square with K
    degrees of freedom; across, given the a_k, it is ‖g‖ √(S Q)/K with Q chi-square with n − 1. So cos² = S/(S + Q),
    which has the law Beta(K/2, (n − 1)/2), and its root the mean
    Γ(K/2 + ½) Γ((K + n − 1)/2) / (Γ(K/2) Γ((K + n)/2)).
    """
    return _root_of_beta(check_size("K", K) / 2, (check_size("n", n, 2) - 1) / 2)


def best_cosine(K: int, n: int) -> float:
    """The largest mean cosine that any use of K < n directional derivatives can have, for g in a uniform direction.

    After K of them, in directions chosen one after another as one likes, the projection Pg on their span is known. The
    rest of g may be turned round without changing any of the K numbers, so an answer u of length 1 has the mean
    (Pg)ᵀu ≤ ‖Pg‖. Whatever was seen, the next derivative finds on average an (n − k)-th of the square of the rest:
    E‖Pg‖² = (K/n)‖g‖², and ‖Pg‖²/‖g‖² has the law Beta(K/2, (n − K)/2). Orthogonal directions reach the bound.
    """
    K = check_size("K", K)
    return _root_of_beta(K / 2, (check_size("n", n, K + 1) - K) / 2)


def _root_of_beta(p: float, q: float) -> float:
    """The mean of the root of a number with the law Beta(p, q)."""
    from scipy.special import gammaln

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
