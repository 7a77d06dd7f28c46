"""Chapter 7: the kernel of a wide ReLU net, its closed limit, and what training by it predicts.

The net is ``f(x; W) = m^(-1/2) Σ_i a_i σ(w_iᵀx)``, σ the ReLU with σ'(0) = 0; the first layer is trained, a is not. Its
gradient by w_i is ``m^(-1/2) a_i 1{w_iᵀx > 0} x``, so that the *kernel* ``K(x, x') = ⟨∇f(x), ∇f(x')⟩`` at W0 is

    xᵀx' · (1/m) Σ_i a_i² 1{w0_iᵀx > 0} 1{w0_iᵀx' > 0}  →  xᵀx'(π − θ)/(2π),

θ the angle between x and x'. Inputs are rows: ``X`` is (n, d), ``Y`` is (p, d), kernels are (n, p). Losses
are ``(1/2n) Σ_j (f(x_j) − y_j)²``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_rows, check_size
from course_utils.theory.networks import Init, check_init

CHUNK = 1 << 18  # pre-activations held at a time: 2 MiB of float64


def angles(X: Array, Y: Array | None = None) -> Array:
    """The angle between every row of X (n, d) and every row of Y (p, d), default X: shape (n, p), in [0, π].

    As twice the arctangent of ‖x̂ − ŷ‖/‖x̂ + ŷ‖, which keeps its digits where an arccosine loses half of
    them, near 0 and π. The angle to a zero row is given as π/2.
    """
    from scipy.spatial.distance import cdist

    X, Y = check_rows(X, Y)
    x, y = directions(X), directions(Y)
    return 2 * np.arctan2(cdist(x, y), cdist(x, -y))


def arc_cosine(X: Array, Y: Array | None = None, degree: int = 1) -> Array:
    """``E[h(wᵀx) h(wᵀx')]`` for standard normal w, in closed form, shape (n, p).

    Degree 0 is h = 1{· > 0}: ``(π − θ)/(2π)``, the chance that a neuron is on for both. Degree 1 is h = σ:
    ``‖x‖‖x'‖(sin θ + (π − θ) cos θ)/(2π)``, the covariance of ``f(·; W0)`` for random signs a. A zero row gives 0.

    Source: Cho and Saul, Kernel Methods for Deep Learning (2009), whose kernels are twice these.
    """
    if degree not in (0, 1):
        raise ValueError(f"degree must be 0 or 1, got {degree!r}")
    X, Y = check_rows(X, Y)
    theta, lengths = angles(X, Y), np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    if degree == 0:
        return (np.pi - theta) / (2 * np.pi) * (lengths > 0)
    return lengths * (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / (2 * np.pi)


def limit_kernel(X: Array, Y: Array | None = None) -> Array:
    """``xᵀx'(π − θ)/(2π)``, the kernel of an infinitely wide net, shape (n, p) (lecture/ntk-limit)."""
    X, Y = check_rows(X, Y)
    return X @ Y.T * arc_cosine(X, Y, 0)


def kernel_error_law(X: Array, Y: Array | None = None) -> Array:
    """``√m`` times the root mean square of (kernel of a net of width m) − limit, by entry, shape (n, p).

    An entry is xᵀx' times the mean of m indicators of probability p = (π − θ)/(2π): ``|xᵀx'| √(p(1 − p))``, exactly.
    """
    X, Y = check_rows(X, Y)
    p = arc_cosine(X, Y, 0)
    return np.abs(X @ Y.T) * np.sqrt(p * (1 - p))


def whitened_error_law(X: Array, Y: Array | None = None) -> Array:
    """As :func:`kernel_error_law` for rows W(WᵀW)^(-1/2) of a Gaussian W, to first order in 1/m, shape (n, p).

    Whitening takes from each indicator h what wwᵀ can tell of it. With C = E[h (wwᵀ − I)], which has the eigenvalues
    ± sin θ/(2π) in the plane of x and x' and 0 elsewhere, h loses the variance ‖C‖²/2, and the law becomes
    ``|xᵀx'| √(p(1 − p) − (sin θ/2π)²)``. LDLT rows, W(I + WᵀW)^(-1/2), follow it as m/d grows.

    Source: claim course/row-laws.
    """
    X, Y = check_rows(X, Y)
    p, theta = arc_cosine(X, Y, 0), angles(X, Y)
    return np.abs(X @ Y.T) * np.sqrt(np.maximum(p * (1 - p) - (np.sin(theta) / (2 * np.pi)) ** 2, 0))


def same_octant(theta: Array) -> Array:
    """The chance that two vectors at the angle θ, turned at random in three dimensions, have equal signs; as theta.

    The great circle through both crosses the three coordinate planes. If its normal is ν, the gaps ℓ between crossings
    have ``tan ℓ = |ν₃|/|ν₁ν₂|`` and the like, so that ``P(ℓ > t) = 1 − (2/π)(t + cot t log cos t)`` up to t = π/2.
    Both vectors fit into a gap with the chance ``(3/π)`` times its integral from θ to π/2, Li₂ being the dilogarithm:

        (3/π²) ((π/2 − θ)² + (π²/6 − Li₂(sin²θ))/2),  and 0 beyond π/2.
    """
    from scipy.special import spence  # Li₂(1 − z)

    theta = check_array("theta", theta)
    if theta.min() < 0 or theta.max() > np.pi:
        raise ValueError(f"theta must lie between 0 and π, got {theta.min():g} to {theta.max():g}")
    sharp = np.minimum(theta, np.pi / 2)
    return 3 / np.pi**2 * ((np.pi / 2 - sharp) ** 2 + (np.pi**2 / 6 - spence(np.cos(sharp) ** 2)) / 2)


def orthogonal_error_law(X: Array, Y: Array | None = None) -> Array:
    """As :func:`kernel_error_law` for rows in blocks that are random rotations of three dimensions, shape (n, p).

    Let c_i = sign(w_iᵀx) sign(w_iᵀx'), and S the chance that in a block all c_i are equal. Two rows of the block have
    ``E c_i c_j = (4S − 1)/3``, and each of a row's two neighbours adds ``(E c_i c_j − (1 − 2θ/π)²)/16`` to p(1 − p).

    Source: claim course/row-laws.
    """
    X, Y = check_rows(X, Y)
    if X.shape[1] != 3:
        raise ValueError(f"X must have 3 columns, got {X.shape[1]}")
    p, theta = arc_cosine(X, Y, 0), angles(X, Y)
    together = (4 * same_octant(np.minimum(theta, np.pi - theta)) - 1) / 3
    covariance = (together - (1 - 2 * theta / np.pi) ** 2) / 16
    return np.abs(X @ Y.T) * np.sqrt(np.maximum(p * (1 - p) + 2 * covariance, 0))


def with_bias(X: Array, bias: float = 1.0) -> Array:
    """Rows (x, bias)/√(1 + bias²), shape (n, d + 1): unit rows stay unit, in a plane beside the origin."""
    X, bias = check_array("X", X, 2), check_number("bias", bias)
    return np.column_stack([X, np.full(len(X), bias)]) / math.hypot(1, bias)


def empirical_kernel(init: Init, X: Array, Y: Array | None = None) -> Array:
    """The kernel of a net at ``init``, shape (n, p), without its Jacobians.

    The Jacobian of one input has m·d entries, but only m of them are free: the switches. So the kernel is
    ``(X Yᵀ) * (A diag(a²) Bᵀ)/m`` with the switches A (n, m) of X and B (p, m) of Y, added up chunk by chunk.

    Source: claim lecture/ntk-limit.
    """
    X, Y = check_rows(X, Y)
    W0, a = check_init(init, X.shape[1])
    rows = _chunk(X, Y)
    chunks = ((W0[i : i + rows], a[i : i + rows]) for i in range(0, len(a), rows))
    return X @ Y.T * _both_on(chunks, X, Y) / len(a)


def random_kernel(m: int, X: Array, rng: np.random.Generator, Y: Array | None = None) -> Array:
    """The kernel of a new net of width m in the lecture's initialization, shape (n, p), in memory free of m.

    Only signs of ``w_iᵀx`` enter, and a² = 1. Each chunk of W0 is drawn, used and forgotten.
    """
    X, Y = check_rows(X, Y)
    m, rng = check_size("m", m), check_rng(rng)
    rows = _chunk(X, Y)
    chunks = ((rng.standard_normal((min(rows, m - i), X.shape[1])), np.ones(1)) for i in range(0, m, rows))
    return X @ Y.T * _both_on(chunks, X, Y) / m


def _both_on(chunks: Iterator[tuple[Array, Array]], X: Array, Y: Array) -> Array:
    total = np.zeros((len(X), len(Y)))
    for W, a in chunks:
        on_x = X @ W.T > 0
        on_y = on_x if Y is X else Y @ W.T > 0
        # zeros and ones are counted exactly in single precision (chunks are short), at twice the speed
        kind = np.float32 if (np.abs(a) == 1).all() else np.float64
        total += (on_x * np.square(a).astype(kind)) @ on_y.T.astype(kind)
    return total


def directions(X: Array) -> Array:
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return np.divide(X, norms, out=np.zeros_like(X), where=norms > 0)


def _chunk(X: Array, Y: Array) -> int:
    return max(1, CHUNK // max(len(X), len(Y)))
