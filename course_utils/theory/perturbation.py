"""Chapter 5: gradients from forward passes only, and how good they are.

Notation of the chapter: ``theta`` holds all n parameters, ``sigma`` is the size of a perturbation, ``K`` the
number of perturbations, E the loss, g its gradient and H its Hessian at ``theta``. A *loss* is a function of a
whole batch of parameter vectors at once: it takes shape (k, n) and returns shape (k,), so that no estimator loops
over its perturbations.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.desk.claims import Fact, equals
from course_utils.theory.networks import Array, check_array, check_number, check_size
from course_utils.theory.sign_flips import check_rng, check_vector

Loss = Callable[[Array], Array]

CHUNK = 64  # perturbations held at a time: few enough that those of a small net stay in the processor's cache


# --- the estimators -------------------------------------------------------------------------------


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
            ``slopes(theta, V)``, "node" its method ``node_draws``; :class:`SoftmaxNet` has both.
        theta: parameters, shape (n,).
        sigma: size of the perturbation, positive; "forward" does not use it.
        K: draws; an antithetic draw is a pair.
        chunk: draws that are held, and evaluated in one forward pass, at a time. "orthogonal" holds all K ≤ n.

    The K orthogonal draws are not independent: they are drawn *without replacement* from an orthonormal basis. Their
    standard error is therefore that of a survey, √(1 − K/n) times the usual one, and 0 when K = n.

    Raises:
        ValueError: for σ ≤ 0, K or chunk < 1, an unknown kind, more orthogonal draws than parameters, entries of
            theta or losses that are not finite, losses of another shape than (k,).
        TypeError: for arguments of another type, or a loss without the method that the kind needs.
    """
    theta, sigma, K = check_array("theta", theta, 1), check_number("sigma", sigma, above=0), check_size("K", K)
    n, chunk, rng = theta.size, check_size("chunk", chunk), check_rng(rng)
    _check_kind(kind)
    if kind == "orthogonal" and K > n:
        raise ValueError(f"K must be at most n = {n} for orthogonal directions, got {K}")
    chunk = K if kind == "orthogonal" else chunk
    baseline = _baseline(loss, theta, kind)
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
    return Estimate(mean, error, _evaluations(kind, K))


def draws(loss: Loss, theta: Array, sigma: float, K: int, rng: np.random.Generator, kind: str = "baseline") -> Array:
    """K single draws, shape (K, n), whose mean :func:`estimate` returns; arguments and errors as there."""
    theta, sigma, K = check_array("theta", theta, 1), check_number("sigma", sigma, above=0), check_size("K", K)
    _check_kind(kind)
    if kind == "orthogonal" and K > theta.size:
        raise ValueError(f"K must be at most n = {theta.size} for orthogonal directions, got {K}")
    rng, baseline, chunk = check_rng(rng), _baseline(loss, theta, kind), K if kind == "orthogonal" else CHUNK
    rows = np.empty((K, theta.size))
    for start in range(0, K, chunk):
        part = rows[start : start + chunk]
        weights, directions = KINDS[kind](loss, theta, sigma, len(part), rng, baseline)
        np.multiply(weights[:, None], directions, out=part)
    return rows


def _gaussian(loss, theta, sigma, k, rng, baseline):
    omega = sigma * rng.standard_normal((k, theta.size))
    return (_values(loss, theta + omega) - baseline) / sigma**2, omega


def _no_baseline(loss, theta, sigma, k, rng, baseline):
    return _gaussian(loss, theta, sigma, k, rng, 0.0)


def _signs(loss, theta, sigma, k, rng, baseline):
    omega = sigma * random_signs(k, theta.size, rng)
    return (_values(loss, theta + omega) - baseline) / sigma**2, omega


def _antithetic(loss, theta, sigma, k, rng, baseline):
    omega = sigma * rng.standard_normal((k, theta.size))
    return (_values(loss, theta + omega) - _values(loss, theta - omega)) / (2 * sigma**2), omega


def _orthogonal(loss, theta, sigma, k, rng, baseline):
    omega = sigma * math.sqrt(theta.size) * orthogonal_directions(k, theta.size, rng)
    values = [_values(loss, theta + omega[start : start + CHUNK]) for start in range(0, k, CHUNK)]
    return (np.concatenate(values) - baseline) / sigma**2, omega


def _forward(loss, theta, sigma, k, rng, baseline):
    directions = rng.standard_normal((k, theta.size))
    return _need(loss, "slopes")(theta, directions), directions


def _node(loss, theta, sigma, k, rng, baseline):
    return np.ones(k), _need(loss, "node_draws")(theta, sigma, k, rng)


#: Ways to draw: (loss, theta, sigma, k, rng, baseline) -> weights (k,) and directions (k, n), whose products are
#: the k draws.
KINDS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "no baseline": _no_baseline,
    "baseline": _gaussian,
    "antithetic": _antithetic,
    "signs": _signs,
    "orthogonal": _orthogonal,
    "forward": _forward,
    "node": _node,
}


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


# --- the laws -------------------------------------------------------------------------------------


class Local(NamedTuple):
    """What the law of an estimator depends on: the loss at θ to second order.

    ``g2`` is ‖g‖², ``trace`` tr H, ``frobenius2`` ‖H‖²_F and ``diagonal2`` Σ H_ii². The last three multiply powers
    of σ: left at 0, the laws are those of small σ.
    """

    n: int
    E: float
    g2: float
    trace: float = 0.0
    frobenius2: float = 0.0
    diagonal2: float = 0.0


def local(loss: Loss, theta: Array, gradient: Callable[[Array], Array], h: float = 1e-4) -> Local:
    """The loss at θ to second order; the Hessian by central differences of ``gradient``, so for small n only."""
    theta, h = check_array("theta", theta, 1), check_number("h", h, above=0)
    g, H = gradient(theta), hessian(theta, gradient, h)
    return Local(
        theta.size,
        float(_values(loss, theta[None])[0]),
        float(g @ g),
        float(np.trace(H)),
        float(np.square(H).sum()),
        float(np.square(np.diag(H)).sum()),
    )


def hessian(theta: Array, gradient: Callable[[Array], Array], h: float = 1e-4) -> Array:
    """The Hessian at θ, shape (n, n), by central differences of ``gradient``: (n,) → (n,)."""
    H = np.array([(gradient(theta + e) - gradient(theta - e)) / (2 * h) for e in h * np.eye(theta.size)])
    return (H + H.T) / 2


def total_variance(kind: str, at: Local, sigma: float, K: int = 1) -> float:
    """E‖ĝ − E ĝ‖² of the mean of K draws, exact for a quadratic loss at every σ (claim course/variance-reduction).

    With Ω = σz the difference of losses is σ gᵀz + σ² zᵀHz/2. For Gaussian z, Isserlis' theorem gives
    E (gᵀz)²‖z‖² = (n + 2)‖g‖², E zᵀHz ‖z‖² = (n + 2) tr H and E (zᵀHz)²‖z‖² = (n + 4)(tr²H + 2‖H‖²_F), odd moments
    vanish, and ‖g‖² is subtracted once. Random signs have ‖z‖² = n and E (zᵀHz)² = tr²H + 2(‖H‖²_F − Σ H_ii²). Of K
    orthogonal directions each contributes n²(gᵀu)²/K², hence (n/K − 1)‖g‖², and curvature
    n²σ²(tr²H + 2‖H‖²_F)/(4(n + 2)K). Antithetic pairs cancel the even term. Forward mode has neither σ nor curvature.

    Raises:
        ValueError: for an unknown kind, σ ≤ 0, K < 1, and "node", whose law is :meth:`SoftmaxNet.node_variance`.
    """
    sigma, K = check_number("sigma", sigma, above=0), check_size("K", K)
    n, E, g2, trace, frobenius2, diagonal2 = at
    bend = sigma**2 / 4 * (n + 4) * (trace**2 + 2 * frobenius2)
    match kind:
        case "no baseline":
            return ((n + 1) * g2 + bend + n * E**2 / sigma**2 + (n + 2) * E * trace) / K
        case "baseline":
            return ((n + 1) * g2 + bend) / K
        case "antithetic" | "forward":
            return (n + 1) * g2 / K
        case "signs":
            return ((n - 1) * g2 + sigma**2 / 4 * n * (trace**2 + 2 * (frobenius2 - diagonal2))) / K
        case "orthogonal":
            bend = (n * sigma) ** 2 / 4 * (trace**2 + 2 * frobenius2) / (n + 2)
            return (n / K - 1) * g2 + bend / K
    raise ValueError(f"kind must be one of {', '.join(k for k in KINDS if k != 'node')}, got {kind!r}")


def usable_sigma(at: Local) -> float:
    """The σ at which curvature doubles the variance of Gaussian draws with baseline (:func:`total_variance`).

    Returns infinity for a loss without curvature.
    """
    bend = (at.n + 4) * (at.trace**2 + 2 * at.frobenius2)
    return 2 * math.sqrt((at.n + 1) * at.g2 / bend) if bend > 0 else math.inf


class Measured(NamedTuple):
    """A predicted total variance beside a measured one with its standard error."""

    kind: str
    K: int
    evaluations: int
    predicted: float
    measured: float
    error: float

    @property
    def deviation(self) -> float:
        """(measured − predicted) in standard errors."""
        return (self.measured - self.predicted) / self.error

    def ratio(self) -> tuple[float, tuple[float, float]]:
        """measured / predicted, with its interval of ± 3 standard errors."""
        value, half = self.measured / self.predicted, 3 * self.error / self.predicted
        return value, (value - half, value + half)

    def fact(self, label: str) -> Fact:
        """What a claim says of it: the ratio is 1, within three standard errors."""
        value, interval = self.ratio()
        return equals(value, 1, label, interval=interval)


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
    theta, center = check_array("theta", theta, 1), check_vector("center", center, np.size(theta))
    sigma, K = check_number("sigma", sigma, above=0), check_size("K", K)
    repetitions = check_size("repetitions", repetitions)
    if repetitions < 2:
        raise ValueError(f"repetitions must be at least 2 for a standard error, got {repetitions}")
    at_once = 1 if kind == "orthogonal" else max(1, CHUNK // K)
    squares = []
    while len(squares) < repetitions:
        r = min(at_once, repetitions - len(squares))
        rows = draws(loss, theta, sigma, r * K, rng, kind).reshape(r, K, -1)
        squares.extend(np.square(rows.mean(axis=1) - center).sum(axis=1))
    error = np.std(squares, ddof=1) / math.sqrt(repetitions)
    return Measured(kind, K, _evaluations(kind, K), float(predicted), float(np.mean(squares)), float(error))


def cosine_law(K: Array | int, n: Array | int) -> Array | float:
    """√(K/(K + n + 1)) = E ĝᵀg / √(E‖ĝ‖² ‖g‖²) for K Gaussian draws with baseline (claim perturbation/variance)."""
    return np.sqrt(K / (K + n + 1.0))


def exact_cosine(K: int, n: int) -> float:
    """The mean cosine between g and the mean of K Gaussian draws, exactly, for small σ.

    Split z into its part a along g and the rest. The part of ĝ along g is ‖g‖ S/K with S = Σ a_k² chi-square with K
    degrees of freedom; across, given the a_k, it is ‖g‖ √(S Q)/K with Q chi-square with n − 1. So cos² = S/(S + Q),
    which has the law Beta(K/2, (n − 1)/2). Returns E cos by the moments of that law.

    Raises:
        ValueError: if K < 1 or n < 2.
    """
    from scipy.special import gammaln

    p, q = check_size("K", K) / 2, check_size("n - 1", n - 1) / 2
    return math.exp(gammaln(p + 0.5) - gammaln(p) + gammaln(p + q) - gammaln(p + q + 0.5))


def draws_for_cosine(cosine: float, n: int) -> int:
    """The smallest K with √(K/(K + n + 1)) ≥ cosine.

    Raises:
        ValueError: if the cosine is not strictly between 0 and 1, or n < 1.
    """
    c, n = check_number("cosine", cosine, above=0), check_size("n", n)
    if c >= 1:
        raise ValueError(f"cosine must be below 1, got {c:g}")
    return max(1, math.ceil(c**2 * (n + 1) / (1 - c**2) * (1 - 1e-12)))


def largest_step(g: Array, H: Array, K: int) -> float:
    """The step below which descent along the mean of K Gaussian draws decreases the quadratic model on average.

    E ĝᵀHĝ = gᵀHg + (gᵀHg + ‖g‖² tr H)/K, so −γ‖g‖² + γ²/2 E ĝᵀHĝ < 0 for γ < 2/(ρ + (ρ + tr H)/K) with ρ = gᵀHg/‖g‖²,
    as in Chapter 4. Where a gradient feels one direction's curvature, its estimate feels all of them.

    Returns infinity when the curvature is not positive. Raises ValueError on shapes that do not fit or g = 0.
    """
    g, H, K = check_array("g", g, 1), check_array("H", H, 2), check_size("K", K)
    if H.shape != (g.size, g.size):
        raise ValueError(f"H must have shape ({g.size}, {g.size}), got {H.shape}")
    if not g.any():
        raise ValueError("g must not be 0: there is no direction to descend")
    rho = g @ H @ g / (g @ g)
    curvature = rho + (rho + np.trace(H)) / K
    return 2 / curvature if curvature > 0 else math.inf


# --- losses ---------------------------------------------------------------------------------------


class Quadratic:
    """``E + gᵀ(θ − at) + (θ − at)ᵀH(θ − at)/2``: the loss for which every law here is exact."""

    def __init__(self, E: float, g: Array, H: Array | None = None, at: Array | None = None) -> None:
        self.E, self.g = check_number("E", E), check_array("g", g, 1)
        n = self.g.size
        self.H = np.zeros((n, n)) if H is None else check_array("H", H, 2)
        self.at = np.zeros(n) if at is None else check_vector("at", at, n)
        if self.H.shape != (n, n):
            raise ValueError(f"H must have shape ({n}, {n}), got {self.H.shape}")
        self.H = (self.H + self.H.T) / 2

    def __call__(self, thetas: Array) -> Array:
        moved = np.asarray(thetas) - self.at
        return self.E + moved @ self.g + np.einsum("ki,ij,kj->k", moved, self.H, moved, optimize=True) / 2

    def gradient(self, theta: Array) -> Array:
        return self.g + self.H @ (theta - self.at)

    def slopes(self, theta: Array, V: Array) -> Array:
        return V @ self.gradient(theta)

    def local(self, theta: Array) -> Local:
        """The loss to second order at θ, for the laws."""
        g = self.gradient(theta)
        traces = np.trace(self.H), np.square(self.H).sum(), np.square(np.diag(self.H)).sum()
        return Local(g.size, float(self(theta[None])[0]), float(g @ g), *map(float, traces))


class SineNet:
    """``y(x) = Σ_i a_i sin(w_iᵀx)`` with the mean of ½(y(x) − y)²: a net whose *smoothed* loss has a closed form.

    Under Ω ~ N(0, σ²) each pre-activation is normal with variance s² = σ²‖x‖², and E sin = e^(−s²/2) sin,
    E sin² = (1 − e^(−2s²) cos 2·)/2. Shapes: X (N, d), y (N,), a (m,); θ holds W (m, d), so n = m d.
    """

    def __init__(self, X: Array, y: Array, a: Array) -> None:
        self.X, self.a = check_array("X", X, 2), check_array("a", a, 1)
        self.y = check_vector("y", y, len(self.X))
        self.n = self.a.size * self.X.shape[1]

    def errors(self, theta: Array) -> Array:
        """½(y(x_i) − y_i)² of each example, shape (N,)."""
        return self._errors(np.asarray(theta)[None])[0]

    def _errors(self, thetas):
        W = thetas.reshape(len(thetas) * self.a.size, -1)
        outputs = self.a @ np.sin(W @ self.X.T).reshape(len(thetas), self.a.size, -1)
        return np.square(outputs - self.y) / 2

    def __call__(self, thetas: Array) -> Array:
        return self._errors(np.asarray(thetas)).mean(axis=1)

    def gradient(self, theta: Array, sigma: float = 0.0) -> Array:
        """The gradient, shape (n,), of the loss smoothed by a Gaussian of width σ; at σ = 0 of the loss itself."""
        u = check_vector("theta", theta, self.n).reshape(self.a.size, -1) @ self.X.T
        s2 = check_number("sigma", sigma, at_least=0) ** 2 * np.square(self.X).sum(axis=1)
        a, fade = self.a[:, None], np.exp(-s2 / 2)
        outputs = self.a @ (fade * np.sin(u))
        # each neuron's own square is smoothed as sin², the products of different neurons as sin · sin
        others = outputs - a * fade * np.sin(u) - self.y
        by_u = a**2 / 2 * np.exp(-2 * s2) * np.sin(2 * u) + a * fade * np.cos(u) * others
        return (by_u @ self.X / len(self.X)).ravel()


class SoftmaxNet:
    """A classifier with one tanh layer and the mean cross-entropy, batched over parameter vectors.

    θ holds W1 (h, d), b1 (h,), W2 (c, h), b2 (c,), one after the other: n = h(d + 1) + c(h + 1). Arrays inside have
    the shape (k, units, N), so that the sums over units run along contiguous examples.
    """

    def __init__(self, X: Array, y: Array, hidden: int, classes: int = 10) -> None:
        """X: inputs (N, d); y: labels (N,) from 0 to classes − 1. Raises ValueError or TypeError otherwise."""
        self.X = check_array("X", X, 2)
        self.hidden, self.classes = check_size("hidden", hidden), check_size("classes", classes)
        self.y = np.asarray(y)
        if self.y.shape != (len(self.X),) or self.y.dtype.kind not in "iu":
            raise ValueError(f"y must hold {len(self.X)} whole numbers, got shape {self.y.shape}, {self.y.dtype}")
        if self.y.min() < 0 or self.y.max() >= classes:
            raise ValueError(f"y must lie from 0 to {classes - 1}, got {self.y.min()} to {self.y.max()}")
        d = self.X.shape[1]
        self._sizes = [hidden * d, hidden, classes * hidden, classes]
        self.n = sum(self._sizes)

    def batch(self, rows: Array) -> SoftmaxNet:
        """The same network on some of its examples."""
        return SoftmaxNet(self.X[rows], self.y[rows], self.hidden, self.classes)

    def initial(self, rng: np.random.Generator, scale: float = 1.0) -> Array:
        """Random θ, shape (n,): normal weights of Chapter 4's Glorot size times ``scale``, zero biases."""
        theta = np.zeros(self.n)
        W1, _, W2, _ = self._unpack(theta[None])
        for W in (W1, W2):
            W[:] = check_rng(rng).normal(scale=scale * math.sqrt(2 / sum(W.shape[1:])), size=W.shape)
        return theta

    def __call__(self, thetas: Array) -> Array:
        _, logits = self._forward(thetas)
        return self._losses(logits).mean(axis=1)

    def accuracy(self, theta: Array) -> float:
        """The share of examples whose largest output is that of their label."""
        _, logits = self._forward(np.asarray(theta)[None])
        return float((logits[0].argmax(axis=0) == self.y).mean())

    def gradient(self, theta: Array) -> Array:
        """Back-propagation, by hand: the gradient of the mean loss, shape (n,)."""
        _, _, W2, _ = self._unpack(np.asarray(theta)[None])
        Z, logits = self._forward(np.asarray(theta)[None])
        d_out = self._residual(logits)[0]
        d_hidden = W2[0].T @ d_out * (1 - Z[0] ** 2)
        return self._outer(d_hidden[None], d_out[None], Z)[0] / len(self.X)

    def slopes(self, theta: Array, V: Array) -> Array:
        """Forward-mode derivatives ``gᵀv`` along the rows of V, shape (k, n), without g: shape (k,)."""
        _, _, W2, _ = self._unpack(np.asarray(theta)[None])
        Z, logits = self._forward(np.asarray(theta)[None])
        V1, v1, V2, v2 = self._unpack(np.asarray(V))
        d_hidden = (1 - Z**2) * (self._inputs(V1) + v1[:, :, None])
        d_out = W2 @ d_hidden + V2 @ Z + v2[:, :, None]
        return (self._residual(logits) * d_out).sum(axis=1).mean(axis=1)

    def node_draws(self, theta: Array, sigma: float, k: int, rng: np.random.Generator) -> Array:
        """k draws of node perturbation with baseline, shape (k, n).

        The noise sits on the h + c pre-activations, independently for every example, and each example's own change of
        loss is its error signal. A unit's noise times its input stands in for the gradient of its weights.
        """
        W1, b1, W2, b2 = self._unpack(np.asarray(theta)[None])
        U, N = self._inputs(W1) + b1[:, :, None], len(self.X)
        Z = np.tanh(U)
        clean = self._losses(W2 @ Z + b2[:, :, None])
        xi_1, xi_2 = (sigma * rng.standard_normal((k, units, N)) for units in (self.hidden, self.classes))
        noisy = W2 @ np.tanh(U + xi_1) + b2[:, :, None] + xi_2
        signal = (self._losses(noisy) - clean)[:, None, :] / (sigma**2 * N)
        return self._outer(signal * xi_1, signal * xi_2, Z)

    def node_variance(self, theta: Array, K: int = 1) -> float:
        """The law of node perturbation for small σ: E‖ĝ − g‖² of the mean of K draws.

        For one example with gradient δ = (δ1, δ2) by its nodes the Gaussian law has covariance ‖δ‖² I + δδᵀ; layer
        l's part is spread over weights and bias by the factor ‖z_l‖² + 1. Examples are independent:
        (1/N²) Σ_i Σ_l (n_l ‖δ_i‖² + ‖δ_il‖²)(‖z_il‖² + 1)/K, which counts nodes, not weights.
        """
        _, _, W2, _ = self._unpack(np.asarray(theta)[None])
        Z, logits = self._forward(np.asarray(theta)[None])
        d_2 = self._residual(logits)[0]
        d_1 = W2[0].T @ d_2 * (1 - Z[0] ** 2)
        size_1, size_2 = np.square(d_1).sum(axis=0), np.square(d_2).sum(axis=0)
        in_1, in_2 = np.square(self.X).sum(axis=1) + 1, np.square(Z[0]).sum(axis=0) + 1
        total = (self.hidden * (size_1 + size_2) + size_1) * in_1 + (self.classes * (size_1 + size_2) + size_2) * in_2
        return float(total.sum() / len(self.X) ** 2 / check_size("K", K))

    def _unpack(self, thetas):
        k, d = len(thetas), self.X.shape[1]
        if thetas.shape != (k, self.n):
            raise ValueError(f"parameters must have shape (k, {self.n}), got {thetas.shape}")
        W1, b1, W2, b2 = np.split(thetas, np.cumsum(self._sizes[:-1]), axis=1)
        return W1.reshape(k, self.hidden, d), b1, W2.reshape(k, self.classes, self.hidden), b2

    def _inputs(self, W):
        return W @ self.X.T  # k small products: W is a part of θ, and one large product would first copy it

    def _forward(self, thetas):
        W1, b1, W2, b2 = self._unpack(np.asarray(thetas))
        Z = self._inputs(W1)
        Z += b1[:, :, None]
        np.tanh(Z, out=Z)
        logits = W2 @ Z
        logits += b2[:, :, None]
        return Z, logits

    def _losses(self, logits):
        above = logits - logits.max(axis=1, keepdims=True)
        correct = above[:, self.y, np.arange(len(self.y))]
        return np.log(np.exp(above, out=above).sum(axis=1)) - correct

    def _residual(self, logits):
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[:, self.y, np.arange(len(self.y))] -= 1
        return p

    def _outer(self, by_hidden, by_out, Z):
        """Sums over examples of (derivative by pre-activation) × (input, 1), flattened as θ is."""
        k = len(by_out)
        parts = by_hidden @ self.X, by_hidden.sum(axis=2), by_out @ Z.transpose(0, 2, 1), by_out.sum(axis=2)
        return np.concatenate([part.reshape(k, -1) for part in parts], axis=1)


class TorchLoss:
    """Any torch module as a loss over a batch of parameter vectors, by ``torch.func``.

    θ holds the module's parameters in the order of ``named_parameters``. ``criterion(outputs, target)`` returns a
    number. Computes in the module's precision; losses and gradients come back as float64 arrays.
    """

    def __init__(self, module, criterion, x, target) -> None:
        import torch

        named = dict(module.named_parameters())
        self.n = sum(p.numel() for p in named.values())
        self.theta = torch.cat([p.detach().reshape(-1) for p in named.values()]).numpy().astype(float)
        self._dtype = next(iter(named.values())).dtype

        def of_one(flat):
            pieces = torch.split(flat, [p.numel() for p in named.values()])
            parameters = {name: piece.reshape(p.shape) for (name, p), piece in zip(named.items(), pieces)}
            return criterion(torch.func.functional_call(module, parameters, (x,)), target)

        self._of_one, self._of_many = of_one, torch.vmap(of_one)

    def __call__(self, thetas: Array) -> Array:
        import torch

        with torch.no_grad():
            return self._numpy(self._of_many(self._torch(thetas)))

    def gradient(self, theta: Array) -> Array:
        """The gradient by automatic differentiation, shape (n,)."""
        import torch

        return self._numpy(torch.func.grad(self._of_one)(self._torch(theta)))

    def slopes(self, theta: Array, V: Array) -> Array:
        """Forward-mode derivatives along the rows of V, shape (k, n): shape (k,)."""
        import torch

        at = self._torch(theta)
        along = torch.vmap(lambda v: torch.func.jvp(self._of_one, (at,), (v,))[1])
        return self._numpy(along(self._torch(V)))

    def _torch(self, array):
        import torch

        return torch.as_tensor(np.asarray(array), dtype=self._dtype)

    @staticmethod
    def _numpy(tensor):
        return tensor.detach().numpy().astype(float)


# --- training -------------------------------------------------------------------------------------


class Training(NamedTuple):
    """A run of stochastic gradient descent; arrays over the moments at which it was looked at."""

    method: str
    epoch: Array
    evaluations: Array  # losses of one example; back-propagation counts 3 (forward, and twice that backward)
    seconds: Array  # of this machine, spent in the steps and not in the looks
    loss: Array  # on all of the training set
    accuracy: Array  # on the test set, or on the training set when there is none
    theta: Array


def train(
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
) -> Training:
    """Descend with the gradients of ``method``: "backprop", "note", or one of the :data:`KINDS`.

    "note" is the update as the note prints it, ΔW = −η Ẽ Ω: no baseline, and nothing divided by σ² (claim
    perturbation/update).

    Raises:
        ValueError: for an unknown method, a number out of its range, or a loss that stops being finite.
    """
    if method not in ("backprop", "note"):
        _check_kind(method)
    step, sigma, rng = check_number("step", step, above=0), check_number("sigma", sigma, above=0), check_rng(rng)
    K, batch, looks = check_size("K", K), check_size("batch", batch), check_size("looks", looks)
    theta, N, test = check_vector("theta", theta, net.n).copy(), len(net.X), test or net
    if batch > N:
        raise ValueError(f"batch must be at most the {N} examples there are, got {batch}")
    cost = 3 if method == "backprop" else _evaluations("no baseline" if method == "note" else method, K)
    steps = check_size("epochs", epochs) * (N // batch)
    times = set(np.unique(np.linspace(0, steps, looks + 1).round().astype(int)))
    seen, busy = [], 0.0
    for t in range(steps + 1):
        if t in times:
            seen.append((t * batch / N, t * batch * cost, busy, _values(net, theta[None])[0], test.accuracy(theta)))
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
    return Training(method, *map(np.array, zip(*seen)), theta)


# --- what the chapter draws -----------------------------------------------------------------------


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
    """Estimates of the gradient of a quadratic loss in two dimensions; arguments and errors as for :func:`draws`."""
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
    """The cosine over K = 1 … 10⁷ for a net of n parameters; σ counts in units of :func:`usable_sigma`.

    In law, as in :func:`exact_cosine`: a draw is (a + σ)z, a its part along g, when the curvature term zᵀHz is
    replaced by a constant of its size. Only Σ a and Σ a² enter, so that any n and K cost the same.

    Raises:
        ValueError, TypeError: if n < 2, K or repetitions < 1, or σ < 0.
    """
    n, K, sigma = check_size("n - 1", n - 1) + 1, check_size("K", K), check_number("sigma", sigma, at_least=0)
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
    """Single draws of each kind at each σ, around their mean ``center(sigma)``, beside :func:`total_variance`."""
    rows = [
        [
            measure_variance(loss, theta, center(s), s, 1, repetitions, rng, kind, total_variance(kind, at, s))
            for s in sigmas
        ]
        for kind in kinds
    ]
    table = np.array([[(m.predicted, m.measured, m.error) for m in row] for row in rows])
    return SigmaSweep(tuple(kinds), check_array("sigmas", sigmas, 1), *np.moveaxis(table, 2, 0))


# --- what is accepted -----------------------------------------------------------------------------


def _values(loss: Loss, thetas: Array) -> Array:
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
    return _values(loss, theta[None])[0] if kind in ("baseline", "signs", "orthogonal") else 0.0


def _evaluations(kind: str, K: int) -> int:
    return {"no baseline": K, "forward": K, "antithetic": 2 * K}.get(kind, K + 1)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


def _need(loss: Loss, method: str) -> Callable[..., Array]:
    if not hasattr(loss, method):
        raise TypeError(f"this kind needs a loss with a method {method!r}, which {type(loss).__name__} has not")
    return getattr(loss, method)
