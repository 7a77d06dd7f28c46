"""Drawings of Chapter 6, training; what each takes is computed by :mod:`course_utils.experiments.ldlt_training`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments.ldlt_training import (
    Accuracies,
    Comparison,
    Gain,
    Priced,
    RateCurves,
    Signal,
    overlap_interval,
)
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, band
from course_utils.theory.ldlt_stacks import SCALES, FirstGradients
from course_utils.theory.statistics import mean_interval

NAMES = {"1/sqrt(n)": "1/√n", "sqrt(2/n)": "√2/√n", "10/sqrt(n)": "10/√n", "alpha = 0.01": "α = 0.01"}
NAMES |= {f"{name} gain": f"{NAMES[name]} and gain" for name in SCALES}
COLOURS = {"1/sqrt(n)": MEASURED, "sqrt(2/n)": SECOND, "10/sqrt(n)": WORST, "alpha = 0.01": THIRD}
COLOURS |= {f"{name} gain": COLOURS[name] for name in SCALES}


def _is_gain(arm: str) -> bool:
    return arm.endswith(" gain")


def signal(ax: Axes, data: Signal) -> str:
    """The components of one signal after each layer, with their root mean square and the guarantee beside it."""
    depths, n = np.arange(len(data.components)), data.components.shape[1]
    ax.plot(np.repeat(depths, n), data.components.ravel(), "o", ms=3, alpha=0.5, color=MEASURED, label="components")
    size = np.sqrt(np.mean(data.components**2, axis=1))
    ax.plot(depths, size, color=WORST, label="root mean square")
    ax.axhline(0, color=MUTED, lw=0.8)
    ax.set(xlabel="layers, a ReLU after each", ylabel="components of the signal", ylim=(-3, 6))
    ax.set_title(f"σ = {data.factor:.3g}/√n, γ = {data.gamma:.3g}: at most {_short(data.guarantee)}-fold")
    ax.legend(loc="upper right")
    return (
        f"{n} components of one signal after each of {depths[-1]} layers with ReLU, scale {data.factor:.3g}/√n, gain "
        f"{data.gamma:.3g}. Their root mean square goes from {size[0]:.2f} to {_short(size[-1])}; the stack stretches "
        f"no difference more than {_short(data.guarantee)}-fold."
    )


class Stacks(NamedTuple):
    """Measured variances by name of the scale, (draws, depth + 1) each, and the exact variance of one layer."""

    measured: dict[str, np.ndarray]
    one_layer: dict[str, float]


def _means(ax: Axes, x, rows, colour: str, label: str, **style) -> None:
    """Means of repetitions (rows) over ``x`` with their 99 % intervals: what a law of a mean is drawn through."""
    found = [mean_interval(column) for column in rows.T]
    ends = [[max(m.value - m.low, 0) for m in found], [m.high - m.value for m in found]]
    ax.errorbar(x, [m.value for m in found], ends, fmt="o", ms=4, color=colour, capsize=2, label=label, **style)


def stacks(ax: Axes, data: Stacks) -> str:
    """Variance of a linear stack against its depth, with the law v^L of its mean."""
    for name, rows in data.measured.items():
        depths = np.arange(rows.shape[1])
        _means(ax, depths, rows, COLOURS[name], f"σ = {NAMES[name]}")
        ax.plot(depths, data.one_layer[name] ** depths, color=COLOURS[name], lw=1.2)
    ax.plot([], [], color=MUTED, lw=1.2, label="law, v$^L$")
    ax.set(yscale="log", xlabel="layers L of a linear stack", ylabel="output variance, mean")
    ax.set_title("Every layer takes its share of what is left")
    ax.legend(loc="lower left")
    ends = ", ".join(f"{NAMES[name]} {rows[:, -1].mean():.2g}" for name, rows in data.measured.items())
    return f"Mean variance against depth, straight lines on a logarithmic axis; after {depths[-1]} layers it is {ends}."


class Rectified(NamedTuple):
    """Measured second moments of stacks with ReLU by scale, (draws, depth + 1) each with the gain, and its γ."""

    measured: dict[str, np.ndarray]
    gammas: dict[str, float]

    def without(self, name: str) -> np.ndarray:
        """The same stacks at γ = 1: ReLU and layers multiply what comes in, so that each γ is a factor γ²."""
        rows = self.measured[name]
        return rows / self.gammas[name] ** (2 * np.arange(rows.shape[1]))


def rectified(ax: Axes, data: Rectified) -> str:
    """Second moment of stacks with ReLU against depth, at γ = 1 and with the gain, with its law."""
    for name, rows in data.measured.items():
        depths, colour = np.arange(rows.shape[1]), COLOURS[name]
        ax.plot(depths, data.gammas[name] ** (-2.0 * depths), color=colour, lw=1.2)
        _means(ax, depths, data.without(name), colour, f"σ = {NAMES[name]}, γ = 1", mfc="white")
        _means(ax, depths, rows, colour, "_")
    ax.axhline(1, color=MUTED, lw=1.2)
    ax.plot([], [], "o", ms=4, color=MUTED, label="any σ, γ = √(2/v)")
    ax.plot([], [], color=MUTED, lw=1.2, label="law, (γ²v/2)$^L$")
    ax.set(yscale="log", ylim=(3e-7, 8), xlabel="LDLT layers L, a ReLU after each", ylabel="second moment, mean")
    ax.set_title("With ReLU no σ preserves the signal; a gain does")
    ax.legend(loc="lower left")
    ends = ", ".join(f"{NAMES[name]} {data.without(name)[:, -1].mean():.2g}" for name in data.measured)
    kept = " to ".join(f"{end(rows[:, -1].mean() for rows in data.measured.values()):.2f}" for end in (min, max))
    return (
        f"Mean second moment against depth with a ReLU after every layer. At γ = 1 lines fall on a logarithmic axis; "
        f"after {depths[-1]} layers it is {ends}. With the gain √(2/v) all stay level, at {kept}."
    )


def gradient_sizes(ax: Axes, data: FirstGradients) -> str:
    """Absolute and relative gradient of one layer against the scale, with its band over draws."""
    for rows, colour, words in ((data.absolute, MEASURED, "gradient"), (data.relative, WORST, "gradient / ‖W‖")):
        band(ax, data.factors, rows, colour, words)
    _mark_scales(ax)
    ax.set(xscale="log", yscale="log", xlabel="initialization scale σ√n", ylabel="Frobenius norm at the start")
    ax.set_title("The gradient shrinks late, its share of W at once")
    ax.legend(loc="lower left")
    (a, b), (c, d) = (np.median(rows[:, [0, -1]], axis=0) for rows in (data.absolute, data.relative))
    return (
        f"Median gradient at W of a {data.n} × {data.n} layer for scales {data.factors[0]:g} to {data.factors[-1]:g}: "
        f"the absolute one falls from {a:.2g} to {b:.2g}, the one relative to W from {c:.2g} to {d:.2g}."
    )


def depths(ax: Axes, data: list[FirstGradients]) -> str:
    """Gradient at the first layer against the scale, one band for each depth."""
    peaks = []
    for one, colour in zip(data, (MEASURED, SECOND, ALLOWED, THIRD)):
        band(ax, one.factors, one.absolute, colour, f"{one.depth} layer{'s' * (one.depth > 1)}")
        peaks.append(one.factors[np.median(one.absolute, axis=0).argmax()])
    _mark_scales(ax)
    ax.set(xscale="log", yscale="log", ylim=(1e-6, 200), xlabel="initialization scale σ√n")
    ax.set(ylabel="gradient at the first W", title="The deeper the stack, the larger the scale it needs")
    ax.legend(loc="lower right", ncols=2)
    found = ", ".join(f"{one.depth} layer{'s' * (one.depth > 1)} at {peak:.2g}" for one, peak in zip(data, peaks))
    return f"Median gradient at the first W against the scale for several depths; it is largest for {found}."


def _mark_scales(ax: Axes) -> None:
    for factor in SCALES.values():
        ax.axvline(factor, color=MUTED, lw=0.8, ls=":")


def gain(ax: Axes, data: Gain) -> str:
    """Second moment of a stack with gain γ, and the Lipschitz constant that pays for it."""
    halved = data.activation == "ReLU"
    law = "second moment (γ²v/2)$^L$" if halved else "second moment (γ²v)$^L$"
    ax.plot(data.depths, data.variance, "o-", color=MEASURED, ms=3.5, label=law)
    ax.plot(data.depths, data.lipschitz, color=WORST, label="Lipschitz constant γ$^L$")
    for values, colour in ((data.variance, MEASURED), (data.lipschitz, WORST)):
        ax.plot([data.depth], [values[data.depth]], "o", color=colour, ms=8)
    ax.axhline(1, color=MUTED, lw=0.8)
    ax.set(yscale="log", ylim=(1e-8, 1e7), xlabel="layers L", ylabel="second moment, or Lipschitz constant")
    variance, lipschitz = data.variance[data.depth], data.lipschitz[data.depth]
    ax.set_title(f"γ = {data.gamma:.3g}: {_short(variance)} left, Lipschitz {_short(lipschitz)}")
    ax.legend(loc="upper left")
    return (
        f"Scale {data.factor:g}/√n, gain {data.gamma:.3g}{', ReLU' * halved}: one layer has variance "
        f"{data.one_layer:.2f} at γ = 1; {data.depth} layers leave {_short(variance)} and have the Lipschitz constant "
        f"{_short(lipschitz)}."
    )


def _short(value: float) -> str:
    return f"{value:.2g}"


def rates(ax: Axes, data: RateCurves) -> str:
    """Validation loss against learning rate: means over seeds with the middle 80 % of them, and the best rate."""
    words = []
    for i, scale in enumerate(data.scales):
        finite = np.isfinite(data.loss[i]).all(axis=1)
        middle = data.loss[i][finite].mean(axis=1)
        low, high = np.quantile(data.loss[i][finite], [0.1, 0.9], axis=1)
        shift = 1.06 ** (i - (len(data.scales) - 1) / 2)  # side by side, so that bars can be told apart
        colour, best, hollow = COLOURS[scale], data.best(i), not _is_gain(scale)
        ends = np.maximum((middle - low, high - middle), 0)
        ax.errorbar(
            data.rates[finite] * shift,
            middle,
            ends,
            color=colour,
            marker="o",
            mfc="white" if hollow else colour,
            ms=4,
            lw=1.3,
            elinewidth=0.7,
            ls="--" if hollow else "-",
            label=NAMES[scale],
        )
        lowest = data.loss[i, best].mean()
        ax.plot(data.rates[best] * shift, lowest, "o", color=colour, mfc="white" if hollow else colour, ms=8)
        words.append(f"{NAMES[scale]} {lowest:.3f} at rate {data.rates[best]:g}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="validation loss")
    ax.set_title(f"{data.optimizer}, {data.depth} layers: no rate suits all")
    ax.legend(loc="upper left", ncols=2, columnspacing=0.8, handlelength=1.8, fontsize=8)
    return (
        f"Validation loss against learning rate for {data.optimizer} and {data.depth} layers, means of "
        f"{data.loss.shape[2]} seeds and the middle 80 % of them; lowest mean: {', '.join(words)}."
    )


def higgs_rates(ax: Axes, data: RateCurves) -> str:
    """The same for HIGGS, with limits that hold for every optimizer and depth, and the loss of guessing."""
    ax.axhline(np.log(2), color=MUTED, lw=0.8)
    ax.set(xlim=(2e-4, 1.5), ylim=(0.61, 0.78))
    return rates(ax, data)


def accuracies(ax: Axes, data: Accuracies) -> str:
    """Test accuracy of every arm for each optimizer and depth, with the share of the larger class."""
    ax.axvline(100 * data.larger_class, color=THEORY, lw=1, label="larger class")
    words = []
    for place, setting in enumerate(data.settings):
        for i, arm in enumerate(data.arms):
            mean = overlap_interval(100 * data.values[place, i])
            ax.errorbar(
                mean.value,
                place + 0.13 * (i - (len(data.arms) - 1) / 2),
                xerr=mean.half,
                fmt="o",
                ms=4,
                color=COLOURS[arm],
                mfc=COLOURS[arm] if _is_gain(arm) else "white",
                capsize=2,
                elinewidth=1,
                label=NAMES[arm] if place == 0 else "_",
            )
        means = 100 * data.values[place].mean(axis=1)
        order = np.argsort(-means)
        best, worst = (f"{NAMES[data.arms[i]]} {means[i]:.0f} %" for i in (order[0], order[-1]))
        words.append(f"{' '.join(map(str, setting))}: {best} to {worst}")
    ax.set_yticks(range(len(data.settings)), [f"{optimizer}, {depth}" for optimizer, depth in data.settings])
    ax.invert_yaxis()
    low, high = ax.get_xlim()
    ax.set_xlim(max(low, 0), min(high, 101))
    ax.set(xlabel=f"test accuracy on {data.name}, in percent", ylabel="optimizer, layers")
    spread = np.ptp(data.values.mean(axis=2), axis=1)
    optimizer, depth = data.settings[int(spread.argmax())]
    ax.set_title(f"{data.name}: the start matters most for {optimizer} with {depth} layers")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return (
        f"Test accuracy on {data.name} of six starts with 99 % intervals, by optimizer and depth, best to worst mean; "
        f"a line at {100 * data.larger_class:.0f} %, the larger class. {'; '.join(words)}."
    )


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
    ax.set(ylabel="optimizer, layers", title=f"{NAMES[data.one]}: better in {wins} of {len(rows)}, worse in {losses}")
    values = ", ".join(f"{row.optimizer} {row.depth}: {100 * row.value:+.1f}" for row in rows)
    return (
        f"Test accuracy with {NAMES[data.one]} minus that with {NAMES[data.other]}, in points with 99 % intervals, "
        f"by optimizer and depth: {values}."
    )


def priced(ax: Axes, data: Priced) -> str:
    """Hidden digits named right against the price γ^8, by optimizer: a dot for each seed, lines through means."""
    styles = {"SGD": (WORST, "s", "--"), "Adam": (MEASURED, "o", "-")}
    for name, shares in data.accuracy.items():
        colour, marker, line = styles[name]
        places = np.repeat(data.prices, shares.shape[1])
        ax.plot(places, 100 * shares.ravel(), marker, ms=4, color=colour, alpha=0.6)
        ax.plot(data.prices, 100 * shares.mean(axis=1), line, color=colour, label=name)
    if data.yours is not None:
        ax.plot(data.prices, 100 * data.yours, "*", ms=12, color=SECOND, label="yours")
    ax.axhline(10, color=MUTED, lw=0.8)
    ax.set(xscale="log", ylim=(0, 100), xlabel="price γ⁸, the Lipschitz constant that is guaranteed")
    ax.set(ylabel="hidden digits named right, in percent", title="SGD needs the price, Adam does not")
    ax.legend(loc="lower right")
    words = "; ".join(
        f"{name} "
        + ", ".join(f"{100 * mean:.0f} % at {price:g}" for price, mean in zip(data.prices, shares.mean(axis=1)))
        for name, shares in data.accuracy.items()
    )
    yours = "" if data.yours is None else f" Yours: {', '.join(f'{100 * one:.0f} %' for one in data.yours)}."
    return f"Hidden digits named right after training eight layers at several prices, means over seeds: {words}.{yours}"
