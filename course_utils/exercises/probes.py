"""Probes: how a check uses an answer that is a class, such as a torch module, and reads numbers off it.

An exercise that asks for a class declares ``probe=`` one of these functions. It receives what the student wrote
and the case as keyword arguments, and returns what a reference may return: a number, an array, or a tuple of
these. Its exercise's reference and misconceptions are classes as well::

    Exercise(..., cases=lambda rng: {"arguments": (3, 2), "x": x, "weight": W}, reference=RightLayer,
             probe=probes.trainable_output, misconceptions=slips(WrongLayer, "..."))

The grader runs a probe beside the student's code, so it holds no right answer and nothing secret. Torch is
imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def trainable_output(
    answer: Callable[..., Any], arguments: tuple, x: np.ndarray, **state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the torch module ``answer(*arguments)`` makes of ``x``, and which parameters a gradient reaches from it.

    ``answer`` is a subclass of ``torch.nn.Module``; each keyword of ``state`` is the value of a parameter or buffer.
    Returns the output in float64, and a boolean for each parameter in order of name: False is what a forward pass
    through ``detach``, ``no_grad`` or numpy leaves, and such a module cannot be trained.

    Raises:
        TypeError: if ``answer(*arguments)`` is no torch module, or its forward pass returns no tensor.
        RuntimeError: from torch, if its parameters have other names or shapes than ``state``.
    """
    import torch

    module = answer(*arguments)
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"expected a torch.nn.Module, got an object of type {type(module).__name__}")
    module = module.double()
    module.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    output = module(torch.tensor(x, dtype=torch.float64))
    if output is None:
        raise TypeError("forward returns nothing: is the `return` missing?")
    if isinstance(output, np.ndarray):
        raise TypeError("forward returns a numpy array; a torch layer returns a tensor")
    if not isinstance(output, torch.Tensor):
        raise TypeError(f"forward returns an object of type {type(output).__name__}; a torch layer returns a tensor")
    if output.requires_grad:
        output.sum().backward()
    reached = [parameter.grad is not None for _, parameter in sorted(module.named_parameters())]
    return output.detach().numpy(), np.array(reached, dtype=bool)
