"""Drawings of Chapter 6, training; what each takes is computed by :mod:`course_utils.experiments.ldlt_training`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments.ldlt_training import Comparison, Gain, RateCurves
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, band
from course_utils.theory.ldlt_stacks import SCALES, FirstGradients
from course_utils.theory.statistics import mean_interval

NAMES = {"1/sqrt(n)": "1/√n", "sqrt(2/n)": "√2/√n", "10/sqrt(n)": "10/√n", "alpha = 0.01": "α = 0.01"}
COLOURS = {"1/sqrt(n)": MEASURED, "sqrt(2/n)": SECOND, "10/sqrt(n)": WORST, "alpha = 0.01": THIRD}


class Stacks(NamedTuple):
    """Measured variances by name of the scale, (draws, depth + 1) each, and the exact variance of one layer."""

    measured: dict[str, np.ndarray]
    one_layer: dict[str, float]


def stacks(ax: Axes, data: Stacks) -> str:
    """Variance of a linear stack against its depth, with the law v^L."""
    for name, rows in data.measured.items():
        depths = np.arange(rows.shape[1])
        band(ax, depths, rows, COLOURS[name], f"σ = {NAMES[name]}")
        ax.plot(depths, data.one_layer[name] ** depths, color=COLOURS[name], lw=1.2)
    ax.plot([], [], color=MUTED, lw=1.2, label="exact, v$^L$")
    ax.set(yscale="log", xlabel="layers L of a linear stack", ylabel="output variance")
    ax.set_title("Every layer takes its share of what is left")
    ax.legend(loc="lower left")
    ends = ", ".join(f"{NAMES[name]} {rows[:, -1].mean():.2g}" for name, rows in data.measured.items())
    return f"Variance against depth, straight lines on a logarithmic axis; after {depths[-1]} layers it is {ends}."


def gradient_sizes(ax: Axes, data: FirstGradients) -> str:
    """Absolute and relative gradient of one layer against the scale, with its band over draws."""
    for rows, colour, words in ((data.absolute, MEASURED, "gradient"), (data.relative, WORST, "gradient / ‖W‖")):
        band(ax, data.factors, rows, colour, words)
    _mark_scales(ax)
    ax.set(xscale="log", yscale="log", xlabel="initialization scale σ√n", ylabel="Frobenius norm at the start")
    ax.set_title("The gradient shrinks late, its share of W at once")
    ax.legend(loc="lower left")
    (a, b), (c, d) = ((rows[:, 0].mean(), rows[:, -1].mean()) for rows in (data.absolute, data.relative))
    return (
        f"Gradient at W of one {data.n} × {data.n} layer for scales {data.factors[0]:g} to {data.factors[-1]:g}: "
        f"the absolute one falls from {a:.2g} to {b:.2g}, the one relative to W from {c:.2g} to {d:.2g}."
    )


def depths(ax: Axes, data: list[FirstGradients]) -> str:
    """Gradient at the first layer against the scale, one band for each depth."""
    peaks = []
    for one, colour in zip(data, (MEASURED, SECOND, ALLOWED, THIRD)):
        band(ax, one.factors, one.absolute, colour, f"{one.depth} layer{'s' * (one.depth > 1)}")
        peaks.append(one.factors[one.absolute.mean(axis=0).argmax()])
    _mark_scales(ax)
    ax.set(xscale="log", yscale="log", ylim=(1e-6, 200), xlabel="initialization scale σ√n")
    ax.set(ylabel="gradient at the first W", title="The deeper the stack, the larger the best scale")
    ax.legend(loc="lower right", ncols=2)
    found = ", ".join(f"{one.depth} layer{'s' * (one.depth > 1)} at {peak:.2g}" for one, peak in zip(data, peaks))
    return f"Gradient at the first weight matrix against the scale for several depths; it is largest for {found}."


def _mark_scales(ax: Axes) -> None:
    for factor in SCALES.values():
        ax.axvline(factor, color=MUTED, lw=0.8, ls=":")


def gain(ax: Axes, data: Gain) -> str:
    """Variance of a stack with gain γ, and the Lipschitz constant that pays for it."""
    ax.plot(data.depths, data.variance, "o-", color=MEASURED, ms=3.5, label="variance (γ²v)$^L$")
    ax.plot(data.depths, data.lipschitz, color=WORST, label="Lipschitz constant γ$^L$")
    for values, colour in ((data.variance, MEASURED), (data.lipschitz, WORST)):
        ax.plot([data.depth], [values[data.depth]], "o", color=colour, ms=8)
    ax.axhline(1, color=MUTED, lw=0.8)
    ax.set(yscale="log", ylim=(1e-7, 1e5), xlabel="layers L", ylabel="variance, or Lipschitz constant")
    variance, lipschitz = data.variance[data.depth], data.lipschitz[data.depth]
    ax.set_title(f"γ = {data.gamma:.3g}: {_short(variance)} left, Lipschitz {_short(lipschitz)}")
    ax.legend(loc="upper left")
    return (
        f"Scale {data.factor:g}/√n and gain {data.gamma:.3g}: one layer has variance {data.one_layer:.2f} at γ = 1; "
        f"{data.depth} layers leave {_short(variance)} and have the Lipschitz constant {_short(lipschitz)}."
    )


def _short(value: float) -> str:
    return f"{value:.2g}"


def rates(ax: Axes, data: RateCurves) -> str:
    """Validation loss against learning rate: means over seeds with their 99 % intervals, and the best rate."""
    words = []
    for i, scale in enumerate(data.scales):
        finite = np.isfinite(data.loss[i]).all(axis=1)
        means = [mean_interval(row) for row in data.loss[i][finite]]
        middle, low, high = (np.array([getattr(mean, part) for mean in means]) for part in ("value", "low", "high"))
        at = data.rates[finite] * 1.06 ** (i - 1)  # side by side, so that intervals can be told apart
        colour, best = COLOURS[scale], data.best(i)
        ax.errorbar(
            at,
            middle,
            (middle - low, high - middle),
            color=colour,
            marker="o",
            ms=3.5,
            capsize=2,
            lw=1.3,
            label=NAMES[scale],
        )
        lowest = data.loss[i, best].mean()
        ax.plot(data.rates[best] * 1.06 ** (i - 1), lowest, "o", color=colour, ms=8)
        words.append(f"{NAMES[scale]} {lowest:.3f} at rate {data.rates[best]:g}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="validation loss")
    winner = min(range(len(data.scales)), key=lambda i: data.loss[i, data.best(i)].mean())
    ax.set_title(f"{data.optimizer}, {data.depth} layers: {NAMES[data.scales[winner]]} is lowest")
    ax.legend(loc="upper left", ncols=3, columnspacing=0.8, handlelength=1.2)
    return (
        f"Validation loss against learning rate for {data.optimizer} and {data.depth} layers, {data.loss.shape[2]} "
        f"seeds with 99 % intervals; lowest mean: {', '.join(words)}."
    )


def higgs_rates(ax: Axes, data: RateCurves) -> str:
    """The same for HIGGS, with limits that hold for every optimizer and depth."""
    ax.set(xlim=(2e-4, 4), ylim=(0.61, 0.74))
    return rates(ax, data)


class Contest(NamedTuple):
    """Differences between two starts, in points of accuracy: what was compared, and all comparisons."""

    one: str
    other: str
    comparisons: list[Comparison]


def contest(ax: Axes, data: Contest) -> str:
    """Each optimizer and depth with its paired difference and 99 % interval."""
    rows = data.comparisons
    optimizers = list(dict.fromkeys(row.optimizer for row in rows))
    places = [i + optimizers.index(row.optimizer) for i, row in enumerate(rows)]
    ax.axvline(0, color=THEORY, lw=1)
    for place, row in zip(places, rows):
        colour = {1: COLOURS[data.one], -1: COLOURS[data.other], 0: MUTED}[row.sign]
        error = [[100 * (row.value - row.low)], [100 * (row.high - row.value)]]
        ax.errorbar(100 * row.value, place, xerr=error, fmt="o", color=colour, ms=5, capsize=3)
    ax.set_yticks(places, [f"{row.optimizer}, {row.depth}" for row in rows])
    ax.invert_yaxis()
    ax.set_xlabel(f"accuracy with {NAMES[data.one]} minus with {NAMES[data.other]}, in points")
    wins, losses = (sum(row.sign == sign for row in rows) for sign in (1, -1))
    ax.set(ylabel="optimizer, layers", title=f"{NAMES[data.one]} is better in {wins} of {len(rows)}, worse in {losses}")
    values = ", ".join(f"{row.optimizer} {row.depth}: {100 * row.value:+.1f}" for row in rows)
    return (
        f"Test accuracy with {NAMES[data.one]} minus that with {NAMES[data.other]}, in points with 99 % intervals, "
        f"by optimizer and depth: {values}."
    )
