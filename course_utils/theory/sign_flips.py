"""Chapter 2: which ReLU neurons change sign when the weights move, and what that costs.

The net is f(x; W) = Σ_i a_i σ(w_iᵀx) with σ(z) = max(z, 0), and f0 is its first-order expansion at W0. A
neuron is *flipped* when the indicators 1{w_iᵀx ≥ 0} and 1{w0_iᵀx ≥ 0} differ (the lecture's convention: zero
counts as on). Only flipped neurons contribute to f − f0, and each contributes a_i |w_iᵀx|: whichever way it
crossed, the net sees the part of the move that lies beyond zero.

Shapes: W0, W are (m, d), x is (d,), a is (m,). B = ‖W − W0‖_F. Nothing is divided by √m.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.theory.networks import check_array, check_number, check_size, isotropic_shares

COUNT_CONSTANT = 3 / 2 ** (2 / 3)
"""The constant of m^(2/3) B^(2/3) after minimising mτ + B²/τ² over τ: 1.890 (`lecture/optimal-tau`)."""

LECTURE_COUNT_CONSTANT = 2.0
"""The same constant as the slide rounds it."""


class BadSets(NamedTuple):
    """Masks of shape (m,): `S1`, the neurons that start near zero, and `S2`, those that move far."""

    S1: np.ndarray
    S2: np.ndarray

    @property
    def S(self) -> np.ndarray:
        """The union of S1 and S2, shape (m,): outside it nothing flips."""
        return self.S1 | self.S2


class FlipCounts(NamedTuple):
    """Totals over a layer: neurons flipped, `gap` = f − f0, the sizes of S1, S2 and their union, and B."""

    m: int
    flips: int
    gap: float
    S1: int
    S2: int
    S: int
    B: float


# --- one network, given as matrices ---------------------------------------------------------------


def flipped(W0: np.ndarray, W: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the mask (m,) of neurons with 1{w_iᵀx ≥ 0} ≠ 1{w0_iᵀx ≥ 0}.

    Source: `lecture/star`. Raises ValueError or TypeError on shapes that do not fit or values that are not
    finite.
    """
    W0, W, x = _layers(W0, W, x)
    return (W @ x >= 0) != (W0 @ x >= 0)


def bad_sets(W0: np.ndarray, W: np.ndarray, x: np.ndarray, tau: float) -> BadSets:
    """Return S1 = {|w0_iᵀx| ≤ τ‖x‖} and S2 = {‖w_i − w0_i‖ ≥ τ} as masks of shape (m,).

    Outside their union no neuron flips, because |(w_i − w0_i)ᵀx| < τ‖x‖ < |w0_iᵀx|. One of the two boundaries
    has to be included, and it does not matter which: with < and > in both, w0_iᵀx = −τ‖x‖ moved by τx/‖x‖
    ends on zero, which counts as on, and flips outside both sets.

    Source: `lecture/bad-set`. Raises ValueError if tau < 0 or shapes do not fit.
    """
    W0, W, x = _layers(W0, W, x)
    tau = check_number("tau", tau, at_least=0)
    near = np.abs(W0 @ x) <= tau * np.linalg.norm(x)
    far = np.linalg.norm(W - W0, axis=1) >= tau
    return BadSets(near, far)


def star_gap(W0: np.ndarray, W: np.ndarray, x: np.ndarray, a: np.ndarray) -> float:
    """Return f − f0 by the lecture's identity (★): Σ_i a_i w_iᵀx (1{w_iᵀx ≥ 0} − 1{w0_iᵀx ≥ 0}).

    Source: `lecture/star`. Raises ValueError or TypeError on shapes that do not fit or values that are not
    finite.
    """
    W0, W, x = _layers(W0, W, x)
    a = check_vector("a", a, len(W0))
    return _star(W0 @ x, W @ x, a)


def direct_gap(W0: np.ndarray, W: np.ndarray, x: np.ndarray, a: np.ndarray) -> float:
    """Return f(x; W) − f(x; W0) − ⟨∂_W f(x; W0), W − W0⟩, term by term and without (★).

    The derivative of ReLU at 0 is taken as 1 here, as in the indicators of (★). With the minimum-norm choice
    0 the two forms still agree with one another, and only neurons with w0_iᵀx exactly 0 notice.

    Source: `lecture/relu-homogeneous`. Raises as `star_gap`.
    """
    W0, W, x = _layers(W0, W, x)
    a = check_vector("a", a, len(W0))
    before, after = W0 @ x, W @ x
    linear = (before >= 0) * ((W - W0) @ x)
    return float(a @ (np.maximum(after, 0) - np.maximum(before, 0) - linear))


def count_flips(W0: np.ndarray, W: np.ndarray, x: np.ndarray, a: np.ndarray, tau: float) -> FlipCounts:
    """Return the number of flips, f − f0 and the sizes of S1, S2 and S1 ∪ S2 for one pair of layers.

    Raises ValueError or TypeError on shapes that do not fit, tau < 0 or values that are not finite.
    """
    W0, W, x = _layers(W0, W, x)
    a = check_vector("a", a, len(W0))
    tau = check_number("tau", tau, at_least=0)
    moved = np.linalg.norm(W - W0, axis=1)
    return _totals(W0 @ x, W @ x, moved, a, tau, float(np.linalg.norm(x)))


# --- bounds ---------------------------------------------------------------------------------------


def flip_bound(S: int, B: float, norm_x: float = 1.0) -> float:
    """Return √|S| · B, a bound on |f − f0| when all flips lie among |S| neurons, |a_i| ≤ 1 and ‖x‖ ≤ 1.

    A flipped neuron has |w_iᵀx| ≤ |(w_i − w0_i)ᵀx| ≤ ‖w_i − w0_i‖; Cauchy–Schwarz over the set does the rest.

    Source: `lecture/naive-bound`. Raises ValueError if S < 0, B < 0 or norm_x > 1.
    """
    S, B = check_number("S", S, at_least=0), check_number("B", B, at_least=0)
    check_in_unit_ball(norm_x)
    return math.sqrt(S) * B


def s2_bound(B: float, tau: float) -> float:
    """Return B²/τ², which bounds |S2|: each row of S2 alone spends τ² of the budget B².

    Source: `lecture/s2-markov`. Raises ValueError if B < 0 or tau <= 0.
    """
    return (check_number("B", B, at_least=0) / check_number("tau", tau, above=0)) ** 2


def tight_movement(m: int, d: int, B: float, tau: float) -> np.ndarray:
    """Return a move W − W0, shape (m, d) and norm B, whose S2 has ⌊B²/τ²⌋ rows: the bound is tight.

    The budget is spread equally over those rows, along the first coordinate. B²/τ² is rounded down after
    forgiving a relative error of 1e-12, so that B = 0.3, tau = 0.1 gives the nine rows it should.

    Source: `lecture/s2-markov`. Raises ValueError if B < τ (no row can reach τ) or if ⌊B²/τ²⌋ > m.
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


def bad_set_bound(m: int, B: float, tau: float, delta: float) -> float:
    """Return mτ + B²/τ² + √(m log 1/δ), which bounds |S1 ∪ S2| with probability at least 1 − δ.

    Source: the lecture's proof of Lemma 4.1. Raises ValueError if m < 1, B < 0, tau <= 0 or delta outside (0,
    1).
    """
    m, tau = check_size("m", m), check_number("tau", tau, above=0)
    return m * tau + s2_bound(B, tau) + math.sqrt(m * log_inverse(delta))


def optimal_tau(m: int, B: float) -> float:
    """Return τ* = (2B²/m)^(1/3), where mτ + B²/τ² is smallest: the derivative m − 2B²/τ³ vanishes there.

    Source: `lecture/optimal-tau`. Raises ValueError if m < 1 or B < 0.
    """
    return (2 * check_number("B", B, at_least=0) ** 2 / check_size("m", m)) ** (1 / 3)


def optimal_bad_set_bound(m: int, B: float, delta: float, constant: float = COUNT_CONSTANT) -> float:
    """Return constant · m^(2/3) B^(2/3) + √(m log 1/δ), the bound on |S1 ∪ S2| at the best τ.

    At τ* the first two terms of `bad_set_bound` are 2^(1/3) and 2^(-2/3) times m^(2/3) B^(2/3); together
    3/2^(2/3) ≈ 1.890, which the slide rounds to 2 (pass `LECTURE_COUNT_CONSTANT`).

    Source: `lecture/optimal-tau`. Raises ValueError if m < 1, B < 0, constant < 0 or delta outside (0, 1).
    """
    m, constant = check_size("m", m), check_number("constant", constant, at_least=0)
    return constant * (m * check_number("B", B, at_least=0)) ** (2 / 3) + math.sqrt(m * log_inverse(delta))


# --- what the chapter draws -----------------------------------------------------------------------


class PlaneMove(NamedTuple):
    """A layer of m neurons in the plane, x along the first axis, before and after an isotropic move of norm B."""

    W0: np.ndarray
    W: np.ndarray
    tau: float
    B: float
    near: np.ndarray
    far: np.ndarray
    flipped: np.ndarray
    bound: float  # mτ + B²/τ², which the bad set has on average at most


def plane_move(m: int = 150, B: float = 8.0, tau: float = 0.4, seed: int = 1) -> PlaneMove:
    """Draw a random layer with d = 2 and a random move; the same ``seed`` gives the same layer and direction.

    Raises ValueError or TypeError if m < 1, B < 0 or tau <= 0.
    """
    m, B, tau = check_size("m", m), check_number("B", B, at_least=0), check_number("tau", tau, above=0)
    draws = np.random.default_rng(seed).standard_normal((m, 5))
    W0, direction = draws[:, :2], draws[:, 2:4]
    # A few rows get most of the move; with equal shares all of them would be far, or none.
    direction = direction * np.exp(draws[:, 4:])
    W = W0 + B / np.linalg.norm(direction) * direction
    x = np.array([1.0, 0.0])
    near, far = bad_sets(W0, W, x, tau)
    return PlaneMove(W0, W, tau, B, near, far, flipped(W0, W, x), m * tau + s2_bound(B, tau))


class TauTradeoff(NamedTuple):
    """Both terms of the bound on the bad set over τ, their minimum, and the counts of one random layer."""

    m: int
    B: float
    tau: np.ndarray
    near_bound: np.ndarray  # mτ
    far_bound: np.ndarray  # B²/τ²
    best_tau: float
    best: float
    near: np.ndarray  # |S1|, measured


def tau_tradeoff(m: int, B: float, tau: np.ndarray, rng: np.random.Generator) -> TauTradeoff:
    """Return mτ and B²/τ² for each of the positive ``tau``, and |S1| of one random layer.

    Source: `lecture/optimal-tau`. Raises ValueError or TypeError on a size, B or τ that is not positive.
    """
    tau = check_array("tau", tau, 1)
    far = np.array([s2_bound(B, t) for t in tau])
    u = np.abs(check_rng(rng).standard_normal(check_size("m", m)))
    best = optimal_tau(m, B)
    near = np.searchsorted(np.sort(u), tau, side="right")
    return TauTradeoff(m, B, tau, m * tau, far, best, m * best + s2_bound(B, best), near)


class GapAgainstWidth(NamedTuple):
    """|f − f0| under isotropic random moves of norm B, shape (repetitions, widths), and three bounds on it."""

    widths: np.ndarray
    gap: np.ndarray
    flips: np.ndarray
    flip_bound: np.ndarray  # √flips · B, of the flips that happened
    naive: np.ndarray  # √m ‖W‖_F, shape (widths,)
    rms: np.ndarray  # the closed form of `random_gap_rms`, shape (widths,)


def gap_against_width(
    widths: list[int], d: int, B: float, repetitions: int, rng: np.random.Generator
) -> GapAgainstWidth:
    """Draw gaps and flips of ``repetitions`` random networks at each width (without the factor 1/√m).

    ‖W‖_F enters as √(md + B²), the root of its mean square. Raises as `random_flips`.
    """
    totals = [[random_flips(m, d, B, 0.0, rng) for m in widths] for _ in range(check_size("repetitions", repetitions))]
    gap = np.abs([[total.gap for total in row] for row in totals])
    flips = np.array([[total.flips for total in row] for row in totals])
    sizes = np.array(widths)
    rms = np.array([random_gap_rms(m, d, B) for m in widths])
    return GapAgainstWidth(sizes, gap, flips, np.sqrt(flips) * B, np.sqrt(sizes * (sizes * d + B**2)), rms)


# --- very wide layers -----------------------------------------------------------------------------


def chunked_flips(
    m: int,
    x: np.ndarray,
    tau: float,
    perturbation: np.ndarray | Callable[[slice, np.ndarray], np.ndarray],
    rng: np.random.Generator,
    a: np.ndarray | None = None,
    chunk: int = 2**13,
) -> FlipCounts:
    """Return the totals of `count_flips` for a standard normal W0, drawn, used and forgotten in chunks.

    `perturbation` is the move W − W0: an (m, d) array (memory-mapped if it is large), or a function that
    receives the slice of rows and their part of W0 and returns theirs of W − W0, shape (rows, d). `a` has
    shape (m,); without it the signs are uniform in {−1, +1}. Peak memory is a few chunks, whatever m is.

    The numbers are those of one big draw: W0 = rng.standard_normal((m, d)) and, for the signs,
    a = 2 * rng.spawn(1)[0].integers(0, 2, m) − 1, whatever the chunk.

    Raises ValueError or TypeError on bad sizes, shapes, tau < 0 or a perturbation of the wrong shape.
    """
    m, chunk = check_size("m", m), check_size("chunk", chunk)
    x, tau, rng = check_array("x", x, 1), check_number("tau", tau, at_least=0), check_rng(rng)
    d = len(x)
    if a is not None:
        a = check_vector("a", a, m)
    if not callable(perturbation) and np.shape(perturbation) != (m, d):
        raise ValueError(f"perturbation must have shape ({m}, {d}), got {np.shape(perturbation)}")
    signs = rng.spawn(1)[0]
    total = FlipCounts(0, 0, 0.0, 0, 0, 0, 0.0)
    for start in range(0, m, chunk):
        rows = slice(start, min(start + chunk, m))
        W0 = rng.standard_normal((rows.stop - rows.start, d))
        move = perturbation(rows, W0.copy()) if callable(perturbation) else perturbation[rows]
        if np.shape(move) != W0.shape:
            raise ValueError(f"perturbation must return shape {W0.shape} for {rows}, got {np.shape(move)}")
        part_a = 2 * signs.integers(0, 2, len(W0)) - 1 if a is None else a[rows]
        total = _add(total, count_flips(W0, W0 + move, x, part_a, tau))
    return total


def random_flips(
    m: int, d: int, B: float, tau: float, rng: np.random.Generator, norm_x: float = 1.0, chunk: int = 2**15
) -> FlipCounts:
    """Draw the totals of `count_flips` for a standard normal W0, an isotropic move of norm B, random signs a.

    The move is B G/‖G‖_F with G standard normal. The law of the result is exact, at a cost of O(m) instead of
    O(m d), and in one pass, because:

    - A neuron enters only through w0_iᵀx, (w_i − w0_i)ᵀx and ‖w_i − w0_i‖. Rotate x onto the first axis: the
      first is ‖x‖ times a standard normal u_i, the second ‖x‖ times one coordinate g_i of row i of the move,
      the third √(g_i² + q_i), where q_i collects the other d − 1 coordinates: a chi-square draw with d − 1
      degrees of freedom.
    - Dividing by ‖G‖_F seems to need all rows at once, but each chunk's share of B² can be drawn on its own
      (`networks.isotropic_shares`).
    - The sign a_i matters only for a flipped neuron, so only the flipped ones get one.

    Peak memory is a few chunks, whatever m and d are. Raises ValueError or TypeError on m, d, chunk < 1, B <
    0, tau < 0, norm_x <= 0 or an rng that is not a Generator.
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
    """Return the root mean square of f − f0 over W0, random signs a and an isotropic random move of norm B.

    The signs make the terms uncorrelated, so the square is m E[(u + s g)² 1{flip}] ‖x‖² with s = B/√(md). In
    polar coordinates this is m (1 + s²)(φ − sin φ cos φ)/π, φ = arctan s. For small s it is √(2/(3π)) B^(3/2)
    d^(-3/4) m^(-1/4): it *shrinks* with the width, where the worst move gains m^(1/3).

    Raises ValueError or TypeError if m or d < 1, B < 0 or norm_x < 0.
    """
    m, d, norm_x = check_size("m", m), check_size("d", d), check_number("norm_x", norm_x, at_least=0)
    s = check_number("B", B, at_least=0) / math.sqrt(m * d)
    # the closed form cancels for small s, where two terms of its series are good to 1e-9
    if s < 1e-2:
        area = 2 * s**3 / 3 * (1 - s**2 / 5)
    else:
        area = (1 + s**2) * math.atan(s) - s
    return norm_x * math.sqrt(m * area / math.pi)


# --- the sums, and what is accepted ---------------------------------------------------------------


def _star(before: np.ndarray, after: np.ndarray, a: np.ndarray) -> float:
    return float(np.sum(a * after * ((after >= 0).astype(float) - (before >= 0))))


def _totals(before, after, moved, a, tau, norm_x) -> FlipCounts:
    near, far = np.abs(before) <= tau * norm_x, moved >= tau
    return FlipCounts(
        m=len(before),
        flips=int(np.count_nonzero((after >= 0) != (before >= 0))),
        gap=_star(before, after, a),
        S1=int(np.count_nonzero(near)),
        S2=int(np.count_nonzero(far)),
        S=int(np.count_nonzero(near | far)),
        B=float(np.linalg.norm(moved)),
    )


def _add(one: FlipCounts, two: FlipCounts) -> FlipCounts:
    sums = FlipCounts(*(p + q for p, q in zip(one, two, strict=True)))
    return sums._replace(B=math.hypot(one.B, two.B))


def check_vector(name: str, value, size: int) -> np.ndarray:
    """``value`` as a finite float64 vector of shape (size,), or an error that names it."""
    array = check_array(name, value, 1)
    if len(array) != size:
        raise ValueError(f"{name} must have shape ({size},), got {array.shape}")
    return array


def check_probability(name: str, value) -> float:
    """``value`` as a float strictly between 0 and 1, or an error that names it."""
    number = check_number(name, value)
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")
    return number


def log_inverse(delta: float) -> float:
    """log(1/δ) for δ in (0, 1), without the overflow of 1/δ for the smallest δ."""
    return -math.log(check_probability("delta", delta))


def check_in_unit_ball(norm_x: float) -> None:
    """Refuse a norm of x above 1, which x/‖x‖ has only up to rounding."""
    if check_number("norm_x", norm_x, at_least=0) > 1 + 1e-9:
        raise ValueError(f"norm_x must be at most 1 for this bound, got {norm_x}")


def check_rng(rng: np.random.Generator) -> np.random.Generator:
    """``rng`` if it is a Generator, or a TypeError."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def _layers(W0, W, x) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    W0, W = check_array("W0", W0, 2), check_array("W", W, 2)
    if W0.shape != W.shape:
        raise ValueError(f"W and W0 must have the same shape, got {W.shape} and {W0.shape}")
    return W0, W, check_vector("x", x, W0.shape[1])
