"""Chapter 3, Lemma 4.1: how far the worst small move can take f from f0.

The bound, the perturbation that is worst for it (exactly, in O(m log m)), bounds from both sides that are proved and
meet in the leading term, for one input and for all; and adversaries that search for a worse move or input. The net is
f(x; W) = Σ_i a_i σ(w_iᵀx), σ the ReLU; W0 is (m, d), x is (d,), a is (m,), B bounds ‖W − W0‖_F. Nothing is divided by
√m.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_in_unit_ball, check_number, check_rng, check_size
from course_utils.theory.statistics import log_inverse

WORST_CASE_CONSTANT = 0.75 * (math.sqrt(2 / math.pi) / 4) ** (1 / 3)
"""The limit c ≈ 0.438 of (worst-case gap) / (B^(4/3) m^(1/3)) for ‖x‖ = 1; proved in `worst_case_bounds`."""


class WorstCase(NamedTuple):
    """The largest |f − f0|: ``gap``, reached by moving ``k`` neurons by ``lam`` each; ``sign`` is that of f − f0."""

    gap: float
    k: int
    sign: int
    lam: float


class WorstCaseBounds(NamedTuple):
    """Between ``lower`` and ``upper`` lies the worst case with a given probability (``worst_case_bounds``)."""

    lower: float
    upper: float


def lemma_4_1_bound(m: int, B: float, delta: float, norm_x: float = 1.0) -> float:
    """m^(1/3) (√2 B^(4/3) + B (log 1/δ)^(1/4)), Lemma 4.1's bound on |f − f0| as printed.

    With probability at least 1 − δ over W0 it holds for every W with ‖W − W0‖_F ≤ B at once, for one fixed x
    with ‖x‖ ≤ 1 (lecture/lemma-4.1).
    """
    check_in_unit_ball(norm_x)
    m, B = check_size("m", m), check_number("B", B, at_least=0)
    return m ** (1 / 3) * (math.sqrt(2) * B ** (4 / 3) + B * log_inverse(delta) ** 0.25)


def unrounded_lemma_4_1(m: int, B: float, delta: float) -> float:
    """B √(3/2^(2/3) (rmB)^(2/3) + √(mL/2)), r = √(2/π), L = log(1/δ): Lemma 4.1's proof without its roundings.

    It keeps the density, Hoeffding's own constant and the best τ, and does not split the root (lecture/lemma-4.1).
    """
    m, B = check_size("m", m), check_number("B", B, at_least=0)
    flips = 3 / 2 ** (2 / 3) * (math.sqrt(2 / math.pi) * m * B) ** (2 / 3)
    return B * math.sqrt(flips + math.sqrt(m * log_inverse(delta) / 2))


def adversary_gains(u: Array, a: Array, B: float, norm_x: float = 1.0, sign: int = 1) -> Array:
    """What moving the k smallest |u_i| with sign(a_i) = ``sign`` gains, for k = 0, 1, 2, ...

    Entry k is α (B‖x‖√k − Σ of the k smallest |u_i|), where α = |a_i| and u_i = w0_iᵀx, shape (m,): each of
    the k neurons moves by B/√k straight across zero. The entries rise to a single maximum and then fall.

    Source: claim course/lemma-4.1-tight.
    """
    u, a, B, norm_x = _adversary(u, a, B, norm_x)
    if sign not in (1, -1):
        raise ValueError(f"sign must be 1 or -1, got {sign!r}")
    return _gains(u, a, B, norm_x, sign)


def worst_case_gap(u: Array, a: Array, B: float, norm_x: float = 1.0) -> WorstCase:
    """The largest |f(x; W) − f0(x; W)| over every W with ‖W − W0‖_F ≤ B, exactly, in O(m log m).

    u holds w0_iᵀx, shape (m,); a must have |a_i| = α for all i, as the lecture's random signs do.

    Why moving k neurons equally is the true optimum:

    1. By (★) a flipped neuron adds a_i |w_iᵀx|, whichever way it crossed, and the others add nothing. So
       f − f0 is largest when only neurons with a_i > 0 flip, and smallest when only those with a_i < 0 do.
    2. A move of length λ_i does most straight across zero, along ∓x: it adds α max(λ_i‖x‖ − |u_i|, 0).
    3. For a fixed set of k flipped neurons, Σ(λ_i‖x‖ − |u_i|) under Σλ_i² ≤ B² is largest for equal
       λ_i = B/√k (Cauchy–Schwarz), and the best k neurons are the k nearest to zero. The gain is
       α(B‖x‖√k − Σ|u_i|).
    4. The best k keeps its last neuron because that pays: |u_(k)| ≤ B‖x‖(√k − √(k−1)). This is at most
       B‖x‖/√k = λ‖x‖, so every moved neuron really crosses.

    The limit is guessed in ``worst_case_law`` and proved in ``worst_case_bounds``.

    With unequal |a_i| the best set is no longer "the nearest": choosing it contains the subset-sum problem.
    Such a are refused (course/lemma-4.1-tight).

    Raises:
        ValueError: for unequal |a_i|, or |u_i| that no W0 with that norm_x could give (u not 0 while norm_x is 0).
    """
    u, a, B, norm_x = _adversary(u, a, B, norm_x)
    best = WorstCase(0.0, 0, 1, 0.0)
    for sign in (1, -1):
        distance = np.abs(u[sign * a > 0])
        # only the nearest are sorted, twice as many as should be needed: the sums are concave in k
        few = 64 + int(2 * (B * len(distance) / 2) ** (2 / 3))
        gains = _gains_of(distance if few >= len(distance) else np.partition(distance, few)[:few], B * norm_x)
        if few < len(distance) and gains.argmax() == few:
            gains = _gains_of(distance, B * norm_x)
        gains *= abs(float(a[0]))
        k = int(np.argmax(gains))
        if gains[k] > best.gap:
            best = WorstCase(float(gains[k]), k, sign, B / math.sqrt(k))
    return best


def worst_case_law(m: int, B: float) -> float:
    """c B^(4/3) m^(1/3) + B/√(12π): about the mean of ``worst_case_gap`` for ‖x‖ = 1, by a heuristic.

    m/2 neurons have the right sign, and |u| has density r = √(2/π) at 0. Were the k-th nearest neuron at its mean
    place, |u_(k)| = 2k/(rm), the gain would be B√k − k²/(rm), largest at k = (B r m/4)^(2/3), where it is ¾B√k =
    c B^(4/3) m^(1/3), c = ``WORST_CASE_CONSTANT``. The gain fluctuates around it with standard deviation B/√12 for
    each sign, and the larger of two independent normal numbers exceeds its mean by 1/√π standard deviations.

    Its first term is good where many neurons move, and move little: 1/m ≪ B ≪ √m. The second is for B well below
    m^(1/5) only: the fall of the density takes about B²λ/96 off, λ = (B²/(2rm))^(1/3) (course/lemma-4.1-tight).
    """
    m, B = check_size("m", m), check_number("B", B, at_least=0)
    return WORST_CASE_CONSTANT * B ** (4 / 3) * m ** (1 / 3) + B / math.sqrt(12 * math.pi)


def worst_case_bounds(m: int, B: float, delta: float) -> WorstCaseBounds:
    """Between which numbers the worst |f − f0| lies with probability at least 1 − δ, for ‖x‖ = 1: proved.

    With L = log(4/δ), r = √(2/π) and λ = (B²/(2rm))^(1/3), each side fails with probability at most δ/2:

    - upper: c B^(4/3) m^(1/3) + B√(L/6) + λL/3, for random signs a. (x − u)₊ ≤ x²/(4λ) + (λ − u)₊ for x, u ≥ 0 splits
      the gain into B²/(4λ) and a sum of independent terms that does not depend on W; Bernstein for each sign.
    - lower: B√n − nλ/2 − λ√(nL/2) with n = ⌈κ − √(κL)⌉ and κ = m erf(λ/√2)/2, or 0 where that is larger, for any
      signs a. Chernoff leaves 2n neurons in the strip |u_i| ≤ λ, n of one sign; Hoeffding bounds their Σ|u_i|.

    Both are c B^(4/3) m^(1/3) up to O(B√L) as m grows at a fixed B (course/rate-proved).
    """
    m, B, L = check_size("m", m), check_number("B", B, above=0), log_inverse(delta) + math.log(4)
    lam = _strip(m, B)
    inside = m * math.erf(lam / math.sqrt(2)) / 2
    n = math.ceil(inside - math.sqrt(inside * L))
    lower = B * math.sqrt(n) - n * lam / 2 - lam * math.sqrt(n * L / 2) if n > 0 else 0.0
    return WorstCaseBounds(max(lower, 0.0), _upper(m, B, L))


def all_inputs_bound(m: int, d: int, B: float, delta: float) -> float:
    """What |f − f0| exceeds for some ‖x‖ ≤ 1 and some W within B of W0 with probability at most δ: proved.

    It is the upper bound of ``worst_case_bounds`` at every point of a net of the sphere with spacing 1/(mR), of at
    most (1 + 2mR)^d points, plus the 1 by which the sum that it bounds can change between them; R bounds all ‖w0_i‖
    with probability 1 − δ/2. So L = d log(1 + 2mR) + log(4/δ), R² = 2d log 2 + 4 log(2m/δ) (course/all-inputs).
    """
    m, d, B = check_size("m", m), check_size("d", d), check_number("B", B, above=0)
    R = math.sqrt(2 * d * math.log(2) + 4 * (log_inverse(delta) + math.log(2 * m)))
    return _upper(m, B, d * math.log1p(2 * m * R) + log_inverse(delta) + math.log(4)) + 1


def worst_case_weights(W0: Array, x: Array, a: Array, B: float) -> Array:
    """A W, shape (m, d), with ‖W − W0‖_F ≤ B and the largest possible |f − f0| (``worst_case_gap``).

    Source: claim course/lemma-4.1-tight.
    """
    W0 = check_array("W0", W0, 2)
    x = check_array("x", x, 1, W0.shape[1])
    a = check_array("a", a, 1, len(W0))
    u, norm_x = W0 @ x, float(np.linalg.norm(x))
    worst = worst_case_gap(u, a, B, norm_x)
    W = W0.copy()
    if worst.k:
        group = np.flatnonzero(worst.sign * a > 0)
        moved = group[np.argsort(np.abs(u[group]))[: worst.k]]
        W[moved] -= np.outer(np.where(u[moved] >= 0, worst.lam, -worst.lam), x / norm_x)
    return W


def ascent_gap(
    W0: Array, x: Array, a: Array, B: float, rng: np.random.Generator, steps: int = 200, starts: int = 16
) -> Array:
    """The best |f − f0| that projected gradient ascent finds from each start, shape (starts,).

    An adversary that does not know the answer of ``worst_case_gap`` and must never beat it. Starts are isotropic moves
    of norm B. While no neuron flips the gradient is zero, so the ascent sees a smoothed indicator, (1 + tanh(w/2T))/2,
    whose T falls from a random width (another for each start) to 0, as the length of a step falls from B; what is
    reported is the true |f − f0|. Odd starts push f − f0 down, even ones up. Memory is a few times starts·m·d.
    """
    W0 = check_array("W0", W0, 2)
    m, d = W0.shape
    x, a, B = check_array("x", x, 1, d), check_array("a", a, 1, m), check_number("B", B, at_least=0)
    rng, steps, starts = check_rng(rng), check_size("steps", steps), check_size("starts", starts)
    u = W0 @ x
    on = u >= 0
    norm_x = np.linalg.norm(x)
    up = np.where(np.arange(starts) % 2, -1.0, 1.0)[:, None]
    width = B * norm_x * m ** rng.uniform(-0.5, 0, (starts, 1))
    move = _project(rng.standard_normal((starts, m, d)), B)
    best = np.zeros(starts)
    for left in np.linspace(1, 0, steps):
        w = u + move @ x
        best = np.maximum(best, (up * a * w * ((w >= 0).astype(float) - on)).sum(axis=1))
        # T = 0 would divide by zero; the smallest positive number is a step function all the same
        T = np.maximum(width * left, np.finfo(float).tiny)
        with np.errstate(over="ignore"):
            slope = up * a * ((1 + np.tanh(w / (2 * T))) / 2 - on)
        size = np.linalg.norm(slope, axis=1) * norm_x
        rate = np.divide(left * B, size, out=np.zeros(starts), where=size > 0)
        move = _project(move + (rate[:, None] * slope)[:, :, None] * x, B)
    return best


def worst_input(
    W0: Array, a: Array, B: float, rng: np.random.Generator, steps: int = 100, starts: int = 8
) -> tuple[float, float]:
    """The largest worst case that an ascent over the unit sphere finds, and the mean over its random ``starts``.

    The first is a lower bound of the largest over all x, no more. With the moved neurons M held fixed the worst case
    B√k − Σ_M |w0_iᵀx| has the gradient −Σ_M sign(w0_iᵀx) w0_i in x, along which x turns by an angle that falls from
    1/3 to 0 (course/all-inputs).
    """
    W0 = check_array("W0", W0, 2)
    a, rng = check_array("a", a, 1, len(W0)), check_rng(rng)
    B, steps, starts = check_number("B", B, at_least=0), check_size("steps", steps), check_size("starts", starts)
    found = np.zeros((starts, steps + 1))
    for path in found:
        x = rng.standard_normal(W0.shape[1])
        x /= np.linalg.norm(x)
        for i, angle in enumerate(np.linspace(1 / 3, 0, steps + 1)):
            u = W0 @ x
            worst = worst_case_gap(u, a, B)
            path[i] = worst.gap
            group = np.flatnonzero(worst.sign * a > 0)
            moved = group[np.argpartition(np.abs(u[group]), worst.k - 1)[: worst.k]] if worst.k else group
            uphill = -np.sign(u[moved]) @ W0[moved]
            uphill -= (uphill @ x) * x
            size = np.linalg.norm(uphill)
            if size > 0:
                x = math.cos(angle) * x + math.sin(angle) * uphill / size
                x /= np.linalg.norm(x)
    return float(found.max()), float(found[:, 0].mean())


def _strip(m: int, B: float) -> float:
    """λ = (B²/(2rm))^(1/3): about where the neurons end that the worst move takes; it moves each of them by 2λ."""
    return (B**2 / (2 * math.sqrt(2 / math.pi) * m)) ** (1 / 3)


def _upper(m: int, B: float, L: float) -> float:
    return WORST_CASE_CONSTANT * B ** (4 / 3) * m ** (1 / 3) + B * math.sqrt(L / 6) + _strip(m, B) * L / 3


def _adversary(u, a, B, norm_x) -> tuple[Array, Array, float, float]:
    u = check_array("u", u, 1)
    a = check_array("a", a, 1, len(u))
    B, norm_x = check_number("B", B, at_least=0), check_number("norm_x", norm_x, at_least=0)
    low, high = np.abs(a).min(), np.abs(a).max()
    if high - low > 1e-12 * high:
        raise ValueError(f"all |a_i| must be equal for the exact worst case, got values from {low} to {high}")
    if norm_x == 0 and u.any():
        raise ValueError(f"u must be 0 everywhere when norm_x is 0, got {u[u != 0][0]}")
    return u, a, B, norm_x


def _gains(u: Array, a: Array, B: float, norm_x: float, sign: int) -> Array:
    return abs(float(a[0])) * _gains_of(np.abs(u[sign * a > 0]), B * norm_x)


def _gains_of(distance: Array, budget: float) -> Array:
    gains = budget * np.sqrt(np.arange(len(distance) + 1))
    gains[1:] -= np.cumsum(np.sort(distance))
    return gains


def _project(move: Array, B: float) -> Array:
    norm = np.sqrt(np.einsum("smd,smd->s", move, move))
    return move * np.divide(B, norm, out=np.ones_like(norm), where=norm > B)[:, None, None]
