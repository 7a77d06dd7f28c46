"""The two-layer network of the lecture, ``f(x; W) = Σ_i a_i σ(w_iᵀx)`` without biases: start, linearization, training.

Nothing is divided by √m, except in :func:`outputs` and :func:`train_first_layer`, where σ is the ReLU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_net, check_number, check_rng, check_rows, check_size


class Init(NamedTuple):
    """A random initialization: first layer ``W0`` of shape (m, d), second layer ``a`` of shape (m,)."""

    W0: Array
    a: Array


def gaussian_init(m: int, d: int, rng: np.random.Generator) -> Init:
    """The lecture's initialization: ``W0`` standard normal, ``a`` random signs (slide "Initialization")."""
    m, d, rng = check_size("m", m), check_size("d", d), check_rng(rng)
    return Init(rng.standard_normal((m, d)), rng.choice([-1.0, 1.0], size=m))


def linearization(
    x: Array, W: Array, W0: Array, a: Array, sigma: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> float:
    """``f0(x; W) = f(x; W0) + Σ_i a_i σ'(w0_iᵀx) (w_i − w0_i)ᵀx`` (slide "Taylor approximation").

    Shapes: x (d,), W and W0 (m, d), a (m,); ``slope`` is σ', at a kink any subgradient.
    """
    x, W, a = check_net(x, W, a)
    _, W0, _ = check_net(x, W0, a, name="W0")
    u0 = W0 @ x
    return float(a @ (sigma(u0) + slope(u0) * ((W - W0) @ x)))


def isotropic_shares(m: int, d: int, B: float, rng: np.random.Generator, chunk: int) -> Iterator[tuple[int, float]]:
    """Split an isotropic random move of an (m, d) layer, of norm B, into chunks of rows.

    Yields ``(rows, squared norm)`` of each chunk, exactly in law and in one pass: the norms of separate blocks of a
    Gaussian vector are independent of the directions within the blocks, and the blocks' shares of the squared norm
    are Dirichlet. So each chunk takes a Beta share of what is left of B², and whoever draws it normalises to that.
    """
    left, budget = m, B**2
    while left:
        n = min(chunk, left)
        left -= n
        share = budget * rng.beta(n * d / 2, left * d / 2) if left else budget
        budget -= share
        yield n, share


def outputs(X: Array, W: Array, a: Array) -> Array:
    """``f(x; W) = m^(-1/2) Σ_i a_i σ(w_iᵀx)`` for every row of X (n, d): shape (n,)."""
    X, _ = check_rows(X)
    W, a = check_init(Init(W, a), X.shape[1])
    return np.maximum(X @ W.T, 0) @ a / math.sqrt(len(a))


class TrainedLayer(NamedTuple):
    """What gradient descent did to the first layer; paths hold the values before each step and after the last."""

    W: Array  # (m, d), after the last step
    movement: Array  # ‖W_t − W0‖_F, (steps + 1,)
    loss: Array  # (steps + 1,)


def train_first_layer(init: Init, X: Array, y: Array, steps: int, lr: float) -> TrainedLayer:
    """Full-batch gradient descent on ``(1/2n) Σ_j (f(x_j; W) − y_j)²`` over W, from any ``init``.

    Every gradient is a combination of the inputs, so W − W0 = m^(-1/2) diag(a) C X with C (m, n): descent
    runs on C and on the Gram matrix of the inputs, and pays for d only once.

    Source: claims lecture/stays-near-init, lecture/kernel-regression.
    """
    X, _ = check_rows(X)
    y = check_array("y", y, 1, len(X))
    W0, a = check_init(init, X.shape[1])
    steps, lr = check_size("steps", steps), check_number("lr", lr, above=0)
    n, scale = len(X), a[:, None] / math.sqrt(len(a))
    gram, start = X @ X.T, W0 @ X.T
    C, CG, Z = (np.zeros((len(a), n)) for _ in range(3))
    moved, loss = np.empty(steps + 1), np.empty(steps + 1)
    for t in range(steps + 1):
        np.matmul(C, gram, out=CG)
        np.multiply(scale, CG, out=Z)
        moved[t] = math.sqrt(max(float(np.vdot(scale * C, Z)), 0.0))
        Z += start
        on = Z > 0
        error = scale[:, 0] @ np.maximum(Z, 0, out=Z) - y
        loss[t] = error @ error / (2 * n)
        if not loss[t] < 1e200:
            raise ValueError(f"lr must be small enough for a finite loss, got {lr:g}: step {t} overflows")
        if t < steps:
            np.multiply(on, error * (-lr / n), out=CG)
            C += CG
    return TrainedLayer(W0 + scale * (C @ X), moved, loss)


def check_init(init: Init, d: int) -> Init:
    """An initialization whose shapes fit inputs of d coordinates."""
    W0 = check_array("W0", init[0], 2)
    if W0.shape[1] != d:
        raise ValueError(f"W0 must have as many columns as X, {d}, got shape {W0.shape}")
    return Init(W0, check_array("a", init[1], 1, len(W0)))
