"""Drawings of Chapter 1; what each takes is computed by :mod:`course_utils.experiments.taylor`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments.taylor import Envelope, MoveCloud, Tightness, WidthScaling
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, WORST, band


def envelope(ax: Axes, data: Envelope) -> str:
    """The activation, its tangent, the parabolas that must contain it, and the gap at one step."""
    z1, sigma1 = data.z0 + data.step, data.tangent_at_step + data.gap_at_step
    ax.fill_between(data.z, data.tangent - data.allowed, data.tangent + data.allowed, color=ALLOWED, alpha=0.25, lw=0)
    ax.plot(data.z, data.tangent, "--", color=THEORY, lw=1.2)
    ax.plot(data.z, data.sigma, color=MEASURED)
    ax.plot([z1, z1], [data.tangent_at_step, sigma1], color=WORST, lw=3, solid_capstyle="butt")
    ax.plot([data.z0], [data.sigma_at_z0], "o", color=THEORY, ms=5)
    ax.text(-3.9, 4.4, "allowed", color="#8F5F00")
    ax.text(0.1, -2.7, "σ", color=MEASURED)
    ax.text(0.6, -2.7, "tangent", color=THEORY)
    ax.text(2.2, -2.7, "gap", color=WORST)
    ax.set(xlim=(-4, 4), ylim=(-3, 5), xlabel="z", ylabel="σ(z)")
    share = abs(data.gap_at_step) / data.allowed_at_step if data.allowed_at_step else 0.0
    ax.set_title(f"{data.name}: gap {share:.0%} of what is allowed")
    return (
        f"{data.name} with its tangent at {data.z0:g}: at a step of {data.step:g} the gap is "
        f"{data.gap_at_step:.3f}, the envelope allows {data.allowed_at_step:.3f}."
    )


def tightness(ax: Axes, data: Tightness) -> str:
    """For each activation the best share of the envelope against the step length."""
    for name, share in zip(data.names, data.share):
        ax.plot(data.steps, share, label=name)
    ax.axhline(1, color=MUTED, lw=1)
    ax.set(xscale="log", ylim=(0, 1.05), xlabel="step |x − x₀|", ylabel="largest |gap| / bound")
    ax.set_title("Short steps can use the whole bound")
    ax.legend(ncols=2, loc="lower left")
    first, last = data.share[:, 0], data.share[:, -1]
    return (
        f"Largest share of the bound for seven activations: from {first.min():.4f} to {first.max():.4f} at step "
        f"{data.steps[0]:g}, from {last.min():.2f} to {last.max():.2f} at step {data.steps[-1]:g}."
    )


def cloud(ax: Axes, data: MoveCloud) -> str:
    """Gaps of random moves under the line of Proposition 4.1, on logarithmic axes."""
    order = data.movement.argsort()
    ax.plot(data.movement[order], data.bound[order], color=THEORY, label="(β/2)‖W − W₀‖²")
    kinds = zip((MEASURED, SECOND, WORST), ("isotropic", "rows along x", "one neuron"))
    for kind, (colour, label) in enumerate(kinds):
        mine = data.kind == kind
        ax.plot(data.movement[mine], data.gap[mine], ".", color=colour, ms=3, alpha=0.6, label=label)
    ax.set(xscale="log", yscale="log", ylim=(1e-7, 1e3), xlabel="movement ‖W − W₀‖$_F$", ylabel="|f − f₀|")
    ax.set_title("No move gets above the line")
    ax.legend(loc="lower right", markerscale=3)
    above = int((data.gap > data.bound).sum())
    return f"{data.gap.size} random moves of a network: {above} lie above the bound of Proposition 4.1."


def width_scaling(ax: Axes, data: WidthScaling) -> str:
    """Both decay rates in the width, as medians with 80 % bands beside their theory, and those of the reader's nets."""
    ax.plot(data.widths, data.bound, color=THEORY, lw=1.2, label="Proposition 4.1, slope −1/2")
    ax.plot(data.widths, data.random_median, "--", color=THEORY, lw=1.2, label="random signs, slope −1")
    band(ax, data.widths, data.worst, WORST, "worst move")
    band(ax, data.widths, data.random, MEASURED, "isotropic random move")
    told = ""
    if data.yours is not None:
        widths, *both = data.yours
        for gaps, label in zip(both, ("yours", None)):
            ax.plot(widths, np.median(gaps, axis=0), "D", color=SECOND, ms=8, mfc="none", mew=1.5, label=label)
        told = f" Diamonds: yours, {len(both[0])} nets up to width {max(widths)}."
    ax.set(xscale="log", yscale="log", xlabel="width m", ylabel="|f − f₀|, with the factor 1/√m")
    ax.set_ylim(bottom=data.random_median[-1] / 1e4)
    ax.set_title("Chance cancels faster than malice")
    ax.legend(loc="lower left")
    return (
        f"Gap against width from {data.widths[0]} to {data.widths[-1]} on logarithmic axes: the worst move follows "
        f"Proposition 4.1 with slope −1/2, an isotropic random move falls with slope −1.{told}"
    )
