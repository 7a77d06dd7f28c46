"""Chapter 3: how many neurons start near zero, and how far the worst small move can take f from f0.

The first half is about one number, the count Σ_i 1{|w0_iᵀx| ≤ τ‖x‖} of m independent indicators: its exact
law and five bounds on its upper tail. The second half is about Lemma 4.1: the bound, the perturbation that is
worst for it (exactly, in O(m log m)), an adversary that searches for a worse one, and the move that training
makes.

The net is f(x; W) = Σ_i a_i σ(w_iᵀx), σ the ReLU; W0 is (m, d), x is (d,), a is (m,), B bounds ‖W − W0‖_F.
Nothing is divided by √m, except in `train`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_utils.theory.networks import check_array, check_number, check_size
from course_utils.theory.sign_flips import (
    check_in_unit_ball,
    check_probability,
    check_rng,
    check_vector,
    log_inverse,
    random_flips,
)

WORST_CASE_CONSTANT = 0.75 * (math.sqrt(2 / math.pi) / 4) ** (1 / 3)
"""The limit c ≈ 0.438 of (worst-case gap) / (B^(4/3) m^(1/3)) for ‖x‖ = 1; derived in `worst_case_gap`."""


class NearZero(NamedTuple):
    """Pr[|z| ≤ τ] for a standard normal z: `exact`, the `density` bound 2τ/√(2π) and the `lecture`'s τ."""

    exact: float
    density: float
    lecture: float


class TailBounds(NamedTuple):
    """Values that the count exceeds with probability at most δ, and the `mean` of the count."""

    mean: float
    lecture: float
    hoeffding: float
    bernstein: float
    chernoff: float
    exact: int


class Coverage(NamedTuple):
    """How often a bound was exceeded: `share` = exceeded/draws, Clopper–Pearson interval (low, high)."""

    exceeded: int
    draws: int
    share: float
    low: float
    high: float


class WorstCase(NamedTuple):
    """The largest |f − f0|: `gap`, reached by moving `k` neurons by `lam` each; `sign` is that of f − f0."""

    gap: float
    k: int
    sign: int
    lam: float


class Trained(NamedTuple):
    """What gradient descent did to the first layer; see `train`."""

    movement: float
    flips: np.ndarray
    gap: np.ndarray
    losses: np.ndarray
    W0: np.ndarray
    W: np.ndarray
    a: np.ndarray


class MgfCurves(NamedTuple):
    """log E exp(s(P − p)) over `s`, one row of `curves` for each of `ps`, and Hoeffding's `bound` s²/8."""

    s: np.ndarray
    ps: tuple[float, ...]
    curves: np.ndarray
    bound: np.ndarray


class TailCurve(NamedTuple):
    """Pr[count > k] for whole k: `counts` and `tail`, shape (n,), beside the bounds that hold at level δ."""

    m: int
    tau: float
    delta: float
    counts: np.ndarray
    tail: np.ndarray
    bounds: TailBounds


class CoverageGrid(NamedTuple):
    """How often each bound was exceeded, over a grid of settings; rows are settings, columns are `names`.

    `settings` holds (m, τ, δ) and `values` the `TailBounds` of each row; `share`, `low`, `high`, shape
    (settings, 5), are exceedances over draws with their Clopper–Pearson interval.
    """

    names: tuple[str, ...]
    settings: tuple[tuple[int, float, float], ...]
    values: tuple[TailBounds, ...]
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


class AdversaryCurve(NamedTuple):
    """|f − f0| when the k nearest neurons of one sign move by B/√k each: `gains` of one net for all `ks`, and
    the `limit` law of `adversary_curve`; `k` is the adversary's choice."""

    B: float
    k: int
    ks: np.ndarray
    gains: np.ndarray
    limit: np.ndarray


class WorstScaling(NamedTuple):
    """The exact worst case at fixed B, without 1/√m: `gap` of shape (Bs, networks, widths)."""

    widths: np.ndarray
    Bs: np.ndarray
    gap: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """gap / (B^(4/3) m^(1/3)), which tends to `WORST_CASE_CONSTANT`; the shape of `gap`."""
        return self.gap / (self.Bs[:, None, None] ** (4 / 3) * self.widths ** (1 / 3))


class WidthRates(NamedTuple):
    """What training, chance and malice do to networks of growing width; rows are networks, columns widths.

    `movement` = ‖W − W0‖_F after training and `flips`, the mean over the inputs, belong to the trained
    weights. The three gaps have the factor 1/√m: `trained`, and, for the same W0 or its law and the same
    movement, the `worst` and an isotropic `random` move. `signed` is the mean of sign(y) (f − f0), which is
    negative where the net lags behind its tangent, and `loss` that after the last step.
    """

    widths: np.ndarray
    movement: np.ndarray
    flips: np.ndarray
    trained: np.ndarray
    signed: np.ndarray
    worst: np.ndarray
    random: np.ndarray
    loss: np.ndarray


# --- the count of neurons near zero ---------------------------------------------------------------


def near_zero_probability(tau: float) -> float:
    """Return Pr[|z| ≤ τ] = erf(τ/√2) for a standard normal z: the chance that |w0_iᵀx| ≤ τ‖x‖.

    Source: `lecture/density`. Raises ValueError or TypeError unless tau is a real number, at least 0.
    """
    return math.erf(check_number("tau", tau, at_least=0) / math.sqrt(2))


def near_zero_roundings(tau: float) -> NearZero:
    """Return erf(τ/√2) ≤ 2τ/√(2π) ≤ τ: exact, the density at 0 times 2τ, and the slide's rounding.

    Source: `lecture/density`. Raises as `near_zero_probability`.
    """
    return NearZero(near_zero_probability(tau), 2 * tau / math.sqrt(2 * math.pi), float(tau))


def log_mgf(s: np.ndarray | float, p: float) -> np.ndarray | float:
    """Return log E exp(s(P − p)) for an indicator P with Pr[P = 1] = p; the shape is that of s.

    Hoeffding's lemma bounds it by s²/8 for every p: its second derivative in s is the variance of an
    indicator, which is at most 1/4.

    Raises ValueError if p is outside (0, 1) or s is not finite.
    """
    p, s = check_probability("p", p), check_array("s", s)
    # expm1 keeps the digits near s = 0, logaddexp the range where e^s would overflow
    near = np.log1p(p * np.expm1(np.minimum(s, 1.0)))
    far = np.logaddexp(math.log1p(-p), math.log(p) + s)
    value = np.where(s < 1, near, far) - s * p
    return value if value.ndim else float(value)


def hoeffding_log_mgf(s: np.ndarray | float) -> np.ndarray | float:
    """Return s²/8, Hoeffding's bound on `log_mgf` for every p; the shape is that of s."""
    value = check_array("s", s) ** 2 / 8
    return value if value.ndim else float(value)


def mgf_curves(ps: Sequence[float], reach: float = 2.0) -> MgfCurves:
    """Return `log_mgf` for each p on [−reach, reach] beside s²/8.

    Raises ValueError as `log_mgf`, or if reach <= 0.
    """
    s = np.linspace(-1, 1, 121) * check_number("reach", reach, above=0)
    return MgfCurves(s, tuple(map(float, ps)), np.array([log_mgf(s, p) for p in ps]), hoeffding_log_mgf(s))


def hoeffding_tail(m: int, t: float) -> float:
    """Return exp(−2t²/m), Hoeffding's bound on Pr[count ≥ mean + t].

    Raises ValueError or TypeError if m < 1 or t < 0.
    """
    return math.exp(-2 * check_number("t", t, at_least=0) ** 2 / check_size("m", m))


def tail_bounds(m: int, tau: float, delta: float) -> TailBounds:
    """Return five numbers that the count of neurons with |w0_iᵀx| ≤ τ‖x‖ exceeds with probability at most δ.

    With p = erf(τ/√2), L = log(1/δ):

    - lecture (Lemma 4.2): mτ + √(mL)
    - Hoeffding with its own constants: mp + √(mL/2)
    - Bernstein, told the variance: mp + √(2mp(1 − p)L) + L/3 (Boucheron, Lugosi, Massart 2013, Theorem 2.10)
    - Chernoff: mq for the q ≥ p with m KL(q‖p) = L, or m where no q < 1 is that unlikely
    - exact: the smallest whole k with Pr[count > k] ≤ δ

    Always exact ≤ Chernoff ≤ min(Hoeffding, Bernstein) and Hoeffding ≤ lecture. Bernstein wins over Hoeffding
    when p is small.

    Source: `lecture/lemma-4.2`. Raises ValueError or TypeError if m < 1, tau <= 0 or delta outside (0, 1).
    """
    m, L = check_size("m", m), log_inverse(delta)
    p = near_zero_probability(check_number("tau", tau, above=0))
    mean = m * p
    return TailBounds(
        mean=mean,
        lecture=m * tau + math.sqrt(m * L),
        hoeffding=mean + math.sqrt(m * L / 2),
        bernstein=mean + math.sqrt(2 * mean * (1 - p) * L) + L / 3,
        chernoff=_chernoff(m, p, L),
        exact=_binomial_quantile(m, p, delta),
    )


def tail_curve(tau: float = 0.05, delta: float = 0.05, m: int = 1000) -> TailCurve:
    """Return the exact upper tail of the count for k = 0 … m, with the five bounds of `tail_bounds`.

    Source: `lecture/lemma-4.2`. Raises as `tail_bounds`.
    """
    from scipy.special import betainc

    bounds = tail_bounds(m, tau, delta)
    counts = np.arange(m)
    tail = betainc(counts + 1, m - counts, near_zero_probability(tau))
    return TailCurve(m, float(tau), float(delta), np.append(counts, m), np.append(tail, 0.0), bounds)


def coverage_grid(
    ms: Sequence[int],
    taus: Sequence[float],
    deltas: Sequence[float],
    draws: int,
    rng: np.random.Generator,
    confidence: float = 0.99,
) -> CoverageGrid:
    """Return how often `draws` counts exceed each of the five bounds, for every (m, τ, δ) of a grid.

    The count is binomial with probability erf(τ/√2), and is drawn from that law, anew for each pair (m, τ).

    Source: `lecture/lemma-4.2`. Raises ValueError or TypeError on an empty grid or as `tail_bounds`.
    """
    rng, draws = check_rng(rng), check_size("draws", draws)
    if not (len(ms) and len(taus) and len(deltas)):
        raise ValueError(f"ms, taus and deltas must not be empty, got {ms}, {taus}, {deltas}")
    names = TailBounds._fields[1:]
    settings, values, results = [], [], []
    for m in ms:
        for tau in taus:
            counts = rng.binomial(check_size("m", m), near_zero_probability(tau), draws)
            for delta in deltas:
                bounds = tail_bounds(m, tau, delta)
                settings.append((m, tau, delta))
                values.append(bounds)
                results.append([coverage(counts, getattr(bounds, name), confidence) for name in names])
    share, low, high = (
        np.array([[getattr(c, field) for c in row] for row in results]) for field in ("share", "low", "high")
    )
    return CoverageGrid(names, tuple(settings), tuple(values), share, low, high)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided Clopper–Pearson interval for a probability, from `successes` of `trials`.

    Raises ValueError or TypeError unless 0 <= successes <= trials, trials >= 1 and confidence lies in (0, 1).
    """
    from scipy.special import betaincinv

    n, alpha = check_size("trials", trials), 1 - check_probability("confidence", confidence)
    k = check_number("successes", successes)
    if not 0 <= k <= n or k != int(k):
        raise ValueError(f"successes must be a whole number from 0 to trials = {n}, got {successes}")
    low = float(betaincinv(k, n - k + 1, alpha / 2)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - alpha / 2)) if k < n else 1.0
    return low, high


def coverage(counts: np.ndarray, bound: float, confidence: float = 0.95) -> Coverage:
    """Return the share of `counts`, shape (draws,), that exceed `bound`, with its Clopper–Pearson interval.

    A bound that holds with probability 1 − δ keeps its promise as long as `low` ≤ δ.

    Source: `lecture/lemma-4.2`. Raises ValueError or TypeError on empty or non-finite counts or bound.
    """
    counts, bound = check_array("counts", counts, 1), check_number("bound", bound)
    exceeded = int(np.count_nonzero(counts > bound))
    low, high = clopper_pearson(exceeded, len(counts), confidence)
    return Coverage(exceeded, len(counts), exceeded / len(counts), low, high)


# --- Lemma 4.1 and its worst case -----------------------------------------------------------------


def lemma_4_1_bound(m: int, B: float, delta: float, norm_x: float = 1.0) -> float:
    """Return m^(1/3) (√2 B^(4/3) + B (log 1/δ)^(1/4)), Lemma 4.1's bound on |f − f0| as printed.

    With probability at least 1 − δ over W0 it holds for every W with ‖W − W0‖_F ≤ B at once, for one fixed x
    with ‖x‖ ≤ 1.

    Source: `lecture/lemma-4.1`. Raises ValueError or TypeError if m < 1, B < 0, delta outside (0, 1) or
    norm_x > 1.
    """
    check_in_unit_ball(norm_x)
    m, B = check_size("m", m), check_number("B", B, at_least=0)
    return m ** (1 / 3) * (math.sqrt(2) * B ** (4 / 3) + B * log_inverse(delta) ** 0.25)


def adversary_gains(u: np.ndarray, a: np.ndarray, B: float, norm_x: float = 1.0, sign: int = 1) -> np.ndarray:
    """Return what moving the k smallest |u_i| with sign(a_i) = `sign` gains, for k = 0, 1, 2, ...

    Entry k is α (B‖x‖√k − Σ of the k smallest |u_i|), where α = |a_i| and u_i = w0_iᵀx, shape (m,): each of
    the k neurons moves by B/√k straight across zero. The entries rise to a single maximum and then fall.

    Source: `course/lemma-4.1-tight`. Raises as `worst_case_gap`, and ValueError unless sign is 1 or −1.
    """
    u, a, B, norm_x = _adversary(u, a, B, norm_x)
    if sign not in (1, -1):
        raise ValueError(f"sign must be 1 or -1, got {sign!r}")
    return _gains(u, a, B, norm_x, sign)


def worst_case_gap(u: np.ndarray, a: np.ndarray, B: float, norm_x: float = 1.0) -> WorstCase:
    """Return the largest |f(x; W) − f0(x; W)| over every W with ‖W − W0‖_F ≤ B, exactly, in O(m log m).

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

    The limit, for ‖x‖ = α = 1: m/2 neurons have the right sign, and |u| has density r = √(2/π) at 0. So
    |u_(k)| ≈ 2k/(rm), the gain is B√k − k²/(rm), largest at k = (B r m/4)^(2/3), where it is ¾B√k. This is
    `WORST_CASE_CONSTANT` · B^(4/3) m^(1/3): the rate of Lemma 4.1 cannot be improved.

    With unequal |a_i| the best set is no longer "the nearest": choosing it contains the subset-sum problem.
    Such a are refused.

    Source: `course/lemma-4.1-tight`. Raises ValueError or TypeError on shapes that do not fit, unequal |a_i|,
    B < 0, norm_x < 0, or |u_i| that no W0 with that norm_x could give (u not 0 while norm_x is 0).
    """
    u, a, B, norm_x = _adversary(u, a, B, norm_x)
    best = WorstCase(0.0, 0, 1, 0.0)
    for sign in (1, -1):
        gains = _gains(u, a, B, norm_x, sign)
        k = int(np.argmax(gains))
        if gains[k] > best.gap:
            best = WorstCase(float(gains[k]), k, sign, B / math.sqrt(k))
    return best


def worst_case_weights(W0: np.ndarray, x: np.ndarray, a: np.ndarray, B: float) -> np.ndarray:
    """Return a W, shape (m, d), with ‖W − W0‖_F ≤ B and the largest possible |f − f0| (`worst_case_gap`).

    Source: `course/lemma-4.1-tight`. Raises ValueError or TypeError as `worst_case_gap`.
    """
    W0 = check_array("W0", W0, 2)
    x = check_vector("x", x, W0.shape[1])
    a = check_vector("a", a, len(W0))
    u, norm_x = W0 @ x, float(np.linalg.norm(x))
    worst = worst_case_gap(u, a, B, norm_x)
    W = W0.copy()
    if worst.k:
        group = np.flatnonzero(worst.sign * a > 0)
        moved = group[np.argsort(np.abs(u[group]))[: worst.k]]
        W[moved] -= np.outer(np.where(u[moved] >= 0, worst.lam, -worst.lam), x / norm_x)
    return W


def adversary_curve(k: int = 300, B: float = 3.0, m: int = 10_000, seed: int = 0) -> AdversaryCurve:
    """Return what moving the k nearest neurons with a_i = 1 gains in one random net of width m with ‖x‖ = 1.

    Unlike `adversary_gains`, which counts a neuron that stops short of zero as a loss, this is |f − f0|
    itself, for every k: Σ max(B/√k − |u_i|, 0). With r = √(2/π) it follows the limit law B√k − k²/(rm) while
    all k neurons cross, that is up to k = (Brm/2)^(2/3), and B²rm/(4k) beyond.

    Source: `course/lemma-4.1-tight`. Raises ValueError or TypeError if m < 1, B <= 0, or k is not a whole
    number from 1 to the number of neurons with a_i = 1.
    """
    m, B, k = check_size("m", m), check_number("B", B, above=0), check_size("k", k)
    rng = np.random.default_rng(seed)
    u, a = rng.standard_normal(m), rng.choice([-1.0, 1.0], m)
    distance = np.sort(np.abs(u[a > 0]))
    ks = np.arange(1, len(distance) + 1)
    if k > len(ks):
        raise ValueError(f"k must be at most {len(ks)}, the number of neurons with a_i = 1, got {k}")
    lam = B / np.sqrt(ks)
    crossing = np.minimum(ks, np.searchsorted(distance, lam))
    gains = crossing * lam - np.append(0.0, np.cumsum(distance))[crossing]
    rm = math.sqrt(2 / math.pi) * m
    limit = np.where(ks <= (B * rm / 2) ** (2 / 3), B * np.sqrt(ks) - ks**2 / rm, B**2 * rm / (4 * ks))
    return AdversaryCurve(B, k, ks, gains, limit)


def worst_case_scaling(
    widths: Sequence[int], Bs: Sequence[float], networks: int, rng: np.random.Generator
) -> WorstScaling:
    """Return the exact worst case of `networks` random nets at each width, for every B and ‖x‖ = 1.

    For a standard normal W0 the numbers w0_iᵀx are standard normal, so that no (m, d) matrix is drawn.

    Source: `course/lemma-4.1-tight`. Raises ValueError or TypeError on sizes below 1 or B < 0.
    """
    widths = np.array([check_size("width", m) for m in widths])
    Bs, networks, rng = check_array("Bs", Bs, 1), check_size("networks", networks), check_rng(rng)
    gap = np.empty((len(Bs), networks, len(widths)))
    for i in range(networks):
        for j, m in enumerate(widths):
            u, a = rng.standard_normal(m), 2.0 * rng.integers(0, 2, m) - 1
            gap[:, i, j] = [worst_case_gap(u, a, float(B)).gap for B in Bs]
    return WorstScaling(widths, Bs, gap)


def ascent_gap(
    W0: np.ndarray, x: np.ndarray, a: np.ndarray, B: float, rng: np.random.Generator, steps: int = 200, starts: int = 16
) -> np.ndarray:
    """Return the best |f − f0| that projected gradient ascent finds from each start, shape (starts,).

    An adversary that does not know the answer of `worst_case_gap` and must never beat it. Starts are
    isotropic moves of norm B. While no neuron flips the gradient is zero, so the ascent sees a smoothed
    indicator, (1 + tanh(w/2T))/2, whose T falls from a random width (another for each start) to 0, as the
    length of a step falls from B; what is reported is the true |f − f0|. Odd starts push f − f0 down, even
    ones up. Memory is a few times starts·m·d.

    Raises ValueError or TypeError on shapes that do not fit, B < 0, steps or starts < 1.
    """
    W0 = check_array("W0", W0, 2)
    m, d = W0.shape
    x, a, B = check_vector("x", x, d), check_vector("a", a, m), check_number("B", B, at_least=0)
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


# --- the trained case -----------------------------------------------------------------------------


def train(m: int, X: np.ndarray, y: np.ndarray, rng: np.random.Generator, steps: int = 200, lr: float = 1.0) -> Trained:
    """Train the first layer of (1/√m) Σ_i a_i σ(w_iᵀx) by gradient descent on (1/2n) Σ_j (f(x_j) − y_j)².

    W0 has standard normal entries, a uniform random signs, and a stays fixed. X is (n, d), y is (n,). For
    rows of norm at most 1, any lr below 4 is stable near initialization.

    Returns `movement` = ‖W − W0‖_F; for every x_j the number of `flips` and the `gap` f − f0 (with its 1/√m),
    both of shape (n,); `losses`, shape (steps + 1,), before each step and after the last; and W0, W, a.

    Source: `lecture/wide-is-linear`. Raises ValueError or TypeError on shapes that do not fit, m or
    steps < 1, lr <= 0, or an lr so large that the loss overflows.
    """
    m, rng = check_size("m", m), check_rng(rng)
    steps, lr = check_size("steps", steps), check_number("lr", lr, above=0)
    X = check_array("X", X, 2)
    n, d = X.shape
    y = check_vector("y", y, n)
    W0 = rng.standard_normal((m, d))
    a = 2.0 * rng.integers(0, 2, m) - 1
    W = W0.copy()
    Z, on = np.empty((m, n)), np.empty((m, n))
    losses = np.empty(steps + 1)
    for step in range(steps + 1):
        np.matmul(W, X.T, out=Z)
        np.greater(Z, 0, out=on, casting="unsafe")
        with np.errstate(over="ignore"):
            error = a @ np.maximum(Z, 0, out=Z) / math.sqrt(m) - y
            losses[step] = error @ error / (2 * n)
        if not losses[step] < 1e200:
            raise ValueError(f"lr must be small enough for a finite loss, got {lr}: step {step} overflows")
        if step < steps:
            # a_i multiplies row i of the gradient, so it can wait until after the product over the data
            W -= (lr / (n * math.sqrt(m)) * a)[:, None] * (on @ (error[:, None] * X))
    before, after = W0 @ X.T, W @ X.T
    flips = (before >= 0) != (after >= 0)
    gap = a @ (np.abs(after) * flips) / math.sqrt(m)
    return Trained(float(np.linalg.norm(W - W0)), flips.sum(axis=0), gap, losses, W0, W, a)


def width_rates(
    widths: Sequence[int],
    X: np.ndarray,
    y: np.ndarray,
    networks: int,
    rng: np.random.Generator,
    steps: int = 20,
    lr: float = 3.0,
    random_moves: int = 8,
) -> WidthRates:
    """Train `networks` nets at each width on the same data; compare with the worst and with a random move.

    X is (n, d) with rows of norm 1, y is (n,). `trained` is the root mean square of f − f0 over the rows of
    X, `worst` belongs to its first row, `random` is the root mean square over `random_moves` moves. All have
    the factor 1/√m, and the movement is that of training.

    Source: `lecture/wide-is-linear`. Raises ValueError or TypeError on sizes below 1, rows of another norm,
    or as `train`.
    """
    widths = np.array([check_size("width", m) for m in widths])
    X, rng = check_array("X", X, 2), check_rng(rng)
    networks, random_moves = check_size("networks", networks), check_size("random_moves", random_moves)
    norms = np.linalg.norm(X, axis=1)
    if np.abs(norms - 1).max() > 1e-9:
        raise ValueError(f"the rows of X must have norm 1, got {norms[np.abs(norms - 1).argmax()]:g}")
    columns = np.empty((7, networks, len(widths)))
    for i in range(networks):
        for j, m in enumerate(map(int, widths)):
            run = train(m, X, y, rng, steps, lr)
            worst = worst_case_gap(run.W0 @ X[0], run.a, run.movement).gap
            random = [random_flips(m, X.shape[1], run.movement, 0.0, rng).gap for _ in range(random_moves)]
            columns[:, i, j] = (
                run.movement,
                run.flips.mean(),
                _rms(run.gap),
                np.mean(np.sign(y) * run.gap),
                worst / math.sqrt(m),
                _rms(random) / math.sqrt(m),
                run.losses[-1],
            )
    return WidthRates(widths, *columns)


# --- helpers --------------------------------------------------------------------------------------


def _binomial_tail(k: int, m: int, p: float) -> float:
    from scipy.special import betainc

    if k < 0:
        return 1.0
    return float(betainc(k + 1, m - k, p)) if k < m else 0.0


def _binomial_quantile(m: int, p: float, delta: float) -> int:
    # bisection on the upper tail: scipy's ppf(1 − δ) loses every δ below 1e-16
    low, high = -1, m
    while high - low > 1:
        k = (low + high) // 2
        low, high = (low, k) if _binomial_tail(k, m, p) <= delta else (k, high)
    return high


def _chernoff(m: int, p: float, L: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import rel_entr

    def excess(q: float) -> float:
        return float(m * (rel_entr(q, p) + rel_entr(1 - q, 1 - p)) - L)

    if p == 1 or excess(1.0) <= 0:
        return float(m)
    return m * brentq(excess, p, 1.0, xtol=1e-16, rtol=1e-15)


def _adversary(u, a, B, norm_x) -> tuple[np.ndarray, np.ndarray, float, float]:
    u = check_array("u", u, 1)
    a = check_vector("a", a, len(u))
    B, norm_x = check_number("B", B, at_least=0), check_number("norm_x", norm_x, at_least=0)
    low, high = np.abs(a).min(), np.abs(a).max()
    if high - low > 1e-12 * high:
        raise ValueError(f"all |a_i| must be equal for the exact worst case, got values from {low} to {high}")
    if norm_x == 0 and u.any():
        raise ValueError(f"u must be 0 everywhere when norm_x is 0, got {u[u != 0][0]}")
    return u, a, B, norm_x


def _gains(u: np.ndarray, a: np.ndarray, B: float, norm_x: float, sign: int) -> np.ndarray:
    distance = np.abs(u[sign * a > 0])
    distance.sort()
    gains = B * norm_x * np.sqrt(np.arange(len(distance) + 1))
    gains[1:] -= np.cumsum(distance)
    return abs(float(a[0])) * gains


def _project(move: np.ndarray, B: float) -> np.ndarray:
    norm = np.sqrt(np.einsum("smd,smd->s", move, move))
    return move * np.divide(B, norm, out=np.ones_like(norm), where=norm > B)[:, None, None]


def _rms(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
