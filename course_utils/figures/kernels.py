"""Drawings of Chapter 7; what each takes is computed by :mod:`course_utils.experiments.kernels`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments import kernels
from course_utils.figures import ALLOWED, CYCLE, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, agreement, band

# words in colours that can be read on white
GREY = "#5F5F5F"
DARK = "#8F5F00"


def _wide_axis(ax: Axes, values: np.ndarray, label: str) -> None:
    """A logarithmic axis with a tick at every value and none between."""
    ax.set_xscale("log")
    ax.set_xticks(values, [str(value) for value in values])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(label)


def _words(ax: Axes, y: float, *words: tuple[float, str, str]) -> None:
    """Coloured words in place of a legend, which would take a slider a third of its time."""
    for x, word, colour in words:
        ax.text(x, y, word, color=colour, weight="bold")


def kernel_curve(ax: Axes, data: kernels.KernelCurve) -> str:
    """The kernel of one net over the angle, its limit, and twice the root mean square error around it."""
    degrees = np.degrees(data.angle)
    low, high = data.limit - 2 * data.law, data.limit + 2 * data.law
    ax.fill_between(degrees, low, high, color=ALLOWED, alpha=0.3, lw=0)
    ax.plot(degrees, data.limit, color=THEORY, lw=1.3)
    ax.plot(degrees, data.kernel, ".", color=MEASURED, ms=5)
    _words(ax, 0.7, (70, "limit", THEORY), (105, "± 2 rms", DARK))
    _words(ax, 0.6, (70, "one net", MEASURED))
    ax.set(xlim=(0, 180), xticks=[0, 45, 90, 135, 180], ylim=(-0.2, 0.8), xlabel="angle between the inputs, degrees")
    inside = np.mean(np.abs(data.kernel - data.limit) <= 2 * data.law + 1e-12)
    largest = np.abs(data.kernel - data.limit).max()
    ax.set(ylabel="kernel", title=f"m = {data.m}: off by at most {largest:.3f}")
    return (
        f"Kernel of one random net of width {data.m} against the angle between two unit inputs, around its "
        f"limit: largest distance {largest:.3f}, {inside:.0%} of the angles within twice the rms error."
    )


def kernel_errors(ax: Axes, data: kernels.KernelErrors) -> str:
    """Error of random nets' kernels against the width, with the exact law."""
    ax.plot(data.widths, data.law, color=THEORY, label="law, exactly ∝ m$^{-1/2}$")
    band(ax, data.widths, data.error, MEASURED, "random nets")
    _wide_axis(ax, data.widths, "width m")
    ax.set(yscale="log", ylabel="rms error of the kernel", title="Four times the width halves the error of the kernel")
    ax.legend()
    ends = np.sqrt(np.mean(data.error**2, axis=0))
    return (
        f"Rms distance of the kernel from its limit, widths {data.widths[0]} to {data.widths[-1]}: "
        f"from {ends[0]:.2g} (law {data.law[0]:.2g}) to {ends[-1]:.2g} (law {data.law[-1]:.2g})."
    )


class Paths(NamedTuple):
    """A study of widths, and the expected distance of an infinitely wide net after 0, 1, 2, … steps."""

    study: kernels.WidthStudy
    expected: np.ndarray


def paths(ax: Axes, data: Paths) -> str:
    """How far the weights of nets of several widths have travelled after each step."""
    shown = range(0, len(data.study.widths), 2)
    for colour, j in zip(CYCLE, shown):
        ax.plot(data.study.paths[j], color=colour, lw=1.3, label=f"m = {data.study.widths[j]}")
    ax.plot(data.expected, "--", color=THEORY, label="infinite width, computed")
    ax.set(xlabel="steps of gradient descent", ylabel="rms distance ‖W − W₀‖$_F$")
    ax.set_ylim(bottom=0)
    ax.set_title("Nets of every width go equally far")
    ax.legend(loc="lower right")
    ends = ", ".join(f"{data.study.paths[j][-1]:.1f} at m = {data.study.widths[j]}" for j in shown)
    steps = len(data.expected) - 1
    return f"Distance from the start after {steps} steps: {ends}; expected {data.expected[-1]:.1f}."


def distances(ax: Axes, data: kernels.WidthStudy) -> str:
    """Three distances between functions, at new inputs, against the width."""
    columns = (
        (data.net_limit, MEASURED, "net, limit kernel"),
        (data.tangent_limit, ALLOWED, "f₀, limit kernel"),
        (data.net_tangent, WORST, "net, f₀"),
    )
    for values, colour, label in columns:
        band(ax, data.widths, values, colour, label)
    anchor = np.median(data.net_limit[:, 0])
    guide = anchor * np.sqrt(data.widths[0] / data.widths)
    ax.plot(data.widths, guide, "--", color=THEORY, lw=1, label="m$^{-1/2}$")
    _wide_axis(ax, data.widths, "width m")
    ax.set(yscale="log", ylabel="rms distance at new inputs")
    ax.set_title("The luck of the draw costs more than leaving the tangent")
    ax.legend(ncols=2, loc="lower left")
    ax.set_ylim(bottom=np.median(data.net_tangent[:, -1]) / 8)
    medians = ((label, np.median(values, axis=0)) for values, _, label in columns)
    ends = ", ".join(f"{label} {v[0]:.2g} to {v[-1]:.2g}" for label, v in medians)
    return f"Median distances of trained functions, widths {data.widths[0]} to {data.widths[-1]}: {ends}."


def switch(ax: Axes, data: kernels.LazySwitch) -> str:
    """How far training moves the kernel, against the width, with 1/√m and with 1/m in front of the net."""
    ends, own = [], ""
    for k, (colour, name) in enumerate(((MEASURED, "1/√m"), (WORST, "1/m"))):
        turned = 100 * data.turned[k]
        band(ax, data.widths, turned, colour, f"{name} in front")
        middle = np.median(turned, axis=0)
        ax.plot(data.widths, middle, color=colour, lw=1)
        ends.append(f"{name} {middle[0]:.2g} % to {middle[-1]:.2g} %")
        if data.yours is not None:
            label = "yours, one net" if k else None
            ax.plot(data.widths, 100 * data.yours[:, k, 1], "o", color=THEORY, mfc="none", ms=9, label=label)
    if data.yours is not None:
        own = f" Yours, one net a width: {_same(data.yours[:, :, 1], data.turned[:, 0].T)}."
    _wide_axis(ax, data.widths, "width m")
    ax.set(yscale="log", ylabel="move of the kernel, % of its norm")
    ticks = [1, 2, 5, 10, 20]
    ax.set_yticks(ticks, [str(tick) for tick in ticks])
    ax.set_yticks([], minor=True)
    ax.set_title("With 1/m in front, the kernel moves at every width")
    ax.legend(loc="lower left")
    sizes = f"{data.widths[0]} to {data.widths[-1]} neurons"
    return f"Move of the net's own kernel in training, medians, {sizes}: {', '.join(ends)}.{own}"


def _same(yours: np.ndarray, ours: np.ndarray) -> str:
    """In words; a function may be zero somewhere, so that its largest value is what errors are measured by."""
    return agreement(np.abs(yours - ours).max() / np.abs(ours).max())


def neurons(ax: Axes, data: kernels.Neurons) -> str:
    """Each neuron's weights before training and after, coloured by its sign."""
    ax.plot(*data.init.W0.T, ".", color=MUTED, ms=4, alpha=0.6)
    for sign, colour, word, at in ((1, MEASURED, "a = +1", -7.6), (-1, WORST, "a = −1", 4.6)):
        ax.plot(*data.W[data.init.a == sign].T, ".", color=colour, ms=4)
        ax.text(at, 6.6, word, color=colour, weight="bold")
    share = np.linalg.norm(data.W - data.init.W0) / np.linalg.norm(data.init.W0)
    ax.set(xlim=(-8, 8), ylim=(-8, 8), xticks=[-5, 0, 5], yticks=[-5, 0, 5], aspect="equal")
    ax.set(xlabel="first weight", ylabel="second weight")
    ax.set_title(f"m$^{{-{data.power:.2g}}}$: moved {share:.0%} of their length")
    return (
        f"{len(data.W)} neurons in the plane before training and after, factor m to the power −{data.power:.2g}: they "
        f"moved {share:.0%} of their length{' by your descent' if data.yours else ''}."
    )


def beside(ax: Axes, data: kernels.CircleRun) -> str:
    """A trained net beside its kernel."""
    degrees = np.degrees(data.grid)
    ax.plot(degrees, data.functions.limit, color=THEORY, lw=1.3)
    ax.plot(degrees, data.functions.net, color=MEASURED, lw=1.8)
    _words(ax, 1.75, (-170, "kernel", THEORY), (-90, "net", MEASURED))
    ax.plot(np.degrees(data.angle), data.y, "o", color=WORST, ms=5)
    ax.set(xlim=(-180, 180), xticks=[-180, -90, 0, 90, 180], ylim=(-1.9, 2.1), xlabel="input, degrees on the circle")
    ax.set(ylabel="f(x)", title=f"m = {data.m}, {data.steps} steps: {data.apart:.2f} apart")
    return (
        f"A net of width {data.m} after {data.steps} steps on eight points, at distance {data.distance:.1f} "
        f"from its start: net and limit kernel differ by {data.apart:.3f} (rms over the circle)."
    )


def circle_run(ax: Axes, data: kernels.CircleRun) -> str:
    """Trained net, trained f0 and limit kernel on the circle; a reader's own net and kernel as rings."""
    text = beside(ax, data)
    degrees, three = np.degrees(data.grid), data.functions
    ax.plot(degrees, three.tangent, "--", color=ALLOWED)
    _words(ax, 1.75, (-40, "f₀", DARK))
    ours = three.net[::5], three.limit[::5]
    own = [(colour, *pair) for colour, *pair in zip((MEASURED, THEORY), data.yours, ours) if pair[0] is not None]
    for colour, values, _ in own:
        ax.plot(degrees[::5], values, "o", color=colour, mfc="none", ms=6)
    if not own:
        return text
    _words(ax, 1.75, (20, "○ yours", THEORY))
    same = _same(*(np.array([part[i] for part in own]) for i in (1, 2)))
    return f"{text[:-1]}; yours, in rings: {same}."


def circle_fit(ax: Axes, data: kernels.CircleFit) -> str:
    """Regression on the circle, with or without a bias coordinate."""
    degrees = np.degrees(data.grid)
    ax.plot(degrees, data.target, color=MUTED, lw=3, alpha=0.6)
    ax.plot(degrees, data.linear, color=SECOND, lw=1.2)
    ax.plot(degrees, data.kernel, color=MEASURED)
    _words(ax, 3.2, (-170, "target", GREY), (-70, "linear", "#00735A"), (30, "kernel", MEASURED))
    ax.plot(np.degrees(data.angle), data.y, ".", color=WORST, ms=7)
    ax.set(xlim=(-180, 180), xticks=[-180, -90, 0, 90, 180], ylim=(-3, 3.9), xlabel="input, degrees on the circle")
    ax.set(ylabel="f(x)", title=f"n = {data.n}, {data.bias} bias: error {data.error:.2g}")
    return (
        f"cos 2φ + cos 3φ, seen at {data.n} points of the circle: kernel regression {data.bias} bias leaves "
        f"{data.error:.2g} of the target's mean square."
    )


def learning(ax: Axes, data: kernels.LearningCurve) -> str:
    """Error on new inputs against the sample size for three predictors."""
    for values, colour, label in (
        (data.linear, THIRD, "linear"),
        (data.kernel, WORST, "kernel without bias"),
        (data.with_bias, MEASURED, "kernel with bias"),
    ):
        band(ax, data.sizes, values, colour, label)
    ax.axhline(0.5, color=THEORY, lw=1, ls="--")
    ax.text(data.sizes[-1], 0.46, "share of the odd cubic", va="top", ha="right", fontsize=8.5)
    _wide_axis(ax, data.sizes, "sample size n")
    ax.set(yscale="log", ylabel="relative mean square error")
    ax.set_title("Without a bias, half of the target stays out of reach")
    ax.legend(loc="lower left")
    names = "linear", "kernel", "with_bias"
    ends = ", ".join(f"{name} {np.median(getattr(data, name)[:, -1]):.2g}" for name in names)
    sizes = f"{data.sizes[0]} to {data.sizes[-1]}"
    return f"Median error on new inputs, sample sizes {sizes}; at the largest: {ends}."


def layers(ax: Axes, data: kernels.LayerStudy) -> str:
    """√m times the error of the kernel, for every kind of first layer."""
    markers = dict(zip(data.kinds, "osD^vP"))
    colours = dict(zip(data.kinds, (MEASURED, SECOND, ALLOWED, THIRD, WORST, "#56B4E9")))
    error = np.sqrt(np.mean(data.error**2, axis=1))
    for kind, row in zip(data.kinds, error):
        ax.plot(data.widths, row, markers[kind] + "-", color=colours[kind], ms=5, lw=1, label=kind)
    ax.axhline(data.gaussian_law, color=THEORY, lw=1, ls="--")
    ax.axhline(data.mirrored_law, color=THEORY, lw=1, ls=":")
    _wide_axis(ax, data.widths, "width m")
    ax.set_yscale("log")
    ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
    ax.set_yticks([], minor=True)
    ax.set(ylabel="√m · rms error of the kernel", title="Round laws share a limit; signs and cubes have their own")
    ax.legend(ncols=2, loc="upper left")
    ax.set_ylim(error.min() / 1.3, error.max() * 2.5)
    ends = ", ".join(f"{kind} {row[-1]:.2g}" for kind, row in zip(data.kinds, error))
    return (
        f"Root of the width times the kernel's error, widths {data.widths[0]} to {data.widths[-1]}; laws "
        f"{data.gaussian_law:.2g} (Gaussian) and {data.mirrored_law:.2g} (mirrored); at the largest: {ends}."
    )
