"""Chapter 5's experiments: clouds of estimates, their cosines and variances, and descent by them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size
from course_utils.theory.losses import Metered, Quadratic, SoftmaxNet
from course_utils.theory.perturbation import KINDS, Loss, draws, forward_passes, measure_variance, random_signs
from course_utils.theory.variance_laws import Local, total_variance, usable_sigma


class DescentRun(NamedTuple):
    """A run of stochastic gradient descent; arrays over the moments at which it was looked at."""

    method: str
    epoch: Array
    evaluations: Array  # losses of one example; back-propagation counts 3 (forward, and twice that backward)
    seconds: Array  # of this machine, spent in the steps and not in the looks
    loss: Array  # of ``watched``; infinite where the run has diverged
    accuracy: Array  # on the test set, or on the training set when there is none; at the end only with a look a batch
    theta: Array

    def evaluations_until(self, level: float) -> float:
        """Evaluations before the first look that finds the loss below ``level``; infinite if none does."""
        below = self.loss < level
        return float(self.evaluations[below.argmax()]) if below.any() else math.inf


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
    """One run from θ, shape (n,), over whole epochs; arguments as for :func:`descend_together`.

    Raises:
        ValueError: for an unknown method, or a loss that stops being finite.
    """
    theta, steps = check_array("theta", theta, 1, net.n), check_size("epochs", epochs) * (len(net.X) // batch or 1)
    (run,) = descend_together(
        net, theta[None], method, step, steps, rng, sigma=sigma, K=K, batch=batch, looks=looks, test=test
    )
    if not np.isfinite(run.loss).all():
        raise ValueError(f"the loss must stay finite, got {run.loss[-1]} with step {step:g}")
    return run


def descend_together(
    net: SoftmaxNet,
    thetas: Array,
    method: str,
    step: float | Array,
    steps: int,
    rng: np.random.Generator,
    *,
    sigma: float = 1e-3,
    K: int = 1,
    batch: int = 32,
    looks: int = 20,
    watched: SoftmaxNet | None = None,
    test: SoftmaxNet | None = None,
    until: float = -math.inf,
) -> list[DescentRun]:
    """Descend from each of the starts, shape (starts, n), with the gradients of ``method``.

    The runs see the same batches in the same order, each with its own start and its own noise: so many independent
    repetitions for the price of a few.

    Args:
        method: "backprop", "note", or one of ``perturbation.KINDS``. "note" is the update as the note prints it,
            ΔW = −η Ẽ Ω: no baseline, and nothing divided by σ² (claim perturbation/update).
        step: η, or one for each start.
        steps: batches.
        looks: how many times the loss is looked at; ``steps`` of them are one after every batch.
        watched: whose loss is looked at; all training examples by default.
        until: stop when every run has been seen below this loss.

    Raises:
        ValueError: for an unknown method.
    """
    if method not in ("backprop", "note"):
        check_choice("kind", method, KINDS)
    thetas = check_array("thetas", thetas, 2).copy()
    step = np.array([check_number("step", each, above=0) for each in np.broadcast_to(step, len(thetas))])
    sigma, rng, K = check_number("sigma", sigma, above=0), check_rng(rng), check_size("K", K)
    batch, looks, steps = check_size("batch", batch), check_size("looks", looks), check_size("steps", steps)
    N, test, watched, below = len(net.X), test or net, watched or net, np.zeros(len(thetas), dtype=bool)
    if batch > N:
        raise ValueError(f"batch must be at most the {N} examples there are, got {batch}")
    cost = 3 if method == "backprop" else forward_passes("no baseline" if method == "note" else method, K)
    times = set(np.unique(np.linspace(0, steps, looks + 1).round().astype(int)))
    seen, losses, accuracies, busy = [], [], [], 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged run is reported as such
        for t in range(steps + 1):
            if t in times:
                seen.append((t * batch / N, t * batch * cost, busy / len(thetas)))
                losses.append(np.nan_to_num(watched(thetas), nan=np.inf, posinf=np.inf))
                if looks < steps or t == steps:
                    accuracies.append([test.accuracy(theta) for theta in thetas])
                below |= losses[-1] < until
            if t == steps or below.all():
                break
            began = time.perf_counter()
            if t % (N // batch) == 0:
                order = rng.permutation(N)
            start = t % (N // batch) * batch
            part = net.batch(order[start : start + batch])
            thetas -= step[:, None] * _estimates(part, thetas, method, sigma, K, rng)
            busy += time.perf_counter() - began
    moments, rows = [np.array(column) for column in zip(*seen)], np.array(losses).T
    shown = np.array(accuracies).reshape(-1, len(thetas)).T
    return [DescentRun(method, *moments, row, *each) for row, *each in zip(rows, shown, thetas)]


def budget_runs(
    train: Callable[..., Array], net: SoftmaxNet, test: SoftmaxNet, budget: int, starts: int, seed: int = 0
) -> list[DescentRun]:
    """Runs of the reader's ``train(loss, theta, rng)`` within a budget of evaluations, from so many starts.

    ``loss`` is a ``losses.Metered``; the loss is looked at where its ``path`` was, and at the end.
    """
    moments, runs = np.linspace(0, budget, 26), []
    for number in range(check_size("starts", starts)):
        rng, loss = np.random.default_rng([seed, number]), Metered(net, budget)
        start = net.initial(rng)
        end = check_array("theta", train(loss, start.copy(), rng), 1, net.n)
        used, path = zip((0, start), *loss.path, (budget - loss.left, end))
        path = np.array(path)[np.searchsorted(used, moments, side="right") - 1]
        accuracy = np.array([test.accuracy(end)])
        runs.append(DescentRun("yours", moments / len(net.X), moments, 0 * moments, net(path), accuracy, end))
    return runs


def _estimates(part, thetas, method, sigma, K, rng) -> Array:
    """An estimate of the gradient at each θ, shape (starts, n)."""
    if method == "backprop":
        return np.array([part.gradient(theta) for theta in thetas])
    if method not in ("note", "no baseline", "baseline", "mean baseline", "signs"):
        return np.array([draws(part, theta, sigma, K, rng, method).mean(axis=0) for theta in thetas])
    rows, n = len(thetas) * K, thetas.shape[1]
    omega = sigma * (random_signs(rows, n, rng) if method == "signs" else rng.standard_normal((rows, n)))
    moved = (thetas[:, None] + omega.reshape(-1, K, n)).reshape(rows, n)
    signal = part(moved).reshape(-1, K)
    if method in ("baseline", "signs"):
        signal -= part(thetas)[:, None]
    elif method == "mean baseline":
        signal -= signal.mean(axis=1, keepdims=True)
        signal *= K / (K - 1)
    scale = 1 if method == "note" else sigma**2
    return np.einsum("sk,skn->sn", signal, omega.reshape(-1, K, n)) / (K * scale)


def gains_of_nodes(net: SoftmaxNet, starts: int, rng: np.random.Generator, batch: int = 64) -> Array:
    """The variance of weight perturbation over that of node perturbation, by the laws, shape (starts, 2).

    The first column with one signal for all examples, the second with a signal for each; at random starts and batches.
    """
    rows = []
    for _ in range(check_size("starts", starts)):
        theta, part = net.initial(rng), net.batch(rng.permutation(len(net.X))[: check_size("batch", batch)])
        g = part.gradient(theta)
        one = total_variance("baseline", Local(part.n, 0.0, g @ g), 1.0) / part.node_variance(theta, one_signal=True)
        rows.append((one, part.example_variance(theta) / part.node_variance(theta)))
    return np.array(rows)


class Curvature(NamedTuple):
    """Curvature that an estimate meets, one entry for each random start."""

    trace: Array
    stiff: Array  # tr H/ρ: directions as stiff as the gradient's; negative where the gradient's curves downwards
    usable_sigma: Array
    steps: Array  # (starts, len(Ks)), largest usable steps; infinite where the mean curvature is not positive


def curvature(
    net: SoftmaxNet, scale: float, Ks: Array, starts: int, rng: np.random.Generator, batch: int = 64, vectors: int = 40
) -> Curvature:
    """tr H, ‖H‖_F and ρ at random starts of a scale, each on a batch, from products Hv with random signs v.

    tr H = E vᵀHv and ‖H‖²_F = E‖Hv‖², by differences of gradients; the steps are those of
    ``variance_laws.largest_step``.
    """
    rows, Ks, vectors = [], check_array("Ks", Ks, 1), check_size("vectors", vectors)
    for _ in range(check_size("starts", starts)):
        theta, part = net.initial(rng, scale), net.batch(rng.permutation(len(net.X))[: check_size("batch", batch)])
        g = part.gradient(theta)

        def along(v):
            return (part.gradient(theta + 1e-4 * v) - part.gradient(theta - 1e-4 * v)) / 2e-4  # noqa: B023

        signs = random_signs(vectors, net.n, rng)
        products = np.array([along(v) for v in signs])
        trace, square = (signs * products).sum(axis=1).mean(), np.square(products).sum(axis=1).mean()
        rho = g @ along(g / np.linalg.norm(g)) / np.linalg.norm(g)
        met = rho + (rho + trace) / Ks
        at = Local(net.n, 0.0, g @ g, trace, square)
        steps = np.where(met > 0, 2 / np.where(met > 0, met, 1), np.inf)
        rows.append((trace, trace / rho, usable_sigma(at), steps))
    return Curvature(*(np.array(column) for column in zip(*rows)))


class Tuned(NamedTuple):
    """A method with the step η and the σ that did best from other starts, and its runs."""

    eta: float
    sigma: float
    trials: dict[tuple[float, float], float]  # mean loss at the end by (σ, η); infinite where a run diverged
    runs: list[DescentRun]


def tuned_descents(
    net: SoftmaxNet,
    test: SoftmaxNet,
    method: str,
    etas: Array,
    steps: int,
    rng: np.random.Generator,
    *,
    sigmas: Array = (1e-3,),
    K: int = 1,
    batch: int = 32,
    looks: int = 1,
    starts: int = 10,
    trials: int = 2,
    scale: float = 1.0,
) -> Tuned:
    """Runs with the best of all pairs (σ, η): that of the lowest mean loss after ``trials`` starts not used again.

    Arguments as for :func:`descend_together`; ``scale`` is that of ``SoftmaxNet.initial``.
    """
    etas, sigmas = check_array("etas", etas, 1), check_array("sigmas", sigmas, 1)
    starts, trials = check_size("starts", starts), check_size("trials", trials)

    def runs(count, eta, sigma, looks):
        thetas = np.array([net.initial(rng, scale) for _ in range(count)])
        options = {"sigma": sigma, "K": K, "batch": batch, "looks": looks, "test": test}
        return descend_together(net, thetas, method, eta, steps, rng, **options)

    ends = {}
    for sigma in sigmas:
        losses = [run.loss[-1] for run in runs(trials * etas.size, np.repeat(etas, trials), sigma, 1)]
        for eta, mean in zip(etas, np.reshape(losses, (etas.size, trials)).mean(axis=1)):
            ends[float(sigma), float(eta)] = float(mean)
    sigma, eta = min(ends, key=ends.__getitem__)
    return Tuned(eta, sigma, ends, runs(starts, eta, sigma, looks))


def evaluations_until(
    net: SoftmaxNet,
    method: str,
    etas: Array,
    level: float,
    rng: np.random.Generator,
    *,
    K: int = 1,
    batch: int = 32,
    starts: int = 10,
    trials: int = 2,
    watched: int = 256,
    most: int = 3000,
) -> Array:
    """Evaluations until the loss falls below ``level``, from each of the starts: shape (starts,).

    The loss of ``watched`` training examples is looked at after every batch, so that no spacing of looks is measured.
    Each method has its best step, by the mean over ``trials`` starts that are not used again. Infinite where a run
    has not come that far after ``most`` batches.
    """
    etas, level, most = check_array("etas", etas, 1), check_number("level", level), check_size("most", most)
    starts, trials = check_size("starts", starts), check_size("trials", trials)
    part = net.batch(np.arange(min(check_size("watched", watched), len(net.X))))

    def crossings(count, eta, batches):
        thetas = np.array([net.initial(rng) for _ in range(count)])
        options = {"K": K, "batch": batch, "looks": batches, "watched": part, "until": level}
        runs = descend_together(net, thetas, method, eta, batches, rng, **options)
        return np.array([run.evaluations_until(level) for run in runs]), runs[0].epoch.size - 1

    best, least, limit = etas[0], math.inf, most
    for eta in etas:
        found, batches = crossings(trials, eta, limit)
        if found.mean() < least:  # a step that takes longer than the best so far need not be followed to its end
            best, least, limit = eta, found.mean(), min(most, 2 * batches)
    return crossings(starts, best, most)[0]


class Cloud(NamedTuple):
    """Means of K draws in the plane, shape (points, 2), around the true gradient."""

    kind: str
    sigma: float
    K: int
    g: Array
    estimates: Array
    predicted: float  # root mean square distance from g, by the law
    measured: float


def cloud(
    kind: str | Callable[..., Array] = "baseline", sigma: float = 0.2, K: int = 1, points: int = 200, seed: int = 1
) -> Cloud:
    """Estimates of the gradient of a quadratic loss in two dimensions; arguments as for ``perturbation.draws``.

    ``kind`` may be the reader's own ``estimate(loss, theta, sigma, K, rng)``, beside the law of those with a baseline.
    """
    loss = Quadratic(1.0, np.array([1.0, 0.5]), np.array([[2.0, 0.5], [0.5, 1.0]]))
    theta, K, points = np.zeros(2), check_size("K", K), check_size("points", points)
    rng = np.random.default_rng(seed)
    if callable(kind):
        rows, kind = np.array([kind(loss, theta, sigma, K, rng) for _ in range(points)]), "yours"
    elif kind == "orthogonal":  # a frame for each point
        rows = np.array([draws(loss, theta, sigma, K, rng, kind).mean(axis=0) for _ in range(points)])
    else:
        rows = draws(loss, theta, sigma, points * K, rng, kind).reshape(points, K, 2).mean(axis=1)
    law = "baseline" if kind == "yours" else kind
    predicted = math.sqrt(total_variance(law, loss.local(theta), sigma, K))
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
