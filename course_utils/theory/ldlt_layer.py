"""Chapter 6: the LDLT layer, ``y = γ W (αI + WᵀW)^(-1/2) x``, as a torch module.

Imports torch, which takes seconds; the theory in :mod:`course_utils.theory.ldlt` does without.
"""

from __future__ import annotations

import numpy as np
import torch

from course_utils.theory.accept import check_choice, check_number, check_rng, check_size

FORMS = ("symmetric", "cholesky")


class _InverseRoot(torch.autograd.Function):
    """``(αI + G)^(-1/2)`` of symmetric positive semi-definite matrices G, shape (..., k, k).

    The derivative of torch's eigenvectors divides by differences of eigenvalues, which may be 0. That of a
    matrix function needs divided differences only (Daleckii and Krein), and those of λ^(-1/2) cancel nothing. α may be
    a number or a tensor without axes; as it is added to the diagonal of G, its derivative is a trace.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(G, alpha):
        values, vectors = torch.linalg.eigh(G)
        roots = (values.clamp(min=0) + alpha).sqrt()
        return (vectors / roots[..., None, :]) @ vectors.mT, roots, vectors

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, roots, vectors = output
        ctx.mark_non_differentiable(roots, vectors)
        ctx.save_for_backward(roots, vectors)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad, _roots, _vectors):
        roots, vectors = ctx.saved_tensors
        rows, columns = roots[..., :, None], roots[..., None, :]
        divided = -1 / (rows * columns * (rows + columns))
        by_G = vectors @ ((vectors.mT @ grad @ vectors) * divided) @ vectors.mT
        return by_G, by_G.diagonal(dim1=-2, dim2=-1).sum() if ctx.needs_input_grad[1] else None


def ldlt_matrix(
    W: torch.Tensor, alpha: float | torch.Tensor = 1.0, gamma: float | torch.Tensor = 1.0, form: str = "symmetric"
) -> torch.Tensor:
    """The layer as a matrix, shape (..., m, n) as W; its singular values are ``γ s/√(α + s²)`` (ldlt/lipschitz).

    The factorisation is that of the smaller of ``WᵀW`` and ``WWᵀ``, and any number of layers can be stacked
    in the leading axes. All arguments but W are taken as they are: :class:`LDLT` checks them. α and γ may be tensors
    without axes that ask for a gradient (ldlt/alpha-gamma).

    Args:
        form: "symmetric" is the paper's ``γ W (αI + WᵀW)^(-1/2)``, by eigenvalues. "cholesky" is several
            times faster: ``γ W L^(-T)`` with ``LLᵀ = αI + WᵀW`` when n ≤ m, and ``γ L^(-1) W`` with ``LLᵀ =
            αI + WWᵀ`` when n > m. It differs from the symmetric form by a rotation, of the inputs when n ≤ m
            and else of the outputs.
    """
    check_choice("form", form, FORMS)
    m, n = W.shape[-2:]
    gram = W.mT @ W if n <= m else W @ W.mT
    if form == "symmetric":
        root = _InverseRoot.apply(gram, alpha)[0]
        return gamma * (W @ root if n <= m else root @ W)
    L = _cholesky(gram, alpha)
    if n <= m:
        return gamma * torch.linalg.solve_triangular(L.mT, W, upper=True, left=False)
    return gamma * torch.linalg.solve_triangular(L, W, upper=False)


def _cholesky(gram: torch.Tensor, alpha: float | torch.Tensor) -> torch.Tensor:
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    return torch.linalg.cholesky(gram + alpha * identity)


class LDLT(torch.nn.Module):
    """``y = γ W (αI + WᵀW)^(-1/2) x`` for rows x of shape (..., n); the output has shape (..., m).

    ``W``, shape (m, n), is the only parameter; its entries start as N(0, σ²).

    Args:
        n, m: inputs and outputs, in the order of ``torch.nn.Linear``.
        sigma: standard deviation of the entries; ``1/√n`` by default.
        alpha, gamma: positive; γ is the Lipschitz constant, which is approached and never reached.
        form: "symmetric" or "cholesky", see :func:`ldlt_matrix`.
        rng: where the entries come from; by default a generator with seed 0.
        dtype: float64 unless another is asked for.
    """

    def __init__(
        self,
        n: int,
        m: int,
        sigma: float | None = None,
        alpha: float = 1.0,
        gamma: float = 1.0,
        form: str = "symmetric",
        rng: np.random.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        n, m = check_size("n", n), check_size("m", m)
        sigma = n**-0.5 if sigma is None else check_number("sigma", sigma, at_least=0)
        self.alpha, self.gamma = check_number("alpha", alpha, above=0), check_number("gamma", gamma, above=0)
        self.form = check_choice("form", form, FORMS)
        rng = np.random.default_rng(0) if rng is None else check_rng(rng)
        self.W = torch.nn.Parameter(torch.tensor(sigma * rng.standard_normal((m, n)), dtype=dtype))

    def matrix(self) -> torch.Tensor:
        """The layer as a matrix, shape (m, n), with its gradient."""
        return ldlt_matrix(self.W, self.alpha, self.gamma, self.form)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        m, n = self.W.shape
        if x.ndim == 0 or x.shape[-1] != n:
            raise ValueError(f"x must have shape (..., n) with n = {n}, got {tuple(x.shape)}")
        return x @ self.matrix().mT

    def extra_repr(self) -> str:
        m, n = self.W.shape
        return f"n={n}, m={m}, alpha={self.alpha:g}, gamma={self.gamma:g}, form={self.form!r}"
