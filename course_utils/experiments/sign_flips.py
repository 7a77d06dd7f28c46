"""Chapter 2's experiments: moves in the plane, the trade-off in τ, and the gap against the width."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_size
from course_utils.theory.sign_flips import bad_sets, flipped, optimal_tau, random_flips, random_gap_rms, s2_bound


class PlaneMove(NamedTuple):
    """A layer of m neurons in the plane, x along the first axis, before and after an isotropic move of norm B."""

    W0: Array
    W: Array
    tau: float
    B: float
    near: Array
    far: Array
    flipped: Array
    bound: float  # mτ + B²/τ², which the bad set has on average at most


def plane_move(m: int = 150, B: float = 8.0, tau: float = 0.4, seed: int = 1) -> PlaneMove:
    """Draw a random layer with d = 2 and a random move; the same ``seed`` gives the same layer and direction."""
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
    tau: Array
    near_bound: Array  # mτ
    far_bound: Array  # B²/τ²
    best_tau: float
    best: float
    near: Array  # |S1|, measured


def tau_tradeoff(m: int, B: float, tau: Array, rng: np.random.Generator) -> TauTradeoff:
    """mτ and B²/τ² for each of the positive ``tau``, and |S1| of one random layer (lecture/optimal-tau)."""
    tau = check_array("tau", tau, 1)
    far = np.array([s2_bound(B, t) for t in tau])
    u = np.abs(check_rng(rng).standard_normal(check_size("m", m)))
    best = optimal_tau(m, B)
    near = np.searchsorted(np.sort(u), tau, side="right")
    return TauTradeoff(m, B, tau, m * tau, far, best, m * best + s2_bound(B, best), near)


class GapAgainstWidth(NamedTuple):
    """|f − f0| under isotropic random moves of norm B, shape (repetitions, widths), and three bounds on it."""

    widths: Array
    gap: Array
    flips: Array
    flip_bound: Array  # √flips · B, of the flips that happened
    naive: Array  # √m ‖W‖_F, shape (widths,)
    rms: Array  # the closed form of `random_gap_rms`, shape (widths,)


def gap_against_width(
    widths: list[int], d: int, B: float, repetitions: int, rng: np.random.Generator
) -> GapAgainstWidth:
    """Draw gaps and flips of ``repetitions`` random networks at each width (without the factor 1/√m).

    ‖W‖_F enters as √(md + B²), the root of its mean square.
    """
    totals = [[random_flips(m, d, B, 0.0, rng) for m in widths] for _ in range(check_size("repetitions", repetitions))]
    gap = np.abs([[total.gap for total in row] for row in totals])
    flips = np.array([[total.flips for total in row] for row in totals])
    sizes = np.array(widths)
    rms = np.array([random_gap_rms(m, d, B) for m in widths])
    return GapAgainstWidth(sizes, gap, flips, np.sqrt(flips) * B, np.sqrt(sizes * (sizes * d + B**2)), rms)
