"""Hessian-based initialization in the manner of ``torch.nn.init``: in place, with a trailing underscore.

Random numbers come from a numpy generator that is passed in, so that they are the same on every platform.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from course_utils.theory.accept import check_number, check_size

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def hessian_normal_(tensor: Tensor, rng: np.random.Generator, gain: float = 1.0) -> Tensor:
    """Fill a weight (d_{k+1}, d_k) with ``N(0, σ²)``, ``σ = gain/(√d_{k+1} + √d_k)``: its norm is then about ``gain``.

    Source: Skorski, Corollary 2, equation (8).
    """
    import torch

    if tensor.ndim != 2 or tensor.numel() == 0:
        raise ValueError(f"a weight must have two axes and entries, got shape {tuple(tensor.shape)}")
    gain = check_number("gain", gain, above=0)
    rows, columns = tensor.shape
    with torch.no_grad():
        return tensor.copy_(
            torch.from_numpy(gain / (sqrt(rows) + sqrt(columns)) * rng.standard_normal((rows, columns)))
        )


def hessian_jacobian_(model: Module, x: Tensor, rng: np.random.Generator, gain: float = 1.0, rounds: int = 8) -> Module:
    """Fill a Sequential's Linear weights so that the mean of ‖J^(k)‖ over the inputs ``x`` is ``gain`` at every layer.

    ``J^(k) = A^(k) w^(k)`` is the derivative of a layer with its activation. From the first layer on, normal weights
    are scaled until the mean norm is right: for ReLU without biases at once, for a smooth activation in a few
    ``rounds``. Biases become zero.

    Source: Skorski, Corollary 1, "estimate by random simulations".

    Raises:
        TypeError: if the model is not a Sequential of Linear layers and elementwise activations.
        ValueError: for an ``x`` that does not fit, or if an activation is flat, so that no scale is found.
    """
    import torch

    if not isinstance(model, torch.nn.Sequential) or not isinstance(model[0], torch.nn.Linear):
        raise TypeError(f"the model must be a Sequential that starts with Linear, got {type(model).__name__}")
    gain, rounds = check_number("gain", gain, above=0), check_size("rounds", rounds)
    if x.ndim != 2 or x.shape[0] == 0 or x.shape[1] != model[0].in_features or not torch.isfinite(x).all():
        raise ValueError(f"x must be finite of shape (N, {model[0].in_features}) with N ≥ 1, got {tuple(x.shape)}")
    z = x.detach()
    for layer, activation in _layers(model):
        hessian_normal_(layer.weight, rng, gain)
        if layer.bias is not None:
            with torch.no_grad():
                layer.bias.zero_()
        for _ in range(rounds):
            norm = jacobian_norms(layer, activation, z).mean()
            if not norm > 0:
                raise ValueError(f"a layer's activation is flat at every input: mean ‖J‖ is {float(norm):g}")
            if abs(norm / gain - 1) < 1e-12:
                break
            with torch.no_grad():
                layer.weight *= gain / norm
        with torch.no_grad():
            z = activation(layer(z))
    return model


def jacobian_norms(layer: Module, activation: Module, z: Tensor) -> Tensor:
    """‖J‖ of ``activation(layer(·))`` at each row of ``z`` (N, d_k): shape (N,)."""
    import torch

    u = layer(z).detach().requires_grad_()
    (slope,) = torch.autograd.grad(activation(u).sum(), u)
    return torch.linalg.matrix_norm(slope[:, :, None] * layer.weight.detach(), 2)


def _layers(model: Module) -> list[tuple[Module, Module]]:
    """(Linear, what follows it before the next Linear)."""
    import torch

    found: list[tuple[Module, list]] = []
    for part in model:
        if isinstance(part, torch.nn.Linear):
            found.append((part, []))
        elif any(True for _ in part.parameters()):
            raise TypeError(f"the model must hold Linear layers and activations only, got {type(part).__name__}")
        else:
            found[-1][1].append(part)
    return [(layer, torch.nn.Sequential(*rest)) for layer, rest in found]
