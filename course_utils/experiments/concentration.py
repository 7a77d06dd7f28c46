"""Chapter 3's experiments: tails and coverage of the count, the adversary, and training against chance and malice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from course_utils.theory import concentration
from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_size
from course_utils.theory.concentration import TailBounds
from course_utils.theory.networks import Init, gaussian_init, train_first_layer
from course_utils.theory.sign_flips import random_flips, random_gap_rms, star
from course_utils.theory.statistics import Interval, mean_interval, rms
from course_utils.theory.worst_case import worst_case_gap, worst_case_law, worst_case_weights


class MgfCurves(NamedTuple):
    """log E exp(s(P − p)) over ``s``, one row of ``curves`` for each of ``ps``, and Hoeffding's ``bound`` s²/8."""

    s: Array
    ps: tuple[float, ...]
    curves: Array
    bound: Array


class TailCurve(NamedTuple):
    """Pr[count > k] for whole k: ``counts`` and ``tail``, shape (n,), beside the bounds that hold at level δ."""

    m: int
    tau: float
    delta: float
    counts: Array
    tail: Array
    bounds: TailBounds


class CoverageGrid(NamedTuple):
    """How often each bound was exceeded, over a grid of settings; rows are settings, columns are ``names``.

    ``settings`` holds (m, τ, δ) and ``values`` the ``TailBounds`` of each row; ``share``, ``low``, ``high``, shape
    (settings, 5), are exceedances over draws with their Clopper–Pearson interval.
    """

    names: tuple[str, ...]
    settings: tuple[tuple[int, float, float], ...]
    values: tuple[TailBounds, ...]
    share: Array
    low: Array
    high: Array


class OnALine(NamedTuple):
    """A small net's pre-activations, (m,), ``before`` and ``after`` its worst move of length ``B``, and its signs.

    ``yours`` is where another construction puts them, None without one.
    """

    B: float
    a: Array
    before: Array
    after: Array
    yours: Array | None

    @property
    def crossed(self) -> Array:
        """The mask (m,) of the neurons that change sign."""
        return (self.before >= 0) != (self.after >= 0)

    def gap(self, after: Array) -> float:
        """|f − f0| for these pre-activations after a move."""
        return abs(float(star(self.before, after, self.a)))


class AdversaryCurve(NamedTuple):
    """|f − f0| when the k nearest neurons of one sign move by B/√k each: ``gains`` of one net for all ``ks``, and
    the ``limit`` law of ``adversary_curve``; ``k`` is the adversary's choice.
    """

    B: float
    k: int
    ks: Array
    gains: Array
    limit: Array


class WorstScaling(NamedTuple):
    """The exact worst case at fixed B, without 1/√m: ``gap`` of shape (Bs, networks, widths)."""

    widths: Array
    Bs: Array
    gap: Array

    @property
    def constant(self) -> Array:
        """gap / (B^(4/3) m^(1/3)), which tends to ``WORST_CASE_CONSTANT``; the shape of ``gap``."""
        return self.gap / (self.Bs[:, None, None] ** (4 / 3) * self.widths ** (1 / 3))

    @property
    def law(self) -> Array:
        """``worst_case_law``, of shape (Bs, widths)."""
        return np.array([[worst_case_law(int(m), float(B)) for m in self.widths] for B in self.Bs])


class WidthRates(NamedTuple):
    """What training, chance and malice do to networks of growing width; rows are networks, columns widths.

    ``movement`` = ‖W − W0‖_F after training and ``flips``, the mean over the inputs, belong to the trained
    weights. The three gaps have the factor 1/√m: ``trained``, and, for the same W0 or its law and the same
    movement, the ``worst`` and an isotropic ``random`` move. ``lag`` is (f − f0)·δ/‖δ‖² for the change δ of f0
    on X, negative where the net lags behind its tangent, and ``loss`` that after the last step. ``shape`` is that of X.
    ``yours`` holds movement, flips and gap of the first network at each width as another sweep finds them, (widths, 3).
    """

    widths: Array
    movement: Array
    flips: Array
    trained: Array
    lag: Array
    worst: Array
    random: Array
    loss: Array
    shape: tuple[int, int]
    yours: Array | None = None

    @property
    def worst_law(self) -> Array:
        """√m^(-1) times ``worst_case_law`` at the measured movement, root mean square over the networks: (widths,)."""
        return self._law(worst_case_law)

    @property
    def random_law(self) -> Array:
        """√m^(-1) times ``random_gap_rms`` at the measured movement, root mean square over the networks: (widths,)."""
        return self._law(lambda m, B: random_gap_rms(m, self.shape[1], B))

    def _law(self, law: Callable[[int, float], float]) -> Array:
        at = zip(map(int, self.widths), self.movement.T)
        return np.array([rms([law(m, float(B)) for B in movement]) / math.sqrt(m) for m, movement in at])


def mgf_curves(ps: Sequence[float], reach: float = 2.0) -> MgfCurves:
    """``log_mgf`` for each p on [−reach, reach] beside s²/8."""
    s = np.linspace(-1, 1, 121) * check_number("reach", reach, above=0)
    return MgfCurves(
        s,
        tuple(map(float, ps)),
        np.array([concentration.log_mgf(s, p) for p in ps]),
        concentration.hoeffding_log_mgf(s),
    )


def tail_curve(tau: float = 0.05, delta: float = 0.05, m: int = 1000) -> TailCurve:
    """The exact upper tail of the count for k = 0 … m, with the five bounds of ``tail_bounds`` (lecture/lemma-4.2)."""
    from scipy.special import betainc

    bounds = concentration.tail_bounds(m, tau, delta)
    counts = np.arange(m)
    tail = betainc(counts + 1, m - counts, concentration.near_zero_probability(tau))
    return TailCurve(m, float(tau), float(delta), np.append(counts, m), np.append(tail, 0.0), bounds)


def coverage_grid(
    ms: Sequence[int],
    taus: Sequence[float],
    deltas: Sequence[float],
    draws: int,
    rng: np.random.Generator,
    confidence: float = 0.99,
) -> CoverageGrid:
    """How often ``draws`` counts exceed each of the five bounds, for every (m, τ, δ) of a grid.

    The count is binomial with probability erf(τ/√2), and is drawn from that law, anew for each pair (m, τ).

    Source: claim lecture/lemma-4.2.
    """
    rng, draws = check_rng(rng), check_size("draws", draws)
    if not (len(ms) and len(taus) and len(deltas)):
        raise ValueError(f"ms, taus and deltas must not be empty, got {ms}, {taus}, {deltas}")
    names = TailBounds._fields[1:]
    settings, values, results = [], [], []
    for m in ms:
        for tau in taus:
            counts = rng.binomial(check_size("m", m), concentration.near_zero_probability(tau), draws)
            for delta in deltas:
                bounds = concentration.tail_bounds(m, tau, delta)
                settings.append((m, tau, delta))
                values.append(bounds)
                results.append([concentration.coverage(counts, getattr(bounds, name), confidence) for name in names])
    share, low, high = (
        np.array([[getattr(c, field) for c in row] for row in results]) for field in ("share", "low", "high")
    )
    return CoverageGrid(names, tuple(settings), tuple(values), share, low, high)


def on_a_line(B: float = 1.0, yours: Callable[..., Array] | None = None, m: int = 60) -> OnALine:
    """One net of m neurons on the line of their pre-activations, and its worst move (course/lemma-4.1-tight).

    ``yours(W0, x, a, B)`` returns weights of another construction, drawn beside.
    """
    (W0, a), x = gaussian_init(m, 2, np.random.default_rng(8)), np.array([0.6, 0.8])
    W = worst_case_weights(W0, x, a, B)
    return OnALine(B, a, W0 @ x, W @ x, None if yours is None else np.asarray(yours(W0, x, a, B)) @ x)


def adversary_curve(k: int = 300, B: float = 3.0, m: int = 10_000, seed: int = 0) -> AdversaryCurve:
    """What moving the k nearest neurons with a_i = 1 gains in one random net of width m with ‖x‖ = 1.

    Unlike ``adversary_gains``, which counts a neuron that stops short of zero as a loss, this is |f − f0|
    itself, for every k: Σ max(B/√k − |u_i|, 0). With r = √(2/π) it follows the limit law B√k − k²/(rm) while
    all k neurons cross, that is up to k = (Brm/2)^(2/3), and B²rm/(4k) beyond (course/lemma-4.1-tight).
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
    widths: Sequence[int], Bs: Sequence[float], networks: int, rng: np.random.Generator, deviation: float = 1.0
) -> WorstScaling:
    """The exact worst case of ``networks`` random nets at each width, for every B and ‖x‖ = 1.

    For a normal W0 whose entries have this standard ``deviation`` the numbers w0_iᵀx are independent normal numbers
    of the same deviation, so that no (m, d) matrix is drawn.

    Source: claims course/lemma-4.1-tight, lecture/input-scale.
    """
    widths = np.array([check_size("width", m) for m in widths])
    Bs, networks, rng = check_array("Bs", Bs, 1), check_size("networks", networks), check_rng(rng)
    deviation = check_number("deviation", deviation, above=0)
    gap = np.empty((len(Bs), networks, len(widths)))
    for i in range(networks):
        for j, m in enumerate(widths):
            u, a = deviation * rng.standard_normal(m), 2.0 * rng.integers(0, 2, m) - 1
            gap[:, i, j] = [worst_case_gap(u, a, float(B)).gap for B in Bs]
    return WorstScaling(widths, Bs, gap)


def width_rates(
    widths: Sequence[int],
    X: Array,
    y: Array,
    networks: int,
    rng: np.random.Generator,
    steps: int = 20,
    lr: float = 3.0,
    random_moves: int = 8,
    yours: Callable[..., Array] | None = None,
) -> WidthRates:
    """Train ``networks`` nets at each width on the same data; compare with the worst and with a random move.

    Training is ``steps`` steps of full-batch gradient descent of length ``lr`` on (1/2n) Σ_j (f(x_j; W) − y_j)², with
    the factor 1/√m in f (``train_first_layer``). ``yours(nets, X, y, steps, lr)`` is another such sweep, over the first
    network at each width: pairs (W0, a).

    X is (n, d) with rows of norm 1, y is (n,). ``trained`` is the root mean square of f − f0 over the rows of
    X, ``worst`` belongs to its first row, ``random`` is the root mean square over ``random_moves`` moves. All have
    the factor 1/√m, and the movement is that of training (lecture/wide-is-linear).
    """
    widths = np.array([check_size("width", m) for m in widths])
    X, rng = check_array("X", X, 2), check_rng(rng)
    networks, random_moves = check_size("networks", networks), check_size("random_moves", random_moves)
    norms = np.linalg.norm(X, axis=1)
    if np.abs(norms - 1).max() > 1e-9:
        raise ValueError(f"the rows of X must have norm 1, got {norms[np.abs(norms - 1).argmax()]:g}")
    columns, first = np.empty((7, networks, len(widths))), []
    for i in range(networks):
        for j, m in enumerate(map(int, widths)):
            init = Init(rng.standard_normal((m, X.shape[1])), 2.0 * rng.integers(0, 2, m) - 1)
            first += [init] * (i == 0)
            run = train_first_layer(init, X, y, steps, lr)
            before, after, B = init.W0 @ X.T, run.W @ X.T, float(run.movement[-1])
            gap = star(before, after, init.a) / math.sqrt(m)
            change = init.a @ (np.maximum(after, 0) - np.maximum(before, 0)) / math.sqrt(m) - gap
            worst = worst_case_gap(before[:, 0], init.a, B).gap
            random = [random_flips(m, X.shape[1], B, 0.0, rng).gap for _ in range(random_moves)]
            columns[:, i, j] = (
                B,
                ((before >= 0) != (after >= 0)).sum(axis=0).mean(),
                rms(gap),
                gap @ change / (change @ change),
                worst / math.sqrt(m),
                rms(random) / math.sqrt(m),
                run.loss[-1],
            )
    return WidthRates(widths, *columns, X.shape, None if yours is None else np.asarray(yours(first, X, y, steps, lr)))


def rate_mixture(widths: Array, gaps: Array) -> tuple[Interval, Interval]:
    """α and β of m gap² = α + β/√m, fitted to each repetition: ``gaps`` is (repetitions, widths), ``widths`` (widths,).

    α is the part of the squared gap that falls as 1/m, what all neurons do alike, β the part that falls as m^(−3/2),
    where random signs average out. Which of the two an exponent shows depends on the data and on the widths.
    """
    widths, gaps = check_array("widths", widths, 1), check_array("gaps", gaps, 2)
    if gaps.shape[1] != len(widths) or np.unique(widths).size < 2:
        raise ValueError(f"gaps must have one column for each of at least 2 widths, got {gaps.shape} for {widths}")
    if widths.min() <= 0:
        raise ValueError(f"widths must be positive, got {widths.min():g}")
    terms = np.stack([np.ones(len(widths)), widths**-0.5], axis=1)
    alpha, beta = np.linalg.lstsq(terms, (widths * gaps**2).T, rcond=None)[0]
    return mean_interval(alpha), mean_interval(beta)
