"""Drawings of Chapter 6's first part; what each takes is computed by :mod:`course_utils.experiments.ldlt`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments.ldlt import (
    FewRows,
    MomentCurve,
    Reach,
    ShapeCurve,
    Singular,
    SizeGrid,
    Spectrum,
    VarianceCurve,
)
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST
from course_utils.theory.moments import Pairing

GREY, OCHRE, GREEN = "#6E6E6E", "#8F5F00", "#00714F"  # MUTED, ALLOWED, SECOND, dark enough for words


def singular(ax: Axes, data: Singular) -> str:
    """What the layer makes of every singular value: those of W on the floor, those of the layer on the wall."""
    s = np.geomspace(0.01, 100, 200)
    ax.axhline(data.gamma, color=ALLOWED, ls="--")
    ax.plot(s, data.gamma * s / np.sqrt(data.alpha + s**2), color=THEORY, lw=1)
    ax.plot(data.s, np.zeros_like(data.s), "|", color=WORST, ms=14)
    ax.plot(np.full_like(data.layer, 0.0107), data.layer, "_", color=MEASURED, ms=14)
    ax.plot(data.s, data.layer, "o", color=MEASURED, ms=4)
    ax.set(xscale="log", xlim=(0.01, 100), ylim=(0, 1.15 * data.gamma))
    ax.set(xlabel="singular value of W", ylabel="singular value of the layer")
    ax.set_title(f"the largest, {data.s.max():.2g}, becomes {data.layer.max():.3g}")
    _names(ax, 0.42, ("γ, dashed", OCHRE), ("of W", WORST), ("of the layer", MEASURED), left=0.62)
    return (
        f"Singular values of the layer over those of W, for alpha = {data.alpha:g}: {len(data.s)} dots from "
        f"({data.s.min():.2g}, {data.layer.min():.2g}) to ({data.s.max():.2g}, {data.layer.max():.3g}) on a curve that "
        f"rises and levels off below gamma = {data.gamma:g}."
    )


def few_rows(ax: Axes, data: FewRows) -> str:
    """The variance of layers with one and two outputs, with a reader's values as dots."""
    for (m, exact), colour in zip(data.exact.items(), (MEASURED, WORST)):
        ax.plot(data.s, exact, color=colour)
        if m in data.yours:
            ax.plot(data.at, data.yours[m], "o", color=colour, ms=6, mfc="none")
    ax.set(xscale="log", xlim=(0.01, 100), ylim=(0, 1.02), xlabel="nσ²/α", ylabel="output variance / γ²")
    ax.set_title(f"{data.n} inputs: two outputs have less each than one")
    _names(ax, 0.93, ("m = 1", MEASURED), ("m = 2", WORST), *([("rings: yours", GREY)] if data.yours else []))
    middle = len(data.s) // 2
    gaps = {m: np.abs(y - np.interp(np.log(data.at), np.log(data.s), data.exact[m])) for m, y in data.yours.items()}
    yours = "".join(f" Yours, m = {m}, lies within {gap.max():.1g} of it." for m, gap in gaps.items())
    return (
        f"Output variance of layers with {data.n} inputs over n sigma squared: at {data.s[middle]:.2g}, "
        f"{data.exact[1][middle]:.3f} for one output and {data.exact[2][middle]:.3f} for two.{yours}"
    )


def pairings(ax: Axes, data: list[Pairing]) -> str:
    """Each pairing as chords of a circle of factors, with what it contributes."""
    columns = min(5, len(data))
    k = len(data[0].pairs)
    angles = np.pi / 2 - np.pi * np.arange(2 * k) / k
    for number, pairing in enumerate(data):
        x, y = 2.6 * (number % columns), -3.0 * (number // columns)
        ax.add_patch(_circle(x, y))
        colour = MEASURED if pairing.rows + pairing.columns == k + 1 else WORST
        for a, b in pairing.pairs:
            ends = angles[[a, b]]
            ax.plot(x + np.cos(ends), y + np.sin(ends), color=colour, lw=1.6)
        ax.plot(x + np.cos(angles), y + np.sin(angles), "o", color=THEORY, ms=3.5)
        ax.text(x, y - 1.45, _monomial(pairing), ha="center", va="center", color=colour)
    rows = (len(data) - 1) // columns
    ax.set(xlim=(-1.4, 2.6 * (columns - 1) + 1.4), ylim=(-3.0 * rows - 1.9, 1.2), aspect="equal")
    ax.axis("off")
    planar = sum(p.rows + p.columns == k + 1 for p in data)
    ax.set_title(f"k = {k}: {planar} of {len(data)} without crossings")
    kinds = {_monomial(p): sum(_monomial(q) == _monomial(p) for q in data) for p in data}
    listed = ", ".join(f"{count} of {name}" for name, count in kinds.items())
    return f"All pairings of {2 * k} factors on a circle, {planar} of {len(data)} without crossing chords: {listed}."


def _circle(x: float, y: float):
    from matplotlib.patches import Circle

    return Circle((x, y), 1, fill=False, color=MUTED, lw=0.8)


def _monomial(pairing: Pairing) -> str:
    def power(name: str, exponent: int) -> str:
        return name if exponent == 1 else name + "⁰¹²³⁴⁵⁶⁷⁸⁹"[exponent]

    return power("m", pairing.rows) + power("n", pairing.columns)


def spectrum(ax: Axes, data: Spectrum) -> str:
    """The mean density of singular values at one size, and of large layers."""
    ax.plot(data.s, data.limit, "--", color=MUTED, label="large layers")
    ax.plot(data.s, data.density, color=MEASURED, label="exact")
    ax.set(xlim=(0, 3), ylim=(0, 1.25), xlabel="singular value of W", ylabel="mean density")
    ax.set_title(f"{data.m} × {data.n}")
    ax.legend()
    low, high = 0.3, 1.7  # away from the edges
    middle = (data.s > low) & (data.s < high)
    gap = np.abs(data.density - data.limit)[middle].max()
    return (
        f"Mean density of the singular values of a {data.m} by {data.n} matrix with variance "
        f"1/{max(data.m, data.n)}: {data.density[0]:.2f} at 0 where large layers have {data.limit[0]:.2f}, "
        f"and at most {gap:.1g} away from large layers between {low} and {high}."
    )


def variance_curve(ax: Axes, data: VarianceCurve) -> str:
    """Variance over nσ²: bounds from K moments as a band, the exact value and the limit as lines."""
    ax.fill_between(data.s, data.lower, data.upper, color=ALLOWED, alpha=0.35, lw=0)
    ax.plot(data.s, data.limit, "--", color=MUTED)
    ax.plot(data.s, data.exact, color=THEORY)
    ax.plot([data.marked], [data.value], "o", color=WORST, ms=7)
    ax.set(xscale="log", xlim=(0.01, 1000), ylim=(0, 1.02), xlabel="nσ²/α", ylabel="output variance / γ²")
    ax.set_title(f"{data.m} × {data.n}, nσ² = {data.marked:.3g}: {data.value:.4f}")
    _names(ax, 0.93, ("exact", THEORY), ("large layers, dashed", GREY), ("bounds", OCHRE))
    low, high = data.bounds
    return (
        f"Output variance of a {data.m} by {data.n} layer over n sigma squared: {data.value:.4f} at "
        f"{data.marked:.3g}, between {low:.4f} and {high:.4f} from {data.K} moments; at the right end "
        f"{data.exact[-1]:.3f}."
    )


def _names(ax: Axes, top: float, *names: tuple[str, str], left: float = 0.03) -> None:
    """Words in the colour of their line: drawing a legend takes a slider as long as everything else."""
    for row, (name, colour) in enumerate(names):
        ax.text(left, top - 0.085 * row, name, color=colour, transform=ax.transAxes)


def moment_curve(ax: Axes, data: MomentCurve) -> str:
    """Errors over the number of moments: the series falls and rises again, the bounds close."""
    ax.plot(data.K, np.abs(data.series - data.exact), "o-", color=WORST, ms=4)
    ax.plot(data.K, np.maximum(data.upper - data.lower, 1e-15), "s-", color=MEASURED, ms=4)
    if data.yours:
        ax.plot(*zip(*data.yours.items()), "o", color=SECOND, ms=8, mfc="none", mew=1.8)
    ax.axhline(data.exact, color=MUTED, lw=0.8, ls="--")
    ax.set(yscale="log", xlim=(0, 21), ylim=(1e-12, 1e6), xlabel="moments used", ylabel="error")
    last = abs(data.series[-1] - data.exact)
    ax.set_title(f"{data.m} × {data.n}, nσ² = {data.s:.3g}: best after {data.best}")
    yours = [("yours", GREEN)] if data.yours else []
    _names(ax, 0.275, ("series", WORST), ("width of bounds", MEASURED), ("variance", GREY), *yours)
    return (
        f"Error over the number of moments for a {data.m} by {data.n} layer with n sigma squared "
        f"{data.s:.3g}: the series is best after {data.best} terms and off by {last:.1g} after {data.K[-1]}; "
        f"the bounds from as many moments are {max(data.upper[-1] - data.lower[-1], 1e-15):.1g} apart."
        + (f" Yours from ten are {data.yours[10]:.1g} apart." if data.yours else "")
    )


def shape_curve(ax: Axes, data: ShapeCurve) -> str:
    """Variance over the shape, with the paper's 0.41."""
    ax.axhline(0.41, color=ALLOWED, ls="--", label="0.41")
    ax.plot(data.shapes, data.limit, color=THEORY, label="large layers")
    for (n, (shapes, exact)), colour, marker in zip(data.exact.items(), (WORST, MEASURED, SECOND), "^os"):
        ax.plot(shapes, exact, marker, color=colour, ms=4, label=f"n = {n}, exact")
    ax.axvline(1, color=MUTED, lw=0.8)
    ax.set(xlim=(0, 2), ylim=(0.2, 0.55), xlabel="shape m/n", ylabel="output variance")
    at = data.shapes[np.argmin(np.abs(data.limit - 0.41))]
    ax.set_title(f"Large layers have 0.41 at m = {at:.2f} n")
    ax.legend()
    square = data.limit[np.argmin(np.abs(data.shapes - 1))]
    return (
        f"Output variance over m/n at n sigma squared {data.s:g}: large layers fall from {data.limit[0]:.2f} "
        f"through 0.41, at m/n = {at:.2f}, to {square:.2f} for square ones and {data.limit[-1]:.2f} for "
        "m = 2n; small layers lie below."
    )


class Differences(NamedTuple):
    """A size grid, and which theory is compared with the simulation: "exact" or "series"."""

    grid: SizeGrid
    theory: str


def size_grid(ax: Axes, data: Differences) -> str:
    """Theory minus simulation for each pair of sizes, with three Monte Carlo standard errors."""
    grid, theory = data
    difference = getattr(grid, theory) - grid.simulated
    count = len(grid.sizes)
    at = np.arange(count**2).reshape(count, count)
    colours = (MEASURED, WORST, SECOND, THIRD, ALLOWED, "#56B4E9", THEORY, MUTED, "#8F5F00")
    for i in range(count):
        error, colour = 3 * grid.standard_error[i], colours[i % len(colours)]
        ax.errorbar(at[i], difference[i], error, fmt="o", ms=2.5, lw=0.9, color=colour)
    ax.axhline(0, color=THEORY, lw=0.8)
    ax.set_xticks(at[:, count // 2], [str(m) for m in grid.sizes])
    ax.set(xlabel="m (in each group: n likewise)", ylabel="theory − simulation")
    inside = int((np.abs(difference) <= 3 * grid.standard_error).sum())
    name = {"exact": "exact", "series": "ten terms"}[theory]
    ax.set_title(f"{name}: {inside} of {count**2} within 3 errors")
    scale = "a largest eigenvalue of alpha times" if grid.at_edge else "n sigma squared"
    return (
        f"Theory ({name}) minus simulation for {count**2} pairs of sizes from {grid.sizes[0]} to "
        f"{grid.sizes[-1]} at {scale} {grid.s:g}: largest difference {np.abs(difference).max():.1g}, "
        f"{inside} within three standard errors, the largest of which is {grid.standard_error.max():.1g}."
    )


def reach(ax: Axes, data: Reach) -> str:
    """The error of ten terms for every pair of sizes, over the largest eigenvalue of large layers."""
    for edge, error in zip(data.edges, data.error, strict=True):
        ax.plot(np.full(len(error), edge), np.maximum(error, 1e-16), "o", color=THEORY, ms=2.5)
    ax.plot(data.edges_at_s, data.error_at_s, "o", color=WORST, ms=3)
    ax.axhline(1e-3, color=ALLOWED, ls="--")
    ax.set(xscale="log", yscale="log", ylim=(1e-17, 1e12), xlabel="σ²(√m + √n)²/α", ylabel="|ten terms − exact|")
    ax.set_title(f"Ten terms are right to 0.001 up to {data.upto(1e-3):.2g}")
    at_s = "nσ² = α" if data.s == 1 else f"nσ² = {data.s:g} α"
    _names(ax, 0.93, (at_s, WORST), ("every pair at the same σ²(√m + √n)²", THEORY), ("0.001", OCHRE))
    return (
        f"Error of ten terms for {len(data.shapes)} pairs of sizes over the largest eigenvalue of large layers, from "
        f"{data.edges[0]:.2g} to {data.edges[-1]:.2g} alpha: all are right to 0.001 up to {data.upto(1e-3):.2g}; at "
        f"n sigma squared {data.s:g} they are off by {data.error_at_s.min():.1g} to {data.error_at_s.max():.1g}."
    )
