"""Chapter 4's experiments: how signals, curvature and training depend on the initialization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.data.digits import digits
from course_utils.theory import curvature as theory
from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size
from course_utils.theory.activations import Activation
from course_utils.theory.hessians import layer_operator, to_torch, top_eigenvalue, torch_loss

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

TRACY_WIDOM_MEAN = -1.2065335745820  # of the law for real matrices


def _straight(name: str, value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Activation:
    return Activation(name, value, slope, np.zeros_like, np.inf, 0.0)


def _exponential(u: Array) -> Array:
    return np.exp(np.minimum(u, 0))


#: What is called a variant of ReLU (claim hessian/remark-1): three that are made of straight pieces, and a smooth one.
VARIANTS: dict[str, Activation] = {
    "leaky ReLU": _straight("leaky ReLU", lambda u: np.maximum(u, 0.01 * u), lambda u: np.where(u > 0, 1.0, 0.01)),
    "ReLU6": _straight("ReLU6", lambda u: np.clip(u, 0, 6), lambda u: 1.0 * (u > 0) * (u < 6)),
    "hard tanh": _straight("hard tanh", lambda u: np.clip(u, -1, 1), lambda u: 1.0 * (np.abs(u) < 1)),
    "ELU": Activation(
        "ELU",
        lambda u: np.maximum(u, 0) + _exponential(u) - 1,
        _exponential,
        lambda u: (u <= 0) * _exponential(u),
        1,
        0,
    ),
}


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


def linearization_errors(
    sigma: str, scale: float, widths: Sequence[int], nets: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Relative errors of (1) and (2), f(u) ≈ u, through Glorot networks; two arrays (nets,), forward and backward.

    ``scale`` is the size of an input's entries, the networks have no biases (claim hessian/linearization).
    """
    scale, errors = check_number("scale", scale, above=0), np.empty((2, check_size("nets", nets)))
    for i in range(nets):
        net = theory.random_net(widths, sigma, "Glorot", rng)
        linear = net._replace(sigma=theory.choice("linear"))
        x, back = scale * rng.standard_normal((1, widths[0])), rng.standard_normal((1, widths[-1]))
        run, straight = theory.forward(net, x), theory.forward(linear, x)
        errors[0, i] = _relative(run.z[-1], straight.z[-1])
        through = both = back
        for w, slope in reversed(list(zip(net.weights, theory.slopes(net, run.u)))):
            through, both = through * slope @ w, both @ w
        errors[1, i] = _relative(through, both)
    return errors[0], errors[1]


def _relative(found: Array, reference: Array) -> float:
    return float(np.linalg.norm(found - reference) / np.linalg.norm(reference))


class Descent(NamedTuple):
    """Gradient descent from w = 1 on ``λw²/2``: step γ, curvature λ, and the points it visits."""

    step: float
    curvature: float
    path: Array


def descent(step: float, curvature: float, steps: int = 8) -> Descent:
    """Each step multiplies w by ``1 − γλ``: it shrinks for γ < 2/λ and arrives at once for γ = 1/λ."""
    step, curvature = check_number("step", step, above=0), check_number("curvature", curvature, above=0)
    return Descent(step, curvature, (1 - step * curvature) ** np.arange(check_size("steps", steps) + 1))


class StepChoice(NamedTuple):
    """The loss a step γ down the gradient for every γ, from one of the schemes' starts, and the step that is chosen."""

    scheme: str
    step: float
    after: float
    steps: Array
    loss: Array


def step_choice(step: float, scheme: str = "Glorot") -> StepChoice:
    """What one step of the length that is chosen does to the loss of a tanh network 64-30-30-10 on 300 digits."""
    steps, loss = _first_steps(scheme)
    return StepChoice(scheme, check_number("step", step, at_least=0), float(np.interp(step, steps, loss)), steps, loss)


@cache
def _first_steps(scheme: str) -> tuple[Array, Array]:
    images = digits()
    net = theory.random_net([64, 30, 30, 10], "tanh", scheme, np.random.default_rng(5))
    steps = np.linspace(0, 12, 97)
    return steps, _down(net, images.x[:300], images.y[:300], "cross_entropy")[0](steps)


def _down(net: theory.Net, x: Array, t: Array, loss: str) -> tuple[Callable[[Array], Array], Array, LinearOperator]:
    """Down the gradient of a whole network: the loss after each of many steps; the gradient; the Hessian."""
    import torch

    model, moved = to_torch(net), to_torch(net)  # two: the operator needs its weights as they are
    parameters = list(model.parameters())
    value = torch_loss(model, x, t, loss)
    gradient = torch.autograd.grad(value, parameters, retain_graph=True)

    def after(step: float) -> float:
        with torch.no_grad():
            for new, old, g in zip(moved.parameters(), parameters, gradient):
                new.copy_(old - step * g)
            return torch_loss(moved, x, t, loss).item()

    flat = torch.cat([g.ravel() for g in gradient]).numpy()
    return lambda steps: np.array([after(step) for step in steps]), flat, layer_operator(value, parameters)


class StepCurve(NamedTuple):
    """Loss after one gradient step of every length, with its quadratic model and three special steps."""

    steps: Array
    loss: Array
    model: Array
    guarantee: float  # 2/λ_max
    safe: float  # 2‖g‖²/(gᵀHg)
    yours: float = float("nan")  # the guarantee by a reader's λ_max


def step_curve(net: theory.Net, x: Array, t: Array, loss: str = "cross_entropy", steps: int = 41) -> StepCurve:
    """One gradient step of a whole network, for lengths up to a quarter beyond the model's largest safe one."""
    after, g, operator = _down(net, x, t, loss)
    squared, bend = g @ g, g @ (operator @ g)
    gammas = np.linspace(0, 2.5 * squared / bend, check_size("steps", steps))
    found = after(gammas)
    quadratic = found[0] - gammas * squared + gammas**2 / 2 * bend
    return StepCurve(gammas, found, quadratic, 2 / top_eigenvalue(operator, 1e-6), 2 * squared / bend)


def theorem_1_errors(
    sigma: str,
    nets: int,
    rng: np.random.Generator,
    loss: str = "squared",
    widths: Sequence[int] = (8, 10, 9, 3),
    *,
    as_printed: bool = False,
) -> Array:
    """``|vᵀH_z v / gᵀHg − 1|`` against automatic differentiation, shape (nets, layers); claim hessian/thm-1.

    Every network has its own weights, biases of size 0.3, five inputs and a random direction g for each layer.
    ``sigma`` may be one of :data:`VARIANTS`, too. ``as_printed`` takes B^(k) for B^(k+1), where the layer is square;
    other layers are left out.
    """
    nets, errors = check_size("nets", nets), []
    for _ in range(nets):
        net = theory.random_net(widths, "ReLU" if sigma in VARIANTS else sigma, "Glorot", rng, 0.3)
        net = net._replace(sigma=VARIANTS.get(sigma, net.sigma))
        x = rng.standard_normal((5, widths[0]))
        t = rng.standard_normal((5, widths[-1])) if loss == "squared" else rng.integers(widths[-1], size=5)
        model = to_torch(net)
        value, A = torch_loss(model, x, t, loss), theory.slopes(net, theory.forward(net, x).u)
        row = []
        for k, layer in enumerate(theory.layer_curvatures(net, x, t, loss)):
            g, w = rng.standard_normal(net.weights[k].shape), net.weights[k]
            if as_printed and w.shape[0] != w.shape[1]:
                continue
            exact = g.ravel() @ (layer_operator(value, list(model.parameters())[2 * k]) @ g.ravel())
            v = layer.z @ g.T
            v = A[k] * v @ w.T if as_printed else v  # B^(k) is B^(k+1) A^(k) w^(k)
            main = np.einsum("ni,nij,nj->n", v, layer.main, v).mean()
            row.append(0.0 if main == exact else abs(main / exact - 1))  # both vanish where a whole layer is off
        errors.append(row)
    return np.array(errors)


class SplitErrors(NamedTuple):
    """Arrays (nets, layers): two relative errors and a share, see :func:`split_errors`."""

    both: Array
    share: Array
    direction: Array


def split_errors(
    missing: Callable[[theory.Net, list[Array], list[Array], int], Array],
    sigma: str,
    nets: int,
    rng: np.random.Generator,
) -> SplitErrors:
    """(10), (17) and (24) for one sample of each network 8-10-9-3, squared loss; gᵀHg by automatic differentiation.

    ``H₁ = vᵀH_z v`` with v the derivative of the output along g, by a complex step; ``H₂ = (gz)ᵀQ(gz)`` with ``Q =
    missing(net, u, by_u, k)`` for the vectors u and ∂L/∂u of all layers. ``both`` is the error of H₁ + H₂ and
    ``share`` the size of H₂, relative to |H₁| + |H₂|; ``direction`` compares v with ``B^(k+1) A^(k) g z^(k)``.
    ``sigma`` must be one that numpy knows for complex numbers: tanh, sin or linear.
    """
    check_choice("sigma", sigma, ("tanh", "sin", "linear"))
    rows = []
    for _ in range(check_size("nets", nets)):
        net = theory.random_net([8, 10, 9, 3], sigma, "Glorot", rng, 0.3)
        x, t = rng.standard_normal((1, 8)), rng.standard_normal((1, 3))
        found, A = theory.gradients(net, x, t, "squared"), theory.slopes(net, theory.forward(net, x).u)
        u, by_u = [row[0] for row in found.run.u], [row[0] for row in found.u]
        model = to_torch(net)
        value = torch_loss(model, x, t, "squared")
        for k, w in enumerate(net.weights):
            g = rng.standard_normal(w.shape)
            exact = g.ravel() @ (layer_operator(value, list(model.parameters())[2 * k]) @ g.ravel())
            moved = [v + 1e-30j * g if j == k else v for j, v in enumerate(net.weights)]
            v = theory.forward(net._replace(weights=tuple(moved)), x).z[-1][0].imag / 1e-30
            gz = g @ found.run.z[k][0]
            by_hand = A[k][0] * gz
            for later, slope in zip(net.weights[k + 1 :], A[k + 1 :]):
                by_hand = slope[0] * (later @ by_hand)
            main, rest = 2 * v @ v, gz @ missing(net, u, by_u, k) @ gz
            size = abs(main) + abs(rest)
            direction = np.linalg.norm(by_hand - v) / np.linalg.norm(v)
            rows.append([(main + rest - exact) / size, rest / size, direction])
    return SplitErrors(*np.abs(rows).reshape(nets, -1, 3).transpose(2, 0, 1))


def factorization_errors(sigma: str, scale: float, bias: float, nets: int, rng: np.random.Generator) -> Array:
    """Equation (5)'s error, ``‖J⋯Jx − z‖`` at the output of 8-10-9-3 networks, inputs of size ``scale``; (nets,)."""
    scale, errors = check_number("scale", scale, above=0), np.empty(check_size("nets", nets))
    for i in range(nets):
        net = theory.random_net([8, 10, 9, 3], sigma, 1.0, rng, bias)
        x = scale * rng.standard_normal((1, 8))
        run, z = theory.forward(net, x), x
        for w, slope in zip(net.weights, theory.slopes(net, run.u)):
            z = slope * (z @ w.T)
        errors[i] = np.linalg.norm(z - run.z[-1])
    return errors


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
    widths: Sequence[int],
    sigma: str,
    nets: int,
    rng: np.random.Generator,
    bias_scale: float = 0.0,
    *,
    unit: bool = False,
    scale: float | None = None,
) -> tuple[BoundCloud, BoundCloud]:
    """Theorem 2 as printed and as corrected over random networks, squared loss.

    The weights' ``scale`` σ√d is drawn from 0.5 … 2 for each network unless given. With ``unit`` inputs have norm 1
    and the loss is ½‖z − t‖², so that ‖H_z‖ = 1: in these units the printed bound lacks nothing but its square.
    """
    rows = []
    for _ in range(check_size("nets", nets)):
        net = theory.random_net(widths, sigma, 2 ** rng.uniform(-1, 1) if scale is None else scale, rng, bias_scale)
        x, t = rng.standard_normal((1, widths[0])), rng.standard_normal((1, widths[-1]))
        bounds = theory.norm_bounds(net, x / np.linalg.norm(x) if unit else x, t)
        if unit:
            bounds = bounds._replace(exact=bounds.exact / 2, corrected=bounds.corrected / 2)
        rows += [(*row, k) for k, row in enumerate(zip(*bounds)) if bounds.exact[k] > 0]
    exact, printed, corrected, layers = np.array(rows).T
    kind = "printed (unit norms)" if unit else "printed"
    return BoundCloud(kind, exact, printed, layers), BoundCloud("corrected", exact, corrected, layers)


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


#: Laws of mean zero and standard deviation 1 for a matrix's entries: ``law(rng, shape)``.
LAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "signs": lambda rng, shape: rng.integers(2, size=shape) * 2.0 - 1,
    "uniform": lambda rng, shape: rng.uniform(-sqrt(3), sqrt(3), shape),
    "Laplace": lambda rng, shape: rng.laplace(size=shape) / sqrt(2),
    "Student t, 2.5 degrees": lambda rng, shape: rng.standard_t(2.5, shape) / sqrt(5),
}


def norm_ratios(shapes: Sequence[tuple[int, int]], draws: int, rng: np.random.Generator, law: str = "normal") -> Array:
    """‖w‖/(√m + √n) for m × n matrices of one of the :data:`LAWS`, shape (draws, shapes); claim hessian/cor-2."""
    draw, rng = LAWS[check_choice("law", law, LAWS)], check_rng(rng)
    ratio = np.empty((check_size("draws", draws), len(shapes)))
    for j, (m, n) in enumerate(shapes):
        for i in range(draws):
            w = draw(rng, (check_size("m", m), check_size("n", n)))
            small = w @ w.T if m <= n else w.T @ w  # its largest eigenvalue is ‖w‖², and found faster
            ratio[i, j] = sqrt(np.linalg.eigvalsh(small)[-1]) / (sqrt(m) + sqrt(n))
    return ratio


def norm_sizes(sizes: Sequence[int], draws: int, rng: np.random.Generator) -> NormSizes:
    """How far Corollary 2's √m + √n is from the mean norm of square matrices."""
    ratio = norm_ratios([(check_size("size", n), n) for n in sizes], draws, rng)
    return NormSizes(np.array(sizes), ratio, np.array([expected_norm(n, n) / (2 * sqrt(n)) for n in sizes]))


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
