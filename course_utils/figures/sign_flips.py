"""Drawings of Chapter 2; what each takes is computed by :mod:`course_utils.experiments.sign_flips`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments.sign_flips import GapAgainstWidth, PlaneMove, Reasons, TauTradeoff
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, WORST, band


def flips(ax: Axes, data: PlaneMove) -> str:
    """Weights in the plane, seen by an input along the first axis, before and after the move: who flips lights up."""
    _moves(ax, data)
    ax.plot(*data.W[~data.flipped].T, ".", color=MEASURED, ms=4)
    ax.plot(*data.W[data.flipped].T, "X", color=WORST, ms=6)
    for x, words in ((0.03, "off"), (0.9, "on")):
        ax.text(x, 0.93, words, color=MUTED, weight="bold", transform=ax.transAxes)
    count = int(data.flipped.sum())
    ax.set_title(f"{data.way}: {count} of {data.near.size} flip")
    return f"{data.near.size} neurons in the plane, B = {data.B:g} spent {data.way}: {count} have crossed the line."


def _moves(ax: Axes, data: PlaneMove) -> None:
    """The line where the input sees zero, and each neuron's way."""
    ax.axvline(0, color=THEORY, lw=1)
    # One line with gaps: a collection of 150 segments takes a slider a quarter of its time.
    moves = np.stack([data.W0, data.W, np.full_like(data.W, np.nan)], axis=1).reshape(-1, 2)
    ax.plot(*moves.T, color=MUTED, lw=0.8)
    ax.set(xlim=(-4.5, 4.5), ylim=(-4.5, 5.8), xlabel="w·x", ylabel="w across x")


def plane(ax: Axes, data: PlaneMove) -> str:
    """Weights in the plane, seen by an input along the first axis: the strip, the moves, the flips."""
    ax.axvspan(-data.tau, data.tau, color=ALLOWED, alpha=0.25, lw=0)
    _moves(ax, data)
    groups = (
        (~data.near & ~data.far, MUTED, "."),
        (data.near & ~data.flipped, ALLOWED, "o"),
        (data.far & ~data.flipped, SECOND, "s"),
        (data.flipped, WORST, "X"),
    )
    for mask, colour, marker in groups:
        ax.plot(*data.W[mask].T, marker, color=colour, ms=6 if marker == "X" else 4)
    for x, words, colour in ((0.01, "flipped", WORST), (0.22, "started near", "#8F5F00"), (0.57, "moved far", SECOND)):
        ax.text(x, 0.93, words, color=colour, weight="bold", transform=ax.transAxes)
    near, far, both = int(data.near.sum()), int(data.far.sum()), int((data.near | data.far).sum())
    turned = int(data.flipped.sum())
    outside = int((data.flipped & ~data.near & ~data.far).sum())
    ax.set(title=f"{turned} flips, {outside} outside the {both} bad")
    return (
        f"{data.near.size} neurons in the plane, moved by B = {data.B:g}, with the strip of half-width {data.tau:g}: "
        f"{near} start near (S1), {far} move far (S2), {both} do either (bound on average {data.bound:.0f}), "
        f"{turned} flip, {outside} of them outside."
    )


def reasons(ax: Axes, data: Reasons) -> str:
    """Shares of neurons that start near, move far, do either, and flip, over τ, and where the reader has counted."""
    colours = ("#8F5F00", SECOND, THEORY, WORST)
    laws = (data.near, data.far, None, np.full_like(data.tau, data.flipped))
    labels = ("|S₁|, start near", "|S₂|, move far", "their union", "flips")
    for law, counted, colour, label in zip(laws, data.counted, colours, labels):
        if law is not None:
            ax.plot(data.tau, law, "--", color=colour, lw=1.2)
        ax.plot(data.tau, counted, ".", color=colour, ms=7, label=label)
    best = int(data.counted[2].argmin())
    told = ""
    if data.yours is not None:
        m, tau, shares = data.yours
        for place, (share, colour) in enumerate(zip(shares, colours)):
            ax.plot([tau], [share], "D", color=colour, ms=10, mfc="none", label=None if place else "yours")
        told = f" Diamonds: yours, {m:g} neurons at τ = {tau:g}."
    ax.set(xscale="log", yscale="log", ylim=(5e-3, 4), xlabel="threshold τ", ylabel="share of the neurons")
    ax.set_title("The bad set holds many who do not flip")
    ax.legend(loc="upper left", ncols=3)
    return (
        f"Shares of {data.m:g} neurons under a random move, over τ: the union of S1 and S2 is smallest at "
        f"τ = {data.tau[best]:.2f}, {data.counted[2, best]:.0%}; {data.counted[3, best]:.1%} flip, whatever τ is.{told}"
    )


def tau_tradeoff(ax: Axes, data: TauTradeoff) -> str:
    """The two terms of the bound on the bad set against τ, and where their sum is smallest."""
    ax.plot(data.tau, data.near_bound, "--", color=MEASURED, lw=1.3, label="mτ, start near")
    ax.plot(data.tau, data.near, ".", color=MEASURED, label="|S₁|, counted")
    ax.plot(data.tau, data.far_bound, "--", color=SECOND, lw=1.3, label="B²/τ², move far")
    ax.plot(data.tau, data.near_bound + data.far_bound, color=THEORY, label="their sum")
    ax.plot([data.best_tau], [data.best], "o", color=WORST, ms=8)
    ax.annotate("τ*", (data.best_tau, data.best), xytext=(0, 9), textcoords="offset points", color=WORST, ha="center")
    ax.set(xscale="log", yscale="log", xlabel="strip half-width τ", ylabel="neurons")
    ax.set_title("A thin strip lets many move far, a wide one holds many")
    ax.set_ylim(top=2e7)
    ax.legend(loc="upper right")
    return (
        f"Bounds on the two bad sets against tau for m = {data.m}, B = {data.B:g}: one rises, one falls, and their sum "
        f"is smallest, {data.best:.0f} neurons, at tau = {data.best_tau:.3f}."
    )


def gap_against_width(ax: Axes, data: GapAgainstWidth) -> str:
    """Gap of random moves against the width (root mean square), under the bound by flips and the naive one."""
    ax.plot(data.widths, data.naive, color=MUTED, label="naive √m‖W‖$_F$")
    band(ax, data.widths, data.flip_bound, SECOND, "√flips · B")
    # The theory is a mean square's, so the dots are too; the band holds the middle 80 %, as everywhere.
    measured = np.sqrt(np.mean(data.gap**2, axis=0))
    ax.fill_between(data.widths, *np.quantile(data.gap, [0.1, 0.9], axis=0), color=MEASURED, alpha=0.2, linewidth=0)
    ax.plot(data.widths, measured, "o", color=MEASURED, markersize=4, label="|f − f₀|, root mean square")
    ax.plot(data.widths, data.rms, "--", color=THEORY, lw=1.2, label="its theory")
    ax.set(xscale="log", yscale="log", xlabel="width m", ylabel="|f − f₀|, without the factor 1/√m")
    ax.set_ylim(top=1e9)
    ax.set_title("The naive bound looks at everyone, the gap only at flips")
    ax.legend(loc="upper left")
    ratio = data.naive[-1] / measured[-1]
    return (
        f"Gap against width from {data.widths[0]} to {data.widths[-1]}: the naive bound grows like the width, the "
        f"bound by counted flips like its fourth root, the gap falls. At the largest width the naive bound is "
        f"{ratio:.0e} times the gap."
    )
