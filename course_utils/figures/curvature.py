"""Drawings of Chapter 4; what each takes is computed by :mod:`course_utils.experiments.curvature`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments import curvature
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, WORST, band

SCHEME_COLOURS = {"Glorot": MEASURED, "He": WORST, "Hessian": SECOND}


def variance_flow(ax: Axes, data: curvature.VarianceFlow) -> str:
    """Mean squares of signals and of gradients through the layers."""
    layers = np.arange(data.forward.shape[1])
    ax.axhline(1, color=THEORY, lw=1)
    band(ax, layers, data.forward, MEASURED, "forward, z")
    band(ax, layers, data.backward, WORST, "backward, ∂L/∂z")
    ax.set(yscale="log", ylim=(1e-8, 1e3), xlabel="layer k", ylabel="mean square / first")
    ends = np.median(data.forward[:, -1]), np.median(data.backward[:, 0])
    ax.set_title(f"{data.scheme}: ends at {ends[0]:.2g}, {ends[1]:.2g}")
    ax.legend(loc="upper left")
    return (
        f"Mean squares through {layers[-1]} layers under {data.scheme}: forward the last is {ends[0]:.2g} times the "
        f"first, backward the first is {ends[1]:.2g} times the last."
    )


def descent(ax: Axes, data: curvature.Descent) -> str:
    """A parabola and the points that gradient descent visits on it."""
    w = np.linspace(-2, 2, 101)
    ax.plot(w, data.curvature * w**2 / 2, color=THEORY, lw=1.2)
    inside = data.path[np.abs(data.path) <= 2]
    ax.plot(inside, data.curvature * inside**2 / 2, "o-", color=MEASURED, lw=0.8, ms=5)
    product = data.step * data.curvature
    ratio = abs(1 - product)
    word = "arrives" if ratio < 1e-9 else "shrinks" if ratio < 1 - 1e-9 else "stays" if ratio < 1 + 1e-9 else "grows"
    ax.set(xlim=(-2, 2), ylim=(-0.1, 3), xlabel="w", ylabel="loss λw²/2", title=f"γλ = {product:.2g}: w {word}")
    return (
        f"Gradient descent from w = 1 with step {data.step:g} on curvature {data.curvature:g}: each step multiplies w "
        f"by {1 - product:.3g}; it {word}."
    )


def step_curve(ax: Axes, data: curvature.StepCurve) -> str:
    """Loss after one gradient step against its length, with the quadratic model."""
    ax.axhline(data.start, color=MUTED, lw=1)
    ax.plot(data.steps, data.model, color=THEORY, label="corrected quadratic model")
    ax.plot(data.steps, data.loss, ".", color=MEASURED, label="loss after the step")
    for at, words, colour in ((data.guarantee, "2/λ_max", WORST), (data.safe, "2‖g‖²/gᵀHg", SECOND)):
        ax.axvline(at, color=colour, ls="--", lw=1.2, label=words)
    ax.set(xlabel="step γ", ylabel="loss", title="λ_max guards against every direction, not only this one")
    ax.legend()
    return (
        f"Loss of a network after one gradient step: its quadratic model falls up to {data.safe / 2:.3g} and stays "
        f"below the start up to {data.safe:.3g}; the guarantee 2/λ_max is {data.guarantee:.3g}; the smallest loss is "
        f"reached at {data.steps[data.loss.argmin()]:.3g}."
    )


def error_map(ax: Axes, data: curvature.ErrorMap) -> str:
    """What Theorem 1 neglects, over the scales of weights and biases."""
    from matplotlib.colors import LogNorm

    mesh = ax.pcolormesh(
        data.weight_scales, data.bias_scales, data.error, norm=LogNorm(1e-3, 1), cmap="cividis", shading="nearest"
    )
    ax.figure.colorbar(mesh, ax=ax)
    if data.kind == "relative" and data.error.min() < 0.1 < data.error.max():
        ax.contour(data.weight_scales, data.bias_scales, data.error, levels=[0.1], colors=["white"])
    ax.set(xscale="log", yscale="log", xlabel="weight scale σ√d", ylabel="bias scale")
    targets = "targets of size 1" if data.residual is None else f"residual {data.residual:g}"
    ax.set_title(f"{data.kind.capitalize()}, {targets}")
    worst = np.unravel_index(data.error.argmax(), data.error.shape)
    return (
        f"{data.kind.capitalize()} size of what Theorem 1 neglects with tanh, {targets}: from "
        f"{data.error.min():.1g} to {data.error.max():.2g}, largest at weight scale {data.weight_scales[worst[1]]:.2g} "
        f"and bias scale {data.bias_scales[worst[0]]:.2g}."
    )


def bound_cloud(ax: Axes, data: curvature.BoundCloud) -> str:
    """Exact Hessian norms against a bound: no dot may lie above the line."""
    ax.plot([1e-5, 1e5], [1e-5, 1e5], color=THEORY, lw=1.2)
    above = data.exact > data.bound * (1 + 1e-12)
    for mask, colour, words in ((~above, MEASURED, "obeys"), (above, WORST, "violates")):
        ax.plot(data.bound[mask], data.exact[mask], ".", color=colour, ms=3, label=words)
    ax.set(xscale="log", yscale="log", xlim=(1e-4, 1e5), ylim=(1e-4, 1e5), xlabel=f"bound, {data.kind}")
    ax.set(ylabel="‖H‖ of a layer", title=f"{data.kind}: {above.mean():.0%} violate it")
    ax.legend(loc="upper left")
    return (
        f"{data.exact.size} layers of random networks against Theorem 2 as {data.kind}: {above.mean():.0%} violate it."
    )


def norm_sizes(ax: Axes, data: curvature.NormSizes) -> str:
    """Mean norm of square normal matrices relative to Corollary 2."""
    ax.axhline(1, color=MUTED, lw=1, label="Corollary 2: √m + √n")
    ax.plot(data.sizes, data.predicted, color=THEORY, label="with Tracy–Widom's mean")
    band(ax, data.sizes, data.ratio, MEASURED, "measured, middle 80 %")
    ax.set(xscale="log", ylim=(0.6, 1.15), xlabel="size n of an n × n matrix", ylabel="‖w‖ / (2√n σ)")
    ax.set_title("Small matrices are smaller than the corollary says")
    ax.legend(loc="lower right")
    return (
        f"Norm of n × n matrices over 2√n for n from {data.sizes[0]} to {data.sizes[-1]}: on average from "
        f"{data.ratio[:, 0].mean():.2f} to {data.ratio[:, -1].mean():.3f}."
    )


def layer_shape(ax: Axes, data: curvature.Shape) -> str:
    """σ of three schemes against the number of outputs."""
    for name, sigma in data.sigma.items():
        ax.plot(data.grid, sigma, color=SCHEME_COLOURS[name], label=name)
    ax.axvline(data.outputs, color=ALLOWED, lw=1.5)
    ax.set(xscale="log", yscale="log", xlim=(1, 4096), ylim=(0.005, 2), xlabel="outputs m of the layer")
    ax.set(ylabel="σ of the weights", title=f"{data.inputs} → {data.outputs}: Hessian / Glorot = {data.ratio:.3f}")
    ax.legend(loc="lower left")
    return (
        f"σ against outputs for {data.inputs} inputs: at {data.outputs} the Hessian scheme is {data.ratio:.3f} of "
        "Glorot's."
    )


def training(ax: Axes, data: tuple[curvature.SchemeTraining, ...]) -> str:
    """Losses of several schemes at one depth."""
    for run in data:
        low, middle, high = np.quantile(run.losses, [0.1, 0.5, 0.9], axis=0)
        steps = np.arange(middle.size)
        ax.fill_between(steps, low, high, color=SCHEME_COLOURS[run.scheme], alpha=0.2, linewidth=0)
        ax.plot(steps, middle, color=SCHEME_COLOURS[run.scheme], label=run.scheme)
    ax.set(ylim=(0, 4.5), xlabel="steps", ylabel="cross-entropy")
    ax.set_title(f"{data[0].depth} layers, {data[-1].scheme} ends at {data[-1].losses[:, -1].mean():.2f}")
    ax.legend(loc="upper right")
    ends = ", ".join(f"{run.scheme} {run.losses[:, -1].mean():.2f}" for run in data)
    return f"Training losses of {data[0].depth} layers with constant step {data[0].step:g}; mean at the end {ends}."


def sharpness(ax: Axes, data: tuple[curvature.SchemeTraining, ...]) -> str:
    """λ_max during training, median and middle 80 % of the seeds, against 2/γ."""
    ax.axhline(2 / data[0].step, color=THEORY, ls="--", lw=1.2, label="2/γ")
    for run in data:
        low, middle, high = np.quantile(run.top, [0.1, 0.5, 0.9], axis=0)
        ax.fill_between(run.checks, low, high, color=SCHEME_COLOURS[run.scheme], alpha=0.2, linewidth=0)
        ax.plot(run.checks, middle, "o-", color=SCHEME_COLOURS[run.scheme], label=run.scheme)
    ax.set(yscale="log", ylim=(1e-3, 1e3), xlabel="steps", ylabel="λ_max of the whole network")
    ax.set_title(f"{data[0].depth} layers, 2/γ = {2 / data[0].step:g}")
    ax.legend(loc="lower left")
    starts = ", ".join(f"{run.scheme} {np.median(run.top[:, 0]):.2g}" for run in data)
    return (
        f"Largest eigenvalue during training of {data[0].depth} layers, against 2/γ = {2 / data[0].step:g}; "
        f"at the start {starts}."
    )
