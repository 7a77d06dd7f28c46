"""What is accepted: sizes, numbers, arrays, generators and the shapes of a network.

Whoever takes one of these in :mod:`course_utils.theory`, :mod:`course_utils.experiments` or :mod:`course_utils.data`
passes it through here. What is of the wrong type is refused with a TypeError, what is out of range, not finite, empty
or of a shape that does not fit with a ValueError; the message names the argument, what was expected and what it got.
What a function refuses beyond that, it refuses in the same way; its docstring tells it only where it may surprise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

Array = np.ndarray


def check_net(x: Array, W: Array, a: Array, name: str = "W") -> tuple[Array, Array, Array]:
    """The three arrays of a network as float64, or a ValueError that names the one that does not fit."""
    x, W, a = check_array("x", x, 1), check_array(name, W, 2), check_array("a", a, 1)
    if W.shape != (a.size, x.size):
        raise ValueError(f"{name} must have shape (len(a), len(x)) = ({a.size}, {x.size}), got {W.shape}")
    return x, W, a


def check_array(name: str, value: Array, ndim: int | None = None, length: int | None = None) -> Array:
    """``value`` as a non-empty finite float64 array with ``ndim`` axes, a vector of this length, or an error."""
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
    if length is not None and len(array) != length:
        raise ValueError(f"{name} must have shape ({length},), got {array.shape}")
    return array


def check_size(name: str, value: int, at_least: int = 1) -> int:
    """``value`` as a whole number, by default a positive one, or an error that names it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
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


def check_rows(X: Array, Y: Array | None = None, name: str = "Y") -> tuple[Array, Array]:
    """Inputs as rows of the same length, X (n, d) and Y (p, d), by default X itself."""
    X = check_array("X", X, 2)
    if Y is None:
        return X, X
    Y = check_array(name, Y, 2)
    if Y.shape[1] != X.shape[1]:
        raise ValueError(f"X and {name} must have the same number of columns, got {X.shape[1]} and {Y.shape[1]}")
    return X, Y


def check_probability(name: str, value: float) -> float:
    """``value`` as a float strictly between 0 and 1, or an error that names it."""
    number = check_number(name, value)
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")
    return number


def check_in_unit_ball(norm_x: float) -> None:
    """Refuse a norm of x above 1, which x/‖x‖ has only up to rounding."""
    if check_number("norm_x", norm_x, at_least=0) > 1 + 1e-9:
        raise ValueError(f"norm_x must be at most 1 for this bound, got {norm_x}")


def check_rng(rng: np.random.Generator) -> np.random.Generator:
    """``rng`` if it is a Generator, or a TypeError."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def check_choice(name: str, value: str, choices: Iterable[str]) -> str:
    """``value`` if it is one of ``choices``, or a ValueError that names them."""
    if value not in (choices := tuple(choices)):
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value


def check_ratio(sigma2: float, alpha: float) -> float:
    """σ²/α for σ² ≥ 0 and α > 0, all that Chapter 6's variances depend on."""
    ratio = check_number("sigma2", sigma2, at_least=0) / check_number("alpha", alpha, above=0)
    if not math.isfinite(ratio):
        raise ValueError(f"sigma2 / alpha must be finite, got {sigma2} / {alpha}")
    return ratio
