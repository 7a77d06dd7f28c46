"""Chapter 7's theorems: how wide a net must be to train like its limit kernel, and what a small distance guarantees.

Net, kernel and shapes are those of :mod:`course_utils.theory.kernels`, inputs have norm at most 1, losses are
``(1/2n) Σ_j (f(x_j) − y_j)²``. λ is the smallest eigenvalue of the limit kernel of the training inputs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_in_unit_ball, check_number, check_rows, check_size
from course_utils.theory.kernels import limit_kernel
from course_utils.theory.statistics import log_inverse


class Guarantee(NamedTuple):
    """What holds with probability 1 − 3δ for a net of width m trained by gradient descent, at every step t."""

    width: float  # the theorem speaks from this width on
    radius: float  # largest ‖w_i(t) − w_i(0)‖ of a neuron, at width m
    rate: float  # ‖y − f_t‖ falls by at least this factor with every step
    apart: float  # largest |f_t(x) − limit kernel's f_t(x)|, from the same start, at the new input
    gap: float  # largest |f(x; W_t) − f₀(x; W_t)|


def guarantee(X: Array, y: Array, x_new: Array, m: int, lr: float, delta: float) -> Guarantee:
    """The theorem of Chapter 7 for training inputs X (n, d), targets y (n,), a new input x_new (d,) and width m.

    With ``N = n + 1``, ``ρ = √((‖y‖² + n/2)/δ)``, ``ℓ = √log(N/δ)`` and ``R = 2‖X‖ρ/(λ√m)``, kernels along the way
    differ from the limit by at most ``ε = N(2R + (2ℓ + 1/(2√δ))/√m)``, and the width is where ``ε = λ/2``.

    Raises:
        ValueError: for inputs of norm above 1, a singular limit kernel, or a step above 2n/(λ_max + λ).

    Source: claim lecture/ntk-full.
    """
    X, new = check_rows(X, check_array("x_new", x_new, 1)[None], "x_new")
    y, m = check_array("y", y, 1, len(X)), check_size("m", m)
    lr, log = check_number("lr", lr, above=0), math.sqrt(log_inverse(delta) + math.log(len(X) + 1))
    check_in_unit_ball(float(np.linalg.norm(np.vstack([X, new]), axis=1).max()))
    n, values = len(X), np.linalg.eigvalsh(limit_kernel(X))
    smallest = float(values[0])
    if not smallest > 1e-12 * values[-1]:
        raise ValueError(f"X must have a limit kernel without the eigenvalue 0, got {smallest:g}")
    if lr * (values[-1] + smallest) > 2 * n * (1 + 1e-12):
        raise ValueError(f"lr must be at most 2n/(λ_max + λ_min) = {2 * n / (values[-1] + smallest):.4g}, got {lr:g}")
    rho = math.sqrt((y @ y + n / 2) / delta)
    travel = 2 * float(np.linalg.norm(X, 2)) * rho / smallest  # √m R
    epsilon = (n + 1) * (2 * (travel + log) + 1 / (2 * math.sqrt(delta)))  # √m ε
    return Guarantee(
        (2 * epsilon / smallest) ** 2,
        travel / math.sqrt(m),
        1 - lr * smallest / (2 * n),
        2 * epsilon * rho / smallest * (1 + math.sqrt(n) / smallest) / math.sqrt(m),
        travel * (travel + log) / math.sqrt(m),
    )


def rademacher_bound(K: Array, B: float) -> float:
    """``(B/n)√tr K``: how well the linearizations within the distance B fit coin tosses at n inputs, at most.

    K (n, n) is their kernel. For ``f₀(x; W) = f(x; W0) + ⟨∇f(x), W − W0⟩`` and signs ε_j, the mean of
    ``max_W (1/n) Σ ε_j f₀(x_j; W)`` over the signs is ``(B/n) E‖Σ ε_j ∇f(x_j)‖``: at most B/n times the root of
    ``E‖Σ ε_j ∇f(x_j)‖² = Σ ‖∇f(x_j)‖²``.

    Source: claim lecture/generalization.
    """
    K, B = check_array("K", K, 2), check_number("B", B, at_least=0)
    if K.shape[0] != K.shape[1] or np.diag(K).min() < 0:
        raise ValueError(f"K must be square with a diagonal of at least 0, got shape {K.shape}")
    return B / len(K) * math.sqrt(np.trace(K))


def generalization_bound(n: int, B: Array | float, delta: float) -> Array:
    """How far a loss may rise from n seen inputs to new ones, for a net within B of its start: B of any shape.

    With probability 1 − δ over the sample, for all linearizations at once and every B ≥ 0: with k = max(⌈B⌉, 1),
    ``2k/√(2n) + √(log(k(k + 1)/δ)/(2n))``. The loss lies in [0, 1] and has slope at most 1, inputs have norm 1, the net
    is infinitely wide.

    Source: Bartlett and Mendelson (2002), with :func:`rademacher_bound` for tr K = n/2 and a union bound over k.
    """
    n, B = check_size("n", n), check_array("B", B)
    if B.min() < 0:
        raise ValueError(f"B must be at least 0, got {B.min():g}")
    k = np.maximum(np.ceil(B), 1)
    return 2 * k / math.sqrt(2 * n) + np.sqrt((np.log(k * (k + 1)) + log_inverse(delta)) / (2 * n))
