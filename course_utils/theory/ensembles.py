"""Chapter 4: many networks of one shape at once: their losses, gradient descent and the ends of their spectra.

Every array has a first axis for the networks, so that ten random starts cost little more than one. It computes what
:mod:`course_utils.theory.curvature` and :mod:`course_utils.theory.hessians` compute for one network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_choice, check_number, check_size
from course_utils.theory.activations import choice
from course_utils.theory.curvature import Net, check_batch

if TYPE_CHECKING:
    from torch import Tensor

#: Activations that torch computes for all networks at once.
KNOWN = ("tanh", "ReLU", "linear")
DIVERGED = 1000.0  # a loss beyond it is inf from then on


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: products as small as these wait for each other longer than they take."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Ensemble(NamedTuple):
    """S networks of one shape: ``weights[k]`` (S, d_{k+1}, d_k), ``biases[k]`` (S, d_{k+1}), an activation's name."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    sigma: str

    @property
    def size(self) -> int:
        return len(self.weights[0])

    def member(self, i: int) -> Net:
        """One of the networks by itself."""
        return Net(tuple(w[i] for w in self.weights), tuple(b[i] for b in self.biases), choice(self.sigma))


def stack(nets: Sequence[Net]) -> Ensemble:
    """Networks of one shape and one activation, which is one of :data:`KNOWN`, as an ensemble."""
    if not nets or len({(net.sigma.name, *(w.shape for w in net.weights)) for net in nets}) > 1:
        raise ValueError(f"nets must be at least one, all of one shape and activation, got {len(nets)} of them")
    check_choice("activation", nets[0].sigma.name, KNOWN)
    weights = tuple(np.stack(layer) for layer in zip(*(net.weights for net in nets)))
    return Ensemble(weights, tuple(np.stack(layer) for layer in zip(*(net.biases for net in nets))), nets[0].sigma.name)


class Descent(NamedTuple):
    """Losses (S, steps + 1) of gradient descent, and the ensemble as it was ``at`` some of the steps."""

    losses: Array
    at: Array
    kept: tuple[Ensemble, ...]


@one_thread()
def descend(
    start: Ensemble,
    x: Array,
    t: Array,
    step: float,
    steps: int,
    loss: str = "cross_entropy",
    at: Sequence[int] | Array = (),
) -> Descent:
    """Full-batch gradient descent of every network with a constant step, in float64.

    A network whose loss grows beyond :data:`DIVERGED` has diverged: from there on its losses are inf.
    """
    import torch

    step, steps = check_number("step", step, above=0), check_size("steps", steps)
    moments = np.unique(at).astype(int)
    inputs, target = _batch(start, x, t, loss)
    weights, biases = map(list, _tensors(start))
    losses, kept, alive = np.full((start.size, steps + 1), np.inf), [], np.ones(start.size, bool)
    for i in range(steps + 1):
        z = _forward(weights, biases, start.sigma, inputs)
        value, error = _loss(z[-1], target, loss)
        alive &= value.numpy() < DIVERGED
        losses[alive, i] = value.numpy()[alive]
        if i in moments:
            now = tuple(w.numpy().copy() for w in weights), tuple(b[:, 0].numpy().copy() for b in biases)
            kept.append(Ensemble(now[0], now[1], start.sigma))
        if not alive.any() and not (moments > i).any():
            break
        error = step / len(x) * error
        for k in range(len(weights) - 1, -1, -1):
            by_w, by_b = torch.bmm(error.transpose(1, 2), z[k]), error.sum(1, keepdim=True)
            if k:
                error = torch.bmm(error, weights[k]) * _slope(start.sigma, z[k])
            weights[k], biases[k] = weights[k] - by_w, biases[k] - by_b
    return Descent(losses, moments[moments <= steps], tuple(kept))


class Ends(NamedTuple):
    """The smallest and the largest eigenvalue of every network's Hessian, shape (S,) each; NaN after divergence."""

    low: Array
    high: Array

    @property
    def norm(self) -> Array:
        """‖H‖, the larger of the two in size."""
        return np.maximum(self.high, -self.low)


@one_thread()
def spectrum_ends(
    nets: Ensemble, x: Array, t: Array, loss: str = "cross_entropy", layer: int | None = None, rounds: int = 12
) -> Ends:
    """Lanczos' iteration for all networks at once, with the Hessian of all parameters or of one layer's weights.

    After ``rounds`` products with vectors, from a fixed start, the ends are right to about one per cent where they
    stand out, as they do in a network; Lanczos never overestimates them.
    """
    import torch

    inputs, target = _batch(nets, x, t, loss)
    fine = np.all([np.isfinite(part.reshape(nets.size, -1)).all(axis=1) for part in (*nets.weights, *nets.biases)], 0)
    low, high = np.full((2, nets.size), np.nan)
    if not fine.any():
        return Ends(low, high)
    alive = nets._replace(weights=tuple(w[fine] for w in nets.weights), biases=tuple(b[fine] for b in nets.biases))
    weights, biases = _tensors(alive)
    if layer is not None and not 0 <= layer < len(weights):
        raise ValueError(f"layer must lie in 0 … {len(weights) - 1}, got {layer}")
    product, size = _hessian(weights, biases, nets.sigma, inputs, target, loss, layer), int(fine.sum())
    total = sum(part[0].numel() for part in ([*weights, *biases] if layer is None else [weights[layer]]))
    rest = torch.from_numpy(np.random.default_rng(0).standard_normal(total)).expand(size, -1)
    basis, images = [], []
    for _ in range(min(check_size("rounds", rounds), total)):
        basis.append(rest / rest.norm(dim=1, keepdim=True).clamp_min(1e-300))
        images.append(product(basis[-1]))
        Q, rest = torch.stack(basis, 1), images[-1]
        for _ in range(2):  # twice: once leaves rounding errors that bring back old directions
            rest = rest - torch.einsum("sj,sjp->sp", torch.einsum("sjp,sp->sj", Q, rest), Q)
    ends = torch.linalg.eigvalsh(torch.einsum("sip,sjp->sij", Q, torch.stack(images, 1))).numpy()
    low[fine], high[fine] = ends[:, 0], ends[:, -1]
    return Ends(low, high)


def _hessian(
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    sigma: str,
    inputs: Tensor,
    target: Tensor,
    loss: str,
    layer: int | None,
) -> Callable[[Tensor], Tensor]:
    """Products of every network's Hessian with a vector, (S, p) to (S, p), by differentiating the gradient once more.

    The losses of all networks are added up: none depends on another's parameters.
    """
    import torch

    parts = [p.clone().requires_grad_() for p in ([*weights, *biases] if layer is None else [weights[layer]])]
    if layer is None:
        weights, biases = parts[: len(weights)], parts[len(weights) :]
    else:
        weights = [parts[0] if k == layer else w for k, w in enumerate(weights)]
    total = _loss(_forward(weights, biases, sigma, inputs)[-1], target, loss)[0].sum()
    gradient = torch.autograd.grad(total, parts, create_graph=True)
    sizes = [part[0].numel() for part in parts]

    def product(v: Tensor) -> Tensor:
        pieces = [piece.reshape(part.shape) for piece, part in zip(v.split(sizes, 1), parts)]
        rows = torch.autograd.grad(gradient, parts, pieces, retain_graph=True, materialize_grads=True)
        return torch.cat([row.reshape(len(v), -1) for row in rows], 1)

    return product


def _batch(nets: Ensemble, x: Array, t: Array, loss: str) -> tuple[Tensor, Tensor]:
    """Inputs (N, d_0) and targets (N, C), labels as unit vectors."""
    import torch

    check_choice("activation", nets.sigma, KNOWN)
    empty = tuple(np.zeros(w.shape[1:]) for w in nets.weights), tuple(np.zeros(b.shape[1:]) for b in nets.biases)
    x, t, _ = check_batch(Net(empty[0], empty[1], choice(nets.sigma)), x, t, loss)
    return torch.from_numpy(x), torch.from_numpy(np.eye(nets.biases[-1].shape[1])[t] if loss == "cross_entropy" else t)


def _tensors(nets: Ensemble) -> tuple[list[Tensor], list[Tensor]]:
    import torch

    return [torch.from_numpy(w) for w in nets.weights], [torch.from_numpy(b)[:, None] for b in nets.biases]


def _forward(weights: Sequence[Tensor], biases: Sequence[Tensor], sigma: str, x: Tensor) -> list[Tensor]:
    """``z[k]`` of all layers, (S, N, d_k)."""
    import torch

    f = {"tanh": torch.tanh, "ReLU": torch.relu, "linear": lambda u: u}[sigma]
    z = [x.expand(len(weights[0]), -1, -1)]
    for k, (w, b) in enumerate(zip(weights, biases)):
        u = torch.baddbmm(b, z[-1], w.transpose(1, 2))
        z.append(f(u) if k < len(weights) - 1 else u)
    return z


def _slope(sigma: str, z: Tensor) -> Tensor | float:
    """The activation's slope where its value is ``z``."""
    if sigma == "tanh":
        return 1 - z * z
    return (z > 0).to(z.dtype) if sigma == "ReLU" else 1.0


def _loss(out: Tensor, t: Tensor, loss: str) -> tuple[Tensor, Tensor]:
    """The mean loss of every network (S,), and each sample's derivative by the output (S, N, C)."""
    import torch

    if loss == "squared":
        return torch.square(out - t).sum(2).mean(1), 2 * (out - t)
    log_p = torch.log_softmax(out, 2)
    return -(log_p * t).sum(2).mean(1), log_p.exp() - t
