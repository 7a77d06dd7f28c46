"""Chapter 5: gradients from forward passes only.

Notation of the chapter: ``theta`` holds all n parameters, ``sigma`` is the size of a perturbation, ``K`` the
number of perturbations, E the loss, g its gradient and H its Hessian at ``theta``. A *loss* is a function of a
whole batch of parameter vectors at once: it takes shape (k, n) and returns shape (k,), so that no estimator loops
over its perturbations. Their laws are in :mod:`course_utils.theory.variance_laws`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size
from course_utils.theory.statistics import Interval, mean_interval

Loss = Callable[[Array], Array]

CHUNK = 64  # perturbations held at a time: few enough that those of a small net stay in the processor's cache


class Estimate(NamedTuple):
    """A gradient estimated from forward passes.

    ``standard_error`` is that of each coordinate, and not a number (nan) when a single draw leaves it unknown.
    """

    gradient: Array  # (n,)
    standard_error: Array  # (n,)
    evaluations: int  # forward passes; for "forward" passes that carry a derivative along


def estimate(
    loss: Loss, theta: Array, sigma: float, K: int, rng: np.random.Generator, kind: str = "baseline", chunk: int = CHUNK
) -> Estimate:
    """The mean of K draws of one of the :data:`KINDS`, with the standard error of every coordinate.

    Args:
        loss: takes parameter vectors, shape (k, n), and returns their losses, shape (k,). "forward" needs its method
            ``slopes(theta, V)``, "node" its method ``node_draws``; ``losses.SoftmaxNet`` has both.
        theta: parameters, shape (n,).
        sigma: size of the perturbation, positive; "forward" does not use it.
        K: draws; an antithetic draw is a pair, and "mean baseline" needs at least 2.
        chunk: draws that are held, and evaluated in one forward pass, at a time. "orthogonal" and "mean baseline" hold
            all K, "orthogonal" at most n.

    "mean baseline" subtracts the mean of the K losses, which costs no pass, and multiplies by K/(K − 1), because each
    draw's own loss is part of that mean: the covariance of loss and noise in the sample.

    The K orthogonal draws are not independent: they are drawn *without replacement* from an orthonormal basis. Their
    standard error is therefore that of a survey, √(1 − K/n) times the usual one, and 0 when K = n.
    """
    theta, sigma, K, chunk = _accepted(theta, sigma, K, rng, kind, chunk)
    n, baseline = theta.size, _baseline(loss, theta, kind)
    mean, squares, done = np.zeros(n), np.zeros(n), 0
    while done < K:
        k = min(chunk, K - done)
        weights, directions = KINDS[kind](loss, theta, sigma, k, rng, baseline)
        part = weights @ directions / k
        # Chan's update: each chunk's squares around its own mean, so that little cancels
        squares += np.square(weights) @ np.square(directions) - k * np.square(part)
        squares += np.square(part - mean) * (done * k / (done + k))
        mean += (part - mean) * (k / (done + k))
        done += k
    left = 1 - K / n if kind == "orthogonal" else 1.0
    error = np.sqrt(np.maximum(squares, 0) / (K - 1) / K * left) if K > 1 else np.full(n, np.nan)
    return Estimate(mean, error, forward_passes(kind, K))


def draws(loss: Loss, theta: Array, sigma: float, K: int, rng: np.random.Generator, kind: str = "baseline") -> Array:
    """K single draws, shape (K, n), whose mean :func:`estimate` returns; arguments and errors as there."""
    theta, sigma, K, chunk = _accepted(theta, sigma, K, rng, kind, CHUNK)
    rows, baseline = np.empty((K, theta.size)), _baseline(loss, theta, kind)
    for start in range(0, K, chunk):
        part = rows[start : start + chunk]
        weights, directions = KINDS[kind](loss, theta, sigma, len(part), rng, baseline)
        np.multiply(weights[:, None], directions, out=part)
    return rows


def _gaussian(loss, theta, sigma, k, rng, baseline):
    omega = sigma * rng.standard_normal((k, theta.size))
    return (losses_at(loss, theta + omega) - baseline) / sigma**2, omega


def _no_baseline(loss, theta, sigma, k, rng, baseline):
    return _gaussian(loss, theta, sigma, k, rng, 0.0)


def _mean_baseline(loss, theta, sigma, k, rng, baseline):
    values, omega = _gaussian(loss, theta, sigma, k, rng, 0.0)
    return (values - values.mean()) * (k / (k - 1)), omega


def _signs(loss, theta, sigma, k, rng, baseline):
    omega = sigma * random_signs(k, theta.size, rng)
    return (losses_at(loss, theta + omega) - baseline) / sigma**2, omega


def _antithetic(loss, theta, sigma, k, rng, baseline):
    omega = sigma * rng.standard_normal((k, theta.size))
    return (losses_at(loss, theta + omega) - losses_at(loss, theta - omega)) / (2 * sigma**2), omega


def _orthogonal(loss, theta, sigma, k, rng, baseline):
    omega = sigma * math.sqrt(theta.size) * orthogonal_directions(k, theta.size, rng)
    values = [losses_at(loss, theta + omega[start : start + CHUNK]) for start in range(0, k, CHUNK)]
    return (np.concatenate(values) - baseline) / sigma**2, omega


def _forward(loss, theta, sigma, k, rng, baseline):
    directions = rng.standard_normal((k, theta.size))
    return _need(loss, "slopes")(theta, directions), directions


def _node(loss, theta, sigma, k, rng, baseline):
    return np.ones(k), _need(loss, "node_draws")(theta, sigma, k, rng)


def _global_node(loss, theta, sigma, k, rng, baseline):
    return np.ones(k), _need(loss, "node_draws")(theta, sigma, k, rng, one_signal=True)


def _example(loss, theta, sigma, k, rng, baseline):
    return np.ones(k), _need(loss, "example_draws")(theta, sigma, k, rng)


#: Ways to draw: (loss, theta, sigma, k, rng, baseline) -> weights (k,) and directions (k, n), whose products are
#: the k draws.
KINDS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "no baseline": _no_baseline,
    "baseline": _gaussian,
    "mean baseline": _mean_baseline,
    "antithetic": _antithetic,
    "signs": _signs,
    "orthogonal": _orthogonal,
    "forward": _forward,
    "node": _node,
    "global node": _global_node,
    "example": _example,
}
#: Kinds whose K draws are made together.
TOGETHER = ("orthogonal", "mean baseline")

_SIGNS = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1  # the eight signs of a byte


def random_signs(k: int, n: int, rng: np.random.Generator) -> Array:
    """Independent ±1, shape (k, n), from one random bit each."""
    words = rng.integers(0, 2**32, size=(k, -(-n // 32)), dtype="<u4")
    return _SIGNS[words.view(np.uint8)].reshape(k, -1)[:, :n]


def orthogonal_directions(k: int, n: int, rng: np.random.Generator) -> Array:
    """k ≤ n orthonormal rows, shape (k, n), uniformly distributed among all such frames.

    Gram–Schmidt on Gaussian rows. LAPACK prefers one of u and −u, and a preferred side would turn curvature into
    bias: hence the random signs.
    """
    frame = np.linalg.qr(rng.standard_normal((n, k)))[0].T
    return frame * rng.choice([-1.0, 1.0], size=(k, 1))


class Measured(NamedTuple):
    """A predicted total variance beside a measured one with its standard error, from so many estimates."""

    kind: str
    K: int
    evaluations: int
    predicted: float
    measured: float
    error: float
    repetitions: int = 2

    @property
    def deviation(self) -> float:
        """(measured − predicted) in standard errors."""
        return (self.measured - self.predicted) / self.error

    @property
    def ratio(self) -> Interval:
        """measured / predicted, with Student's interval at 99 %."""
        return Interval.t(self.measured / self.predicted, self.error / self.predicted, self.repetitions)


def measure_variance(
    loss: Loss,
    theta: Array,
    center: Array,
    sigma: float,
    K: int,
    repetitions: int,
    rng: np.random.Generator,
    kind: str,
    predicted: float,
) -> Measured:
    """‖ĝ − center‖² averaged over independent estimates ĝ of K draws each, beside ``predicted``.

    ``center`` is the mean of ĝ, shape (n,). Memory is that of a chunk of draws (K of them, if K is larger).
    """
    theta, center = check_array("theta", theta, 1), check_array("center", center, 1, np.size(theta))
    sigma, K = check_number("sigma", sigma, above=0), check_size("K", K)
    repetitions, predicted = check_size("repetitions", repetitions), check_number("predicted", predicted)
    if repetitions < 2:
        raise ValueError(f"repetitions must be at least 2 for a standard error, got {repetitions}")
    at_once = 1 if kind in TOGETHER else max(1, CHUNK // K)
    squares = []
    while len(squares) < repetitions:
        r = min(at_once, repetitions - len(squares))
        rows = draws(loss, theta, sigma, r * K, rng, kind).reshape(r, K, -1)
        squares.extend(np.square(rows.mean(axis=1) - center).sum(axis=1))
    error = np.std(squares, ddof=1) / math.sqrt(repetitions)
    return Measured(kind, K, forward_passes(kind, K), predicted, float(np.mean(squares)), float(error), repetitions)


def mean_of(estimates: Array, evaluations: int) -> Estimate:
    """The mean of r ≥ 2 independent estimates, shape (r, n), each of so many forward passes."""
    estimates = check_array("estimates", estimates, 2)
    r = check_size("len(estimates)", len(estimates), 2)
    error = estimates.std(axis=0, ddof=1) / math.sqrt(r)
    return Estimate(estimates.mean(axis=0), error, r * check_size("evaluations", evaluations))


def squared_distance(estimates: Array, target: Array) -> Interval:
    """‖E ĝ − target‖² from an even number of independent estimates ĝ, shape (2r, n), without their noise.

    Of two independent estimates the product of errors (ĝ − target)·(ĝ′ − target) has just this mean; the square of one
    error would add the variance of ĝ. The interval is Student's, over the r pairs.
    """
    estimates = check_array("estimates", estimates, 2)
    if len(estimates) % 2:
        raise ValueError(f"estimates must come in pairs, got {len(estimates)}")
    off = estimates - check_array("target", target, 1, estimates.shape[1])
    return mean_interval((off[::2] * off[1::2]).sum(axis=1))


def _accepted(theta, sigma, K, rng, kind, chunk) -> tuple[Array, float, int, int]:
    theta, sigma, K = check_array("theta", theta, 1), check_number("sigma", sigma, above=0), check_size("K", K)
    chunk = check_size("chunk", chunk)
    check_rng(rng)
    if check_choice("kind", kind, KINDS) == "orthogonal" and K > theta.size:
        raise ValueError(f"K must be at most n = {theta.size} for orthogonal directions, got {K}")
    if kind == "mean baseline" and K < 2:
        raise ValueError(f"K must be at least 2 for a mean of K losses to compare with, got {K}")
    return theta, sigma, K, K if kind in TOGETHER else chunk


def losses_at(loss: Loss, thetas: Array) -> Array:
    """The losses of parameter vectors (k, n), shape (k,), or an error that says how the loss should answer."""
    values = np.asarray(loss(thetas))
    if values.shape != (len(thetas),):
        raise ValueError(
            f"loss must return one number for each of the {len(thetas)} rows it is given, shape ({len(thetas)},), "
            f"got shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"loss must be finite, got {values[~np.isfinite(values)][0]}")
    return values


def _baseline(loss: Loss, theta: Array, kind: str) -> float:
    return losses_at(loss, theta[None])[0] if kind in ("baseline", "signs", "orthogonal") else 0.0


def forward_passes(kind: str, K: int) -> int:
    """How many times K draws of a kind evaluate the loss."""
    return {"no baseline": K, "mean baseline": K, "forward": K, "antithetic": 2 * K}.get(kind, K + 1)


def _need(loss: Loss, method: str) -> Callable[..., Array]:
    if not hasattr(loss, method):
        raise TypeError(f"this kind needs a loss with a method {method!r}, which {type(loss).__name__} has not")
    return getattr(loss, method)
