"""Drawings of Chapter 4; what each takes is computed by :mod:`course_utils.experiments.curvature`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from course_utils.experiments import curvature, curvature_training
from course_utils.figures import ALLOWED, MEASURED, MUTED, SECOND, THEORY, THIRD, WORST, band
from course_utils.theory.statistics import mean_interval

SCHEME_COLOURS = {"Glorot": MEASURED, "He": WORST, "Hessian": SECOND, "data-driven": THIRD}
YOURS = "yours"  # the scheme of what a reader has trained, one line for each start


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


def step_choice(ax: Axes, data: curvature.StepChoice) -> str:
    """The loss along the gradient, and where the step that is chosen arrives."""
    start, rises = data.loss[0], data.after > data.loss[0]
    ax.axhline(start, color=MUTED, lw=1)
    ax.plot(data.steps, data.loss, color=THEORY, lw=1.2)
    ax.plot([0, data.step], [start, data.after], "o:", color=WORST if rises else MEASURED, ms=7)
    ax.set(xlim=(-0.4, 12), ylim=(0.5, 5), xlabel="step γ down the gradient", ylabel="loss after the step")
    ax.set_title(f"{data.scheme}, γ = {data.step:g}: the loss {'climbs' if rises else 'falls'} to {data.after:.2f}")
    best = data.steps[data.loss.argmin()]
    return (
        f"Loss of a network that starts by {data.scheme}, against the length of one step down its gradient: from "
        f"{start:.2f} down to {data.loss.min():.2f} at {best:.2g}, then up; the step {data.step:g} leads to "
        f"{data.after:.2f}."
    )


def step_curve(ax: Axes, data: curvature.StepCurve) -> str:
    """Loss after one gradient step against its length, with the quadratic model."""
    ax.axhline(data.loss[0], color=MUTED, lw=1)
    ax.plot(data.steps, data.model, color=THEORY, label="corrected quadratic model")
    ax.plot(data.steps, data.loss, ".", color=MEASURED, label="loss after the step")
    for at, words, colour in ((data.guarantee, "2/λ_max", WORST), (data.safe, "2‖g‖²/gᵀHg", SECOND)):
        ax.axvline(at, color=colour, ls="--", lw=1.2, label=words)
    own = ""
    if np.isfinite(data.yours):
        ax.axvline(data.yours, color=MEASURED, ls=":", lw=3, label="2/λ_max, yours")
        own = f", by the reader's own λ_max {data.yours:.3g}"
    ax.set(xlabel="step γ", ylabel="loss", title="λ_max guards against every direction, not only this one")
    ax.legend()
    return (
        f"Loss of a network after one gradient step: its quadratic model falls up to {data.safe / 2:.3g} and stays "
        f"below the start up to {data.safe:.3g}; the guarantee 2/λ_max is {data.guarantee:.3g}{own}; the smallest "
        f"loss is reached at {data.steps[data.loss.argmin()]:.3g}."
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
    """Mean norm of square normal matrices relative to Corollary 2, with its interval."""
    means = [mean_interval(column) for column in data.ratio.T]
    ax.axhline(1, color=MUTED, lw=1, label="Corollary 2: √m + √n")
    ax.plot(data.sizes, data.predicted, color=THEORY, label="with Tracy–Widom's mean")
    values, halves = zip(*((mean.value, mean.half) for mean in means))
    ax.errorbar(data.sizes, values, halves, fmt="o", ms=4, color=MEASURED, label="mean, with its 99 % interval")
    ax.set(xscale="log", ylim=(0.6, 1.15), xlabel="size n of an n × n matrix", ylabel="‖w‖ / (2√n σ)")
    ax.set_title("Small matrices are smaller than the corollary says")
    ax.legend(loc="lower right")
    return (
        f"Norm of n × n matrices over 2√n for n from {data.sizes[0]} to {data.sizes[-1]}: on average from "
        f"{means[0].value:.2f} to {means[-1].value:.3f}."
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


def neglect(ax: Axes, data: curvature_training.Neglect) -> str:
    """What Theorem 1 neglects against the loss, as networks train from right to left."""
    loss = data.loss.mean(axis=1)
    for k, colour in zip(range(data.share.shape[2]), (MEASURED, WORST, SECOND)):
        share = data.share[:, :, k]
        ax.fill_between(loss, share.min(axis=1), share.max(axis=1), color=colour, alpha=0.2, linewidth=0)
        ax.plot(loss, share.mean(axis=1), "o-", color=colour, label=f"layer {k}, mean of {share.shape[1]} nets")
    name = data.kind.replace("_", "-")
    first, last = data.share[0].mean(axis=0), data.share[-1].mean(axis=0)
    ax.set(xscale="log", yscale="log", ylim=(0.01, 1.2), xlabel=f"loss, {name} (training goes left)")
    ax.set(ylabel="neglected ‖Q‖ / ‖H‖")
    ax.set_title(f"{name}: in the end {last.max():.0%} is neglected")
    ax.legend(loc="lower right")
    ends = ", ".join(f"layer {k} from {a:.2f} to {b:.2f}" for k, (a, b) in enumerate(zip(first, last)))
    return (
        f"Share of a layer's Hessian that Theorem 1 neglects while the {name} falls from {loss[0]:.2g} to "
        f"{loss[-1]:.2g}: {ends}."
    )


def training(ax: Axes, data: tuple[curvature_training.SchemeTraining, ...]) -> str:
    """Losses of several starts at one depth: mean, and range over the networks; a reader's own as single lines."""
    for run in data:
        _mean_and_range(ax, np.arange(run.losses.shape[1]), run.losses, run.scheme, "-")
    ends = {run.scheme: run.losses[:, -1].mean() for run in data if run.scheme != YOURS}
    worst = max(ends, key=ends.__getitem__)
    ax.set(ylim=(0, 4), xlabel="steps", ylabel="cross-entropy, mean and range")
    ax.set_title(f"{data[0].depth} layers: {worst} ends at {ends[worst]:.2f}")
    ax.legend(loc="upper right")
    return (
        f"Training losses of {data[0].depth} layers with constant step {data[0].step:g}; mean at the end "
        + ", ".join(f"{scheme} {end:.2f}" for scheme, end in ends.items())
        + "".join(f"; yours {', '.join(f'{end:.2f}' for end in run.losses[:, -1])}" for run in data[len(ends) :])
        + "."
    )


def sharpness(ax: Axes, data: tuple[curvature_training.SchemeTraining, ...]) -> str:
    """λ_max during training, mean and range of the networks, against 2/γ; a reader's own as single lines."""
    ax.axhline(2 / data[0].step, color=THEORY, ls="--", lw=1.2, label="2/γ")
    for run in data:
        _mean_and_range(ax, run.checks, run.top, run.scheme, "o-")
    means = {run.scheme: run.top.mean(axis=0) for run in data if run.scheme != YOURS}
    most = max(means, key=lambda scheme: means[scheme].max() / means[scheme][0])
    ax.set(yscale="log", ylim=(0.1, 1000), xlabel="steps", ylabel="λ_max, mean and range")
    ax.set_title(f"{data[0].depth} layers: {most} from {means[most][0]:.1g} to {means[most].max():.1g}")
    ax.legend(loc="upper right")
    starts = ", ".join(f"{scheme} {mean[0]:.2g} and {mean.max():.2g}" for scheme, mean in means.items())
    return (
        f"Largest eigenvalue during training of {data[0].depth} layers, against 2/γ = {2 / data[0].step:g}; "
        f"mean at the start and at its largest: {starts}."
    )


def _mean_and_range(ax: Axes, x, rows, scheme: str, style: str) -> None:
    if scheme == YOURS:
        ax.plot(
            x, rows.T, style.replace("-", "--"), color=THEORY, lw=1.2, ms=4, label=[scheme, *[None] * (len(rows) - 1)]
        )
        return
    colour = SCHEME_COLOURS[scheme]
    ax.fill_between(x, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    ax.plot(x, rows.mean(axis=0), style, color=colour, label=scheme)
