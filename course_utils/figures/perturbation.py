"""Drawings of Chapter 5; what each takes is computed by :mod:`course_utils.experiments.perturbation`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments.perturbation import Cloud, CosineCurve, DescentRun, SigmaSweep
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, band
from course_utils.theory.perturbation import Estimate, Measured

MARGIN = 0.12  # estimators whose variances are closer than that are equally good
COLOURS = {"no baseline": WORST, "baseline": MEASURED, "antithetic": SECOND, "signs": THIRD}


class Coordinates(NamedTuple):
    """An estimated gradient beside the exact one, and beside that of the smoothed loss, each of shape (n,)."""

    found: Estimate
    gradient: np.ndarray
    smoothed: np.ndarray


def coordinates(ax: Axes, data: Coordinates) -> str:
    """Every coordinate of an estimate with an interval of three standard errors."""
    n = data.gradient.size
    at = np.arange(1, n + 1)
    ax.axhline(0, color=MUTED, lw=0.8)
    ax.hlines(data.gradient, at - 0.4, at + 0.4, color=THEORY, lw=1.5, label="autograd")
    ax.hlines(data.smoothed, at - 0.4, at + 0.4, color=ALLOWED, lw=1.5, label="smoothed loss, closed form")
    error = 3 * data.found.standard_error
    ax.errorbar(at, data.found.gradient, error, fmt="o", color=MEASURED, ms=4, capsize=3, label="forward passes only")
    ax.set(xticks=at, xlabel="coordinate of θ", ylabel="derivative of the loss")
    inside = np.abs(data.found.gradient - data.smoothed) <= error
    ax.set_title(f"Intervals hold the smoothed gradient, {inside.sum()} of {n}")
    ax.legend()
    sharp = np.abs(data.found.gradient - data.gradient) <= error
    return (
        f"{n} coordinates of a gradient estimated from {data.found.evaluations} forward passes, each with three "
        f"standard errors: {inside.sum()} intervals hold the gradient of the smoothed loss, {sharp.sum()} that of "
        "the loss itself."
    )


def cloud(ax: Axes, data: Cloud) -> str:
    """Estimates in the plane around the true gradient, drawn as an arrow."""
    limit = 6.0
    ax.axhline(0, color=MUTED, lw=0.6)
    ax.axvline(0, color=MUTED, lw=0.6)
    ax.plot(*data.estimates.T, ".", color=COLOURS.get(data.kind, MEASURED), ms=4, alpha=0.7)
    ax.annotate("", data.g, (0, 0), arrowprops={"arrowstyle": "-|>", "color": THEORY, "lw": 2})
    ax.plot(*data.estimates.mean(axis=0), "o", color=ALLOWED, mec=THEORY, ms=6)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xlabel="estimate of the first derivative")
    outside = int((np.abs(data.estimates) > limit).any(axis=1).sum())
    ax.set(ylabel="of the second", title=f"{data.kind}, K = {data.K}: distance {data.measured:.2g}")
    return (
        f"{len(data.estimates)} estimates ({data.kind}, sigma = {data.sigma:g}, K = {data.K}; their mean is ringed) "
        f"around the gradient ({data.g[0]:g}, {data.g[1]:g}): root mean square distance {data.measured:.2g}, "
        f"law {data.predicted:.2g}; {outside} lie outside the picture."
    )


def sigma_sweep(ax: Axes, data: SigmaSweep) -> str:
    """Total variance over σ: the law as lines, single draws as dots."""
    for kind, predicted, measured, error in zip(data.kinds, data.predicted, data.measured, data.error):
        colour = COLOURS.get(kind, THEORY)
        ax.plot(data.sigmas, predicted, color=colour, label=kind)
        ax.errorbar(data.sigmas, measured, 3 * error, fmt="o", color=colour, ms=4, capsize=2)
    ax.set(xscale="log", yscale="log", xlabel="size σ of the perturbation", ylabel="total variance of one draw")
    ax.set_title("Small σ punishes a missing baseline, large σ curvature")
    ax.legend()
    ends = "; ".join(
        f"{kind} {row[0]:.1e} at the smallest and {row[-1]:.1e} at the largest sigma"
        for kind, row in zip(data.kinds, data.predicted)
    )
    return f"Total variance against sigma from {data.sigmas[0]:g} to {data.sigmas[-1]:g}, by the law: {ends}."


def cosine(ax: Axes, data: CosineCurve) -> str:
    """Cosine with the true gradient against the number of draws."""
    ax.plot(data.Ks, data.law, color=THEORY, label="law for many draws")
    band(ax, data.Ks, data.cosines, MEASURED, "simulated")
    ax.plot([data.K], [data.at_K], "o", color=WORST, ms=8)
    ax.axhline(0.9, color=MUTED, lw=0.8, ls="--")
    ax.set(xscale="log", xlim=(0.8, 1.3e7), ylim=(0, 1.05), xlabel="draws K", ylabel="cosine with the gradient")
    ax.set_title(f"{data.n:,} parameters: cosine {data.at_K:.3f}")
    return (
        f"Cosine between the gradient of {data.n:,} parameters and the mean of K draws, sigma = {data.sigma:g} in "
        f"units of the usable one: {data.at_K:.3f} at K = {data.K}; a cosine of 0.9 needs {data.needed:,} draws."
    )


def variances(ax: Axes, data: list[Measured]) -> str:
    """Measured over predicted total variance of each estimator with its 99 % interval, and the margin that matters."""
    names = [f"{m.kind}, K = {m.K}" if m.K > 1 else m.kind for m in data]
    at = np.arange(len(data))[::-1]
    ratios = [m.ratio for m in data]
    ax.axvspan(1 - MARGIN, 1 + MARGIN, color=MUTED, alpha=0.2, lw=0)
    ax.axvline(1, color=THEORY)
    ax.errorbar([r.value for r in ratios], at, xerr=[r.half for r in ratios], fmt="o", color=MEASURED, capsize=3)
    ax.set_yticks(at, names)
    ax.set(xlim=(0.8, 1.2), xlabel="total variance, measured / predicted", ylabel="estimator")
    inside = sum(1 - MARGIN <= r.low and r.high <= 1 + MARGIN for r in ratios)
    ax.set_title(f"{inside} of {len(data)} laws within {MARGIN:.0%}")
    values = ", ".join(f"{name} {r.value:.2f}" for name, r in zip(names, ratios))
    return (
        f"Measured over predicted total variance, {inside} of {len(data)} 99 % intervals within {MARGIN:.0%}: {values}."
    )


class Runs(NamedTuple):
    """Training runs by the name of their method, one :class:`DescentRun` for each seed, and what to draw them over."""

    by_method: dict[str, list[DescentRun]]
    over: str = "epoch"  # or "evaluations" or "seconds"


def losses(ax: Axes, data: Runs) -> str:
    """Training loss of each method, with the band of its seeds."""
    colours = (MEASURED, SECOND, WORST, ALLOWED, THIRD)
    for colour, (name, runs) in zip(colours, data.by_method.items()):
        x = np.median([getattr(run, data.over)[1:] for run in runs], axis=0)
        rows = np.array([run.loss[1:] for run in runs])
        ax.fill_between(x, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.2, lw=0)
        ax.plot(x, np.median(rows, axis=0), color=colour, label=name)
    ax.set_yscale("log")
    if data.over != "epoch":
        ax.set_xscale("log")
    ax.set_xlabel(
        {"epoch": "epochs", "evaluations": "losses of one example, evaluated", "seconds": "seconds on this machine"}[
            data.over
        ]
    )
    ax.set(ylabel="training loss", title=f"Per {data.over.removesuffix('s')}: the better the signal, the steeper")
    ax.set_ylim(top=20)
    ax.legend(loc="upper right", ncols=2)
    ends = {name: np.median([run.loss[-1] for run in runs]) for name, runs in data.by_method.items()}
    # A loss that is nearly nothing differs between processors.
    words = ", ".join(f"{name} " + (f"{end:.2g}" if end >= 0.01 else "below 0.01") for name, end in ends.items())
    return f"Training loss against {data.over}, median and range of the seeds; at the end {words}."
