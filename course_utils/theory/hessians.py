"""Chapter 4: the Hessian of any twice differentiable torch model, matrix-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.theory.accept import Array, check_choice
from course_utils.theory.curvature import Net

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator
    from torch import Tensor
    from torch.nn import Module


def layer_operator(loss: Tensor, parameters: Tensor | Sequence[Tensor]) -> LinearOperator:
    """The Hessian of a scalar ``loss`` by ``parameters`` (one tensor, or all of a model), matrix-free.

    The graph of the gradient is kept, so that a product costs one backward pass through it. Give a model's
    ``layer.weight`` for one block or ``list(model.parameters())`` for the whole.
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
    """The largest eigenvalue of a symmetric operator, by Lanczos from a fixed start; ``tol`` is relative."""
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


def to_torch(net: Net) -> Module:
    """A network as ``torch.nn.Sequential`` in float64, for activations that torch has."""
    import torch

    modules = {
        "ReLU": torch.nn.ReLU,
        "linear": torch.nn.Identity,
        "tanh": torch.nn.Tanh,
        "sigmoid": torch.nn.Sigmoid,
        "softplus": torch.nn.Softplus,
        "GELU": torch.nn.GELU,
        "SiLU": torch.nn.SiLU,
        "leaky ReLU": torch.nn.LeakyReLU,
        "ReLU6": torch.nn.ReLU6,
        "hard tanh": torch.nn.Hardtanh,
        "ELU": torch.nn.ELU,
    }
    check_choice("activation", net.sigma.name, modules)
    parts = []
    for w, b in zip(net.weights, net.biases):
        layer = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w))
            layer.bias.copy_(torch.from_numpy(b))
        parts += [layer, modules[net.sigma.name]()]
    return torch.nn.Sequential(*parts[:-1])


def torch_loss(model: Module, x: Array, t: Array, loss: str) -> Tensor:
    """The mean loss of a torch model, with a graph: what :func:`layer_operator` differentiates."""
    import torch

    out = model(torch.from_numpy(x))
    if loss == "squared":
        return ((out - torch.from_numpy(t)) ** 2).sum() / len(x)
    return torch.nn.functional.cross_entropy(out, torch.from_numpy(t))
