"""Chapter 2's experiments: moves in the plane, the trade-off in τ, and the gap against the width."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size
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
    way: str = "at random"


#: How a budget can be spent: see :func:`plane_move`.
WAYS = ("at random", "straight at the line", "on the nearest")


def plane_move(m: int = 150, B: float = 8.0, tau: float = 0.4, seed: int = 1, way: str = WAYS[0]) -> PlaneMove:
    """A random layer with d = 2 and a move of norm B; the same ``seed`` gives the same layer and directions.

    ``way``: all rows at random; all alike straight at the line where the input sees zero; or only the
    nearest to it, each just across, as far as B goes.
    """
    m, B, tau = check_size("m", m), check_number("B", B, at_least=0), check_number("tau", tau, above=0)
    draws = np.random.default_rng(seed).standard_normal((m, 5))
    W0 = draws[:, :2]
    if check_choice("way", way, WAYS) == WAYS[0]:
        # A few rows get most of the move; with equal shares all of them would be far, or none.
        move = draws[:, 2:4] * np.exp(draws[:, 4:])
        move *= B / np.linalg.norm(move)
    else:
        across = -1.001 * W0[:, 0]
        near = np.argsort(np.abs(across))
        paid = np.zeros(m)
        paid[near] = np.cumsum(across[near] ** 2) <= B**2
        along = across * paid if way == WAYS[2] else np.sign(across) * B / np.sqrt(m)
        move = np.stack([along, np.zeros(m)], axis=1)
    W = W0 + move
    x = np.array([1.0, 0.0])
    near, far = bad_sets(W0, W, x, tau)
    return PlaneMove(W0, W, tau, B, near, far, flipped(W0, W, x), m * tau + s2_bound(B, tau), way)


class Reasons(NamedTuple):
    """Shares of a layer under a random move, over τ: S1, S2, their union and the flips (4, taus), and their law."""

    m: int
    tau: Array
    counted: Array
    near: Array  # expected shares of S1, S2 and the flips
    far: Array
    flipped: float
    yours: tuple[int, float, Array] | None = None  # the reader's neurons, τ, and the same four shares


def reasons(m: int, d: int, s: float, tau: Array, rng: np.random.Generator) -> Reasons:
    """Count the reasons to flip where each weight moves by ``s`` times a standard normal number, for each ``tau``."""
    from scipy.special import erf, gammaincc

    tau, s = check_array("tau", tau, 1), check_number("s", s, above=0)
    totals = [random_flips(m, d, s * np.sqrt(m * d), t, check_rng(rng)) for t in tau]
    counted = np.array([[total.S1, total.S2, total.S, total.flips] for total in totals]).T / m
    far = gammaincc(d / 2, (tau / s) ** 2 / 2)
    return Reasons(m, tau, counted, erf(tau / np.sqrt(2)), far, float(np.arctan(s) / np.pi))


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
