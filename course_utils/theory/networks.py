"""The two-layer network of the lecture and its linearization: ``f(x; W) = Σ_i a_i σ(w_iᵀx)``, without biases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Init(NamedTuple):
    """A random initialization: first layer ``W0`` of shape (m, d), second layer ``a`` of shape (m,)."""

    W0: Array
    a: Array


def gaussian_init(m: int, d: int, rng: np.random.Generator) -> Init:
    """The lecture's initialization: ``W0`` standard normal, ``a`` random signs (slide "Initialization").

    Raises:
        ValueError: if a size is not a positive whole number.
    """
    m, d = check_size("m", m), check_size("d", d)
    return Init(rng.standard_normal((m, d)), rng.choice([-1.0, 1.0], size=m))


def two_layer(x: Array, W: Array, a: Array, sigma: Callable[[Array], Array]) -> float:
    """``f(x; W) = Σ_i a_i σ(w_iᵀx)`` for x of shape (d,), W of shape (m, d) and a of shape (m,).

    Raises:
        ValueError: if shapes do not fit or an entry is not finite.
    """
    x, W, a = check_net(x, W, a)
    return float(a @ sigma(W @ x))


def linearization(
    x: Array, W: Array, W0: Array, a: Array, sigma: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> float:
    """``f0(x; W) = f(x; W0) + Σ_i a_i σ'(w0_iᵀx) (w_i − w0_i)ᵀx`` (slide "Taylor approximation").

    Shapes as in :func:`two_layer`; ``slope`` is σ', at a kink any subgradient.

    Raises:
        ValueError: if shapes do not fit or an entry is not finite.
    """
    x, W, a = check_net(x, W, a)
    _, W0, _ = check_net(x, W0, a, name="W0")
    u0 = W0 @ x
    return float(a @ (sigma(u0) + slope(u0) * ((W - W0) @ x)))


def isotropic_shares(m: int, d: int, B: float, rng: np.random.Generator, chunk: int) -> Iterator[tuple[int, float]]:
    """Split an isotropic random move of an (m, d) layer, of norm B, into chunks of rows.

    Yields ``(rows, squared norm)`` of each chunk, exactly in law and in one pass: the norms of separate blocks of a
    Gaussian vector are independent of the directions within the blocks, and the blocks' shares of the squared norm
    are Dirichlet. So each chunk takes a Beta share of what is left of B², and whoever draws it normalises to that.
    """
    left, budget = m, B**2
    while left:
        n = min(chunk, left)
        left -= n
        share = budget * rng.beta(n * d / 2, left * d / 2) if left else budget
        budget -= share
        yield n, share


def check_net(x: Array, W: Array, a: Array, name: str = "W") -> tuple[Array, Array, Array]:
    """The three arrays of a network as float64, or a ValueError that names the one that does not fit."""
    x, W, a = check_array("x", x, 1), check_array(name, W, 2), check_array("a", a, 1)
    if W.shape != (a.size, x.size):
        raise ValueError(f"{name} must have shape (len(a), len(x)) = ({a.size}, {x.size}), got {W.shape}")
    return x, W, a


def check_array(name: str, value: Array, ndim: int | None = None) -> Array:
    """``value`` as a non-empty finite float64 array with ``ndim`` axes, or an error that names it."""
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "biuf":  # numpy would also read digits in text, and halve a complex number
            raise TypeError(f"dtype {given.dtype}")
        array = given.astype(float, copy=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of real numbers, got {value!r}") from error
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]} among its entries")
    return array


def check_size(name: str, value: int) -> int:
    """``value`` as a positive whole number, or an error that names it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return int(value)


def check_number(name: str, value: float, *, above: float = -np.inf, at_least: float = -np.inf) -> float:
    """``value`` as a finite float in the asked range, or an error that names it."""
    if isinstance(value, (str, bytes, bool)) or np.ndim(value) != 0:
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r}") from error
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    if not number > above:
        raise ValueError(f"{name} must be greater than {above:g}, got {number:g}")
    if not number >= at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {number:g}")
    return number
