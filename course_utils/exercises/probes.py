"""Probes: how a check uses an answer that is a class, such as a torch module, and reads numbers off it.

An exercise that asks for a class declares ``probe=`` one of these functions. It receives what the student wrote
and the case as keyword arguments, and returns what a reference may return: a number, an array, or a tuple of
these. Its exercise's reference and misconceptions are classes as well::

    Exercise(..., cases=lambda rng: {"arguments": (3, 2), "state": {"weight": W}, "x": x},
             reference=RightLayer, probe=probes.module_output, misconceptions=(Misconception(WrongLayer, "..."),))

The grader runs a probe beside the student's code, so it holds no right answer and nothing secret. Torch is
imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def module_output(answer: Callable[..., Any], arguments: tuple, state: Mapping[str, np.ndarray], x: np.ndarray):
    """What the torch module ``answer(*arguments)`` with the parameters ``state`` makes of ``x``, in float64.

    Args:
        answer: a subclass of ``torch.nn.Module``.
        arguments: of its constructor.
        state: the values of its parameters and buffers by name, all of them.
        x: the input, of the shape that the module takes.

    Raises:
        TypeError: if ``answer(*arguments)`` is no torch module, or its forward pass returns no tensor.
        RuntimeError: from torch, if its parameters have other names or shapes than ``state``.
    """
    module, x = _module(answer, arguments, state, x)
    return _output(module, x).detach().numpy()


def trainable_output(
    answer: Callable[..., Any], arguments: tuple, x: np.ndarray, **state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The output of :func:`module_output`, and which parameters a gradient reaches from it.

    Args:
        answer, arguments, x: as for :func:`module_output`.
        state: the values of its parameters and buffers, each as a keyword.

    Returns:
        The output, and an array of booleans, one for each parameter in order of name. False is what a forward
        pass through ``detach``, ``no_grad`` or numpy leaves: such a module cannot be trained.

    Raises:
        TypeError, RuntimeError: as :func:`module_output`.
    """
    module, x = _module(answer, arguments, state, x)
    output = _output(module, x)
    if output.requires_grad:
        output.sum().backward()
    reached = [parameter.grad is not None for _, parameter in sorted(module.named_parameters())]
    return output.detach().numpy(), np.array(reached, dtype=bool)


def module_gradients(
    answer: Callable[..., Any], arguments: tuple, state: Mapping[str, np.ndarray], x: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Gradients of half the squared length of the output: by the input, then by each parameter in order of name.

    Arguments and errors are those of :func:`module_output`. A module whose parameters are not registered, or
    whose forward pass leaves torch, shows here.
    """
    module, x = _module(answer, arguments, state, x)
    x.requires_grad_()
    (_output(module, x) ** 2).sum().div(2).backward()
    parameters = [parameter for _, parameter in sorted(module.named_parameters())]
    return tuple(tensor.grad.numpy() for tensor in (x, *parameters))


def _module(answer, arguments, state, x):
    import torch

    module = answer(*arguments)
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"expected a torch.nn.Module, got an object of type {type(module).__name__}")
    module = module.double()
    module.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    return module, torch.tensor(x, dtype=torch.float64)


def _output(module, x):
    import torch

    output = module(x)
    if output is None:
        raise TypeError("forward returns nothing: is the `return` missing?")
    if isinstance(output, np.ndarray):
        raise TypeError("forward returns a numpy array; a torch layer returns a tensor")
    if not isinstance(output, torch.Tensor):
        kind = type(output).__name__
        raise TypeError(f"forward returns an object of type {kind}; a torch layer returns a tensor")
    return output
