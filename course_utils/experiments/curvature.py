"""Chapter 4's experiments: how signals, curvature and training depend on the initialization."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from course_utils.theory import curvature as theory
from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_size
from course_utils.theory.hessians import layer_operator, to_torch, top_eigenvalue, torch_loss

TRACY_WIDOM_MEAN = -1.2065335745820  # of the law for real matrices


class VarianceFlow(NamedTuple):
    """Mean square of ``z[k]`` and of ``∂L/∂z[k]``, relative to the input's and to the output's; (nets, layers + 1)."""

    scheme: str
    forward: Array
    backward: Array


def variance_flow(
    scheme: str, widths: Sequence[int], sigma: str, x: Array, nets: int, rng: np.random.Generator
) -> VarianceFlow:
    """How the size of signals changes through random networks, forward for ``x`` and backward for random errors."""
    x = check_array("x", x, 2)
    ahead, back = np.empty((2, check_size("nets", nets), len(widths)))
    for i in range(nets):
        net = theory.random_net(widths, sigma, scheme, rng)
        run = theory.forward(net, x)
        ahead[i] = [np.square(z).mean() for z in run.z]
        error = rng.standard_normal(run.z[-1].shape)
        back[i, -1] = np.square(error).mean()
        for k, (w, slope) in reversed(list(enumerate(zip(net.weights, theory.slopes(net, run.u))))):
            error = error * slope @ w
            back[i, k] = np.square(error).mean()
    return VarianceFlow(scheme, ahead / ahead[:, :1], back / back[:, -1:])


class Descent(NamedTuple):
    """Gradient descent from w = 1 on ``λw²/2``: step γ, curvature λ, and the points it visits."""

    step: float
    curvature: float
    path: Array


def descent(step: float, curvature: float, steps: int = 8) -> Descent:
    """Each step multiplies w by ``1 − γλ``: it shrinks for γ < 2/λ and arrives at once for γ = 1/λ."""
    step, curvature = check_number("step", step, above=0), check_number("curvature", curvature, above=0)
    return Descent(step, curvature, (1 - step * curvature) ** np.arange(check_size("steps", steps) + 1))


class StepCurve(NamedTuple):
    """Loss after one gradient step of every length, with its quadratic model and three special steps."""

    steps: Array
    loss: Array
    model: Array
    start: float
    guarantee: float  # 2/λ_max
    safe: float  # 2‖g‖²/(gᵀHg)


def step_curve(net: theory.Net, x: Array, t: Array, loss: str = "cross_entropy", steps: int = 41) -> StepCurve:
    """One gradient step of a whole network, for lengths up to a quarter beyond the model's largest safe one."""
    found = theory.gradients(net, x, t, loss)
    n = len(x)
    by_w = [u.T @ z / n for u, z in zip(found.u, found.run.z)]
    by_b = [u.mean(axis=0) for u in found.u]
    model = to_torch(net)
    operator = layer_operator(torch_loss(model, x, t, loss), list(model.parameters()))
    g = np.concatenate([part.ravel() for pair in zip(by_w, by_b) for part in pair])
    squared, bend = g @ g, g @ (operator @ g)
    safe = 2 * squared / bend
    gammas = np.linspace(0, 1.25 * safe, check_size("steps", steps))
    after = [
        theory.gradients(
            net._replace(
                weights=tuple(w - gamma * d for w, d in zip(net.weights, by_w)),
                biases=tuple(b - gamma * d for b, d in zip(net.biases, by_b)),
            ),
            x,
            t,
            loss,
        ).loss
        for gamma in gammas
    ]
    quadratic = found.loss - gammas * squared + gammas**2 / 2 * bend
    return StepCurve(gammas, np.array(after), quadratic, found.loss, 2 / top_eigenvalue(operator, 1e-6), safe)


class ErrorMap(NamedTuple):
    """Median over networks of what Theorem 1 neglects in the first layer; arrays (biases, weights)."""

    kind: str
    residual: float | None
    weight_scales: Array
    bias_scales: Array
    error: Array


def error_maps(
    weight_scales: Array,
    bias_scales: Array,
    widths: Sequence[int],
    nets: int,
    rng: np.random.Generator,
    residual: float | None = None,
) -> tuple[ErrorMap, ErrorMap]:
    """‖Q‖/‖H_u‖ and ‖Q‖‖z‖² of tanh networks, over the scales of weights (σ√d) and biases, squared loss.

    Targets are standard normal, or, with a ``residual``, that far from the output. Every cell sees the same networks
    up to their scales.
    """
    if residual is not None:
        residual = check_number("residual", residual, above=0)
    weight_scales = check_array("weight_scales", weight_scales, 1)
    bias_scales = check_array("bias_scales", bias_scales, 1)
    if min(weight_scales.min(), bias_scales.min()) < 0:
        raise ValueError(f"scales must not be negative, got {min(weight_scales.min(), bias_scales.min()):g}")
    found = np.empty((2, check_size("nets", nets), bias_scales.size, weight_scales.size))
    for i in range(nets):
        unit = theory.random_net(widths, "tanh", 1.0, rng, 1.0)
        x, t = rng.standard_normal((1, widths[0])), rng.standard_normal((1, widths[-1]))
        x /= np.linalg.norm(x)
        for row, b in enumerate(bias_scales):
            for column, w in enumerate(weight_scales):
                net = unit._replace(
                    weights=tuple(w * v for v in unit.weights), biases=tuple(b * v for v in unit.biases)
                )
                target = t if residual is None else theory.forward(net, x).z[-1] + residual * t
                first = theory.layer_curvatures(net, x, target)[0]
                neglected = np.linalg.norm(first.exact[0] - first.main[0], 2)
                found[:, i, row, column] = neglected / np.linalg.norm(first.exact[0], 2), neglected
    relative, absolute = np.median(found, axis=1)
    return (
        ErrorMap("relative", residual, weight_scales, bias_scales, relative),
        ErrorMap("absolute", residual, weight_scales, bias_scales, absolute),
    )


class BoundCloud(NamedTuple):
    """Exact norm and a bound for many layers; ``layers`` says which layer each belongs to."""

    kind: str
    exact: Array
    bound: Array
    layers: Array


def bound_clouds(
    widths: Sequence[int], sigma: str, nets: int, rng: np.random.Generator, bias_scale: float = 0.0
) -> tuple[BoundCloud, BoundCloud]:
    """Theorem 2 as printed and as corrected over random networks of random weight scale 0.5 … 2, squared loss."""
    rows = []
    for _ in range(check_size("nets", nets)):
        net = theory.random_net(widths, sigma, 2 ** rng.uniform(-1, 1), rng, bias_scale)
        x, t = rng.standard_normal((1, widths[0])), rng.standard_normal((1, widths[-1]))
        bounds = theory.norm_bounds(net, x, t)
        rows += [(*row, k) for k, row in enumerate(zip(*bounds)) if bounds.exact[k] > 0]
    exact, printed, corrected, layers = np.array(rows).T
    return BoundCloud("printed", exact, printed, layers), BoundCloud("corrected", exact, corrected, layers)


class NormSizes(NamedTuple):
    """‖w‖ of standard normal n × n matrices divided by 2√n, rows draws, with the Tracy–Widom prediction."""

    sizes: Array
    ratio: Array
    predicted: Array


def expected_norm(m: int, n: int) -> float:
    """E‖w‖ of an m × n standard normal matrix with its finite-size correction (Johnstone's centring and scale).

    Source: I. Johnstone, On the distribution of the largest eigenvalue in principal components analysis, 2001.
    """
    m, n = max(check_size("m", m), check_size("n", n)), min(m, n)
    if n < 2:
        raise ValueError(f"both sizes must be at least 2, got {n}")
    a, b = sqrt(m - 0.5), sqrt(n - 0.5)
    edge = (a + b) ** 2
    spread = (a + b) * (1 / a + 1 / b) ** (1 / 3)
    return sqrt(edge + TRACY_WIDOM_MEAN * spread)


def norm_sizes(sizes: Sequence[int], draws: int, rng: np.random.Generator) -> NormSizes:
    """How far Corollary 2's √m + √n is from the mean norm of square matrices."""
    sizes = np.array([check_size("size", n) for n in sizes])
    ratio, rng = np.empty((check_size("draws", draws), sizes.size)), check_rng(rng)
    for j, n in enumerate(sizes):
        for i in range(draws):
            ratio[i, j] = np.linalg.norm(rng.standard_normal((n, n)), 2) / (2 * sqrt(n))
    return NormSizes(sizes, ratio, np.array([expected_norm(n, n) / (2 * sqrt(n)) for n in sizes]))


class Shape(NamedTuple):
    """σ of every scheme for ``inputs`` fixed and a range of outputs, and the output number that is looked at."""

    inputs: int
    outputs: int
    grid: Array
    sigma: dict[str, Array]
    ratio: float  # σ_hessian/σ_glorot


def layer_shape(inputs: int = 64, outputs: int = 64) -> Shape:
    """The three schemes against the shape of a layer (claim hessian/remark-3)."""
    inputs, outputs = check_size("inputs", inputs), check_size("outputs", outputs)
    grid = np.geomspace(1, 4096, 97)
    sigma = {name: np.array([scheme(inputs, m) for m in grid]) for name, scheme in theory.SCHEMES.items()}
    ratio = theory.SCHEMES["Hessian"](inputs, outputs) / theory.SCHEMES["Glorot"](inputs, outputs)
    return Shape(inputs, outputs, grid, sigma, ratio)
