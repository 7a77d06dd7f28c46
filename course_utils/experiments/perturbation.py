"""Chapter 5's experiments: clouds of estimates, their cosines and variances, and descent by them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size
from course_utils.theory.losses import Quadratic, SoftmaxNet
from course_utils.theory.perturbation import KINDS, Loss, draws, forward_passes, losses_at, measure_variance
from course_utils.theory.variance_laws import Local, total_variance


class DescentRun(NamedTuple):
    """A run of stochastic gradient descent; arrays over the moments at which it was looked at."""

    method: str
    epoch: Array
    evaluations: Array  # losses of one example; back-propagation counts 3 (forward, and twice that backward)
    seconds: Array  # of this machine, spent in the steps and not in the looks
    loss: Array  # on all of the training set
    accuracy: Array  # on the test set, or on the training set when there is none
    theta: Array


def stochastic_descent(
    net: SoftmaxNet,
    theta: Array,
    method: str,
    step: float,
    epochs: int,
    rng: np.random.Generator,
    *,
    sigma: float = 1e-3,
    K: int = 1,
    batch: int = 32,
    looks: int = 20,
    test: SoftmaxNet | None = None,
) -> DescentRun:
    """Descend with the gradients of ``method``: "backprop", "note", or one of ``perturbation.KINDS``.

    "note" is the update as the note prints it, ΔW = −η Ẽ Ω: no baseline, and nothing divided by σ² (claim
    perturbation/update).

    Raises:
        ValueError: for an unknown method, or a loss that stops being finite.
    """
    if method not in ("backprop", "note"):
        check_choice("kind", method, KINDS)
    step, sigma, rng = check_number("step", step, above=0), check_number("sigma", sigma, above=0), check_rng(rng)
    K, batch, looks = check_size("K", K), check_size("batch", batch), check_size("looks", looks)
    theta, N, test = check_array("theta", theta, 1, net.n).copy(), len(net.X), test or net
    if batch > N:
        raise ValueError(f"batch must be at most the {N} examples there are, got {batch}")
    cost = 3 if method == "backprop" else forward_passes("no baseline" if method == "note" else method, K)
    steps = check_size("epochs", epochs) * (N // batch)
    times = set(np.unique(np.linspace(0, steps, looks + 1).round().astype(int)))
    seen, busy = [], 0.0
    for t in range(steps + 1):
        if t in times:
            seen.append((t * batch / N, t * batch * cost, busy, losses_at(net, theta[None])[0], test.accuracy(theta)))
        if t == steps:
            break
        began = time.perf_counter()
        if t % (N // batch) == 0:
            order = rng.permutation(N)
        start = t % (N // batch) * batch
        part = net.batch(order[start : start + batch])
        if method == "backprop":
            g = part.gradient(theta)
        elif method == "note":
            g = sigma**2 * draws(part, theta, sigma, K, rng, "no baseline").mean(axis=0)
        else:
            g = draws(part, theta, sigma, K, rng, method).mean(axis=0)
        theta -= step * g
        busy += time.perf_counter() - began
    return DescentRun(method, *map(np.array, zip(*seen)), theta)


class Cloud(NamedTuple):
    """Means of K draws in the plane, shape (points, 2), around the true gradient."""

    kind: str
    sigma: float
    K: int
    g: Array
    estimates: Array
    predicted: float  # root mean square distance from g, by the law
    measured: float


def cloud(kind: str = "baseline", sigma: float = 0.2, K: int = 1, points: int = 200, seed: int = 1) -> Cloud:
    """Estimates of the gradient of a quadratic loss in two dimensions; arguments as for ``perturbation.draws``."""
    loss = Quadratic(1.0, np.array([1.0, 0.5]), np.array([[2.0, 0.5], [0.5, 1.0]]))
    theta, K, points = np.zeros(2), check_size("K", K), check_size("points", points)
    rng = np.random.default_rng(seed)
    if kind == "orthogonal":  # a frame for each point
        rows = np.array([draws(loss, theta, sigma, K, rng, kind).mean(axis=0) for _ in range(points)])
    else:
        rows = draws(loss, theta, sigma, points * K, rng, kind).reshape(points, K, 2).mean(axis=1)
    predicted = math.sqrt(total_variance(kind, loss.local(theta), sigma, K))
    measured = math.sqrt(np.square(rows - loss.g).sum(axis=1).mean())
    return Cloud(kind, sigma, K, loss.g, rows, predicted, measured)


class CosineCurve(NamedTuple):
    """Cosine between the gradient and the mean of K draws, over K: the law, and simulated networks (rows)."""

    n: int
    sigma: float
    K: int
    Ks: Array
    law: Array
    cosines: Array  # (repetitions, len(Ks))
    at_K: float  # the law at K
    needed: int  # draws for a cosine of 0.9, by the law


def cosine_curve(n: int = 1000, sigma: float = 0.0, K: int = 100, repetitions: int = 60, seed: int = 1) -> CosineCurve:
    """The cosine over K = 1 … 10⁷ for a net of n parameters; σ counts in units of ``variance_laws.usable_sigma``.

    In law, as in ``variance_laws.exact_cosine``: a draw is (a + σ)z, a its part along g, when the curvature term
    zᵀHz is replaced by a constant of its size. Only Σ a and Σ a² enter, so that any n and K cost the same.
    """
    n, K, sigma = check_size("n", n, 2), check_size("K", K), check_number("sigma", sigma, at_least=0)
    rng, Ks = np.random.default_rng(seed), np.unique(np.geomspace(1, 1e7, 15).astype(int))
    shape = (check_size("repetitions", repetitions), Ks.size)
    total = np.sqrt(Ks) * rng.standard_normal(shape)
    squares = total**2 / Ks + np.where(Ks > 1, rng.chisquare(np.maximum(Ks - 1, 1), shape), 0)
    along = squares + sigma * total
    across2 = (squares + 2 * sigma * total + sigma**2 * Ks) * rng.chisquare(n - 1, shape)
    excess = n + 1 + sigma**2 * n
    return CosineCurve(
        n,
        sigma,
        K,
        Ks,
        np.sqrt(Ks / (Ks + excess)),
        along / np.sqrt(along**2 + across2),
        math.sqrt(K / (K + excess)),
        math.ceil(0.81 / 0.19 * excess),
    )


class SigmaSweep(NamedTuple):
    """Total variance over σ: predicted and measured (with standard errors) for each kind, shape (kinds, sigmas)."""

    kinds: tuple[str, ...]
    sigmas: Array
    predicted: Array
    measured: Array
    error: Array


def sigma_sweep(
    loss: Loss,
    at: Local,
    theta: Array,
    center: Callable[[float], Array],
    sigmas: Array,
    repetitions: int,
    kinds: tuple[str, ...],
    rng: np.random.Generator,
) -> SigmaSweep:
    """Single draws of each kind at each σ, around their mean ``center(sigma)``, beside the law of their variance."""
    rows = [
        [
            measure_variance(loss, theta, center(s), s, 1, repetitions, rng, kind, total_variance(kind, at, s))
            for s in sigmas
        ]
        for kind in kinds
    ]
    table = np.array([[(m.predicted, m.measured, m.error) for m in row] for row in rows])
    return SigmaSweep(tuple(kinds), check_array("sigmas", sigmas, 1), *np.moveaxis(table, 2, 0))
