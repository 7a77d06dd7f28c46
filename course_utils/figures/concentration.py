"""Drawings of Chapter 3; what each takes is computed by :mod:`course_utils.experiments.concentration`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments import concentration
from course_utils.figures import ALLOWED, CYCLE, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, agreement
from course_utils.theory.statistics import mean_interval, power_law_slope
from course_utils.theory.worst_case import WORST_CASE_CONSTANT

BOUNDS = {
    "lecture": ("Lemma 4.2", ALLOWED),
    "hoeffding": ("Hoeffding", WORST),
    "bernstein": ("Bernstein", SECOND),
    "chernoff": ("Chernoff", THIRD),
    "exact": ("exact", MEASURED),
}


def line(ax: Axes, data: concentration.OnALine) -> str:
    """Neurons on the line of their pre-activations, and where the adversary takes those that it moves."""
    row = 0.55 * data.a + 0.12 * (np.arange(len(data.a)) % 5 - 2)  # not all on one height
    on, moved = data.before >= 0, data.before != data.after
    ax.axvline(0, color=THEORY, lw=1)
    for chosen, colour in ((on, MUTED), (~on, "white")):
        ax.scatter(data.before[chosen], row[chosen], s=16, color=colour, edgecolor=MUTED, lw=0.8, zorder=2)
    for start, end, height in zip(data.before[moved], data.after[moved], row[moved]):
        ax.annotate("", (end, height), (start, height), arrowprops={"arrowstyle": "->", "color": WORST, "lw": 1.2})
    ax.set(
        xlim=(-2.6, 2.6),
        ylim=(-1.1, 1.25),
        xlabel="pre-activation $w_i^\\top x$: off | on",
        ylabel="sign of the neuron",
    )
    ax.set_yticks([-0.55, 0.55], ["a = −1", "a = +1"])
    gap, crossed = data.gap(data.after), int(data.crossed.sum())
    ax.set_title(f"B = {data.B:.2g}: {crossed} cross, gap {gap:.2f}")
    told = f"{len(data.a)} neurons by pre-activation. With B = {data.B:.2g} the worst move takes {crossed} across zero"
    told += f": the gap is {gap:.2f}"
    if data.yours is None:
        return f"{told}."
    ax.scatter(data.yours[moved], row[moved], s=60, facecolor="none", edgecolor=MEASURED, lw=1.5, zorder=3)
    ax.text(-2.5, 1.08, f"yours: gap {data.gap(data.yours):.2f}", color=MEASURED)
    return f"{told}; yours is {data.gap(data.yours):.2f}, {_agreement(data.gap(data.yours), gap)}."


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
    """The mean worst case in units of B^(4/3) m^(1/3), with its law: it comes down to its limit."""
    units = data.Bs[:, None] ** (4 / 3) * data.widths ** (1 / 3)
    ax.axhline(WORST_CASE_CONSTANT, color=THEORY, lw=1.2)
    ax.text(data.widths[-1], WORST_CASE_CONSTANT - 0.004, "limit 0.438", color=THEORY, ha="right")
    for i, (B, rows, law) in enumerate(zip(data.Bs, data.constant, data.law / units)):
        ax.plot(data.widths, law, "--", color=CYCLE[i], lw=1)
        _means(ax, data.widths * 1.06 ** (i - 1), rows, CYCLE[i], f"B = {B:g}")
    ax.set(xscale="log", ylim=(0.43, 0.475), xlabel="width m", ylabel="worst |f − f₀| / (B$^{4/3}$ m$^{1/3}$)")
    ax.set_title("The worst case comes down to 0.438 B$^{4/3}$ m$^{1/3}$")
    ax.legend(loc="upper right", title="mean, 99 %; dashed: law")
    means = ", ".join(f"{rows[:, -1].mean():.3f} for B = {B:g}" for B, rows in zip(data.Bs, data.constant))
    return (
        f"Mean of the exact worst case over B^(4/3) m^(1/3) against the width, with 99 % intervals on the dashed laws: "
        f"at m = {data.widths[-1]} it is {means}."
    )


def rates(ax: Axes, data: concentration.WidthRates) -> str:
    """The worst, the trained and a random move at the same distance: root mean squares over the networks, and laws."""
    cases = (
        ("worst move", data.worst, data.worst_law, WORST),
        ("trained", data.trained, _mixture(data), SECOND),
        ("random move", data.random, data.random_law, MEASURED),
    )
    slopes = {}
    for label, rows, law, colour in cases:
        ax.plot(data.widths, law, "--" if label == "trained" else "-", color=THEORY, lw=1)
        squares = [mean_interval(row**2) for row in rows.T]
        middle = np.sqrt([s.value for s in squares])
        factor = np.exp([s.half / s.value / 2 for s in squares])
        slopes[label] = power_law_slope(data.widths, rows).value
        _dots(ax, data.widths, middle / factor, middle, middle * factor, colour, label)
    own = ""
    if data.yours is not None:
        _, _, gap = np.transpose(data.yours)
        ax.plot(data.widths, gap, "o", color=MEASURED, mfc="none", ms=9, label="yours, one net")
        course = np.stack([data.movement[0], data.flips[0], data.trained[0]], axis=1)
        same = _agreement(data.yours, course)
        ax.text(0.98, 0.6, f"yours: {same}", color=MEASURED, ha="right", transform=ax.transAxes)
        own = f" Yours, one net a width: {same} in movement, flips and gap."
    ax.set_xscale("log", base=2)
    ax.set(yscale="log", ylim=(1e-4, 10), xlabel="width m", ylabel="|f − f₀|, with the factor 1/√m")
    n, d = data.shape
    ax.set_title(f"Trained on {n} inputs: m$^{{{slopes['trained']:.2f}}}$".replace("-", "−"))
    ax.legend(loc="lower left")
    measured = ", ".join(f"{label} {slope:.2f}" for label, slope in slopes.items()).replace("-", "−")
    return (
        f"Root mean square gap, {n} inputs in {d} dimensions, against width from {data.widths[0]} to {data.widths[-1]} "
        f"on logarithmic axes, at the same movement. Measured slopes: {measured}.{own}"
    )


def _agreement(yours, ours) -> str:
    """In words; each number counts for itself, since they are of different sizes."""
    error = (np.abs(np.subtract(yours, ours)) / np.maximum(np.abs(ours), 1e-12)).max()
    return agreement(error, "equal to the course's to 9 digits")


def _mixture(data: concentration.WidthRates):
    alpha, beta = concentration.rate_mixture(data.widths, data.trained)
    return np.sqrt(np.maximum(alpha.value / data.widths + beta.value / data.widths**1.5, 1e-12))


def _means(ax: Axes, x, rows, colour: str, label: str) -> None:
    low, middle, high = np.transpose([(s.low, s.value, s.high) for s in map(mean_interval, rows.T)])
    _dots(ax, x, low, middle, high, colour, label)


def _dots(ax: Axes, x, low, middle, high, colour: str, label: str) -> None:
    ax.errorbar(x, middle, [middle - low, high - middle], fmt="o", color=colour, ms=4, lw=1.2, label=label)
