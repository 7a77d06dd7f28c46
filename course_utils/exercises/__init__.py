"""The exercises of the course: what each one asks and accepts.

One module per chapter (``chapter_01.py``), in which everything of an exercise stands together, and a tuple
``EXERCISES``. The same declaration serves the check in the notebook, the grader, and the tests of the checker.
A whole module::

    from course_utils.exercises import Card, Exercise, slips

    def _vector(rng):
        return {"x": rng.normal(size=rng.integers(1, 6))}

    def norm(x):
        return np.sqrt(np.sum(x**2))

    exercise_1 = Exercise(
        *Card("1.1", "the length of a vector", points=1, difficulty=1, minutes=5),
        cases=_vector, reference=norm,
        misconceptions=slips(lambda x: np.sum(x**2), "This is the squared length: take the root."),
    )

    EXERCISES = (exercise_1,)

The keys of a case are the parameters of the student's function: it is called by keyword.

An exercise that a class can have with many numbers is declared by a function of the number, whose default is the
chapter's own (see :class:`Variants`)::

    def exercise_2(k=1):
        return Exercise(*Card("1.2", ...), ..., variants=Variants(range(3, 43), exercise_2))

    EXERCISES = (exercise_1, exercise_2())

Beside exercises a chapter declares predictions (:class:`~course_utils.exercises.predictions.Prediction`, in
``PREDICTIONS``) and answers that a person marks (:class:`~course_utils.exercises.written.Written`, in ``WRITTEN``).
"""

from __future__ import annotations

import functools
import importlib
import pickle
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from course_utils.exercises import probes
from course_utils.exercises.predictions import Prediction
from course_utils.exercises.proofs import Lines
from course_utils.exercises.written import Written

Case = dict[str, Any]
Number = int | float

#: What an exercise asks for: one formula; a stage of something that the chapter then goes on with; an argument.
KINDS = ("warm-up", "build", "proof")


class Card(NamedTuple):
    """What a notebook's card says of an exercise: the first five fields of :class:`Exercise`."""

    id: str
    title: str
    points: int
    difficulty: int
    minutes: int


class Misconception(NamedTuple):
    """A wrong answer that people really give, and the sentence it receives.

    ``answer`` takes the same keyword arguments as the reference. It may agree with the reference on some
    cases, and its answer may have another shape. ``message`` stands alone below the word "Almost". ``share`` of the
    exercise's points are given for it.
    """

    answer: Callable[..., Any]
    message: str
    share: float = 0.0


class Corner(NamedTuple):
    """Inputs on which an answer may be wrong and keep a share of the points, right on all others.

    where     ``where(**case) -> bool``
    name      what the exercise's card calls them, such as "k = 0"
    message   the sentence for who is right on all others
    """

    where: Callable[..., bool]
    name: str
    share: float
    message: str


def slips(*written: Any) -> tuple[Misconception, ...]:
    """Misconceptions as a chapter writes them: a wrong answer, its message, the next wrong answer, and so on."""
    return tuple(Misconception(*pair) for pair in zip(written[::2], written[1::2], strict=True))


class Variants(NamedTuple):
    """The numbers with which an exercise exists beside the chapter's own, so that each student can have another.

    numbers    those that a student may get; all of them are tested
    declare    ``declare(number) -> Exercise``: the same exercise with this number
    example    the case whose right answer the chapter's text states

    What the text says with another number is marked in the chapter: see :mod:`course_staff.variants`.
    """

    numbers: Sequence[Number]
    declare: Callable[[Number], Exercise]
    example: Case | None = None


@dataclass(frozen=True)
class Exercise:
    """What an exercise asks and which answers it accepts.

    id, title         "1.2" (chapter, number), and the title of its card
    points            whole number, at least 1
    difficulty        1 to 5
    minutes           an honest estimate
    cases             ``cases(rng) -> dict``: one random case, the keyword arguments of the function. What it can draw
                      is the exercise's domain, whose ends and ties are tried at every check: see
                      :mod:`course_utils.exercises.corners`
    reference         the right answer; returns a number, bool or array (numpy or torch), or a tuple of
                      these. A list counts as an array
    misconceptions    at least one, see :func:`slips`; the first that matches is named. Lines of a proof have their own
    kind              one of :data:`KINDS`
    rtol, atol        a value passes when ``|yours - expected| <= atol + rtol * |expected|``
    n_cases           random cases of one check
    time_limit        seconds for all calls of one check
    show_cases        False hides the input and the expected value, where these would give the answer away
    size              orders the failing cases; the smallest is shown. Default: the number of array
                      elements plus the magnitudes of the numbers
    edge_cases        cases that are always tried first, beside the corners that follow from ``cases``
    allows            ``allows(**case) -> bool``: False for what the task excludes although ``cases`` could draw it at
                      a corner, such as a vector of zeros where it is divided by its length
    whole             True where the task asks for an int (or an array of them): 17.0 is told to be a float
    property          ``property(answer, case) -> None or a sentence``, where more than one answer is
                      right: replaces the comparison with the reference, shape included. Numbers arrive
                      as Python numbers, arrays as numpy arrays
    corner            partial credit for all but these inputs, see :class:`Corner`; none by default
    after             one sentence of insight, shown on success
    probe             a function of :mod:`course_utils.exercises.probes` for an exercise that asks for a class or a
                      torch module: ``probe(answer, **case)`` uses it and returns what a reference returns. Reference
                      and misconceptions are then such classes too. It is no secret: the grader runs it beside
                      the student's code
    variants          the other numbers with which the exercise exists
    proof             of ordered lines, see :func:`course_utils.exercises.proofs.proof`

    Raises ValueError for an id, points, misconceptions or a probe that cannot be right.
    """

    id: str
    title: str
    points: int
    difficulty: int
    minutes: int
    cases: Callable[[np.random.Generator], Case]
    reference: Callable[..., Any]
    misconceptions: tuple[Misconception, ...] = ()
    kind: str = "warm-up"
    rtol: float = 1e-9
    atol: float = 1e-12
    n_cases: int = 24
    time_limit: float = 5.0
    show_cases: bool = True
    size: Callable[[Case], float] | None = None
    edge_cases: tuple[Case, ...] = ()
    allows: Callable[..., bool] | None = None
    whole: bool = False
    property: Callable[[Any, Case], str | None] | None = None
    corner: Corner | None = None
    after: str = ""
    probe: Callable[..., Any] | None = None
    variants: Variants | None = None
    proof: Lines | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "misconceptions", tuple(Misconception(*pair) for pair in self.misconceptions))
        messages = [misconception.message for misconception in self.misconceptions]
        for name, holds, expected in (
            ("id", isinstance(self.id, str) and re.fullmatch(r"\d+\.\d+", self.id), 'chapter and number, as "1.2"'),
            ("points", isinstance(self.points, int) and self.points >= 1, "a whole number, at least 1"),
            ("kind", self.kind in KINDS, f"one of {', '.join(KINDS)}"),
            (
                "misconceptions",
                (self.proof or messages) and len(set(messages)) == len(messages),
                "one or more, each with its own message",
            ),
            (
                "corner",
                all(0 <= part.share < 1 for part in (*self.misconceptions, *filter(None, [self.corner]))),
                "shares from 0 to below 1",
            ),
            # Found again by its name in another process.
            ("probe", self.probe is None or _is_probe(self.probe), f"a function of {__name__}.probes"),
        ):
            if not holds:
                raise ValueError(f"exercise {self.id}: {name} is {getattr(self, name)!r}; expected {expected}")

    def variant(self, number: Number) -> Exercise:
        """The same exercise with another number. Raises ValueError for a number that it does not have."""
        if self.variants is None:
            raise ValueError(f"exercise {self.id} has no variants; got the number {number!r}")
        if number not in self.variants.numbers:
            known = ", ".join(map(str, self.variants.numbers))
            raise ValueError(f"exercise {self.id} has no variant with the number {number!r}; expected one of {known}")
        return self.variants.declare(number)

    def draw_cases(self, seed: int) -> list[Case]:
        """The edge cases, the corners of the domain, then ``n_cases`` random ones; the same for the same seed."""
        from course_utils.exercises.corners import corners  # with numpy.random, which takes longer than all of this

        rng = np.random.default_rng(seed)
        with np.errstate(all="ignore"):  # at a corner that the exercise does not allow
            drawn = [*corners(self.cases, seed), *(self.cases(rng) for _ in range(self.n_cases))]
        if self.allows is not None:
            drawn = [case for case in drawn if self.allows(**case)]
        return [*self.edge_cases, *{_key(case): case for case in drawn}.values()]


def proof(
    id: str,
    title: str,
    points: int,
    difficulty: int,
    minutes: int,
    *,
    lines: Mapping[str, tuple[str, str]],
    flaws: Mapping[str, tuple[str, str]],
    goal: str,
    missing: Mapping[str, str] | None = None,
    after: str = "",
) -> Exercise:
    """The exercise that asks for the order; the student's function takes nothing and returns it, such as "C A F B".

    Every order is right in which each line stands below those that it needs, the goal last, and nothing is used that is
    false or not needed. Raises ValueError for lines of which no proof can be made (see :class:`Lines`).
    """
    told = Lines(lines, flaws, goal, missing or {})
    right = " ".join(told.order())

    def check(answer: np.ndarray, case: dict) -> str | None:
        return told.fault([chr(code) for code in np.ravel(answer).astype(int)])

    return Exercise(
        *(id, title, points, difficulty, minutes),
        kind="proof",
        cases=lambda rng: {},
        n_cases=1,
        reference=lambda: right,
        probe=probes.labels,
        property=check,
        show_cases=False,
        proof=told,
        after=after,
    )


@functools.cache
def all_exercises() -> Mapping[str, Exercise]:
    """Every declared exercise by its id, in the order of the chapters. Imports the chapters' modules."""
    found: dict[str, Exercise] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("chapter_")):
        for exercise in importlib.import_module(f"{__name__}.{module}").EXERCISES:
            if exercise.id in found:
                raise ValueError(f"{module} declares exercise {exercise.id}, which is declared already")
            found[exercise.id] = exercise
    return MappingProxyType(found)


@functools.cache
def all_written() -> Mapping[str, Written]:
    """Every written answer by its id, in the order of the chapters. Imports the chapters' modules."""
    found: dict[str, Written] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("chapter_")):
        for question in getattr(importlib.import_module(f"{__name__}.{module}"), "WRITTEN", ()):
            if question.id in found or question.id in all_exercises():
                raise ValueError(f"{module} declares written answer {question.id}, which is declared already")
            found[question.id] = question
    return MappingProxyType(found)


def _key(case: Case) -> Any:
    """What two equal cases share. A case with something in it that cannot be pickled equals no other."""
    try:
        return pickle.dumps(case)
    except Exception:  # a lambda, an object of a notebook
        return id(case)


def _is_probe(function: object) -> bool:
    name = str(getattr(function, "__qualname__", "<"))  # of a lambda or a method it is none
    return getattr(function, "__module__", "") == f"{__name__}.probes" and name.isidentifier()


def find(id: str, number: Number | None = None) -> Exercise:
    """The exercise with this id, with the chapter's number or a variant's."""
    if not isinstance(id, str):
        raise ValueError(f'an exercise is named by a text: "{id}" in quotes, not {id!r}')
    if id not in all_exercises():
        known = ", ".join(all_exercises()) or "none is declared yet"
        raise ValueError(f"there is no exercise {id!r}; known exercises: {known}")
    exercise = all_exercises()[id]
    return exercise if number is None else exercise.variant(number)


__all__ = [
    "Card",
    "Case",
    "Corner",
    "Exercise",
    "KINDS",
    "Misconception",
    "Number",
    "Prediction",
    "Variants",
    "Written",
    "all_exercises",
    "all_written",
    "find",
    "proof",
    "slips",
]
