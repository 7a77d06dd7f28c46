"""Chapter 7's experiments: kernels and trained nets over the width, on digits, spheres and circles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from course_utils.data.digits import digits
from course_utils.theory import kernels as theory
from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_size
from course_utils.theory.kernel_training import Trio, descent_operator, kernel_fit, linear_fit, train_three
from course_utils.theory.networks import Init, gaussian_init, outputs, train_first_layer
from course_utils.theory.sign_flips import star
from course_utils.theory.statistics import rms
from course_utils.theory.wide_limit import generalization_bound, guarantee
from course_utils.theory.worst_case import lemma_4_1_bound, worst_case_gap


class KernelErrors(NamedTuple):
    """Root mean square over the entries of (kernel of a net) − limit: rows are nets, columns ``widths``."""

    widths: Array
    error: Array  # (networks, widths)
    law: Array  # (widths,), from kernel_error_law


def kernel_errors(widths: Sequence[int], X: Array, networks: int, rng: np.random.Generator) -> KernelErrors:
    """How far the kernels of random nets are from their limit on the rows of X (n, d) (lecture/ntk-limit)."""
    widths = np.array([check_size("width", m) for m in widths])
    limit, law = theory.limit_kernel(X), rms(theory.kernel_error_law(X))
    networks = check_size("networks", networks)
    error = [[rms(theory.random_kernel(m, X, rng) - limit) for m in widths] for _ in range(networks)]
    return KernelErrors(widths, np.array(error), law / np.sqrt(widths))


class WidthStudy(NamedTuple):
    """Trained nets: rows are nets, columns ``widths``; distances are root mean squares over new inputs."""

    widths: Array
    movement: Array  # ‖W − W0‖_F after the last step
    relative: Array  # the same, divided by ‖W0‖_F
    predicted: Array  # ‖W − W0‖_F of the limit kernel's function from the net's own start
    net_tangent: Array  # two weights: f at the trained net's, f0 at its own after the same steps
    tangent_limit: Array  # trained f0 against the limit kernel
    net_limit: Array  # trained net against the limit kernel
    gap: Array  # one weight: f(x; W) − f0(x; W), both at the trained net's W, which is Chapter 3's gap
    gap_seen: Array  # the same over the training inputs
    worst: Array  # the largest gap within the distance moved, at the first new input
    lemma: Array  # Lemma 4.1 at that distance, δ = 0.05
    loss: Array
    turned: Array  # ‖K_W − K_W0‖_F/‖K_W0‖_F of the net's own kernel on the training inputs
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

    Source: claims lecture/stays-near-init, lecture/kernel-regression, lecture/lemma-4.1.
    """
    widths = np.array([check_size("width", m) for m in widths])
    X_new = check_array("X_new", X_new, 2)
    columns = np.empty((12, check_size("networks", networks), widths.size))
    K = theory.limit_kernel(X)
    G = descent_operator(K, steps, lr)
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
                _distance(K, G @ (y - outputs(X, *init))),
                rms(three.net - three.tangent),
                rms(three.tangent - three.limit),
                rms(three.net - three.limit),
                rms(star(init.W0 @ X_new.T, three.run.W @ X_new.T, init.a)) / math.sqrt(m),
                rms(star(init.W0 @ X.T, three.run.W @ X.T, init.a)) / math.sqrt(m),
                worst,
                lemma_4_1_bound(m, B, 0.05, norm_x) / math.sqrt(m),
                three.run.loss[-1],
                _turned(init, three.run.W, X),
            )
            squares[j] += three.run.movement**2 / networks
    return WidthStudy(widths, *columns, np.sqrt(squares))


def _distance(K: Array, alpha: Array) -> float:
    return math.sqrt(max(float(alpha @ K @ alpha), 0.0))


def _turned(init: Init, W: Array, X: Array) -> float:
    before, after = theory.empirical_kernel(init, X), theory.empirical_kernel(Init(W, init.a), X)
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


class Kept(NamedTuple):
    """What nets of one width did, each over what the theorem allows: all (networks,)."""

    width: int
    farthest: Array  # the largest ‖w_i(t) − w_i(0)‖ over the allowed radius
    slowest: Array  # the largest ‖y − f_t‖/‖y − f_0‖ over rate^t
    apart: Array  # |f_t(x) − limit kernel's| after the last step over its bound
    gap: Array  # |f(x; W_t) − f0(x; W_t)| after the last step over its bound

    @property
    def all(self) -> int:
        """The number of nets that keep every promise."""
        return int(np.sum(np.max(self[1:], axis=0) <= 1))


def theorem_study(
    X: Array, y: Array, x_new: Array, networks: int, steps: int, lr: float, delta: float, rng: np.random.Generator
) -> Kept:
    """Train nets of the least width of which the theorem of Chapter 7 speaks (lecture/ntk-full)."""
    m = math.ceil(guarantee(X, y, x_new, 1, lr, delta).width)
    radius, rate, apart, gap = guarantee(X, y, x_new, m, lr, delta)[1:]
    ratios = np.empty((4, check_size("networks", networks)))
    x, G = x_new[None], descent_operator(theory.limit_kernel(X), steps, lr)
    for i in range(networks):
        init = gaussian_init(m, len(x_new), rng)
        run = train_first_layer(init, X, y, steps, lr)
        limit = outputs(x, *init) + theory.limit_kernel(x, X) @ G @ (y - outputs(X, *init))
        ratios[:, i] = (
            math.sqrt(np.square(run.W - init.W0).sum(axis=1).max()) / radius,
            np.max(np.sqrt(run.loss / run.loss[0]) / rate ** np.arange(steps + 1)),
            abs(outputs(x, run.W, init.a) - limit)[0] / apart,
            abs(star(init.W0 @ x_new, run.W @ x_new, init.a)) / math.sqrt(m) / gap,
        )
    return Kept(m, *ratios)


class LazySwitch(NamedTuple):
    """Nets with two factors in front: axes are the factor (1/√m, then 1/m), the net, the width."""

    widths: Array
    share: Array  # ‖W − W0‖_F/‖W0‖_F
    turned: Array  # how far the kernel moved, over its norm
    loss: Array  # after the last step, over that of f = 0
    yours: Array | None  # a reader's own two numbers, of the first net of each width: (widths, 2, 2)


def lazy_switch(
    widths: Sequence[int],
    X: Array,
    y: Array,
    networks: int,
    steps: int,
    lr: float,
    rng: np.random.Generator,
    yours: Callable[..., Array] | None = None,
) -> LazySwitch:
    """Train f = (1/√m) Σ and f = (1/m) Σ from the same weights, at equal speed of f: the step is ``lr`` and m ``lr``.

    ``yours(W0, a, X, y, steps, lr)`` is a reader's own function for one net.

    Source: claim course/lazy-switch.
    """
    widths = np.array([check_size("width", m) for m in widths])
    y = check_array("y", y, 1, len(X))
    found, own = np.empty((3, 2, check_size("networks", networks), widths.size)), []
    for i in range(networks):
        for j, m in enumerate(map(int, widths)):
            init = gaussian_init(m, X.shape[1], rng)
            if yours is not None and i == 0:
                own.append(yours(*init, X, y, steps, lr))
            for k, factor in enumerate((1.0, 1 / math.sqrt(m))):
                run = train_first_layer(Init(init.W0, factor * init.a), X, y, steps, lr / factor**2)
                share = run.movement[-1] / np.linalg.norm(init.W0)
                found[:, k, i, j] = share, _turned(init, run.W, X), run.loss[-1] / np.mean(y**2 / 2)
    return LazySwitch(widths, *found, np.array(own) if own else None)


class Neurons(NamedTuple):
    """Weights in the plane before and after training with the factor m^(-power) in front of the net."""

    power: float
    init: Init
    W: Array  # (m, 2)
    yours: bool


def neurons(power: float = 0.5, yours: Callable[..., Array] | None = None) -> Neurons:
    """200 neurons learn cos 2φ from twelve points of the circle, f being as fast for every power.

    ``yours(W0, a, X, y, steps, lr)`` trains in the place of the course's own descent.
    """
    angle = (np.arange(12) + 0.3) * np.pi / 6
    init = gaussian_init(200, 2, np.random.default_rng(1))
    factor = 200 ** (0.5 - check_number("power", power))
    data = on_circle(angle), np.cos(2 * angle), 100, 2 / factor**2
    scaled = Init(init.W0, factor * init.a)
    W = train_first_layer(scaled, *data).W if yours is None else yours(*scaled, *data)
    return Neurons(power, init, W, yours is not None)


class Labelled(NamedTuple):
    """Inputs of norm 1, (n, 64) and (p, 64), with targets ±1."""

    X: Array
    y: Array
    X_new: Array
    y_new: Array


def two_digits(one: int = 3, other: int = 8, train: int = 48) -> Labelled:
    """Two kinds of scikit-learn's digits, centred, of norm 1: target 1 for ``one``, −1 for ``other``."""
    kinds = {one, other}
    if len(kinds) != 2 or not kinds <= set(range(10)):
        raise ValueError(f"one and other must be two different digits, got {one!r} and {other!r}")
    data, train = digits(), check_size("train", train)
    inside, outside = np.isin(data.y, [one, other]), np.isin(data.y_test, [one, other])
    if train > inside.sum():
        raise ValueError(f"train must be at most {inside.sum()}, got {train}")
    return Labelled(
        theory.directions(data.x[inside][:train]),
        np.where(data.y[inside][:train] == one, 1.0, -1.0),
        theory.directions(data.x_test[outside]),
        np.where(data.y_test[outside] == one, 1.0, -1.0),
    )


def even_and_odd(X: Array) -> tuple[Array, Array]:
    """Two targets on the unit sphere in three dimensions: √15 x₁x₂ and √105 x₁x₂x₃, each (n,).

    Each has mean square 1. The first is even, the second is odd and of degree 3. Both are orthogonal to every
    linear function.
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
    bias coordinate. Every repetition draws its own inputs and ``new`` others to be judged on (lecture/universal).
    """
    sizes = np.array([check_size("size", n) for n in sizes])
    errors = np.empty((3, check_size("repetitions", repetitions), sizes.size))
    for i in range(repetitions):
        X_new = theory.directions(rng.standard_normal((check_size("new", new), 3)))
        y_new = target(X_new)
        for j, n in enumerate(sizes):
            X = theory.directions(rng.standard_normal((n, 3)))
            fits = (
                linear_fit(X, target(X), X_new),
                kernel_fit(X, target(X), X_new),
                kernel_fit(theory.with_bias(X), target(X), theory.with_bias(X_new)),
            )
            errors[:, i, j] = [np.mean((f - y_new) ** 2) / np.mean(y_new**2) for f in fits]
    return LearningCurve(sizes, *errors)


class Generalization(NamedTuple):
    """Nets of infinite width with a start at zero after training: rows are repetitions, columns ``shares``."""

    shares: Array
    B: Array  # distance ‖W − W0‖_F
    seen: Array  # mean loss min(1, |f − y|) over the sample
    new: Array  # over new inputs
    bound: Array  # on new − seen, from generalization_bound


def generalization_study(
    n: int,
    shares: Sequence[float],
    repetitions: int,
    delta: float,
    rng: np.random.Generator,
    steps: int = 60,
    new: int = 500,
) -> Generalization:
    """Learn y = x₁ on the sphere in three dimensions from n inputs, a share of whose targets are tosses of ±1.

    Inputs to be judged on have as many tosses. Steps are half of the largest safe one (lecture/generalization).
    """
    n, shares = check_size("n", n), check_array("shares", shares, 1)
    found = np.empty((4, check_size("repetitions", repetitions), shares.size))
    for i in range(repetitions):
        for j, share in enumerate(shares):
            X = theory.directions(rng.standard_normal((n + check_size("new", new), 3)))
            y = np.where(rng.random(len(X)) < share, rng.choice([-1.0, 1.0], len(X)), X[:, 0])
            K = theory.limit_kernel(X[:n])
            alpha = descent_operator(K, steps, n / np.linalg.norm(K, 2)) @ y[:n]
            loss = np.minimum(np.abs(theory.limit_kernel(X, X[:n]) @ alpha - y), 1)
            B = _distance(K, alpha)
            found[:, i, j] = B, loss[:n].mean(), loss[n:].mean(), generalization_bound(n, np.array(B), delta)
    return Generalization(shares, *found)


#: The first layers whose kernels are compared: rows of one net, all of independent size.
LAYERS = ("Gaussian", "orthogonal", "LDLT", "uniform", "signs", "mirrored")


def first_layer(kind: str, m: int, d: int, rng: np.random.Generator) -> Array:
    """A random first layer, (m, d); its scale does not matter for the kernel.

    ``orthogonal`` stacks rotations (Haar), ``LDLT`` is W(I + WᵀW)^(-1/2) of Chapter 6 for a Gaussian W, ``uniform`` is
    torch's default, ``signs`` has entries ±1, and ``mirrored`` brings every row with its negative.
    """
    return first_layers(kind, 1, check_size("m", m), check_size("d", d), check_rng(rng))[0]


def first_layers(kind: str, networks: int, m: int, d: int, rng: np.random.Generator) -> Array:
    """Independent layers as :func:`first_layer` draws them, (networks, m, d)."""
    shape = networks, m, d
    if kind == "Gaussian":
        return rng.standard_normal(shape)
    if kind == "orthogonal":
        Q, R = np.linalg.qr(rng.standard_normal((networks, -(-m // d), d, d)))
        # the signs of R make the law of Q that of a uniformly random rotation
        return (Q * np.sign(np.diagonal(R, axis1=2, axis2=3))[..., None, :]).reshape(networks, -1, d)[:, :m]
    if kind == "LDLT":
        W = rng.standard_normal(shape) / math.sqrt(d)
        values, vectors = np.linalg.eigh(np.eye(d) + W.mT @ W)
        return W @ (vectors / np.sqrt(values)[:, None]) @ vectors.mT
    if kind == "uniform":
        return rng.uniform(-1, 1, shape)
    if kind == "signs":
        return rng.choice([-1.0, 1.0], shape)
    if kind == "mirrored":
        if m % 2:
            raise ValueError(f"a mirrored layer needs an even m, got {m}")
        half = rng.standard_normal((networks, m // 2, d))
        return np.concatenate([half, -half], axis=1)
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

    For mirrored rows a pair is on together with chance 2p, once or twice: the error is ``|xᵀx'| √(p(1 − 2p)/m)``.
    """
    X, _ = theory.check_rows(X)
    widths = np.array([check_size("width", m) for m in widths])
    limit, p = theory.limit_kernel(X), theory.arc_cosine(X, degree=0)
    ends = np.linalg.eigvalsh(limit)[[0, -1]]
    error = np.empty((len(LAYERS), check_size("networks", networks), widths.size))
    extremes = np.empty((2, len(LAYERS), widths.size))
    for i, kind in enumerate(LAYERS):
        for j, m in enumerate(map(int, widths)):
            kernels = [
                theory.empirical_kernel(Init(first_layer(kind, m, X.shape[1], rng), np.ones(m)), X)
                for _ in range(networks)
            ]
            error[i, :, j] = [math.sqrt(m) * rms(K - limit) for K in kernels]
            extremes[:, i, j] = np.median([np.linalg.eigvalsh(K)[[0, -1]] for K in kernels], axis=0) / ends
    # rounding may take p(1 − 2p) below zero where x = x'
    mirrored = np.abs(X @ X.T) * np.sqrt(np.maximum(p * (1 - 2 * p), 0))
    return LayerStudy(LAYERS, widths, error, *extremes, rms(theory.kernel_error_law(X)), rms(mirrored))


def layer_ratios(kind: str, m: int, X: Array, networks: int, rng: np.random.Generator) -> Array:
    """m times the mean square error of each net's kernel, over the Gaussian law's: (networks,) (course/row-laws)."""
    X, _ = theory.check_rows(X)
    m, networks = check_size("m", m), check_size("networks", networks)
    products, limit, law = X @ X.T, theory.limit_kernel(X), np.mean(theory.kernel_error_law(X) ** 2)
    ratios: list[Array] = []
    while left := networks - sum(map(len, ratios)):
        W = first_layers(kind, min(left, 200), m, X.shape[1], check_rng(rng))
        on = (W @ X.T > 0).astype(np.float32)  # counts are exact in single precision
        ratios.append(m * np.mean((products * (on.mT @ on) / m - limit) ** 2, axis=(1, 2)) / law)
    return np.concatenate(ratios)


class KernelCurve(NamedTuple):
    """The kernel of one net between a fixed input and those at ``angle``, its limit, the law of its error."""

    m: int
    angle: Array
    kernel: Array
    limit: Array
    law: Array  # one root mean square


def kernel_curve(m: int = 256, seed: int = 0) -> KernelCurve:
    """The kernel of a random net of width m on half the unit circle."""
    angle = np.linspace(0, np.pi, 61)
    circle = on_circle(angle)
    one = circle[:1]
    kernel = theory.random_kernel(m, one, np.random.default_rng(seed), circle)[0]
    law = theory.kernel_error_law(one, circle)[0] / math.sqrt(m)
    return KernelCurve(m, angle, kernel, theory.limit_kernel(one, circle)[0], law)


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
    """Fit :func:`circle_target` at n equidistant angles, ``with`` or ``without`` a bias coordinate."""
    if bias not in ("with", "without"):
        raise ValueError(f"bias must be 'with' or 'without', got {bias!r}")
    angle = (np.arange(check_size("n", n)) + 0.4) * 2 * np.pi / n - np.pi
    grid = np.linspace(-np.pi, np.pi, 241)
    y, target = circle_target(angle), circle_target(grid)
    features = theory.with_bias if bias == "with" else np.asarray
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
    yours: tuple[Array | None, ...]  # a reader's net and kernel regression at every fifth point of the grid


def circle_run(
    m: int = 64, steps: int = 100, seed: int = 0, yours: Sequence[Callable[..., Array] | None] = (None, None)
) -> CircleRun:
    """Train a net of even width m, its f0 and the limit kernel on eight points of the circle, with a bias.

    Each neuron comes twice, with opposite signs, so that all three start at zero. ``yours`` is a reader's own descent
    and kernel regression, as Exercises 7.8 and 7.4 ask for them, or None.
    """
    angle = np.linspace(-2.8, 2.8, 8)
    grid = np.linspace(-np.pi, np.pi, 121)
    X, X_grid, y = theory.with_bias(on_circle(angle)), theory.with_bias(on_circle(grid)), np.sin(2 * angle)
    if check_size("m", m, 2) % 2:
        raise ValueError(f"m must be even, as neurons come in pairs, got {m}")
    half, signs = gaussian_init(m // 2, 3, np.random.default_rng(seed))
    init = Init(np.vstack([half, half]), np.append(signs, -signs))
    functions = train_three(init, X, y, X_grid, steps, lr=4.0)
    distance, apart = float(functions.run.movement[-1]), rms(functions.net - functions.limit)
    few, (descend, regress) = X_grid[::5], yours
    own: list[Array | None] = [None, None]
    if descend is not None:
        own[0] = outputs(few, descend(*init, X, y, steps, 4.0), init.a)
    if regress is not None:
        K, K_new = theory.limit_kernel(X), theory.limit_kernel(few, X)
        own[1] = np.asarray(regress(K, K_new, np.zeros(8), np.zeros(len(few)), y, steps, 4.0))
    return CircleRun(m, steps, angle, y, grid, functions, distance, apart, tuple(own))
