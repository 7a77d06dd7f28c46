"""Chapter 4: the Hessian of every layer of a ReLU network in factored form (claim course/hessian-gram).

Theorem 1 is exact there, so that a layer's Hessian is ``ΦᵀΦ/N`` with rows of Φ that are Kronecker products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.theory.accept import Array
from course_utils.theory.activations import LINEAR, RELU
from course_utils.theory.curvature import Net, check_batch, forward
from course_utils.theory.hessians import top_eigenvalue

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator
    from torch.nn import Module


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
    parts = [part for part in model if not isinstance(part, torch.nn.Flatten)]
    for place, part in enumerate(parts):
        wanted = torch.nn.ReLU if place % 2 else torch.nn.Linear
        if type(part) is not wanted:
            raise TypeError(
                f"the Gram method needs Linear layers with ReLU between them, got {type(part).__name__} "
                f"where {wanted.__name__} belongs: Theorem 1 would not be exact; {instead}"
            )
    linear = parts[::2]
    if len(parts) % 2 == 0:
        raise TypeError(f"the Gram method needs a linear last layer, got {len(parts)} parts ending in ReLU; {instead}")
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


def layers(model: Module | Net, x: Array, t: Array, loss: str = "cross_entropy", bias: bool = False) -> list[GramLayer]:
    """Every layer's Hessian of a ReLU network in factored form, in one backward sweep without autograd.

    Args:
        model: a torch model that :func:`from_torch` takes, or a :class:`Net` with ReLU or no activation.
        x, t: inputs (N, d_0) and labels (N,), or targets (N, C) for ``loss="squared"`` (mean of ‖z − t‖²).
        bias: include the biases: each layer's block is then by ``[w, b]``.

    Raises:
        TypeError: for a model to which Theorem 1 does not apply exactly.
        ValueError: if every input sits on ReLU's kink, where there is no Hessian.
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


def top_eigenvalues(model: Module | Net, x: Array, t: Array, loss: str = "cross_entropy", tol: float = 1e-12) -> Array:
    """λ_max of every layer's Hessian, shape (layers,), by Lanczos on the Gram operators."""
    return np.array([top_eigenvalue(layer.operator(), tol) for layer in layers(model, x, t, loss)])
