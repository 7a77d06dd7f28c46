"""Chapter 4: the curvature of a network's loss, one layer at a time.

Notation of Skorski's paper: ``z[k+1] = f(u[k])``, ``u[k] = w[k] z[k] + b[k]``, the last layer linear; ``A`` is the
slope of f at ``u[k]``, ``J[k] = A w[k]``, ``G = B^(k+1) A^(k)`` the derivative of the output by ``u[k]``.

Everything rests on one identity. Of one sample, the Hessian by a layer's weights is a Kronecker product

    H_w[g, g] = (g z)ᵀ H_u (g z),        H_u[k] = GᵀH_z G + Q,

where Q collects the activations' second derivatives. Theorem 1 is this identity without Q. Arrays hold one sample
in each row; losses are means over the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_size
from course_utils.theory.activations import Activation, choice

#: σ of a layer with ``n`` inputs and ``m`` outputs; "Hessian" is Corollary 2.
SCHEMES: dict[str, Callable[[int, int], float]] = {
    "Glorot": lambda n, m: sqrt(2 / (n + m)),
    "He": lambda n, m: sqrt(2 / n),
    "Hessian": lambda n, m: 1 / (sqrt(n) + sqrt(m)),
}


class Net(NamedTuple):
    """A fully connected network: ``weights[k]`` (d_{k+1}, d_k), ``biases[k]`` (d_{k+1},), the last layer linear."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    sigma: Activation


def random_net(
    widths: Sequence[int], sigma: str, scheme: str | float, rng: np.random.Generator, bias_scale: float = 0.0
) -> Net:
    """Normal weights whose σ is one of :data:`SCHEMES` for each layer, or ``scheme / √d_k`` when it is a number."""
    widths = [check_size("width", width) for width in widths]
    if len(widths) < 2:
        raise ValueError(f"widths must name input and output at least, got {widths}")
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ValueError(f"scheme must be a number or one of {', '.join(SCHEMES)}, got {scheme!r}")
    else:
        scheme = check_number("scheme", scheme, at_least=0)

    def deviation(n: int, m: int) -> float:
        return SCHEMES[scheme](n, m) if isinstance(scheme, str) else scheme / sqrt(n)

    bias_scale = check_number("bias_scale", bias_scale, at_least=0)
    pairs = list(zip(widths, widths[1:]))
    weights = tuple(deviation(n, m) * rng.standard_normal((m, n)) for n, m in pairs)
    return Net(weights, tuple(bias_scale * rng.standard_normal(m) for _, m in pairs), choice(sigma))


class Loss(NamedTuple):
    """A loss of one output row, all vectorised over samples.

    ``value(z, t)`` (N,), ``gradient(z, t)`` (N, C), ``root(z)`` (N, C, C) with ``H_z = rootᵀ root``.
    """

    name: str
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    root: Callable[[Array], Array]

    def hessian(self, z: Array) -> Array:
        root = self.root(z)
        return root.transpose(0, 2, 1) @ root


def _softmax(z: Array) -> Array:
    from scipy.special import softmax

    return softmax(z, axis=1)


def _cross_entropy(z: Array, t: Array) -> Array:
    from scipy.special import log_softmax

    return -log_softmax(z, axis=1)[np.arange(len(z)), t]


def _softmax_root(z: Array) -> Array:
    # diag(√p)(I − 1pᵀ): its square is diag(p) − ppᵀ
    p = _softmax(z)
    return np.sqrt(p)[:, :, None] * (np.eye(z.shape[1]) - p[:, None, :])


#: ``squared`` is ‖z − t‖² (targets of the output's shape), ``cross_entropy`` takes labels.
LOSSES = {
    "squared": Loss(
        "squared",
        lambda z, t: np.square(z - t).sum(axis=1),
        lambda z, t: 2 * (z - t),
        lambda z: np.tile(sqrt(2) * np.eye(z.shape[1]), (len(z), 1, 1)),
    ),
    "cross_entropy": Loss(
        "cross_entropy", _cross_entropy, lambda z, t: _softmax(z) - np.eye(z.shape[1])[t], _softmax_root
    ),
}


def check_batch(net: Net, x: Array, t: Array, loss: str) -> tuple[Array, Array, Loss]:
    """Inputs (N, d_0), targets and loss that fit the network, or an error that names what does not."""
    check_choice("loss", loss, LOSSES)
    for k, (w, b) in enumerate(zip(net.weights, net.biases)):
        check_array(f"weights of layer {k}", w, 2)
        check_array(f"bias of layer {k}", b, 1)
    x = check_array("x", x, 2)
    inputs, classes = net.weights[0].shape[1], net.weights[-1].shape[0]
    if x.shape[1] != inputs:
        raise ValueError(f"x must have shape (N, {inputs}), got {x.shape}")
    if loss == "squared":
        t = check_array("t", t, 2)
        if t.shape != (len(x), classes):
            raise ValueError(f"t must have shape {(len(x), classes)} for the squared loss, got {t.shape}")
        return x, t, LOSSES[loss]
    t = np.asarray(t)
    if t.dtype.kind not in "iu" or t.shape != (len(x),):
        raise ValueError(f"labels must be whole numbers of shape ({len(x)},), got {t.dtype} of shape {t.shape}")
    if t.min() < 0 or t.max() >= classes:
        raise ValueError(f"labels must lie in 0 … {classes - 1}, got {t.min()} to {t.max()}")
    return x, t, LOSSES[loss]


class Pass(NamedTuple):
    """A forward pass: ``z[k]`` the input of layer k (``z[-1]`` the output), ``u[k]`` before activation."""

    z: tuple[Array, ...]
    u: tuple[Array, ...]


def forward(net: Net, x: Array) -> Pass:
    """All layers for inputs ``x`` of shape (N, d_0)."""
    z, u = [x], []
    for k, (w, b) in enumerate(zip(net.weights, net.biases)):
        u.append(z[-1] @ w.T + b)
        z.append(net.sigma.value(u[-1]) if k < len(net.weights) - 1 else u[-1])
    return Pass(tuple(z), tuple(u))


def slopes(net: Net, u: tuple[Array, ...]) -> list[Array]:
    """``A^(k)`` as rows (N, d_{k+1}); the last layer is linear."""
    return [net.sigma.slope(row) for row in u[:-1]] + [np.ones_like(u[-1])]


class Gradients(NamedTuple):
    """``u[k]``: derivatives of each sample's loss by ``u[k]``, shape (N, d_{k+1}); the mean loss; the pass."""

    u: list[Array]
    loss: float
    run: Pass


def gradients(net: Net, x: Array, t: Array, loss: str) -> Gradients:
    """Back-propagation. The gradient by ``weights[k]`` is ``u[k].T @ z[k] / N``, by ``biases[k]`` the mean of u[k]."""
    kind = LOSSES[loss]
    run = forward(net, x)
    by_u = [kind.gradient(run.z[-1], t)]
    for k in range(len(net.weights) - 1, 0, -1):
        by_u.append(by_u[-1] @ net.weights[k] * net.sigma.slope(run.u[k - 1]))
    return Gradients(by_u[::-1], float(kind.value(run.z[-1], t).mean()), run)


class LayerCurvature(NamedTuple):
    """Per sample, for one layer: ``exact = H_u`` and Theorem 1's ``main = GᵀH_zG``, (N, d, d); its input z."""

    exact: Array
    main: Array
    z: Array

    def form(self, g: Array, which: str = "exact") -> float:
        """``H_w[g, g]``, the mean over samples, for ``g`` of the layer's shape."""
        v = self.z @ g.T
        return float(np.einsum("ni,nij,nj->n", v, getattr(self, which), v).mean())


def layer_curvatures(net: Net, x: Array, t: Array, loss: str = "squared") -> list[LayerCurvature]:
    """The exact curvature of every layer for any activation with a second derivative, and Theorem 1's part of it.

    Back-propagates ``H_u[k] = A H_z[k+1] A + diag(f''(u) ∂L/∂z[k+1])`` and ``H_z[k] = wᵀ H_u w``; leaving the second
    derivatives out gives Theorem 1 (claim hessian/thm-1). Memory: N d² numbers for each layer.
    """
    x, t, kind = check_batch(net, x, t, loss)
    run = forward(net, x)
    exact = main = kind.hessian(run.z[-1])
    gradient = kind.gradient(run.z[-1], t)
    found = [LayerCurvature(exact, main, run.z[-2])]
    for k in range(len(net.weights) - 1, 0, -1):
        w, u = net.weights[k], run.u[k - 1]
        slope, gradient = net.sigma.slope(u), gradient @ w
        both = slope[:, :, None] * slope[:, None, :]
        exact, main = (both * (w.T @ h @ w) for h in (exact, main))
        exact = exact + (net.sigma.curvature(u) * gradient)[:, :, None] * np.eye(u.shape[1])
        gradient = gradient * slope
        found.append(LayerCurvature(exact, main, run.z[k - 1]))
    return found[::-1]


def relative_errors(net: Net, x: Array, t: Array, loss: str = "squared") -> Array:
    """‖Q‖/‖H_u‖ of each layer and sample, shape (layers, N): the share of the Hessian that Theorem 1 neglects."""
    found = []
    for c in layer_curvatures(net, x, t, loss):
        neglected, exact = (np.abs(np.linalg.eigvalsh(H)[:, [0, -1]]).max(axis=1) for H in (c.exact - c.main, c.exact))
        found.append(np.divide(neglected, exact, out=np.zeros_like(exact), where=exact > 0))
    return np.array(found)


class NormBounds(NamedTuple):
    """‖H_w(k)‖ of one sample for every layer, with Theorem 2 as printed and as corrected; arrays (layers,)."""

    exact: Array
    printed: Array
    corrected: Array


def norm_bounds(net: Net, x: Array, t: Array, loss: str = "squared") -> NormBounds:
    """Both forms of Theorem 2 beside the exact norm for a single input ``x`` (1, d_0)."""
    if len(x) != 1:
        raise ValueError(f"Theorem 2 is about one sample: x must have one row, got shape {np.shape(x)}")
    curvatures = layer_curvatures(net, x, t, loss)
    run = forward(net, x)
    A = [row[0] for row in slopes(net, run.u)]
    J = [np.linalg.norm(a[:, None] * w, 2) for a, w in zip(A, net.weights)]
    A = [np.abs(a).max() for a in A]
    z = [np.linalg.norm(row) for row in run.z]
    loss_norm = np.linalg.norm(LOSSES[loss].hessian(run.z[-1])[0], 2)
    exact, printed, corrected = [], [], []
    for k, curvature in enumerate(curvatures):
        exact.append(np.linalg.norm(curvature.exact[0], 2) * z[k] ** 2)
        printed.append(prod(J[:k] + J[k + 1 :]) * A[k])
        corrected.append(loss_norm * (prod(J[k + 1 :]) * A[k] * z[k]) ** 2)
    return NormBounds(*map(np.array, (exact, printed, corrected)))
