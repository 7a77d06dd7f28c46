"""Chapter 7: the kernel of a wide ReLU net, its closed limit, and what training by it predicts.

The net is ``f(x; W) = m^(-1/2) Σ_i a_i σ(w_iᵀx)``, σ the ReLU with σ'(0) = 0; the first layer is trained, a
is not. Its gradient by w_i is ``m^(-1/2) a_i 1{w_iᵀx > 0} x``, so that the *kernel*
``K(x, x') = ⟨∇f(x), ∇f(x')⟩`` at W0 is

    xᵀx' · (1/m) Σ_i a_i² 1{w0_iᵀx > 0} 1{w0_iᵀx' > 0}  →  xᵀx'(π − θ)/(2π),

θ the angle between x and x'. Inputs are rows: ``X`` is (n, d), ``Y`` is (p, d), kernels are (n, p). Losses
are ``(1/2n) Σ_j (f(x_j) − y_j)²``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from course_utils.data.digits import digits
from course_utils.theory.concentration import lemma_4_1_bound, worst_case_gap
from course_utils.theory.networks import Array, Init, check_array, check_number, check_size, gaussian_init
from course_utils.theory.sign_flips import check_rng, check_vector

CHUNK = 1 << 18  # pre-activations held at a time: 2 MiB of float64

# --- closed forms ----------------------------------------------------------------------------------


def angles(X: Array, Y: Array | None = None) -> Array:
    """The angle between every row of X (n, d) and every row of Y (p, d), default X: shape (n, p), in [0, π].

    As twice the arctangent of ‖x̂ − ŷ‖/‖x̂ + ŷ‖, which keeps its digits where an arccosine loses half of
    them, near 0 and π. The angle to a zero row is given as π/2.

    Raises:
        ValueError, TypeError: if shapes do not fit or an entry is not finite.
    """
    from scipy.spatial.distance import cdist

    X, Y = _rows(X, Y)
    x, y = _directions(X), _directions(Y)
    return 2 * np.arctan2(cdist(x, y), cdist(x, -y))


def arc_cosine(X: Array, Y: Array | None = None, degree: int = 1) -> Array:
    """``E[h(wᵀx) h(wᵀx')]`` for standard normal w, in closed form, shape (n, p).

    Degree 0 is h = 1{· > 0}: ``(π − θ)/(2π)``, the chance that a neuron is on for both. Degree 1 is h = σ:
    ``‖x‖‖x'‖(sin θ + (π − θ) cos θ)/(2π)``, the covariance of ``f(·; W0)`` for random signs a. A zero row
    gives 0.

    Source: Cho and Saul, Kernel Methods for Deep Learning (2009), whose kernels are twice these.

    Raises:
        ValueError, TypeError: as :func:`angles`, or for another degree.
    """
    if degree not in (0, 1):
        raise ValueError(f"degree must be 0 or 1, got {degree!r}")
    X, Y = _rows(X, Y)
    theta, lengths = angles(X, Y), np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    if degree == 0:
        return (np.pi - theta) / (2 * np.pi) * (lengths > 0)
    return lengths * (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / (2 * np.pi)


def limit_kernel(X: Array, Y: Array | None = None) -> Array:
    """``xᵀx'(π − θ)/(2π)``, the kernel of an infinitely wide net, shape (n, p).

    Source: claim lecture/ntk-limit. Raises ValueError or TypeError as :func:`angles`.
    """
    X, Y = _rows(X, Y)
    return X @ Y.T * arc_cosine(X, Y, 0)


def kernel_error_law(X: Array, Y: Array | None = None) -> Array:
    """``√m`` times the root mean square of (kernel of a net of width m) − limit, by entry, shape (n, p).

    An entry is xᵀx' times the mean of m indicators of probability p = (π − θ)/(2π): ``|xᵀx'| √(p(1 − p))``,
    exactly.
    """
    X, Y = _rows(X, Y)
    p = arc_cosine(X, Y, 0)
    return np.abs(X @ Y.T) * np.sqrt(p * (1 - p))


def circle_coefficients(frequencies: Sequence[int]) -> Array:
    """The limit kernel on the unit circle is ``Σ_k c_k cos kθ``; returns c_k for each whole k ≥ 0.

    ``c_0 = 1/π²``, ``c_1 = 1/4``, no other odd frequency, and ``((k − 1)^(-2) + (k + 1)^(-2))/π²`` for even
    k.

    Source: claim lecture/universal. Raises TypeError or ValueError if a frequency is not a whole number ≥ 0.
    """
    k = np.asarray(frequencies)
    if k.dtype.kind not in "iu":
        raise TypeError(f"frequencies must be whole numbers, got {frequencies!r}")
    if (k < 0).any():
        raise ValueError(f"frequencies must be at least 0, got {k.min()}")
    even = (1 / (k - 1.0 + 10 * (k == 1)) ** 2 + 1 / (k + 1.0) ** 2) / np.pi**2
    return np.select([k == 0, k == 1, k % 2 == 1], [1 / np.pi**2, 0.25, 0.0], even)


def with_bias(X: Array, bias: float = 1.0) -> Array:
    """Rows (x, bias)/√(1 + bias²), shape (n, d + 1): unit rows stay unit, in a plane beside the origin.

    Raises:
        ValueError, TypeError: if X is not a finite matrix or ``bias`` not a finite number.
    """
    X, bias = check_array("X", X, 2), check_number("bias", bias)
    return np.column_stack([X, np.full(len(X), bias)]) / math.hypot(1, bias)


# --- the kernel of one net -------------------------------------------------------------------------


def empirical_kernel(init: Init, X: Array, Y: Array | None = None) -> Array:
    """The kernel of a net at ``init``, shape (n, p), without its Jacobians.

    The Jacobian of one input has m·d entries, but only m of them are free: the switches. So the kernel is
    ``(X Yᵀ) * (A diag(a²) Bᵀ)/m`` with the switches A (n, m) of X and B (p, m) of Y, added up chunk by chunk.

    Source: claim lecture/ntk-limit. Raises ValueError or TypeError if shapes do not fit or an entry is not
    finite.
    """
    X, Y = _rows(X, Y)
    W0, a = _net(init, X.shape[1])
    rows = _chunk(X, Y)
    chunks = ((W0[i : i + rows], a[i : i + rows]) for i in range(0, len(a), rows))
    return X @ Y.T * _both_on(chunks, X, Y) / len(a)


def random_kernel(m: int, X: Array, rng: np.random.Generator, Y: Array | None = None) -> Array:
    """The kernel of a new net of width m in the lecture's initialization, shape (n, p), in memory free of m.

    Only signs of ``w_iᵀx`` enter, and a² = 1. Each chunk of W0 is drawn, used and forgotten.

    Raises:
        ValueError, TypeError: as :func:`empirical_kernel`, or if m is not a positive whole number.
    """
    X, Y = _rows(X, Y)
    m, rng = check_size("m", m), check_rng(rng)
    rows = _chunk(X, Y)
    chunks = ((rng.standard_normal((min(rows, m - i), X.shape[1])), np.ones(1)) for i in range(0, m, rows))
    return X @ Y.T * _both_on(chunks, X, Y) / m


def _both_on(chunks: Iterator[tuple[Array, Array]], X: Array, Y: Array) -> Array:
    total = np.zeros((len(X), len(Y)))
    for W, a in chunks:
        on_x = X @ W.T > 0
        on_y = on_x if Y is X else Y @ W.T > 0
        # zeros and ones are counted exactly in single precision (chunks are short), at twice the speed
        kind = np.float32 if (np.abs(a) == 1).all() else np.float64
        total += (on_x * np.square(a).astype(kind)) @ on_y.T.astype(kind)
    return total


class KernelErrors(NamedTuple):
    """Root mean square over the entries of (kernel of a net) − limit: rows are nets, columns ``widths``."""

    widths: Array
    error: Array  # (networks, widths)
    law: Array  # (widths,), from kernel_error_law


def kernel_errors(widths: Sequence[int], X: Array, networks: int, rng: np.random.Generator) -> KernelErrors:
    """How far the kernels of random nets are from their limit on the rows of X (n, d).

    Source: claim lecture/ntk-limit. Raises ValueError or TypeError as :func:`random_kernel`.
    """
    widths = np.array([check_size("width", m) for m in widths])
    limit, law = limit_kernel(X), _rms(kernel_error_law(X))
    networks = check_size("networks", networks)
    error = [[_rms(random_kernel(m, X, rng) - limit) for m in widths] for _ in range(networks)]
    return KernelErrors(widths, np.array(error), law / np.sqrt(widths))


# --- training, in closed form ----------------------------------------------------------------------


def descent_operator(K: Array, steps: float = math.inf, lr: float | None = None) -> Array:
    """G, shape (n, n), such that descent on f0 moves it by ``K(·, X) G (y − f_start(X))``, f_start before.

    For an affine model the residual obeys ``r ← (I − lr K/n) r``. Hence ``G = K⁻¹(I − (I − lr K/n)^steps)``,
    and ``K⁻¹`` (its pseudo-inverse) for ``steps = inf``: kernel regression. Nothing is iterated.

    Args:
        K: kernel of the training inputs, (n, n), symmetric and positive semidefinite.
        steps: a whole number of steps, or inf.
        lr: the step, between 0 and 2n/λ_max(K); not needed when ``steps`` is inf.

    Raises:
        ValueError, TypeError: if K is not such a matrix, ``steps`` is negative, or descent with ``lr``
        diverges.
    """
    K = check_array("K", K, 2)
    if K.shape[0] != K.shape[1] or not np.allclose(K, K.T, rtol=1e-10, atol=1e-10 * np.abs(K).max()):
        raise ValueError(f"K must be square and symmetric, got shape {K.shape}")
    values, vectors = np.linalg.eigh(K)
    largest = values[-1]
    if values[0] < -1e-9 * max(largest, 0):
        raise ValueError(f"K must be positive semidefinite, got an eigenvalue {values[0]:g}")
    alive = values > len(K) * np.finfo(float).eps * largest
    inverse = np.divide(1, values, out=np.zeros(len(K)), where=alive)
    if steps == math.inf:
        return (vectors * inverse) @ vectors.T
    if not isinstance(steps, (int, np.integer)) or isinstance(steps, bool) or steps < 0:
        raise ValueError(f"steps must be a whole number, at least 0, or inf, got {steps!r}")
    if lr is None:
        raise ValueError("a finite number of steps needs lr, got None")
    rate = check_number("lr", lr, above=0) / len(K) * values
    if rate[-1] >= 2:
        raise ValueError(f"lr must be below 2n/λ_max = {2 * len(K) / largest:.4g} to converge, got {lr:g}")
    # expm1 and log1p keep the digits of 1 − (1 − rate)^steps where the rate is tiny
    slow = -np.expm1(steps * np.log1p(-np.clip(rate, 0, 0.5)))
    learned = np.where(rate < 0.5, slow, 1 - (1 - rate) ** steps)
    return (vectors * np.where(alive, learned * inverse, steps * lr / len(K))) @ vectors.T


def movement(K: Array, alpha: Array) -> float:
    """``‖W − W0‖_F = √(αᵀKα)`` of the weights ``W = W0 + Σ_j α_j ∇f(x_j; W0)``, for K (n, n) and α (n,).

    With α = G(y − f_start(X)), G from :func:`descent_operator`, it is how far descent takes f0.

    Source: claim lecture/stays-near-init. Raises ValueError or TypeError if shapes do not fit.
    """
    K = check_array("K", K, 2)
    alpha = check_vector("alpha", alpha, len(K))
    if K.shape[0] != K.shape[1]:
        raise ValueError(f"K must be square, got shape {K.shape}")
    return math.sqrt(max(float(alpha @ K @ alpha), 0.0))


def expected_movement(X: Array, y: Array, steps: float = math.inf, lr: float | None = None) -> float:
    """The root mean square of ‖W − W0‖_F over infinitely wide nets with the lecture's initialization.

    ``f(·; W0)`` is then Gaussian with covariance Σ, the arc-cosine kernel of degree 1. With M = GKG,
    ``E (y − f)ᵀ M (y − f) = yᵀMy + tr(MΣ)``: the way to the targets, and the way back from a random start.

    Source: claim lecture/stays-near-init. Raises ValueError or TypeError as :func:`descent_operator`.
    """
    X, _ = _rows(X, None)
    y = check_vector("y", y, len(X))
    K = limit_kernel(X)
    G = descent_operator(K, steps, lr)
    M = G @ K @ G
    return math.sqrt(float(y @ M @ y + np.sum(M * arc_cosine(X))))


# --- training, step by step ------------------------------------------------------------------------


def outputs(X: Array, W: Array, a: Array) -> Array:
    """``f(x; W) = m^(-1/2) Σ_i a_i σ(w_iᵀx)`` for every row of X (n, d): shape (n,).

    Raises:
        ValueError, TypeError: if shapes do not fit or an entry is not finite.
    """
    X, _ = _rows(X, None)
    W, a = _net(Init(W, a), X.shape[1])
    return np.maximum(X @ W.T, 0) @ a / math.sqrt(len(a))


class Run(NamedTuple):
    """Gradient descent on the first layer: the last W (m, d), and before each step and after the last, shape

    (steps + 1,), ‖W_t − W0‖_F and the loss.
    """

    W: Array
    movement: Array
    loss: Array


def train(init: Init, X: Array, y: Array, steps: int, lr: float) -> Run:
    """Full-batch gradient descent on ``(1/2n) Σ_j (f(x_j; W) − y_j)²`` over W, from any ``init``.

    Every gradient is a combination of the inputs, so W − W0 = m^(-1/2) diag(a) C X with C (m, n): descent
    runs on C and on the Gram matrix of the inputs, and pays for d only once. Chapter 3's
    `concentration.train` draws its own start and keeps the flips; this one keeps the path.

    Source: claims lecture/stays-near-init, lecture/kernel-regression. Raises ValueError or TypeError on
    shapes that do not fit, steps < 1, lr ≤ 0, or an lr so large that the loss overflows.
    """
    X, _ = _rows(X, None)
    y = check_vector("y", y, len(X))
    W0, a = _net(init, X.shape[1])
    steps, lr = check_size("steps", steps), check_number("lr", lr, above=0)
    n, scale = len(X), a[:, None] / math.sqrt(len(a))
    gram, start = X @ X.T, W0 @ X.T
    C, CG, Z = (np.zeros((len(a), n)) for _ in range(3))
    moved, loss = np.empty(steps + 1), np.empty(steps + 1)
    for t in range(steps + 1):
        np.matmul(C, gram, out=CG)
        np.multiply(scale, CG, out=Z)
        moved[t] = math.sqrt(max(float(np.vdot(scale * C, Z)), 0.0))
        Z += start
        on = Z > 0
        error = scale[:, 0] @ np.maximum(Z, 0, out=Z) - y
        loss[t] = error @ error / (2 * n)
        if not loss[t] < 1e200:
            raise ValueError(f"lr must be small enough for a finite loss, got {lr:g}: step {t} overflows")
        if t < steps:
            np.multiply(on, error * (-lr / n), out=CG)
            C += CG
    return Run(W0 + scale * (C @ X), moved, loss)


class Trio(NamedTuple):
    """Three functions after the same descent from the same start, at new inputs, each of shape (p,)."""

    net: Array  # the trained net
    tangent: Array  # the trained f0: its own kernel, exactly
    limit: Array  # the same start moved by the limit kernel
    start: Array  # f(·; W0)
    run: Run


def train_three(init: Init, X: Array, y: Array, X_new: Array, steps: int, lr: float) -> Trio:
    """Train the net, its f0 and the limit kernel's f on the same data; evaluate at ``X_new`` (p, d).

    Source: claim lecture/kernel-regression. Raises ValueError or TypeError as :func:`train`.
    """
    run = train(init, X, y, steps, lr)
    start, residual = outputs(X_new, *init), y - outputs(X, *init)
    moved = [
        new @ descent_operator(K, steps, lr) @ residual
        for K, new in (
            (empirical_kernel(init, X), empirical_kernel(init, X_new, X)),
            (limit_kernel(X), limit_kernel(X_new, X)),
        )
    ]
    return Trio(outputs(X_new, run.W, init.a), start + moved[0], start + moved[1], start, run)


class WidthStudy(NamedTuple):
    """Trained nets: rows are nets, columns ``widths``; distances are root mean squares over new inputs."""

    widths: Array
    movement: Array  # ‖W − W0‖_F after the last step
    relative: Array  # the same, divided by ‖W0‖_F
    net_tangent: Array  # trained net against trained f0
    tangent_limit: Array  # trained f0 against the limit kernel
    net_limit: Array  # trained net against the limit kernel
    gap: Array  # f(x; W) − f0(x; W), both at the trained W: Chapter 3's gap
    gap_seen: Array  # the same over the training inputs
    worst: Array  # the largest gap within the distance moved, at the first new input
    lemma: Array  # Lemma 4.1 at that distance, δ = 0.05
    loss: Array
    paths: Array  # ‖W_t − W0‖_F after t steps, root mean square over the nets: (widths, steps + 1)


def width_study(
    widths: Sequence[int],
    X: Array,
    y: Array,
    X_new: Array,
    networks: int,
    steps: int,
    lr: float,
    rng: np.random.Generator,
) -> WidthStudy:
    """Train ``networks`` nets of each width on (X, y), from the lecture's initialization; compare at X_new.

    Source: claims lecture/stays-near-init, lecture/kernel-regression, lecture/lemma-4.1. Raises ValueError or
    TypeError as :func:`train_three`, or if rows have a norm above 1 (the lemma's assumption).
    """
    widths = np.array([check_size("width", m) for m in widths])
    X_new = check_array("X_new", X_new, 2)
    columns = np.empty((10, check_size("networks", networks), widths.size))
    squares = np.zeros((widths.size, check_size("steps", steps) + 1))
    for j, m in enumerate(map(int, widths)):
        for i in range(networks):
            init = gaussian_init(m, X_new.shape[1], rng)
            three = train_three(init, X, y, X_new, steps, lr)
            B = float(three.run.movement[-1])
            norm_x = float(np.linalg.norm(X_new[0]))
            worst = worst_case_gap(init.W0 @ X_new[0], init.a, B, norm_x).gap / math.sqrt(m)
            columns[:, i, j] = (
                B,
                B / np.linalg.norm(init.W0),
                _rms(three.net - three.tangent),
                _rms(three.tangent - three.limit),
                _rms(three.net - three.limit),
                _rms(_gap(init, three.run.W, X_new)),
                _rms(_gap(init, three.run.W, X)),
                worst,
                lemma_4_1_bound(m, B, 0.05, norm_x) / math.sqrt(m),
                three.run.loss[-1],
            )
            squares[j] += three.run.movement**2 / networks
    return WidthStudy(widths, *columns, np.sqrt(squares))


def _gap(init: Init, W: Array, X: Array) -> Array:
    """f − f0 at W by Chapter 2's (★), for every row of X."""
    before, after = init.W0 @ X.T, W @ X.T
    return init.a @ (after * ((after > 0).astype(float) - (before > 0))) / math.sqrt(len(W))


class Labelled(NamedTuple):
    """Inputs of norm 1, (n, 64) and (p, 64), with targets ±1."""

    X: Array
    y: Array
    X_new: Array
    y_new: Array


def two_digits(one: int = 3, other: int = 8, train: int = 48) -> Labelled:
    """Two kinds of scikit-learn's digits, centred, of norm 1: target 1 for ``one``, −1 for ``other``.

    Raises:
        ValueError, TypeError: if the kinds are not two of 0 … 9, or there are fewer than ``train`` of them.
    """
    kinds = {one, other}
    if len(kinds) != 2 or not kinds <= set(range(10)):
        raise ValueError(f"one and other must be two different digits, got {one!r} and {other!r}")
    data, train = digits(), check_size("train", train)
    inside, outside = np.isin(data.y, [one, other]), np.isin(data.y_test, [one, other])
    if train > inside.sum():
        raise ValueError(f"train must be at most {inside.sum()}, got {train}")
    return Labelled(
        _directions(data.x[inside][:train]),
        np.where(data.y[inside][:train] == one, 1.0, -1.0),
        _directions(data.x_test[outside]),
        np.where(data.y_test[outside] == one, 1.0, -1.0),
    )


# --- universality ----------------------------------------------------------------------------------


def even_and_odd(X: Array) -> tuple[Array, Array]:
    """Two targets on the unit sphere in three dimensions: √15 x₁x₂ and √105 x₁x₂x₃, each (n,).

    Each has mean square 1. The first is even, the second is odd and of degree 3. Both are orthogonal to every
    linear function.

    Raises:
        ValueError, TypeError: if X is not a finite (n, 3) matrix.
    """
    X = check_array("X", X, 2)
    if X.shape[1] != 3:
        raise ValueError(f"X must have 3 columns, got {X.shape[1]}")
    return math.sqrt(15) * X[:, 0] * X[:, 1], math.sqrt(105) * X.prod(axis=1)


class LearningCurve(NamedTuple):
    """Mean square error on new inputs over that of 0: rows are repetitions, columns sample ``sizes``."""

    sizes: Array
    linear: Array
    kernel: Array
    with_bias: Array


def learning_curve(
    target: Callable[[Array], Array], sizes: Sequence[int], repetitions: int, rng: np.random.Generator, new: int = 500
) -> LearningCurve:
    """Three predictors of ``target`` on the unit sphere in three dimensions, from samples of several sizes.

    They are linear least squares with a constant, and regression with the limit kernel without and with a
    bias coordinate. Every repetition draws its own inputs and ``new`` others to be judged on.

    Source: claim lecture/universal. Raises ValueError or TypeError if a size is not a positive whole number.
    """
    sizes = np.array([check_size("size", n) for n in sizes])
    errors = np.empty((3, check_size("repetitions", repetitions), sizes.size))
    for i in range(repetitions):
        X_new = _directions(rng.standard_normal((check_size("new", new), 3)))
        y_new = target(X_new)
        for j, n in enumerate(sizes):
            X = _directions(rng.standard_normal((n, 3)))
            fits = (
                linear_fit(X, target(X), X_new),
                kernel_fit(X, target(X), X_new),
                kernel_fit(with_bias(X), target(X), with_bias(X_new)),
            )
            errors[:, i, j] = [np.mean((f - y_new) ** 2) / np.mean(y_new**2) for f in fits]
    return LearningCurve(sizes, *errors)


def kernel_fit(X: Array, y: Array, X_new: Array) -> Array:
    """Regression with the limit kernel: f of least norm through the data, at ``X_new`` (p, d); shape (p,).

    Raises:
        ValueError, TypeError: if shapes do not fit or an entry is not finite.
    """
    X, X_new = _rows(X, X_new)
    return limit_kernel(X_new, X) @ (descent_operator(limit_kernel(X)) @ check_vector("y", y, len(X)))


def linear_fit(X: Array, y: Array, X_new: Array) -> Array:
    """Least squares with a constant, at ``X_new`` (p, d); shape (p,). Raises as :func:`kernel_fit`."""
    X, X_new = _rows(X, X_new)
    y = check_vector("y", y, len(X))
    coefficients = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    return X_new @ coefficients[:-1] + coefficients[-1]


# --- what initialization does ----------------------------------------------------------------------

#: The first layers whose kernels are compared: rows of one net, all of independent size.
LAYERS = ("Gaussian", "orthogonal", "LDLT", "uniform", "signs", "mirrored")


def first_layer(kind: str, m: int, d: int, rng: np.random.Generator) -> Array:
    """A random first layer, (m, d); its scale does not matter for the kernel.

    ``orthogonal`` stacks rotations (Haar), ``LDLT`` is W(I + WᵀW)^(-1/2) of Chapter 6 for a Gaussian W,
    ``uniform`` is torch's default, ``signs`` has entries ±1, and ``mirrored`` brings every row with its
    negative.

    Raises:
        ValueError, TypeError: for another kind, a size that is not a positive whole number, or an odd m if
        mirrored.
    """
    m, d, rng = check_size("m", m), check_size("d", d), check_rng(rng)
    if kind == "Gaussian":
        return rng.standard_normal((m, d))
    if kind == "orthogonal":
        Q, R = np.linalg.qr(rng.standard_normal((-(-m // d), d, d)))
        # the signs of R make the law of Q that of a uniformly random rotation
        return (Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None, :]).reshape(-1, d)[:m]
    if kind == "LDLT":
        W = rng.standard_normal((m, d)) / math.sqrt(d)
        values, vectors = np.linalg.eigh(np.eye(d) + W.T @ W)
        return W @ (vectors / np.sqrt(values)) @ vectors.T
    if kind == "uniform":
        return rng.uniform(-1, 1, (m, d))
    if kind == "signs":
        return rng.choice([-1.0, 1.0], (m, d))
    if kind == "mirrored":
        if m % 2:
            raise ValueError(f"a mirrored layer needs an even m, got {m}")
        half = rng.standard_normal((m // 2, d))
        return np.concatenate([half, -half])
    raise ValueError(f"kind must be one of {', '.join(LAYERS)}, got {kind!r}")


class LayerStudy(NamedTuple):
    """√m times the root mean square error of each net's kernel: (kinds, networks, widths).

    ``smallest`` and ``largest`` are the median extreme eigenvalues, (kinds, widths), relative to the limit's.
    """

    kinds: tuple[str, ...]
    widths: Array
    error: Array
    smallest: Array
    largest: Array
    gaussian_law: float
    mirrored_law: float


def layer_study(widths: Sequence[int], X: Array, networks: int, rng: np.random.Generator) -> LayerStudy:
    """Kernels of nets with every kind of first layer on the rows of X (n, d), against the Gaussian limit.

    For mirrored rows a pair is on together with chance 2p, once or twice: the error is
    ``|xᵀx'| √(p(1 − 2p)/m)``.

    Raises:
        ValueError, TypeError: as :func:`first_layer`.
    """
    X, _ = _rows(X, None)
    widths = np.array([check_size("width", m) for m in widths])
    limit, p = limit_kernel(X), arc_cosine(X, degree=0)
    ends = np.linalg.eigvalsh(limit)[[0, -1]]
    error = np.empty((len(LAYERS), check_size("networks", networks), widths.size))
    extremes = np.empty((2, len(LAYERS), widths.size))
    for i, kind in enumerate(LAYERS):
        for j, m in enumerate(map(int, widths)):
            kernels = [
                empirical_kernel(Init(first_layer(kind, m, X.shape[1], rng), np.ones(m)), X) for _ in range(networks)
            ]
            error[i, :, j] = [math.sqrt(m) * _rms(K - limit) for K in kernels]
            extremes[:, i, j] = np.median([np.linalg.eigvalsh(K)[[0, -1]] for K in kernels], axis=0) / ends
    # rounding may take p(1 − 2p) below zero where x = x'
    mirrored = np.abs(X @ X.T) * np.sqrt(np.maximum(p * (1 - 2 * p), 0))
    return LayerStudy(LAYERS, widths, error, *extremes, _rms(kernel_error_law(X)), _rms(mirrored))


# --- what the sliders show -------------------------------------------------------------------------


class KernelCurve(NamedTuple):
    """The kernel of one net between a fixed input and those at ``angle``, its limit, the law of its error."""

    m: int
    angle: Array
    kernel: Array
    limit: Array
    law: Array  # one root mean square


def kernel_curve(m: int = 256, seed: int = 0) -> KernelCurve:
    """The kernel of a random net of width m on half the unit circle.

    Raises ValueError or TypeError if m is not a positive whole number.
    """
    angle = np.linspace(0, np.pi, 61)
    circle = on_circle(angle)
    one = circle[:1]
    kernel = random_kernel(m, one, np.random.default_rng(seed), circle)[0]
    law = kernel_error_law(one, circle)[0] / math.sqrt(m)
    return KernelCurve(m, angle, kernel, limit_kernel(one, circle)[0], law)


def on_circle(angle: Array) -> Array:
    """Points (cos, sin) of the unit circle, shape (n, 2), for angles (n,) in radians."""
    angle = check_array("angle", angle, 1)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def circle_target(angle: Array) -> Array:
    """``cos 2φ + cos 3φ``: what an even and what an odd frequency of the circle have to say, (n,)."""
    angle = check_array("angle", angle, 1)
    return np.cos(2 * angle) + np.cos(3 * angle)


class CircleFit(NamedTuple):
    """Regression at ``n`` points of the circle: target, linear fit and kernel fit over ``grid`` (radians)."""

    n: int
    bias: str
    angle: Array
    y: Array
    grid: Array
    target: Array
    linear: Array
    kernel: Array
    error: float  # mean square of (kernel fit − target) over that of the target


def circle_fit(n: int = 24, bias: str = "without") -> CircleFit:
    """Fit :func:`circle_target` at n equidistant angles, ``with`` or ``without`` a bias coordinate.

    Raises:
        ValueError, TypeError: if n is not a positive whole number or ``bias`` not one of the two words.
    """
    if bias not in ("with", "without"):
        raise ValueError(f"bias must be 'with' or 'without', got {bias!r}")
    angle = (np.arange(check_size("n", n)) + 0.4) * 2 * np.pi / n - np.pi
    grid = np.linspace(-np.pi, np.pi, 241)
    y, target = circle_target(angle), circle_target(grid)
    features = with_bias if bias == "with" else np.asarray
    X, X_grid = on_circle(angle), on_circle(grid)
    kernel = kernel_fit(features(X), y, features(X_grid))
    error = float(np.mean((kernel - target) ** 2) / np.mean(target**2))
    return CircleFit(n, bias, angle, y, grid, target, linear_fit(X, y, X_grid), kernel, error)


class CircleRun(NamedTuple):
    """The trained functions of :class:`Trio` over ``grid`` (radians), of a net of width m after ``steps``."""

    m: int
    steps: int
    angle: Array
    y: Array
    grid: Array
    functions: Trio
    distance: float  # ‖W − W0‖_F
    apart: float  # root mean square of net − limit over the grid


def circle_run(m: int = 64, steps: int = 100, seed: int = 0) -> CircleRun:
    """Train a net of width m, its f0 and the limit kernel on eight points of the circle, with a bias.

    Raises ValueError or TypeError if a size is not a positive whole number.
    """
    angle = np.linspace(-2.8, 2.8, 8)
    grid = np.linspace(-np.pi, np.pi, 121)
    X, X_grid, y = with_bias(on_circle(angle)), with_bias(on_circle(grid)), np.sin(2 * angle)
    init = gaussian_init(m, 3, np.random.default_rng(seed))
    functions = train_three(init, X, y, X_grid, steps, lr=4.0)
    distance, apart = float(functions.run.movement[-1]), _rms(functions.net - functions.limit)
    return CircleRun(m, steps, angle, y, grid, functions, distance, apart)


# --- helpers ---------------------------------------------------------------------------------------


def _rows(X: Array, Y: Array | None) -> tuple[Array, Array]:
    X = check_array("X", X, 2)
    if Y is None:
        return X, X
    Y = check_array("Y", Y, 2)
    if Y.shape[1] != X.shape[1]:
        raise ValueError(f"X and Y must have the same number of columns, got {X.shape[1]} and {Y.shape[1]}")
    return X, Y


def _net(init: Init, d: int) -> Init:
    W0 = check_array("W0", init[0], 2)
    if W0.shape[1] != d:
        raise ValueError(f"W0 must have as many columns as X, {d}, got shape {W0.shape}")
    return Init(W0, check_vector("a", init[1], len(W0)))


def _directions(X: Array) -> Array:
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return np.divide(X, norms, out=np.zeros_like(X), where=norms > 0)


def _chunk(X: Array, Y: Array) -> int:
    return max(1, CHUNK // max(len(X), len(Y)))


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
