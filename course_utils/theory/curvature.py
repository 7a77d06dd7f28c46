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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.theory.networks import Array, check_array, check_number, check_size
from course_utils.theory.taylor import ACTIVATIONS, Activation

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator
    from torch import Tensor
    from torch.nn import Module

RELU = Activation(
    "ReLU", lambda z: np.maximum(z, 0), lambda z: (np.asarray(z) > 0) * 1.0, lambda z: np.zeros_like(z), np.inf, 0.0
)
LINEAR = Activation("linear", lambda z: z, lambda z: np.ones_like(z), lambda z: np.zeros_like(z), 0.0, 0.0)
#: Activations of this chapter by name: those of Chapter 1, ReLU (slope 0 at its kink, as torch has it), the identity.
CHOICES = {**ACTIVATIONS, "ReLU": RELU, "linear": LINEAR}

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
    """Normal weights whose σ is one of :data:`SCHEMES` for each layer, or ``scheme / √d_k`` when it is a number.

    Raises:
        ValueError: for an unknown name, fewer than two widths, a width below 1 or a negative scale.
    """
    widths = [check_size("width", width) for width in widths]
    if len(widths) < 2:
        raise ValueError(f"widths must name input and output at least, got {widths}")
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ValueError(f"scheme must be a number or one of {', '.join(SCHEMES)}, got {scheme!r}")
        deviation = SCHEMES[scheme]
    else:
        scale = check_number("scheme", scheme, at_least=0)
        deviation = lambda n, m: scale / sqrt(n)
    bias_scale = check_number("bias_scale", bias_scale, at_least=0)
    pairs = list(zip(widths, widths[1:]))
    weights = tuple(deviation(n, m) * rng.standard_normal((m, n)) for n, m in pairs)
    return Net(weights, tuple(bias_scale * rng.standard_normal(m) for _, m in pairs), choice(sigma))


def choice(name: str) -> Activation:
    """One of :data:`CHOICES`. Raises ValueError, naming them, for any other name."""
    if name not in CHOICES:
        raise ValueError(f"activation must be one of {', '.join(CHOICES)}, got {name!r}")
    return CHOICES[name]


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
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def _cross_entropy(z: Array, t: Array) -> Array:
    shifted = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(z)), t]


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
    """Inputs (N, d_0), targets and loss that fit the network, or an error that names what does not.

    Raises:
        ValueError: for an empty batch, a wrong shape, labels out of range, numbers that are not finite (in the
            network too), or an unknown loss.
        TypeError: for what is no array of numbers.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
    for k, (w, b) in enumerate(zip(net.weights, net.biases)):
        check_array(f"weights of layer {k}", w, 2), check_array(f"bias of layer {k}", b, 1)
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

    Raises:
        ValueError, TypeError: as :func:`check_batch`.
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
        neglected, exact = (np.linalg.norm(H, 2, axis=(1, 2)) for H in (c.exact - c.main, c.exact))
        found.append(np.divide(neglected, exact, out=np.zeros_like(exact), where=exact > 0))
    return np.array(found)


class NormBounds(NamedTuple):
    """‖H_w(k)‖ of one sample for every layer, with Theorem 2 as printed and as corrected; arrays (layers,)."""

    exact: Array
    printed: Array
    corrected: Array


def norm_bounds(net: Net, x: Array, t: Array, loss: str = "squared") -> NormBounds:
    """Both forms of Theorem 2 beside the exact norm for a single input ``x`` (1, d_0).

    Raises:
        ValueError: if ``x`` has more than one row, or as :func:`check_batch`.
    """
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


# The Gram method (claim course/hessian-gram) -------------------------------------------------------------------


def from_torch(model: Module) -> Net:
    """A torch model as a :class:`Net`, when it is a plain ReLU network; its weights as float64.

    Raises:
        TypeError: with the reason, if the model is anything but a ``torch.nn.Sequential`` of Linear layers with
            ReLU between them, the last one linear, no layer used twice.
    """
    import torch

    instead = "use layer_operator, which differentiates any model"
    if not isinstance(model, torch.nn.Sequential):
        raise TypeError(f"the Gram method needs a torch.nn.Sequential, got {type(model).__name__}; {instead}")
    layers = [part for part in model if not isinstance(part, torch.nn.Flatten)]
    for place, part in enumerate(layers):
        wanted = torch.nn.ReLU if place % 2 else torch.nn.Linear
        if type(part) is not wanted:
            raise TypeError(
                f"the Gram method needs Linear layers with ReLU between them, got {type(part).__name__} "
                f"where {wanted.__name__} belongs: Theorem 1 would not be exact; {instead}"
            )
    linear = layers[::2]
    if len(layers) % 2 == 0:
        raise TypeError(f"the Gram method needs a linear last layer, got {len(layers)} parts ending in ReLU; {instead}")
    if len({part.weight.data_ptr() for part in linear}) < len(linear):
        raise TypeError(f"the Gram method needs each layer used once, got shared weights; {instead}")
    weights = tuple(part.weight.detach().to(torch.float64).numpy() for part in linear)
    biases = tuple(
        np.zeros(len(w)) if part.bias is None else part.bias.detach().to(torch.float64).numpy()
        for part, w in zip(linear, weights)
    )
    return Net(weights, biases, RELU)


class GramLayer(NamedTuple):
    """A layer's Hessian as ``ΦᵀΦ/N`` with rows ``M[i, c] ⊗ z[i]`` of Φ: ``M`` (N, C, d_{k+1}), ``z`` (N, d_k)."""

    M: Array
    z: Array

    def operator(self) -> LinearOperator:
        """ΦΦᵀ/N, or ΦᵀΦ/N when the layer has fewer weights than there are outputs: the smaller side."""
        from scipy.sparse.linalg import LinearOperator

        M, z = self.M, self.z
        N, C, d = M.shape
        weights = d * z.shape[1]

        def out(rows: Array) -> Array:
            return np.matmul(M, rows[:, :, None])[:, :, 0]

        def back(v: Array) -> Array:
            return np.matmul(v[:, None, :], M)[:, 0]

        if weights < N * C:

            def product(v: Array) -> Array:
                return (back(out(z @ v.reshape(d, -1).T)).T @ z).ravel() / N
        elif N < 2 * z.shape[1]:
            inner = z @ z.T / N  # once; then each product is one N × N by N × d multiplication

            def product(v: Array) -> Array:
                return out(inner @ back(v.reshape(N, C))).ravel()
        else:

            def product(v: Array) -> Array:
                return out(z @ (z.T @ back(v.reshape(N, C))) / N).ravel()

        size = min(weights, N * C)
        return LinearOperator((size, size), matvec=product, dtype=np.float64)

    def spectrum(self) -> Array:
        """All eigenvalues of the smaller side, in falling order: the layer's spectrum up to zeros."""
        N, C, d = self.M.shape
        if d * self.z.shape[1] <= N * C:
            rows = np.einsum("ncd,nk->ncdk", self.M, self.z).reshape(N * C, -1)
            matrix = rows.T @ rows / N
        else:
            flat = self.M.reshape(N * C, d)
            matrix = flat @ flat.T / N
            matrix = (matrix.reshape(N, C, N, C) * (self.z @ self.z.T)[:, None, :, None]).reshape(N * C, N * C)
        return np.linalg.eigvalsh(matrix)[::-1]


def gram_layers(
    model: Module | Net, x: Array, t: Array, loss: str = "cross_entropy", bias: bool = False
) -> list[GramLayer]:
    """Every layer's Hessian of a ReLU network in factored form, in one backward sweep without autograd.

    Args:
        model: a torch model that :func:`from_torch` takes, or a :class:`Net` with ReLU or no activation.
        x, t: inputs (N, d_0) and labels (N,), or targets (N, C) for ``loss="squared"`` (mean of ‖z − t‖²).
        bias: include the biases: each layer's block is then by ``[w, b]``.

    Raises:
        TypeError: for a model to which Theorem 1 does not apply exactly.
        ValueError: as :func:`check_batch`, or if every input sits on ReLU's kink, where there is no Hessian.
    """
    net = model if isinstance(model, Net) else from_torch(model)
    if net.sigma.name not in (RELU.name, LINEAR.name):
        raise TypeError(
            f"the Gram method needs ReLU or no activation, got {net.sigma.name}: its second derivative makes "
            f"Theorem 1 inexact; use layer_curvatures or layer_operator"
        )
    x, t, kind = check_batch(net, x, t, loss)
    run = forward(net, x)
    if net.sigma.name == RELU.name:
        for k, u in enumerate(run.u[:-1]):
            if not u.any():
                raise ValueError(f"layer {k} has u = 0 at every input: ReLU's kink, where the Hessian does not exist")
    M = kind.root(run.z[-1])
    found = []
    for k in range(len(net.weights) - 1, -1, -1):
        if k < len(net.weights) - 1:
            M = (M.reshape(-1, M.shape[2]) @ net.weights[k + 1]).reshape(len(x), M.shape[1], -1)
            M *= net.sigma.slope(run.u[k])[:, None, :]
        z = np.hstack([run.z[k], np.ones((len(x), 1))]) if bias else run.z[k]
        found.append(GramLayer(M.copy() if k else M, z))
    return found[::-1]


def gram_top_eigenvalues(
    model: Module | Net, x: Array, t: Array, loss: str = "cross_entropy", tol: float = 1e-12
) -> Array:
    """λ_max of every layer's Hessian, shape (layers,), by Lanczos on the Gram operators; errors as there."""
    return np.array([top_eigenvalue(layer.operator(), tol) for layer in gram_layers(model, x, t, loss)])


# Any twice differentiable model ----------------------------------------------------------------------------------


def layer_operator(loss: Tensor, parameters: Tensor | Sequence[Tensor]) -> LinearOperator:
    """The Hessian of a scalar ``loss`` by ``parameters`` (one tensor, or all of a model), matrix-free.

    The graph of the gradient is kept, so that a product costs one backward pass through it. Give a model's
    ``layer.weight`` for one block or ``list(model.parameters())`` for the whole.

    Raises:
        ValueError: if the loss is not one finite number or does not depend on the parameters.
    """
    import torch
    from scipy.sparse.linalg import LinearOperator

    parameters = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
    if not parameters or not all(p.requires_grad for p in parameters):
        raise ValueError(f"parameters must be tensors that require a gradient, got {len(parameters)} of them")
    if loss.numel() != 1 or not torch.isfinite(loss).all():
        raise ValueError(f"the loss must be one finite number, got {loss.detach()}")
    if not loss.requires_grad:
        raise ValueError("the loss must depend on the parameters; it was computed without them or under no_grad")
    found = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    if all(g is None for g in found):
        raise ValueError("the loss must depend on the parameters; it does not")
    # Without a graph the gradient is constant, and its row of the Hessian zero.
    bent = [(g, i) for i, g in enumerate(found) if g is not None and g.requires_grad]
    sizes = [p.numel() for p in parameters]
    dtype = parameters[0].dtype

    def product(v: Array) -> Array:
        if not bent:
            return np.zeros(sum(sizes))
        pieces = torch.from_numpy(np.ascontiguousarray(v, dtype=np.float64).ravel()).to(dtype).split(sizes)
        rows = torch.autograd.grad(
            [g for g, _ in bent],
            parameters,
            [pieces[i].view_as(parameters[i]) for _, i in bent],
            retain_graph=True,
            materialize_grads=True,
            allow_unused=True,
        )
        return torch.cat([row.reshape(-1) for row in rows]).to(torch.float64).numpy()

    return LinearOperator((sum(sizes), sum(sizes)), matvec=product, dtype=np.float64)


def top_eigenvalue(operator: LinearOperator, tol: float = 1e-12) -> float:
    """The largest eigenvalue of a symmetric operator, by Lanczos from a fixed start; ``tol`` is relative.

    Raises:
        ValueError: if the operator is not square or a product is not finite.
    """
    from scipy.sparse.linalg import eigsh

    n = operator.shape[0]
    if operator.shape != (n, n):
        raise ValueError(f"the operator must be square, got shape {operator.shape}")
    start = np.random.default_rng(0).standard_normal(n)
    first = operator @ start
    if not np.isfinite(first).all():
        raise ValueError("the operator's products must be finite; is there a NaN among weights or inputs?")
    if not first.any():
        return 0.0
    if n <= 20:
        return float(np.linalg.eigvalsh(dense(operator))[-1])
    return float(eigsh(operator, k=1, which="LA", tol=tol, v0=start, return_eigenvectors=False)[0])


def dense(operator: LinearOperator) -> Array:
    """The operator as a symmetric matrix, one product for each column."""
    matrix = np.column_stack([operator @ row for row in np.eye(operator.shape[0])])
    return (matrix + matrix.T) / 2


class Estimate(NamedTuple):
    """A mean over random probes with its 99 % confidence interval."""

    value: float
    low: float
    high: float


def trace(operator: LinearOperator, probes: int, rng: np.random.Generator) -> Estimate:
    """Hutchinson's estimate: the mean of ``sᵀHs`` over ``probes`` ≥ 2 vectors of random signs.

    Raises:
        ValueError, TypeError: if ``probes`` is no whole number or below 2.
    """
    from scipy.stats import t

    if check_size("probes", probes) < 2:
        raise ValueError(f"probes must be at least 2 for an interval, got {probes}")
    signs = rng.choice([-1.0, 1.0], size=(probes, operator.shape[0]))
    forms = np.array([s @ (operator @ s) for s in signs])
    half = t.ppf(0.995, probes - 1) * forms.std(ddof=1) / sqrt(probes)
    return Estimate(float(forms.mean()), float(forms.mean() - half), float(forms.mean() + half))


def to_torch(net: Net) -> Module:
    """A network as ``torch.nn.Sequential`` in float64, for activations that torch has.

    Raises:
        ValueError: for another activation.
    """
    import torch

    modules = {
        "ReLU": torch.nn.ReLU,
        "linear": torch.nn.Identity,
        "tanh": torch.nn.Tanh,
        "sigmoid": torch.nn.Sigmoid,
        "softplus": torch.nn.Softplus,
        "GELU": torch.nn.GELU,
        "SiLU": torch.nn.SiLU,
    }
    if net.sigma.name not in modules:
        raise ValueError(f"activation must be one of {', '.join(modules)}, got {net.sigma.name!r}")
    parts = []
    for w, b in zip(net.weights, net.biases):
        layer = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w)), layer.bias.copy_(torch.from_numpy(b))
        parts += [layer, modules[net.sigma.name]()]
    return torch.nn.Sequential(*parts[:-1])


def torch_loss(model: Module, x: Array, t: Array, loss: str) -> Tensor:
    """The mean loss of a torch model, with a graph: what :func:`layer_operator` differentiates."""
    import torch

    out = model(torch.from_numpy(x))
    if loss == "squared":
        return ((out - torch.from_numpy(t)) ** 2).sum() / len(x)
    return torch.nn.functional.cross_entropy(out, torch.from_numpy(t))
