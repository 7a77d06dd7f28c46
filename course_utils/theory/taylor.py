"""Chapter 1: how far a smooth activation, and a network made of it, strays from its tangent.

Notation: ``sigma`` is β-smooth when its slope is β-Lipschitz, that is ``|σ''| ≤ β``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import e, pi, sqrt
from typing import NamedTuple

import numpy as np

from course_utils.theory.networks import Array, check_array, check_number, check_size, gaussian_init, isotropic_shares

MEDIAN_OF_ABS_NORMAL = 0.6744897501960817
CHUNK = 1 << 17  # neurons drawn at a time: three float64 arrays of this length are 3 MiB


class Activation(NamedTuple):
    """A smooth activation with its derivatives in closed form, elementwise on float64 arrays.

    ``beta`` is ``max |σ''|`` and ``peak`` a point at which it is reached.
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]
    beta: float
    peak: float


def _sigmoid(z: Array) -> Array:
    from scipy.special import expit

    return expit(z)


def _erf(z: Array) -> Array:
    from scipy.special import erf

    return erf(z)


def _normal_cdf(z: Array) -> Array:
    from scipy.special import ndtr

    return ndtr(z)


def _normal_pdf(z: Array) -> Array:
    return np.exp(-np.square(z) / 2) / sqrt(2 * pi)


def _sigmoid_slope(z: Array) -> Array:
    return _sigmoid(z) * _sigmoid(-np.asarray(z))


def _sigmoid_curvature(z: Array) -> Array:
    return _sigmoid_slope(z) * (1 - 2 * _sigmoid(z))


def _tanh_slope(z: Array) -> Array:
    return 1 - np.tanh(z) ** 2


#: The seven activations of claim ``lecture/smooth-scalar``, each with β in closed form.
ACTIVATIONS: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation(
            "tanh",
            np.tanh,
            _tanh_slope,
            lambda z: -2 * np.tanh(z) * _tanh_slope(z),
            4 / (3 * sqrt(3)),
            float(np.arctanh(1 / sqrt(3))),
        ),
        Activation(
            "sigmoid", _sigmoid, _sigmoid_slope, _sigmoid_curvature, 1 / (6 * sqrt(3)), float(np.log(2 + sqrt(3)))
        ),
        Activation("softplus", lambda z: np.logaddexp(0, z), _sigmoid, _sigmoid_slope, 1 / 4, 0.0),
        Activation(
            "GELU",
            lambda z: z * _normal_cdf(z),
            lambda z: _normal_cdf(z) + z * _normal_pdf(z),
            lambda z: (2 - np.square(z)) * _normal_pdf(z),
            sqrt(2 / pi),
            0.0,
        ),
        Activation(
            "SiLU",
            lambda z: z * _sigmoid(z),
            lambda z: _sigmoid(z) + z * _sigmoid_slope(z),
            lambda z: 2 * _sigmoid_slope(z) + z * _sigmoid_curvature(z),
            1 / 2,
            0.0,
        ),
        Activation("sin", np.sin, np.cos, lambda z: -np.sin(z), 1.0, pi / 2),
        Activation(
            "erf",
            _erf,
            lambda z: 2 / sqrt(pi) * np.exp(-np.square(z)),
            lambda z: -4 * z / sqrt(pi) * np.exp(-np.square(z)),
            2 * sqrt(2 / (pi * e)),
            1 / sqrt(2),
        ),
    )
}


def activation(name: str) -> Activation:
    """One of the seven :data:`ACTIVATIONS` by name.

    Raises:
        ValueError: naming the choices, for any other name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]


def tangent_gap(sigma: Activation, z: Array, z0: Array) -> Array:
    """``σ(z) − σ(z0) − σ'(z0)(z − z0)``, elementwise with broadcasting (claim lecture/smooth-scalar)."""
    z, z0 = check_array("z", z), check_array("z0", z0)
    return _gap(sigma, z0, z - z0)


def _gap(sigma: Activation, z0: Array, step: Array) -> Array:
    return sigma.value(z0 + step) - (sigma.value(z0) + sigma.slope(z0) * step)


class Envelope(NamedTuple):
    """A smooth function, its tangent at ``z0`` and the parabolas between which it must stay; arrays over ``z``."""

    name: str
    z: Array
    sigma: Array
    tangent: Array
    allowed: Array  # β(z − z0)²/2
    z0: float
    sigma_at_z0: float
    step: float
    tangent_at_step: float
    gap_at_step: float
    allowed_at_step: float


def tangent_envelope(sigma: str = "tanh", z0: float = 0.5, step: float = 1.5, reach: float = 4.0) -> Envelope:
    """The tangent of the activation named ``sigma`` at ``z0``, with its quadratic envelope on [−reach, reach].

    Raises:
        ValueError: for an unknown name or a number that is not finite; ``reach`` must be positive.
    """
    name, sigma = sigma, activation(sigma)
    z0, step = check_number("z0", z0), check_number("step", step)
    z = np.linspace(-1, 1, 161) * check_number("reach", reach, above=0)
    value, slope = float(sigma.value(z0)), float(sigma.slope(z0))
    return Envelope(
        name,
        z,
        sigma.value(z),
        value + slope * (z - z0),
        sigma.beta * (z - z0) ** 2 / 2,
        z0,
        value,
        step,
        value + slope * step,
        float(tangent_gap(sigma, z0 + step, z0)),
        sigma.beta * step**2 / 2,
    )


class Tightness(NamedTuple):
    """For each activation (rows) the largest share of the envelope that is used at each step length (columns)."""

    names: tuple[str, ...]
    steps: Array
    share: Array


def tightness(steps: Array | Sequence[float], z0: Array | None = None) -> Tightness:
    """``max over z0 of |gap| / (β step²/2)`` for every activation: 1 means that the bound is reached.

    Args:
        steps: positive step lengths, shape (s,).
        z0: starting points that are tried, shape (n,); default 2001 points on [−6, 6].

    Raises:
        ValueError: if a step is not positive.
    """
    steps = check_array("steps", steps, 1)
    if (steps <= 0).any():
        raise ValueError(f"steps must be positive, got {steps.min():g}")
    z0 = np.linspace(-6, 6, 2001) if z0 is None else check_array("z0", z0, 1)
    share = [
        [np.abs(tangent_gap(s, z0 + step, z0)).max() / (s.beta * step**2 / 2) for step in steps]
        for s in ACTIVATIONS.values()
    ]
    return Tightness(tuple(ACTIVATIONS), steps, np.array(share))


class Remainder(NamedTuple):
    """What a first-order expansion leaves, and two integrals that are claimed to equal it."""

    actual: float
    corrected: float  # ∫ f''(t)(x − t) dt
    printed: float  # ∫ f''(t)(x − t)²/2 dt, as on the slide


def integral_remainder(sigma: Activation, a: float, x: float) -> Remainder:
    """Both forms of the remainder of Taylor's theorem between ``a`` and ``x`` by adaptive quadrature.

    Source: claim lecture/taylor-remainder; the slide's form is that of a *second*-order expansion, with f'' for f'''.
    """
    from scipy.integrate import quad

    a, x = check_number("a", a), check_number("x", x)
    corrected, _ = quad(lambda t: sigma.curvature(t) * (x - t), a, x, epsabs=1e-13, epsrel=1e-12)
    printed, _ = quad(lambda t: sigma.curvature(t) * (x - t) ** 2 / 2, a, x, epsabs=1e-13, epsrel=1e-12)
    return Remainder(float(tangent_gap(sigma, x, a)), corrected, printed)


class MoveCloud(NamedTuple):
    """Random moves of a network's first layer: how far, how large the gap, and what Proposition 4.1 allows.

    ``kind`` says how each was drawn: 0 isotropic, 1 all rows along ±x, 2 one neuron only.
    """

    kind: Array
    movement: Array  # ‖W − W0‖_F
    gap: Array  # |f − f0|
    bound: Array  # (β/2)‖W − W0‖²_F


def random_moves(sigma: Activation, m: int, d: int, moves: int, rng: np.random.Generator) -> MoveCloud:
    """Gaps of one random network under random moves of norms 0.1 … 30, of three kinds, for one input with ‖x‖ = 1.

    Raises:
        ValueError, TypeError: if a size is not a positive whole number.
    """
    W0, a = gaussian_init(m, d, rng)
    x = rng.standard_normal(d)
    x /= np.linalg.norm(x)
    movement = 10 ** rng.uniform(-1, 1.5, size=check_size("moves", moves))
    kind = np.arange(moves) % 3
    gap = np.empty(moves)
    for j, B in enumerate(movement):
        if kind[j] == 0:
            D = rng.standard_normal((m, d))
        elif kind[j] == 1:
            D = rng.standard_normal((m, 1)) * x
        else:
            D = np.zeros((m, d))
            D[rng.integers(m)] = rng.standard_normal(d)
        D *= B / np.linalg.norm(D)
        gap[j] = abs(a @ tangent_gap(sigma, (W0 + D) @ x, W0 @ x))
    return MoveCloud(kind, movement, gap, sigma.beta / 2 * movement**2)


def worst_move(sigma: Activation, u0: Array, a: Array, B: float) -> Array:
    """Steps along x, of total length B, under which a net's gap nearly reaches Proposition 4.1.

    The neurons whose ``a_i σ''(u0_i)`` is largest bend most. The ``k`` best of them move equally far, each in the
    direction that gains more; ``k`` is the best of a geometric grid.

    Args:
        u0: ``W0 @ x`` for an input with ‖x‖ = 1, shape (m,).
        a: second layer, shape (m,).
        B: ``‖W − W0‖_F``.

    Returns:
        ``δ`` of shape (m,): the rows move by ``δ_i x``.
    """
    u0, a, B = check_array("u0", u0, 1), check_array("a", a, 1), check_number("B", B, at_least=0)
    if u0.shape != a.shape:
        raise ValueError(f"u0 and a must have the same length, got {u0.size} and {a.size}")
    order = np.argsort(-a * sigma.curvature(u0), kind="stable")
    u_best, a_best = u0[order], a[order]
    best_gain, best = -np.inf, np.zeros(0)
    for k in np.unique(np.geomspace(1, u0.size, 24).astype(int)):
        step = B / sqrt(k)
        up, down = (a_best[:k] * _gap(sigma, u_best[:k], s) for s in (step, -step))
        gain = np.maximum(up, down).sum()
        if gain > best_gain:
            best_gain, best = gain, np.where(up >= down, step, -step)
    delta = np.zeros(u0.size)
    delta[order[: best.size]] = best
    return delta


class WidthScaling(NamedTuple):
    """|f − f0| with the factor 1/√m, at fixed ‖W − W0‖_F = B; rows are independent networks, columns widths."""

    widths: Array
    worst: Array
    random: Array
    bound: Array  # Proposition 4.1, shape (widths,)
    random_median: Array  # predicted median for the random move, shape (widths,)


def width_scaling(
    sigma: Activation, widths: Sequence[int], B: float, d: int, networks: int, rng: np.random.Generator
) -> WidthScaling:
    """How the gap falls with the width for the worst move and for an isotropic random one.

    Only ``w0_iᵀx`` and the part of each row's move along x enter the gap. For a Gaussian ``W0`` and an isotropic move
    both are independent normals, so no (m, d) matrix is ever drawn, and the random move is drawn chunk by chunk.
    The worst move is found among 32 768 of the neurons: more of them no longer bend it visibly further.

    Source: claim lecture/width-scaling-smooth.

    Raises:
        ValueError, TypeError: if a width, ``d`` or ``networks`` is not a positive whole number, or B is negative.
    """
    widths = np.array([check_size("width", m) for m in widths])
    B, d, networks = check_number("B", B, at_least=0), check_size("d", d), check_size("networks", networks)
    worst, random = np.empty((2, networks, widths.size))
    for i in range(networks):
        for j, m in enumerate(widths):
            n = min(m, CHUNK // 4)
            u0, a = rng.standard_normal(n), rng.choice([-1.0, 1.0], size=n)
            delta = worst_move(sigma, u0, a, B)
            worst[i, j] = abs(a @ _gap(sigma, u0, delta)) / sqrt(m)
            random[i, j] = abs(_isotropic_gap(sigma, m, d, B, rng)) / sqrt(m)
    z = np.linspace(-8, 8, 4001)
    mean_square_curvature = np.trapezoid(sigma.curvature(z) ** 2 * _normal_pdf(z), z)
    random_median = MEDIAN_OF_ABS_NORMAL * sqrt(3 * mean_square_curvature) / 2 * B**2 / (widths * d)
    return WidthScaling(widths, worst, random, sigma.beta / 2 * B**2 / np.sqrt(widths), random_median)


def _isotropic_gap(sigma: Activation, m: int, d: int, B: float, rng: np.random.Generator) -> float:
    """Σ a_i · gap_i under a uniformly distributed move with ‖W − W0‖_F = B, in O(CHUNK) memory and O(m) time."""
    total = 0.0
    for n, share in isotropic_shares(m, d, B, rng, CHUNK):
        # Only the part along x enters the gap; the rest takes up length, through a chi-square.
        along = rng.standard_normal(n)
        across = rng.chisquare(n * (d - 1)) if d > 1 else 0.0
        along *= sqrt(share / (along @ along + across))
        u0 = rng.standard_normal(n)
        a = 1.0 - 2.0 * rng.integers(0, 2, size=n, dtype=np.int8)
        total += float(a @ _gap(sigma, u0, along))
    return total


class Slope(NamedTuple):
    """A decay rate with its 99 % confidence interval over independent repetitions.

    99 rather than 95: the course tests dozens of rates, and one in twenty would be denied by chance alone.
    """

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high


def power_law_slope(widths: Array, values: Array) -> Slope:
    """The slope of ``log values`` against ``log widths``, fitted to each repetition on its own.

    Args:
        widths: positive, at least two different ones, shape (w,).
        values: positive, shape (r, w): r ≥ 2 independent repetitions.

    Returns:
        Mean of the r least-squares slopes and its Student-t interval at 99 %.

    Raises:
        ValueError: if a number is not positive or there are too few of them.
    """
    from scipy.stats import t

    widths, values = check_array("widths", widths, 1), check_array("values", values, 2)
    if values.shape[1] != widths.size or values.shape[0] < 2 or np.unique(widths).size < 2:
        raise ValueError(
            f"values must have shape (at least 2, len(widths)) with at least 2 different widths, "
            f"got {values.shape} for {widths.size} widths"
        )
    if min(widths.min(), values.min()) <= 0:
        raise ValueError(f"widths and values must be positive, got {min(widths.min(), values.min()):g}")
    x = np.log(widths) - np.log(widths).mean()
    slopes = np.log(values) @ x / (x @ x)
    half = t.ppf(0.995, slopes.size - 1) * slopes.std(ddof=1) / sqrt(slopes.size)
    return Slope(float(slopes.mean()), float(slopes.mean() - half), float(slopes.mean() + half))


def proposition_4_1(beta: float, W: Array, W0: Array) -> float:
    """The bound ``(β/2)‖W − W0‖²_F`` of Proposition 4.1.

    Raises:
        ValueError: if β is negative or the shapes differ.
    """
    W, W0 = check_array("W", W, 2), check_array("W0", W0, 2)
    if W.shape != W0.shape:
        raise ValueError(f"W and W0 must have the same shape, got {W.shape} and {W0.shape}")
    return check_number("beta", beta, at_least=0) / 2 * float(np.square(W - W0).sum())
