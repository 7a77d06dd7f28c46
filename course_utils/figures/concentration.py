"""Drawings of Chapter 3; what each takes is computed by :mod:`course_utils.experiments.concentration`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments import concentration
from course_utils.figures import ALLOWED, CYCLE, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, band
from course_utils.theory.worst_case import WORST_CASE_CONSTANT

BOUNDS = {
    "lecture": ("Lemma 4.2", ALLOWED),
    "hoeffding": ("Hoeffding", WORST),
    "bernstein": ("Bernstein", SECOND),
    "chernoff": ("Chernoff", THIRD),
    "exact": ("exact", MEASURED),
}


def mgf(ax: Axes, data: concentration.MgfCurves) -> str:
    """The log moment-generating function of an indicator, for several p, under Hoeffding's parabola."""
    ax.fill_between(data.s, 0, data.bound, color=ALLOWED, alpha=0.2, lw=0)
    ax.plot(data.s, data.bound, color=THEORY, lw=1.2, label="s²/8")
    for p, curve, style in zip(data.ps, data.curves, ("-", "--", ":")):
        ax.plot(data.s, curve, style, color=MEASURED, label=f"p = {p:.2g}")
    ax.set(xlim=(data.s[0], data.s[-1]), ylim=(0, data.bound.max()), xlabel="s", ylabel="log E exp(s(P − p))")
    ax.set_title("Hoeffding's parabola fits a fair coin, not a rare event")
    ax.legend(loc="upper center")
    at = np.abs(data.s - 1).argmin()
    values = ", ".join(f"{curve[at]:.3f} for p = {p:.2g}" for p, curve in zip(data.ps, data.curves))
    return f"Log moment-generating function of an indicator: at s = 1 it is {values}; s²/8 is {data.bound[at]:.3f}."


def tail(ax: Axes, data: concentration.TailCurve) -> str:
    """The exact tail of the count, the level δ, and each bound as a line where it lies."""
    shown = data.tail > 1e-12
    values = [getattr(data.bounds, name) for name in BOUNDS]
    ax.plot(data.counts[shown], data.tail[shown], color=THEORY, lw=1.6)
    ax.axhline(data.delta, color=MUTED, lw=1)
    ax.vlines(values, 1e-9, data.delta, colors=[colour for _, colour in BOUNDS.values()], lw=2)
    ax.text(655, data.delta * 1.4, "δ", color=MUTED, ha="right")
    for i, (value, (label, colour)) in enumerate(zip(values, BOUNDS.values())):
        ax.text(655, 10 ** (-5.3 - 0.8 * i), f"{label} {value:.0f}", color=colour, ha="right")
    ax.set(yscale="log", xlim=(0, 660), ylim=(1e-9, 2), xlabel=f"count c of {data.m} neurons", ylabel="Pr[count > c]")
    spare = data.bounds.lecture / max(data.bounds.exact, 1)
    ax.set_title(f"τ = {data.tau:.2g}, δ = {data.delta:.2g}: lemma ×{spare:.1f}")
    listed = ", ".join(f"{label} {value:.0f}" for value, (label, _) in zip(values, BOUNDS.values()))
    return f"Tail of the count for τ = {data.tau:.3g}. Exceeded with probability at most {data.delta:.2g}: {listed}."


def coverage(ax: Axes, data: concentration.CoverageGrid) -> str:
    """How much of the allowed δ each bound uses up, one dot with its interval for each setting."""
    delta = np.array([setting[2] for setting in data.settings])
    # the settings with the largest δ have the shortest intervals: only these are drawn
    rows = delta == delta.max()
    share, low, high = (values[rows] / delta.max() for values in (data.share, data.low, data.high))
    for column, (_, colour) in enumerate(BOUNDS.values()):
        x = column + np.linspace(-0.25, 0.25, len(share))
        error = [share[:, column] - low[:, column], high[:, column] - share[:, column]]
        ax.errorbar(x, share[:, column], error, fmt="o", color=colour, ms=4, lw=1.2)
    ax.axhline(1, color=THEORY, lw=1.2)
    ax.text(-0.4, 1.03, "all of δ", color=THEORY)
    ax.set_xticks(range(len(BOUNDS)), [label for label, _ in BOUNDS.values()])
    ax.set(ylim=(-0.03, 1.18), xlabel="bound", ylabel="share of counts above the bound, over δ")
    ax.set_title("The more a bound is told, the more of δ it uses")
    values = ", ".join(f"{label} {s:.2f}" for (label, _), s in zip(BOUNDS.values(), share.mean(axis=0)))
    return f"Share of counts above each bound divided by δ = {delta.max():g}, mean of {len(share)} settings: {values}."


def adversary(ax: Axes, data: concentration.AdversaryCurve) -> str:
    """What moving k neurons gains, the limit law, and one choice of k beside the best one."""
    best, chosen = data.gains.max(), data.gains[data.k - 1]
    at_best = data.ks[data.gains.argmax()]
    shown = data.ks <= 1200
    ax.plot(data.ks[shown], data.limit[shown], "--", color=THEORY, lw=1.2)
    ax.plot(data.ks[shown], data.gains[shown], color=MEASURED)
    ax.plot([data.k, data.k], [0, chosen], color=WORST, lw=1.2)
    ax.plot([data.k], [chosen], "o", color=WORST, ms=7)
    ax.plot([at_best], [best], "*", color=THEORY, ms=9)
    ax.text(1190, 83, "one net", color=MEASURED, ha="right")
    ax.text(1190, 76, "dashed: limit law", color=THEORY, ha="right")
    ax.set(xlim=(0, 1200), ylim=(0, 90), xlabel="moved neurons k", ylabel="gain |f − f₀|")
    ax.set_title(f"B = {data.B:.2g}: moving {data.k} gains {chosen:.0f} of {best:.0f}")
    return (
        f"Gain against the number of moved neurons, B = {data.B:.2g}: k = {data.k} gains {chosen:.1f}, "
        f"the best k = {at_best} gains {best:.1f}."
    )


def approach(ax: Axes, data: concentration.WorstScaling) -> str:
    """The worst case in units of B^(4/3) m^(1/3): it settles on its limit."""
    constant = data.constant
    ax.axhline(WORST_CASE_CONSTANT, color=THEORY, lw=1.2)
    ax.text(data.widths[-1], WORST_CASE_CONSTANT - 0.005, "limit 0.438", color=THEORY, ha="right")
    for i, (B, rows) in enumerate(zip(data.Bs, constant)):
        band(ax, data.widths * 1.12 ** (i - 1), rows, CYCLE[i], f"B = {B:g}")
    ax.set(xscale="log", ylim=(0.42, 0.5), xlabel="width m", ylabel="worst |f − f₀| / (B$^{4/3}$ m$^{1/3}$)")
    ax.set_title("The worst case settles on 0.438 B$^{4/3}$ m$^{1/3}$")
    ax.legend(loc="upper right")
    means = ", ".join(f"{rows[:, -1].mean():.3f} for B = {B:g}" for B, rows in zip(data.Bs, constant))
    return f"Exact worst case over B^(4/3) m^(1/3) against the width: at m = {data.widths[-1]} it is {means}."


def rates(ax: Axes, data: concentration.WidthRates) -> str:
    """The worst, the trained and a random move at the same distance, on lines of slope −1/6, −1/2, −3/4."""
    cases = (
        ("worst move, slope −1/6", data.worst, WORST, -1 / 6),
        ("gradient descent, slope −1/2", data.trained, SECOND, -1 / 2),
        ("random move, slope −3/4", data.random, MEASURED, -3 / 4),
    )
    for label, rows, colour, slope in cases:
        # the line has its theoretical slope and the height of the measurements
        height = np.exp(np.mean(np.log(rows)) - slope * np.mean(np.log(data.widths)))
        ax.plot(data.widths, height * data.widths**slope, color=THEORY, lw=1)
        band(ax, data.widths, rows, colour, label)
    ax.set_xscale("log", base=2)
    ax.set(yscale="log", ylim=(1e-4, 10), xlabel="width m", ylabel="|f − f₀|, with the factor 1/√m")
    ax.set_title("Training is closer to chance than to malice")
    ax.legend(loc="lower left")
    return (
        f"Gap against width from {data.widths[0]} to {data.widths[-1]} on logarithmic axes at the same movement: "
        "the worst move falls with slope −1/6, gradient descent with −1/2, a random move with −3/4."
    )
