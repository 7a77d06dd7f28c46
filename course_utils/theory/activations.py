"""Activations with their derivatives in closed form: seven smooth ones, ReLU and the identity."""

from __future__ import annotations

from collections.abc import Callable
from math import e, pi, sqrt
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_choice


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


def normal_pdf(z: Array) -> Array:
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
            lambda z: _normal_cdf(z) + z * normal_pdf(z),
            lambda z: (2 - np.square(z)) * normal_pdf(z),
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

#: β-smooth all the same: their slope is β-Lipschitz, and their second derivative jumps (``lecture/without-second-
#: derivative``). ``curvature`` is what it is beside the jumps.
ONCE_DIFFERENTIABLE: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation(
            "Huber",
            lambda z: np.where(np.abs(z) <= 1, np.square(z) / 2, np.abs(z) - 1 / 2),
            lambda z: np.clip(z, -1, 1),
            lambda z: (np.abs(z) <= 1) * 1.0,
            1.0,
            0.0,
        ),
        Activation(
            "squared ReLU",
            lambda z: np.maximum(z, 0) ** 2,
            lambda z: 2 * np.maximum(z, 0),
            lambda z: (np.asarray(z) > 0) * 2.0,
            2.0,
            1.0,
        ),
    )
}


def activation(name: str) -> Activation:
    """One of the seven :data:`ACTIVATIONS` by name."""
    return ACTIVATIONS[check_choice("activation", name, ACTIVATIONS)]


RELU = Activation(
    "ReLU", lambda z: np.maximum(z, 0), lambda z: (np.asarray(z) > 0) * 1.0, lambda z: np.zeros_like(z), np.inf, 0.0
)

LINEAR = Activation("linear", lambda z: z, lambda z: np.ones_like(z), lambda z: np.zeros_like(z), 0.0, 0.0)

#: Activations of this chapter by name: those of Chapter 1, ReLU (slope 0 at its kink, as torch has it), the identity.
CHOICES = {**ACTIVATIONS, "ReLU": RELU, "linear": LINEAR}


def choice(name: str) -> Activation:
    """One of :data:`CHOICES`."""
    return CHOICES[check_choice("activation", name, CHOICES)]
