"""Chapter 7: what training a wide ReLU net by its kernel predicts, in closed form and step by step.

Net, kernel and shapes are those of :mod:`course_utils.theory.kernels`. Losses are ``(1/2n) Σ_j (f(x_j) − y_j)²``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number
from course_utils.theory.kernels import arc_cosine, check_rows, empirical_kernel, limit_kernel
from course_utils.theory.networks import Init, TrainedLayer, outputs, train_first_layer


def descent_operator(K: Array, steps: float = math.inf, lr: float | None = None) -> Array:
    """G, shape (n, n), such that descent on f0 moves it by ``K(·, X) G (y − f_start(X))``, f_start before.

    For an affine model the residual obeys ``r ← (I − lr K/n) r``. Hence ``G = K⁻¹(I − (I − lr K/n)^steps)``,
    and ``K⁻¹`` (its pseudo-inverse) for ``steps = inf``: kernel regression. Nothing is iterated.

    Args:
        K: kernel of the training inputs, (n, n), symmetric and positive semidefinite.
        steps: a whole number of steps, or inf.
        lr: the step, between 0 and 2n/λ_max(K); not needed when ``steps`` is inf.
    """
    K = check_array("K", K, 2)
    if K.shape[0] != K.shape[1] or not np.allclose(K, K.T, rtol=1e-10, atol=1e-10 * np.abs(K).max()):
        raise ValueError(f"K must be square and symmetric, got shape {K.shape}")
    values, vectors = np.linalg.eigh(K)
    largest = values[-1]
    if values[0] < -1e-9 * max(largest, 0):
        raise ValueError(f"K must be positive semidefinite, got an eigenvalue {values[0]:g}")
    alive = values > len(K) * np.finfo(float).eps * largest
    inverse = np.divide(1, values, out=np.zeros(len(K)), where=alive)
    if steps == math.inf:
        return (vectors * inverse) @ vectors.T
    if not isinstance(steps, (int, np.integer)) or isinstance(steps, bool) or steps < 0:
        raise ValueError(f"steps must be a whole number, at least 0, or inf, got {steps!r}")
    if lr is None:
        raise ValueError("a finite number of steps needs lr, got None")
    rate = check_number("lr", lr, above=0) / len(K) * values
    if rate[-1] >= 2:
        raise ValueError(f"lr must be below 2n/λ_max = {2 * len(K) / largest:.4g} to converge, got {lr:g}")
    # expm1 and log1p keep the digits of 1 − (1 − rate)^steps where the rate is tiny
    slow = -np.expm1(steps * np.log1p(-np.clip(rate, 0, 0.5)))
    learned = np.where(rate < 0.5, slow, 1 - (1 - rate) ** steps)
    return (vectors * np.where(alive, learned * inverse, steps * lr / len(K))) @ vectors.T


def expected_movement(X: Array, y: Array, steps: float = math.inf, lr: float | None = None) -> float:
    """The root mean square of ‖W − W0‖_F over infinitely wide nets with the lecture's initialization.

    ``f(·; W0)`` is then Gaussian with covariance Σ, the arc-cosine kernel of degree 1. With M = GKG,
    ``E (y − f)ᵀ M (y − f) = yᵀMy + tr(MΣ)``: the way to the targets, and the way back from a random start.

    Source: claim lecture/stays-near-init.
    """
    X, _ = check_rows(X)
    y = check_array("y", y, 1, len(X))
    K = limit_kernel(X)
    G = descent_operator(K, steps, lr)
    M = G @ K @ G
    return math.sqrt(float(y @ M @ y + np.sum(M * arc_cosine(X))))


class Trio(NamedTuple):
    """Three functions after the same descent from the same start, at new inputs, each of shape (p,)."""

    net: Array  # the trained net
    tangent: Array  # the trained f0: its own kernel, exactly
    limit: Array  # the same start moved by the limit kernel
    start: Array  # f(·; W0)
    run: TrainedLayer


def train_three(init: Init, X: Array, y: Array, X_new: Array, steps: int, lr: float) -> Trio:
    """Train the net, its f0 and the limit kernel's f on the same data; evaluate at ``X_new`` (p, d).

    Source: claim lecture/kernel-regression.
    """
    run = train_first_layer(init, X, y, steps, lr)
    start, residual = outputs(X_new, *init), y - outputs(X, *init)
    moved = [
        new @ descent_operator(K, steps, lr) @ residual
        for K, new in (
            (empirical_kernel(init, X), empirical_kernel(init, X_new, X)),
            (limit_kernel(X), limit_kernel(X_new, X)),
        )
    ]
    return Trio(outputs(X_new, run.W, init.a), start + moved[0], start + moved[1], start, run)


def kernel_fit(X: Array, y: Array, X_new: Array) -> Array:
    """Regression with the limit kernel: f of least norm through the data, at ``X_new`` (p, d); shape (p,)."""
    X, X_new = check_rows(X, check_array("X_new", X_new, 2), "X_new")
    return limit_kernel(X_new, X) @ (descent_operator(limit_kernel(X)) @ check_array("y", y, 1, len(X)))


def linear_fit(X: Array, y: Array, X_new: Array) -> Array:
    """Least squares with a constant, at ``X_new`` (p, d); shape (p,)."""
    X, X_new = check_rows(X, check_array("X_new", X_new, 2), "X_new")
    y = check_array("y", y, 1, len(X))
    coefficients = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    return X_new @ coefficients[:-1] + coefficients[-1]
