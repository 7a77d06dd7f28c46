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

import re
from collections.abc import Callable
from typing import Any

import numpy as np


def labels(answer: Callable[[], Any]) -> np.ndarray | None:
    """The labels that ``answer()`` puts in order, "C A F B", as an array of their codes; None for no letter at all.

    Blanks, commas and arrows between them do not count, nor does lower case; a list of labels is as good.

    Raises:
        TypeError: for something that is neither a text nor a list of texts.
    """
    said = answer()
    if isinstance(said, list | tuple) and all(isinstance(part, str) for part in said):
        said = " ".join(said)
    if said is None or isinstance(said, str) and not re.search("[A-Za-z]", said):
        return None
    if not isinstance(said, str):
        raise TypeError(
            f'expected the labels in a text, such as "C A F B"; got an object of type {type(said).__name__}'
        )
    return np.array([ord(letter) for letter in re.findall("[A-Z]", said.upper())])


def in_blocks(
    answer: Callable[..., Any], parts: tuple[np.ndarray, ...], m: int, megabytes: float, **case: Any
) -> tuple[Any, bool] | None:
    """What ``answer(rows, m, **case)`` makes of ``m`` rows that it asks for, and whether it held too much at once.

    ``rows(start, stop)`` returns those rows of each of the ``parts``, arrays that begin anew after their last row. The
    second value is True where the call's own peak of memory went beyond ``megabytes``. None where nothing is returned.
    """
    import tracemalloc

    def rows(start: int, stop: int) -> tuple[np.ndarray, ...]:
        if not 0 <= start <= stop <= m:
            raise IndexError(f"rows are numbered from 0 to m = {m}; asked for are those from {start} to {stop}")
        return tuple(part[np.arange(start, stop) % len(part)] for part in parts)

    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        found = answer(rows, m, **case)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not running:
            tracemalloc.stop()
    return None if found is None else (found, peak - before > megabytes * 1e6)


def estimates(
    answer: Callable[..., Any],
    E: float,
    g: np.ndarray,
    H: np.ndarray,
    sigma: float,
    K: int,
    seed: int,
    repetitions: int,
) -> tuple[np.ndarray, int] | None:
    """Estimates ``answer(loss, theta, sigma, K, rng)`` of a gradient, shape (repetitions, n), all from one ``rng``.

    ``loss``, (k, n) → (k,), is E + gᵀv + vᵀHv/2 around theta, v the way from there. The second value is the largest
    number of losses that a call asked for. None where the first call returns nothing.
    """
    rng, asked, rows, most = np.random.default_rng(seed), 0, [], 0
    theta = rng.standard_normal(g.size)

    def loss(thetas: np.ndarray) -> np.ndarray:
        nonlocal asked
        moved = np.asarray(thetas, dtype=float) - theta
        if moved.ndim != 2:
            raise ValueError(f"loss takes parameter vectors as rows, shape (k, {g.size}); got shape {moved.shape}")
        asked += len(moved)
        return E + moved @ g + ((moved @ H) * moved).sum(axis=1) / 2

    for _ in range(repetitions):
        asked = 0
        found = answer(loss, theta.copy(), sigma, K, rng)
        if found is None:
            return None
        rows.append(np.asarray(found, dtype=float))
        most = max(most, asked)
        if rows[0].shape != g.shape:
            return rows[0], most
    return np.array(rows), most


def trained(
    answer: Callable[..., Any], X: np.ndarray, y: np.ndarray, theta: np.ndarray, hidden: int, budget: int, seed: int
) -> tuple[Any, int] | None:
    """θ as ``answer(loss, theta, rng)`` trains it, (n,), on a ``losses.Metered``, and the evaluations that it left."""
    from course_utils.theory.losses import Metered, SoftmaxNet

    loss = Metered(SoftmaxNet(X, y, hidden), budget)
    found = answer(loss, theta.copy(), np.random.default_rng(seed))
    return None if found is None else (found, loss.left)


def trainable_output(
    answer: Callable[..., Any], arguments: tuple, x: np.ndarray, **state: np.ndarray
) -> tuple[np.ndarray, ...]:
    """What the torch module ``answer(*arguments)`` makes of ``x`` and passes back, before and after a step.

    ``answer`` is a subclass of ``torch.nn.Module``; each keyword of ``state`` is the value of a parameter or buffer.
    Returns four arrays in float64: the output; the gradient by all parameters (in order of name, flattened; zero where
    none arrives) of ``sum(C * (Y.T @ Y))``, with ``Y`` the output for the rows of the identity and
    ``C[i, j] = 1 / (1 + |i - j|)``; and both once more after each parameter has moved. The number that is
    differentiated is the same for every root of a covariance. Values from before the move show a matrix that was kept;
    zeros are what ``detach``, ``no_grad`` or numpy leave.

    Raises:
        TypeError: if ``answer(*arguments)`` is no torch module, or its forward pass returns no tensor.
        RuntimeError: from torch, if its parameters have other names or shapes than ``state``.
    """
    import torch

    module = answer(*arguments)
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"expected a torch.nn.Module, got an object of type {type(module).__name__}")
    module = module.double()
    # A buffer of the student's own, such as an identity, stays as it was made.
    kept = module.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()}, strict=False)
    if kept.unexpected_keys:
        raise RuntimeError(f"the module has no parameter named {', '.join(kept.unexpected_keys)}: keep the given names")
    # As torch knows them, whatever the module itself says of its parameters.
    parameters = [parameter for _, parameter in sorted(torch.nn.Module.named_parameters(module))]

    def pass_both_ways() -> tuple[np.ndarray, np.ndarray]:
        output = module(torch.tensor(x, dtype=torch.float64))
        if output is None:
            raise TypeError("forward returns nothing: is the `return` missing?")
        if isinstance(output, np.ndarray):
            raise TypeError("forward returns a numpy array; a torch layer returns a tensor")
        if not isinstance(output, torch.Tensor):
            raise TypeError(
                f"forward returns an object of type {type(output).__name__}; a torch layer returns a tensor"
            )
        Y = module(torch.eye(x.shape[1], dtype=torch.float64))
        place = torch.arange(Y.shape[1])
        weights = 1 / (1.0 + (place[:, None] - place).abs())
        loss = (weights * (Y.T @ Y)).sum()
        found = [None] * len(parameters)
        if loss.requires_grad:
            found = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
        arrived = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
        gradient = torch.cat([g.ravel() for g in arrived]) if arrived else torch.zeros(0)
        return output.detach().numpy().copy(), gradient.detach().numpy().copy()

    first = pass_both_ways()
    for parameter in parameters:
        parameter.data = 0.5 * parameter.data.roll(1) + 0.3
    return *first, *pass_both_ways()


def hessian_along(
    answer: Callable[..., Any], widths: tuple[int, ...], x: np.ndarray, t: np.ndarray, w: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """``answer(loss, w, v)`` for the cross-entropy of a tanh network as a function of all its weights ``w`` (p,).

    Labels ``t`` (N,) belong to the rows of ``x``. Returns the answer as float64 and what ``w`` holds afterwards.

    Raises:
        TypeError: for an answer that is neither a tensor nor an array nor a number.
    """
    import torch

    given = torch.tensor(w, dtype=torch.float64)
    found = answer(_network_loss(widths, x, t), given, torch.tensor(v, dtype=torch.float64))
    return _numbers(found), given.detach().numpy().copy()


def descent(
    answer: Callable[..., Any],
    widths: tuple[int, ...],
    x: np.ndarray,
    t: np.ndarray,
    w: np.ndarray,
    step: float,
    steps: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``answer(loss, w, step, steps)``, a pair of losses and weights, for the loss of :func:`hessian_along`.

    Returns both as float64, and what the start ``w`` holds afterwards.

    Raises:
        TypeError: for an answer that is no pair of tensors, arrays or lists.
    """
    import torch

    given = torch.tensor(w, dtype=torch.float64)
    found = answer(_network_loss(widths, x, t), given, step, steps)
    if found is None:
        raise NotImplementedError
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise TypeError(f"expected two things, the losses and the last weights; got a {type(found).__name__}")
    return _numbers(found[0]), _numbers(found[1]), given.detach().numpy().copy()


def _network_loss(widths: tuple[int, ...], x: np.ndarray, t: np.ndarray) -> Callable[[Any], Any]:
    """Each layer's weights stand row by row in a vector, with its bias as their last column."""
    import torch

    inputs, labels = torch.as_tensor(x), torch.as_tensor(t)

    def loss(w: Any) -> Any:
        z = u = inputs
        for n, m in zip(widths, widths[1:]):
            layer, w = w[: m * (n + 1)].reshape(m, n + 1), w[m * (n + 1) :]
            u = z @ layer[:, :-1].T + layer[:, -1]
            z = torch.tanh(u)
        return torch.nn.functional.cross_entropy(u, labels)

    return loss


def _numbers(found: Any) -> np.ndarray:
    """A tensor, an array, a number or a list of such as an array of float64."""
    import torch

    if found is None:
        raise NotImplementedError
    if isinstance(found, torch.Tensor):
        return found.detach().to(torch.float64).numpy().copy()
    if isinstance(found, list | tuple):
        found = [part.item() if isinstance(part, torch.Tensor) else part for part in found]
    try:
        return np.array(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"expected a tensor or an array of numbers; got a {type(found).__name__}") from None
