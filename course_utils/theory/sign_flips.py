"""Chapter 2: which ReLU neurons change sign when the weights move, and what that costs.

The net is f(x; W) = Σ_i a_i σ(w_iᵀx) with σ(z) = max(z, 0), and f0 is its first-order expansion at W0. A
neuron is *flipped* when the indicators 1{w_iᵀx ≥ 0} and 1{w0_iᵀx ≥ 0} differ (the lecture's convention: zero
counts as on). Only flipped neurons contribute to f − f0, and each contributes a_i |w_iᵀx|: whichever way it
crossed, the net sees the part of the move that lies beyond zero.

Shapes: W0, W are (m, d), x is (d,), a is (m,). B = ‖W − W0‖_F. Nothing is divided by √m.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_in_unit_ball, check_number, check_rng, check_size
from course_utils.theory.networks import isotropic_shares
from course_utils.theory.statistics import log_inverse

COUNT_CONSTANT = 3 / 2 ** (2 / 3)
"""The constant of m^(2/3) B^(2/3) after minimising mτ + B²/τ² over τ: 1.890 (`lecture/optimal-tau`)."""

LECTURE_COUNT_CONSTANT = 2.0
"""The same constant as the slide rounds it."""


class BadSets(NamedTuple):
    """Masks of shape (m,): ``S1``, the neurons that start near zero, and ``S2``, those that move far."""

    S1: Array
    S2: Array

    @property
    def S(self) -> Array:
        """The union of S1 and S2, shape (m,): outside it nothing flips."""
        return self.S1 | self.S2


class FlipCounts(NamedTuple):
    """Totals over a layer: neurons flipped, ``gap`` = f − f0, the sizes of S1, S2 and their union, and B."""

    m: int
    flips: int
    gap: float
    S1: int
    S2: int
    S: int
    B: float


def flipped(W0: Array, W: Array, x: Array) -> Array:
    """The mask (m,) of neurons with 1{w_iᵀx ≥ 0} ≠ 1{w0_iᵀx ≥ 0} (lecture/star)."""
    W0, W, x = _layers(W0, W, x)
    return (W @ x >= 0) != (W0 @ x >= 0)


def bad_sets(W0: Array, W: Array, x: Array, tau: float) -> BadSets:
    """S1 = {|w0_iᵀx| ≤ τ‖x‖} and S2 = {‖w_i − w0_i‖ ≥ τ} as masks of shape (m,).

    Outside their union no neuron flips, because |(w_i − w0_i)ᵀx| < τ‖x‖ < |w0_iᵀx|. One of the two boundaries
    has to be included, and it does not matter which: with < and > in both, w0_iᵀx = −τ‖x‖ moved by τx/‖x‖
    ends on zero, which counts as on, and flips outside both sets (lecture/bad-set).
    """
    W0, W, x = _layers(W0, W, x)
    tau = check_number("tau", tau, at_least=0)
    near = np.abs(W0 @ x) <= tau * np.linalg.norm(x)
    far = np.linalg.norm(W - W0, axis=1) >= tau
    return BadSets(near, far)


def star_gap(W0: Array, W: Array, x: Array, a: Array) -> float:
    """f − f0 by the lecture's identity (★): Σ_i a_i w_iᵀx (1{w_iᵀx ≥ 0} − 1{w0_iᵀx ≥ 0}) (lecture/star)."""
    W0, W, x = _layers(W0, W, x)
    a = check_array("a", a, 1, len(W0))
    return float(star(W0 @ x, W @ x, a))


def direct_gap(W0: Array, W: Array, x: Array, a: Array) -> float:
    """f(x; W) − f(x; W0) − ⟨∂_W f(x; W0), W − W0⟩, term by term and without (★).

    The derivative of ReLU at 0 is taken as 1 here, as in the indicators of (★). With the minimum-norm choice 0 a neuron
    that starts exactly at 0 and ends above it leaves its tangent, and (★) does not see it (lecture/min-norm).

    Source: claim lecture/star.
    """
    W0, W, x = _layers(W0, W, x)
    a = check_array("a", a, 1, len(W0))
    before, after = W0 @ x, W @ x
    linear = (before >= 0) * ((W - W0) @ x)
    return float(a @ (np.maximum(after, 0) - np.maximum(before, 0) - linear))


def count_flips(W0: Array, W: Array, x: Array, a: Array, tau: float) -> FlipCounts:
    """The number of flips, f − f0 and the sizes of S1, S2 and S1 ∪ S2 for one pair of layers."""
    W0, W, x = _layers(W0, W, x)
    a = check_array("a", a, 1, len(W0))
    tau = check_number("tau", tau, at_least=0)
    before, after, moved = W0 @ x, W @ x, np.linalg.norm(W - W0, axis=1)
    near, far = np.abs(before) <= tau * np.linalg.norm(x), moved >= tau
    return FlipCounts(
        m=len(before),
        flips=int(np.count_nonzero((after >= 0) != (before >= 0))),
        gap=float(star(before, after, a)),
        S1=int(np.count_nonzero(near)),
        S2=int(np.count_nonzero(far)),
        S=int(np.count_nonzero(near | far)),
        B=float(np.linalg.norm(moved)),
    )


def flip_bound(S: float, B: float, norm_x: float = 1.0) -> float:
    """√|S| · B, a bound on |f − f0| when all flips lie among |S| neurons, |a_i| ≤ 1 and ‖x‖ ≤ 1.

    A flipped neuron has |w_iᵀx| ≤ |(w_i − w0_i)ᵀx| ≤ ‖w_i − w0_i‖; Cauchy–Schwarz over the set does the rest.

    Source: claim lecture/naive-bound.
    """
    S, B = check_number("S", S, at_least=0), check_number("B", B, at_least=0)
    check_in_unit_ball(norm_x)
    return math.sqrt(S) * B


def s2_bound(B: float, tau: float) -> float:
    """B²/τ², which bounds |S2|: each row of S2 alone spends τ² of the budget B² (lecture/s2-markov)."""
    return (check_number("B", B, at_least=0) / check_number("tau", tau, above=0)) ** 2


def tight_movement(m: int, d: int, B: float, tau: float) -> Array:
    """A move W − W0, shape (m, d) and norm B, whose S2 has ⌊B²/τ²⌋ rows: the bound is tight.

    The budget is spread equally over those rows, along the first coordinate. B²/τ² is rounded down after
    forgiving a relative error of 1e-12, so that B = 0.3, tau = 0.1 gives the nine rows it should (lecture/s2-markov).

    Raises:
        ValueError: if B < τ (no row can reach τ) or ⌊B²/τ²⌋ > m.
    """
    m, d = check_size("m", m), check_size("d", d)
    k = math.floor(s2_bound(B, tau) * (1 + 1e-12))
    if k == 0:
        raise ValueError(f"B must be at least tau for one row to move by tau, got B = {B}, tau = {tau}")
    if k > m:
        raise ValueError(f"m must be at least B²/tau² = {k} rows, got m = {m}")
    move = np.zeros((m, d))
    move[:k, 0] = max(tau, B / math.sqrt(k))
    return move


def optimal_tau(m: int, B: float) -> float:
    """τ* = (2B²/m)^(1/3), where mτ + B²/τ² is smallest: the derivative m − 2B²/τ³ vanishes there.

    Source: claim lecture/optimal-tau.
    """
    return (2 * check_number("B", B, at_least=0) ** 2 / check_size("m", m)) ** (1 / 3)


def optimal_bad_set_bound(m: int, B: float, delta: float, constant: float = COUNT_CONSTANT) -> float:
    """constant · m^(2/3) B^(2/3) + √(m log 1/δ), the bound on |S1 ∪ S2| at the best τ.

    With probability at least 1 − δ the set has at most mτ + B²/τ² + √(m log 1/δ) members. At τ* the first two terms
    are 2^(1/3) and 2^(-2/3) times m^(2/3) B^(2/3); together 3/2^(2/3) ≈ 1.890, which the slide rounds to 2 (pass
    ``LECTURE_COUNT_CONSTANT``) (lecture/optimal-tau).
    """
    m, constant = check_size("m", m), check_number("constant", constant, at_least=0)
    return constant * (m * check_number("B", B, at_least=0)) ** (2 / 3) + math.sqrt(m * log_inverse(delta))


def random_flips(
    m: int, d: int, B: float, tau: float, rng: np.random.Generator, norm_x: float = 1.0, chunk: int = 2**15
) -> FlipCounts:
    """Draw the totals of ``count_flips`` for a standard normal W0, an isotropic move of norm B, random signs a.

    The move is B G/‖G‖_F with G standard normal. The law of the result is exact, at a cost of O(m) instead of
    O(m d), and in one pass, because:

    - A neuron enters only through w0_iᵀx, (w_i − w0_i)ᵀx and ‖w_i − w0_i‖. Rotate x onto the first axis: the
      first is ‖x‖ times a standard normal u_i, the second ‖x‖ times one coordinate g_i of row i of the move,
      the third √(g_i² + q_i), where q_i collects the other d − 1 coordinates: a chi-square draw with d − 1
      degrees of freedom.
    - Dividing by ‖G‖_F seems to need all rows at once, but each chunk's share of B² can be drawn on its own
      (``networks.isotropic_shares``).
    - The sign a_i matters only for a flipped neuron, so only the flipped ones get one.

    Peak memory is a few chunks, whatever m and d are.
    """
    m, d, chunk = check_size("m", m), check_size("d", d), check_size("chunk", chunk)
    B, tau = check_number("B", B, at_least=0), check_number("tau", tau, at_least=0)
    norm_x, rng = check_number("norm_x", norm_x, above=0), check_rng(rng)
    total = FlipCounts(0, 0, 0.0, 0, 0, 0, 0.0)
    for n, spent in isotropic_shares(m, d, B, rng, chunk):
        u, g = rng.standard_normal(n), rng.standard_normal(n)
        squared = g * g
        if d > 1:
            squared += rng.chisquare(d - 1, n)
        scale = math.sqrt(spent / squared.sum())
        w = u + scale * g
        crossed = np.flatnonzero((u >= 0) != (w >= 0))
        near, far = np.abs(u) <= tau, squared * scale**2 >= tau**2
        part = FlipCounts(
            m=n,
            flips=len(crossed),
            gap=norm_x * float((2 * rng.integers(0, 2, len(crossed)) - 1) @ np.abs(w[crossed])),
            S1=int(np.count_nonzero(near)),
            S2=int(np.count_nonzero(far)),
            S=int(np.count_nonzero(near | far)),
            B=math.sqrt(spent),
        )
        total = _add(total, part)
    return total


def random_gap_rms(m: int, d: int, B: float, norm_x: float = 1.0) -> float:
    """The root mean square of f − f0 over W0, random signs a and an isotropic random move of norm B.

    The signs make the terms uncorrelated, so the square is m E[(u + s g)² 1{flip}] ‖x‖² with s = B/√(md). In
    polar coordinates this is m (1 + s²)(φ − sin φ cos φ)/π, φ = arctan s. For small s it is √(2/(3π)) B^(3/2)
    d^(-3/4) m^(-1/4): it *shrinks* with the width, where the worst move gains m^(1/3).
    """
    m, d, norm_x = check_size("m", m), check_size("d", d), check_number("norm_x", norm_x, at_least=0)
    s = check_number("B", B, at_least=0) / math.sqrt(m * d)
    # the closed form cancels for small s, where two terms of its series are good to 1e-9
    if s < 1e-2:
        area = 2 * s**3 / 3 * (1 - s**2 / 5)
    else:
        area = (1 + s**2) * math.atan(s) - s
    return norm_x * math.sqrt(m * area / math.pi)


def star(before: Array, after: Array, a: Array) -> Array:
    """(★) for pre-activations W0 x and W x, shape (m,) or (m, n) for n inputs: a number, or n of them."""
    return np.sum(a * (after * ((after >= 0).astype(float) - (before >= 0))).T, axis=-1)


def _add(one: FlipCounts, two: FlipCounts) -> FlipCounts:
    sums = FlipCounts(*(p + q for p, q in zip(one, two, strict=True)))
    return sums._replace(B=math.hypot(one.B, two.B))


def _layers(W0, W, x) -> tuple[Array, Array, Array]:
    W0, W = check_array("W0", W0, 2), check_array("W", W, 2)
    if W0.shape != W.shape:
        raise ValueError(f"W and W0 must have the same shape, got {W.shape} and {W0.shape}")
    return W0, W, check_array("x", x, 1, W0.shape[1])
