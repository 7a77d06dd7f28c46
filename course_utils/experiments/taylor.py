"""Chapter 1's experiments: envelopes, random moves, and the gap against the width."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_size
from course_utils.theory.activations import ACTIVATIONS, Activation, activation, normal_pdf
from course_utils.theory.networks import gaussian_init
from course_utils.theory.taylor import gap_of_step, tangent_gap, worst_move

MEDIAN_OF_ABS_NORMAL = 0.6744897501960817

SEARCHED = 1 << 14  # neurons among which the worst move is found


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
    """The tangent of the activation named ``sigma`` at ``z0``, with its quadratic envelope on [−reach, reach]."""
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

    ``steps`` are positive lengths, ``z0`` the starting points that are tried, by default 2001 on [−6, 6].
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


def largest_share(sigma: Activation, z: Array) -> float:
    """The largest ``|gap| / (β step²/2)`` over all pairs of different points of ``z``, shape (n,)."""
    z = check_array("z", z, 1)
    step = z[:, None] - z
    if not step.any():
        raise ValueError(f"z must hold two different points at least, got {z}")
    gap = np.abs(tangent_gap(sigma, z[:, None], z))[step != 0]
    return float((gap / (sigma.beta / 2 * step[step != 0] ** 2)).max())


class MoveCloud(NamedTuple):
    """Random moves of a network's first layer: how far, how large the gap, and what Proposition 4.1 allows.

    ``kind`` says how each was drawn: 0 isotropic, 1 all rows along ±x, 2 one neuron only.
    """

    kind: Array
    movement: Array  # ‖W − W0‖_F
    gap: Array  # |f − f0|
    bound: Array  # (β/2)‖W − W0‖²_F


def random_moves(sigma: Activation, m: int, d: int, moves: int, rng: np.random.Generator) -> MoveCloud:
    """Gaps of one random network under random moves of norms 0.1 … 30, of three kinds, for one input with ‖x‖ = 1."""
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


class WidthScaling(NamedTuple):
    """|f − f0| with the factor 1/√m, at fixed ‖W − W0‖_F = B; rows are independent networks, columns widths."""

    widths: Array
    worst: Array
    random: Array
    bound: Array  # Proposition 4.1, shape (widths,)
    random_median: Array  # predicted median for the random move, shape (widths,)
    yours: tuple[Array, Array, Array] | None = None  # the reader's widths, worst and random gaps


def width_scaling(
    sigma: Activation, widths: Sequence[int], B: float, d: int, networks: int, rng: np.random.Generator
) -> WidthScaling:
    """How the gap falls with the width for the worst move and for an isotropic random one.

    Only ``w0_iᵀx`` and the part of each row's move along x enter the gap. For a Gaussian ``W0`` and an isotropic move
    both are independent normals, so no (m, d) matrix is ever drawn; what lies across x takes up length, through a
    chi-square. The worst move is found among 16 384 of the neurons: more of them no longer bend it visibly further.

    Source: claim lecture/width-scaling-smooth.
    """
    widths = np.array([check_size("width", m) for m in widths])
    B, d, networks = check_number("B", B, at_least=0), check_size("d", d), check_size("networks", networks)
    worst, random = np.empty((2, networks, widths.size))
    check_rng(rng)
    for i in range(networks):
        for j, m in enumerate(widths):
            u0, along = rng.standard_normal((2, m))
            a = 1.0 - 2.0 * rng.integers(0, 2, size=m, dtype=np.int8)
            along *= B / sqrt(along @ along + (rng.chisquare(m * (d - 1)) if d > 1 else 0.0))
            few = slice(SEARCHED)
            worst_steps = worst_move(sigma, u0[few], a[few], B)
            worst[i, j] = abs(a[few] @ gap_of_step(sigma, u0[few], worst_steps)) / sqrt(m)
            random[i, j] = abs(a @ gap_of_step(sigma, u0, along)) / sqrt(m)
    z = np.linspace(-8, 8, 4001)
    mean_square_curvature = np.trapezoid(sigma.curvature(z) ** 2 * normal_pdf(z), z)
    random_median = MEDIAN_OF_ABS_NORMAL * sqrt(3 * mean_square_curvature) / 2 * B**2 / (widths * d)
    return WidthScaling(widths, worst, random, sigma.beta / 2 * B**2 / np.sqrt(widths), random_median)
