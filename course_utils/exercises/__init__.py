"""The exercises of the course: what each one asks and accepts.

One module per chapter (``chapter_01.py``) with a tuple ``EXERCISES``. The same declaration serves the
check in the notebook, the grader, and the tests of the checker. A whole declaration::

    from course_utils.exercises import Exercise, Misconception

    def cases(rng):
        return {"x": rng.normal(size=rng.integers(1, 6))}

    def norm(x):
        return np.sqrt(np.sum(x**2))

    EXERCISES = (
        Exercise(
            id="1.1", title="the length of a vector", points=1, difficulty=1, minutes=5,
            cases=cases, reference=norm,
            misconceptions=(
                Misconception(lambda x: np.sum(x**2), "This is the squared length: take the root."),
            ),
        ),
    )

The keys of a case are the parameters of the student's function: it is called by keyword.
"""

import functools
import importlib
import math
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Case = dict[str, Any]


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value!r}; expected {expected}")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that people really give, and the sentence it receives.

    ``answer`` takes the same keyword arguments as the reference. It may agree with the reference on some
    cases, and its answer may have another shape. ``message`` stands alone below the word "Almost".
    Raises ValueError for an answer that cannot be called or an empty message.
    """

    answer: Callable[..., Any]
    message: str

    def __post_init__(self) -> None:
        _require(callable(self.answer), "answer", self.answer, "a function")
        _require(_is_text(self.message), "message", self.message, "a sentence")


@dataclass(frozen=True)
class Exercise:
    """What an exercise asks and which answers it accepts. Raises ValueError for a field out of its range.

    id, title         "1.2" (chapter, number), and the title of its card
    points            whole number, at least 1
    difficulty        1 to 5
    minutes           an honest estimate
    cases             ``cases(rng) -> dict``: one random case, the keyword arguments of the function
    reference         the right answer; returns a number, bool or array (numpy or torch), or a tuple of
                      these. A list counts as an array
    misconceptions    at least one; the first that matches is named
    rtol, atol        a value passes when ``|yours - expected| <= atol + rtol * |expected|``
    n_cases           random cases of one check
    time_limit        seconds for all calls of one check
    show_cases        False hides the input and the expected value, where these would give the answer away
    size              orders the failing cases; the smallest is shown. Default: the number of array
                      elements plus the magnitudes of the numbers
    edge_cases        cases that are always tried first
    property          ``property(answer, case) -> None or a sentence``, where more than one answer is
                      right: replaces the comparison with the reference, shape included. Numbers arrive
                      as Python numbers, arrays as numpy arrays
    after             one sentence of insight, shown on success
    probe             a function of :mod:`course_utils.exercises.probes` for an exercise that asks for a class or a torch
                      module: ``probe(answer, **case)`` uses it and returns what a reference returns. Reference
                      and misconceptions are then such classes too. It is no secret: the grader runs it beside
                      the student's code
    """

    id: str
    title: str
    points: int
    difficulty: int
    minutes: int
    cases: Callable[[np.random.Generator], Case]
    reference: Callable[..., Any]
    misconceptions: tuple[Misconception, ...]
    rtol: float = 1e-9
    atol: float = 1e-12
    n_cases: int = 24
    time_limit: float = 5.0
    show_cases: bool = True
    size: Callable[[Case], float] | None = None
    edge_cases: tuple[Case, ...] = ()
    property: Callable[[Any, Case], str | None] | None = None
    after: str = ""
    probe: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        _require(
            isinstance(self.id, str) and re.fullmatch(r"\d+\.\d+", self.id) is not None,
            "id",
            self.id,
            'chapter and number, such as "1.2"',
        )
        where = f"exercise {self.id}: "
        _require(_is_text(self.title), where + "title", self.title, "a title")
        for name in ("points", "minutes", "n_cases"):
            value = getattr(self, name)
            _require(_is_int(value) and value >= 1, where + name, value, "a whole number, at least 1")
        _require(
            _is_int(self.difficulty) and 1 <= self.difficulty <= 5,
            where + "difficulty",
            self.difficulty,
            "a whole number from 1 to 5",
        )
        for name in ("cases", "reference"):
            _require(callable(getattr(self, name)), where + name, getattr(self, name), "a function")
        for name in ("size", "property"):
            value = getattr(self, name)
            _require(value is None or callable(value), where + name, value, "a function or None")
        _require(
            isinstance(self.misconceptions, tuple)
            and len(self.misconceptions) > 0
            and all(isinstance(m, Misconception) for m in self.misconceptions),
            where + "misconceptions",
            self.misconceptions,
            "a tuple of at least one Misconception",
        )
        messages = [m.message for m in self.misconceptions]
        _require(len(set(messages)) == len(messages), where + "misconceptions", messages, "distinct messages")
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            _require(_is_number(value) and value >= 0, where + name, value, "a number, at least 0")
        _require(
            _is_number(self.time_limit) and self.time_limit > 0,
            where + "time_limit",
            self.time_limit,
            "seconds, above 0",
        )
        _require(
            isinstance(self.edge_cases, tuple) and all(isinstance(c, dict) for c in self.edge_cases),
            where + "edge_cases",
            self.edge_cases,
            "a tuple of dicts",
        )
        _require(isinstance(self.show_cases, bool), where + "show_cases", self.show_cases, "True or False")
        _require(isinstance(self.after, str), where + "after", self.after, "a sentence")
        # Found again by its name in another process: a lambda or a method is not.
        probe = self.probe
        _require(
            probe is None
            or (
                getattr(probe, "__module__", "") == "course_utils.exercises.probes"
                and str(getattr(probe, "__qualname__", "<")).isidentifier()
            ),
            where + "probe",
            probe,
            "a function of course_utils.exercises.probes or None",
        )

    def draw_cases(self, seed: int) -> list[Case]:
        """The edge cases, then ``n_cases`` random ones; the same for the same seed."""
        rng = np.random.default_rng(seed)
        return [*self.edge_cases, *(self.cases(rng) for _ in range(self.n_cases))]


@functools.cache
def _declared() -> dict[str, Exercise]:
    found: dict[str, Exercise] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("chapter_")):
        for exercise in importlib.import_module(f"{__name__}.{module}").EXERCISES:
            if exercise.id in found:
                raise ValueError(f"{module} declares exercise {exercise.id}, which is declared already")
            found[exercise.id] = exercise
    return found


def all_exercises() -> dict[str, Exercise]:
    """Every declared exercise by its id, in the order of the chapters. Imports the chapters' modules."""
    return dict(_declared())


def find(id: str) -> Exercise:
    """The exercise with this id. Raises ValueError, listing the known ids, when there is none."""
    if not isinstance(id, str):
        raise ValueError(f'an exercise is named by a text: "{id}" in quotes, not {id!r}')
    try:
        return _declared()[id]
    except KeyError:
        known = ", ".join(_declared()) or "none is declared yet"
        raise ValueError(f"there is no exercise {id!r}; known exercises: {known}") from None
