"""Who sees what a chapter shows: the notebook's reader, unless whoever runs its cells says otherwise.

A function that shows something is marked by :func:`shown`. The site and the grader run cells without a reader: they
name the functions whose calls they want to have (:func:`only`), and nothing else is computed or shown.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_takers: Mapping[Callable, Callable] | None = None  # None: a notebook's reader, who sees all of it


def shown(function: Callable[P, R]) -> Callable[P, R | None]:
    """Mark a function that shows something: its calls go to the audience of the moment, values to a reader only."""

    @functools.wraps(function)
    def show(*arguments: P.args, **named: P.kwargs) -> R | None:
        if _takers is None:
            return function(*arguments, **named)
        if show in _takers:
            _takers[show](*arguments, **named)
        return None

    return show


@contextmanager
def only(takers: Mapping[Callable[..., None], Callable[..., Any]]) -> Iterator[None]:
    """For a while, each function named here is answered by its taker, and no other shows anything."""
    global _takers
    before, _takers = _takers, takers
    try:
        yield
    finally:
        _takers = before
