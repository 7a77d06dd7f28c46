"""Answers as plain numbers: reading, comparing and showing what a function returned.

A *plain* answer is a numpy array of numbers or booleans (a number has shape ``()``) or a tuple of these.
Nothing else of what a student's function returns is kept, so nothing of it can misbehave later.
"""

from __future__ import annotations

import inspect
import numbers
import reprlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Plain = np.ndarray | tuple["Plain", ...]

#: Tolerance for an answer in single precision (float32, what torch makes of a bare number): 100 roundings.
SINGLE = 100 * float(np.finfo(np.float32).eps)


#: More numbers than these are not compared: no exercise asks for so many.
MOST = 1_000_000


class Unreadable(TypeError):
    """The answer is not made of numbers; the message says what it is instead."""


@dataclass(frozen=True)
class Misfit:
    """Why two answers cannot be compared: ``status`` is "type" or "shape"."""

    status: str
    sentence: str


def read(answer: object) -> Plain:
    """The answer as a plain one: a copy of numbers, arrays, torch tensors, or nested lists of these.

    Raises:
        Unreadable: for anything else. Whatever the answer's own methods raise also comes through.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(answer, torch.Tensor):
        answer = answer.detach().cpu().numpy()  # of a tensor in memory this is no copy yet
    if isinstance(answer, np.ndarray) and answer.size > MOST:
        raise Unreadable(f"an array of {answer.size:,} numbers, far more than are asked for")
    if isinstance(answer, list | tuple) and len(answer) > 0:
        kinds = set(map(type, answer))
        if kinds != {float} and kinds != {int}:
            return tuple(read(part) for part in answer)
    elif isinstance(answer, numbers.Rational) and not isinstance(answer, int | np.generic):
        answer = float(answer)
    elif not (isinstance(answer, list | tuple | np.generic | numbers.Number) or hasattr(type(answer), "__array__")):
        raise Unreadable(_foreign(answer))
    array = np.array(answer)
    if array.dtype == object and all(isinstance(part, numbers.Real) for part in array.flat):
        array = array.astype(float)
    if array.dtype == np.float16:
        raise Unreadable("in half precision, too coarse to be checked")
    if array.dtype.kind not in "biuf":
        names = {"c": "complex", "O": _foreign(answer)}
        raise Unreadable(names.get(array.dtype.kind, f"an array of {array.dtype}"))
    return array


def read_reference(answer: object) -> Plain:
    """The answer of a reference, where only a tuple stands for separate values."""
    if isinstance(answer, tuple):
        return tuple(_stack(read(part)) for part in answer)
    return _stack(read(answer))


def fit(yours: Plain, expected: Plain) -> Plain | Misfit:
    """``yours`` in the form of ``expected`` (a list as an array, say), or why it does not fit."""
    if isinstance(expected, tuple):
        if isinstance(yours, np.ndarray) and yours.ndim > 0:
            yours = tuple(np.asarray(part) for part in yours)
        if isinstance(yours, np.ndarray):
            return Misfit("type", f"Expected {describe(expected)}; yours is {describe(yours)}.")
        if len(yours) != len(expected):
            return Misfit("shape", f"Expected {describe(expected)}; yours are {len(yours)}.")
        parts = []
        for number, (mine, theirs) in enumerate(zip(yours, expected, strict=True), 1):
            part = fit(mine, theirs)
            if isinstance(part, Misfit):
                return Misfit(part.status, f"Value {number} of {len(expected)}: {part.sentence}")
            parts.append(part)
        return tuple(parts)
    try:
        yours = _stack(yours)
    except ValueError:
        return Misfit("type", f"Expected {describe(expected)}; yours has parts of different lengths.")
    if (yours.dtype.kind == "b") != (expected.dtype.kind == "b"):
        return Misfit("type", f"Expected {_content(expected)}; yours is {_content(yours)}.")
    if yours.shape != expected.shape:
        hint = ""
        if yours.size == expected.size > 1:
            transposed = yours.T.shape == expected.shape
            hint = " Is it transposed?" if transposed else " Only the shape differs: reshape it."
        elif expected.ndim == 0 and yours.shape == (1,):
            hint = " Take the number out of it; a comma at the end of a line makes such a thing too."
        elif expected.ndim == 0 and yours.size == 1:
            hint = " Take the number out of it."
        elif expected.ndim == 0 and yours.ndim == 1:
            hint = f" Of the {yours.size} values return the one that is asked for."
        return Misfit("shape", f"Expected {describe(expected)}; yours is {describe(yours)}.{hint}")
    return yours


def stacked(yours: Plain, expected: Plain) -> Plain:
    """``yours`` with a list of rows as one array, where an array is expected; unchanged where that cannot be."""
    if isinstance(expected, tuple):
        return yours
    try:
        return _stack(yours)
    except ValueError:  # rows of different lengths
        return yours


def _stack(plain: Plain) -> np.ndarray:
    return np.array(_nested(plain)) if isinstance(plain, tuple) else plain


def _nested(plain: Plain) -> Any:
    return [_nested(part) for part in plain] if isinstance(plain, tuple) else plain


def parts(plain: Plain) -> list[np.ndarray]:
    """The arrays of a plain answer, in order."""
    return [part for item in plain for part in parts(item)] if isinstance(plain, tuple) else [plain]


def mapped(function: Callable[[np.ndarray], np.ndarray], plain: Plain) -> Plain:
    """The plain answer with ``function`` of each of its arrays."""
    return tuple(mapped(function, part) for part in plain) if isinstance(plain, tuple) else function(plain)


def is_single(plain: Plain) -> bool:
    """Whether a part is in single precision."""
    return any(part.dtype == np.float32 for part in parts(plain))


def agree(yours: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """Where two arrays of one shape agree: exactly for whole numbers and booleans, NaN with NaN, otherwise

    ``|yours - expected| <= atol + rtol * |expected|``, with at least the relative tolerance ``SINGLE`` of the
    largest expected value when one of them is in single precision.
    """
    if yours.dtype.kind != "f" and expected.dtype.kind != "f":
        return yours == expected
    if is_single((yours, expected)):
        finite = np.abs(expected[np.isfinite(expected)])
        atol = max(atol, SINGLE * float(finite.max(initial=0.0)), float(np.finfo(np.float32).tiny))
    with np.errstate(all="ignore"):
        return np.isclose(yours.astype(float), expected.astype(float), rtol=rtol, atol=atol, equal_nan=True)


def equal(yours: Plain, expected: Plain, rtol: float = 0.0, atol: float = 0.0) -> bool:
    """Whether two plain answers have one form and agree in every place."""
    fitted = fit(yours, expected)
    if isinstance(fitted, Misfit):
        return False
    pairs = zip(parts(fitted), parts(expected), strict=True)
    return all(bool(agree(mine, theirs, rtol, atol).all()) for mine, theirs in pairs)


def describe(plain: Plain) -> str:
    """The form of an answer in words, such as "an array of shape (3, 4)"."""
    if isinstance(plain, tuple):
        return f"{len(plain)} separate values"
    return _content(plain) if plain.ndim == 0 else f"an array of shape {plain.shape}"


def _content(array: np.ndarray) -> str:
    one, many = ("True or False", "truth values") if array.dtype.kind == "b" else ("a number", "numbers")
    return one if array.ndim == 0 else f"an array of {many}"


def _foreign(answer: object) -> str:
    if inspect.isgenerator(answer):
        return "a generator: `return` the value instead of using `yield`"
    if inspect.iscoroutine(answer):
        answer.close()
        return "a coroutine: write `def` instead of `async def`"
    if inspect.isroutine(answer) or isinstance(answer, type):
        return "a function or class that was not called"
    if type(answer) is str:
        return f"the text {reprlib.repr(answer)}"
    return f"an object of type {type_name(answer)}"


def type_name(value: object) -> str:
    """The name of a value's type, past whatever its metaclass would say."""
    return clean(type.__dict__["__name__"].__get__(type(value)), 40)


def clean(text: str, limit: int) -> str:
    """Text that is safe to print: no control characters or half letters, at most ``limit`` characters."""
    text = "".join(c if c.isprintable() or c == "\n" else "�" for c in text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def show(value: object, digits: int = 4) -> str:
    """A number, array, tuple of these or any value of a case as text, numbers to ``digits`` digits."""
    if isinstance(value, str) or callable(value):
        return repr(value) if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    try:
        plain = read(value)
    except Exception:
        return reprlib.repr(value)
    return _show(plain, digits)


def _show(plain: Plain, digits: int) -> str:
    if isinstance(plain, tuple):
        return "(" + ", ".join(_show(part, digits) for part in plain) + ")"
    if plain.ndim == 0:
        return _number(plain[()], digits)
    shape = f"  shape {plain.shape}" if plain.size > 6 or plain.size == 0 else ""
    text = np.array2string(
        plain, separator=", ", threshold=20, edgeitems=2, formatter={"all": lambda number: _number(number, digits)}
    )
    return text + shape


def _number(number: object, digits: int) -> str:
    if isinstance(number, np.floating):
        return f"{float(number) + 0.0:.{digits}g}"  # + 0.0 turns -0 into 0
    return str(number)


def show_apart(yours: Plain, expected: Plain) -> tuple[str, str]:
    """Both as text, with as many digits as it takes to tell them apart."""
    for digits in (4, 7, 10, 17):
        pair = _show(yours, digits), _show(expected, digits)
        if pair[0] != pair[1]:
            break
    return pair
