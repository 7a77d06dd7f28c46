"""Chapter 6's experiments at the random start: spectra, variances over shapes and scales, theory against simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size
from course_utils.theory.ldlt import CHECKED_MOMENTS, exact_over, exact_variance, limit_over, mean_density, simulate
from course_utils.theory.moment_bounds import Bounds, bounds, bounds_over, partial_sums
from course_utils.theory.moments import moments_between


class Singular(NamedTuple):
    """Singular values s of one W, and those of its layer, for one α and γ."""

    s: Array
    layer: Array
    alpha: float
    gamma: float


def squeeze(scale: float = 1.0, alpha: float = 1.0, m: int = 30, n: int = 20) -> Singular:
    """What the layer of ``scale`` times one m × n matrix with entries of size 1/√n makes of its singular values."""
    import torch

    from course_utils.theory.ldlt_layer import ldlt_matrix  # imports torch

    scale, alpha = check_number("scale", scale, above=0), check_number("alpha", alpha, above=0)
    W = scale / math.sqrt(n) * np.random.default_rng(0).standard_normal((check_size("m", m), check_size("n", n)))
    layer = ldlt_matrix(torch.from_numpy(W), alpha, form="cholesky").numpy()
    s, layer = (np.linalg.svd(matrix, compute_uv=False) for matrix in (W, layer))
    return Singular(s, layer, alpha, 1.0)


class FewRows(NamedTuple):
    """Var[y]/γ² over nσ²/α of layers with one and with two outputs: exact, and by the functions of a reader."""

    n: int
    s: Array
    exact: dict[int, Array]  # m → variance
    at: Array
    yours: dict[int, Array]  # m → variance at ``at``, for those that there are


def few_rows(n: int, *yours: Callable[[int, float], float] | None) -> FewRows:
    """Layers of 1 and 2 outputs with n inputs; ``yours`` are functions of (n, σ²/α), or None, for m = 1, 2."""
    s, at = np.geomspace(0.01, 100, 61), np.geomspace(0.02, 50, 9)
    exact = {m: exact_over(m, check_size("n", n), s / n)[0] for m in (1, 2)}
    found = {m: np.array([f(n, x / n) for x in at]) for m, f in enumerate(yours, 1) if f is not None}
    return FewRows(n, s, exact, at, found)


class Spectrum(NamedTuple):
    """Mean density of the positive singular values of W, m × n, σ² = 1/p, and its large-size limit."""

    m: int
    n: int
    s: Array  # singular values
    density: Array  # of one of the r, at s
    limit: Array


def spectrum(m: int, n: int) -> Spectrum:
    """How the singular values of W spread at this size for σ² = 1/max(m, n)."""
    exact = mean_density(m, n)
    r, p = sorted((m, n))
    x, y = exact.x / p, r / p
    inside = np.maximum(((1 + math.sqrt(y)) ** 2 - x) * (x - (1 - math.sqrt(y)) ** 2), 0)
    limit = np.sqrt(inside) / (math.pi * y * np.sqrt(x))
    return Spectrum(m, n, np.sqrt(x), exact.density * math.sqrt(p) / r, limit)


class ShapeCurve(NamedTuple):
    """Var[y]/γ² over the shape m/n at one nσ²/α: the limit, and exact values of small layers."""

    s: float
    shapes: Array  # m/n
    limit: Array
    exact: dict[int, tuple[Array, Array]]  # n → (m/n, variance)


def shape_curve(s: float, sizes: tuple[int, ...] = (3, 5, 20)) -> ShapeCurve:
    """The variance for m/n up to 2, and at every m ≤ 2n for the given n."""
    s, shapes = check_number("s", s, above=0), np.linspace(0.01, 2, 200)
    exact = {}
    for n in sizes:
        ms = np.arange(1, 2 * check_size("n", n) + 1)
        exact[n] = ms / n, np.array([exact_variance(int(m), n, s / n).value for m in ms])
    return ShapeCurve(s, shapes, limit_over(shapes, s), exact)


class VarianceCurve(NamedTuple):
    """Var[y]/γ² over nσ²/α for one shape: exact, the limit, bounds from K moments; and at one marked nσ²."""

    m: int
    n: int
    K: int
    s: Array  # (points,) nσ²/α
    exact: Array
    limit: Array
    lower: Array
    upper: Array
    marked: float
    value: float
    bounds: Bounds


def variance_curve(m: int, n: int, s: float = 1.0, moments: int = 10, points: int = 81) -> VarianceCurve:
    """The variance of an m × n layer for nσ²/α from 0.01 to 1000, with the value at ``s`` marked."""
    m, n, K = check_size("m", m), check_size("n", n), check_size("moments", moments)
    s, points = check_number("s", s, above=0), check_size("points", points)
    grid = np.geomspace(0.01, 1000, points)
    lower, upper = bounds_over(m, n, K, grid / n)
    value, exact = exact_variance(m, n, s / n).value, exact_over(m, n, grid / n)[0]
    at_s = bounds(m, n, s / n, moments=K)
    return VarianceCurve(m, n, K, grid, exact, limit_over(m / n, grid), lower, upper, s, value, at_s)


class MomentCurve(NamedTuple):
    """What 1, 2, ... moments say of Var[y]/γ² at one size and nσ²/α: sums of the series, and bounds."""

    m: int
    n: int
    s: float
    K: Array  # (most,)
    series: Array
    lower: Array
    upper: Array
    exact: float
    yours: dict[int, float] = {}  # K → width of the bounds by a reader's function

    @property
    def best(self) -> int:
        """The number of terms at which the series is closest to the exact value."""
        return int(self.K[np.argmin(np.abs(self.series - self.exact))])


def moment_curve(
    m: int, n: int, s: float, most: int = 20, yours: Callable[[int, int, float, int], tuple] | None = None
) -> MomentCurve:
    """Series and bounds of an m × n layer with nσ²/α = s for every number of moments up to ``most``.

    ``yours(m, n, σ²/α, K)`` is a reader's (lower, upper), and is asked for K = 2, 4, ..., 10.
    """
    m, n, most = check_size("m", m), check_size("n", n), check_size("most", most)
    ratio = check_number("s", s, above=0) / n
    lower, upper = np.array([bounds_over(m, n, K, ratio) for K in range(1, most + 1)]).T
    exact = exact_variance(m, n, ratio).value
    widths = {K: float(np.diff(yours(m, n, ratio, K))[0]) for K in range(2, 11, 2)} if yours else {}
    return MomentCurve(m, n, s, np.arange(1, most + 1), partial_sums(most, m, n, ratio), lower, upper, exact, widths)


class SizeGrid(NamedTuple):
    """Theory minus simulation for every pair of sizes: arrays indexed by (m, n), each (sizes, sizes)."""

    sizes: tuple[int, ...]
    s: float
    exact: Array
    series: Array  # ten terms
    simulated: Array
    standard_error: Array
    at_edge: bool = False  # whether s is σ²(√m + √n)²/α instead of nσ²/α


def edge(m: int, n: int) -> float:
    """``(√m + √n)²``: for σ = 1 the largest eigenvalue of S where m and n are large."""
    return (math.sqrt(check_size("m", m)) + math.sqrt(check_size("n", n))) ** 2


def size_grid(
    sizes: tuple[int, ...], s: float, samples: int, rng: np.random.Generator, at_edge: bool = False
) -> SizeGrid:
    """Exact variance, ten-term series and simulation for all m, n in ``sizes`` (ldlt/figures).

    ``s`` is nσ²/α, or with ``at_edge`` the largest eigenvalue of a large layer over α, ``σ²(√m + √n)²/α``.
    """
    if not len(sizes):
        raise ValueError(f"sizes must not be empty, got {sizes!r}")
    s = check_number("s", s, above=0)
    exact, series, mean, error = np.empty((4, len(sizes), len(sizes)))
    for i, m in enumerate(sizes):
        for j, n in enumerate(sizes):
            sigma2 = s / (edge(m, n) if at_edge else n)
            exact[i, j] = exact_variance(m, n, sigma2).value
            series[i, j] = partial_sums(CHECKED_MOMENTS, m, n, sigma2)[-1]
            mean[i, j], error[i, j] = simulate(m, n, sigma2, samples, rng)
    return SizeGrid(tuple(sizes), s, exact, series, mean, error, at_edge)


def largest_distances(grid: SizeGrid, theory: str, samples: int, repetitions: int, rng: np.random.Generator) -> Array:
    """The largest |theory − simulation| of all sizes in each of some new simulations, shape (repetitions,).

    Its mean is no less than the largest |theory − true variance|, because a mean of distances is no less than the
    distance of the mean, and a mean of maxima no less than the maximum of means. ``theory`` is "exact" or "series".
    """
    values = getattr(grid, check_choice("theory", theory, ("exact", "series")))
    samples, repetitions, rng = check_size("samples", samples), check_size("repetitions", repetitions), check_rng(rng)
    largest = np.zeros(repetitions)
    for i, m in enumerate(grid.sizes):
        for j, n in enumerate(grid.sizes):
            sigma2 = grid.s / (edge(m, n) if grid.at_edge else n)
            found = [simulate(m, n, sigma2, samples, rng).mean for _ in range(repetitions)]
            largest = np.maximum(largest, np.abs(values[i, j] - found))
    return largest


class Reach(NamedTuple):
    """How far ten terms of the series are off, for every pair of sizes: at some common edges, and at one nσ²/α."""

    shapes: Array  # (pairs, 2) m and n
    edges: Array  # (settings,) σ²(√m + √n)²/α
    error: Array  # (settings, pairs) |ten terms − exact|
    s: float  # nσ²/α
    edges_at_s: Array  # (pairs,)
    error_at_s: Array  # (pairs,)

    def upto(self, error: float) -> float:
        """The last of the edges before any pair is off by more than this, or 0."""
        fine = np.logical_and.accumulate((self.error <= error).all(axis=1))
        return float(self.edges[fine].max(initial=0))


def reach(shapes: list[tuple[int, int]], edges: Array, s: float = 1.0) -> Reach:
    """The error of the paper's estimate for each (m, n) in ``shapes`` (ldlt/paper-estimate).

    ``edges``, in increasing order, are values of the largest eigenvalue of a large layer over α, see :func:`edge`.
    """
    edges, s = check_array("edges", edges, 1), check_number("s", s, above=0)
    pairs = [(check_size("m", m), check_size("n", n)) for m, n in shapes]
    if edges[0] <= 0 or (np.diff(edges) <= 0).any():
        raise ValueError(f"edges must be positive and increase, got {edges}")
    common = np.array([_errors(m, n, edges / edge(m, n)) for m, n in pairs]).T
    own = np.array([s / n * edge(m, n) for m, n in pairs])
    at_s = np.concatenate([_errors(m, n, np.array([s / n])) for m, n in pairs])
    return Reach(np.array(pairs), edges, common, s, own, at_s)


def _errors(m: int, n: int, ratios: Array) -> Array:
    k = np.arange(1, CHECKED_MOMENTS + 1)
    terms = -((-ratios[:, None]) ** k) * np.array(moments_between(m, n, 1, CHECKED_MOMENTS), dtype=float)
    return np.abs(terms.sum(axis=1) / m - exact_over(m, n, ratios)[0])
