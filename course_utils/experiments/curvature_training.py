"""Chapter 4's training: what a start's curvature is, what becomes of it, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_utils.theory import curvature as theory
from course_utils.theory import ensembles
from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_size
from course_utils.theory.gram import top_eigenvalues
from course_utils.theory.hessians import to_torch
from course_utils.theory.initializers import hessian_jacobian_

#: How a network may start: one of :data:`theory.SCHEMES`, or with ‖J‖ = 1 by simulation (Corollary 1).
STARTS = (*theory.SCHEMES, "data-driven")
LOOKED_AT = 20  # images on which the data-driven start measures ‖J‖


def starts(
    scheme: str,
    depth: int,
    x: Array,
    *,
    sigma: str = "tanh",
    width: int = 32,
    seeds: int = 10,
    gain: float = 1.0,
    classes: int = 10,
) -> ensembles.Ensemble:
    """Random networks for inputs ``x`` (N, d_0), from the same random numbers for every one of :data:`STARTS`.

    ``depth`` counts the layers. All weights are multiplied by ``gain``. The data-driven start looks at the first
    :data:`LOOKED_AT` inputs.
    """
    x, gain = check_array("x", x, 2), check_number("gain", gain, above=0)
    check_choice("scheme", scheme, STARTS)
    hidden = [check_size("width", width)] * (check_size("depth", depth) - 1)
    widths = [x.shape[1], *hidden, check_size("classes", classes)]
    nets = []
    for seed in range(check_size("seeds", seeds)):
        rng = np.random.default_rng(seed)
        if scheme == "data-driven":
            net = theory.random_net(widths, sigma, 0.0, rng)
            net = _by_simulation(net, x[:LOOKED_AT], np.random.default_rng(seed))  # draws what the other schemes drew
        else:
            net = theory.random_net(widths, sigma, scheme, rng)
        nets.append(net._replace(weights=tuple(gain * w for w in net.weights)))
    return ensembles.stack(nets)


def _by_simulation(net: theory.Net, x: Array, rng: np.random.Generator) -> theory.Net:
    import torch

    model = hessian_jacobian_(to_torch(net), torch.from_numpy(x), rng, rounds=4)
    weights = (part.weight for part in model.children() if isinstance(part, torch.nn.Linear))
    return net._replace(weights=tuple(weight.detach().numpy().copy() for weight in weights))


class Room(NamedTuple):
    """Of data-driven ReLU networks: ``jacobian`` mean ‖J^(k)‖, ``exact`` ‖H_w(k)‖ and ``bound``, (nets, layers)."""

    jacobian: Array
    exact: Array
    bound: Array


def corollary_1(x: Array, t: Array, widths: Sequence[int], nets: int, rng: np.random.Generator) -> Room:
    """Corollary 1 for ReLU without biases and cross-entropy: what it sets, what it bounds and what it gets.

    The bound is the mean over inputs of ``½ (‖x‖ Π_{i≠k} ‖J^(i)(x)‖ ‖A^(k)(x)‖)²``, Theorem 2 as corrected.
    """
    x, found = check_array("x", x, 2), []
    for _ in range(check_size("nets", nets)):
        net = _by_simulation(theory.random_net(widths, "ReLU", 0.0, rng), x, rng)
        slopes = theory.slopes(net, theory.forward(net, x).u)
        J = np.array([np.linalg.norm(a[:, :, None] * w, 2, axis=(1, 2)) for a, w in zip(slopes, net.weights)])
        # A^(k) has norm 1 where a neuron is on; where none is, J is 0, and so is the Hessian
        products = np.array([np.delete(J, k, axis=0).prod(axis=0) * (J[k] > 0) for k in range(len(J))])
        bound = (np.square(x).sum(axis=1) * products**2).mean(axis=1) / 2
        found.append((J.mean(axis=1), top_eigenvalues(net, x, t, tol=1e-6), bound))
    return Room(*map(np.array, zip(*found)))


class LayerNorms(NamedTuple):
    """Of many starts: ``layers`` ‖H_w(k)‖ of every layer, (seeds, layers), and ``whole`` λ_max of the network."""

    layers: Array
    whole: Array


def layer_norms(nets: ensembles.Ensemble, x: Array, t: Array) -> LayerNorms:
    """The paradigm's ‖H_w(k)‖, and what it leaves for the whole network, with cross-entropy."""
    layers = [ensembles.spectrum_ends(nets, x, t, layer=k, rounds=8).norm for k in range(len(nets.weights))]
    return LayerNorms(np.array(layers).T, ensembles.spectrum_ends(nets, x, t).high)


class SchemeTraining(NamedTuple):
    """Losses (seeds, steps + 1) of constant-step gradient descent; λ_max of the whole net, (seeds, checks)."""

    scheme: str
    depth: int
    step: float
    losses: Array
    checks: Array
    top: Array


def train_scheme(
    scheme: str,
    depth: int,
    x: Array,
    t: Array,
    *,
    sigma: str = "tanh",
    width: int = 32,
    step: float = 0.5,
    steps: int = 60,
    seeds: int = 5,
    checks: int = 4,
    gain: float = 1.0,
) -> SchemeTraining:
    """Full-batch gradient descent with cross-entropy from random :func:`starts`, the same seeds for every scheme.

    λ_max is found at ``checks`` moments from start to end; 0 leaves it out. A run whose loss grows beyond 1000 has
    diverged: from there on its losses are inf and its λ_max is NaN.
    """
    depth, steps = check_size("depth", depth), check_size("steps", steps)
    at = np.unique(np.linspace(0, steps, check_size("checks", checks, at_least=0)).astype(int))
    classes = int(check_array("t", t, 1).max()) + 1
    nets = starts(scheme, depth, x, sigma=sigma, width=width, seeds=seeds, gain=gain, classes=classes)
    run = ensembles.descend(nets, x, t, step, steps, at=at)
    top = np.empty((nets.size, at.size))
    for i, kept in enumerate(run.kept):
        top[:, i] = ensembles.spectrum_ends(kept, x, t).high
    top[np.isinf(run.losses[:, at])] = np.nan
    return SchemeTraining(scheme, depth, float(step), run.losses, at, top)


def guessed(run: SchemeTraining) -> float:
    """A run's mean final loss as a share of guessing's, ln 10 for digits, to five per cent; inf if one diverged."""
    share = 20 * run.losses[:, -1].mean() / np.log(10)
    return round(share) / 20 if np.isfinite(share) else np.inf


class Neglect(NamedTuple):
    """What Theorem 1 neglects as a network trains: ``share`` (moments, nets, layers) is the median ‖Q‖/‖H_u‖ of the
    samples, ``loss`` (moments, nets) the loss at the moments ``at``."""

    kind: str
    at: Array
    loss: Array
    share: Array


def neglect(kind: str, x: Array, t: Array, at: Sequence[int] = (0, 30, 100, 300), nets: int = 10) -> Neglect:
    """Train tanh networks with two hidden layers of 30 from Glorot's start, and look at ``H_u − GᵀH_zG`` on the way.

    ``kind`` is the loss; labels ``t`` become unit vectors for the squared one.
    """
    check_choice("kind", kind, theory.LOSSES)
    step = {"cross_entropy": 1.0, "squared": 0.1}[kind]
    target = t if kind == "cross_entropy" else np.eye(10)[t]
    start = starts("Glorot", 3, x, width=30, seeds=nets)
    run = ensembles.descend(start, x, target, step, int(np.max(at)), kind, at)
    shares = [[theory.relative_errors(kept.member(i), x, target, kind) for i in range(kept.size)] for kept in run.kept]
    share = np.median(shares, axis=3)[:, :, :-1]  # the last layer has nothing to neglect
    return Neglect(kind, run.at, run.losses[:, run.at].T, share)
