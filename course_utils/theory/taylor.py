"""Chapter 1: how far a smooth activation, and a network made of it, strays from its tangent.

Notation: ``sigma`` is β-smooth when its slope is β-Lipschitz; where it is twice differentiable, ``|σ''| ≤ β``.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number
from course_utils.theory.activations import Activation


def tangent_gap(sigma: Activation, z: Array, z0: Array) -> Array:
    """``σ(z) − σ(z0) − σ'(z0)(z − z0)``, elementwise with broadcasting (claim lecture/smooth-scalar)."""
    z, z0 = check_array("z", z), check_array("z0", z0)
    return gap_of_step(sigma, z0, z - z0)


def gap_of_step(sigma: Activation, z0: Array, step: Array) -> Array:
    return sigma.value(z0 + step) - (sigma.value(z0) + sigma.slope(z0) * step)


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


def worst_move(sigma: Activation, u0: Array, a: Array, B: float) -> Array:
    """Steps along x, of total length B, under which a net's gap nearly reaches Proposition 4.1.

    The neurons whose ``a_i σ''(u0_i)`` is largest bend most. The ``k`` best of them move equally far, each in the
    direction that gains more; ``k`` is the best of a geometric grid. ``u0`` is ``W0 @ x`` for an input with ‖x‖ = 1,
    shape (m,), as are ``a``, the second layer, and what is returned: the rows move by ``δ_i x``.
    """
    u0, a, B = check_array("u0", u0, 1), check_array("a", a, 1), check_number("B", B, at_least=0)
    if u0.shape != a.shape:
        raise ValueError(f"u0 and a must have the same length, got {u0.size} and {a.size}")
    order = np.argsort(-a * sigma.curvature(u0), kind="stable")
    u_best, a_best = u0[order], a[order]
    best_gain, best = -np.inf, np.zeros(0)
    for k in np.unique(np.geomspace(1, u0.size, 24).astype(int)):
        step = B / sqrt(k)
        up, down = (a_best[:k] * gap_of_step(sigma, u_best[:k], s) for s in (step, -step))
        gain = np.maximum(up, down).sum()
        if gain > best_gain:
            best_gain, best = gain, np.where(up >= down, step, -step)
    delta = np.zeros(u0.size)
    delta[order[: best.size]] = best
    return delta


def proposition_4_1(beta: float, W: Array, W0: Array) -> float:
    """The bound ``(β/2)‖W − W0‖²_F`` of Proposition 4.1."""
    W, W0 = check_array("W", W, 2), check_array("W0", W0, 2)
    if W.shape != W0.shape:
        raise ValueError(f"W and W0 must have the same shape, got {W.shape} and {W0.shape}")
    return check_number("beta", beta, at_least=0) / 2 * float(np.square(W - W0).sum())
