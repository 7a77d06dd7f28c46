"""Checking an answer: ``check("1.2", fn)`` says how far a function is, and what to look at next.

The answer is one rung of a ladder: not attempted, error, timeout, type, shape, misconception, values,
correct.

A check has two halves. :func:`collect` calls the student's function and keeps plain answers; :func:`conclude`
finds the verdict in them and never sees the function. In a notebook both run in one process; the grader
collects in one that knows no right answer, and concludes in its own.
"""

from __future__ import annotations

import copy
import functools
import html
import inspect
import linecache
import math
import os
import re
import sys
import traceback
import types
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from course_utils.audience import shown
from course_utils.desk import answers, progress
from course_utils.desk.answers import Misfit, Plain, Unreadable
from course_utils.desk.guarded import Guard, TimeUp, left_as_found, warm_up
from course_utils.desk.output import display, say
from course_utils.exercises import Case, Exercise, Number, find, variants

#: The rungs, from the first thing to mend to the last.
LADDER = ("not attempted", "error", "timeout", "type", "shape", "misconception", "values", "correct")

Rows = tuple[tuple[str, str], ...]

_MISSING, _WORKING, _ALMOST, _CORRECT = (
    ("○", "not attempted yet", "#767676"),
    ("✎", "keep working", "#D55E00"),
    ("◐", "almost", "#E69F00"),
    ("✓", "correct", "#009E73"),
)


_NAN = "Your answer holds NaN (not a number): look for 0/0, ∞ − ∞ or the root or logarithm of a negative number."

TWO_ANSWERS = (
    "Called twice with the same input, your function gives two answers: is something random, or kept from one "
    "call to the next?"
)

#: Relative errors up to here are called close, and up to there they look like single precision, whose roundings are
#: 6e-8 each.
CLOSE, SINGLE = 0.01, 1e-6

#: What is said where nothing particular is recognised: of several values, of an array, of a number.
GENERIC = (
    "As many values as asked, but not yet the right ones.",
    "The right shape, but not yet the right values.",
    "A value of the right kind, but not yet the right one.",
)


class CheckFailed(AssertionError):
    """Raised for an answer that is not correct, only where nbgrader runs the check to give marks."""


def _head(shown: Any) -> tuple[str, str, str, str]:
    """Icon, word, colour, and the points in words."""
    if shown.status == "correct":
        tone = _CORRECT
    elif shown.status == "not attempted":
        tone = _MISSING
    else:
        nearly = shown.status == "misconception" or (shown.status == "values" and 2 * shown.passed >= shown.tried)
        tone = _ALMOST if nearly else _WORKING
    return *tone, f"{shown.points:g} of {shown.max_points} point" + "s" * (shown.max_points != 1)


def as_text(shown: Any) -> str:
    """A result as a script prints it: a :class:`Result`, or what the grader has kept of one under the same names."""
    icon, word, _, points = _head(shown)
    lines = [f"{icon} Exercise {shown.id}: {word} · {points}", shown.sentence]
    width = max((len(label) for label, _ in shown.rows), default=0)
    for label, text in shown.rows:
        first, *more = text.split("\n")
        lines.append(f"    {label:<{width}}  {first}")
        lines += [f"    {'':<{width}}  {line}" for line in more]
    return "\n".join([*lines, *shown.remarks])


def as_card(shown: Any) -> str:
    """The same as a notebook shows it: HTML in which every text is escaped."""
    icon, word, colour, points = _head(shown)
    rows = "".join(
        '<tr><th scope="row" style="text-align:left;vertical-align:top;font-weight:normal;'
        f'padding-right:1em">{_html(label)}</th>'
        f'<td style="text-align:left"><pre style="margin:0;background:transparent">{html.escape(text)}</pre></td></tr>'
        for label, text in shown.rows
    )
    return (
        f'<div style="border:1px solid var(--jp-border-color2,#ccc);border-left:5px solid {colour};'
        "padding:.5em 1em;background:var(--jp-layout-color1,#fff);"
        'color:var(--jp-ui-font-color1,#1a1a1a)"><div>'
        f'<span aria-hidden="true">{icon}</span> <strong>Exercise {shown.id}: {word}</strong>'
        f" · {points}</div><div>{_html(shown.sentence)}</div>"
        + (f'<table style="margin:.3em 0">{rows}</table>' if rows else "")
        + "".join(f"<div>{_html(remark)}</div>" for remark in shown.remarks)
        + "</div>"
    )


def _html(sentence: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentence))


@dataclass(frozen=True)
class Result:
    """What a check found; ``str(result)`` is the text and ``_repr_html_`` the card that a notebook shows.

    status      a rung of :data:`LADDER`
    sentence    what to look at next
    rows        (label, text) pairs: the smallest failing input, yours, expected
    remarks     sentences that cost nothing, such as that the function changes its argument
    passed      number of the ``tried`` inputs that came out right
    misconception   index of the one that was recognised
    share       of the points, for what is not correct: see :class:`course_utils.exercises.Misconception`
    """

    exercise: Exercise
    status: str
    sentence: str
    rows: Rows = ()
    remarks: tuple[str, ...] = ()
    passed: int = 0
    tried: int = 0
    misconception: int | None = None
    share: float = 0.0

    @property
    def correct(self) -> bool:
        return self.status == "correct"

    @property
    def points(self) -> float:
        """All points of the exercise for a correct answer, otherwise the share that it declares: mostly none."""
        return self.exercise.points if self.correct else self.share * self.exercise.points

    @property
    def id(self) -> str:
        return self.exercise.id

    @property
    def max_points(self) -> int:
        return self.exercise.points

    __str__, _repr_html_ = as_text, as_card


class _Shown(str):
    """A result that is on the screen already: a notebook does not show it again, and ``print`` does."""

    __slots__ = ()

    def _ipython_display_(self) -> None:
        pass

    def __repr__(self) -> str:
        return ""


@shown
def check(id: str, fn: object, number: Number | None = None) -> str | float:
    """Check a student's function, show the result and remember it. Never raises for a student's mistake.

    Args:
        id: of the exercise, such as ``"1.2"``.
        fn: the function, called with keyword arguments on the exercise's inputs, the same at every check.
        number: with which a class's notebook asks the exercise, in place of the chapter's own.

    Returns:
        The text of the result, which a notebook does not show twice; the points where nbgrader gives marks and the
        exercise has a share for this answer.

    Raises:
        ValueError: for an id that no exercise has, or a number that it does not have.
        CheckFailed: when nbgrader runs the check (``NBGRADER_EXECUTION`` is "autograde" or "validate") and
            the answer has no points.
    """
    id = id.strip() if isinstance(id, str) else id
    result = grade(find(id, variants.said.get(id) if number is None else number), fn)
    _solved[id] = fn if result.correct else None
    if _unread.holds(fn):
        result = replace(result, remarks=(_unread.sentence, *result.remarks))
    display({"text/plain": str(result), "text/html": result._repr_html_()})
    if os.environ.get("NBGRADER_EXECUTION") in ("autograde", "validate"):
        if not result.points:
            raise CheckFailed(f"exercise {id}: {result.status}. {result.sentence}")
        return _Shown(result) if result.correct else result.points
    message = progress.record(id, result.status, result.points)
    if message:
        say(message)
    return _Shown(result)


#: Exercise id → the function that was right when it was last checked here.
_solved: dict[str, object] = {}


def mine(id: str, fn: object, *others: object) -> Any:
    """The reader's own function, where its check is right in this session: what the next picture draws.

    With several functions, of the stages of a build, all of them, once the one that ``id`` asks for is right. None
    before that, with a line that says so.
    """
    find(id)
    solved = _solved.get(id)
    if solved is not None and any(solved is one for one in (fn, *others)):  # an array is never equal or not
        return (fn, *others) if others else fn
    say(f"Yours joins here, once exercise {id} is solved and its check has run.")
    return None


class _Unread:
    """The cell that Python could not read, if it was the last one run: what it defines is still what it was before."""

    def __init__(self) -> None:
        self.source = self.error = ""

    def after_cell(self, result: Any) -> None:
        """What IPython calls after each cell."""
        error = result.error_before_exec
        unread = isinstance(error, SyntaxError)
        self.source, self.error = (result.info.raw_cell, str(error)) if unread else ("", "")

    def holds(self, fn: object) -> bool:
        name = getattr(fn, "__name__", "")
        return bool(self.source) and re.search(rf"^\s*(def|class)\s+{re.escape(name)}\b", self.source, re.M) is not None

    @property
    def sentence(self) -> str:
        return (
            f"The cell before this one did not run (SyntaxError: {answers.clean(self.error, 100)}), so that this is "
            "about your function as it was before."
        )


_unread = _Unread()
if (_ipython := sys.modules.get("IPython")) is not None and (_shell := _ipython.get_ipython()) is not None:
    _shell.events.register("post_run_cell", _unread.after_cell)


#: How a call can end: see :class:`Attempt`.
OUTCOMES = ("answer", "nothing", "unwritten", "timeout", "error", "foreign", "argument")


@dataclass(frozen=True)
class Attempt:
    """What became of one call, without a verdict. All of it is plain, so that another process may send it.

    outcome   "answer"; "nothing" was returned; "unwritten": it raises NotImplementedError; "timeout"; "error";
              "foreign": what was returned is not made of numbers; or "argument": it is an argument, changed
    yours     the answer
    what      of an error its type and message; of something foreign, what it is; of an argument, its name
    where     of an error, the innermost line that the student wrote
    printed   what the call printed, shortened
    changed   names of the arguments that it changed
    """

    outcome: str
    yours: Plain | None = None
    what: str = ""
    where: str = ""
    printed: str = ""
    changed: tuple[str, ...] = ()


@dataclass(eq=False)
class _Trial:
    """One input: the attempt at it, and the rung of this input alone."""

    case: Case
    expected: Any  # plain, as yours, which has its form once it is judged
    attempt: Attempt
    status: str = "correct"
    sentence: str = ""
    yours: Any = None


def grade(exercise: Exercise, fn: object, seed: int | None = None) -> Result:
    """The result for a student's function, or whatever was given in its place, without showing or remembering it.

    The seed of the random inputs belongs by default to the exercise, so that a check repeats exactly.
    """
    if not callable(fn):
        return not_callable(exercise)
    cases = exercise.draw_cases(public_seed(exercise) if seed is None else seed)
    expected = expect(exercise, cases)
    warm_up(fn)
    with left_as_found(), Guard(exercise.time_limit) as guard:
        theirs = None if exercise.probe else other_parameters(fn, cases[0], guard)
        if theirs is not None:
            return wrong_parameters(exercise, cases[0], theirs)
        attempts = collect(fn, cases, guard, exercise.probe)

        def again(number: int) -> Plain | None:
            return guard.call(lambda: answers.read(_answer(fn, copy.deepcopy(cases[number]), exercise.probe))).value

        return conclude(exercise, cases, expected, attempts, again)


def public_seed(exercise: Exercise) -> int:
    """The seed of the inputs on which the notebook's check tries an answer: the same every time."""
    return zlib.crc32(exercise.id.encode())


def not_callable(exercise: Exercise) -> Result:
    """The result for something that is no function."""
    usage = f'`check("{exercise.id}", f)`, not `check("{exercise.id}", f(...))`'
    return Result(exercise, "type", f"Pass the function itself, without calling it: {usage}.")


def wrong_parameters(exercise: Exercise, case: Case, theirs: str) -> Result:
    """The result for a function whose parameters, ``theirs``, are not the names of the case."""
    sentence = (
        f"The check calls your function with the parameters `{', '.join(case)}`; yours takes "
        f"`{answers.clean(theirs, 100)}`. Keep the first line of the function as it was given."
    )
    return Result(exercise, "error", sentence)


def expect(exercise: Exercise, cases: Sequence[Case]) -> list[Plain]:
    """The right answer to each case."""
    return [_ask(exercise, exercise.reference, case) for case in cases]


def _ask(exercise: Exercise, function: Callable[..., Any], case: Case) -> Plain:
    with np.errstate(all="ignore"):
        return answers.read_reference(_answer(function, copy.deepcopy(case), exercise.probe))


def _answer(function: Callable[..., Any], case: Case, probe: Callable[..., Any] | None) -> Any:
    if probe is not None:
        return probe(function, **case)
    if _parameters(function, case) == "other names":
        return function(*case.values())
    return function(**case)


def _parameters(fn: Callable[..., Any], case: Case) -> str:
    """ "" where a function can be called with the names of the case; "other names" where it takes as many arguments,
    and none of the case's names in another's place; else its own parameters as text."""
    try:
        signature = inspect.signature(fn)
    except Exception:  # some compiled functions do not say
        return ""
    try:
        signature.bind(**case)
        return ""
    except TypeError:
        pass
    theirs = list(signature.parameters)
    try:
        signature.bind(*case.values())
        if all(name == mine for name, mine in zip(theirs, case, strict=False) if name in case):
            return "other names"
    except TypeError:
        pass
    return answers.clean(", ".join(theirs) or "nothing", 100)


def other_parameters(fn: Callable[..., Any], case: Case, guard: Guard) -> str | None:
    """The parameters of a function that cannot be called on the case, by name or by position; None when it can."""
    theirs = guard.call(lambda: _parameters(fn, case)).value
    return None if theirs in ("", "other names") else theirs


def collect(
    fn: Callable[..., Any], cases: Sequence[Case], guard: Guard, probe: Callable[..., Any] | None = None
) -> list[Attempt]:
    """What a student's function, or with a ``probe`` its class or module, answers to the cases, in order.

    The list ends early with the call that used up the guard's time.
    """
    attempts = []
    for case in cases:
        attempts.append(_try(fn, case, guard, probe))
        if attempts[-1].outcome == "timeout":
            break
    return attempts


def _try(fn: Callable[..., Any], case: Case, guard: Guard, probe: Callable[..., Any] | None) -> Attempt:
    given = copy.deepcopy(case)
    call = guard.call(lambda: _answer(fn, given, probe))
    yours, what, where = None, "", ""
    if isinstance(call.error, NotImplementedError):
        outcome = "unwritten"
    elif isinstance(call.error, TimeUp):
        outcome = "timeout"
    elif (error := call.error) is not None:
        outcome = "error"
        message = guard.call(lambda: answers.clean(str(error), 200)).value
        what = f"{answers.type_name(error)}: {message}" if message else answers.type_name(error)
        where = guard.call(lambda: _line_of(error, fn)).value or ""
    elif call.value is None or call.value is Ellipsis or call.value is NotImplemented:
        outcome = "nothing"
    else:
        reading = guard.call(lambda: answers.read(call.value))
        outcome, yours = "answer", reading.value
        if isinstance(reading.error, TimeUp):
            outcome = "timeout"
        elif reading.error is not None:
            outcome = "foreign"
            known = isinstance(reading.error, Unreadable)
            what = str(reading.error) if known else f"an object of type {answers.type_name(call.value)}"
    changed = guard.call(lambda: _changed(given, case)).value or ()
    if outcome == "answer" and (same := guard.call(lambda: _returned(call.value, given, changed)).value):
        outcome, yours, what = "argument", None, same
    return Attempt(outcome, yours, what, where, call.printed, changed)


def _returned(answer: object, given: Case, changed: tuple[str, ...]) -> str:
    """The name of a changed argument that the answer is, or shares its numbers with; "" if there is none."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    for name in changed:
        if any(part is given[name] or _shares(part, given[name]) for part in parts):
            return name
    return ""


def _shares(one: object, other: object) -> bool:
    first, second = (value.detach().numpy() if hasattr(value, "detach") else value for value in (one, other))
    return isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and np.may_share_memory(first, second)


def _judged(exercise: Exercise, case: Case, expected: Plain, attempt: Attempt) -> _Trial:
    trial = _Trial(case, expected, attempt, yours=attempt.yours)
    if attempt.outcome in ("nothing", "unwritten"):
        trial.status = "not attempted"
    elif attempt.outcome == "foreign":
        trial.status = "type"
        trial.sentence = f"Expected {_kind(expected)}; yours is {attempt.what}".rstrip("?.") + "."
    elif attempt.outcome == "argument":
        trial.status, name = "type", attempt.what
        trial.sentence = (
            f"Your function changes `{name}` itself and returns it, so that whoever called it has lost what they gave. "
            f"Work on a copy, as `{name}.copy()` or as a sum that is a new array."
        )
    elif attempt.outcome != "answer":
        trial.status = attempt.outcome
    else:
        trial.status, trial.sentence = _judge(exercise, trial)
    return trial


def _kind(expected: Plain) -> str:
    if isinstance(expected, tuple):
        return f"{len(expected)} separate values"
    return "an array" if expected.ndim else "a number" if expected.dtype.kind != "b" else "True or False"


def _judge(exercise: Exercise, trial: _Trial) -> tuple[str, str]:
    fitted = answers.fit(trial.yours, trial.expected)
    if exercise.property is not None:
        trial.yours = answers.stacked(trial.yours, trial.expected)
        floats = [part for part in answers.parts(trial.yours) if part.dtype.kind == "f"]
        if exercise.probe is None and any(np.isnan(part).any() for part in floats):
            return "values", _NAN
        try:
            sentence = exercise.property(_as_python(trial.yours), copy.deepcopy(trial.case))
        except Exception:  # an answer of a form that the property did not foresee
            if isinstance(fitted, Misfit):
                return fitted.status, fitted.sentence
            sentence = "Your answer has not the form that is asked for."
        return ("correct", "") if sentence is None else ("values", sentence or "Not yet.")
    if isinstance(fitted, Misfit):
        return fitted.status, fitted.sentence
    trial.yours = fitted
    if exercise.whole and any(part.dtype.kind == "f" for part in answers.parts(fitted)):
        return "type", "The answer is a whole number, of the type `int`; yours is a float."
    return ("correct" if answers.equal(fitted, trial.expected, exercise.rtol, exercise.atol) else "values"), ""


def _as_python(plain: Plain) -> Any:
    if isinstance(plain, tuple):
        return tuple(_as_python(part) for part in plain)
    return plain.copy() if plain.ndim else plain.item()


def _changed(given: Case, case: Case) -> tuple[str, ...]:
    return tuple(name for name in case if _differs(given.get(name), case[name]))


def _differs(given: object, original: object) -> bool:
    try:
        before = answers.read(original)
    except Exception:  # not numbers: a text, a function, a generator
        return False
    try:
        return not answers.equal(answers.read(given), before)
    except Exception:
        return True


def _line_of(error: BaseException, fn: Callable[..., Any]) -> str:
    """The innermost line that the student wrote: in the function's own file, or in another cell."""
    fn = inspect.unwrap(fn)
    code = getattr(fn, "__code__", None) or getattr(type(fn).__call__, "__code__", None)
    own = code.co_filename if isinstance(code, types.CodeType) else ""
    where = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if (name == own or "ipykernel_" in name) and name != __file__:
            where = f"line {number}: {linecache.getline(name, number).strip()}"
    return answers.clean(where, 120)


def conclude(
    exercise: Exercise,
    cases: Sequence[Case],
    expected: Sequence[Plain],
    attempts: Sequence[Attempt],
    again: Callable[[int], Plain | None] | None = None,
) -> Result:
    """The verdict on what :func:`collect` brought: one attempt at least, fewer than there are cases after a timeout.

    ``expected`` are the right answers, from :func:`expect`; ``again(number)`` calls the function anew on that case, and
    of a second answer the student is told.
    """
    trials = [_judged(exercise, *three) for three in zip(cases, expected, attempts, strict=False)]
    if all(trial.status == "not attempted" for trial in trials):
        return Result(exercise, "not attempted", _not_attempted(trials))
    for trial in trials:
        _require_a_value(trial)
    _read_as_single(exercise, trials)
    passed = sum(trial.status == "correct" for trial in trials)
    verdict = functools.partial(Result, exercise, passed=passed, tried=len(cases))
    if passed == len(cases):
        all_right = "every line is founded" if exercise.proof else f"right on all {passed} inputs"
        sentence = f"Well done: {all_right}. {exercise.after}".strip()
        return verdict("correct", sentence, remarks=_remarks(trials, trials[0]))
    shown = _smallest_failing(exercise, trials)
    remarks = _remarks(trials, shown)
    index = _misconception(exercise, trials)
    if index is not None:
        known = exercise.misconceptions[index]
        return verdict("misconception", known.message, remarks=remarks, misconception=index, share=known.share)
    corner = exercise.corner
    if corner is not None and all(trial.status == "correct" or corner.where(**trial.case) for trial in trials):
        _, rows = _told(exercise, trials, shown, "")
        return verdict("misconception", corner.message, rows, remarks, share=corner.share)
    sentence, rows = _told(exercise, trials, shown, f"Right on {passed} of {len(cases)} inputs")
    if again and shown.status == "values" and _answers_otherwise(exercise, shown, again(trials.index(shown))):
        remarks += (TWO_ANSWERS,)
    return verdict(shown.status, sentence, rows, remarks)


def _not_attempted(trials: list[_Trial]) -> str:
    if any(trial.attempt.outcome == "unwritten" for trial in trials):
        return "Nothing is written here yet. Put your answer in the place of `raise NotImplementedError()`."
    prints = any(trial.attempt.printed for trial in trials)
    hint = "It prints, but only what it returns counts." if prints else "Once it returns a value, check again."
    return f"Your function returns nothing yet. {hint}"


def _read_as_single(exercise: Exercise, trials: list[_Trial]) -> None:
    """Compare as single precision what went through it: ``torch.tensor(0.3).item()`` is a float64 that holds a float32.

    Each number of each answer must be one that a float32 can hold; that right answers are so by chance costs nothing,
    and wrong ones that are, and lie within its roundings of the right ones, are right.
    """
    if exercise.property is not None or exercise.whole or any(trial.yours is None for trial in trials):
        return
    if not any(trial.status == "values" for trial in trials):
        return
    with np.errstate(all="ignore"):
        for trial in trials:
            if any(p.dtype.kind == "f" and not _same_in_single(p) for p in answers.parts(trial.yours)):
                return
        for trial in trials:
            single = answers.mapped(lambda p: p.astype(np.float32) if p.dtype.kind == "f" else p, trial.yours)
            if answers.equal(single, trial.expected, exercise.rtol, exercise.atol):
                trial.yours, trial.status, trial.sentence = single, "correct", ""


def _same_in_single(part: np.ndarray) -> bool:
    return bool(np.array_equal(part.astype(np.float32).astype(float), part.astype(float), equal_nan=True))


def _require_a_value(trial: _Trial) -> None:
    """Where other inputs get an answer, one that gets none is a wrong answer."""
    if trial.status == "not attempted":
        trial.status = "type"
        trial.sentence = "For this input your function returns nothing. Is there a path without a `return`?"
        if trial.attempt.outcome == "unwritten":
            trial.sentence = "For this input your function still raises NotImplementedError."


def _smallest_failing(exercise: Exercise, trials: list[_Trial]) -> _Trial:
    """Of the inputs on the lowest rung the smallest; the largest where the answer has not the form that is asked for.

    With one neuron a forgotten sum has the shape (1,), as a comma at the end of a line makes it too: in a large input
    only one of the two is left.
    """
    status = min((trial.status for trial in trials), key=LADDER.index)
    failing = [trial for trial in trials if trial.status == status]
    pick = max if status in ("type", "shape") else min
    return pick(failing, key=lambda trial: (exercise.size or _size)(trial.case))


def _told(exercise: Exercise, trials: list[_Trial], shown: _Trial, score: str) -> tuple[str, Rows]:
    """What to look at next, and the rows that show it."""
    sentence, attempt = shown.sentence, shown.attempt
    rows: Rows = ()
    given = _input_rows(shown) if exercise.show_cases else ()
    if shown.status == "error":
        sentence = "Your function stops with an error on this input."
        if attempt.what.startswith("RecursionError"):
            sentence += " Does it call itself without end?"
        rows = tuple((label, text) for label, text in (("error", attempt.what), ("in", attempt.where)) if text)
    elif shown.status == "timeout":
        sentence = (
            f"No answer within {exercise.time_limit:g} seconds; it was busy with this input. Is there a loop "
            "that never ends, or work that could be done once for all?"
        )
    elif shown.status == "values":
        if not exercise.proof:  # of which there is one, and no input
            sentence = f"{sentence or _diagnosis(exercise, trials, shown)} {score}; the smallest that fails is shown."
        rows = _value_rows(exercise, shown) if exercise.show_cases else ()
    return sentence, given + rows


def _answers_otherwise(exercise: Exercise, shown: _Trial, second: Plain | None) -> bool:
    return second is not None and not answers.equal(second, shown.yours, exercise.rtol, exercise.atol)


def _misconception(exercise: Exercise, trials: list[_Trial]) -> int | None:
    """The index of the first wrong answer that equals the student's on every input."""
    if any(trial.yours is None for trial in trials):
        return None
    for index, misconception in enumerate(exercise.misconceptions):
        try:
            if all(
                answers.equal(
                    trial.yours, _ask(exercise, misconception.answer, trial.case), exercise.rtol, exercise.atol
                )
                for trial in trials
            ):
                return index
        except Exception:  # it has no answer to this input, so it is not what the student did
            continue
    return None


def _remarks(trials: list[_Trial], shown: _Trial) -> tuple[str, ...]:
    remarks = []
    changed = sorted({name for trial in trials for name in trial.attempt.changed})
    if changed:
        names = ", ".join(f"`{name}`" for name in changed)
        remarks.append(f"Your function changes what it is given ({names}): work on a copy, or the caller is surprised.")
    answered = [trial for trial in trials if trial.yours is not None]
    if any(answers.is_single(trial.yours) and not answers.is_single(trial.expected) for trial in answered):
        remarks.append("Your answer is in single precision (float32): it is compared to about 5 digits only.")
    if shown.attempt.printed.strip():
        remarks.append(
            f"It prints, which does not count: {answers.clean(' '.join(shown.attempt.printed.split()), 120)}"
        )
    return tuple(remarks)


def _size(case: Case) -> float:
    total = 0.0
    for value in case.values():
        try:
            for part in answers.parts(answers.read(value)):
                total += part.size if part.ndim else abs(float(part))
        except Exception:  # a text or a function has no size
            continue
    return math.inf if math.isnan(total) else total


def _input_rows(trial: _Trial) -> Rows:
    return tuple((name, answers.show(value)) for name, value in trial.case.items())


def _value_rows(exercise: Exercise, trial: _Trial) -> Rows:
    yours, expected = answers.show_apart(trial.yours, trial.expected)
    rows = [("yours", yours), ("expected" if exercise.property is None else "one right answer", expected)]
    if exercise.property is None:
        for mine, right in zip(answers.parts(trial.yours), answers.parts(trial.expected), strict=True):
            wrong = np.argwhere(~answers.agree(mine, right, exercise.rtol, exercise.atol))
            if right.size > 6 and len(wrong):
                index = tuple(int(i) for i in wrong[0])
                one, other = answers.show_apart(np.asarray(mine[index]), np.asarray(right[index]))
                rows.append(("first at", f"[{', '.join(map(str, index))}]: yours {one}, expected {other}"))
                break
    return tuple(rows)


def _diagnosis(exercise: Exercise, trials: list[_Trial], shown: _Trial) -> str:
    """One sentence about wrong values: not finite, transposed, off by one factor, or just not right."""
    mine, right = (np.concatenate([part.ravel() for part in answers.parts(p)]) for p in (shown.yours, shown.expected))
    mine, right = mine.astype(float), right.astype(float)
    if np.isnan(mine).any() and not np.isnan(right).any():
        return _NAN
    if np.isinf(mine).any() and np.isfinite(right).all():
        return "Your answer is infinite: look for a division by zero, an overflow, or the extreme of no number at all."
    if all(trial.yours is not None and not isinstance(trial.yours, tuple) for trial in trials):
        if shown.yours.ndim == 2 and all(answers.equal(t.yours.T, t.expected, 1e-9, 1e-12) for t in trials):
            return "Yours is the transpose of what is expected."
        factor = _common_factor(trials)
        if factor == -1:
            return "Only the sign is wrong: yours is the negative of the expected value, every time."
        if factor == 0:
            return "Yours is zero, every time."
        if related := _relation(trials):
            return related
        if factor is not None and abs(factor - 1) > CLOSE:
            return f"Yours is {factor:.4g} times the expected value, every time."
        close = _closeness(trials)
        if close:
            return close
    elif all(isinstance(trial.yours, tuple) for trial in trials):
        if of_a_part := _diagnosis_of_a_part(exercise, trials, shown):
            return of_a_part
    return _where_wrong(trials) or GENERIC[0 if isinstance(shown.expected, tuple) else 1 if shown.expected.ndim else 2]


def _diagnosis_of_a_part(exercise: Exercise, trials: list[_Trial], shown: _Trial) -> str:
    """Of several separate values, which are right on every input, and what the first wrong one looks like."""
    parts: list[list[_Trial]] = []
    for place in range(len(shown.expected)):
        alone = [replace(t, yours=t.yours[place], expected=t.expected[place], status="correct") for t in trials]
        for trial in alone:
            if not answers.equal(trial.yours, trial.expected, exercise.rtol, exercise.atol):
                trial.status = "values"
        parts.append(alone)
    wrong = [place for place, alone in enumerate(parts) if any(trial.status == "values" for trial in alone)]
    found = _diagnosis(exercise, parts[wrong[0]], parts[wrong[0]][trials.index(shown)]) if wrong else ""
    if len(wrong) == len(parts):
        return "" if found.startswith(GENERIC) or not found else f"Value {wrong[0] + 1} of {len(parts)}: {found}"
    right = " and ".join(str(place + 1) for place in range(len(parts)) if place not in wrong)
    named = "" if found.startswith(GENERIC) else f" {found}"
    return f"Of the {len(parts)} values number {right} is right, number {wrong[0] + 1} is not yet.{named}"


def _relation(trials: list[_Trial]) -> str:
    """How yours follows from the right values on every input, where it does in one of the ways that slips have."""
    pairs = [(t.yours.astype(float), t.expected.astype(float)) for t in trials if t.yours.shape == t.expected.shape]
    if len(pairs) < len(trials) or any(t.yours.dtype.kind == "b" for t in trials):
        return ""
    mine, right = (np.concatenate([np.ravel(part) for part in parts]) for parts in zip(*pairs, strict=True))
    if not (np.isfinite(mine).all() and np.isfinite(right).all()) or len(np.unique(right)) < 3:
        return ""

    def same(values: np.ndarray) -> bool:
        return bool(np.allclose(mine, values, rtol=1e-9, atol=1e-12 * np.abs(values).max()))

    with np.errstate(all="ignore"):
        shift = (mine - right)[0]
        for holds, sentence in (
            (shift and same(right + shift), f"Yours is {abs(shift):.4g} {'more' if shift > 0 else 'less'} than the"),
            (same(np.abs(right)), "Yours is the absolute value of the"),
            (same(right**2), "Yours is the square of the"),
            (same(np.sqrt(right)), "Yours is the square root of the"),
            (same(1 / right), "Yours is one over the"),
            (same(1 - right), "Yours is 1 minus the"),
        ):
            if holds:
                return f"{sentence} expected value, every time."
        if same(np.where(mine < 0, -1, 1) * np.abs(right)) and not same(right):
            return "Yours has the right size every time, and not always the right sign."
        return _factor_of_input(trials)


_POWERS = {
    1: "times {}",
    -1: "divided by {}",
    0.5: "times the square root of {}",
    -0.5: "divided by the square root of {}",
    2: "times the square of {}",
    -2: "divided by the square of {}",
}


def _factor_of_input(trials: list[_Trial]) -> str:
    """What of the inputs, a number or a length, yours has as a factor too many or too few; "" if there is none."""
    ratios, cases = [], []
    for trial in trials:
        mine, right = trial.yours.astype(float).ravel(), trial.expected.astype(float).ravel()
        if not right.any():
            if mine.any():
                return ""
            continue
        ratio = mine[np.abs(right).argmax()] / right[np.abs(right).argmax()]
        if not np.allclose(mine, ratio * right, rtol=1e-7, atol=1e-12 * np.abs(right).max()):
            return ""
        ratios.append(ratio)
        cases.append(trial.case)
    if len(ratios) < 3 or len(np.unique(np.round(ratios, 9))) < 2:
        return ""
    for what, values in _quantities(cases):
        for power, words in _POWERS.items():
            if np.allclose(ratios, values**power, rtol=1e-7, atol=0.0):
                return f"Yours is the expected value {words.format(what)}, every time."
    return ""


def _quantities(cases: Sequence[Case]) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers and lengths among the inputs, each with how code would say it."""
    for name in cases[0]:
        try:
            arrays = [np.asarray(case[name], dtype=float) for case in cases]
        except (TypeError, ValueError):  # a text, a function
            continue
        if all(array.ndim == 0 for array in arrays):
            yield f"`{name}`", np.array(arrays)
        else:
            for axis in range(min(array.ndim for array in arrays)):
                words = f"`{name}.shape[{axis}]`" if axis else f"`len({name})`"
                yield words, np.array([array.shape[axis] for array in arrays], dtype=float)


def _where_wrong(trials: list[_Trial]) -> str:
    """What the inputs have in common on which yours is wrong, and no other has; "" where nothing is found."""
    wrong = [trial.case for trial in trials if trial.status != "correct"]
    fine = [trial.case for trial in trials if trial.status == "correct"]
    if len(fine) < len(trials) / 2:
        return ""
    quantities = zip(_quantities(wrong), _quantities(fine), strict=False)
    for (what, values), (_, others) in quantities:
        if len(set(values)) == 1 and values[0] not in others:
            return f"Right, but not where {what} is {values[0]:.4g}."
        for sign, words in ((-1, "negative"), (1, "positive")):
            if (sign * values > 0).all() and not (sign * others > 0).any():
                return f"Right, but not where {what} is {words}."
    return ""


def _closeness(trials: list[_Trial]) -> str:
    """What nearly right values look like: rounded, in single precision, simulated, or a term short; "" for others."""
    if any(trial.yours.shape != trial.expected.shape for trial in trials):
        return ""
    mine, right = (
        np.concatenate([np.ravel(plain).astype(float) for plain in plains])
        for plains in zip(*((trial.yours, trial.expected) for trial in trials), strict=True)
    )
    rounded = _rounded(mine, right)
    if rounded:
        return f"Yours are the right values, rounded to {rounded}: return all digits."
    scale = float(np.abs(right).max(initial=0.0))  # of all, for inputs whose right answer is zero
    error = max(_relative_error(trial, scale) for trial in trials)
    if not 0 < error <= CLOSE:
        return ""
    if error <= SINGLE:
        return (
            f"Close: off by {error:.1g} of the value at most, as a rounding in single precision is: "
            "`torch.tensor(0.3)` is float32 unless you add `dtype=torch.float64`, and so is what is taken out of it."
        )
    both = (mine > right).any() and (mine < right).any()
    if both:
        return (
            f"Close: off by {error:.1g} of the value at most, sometimes above and sometimes below, as from a "
            "simulation or a coarse grid. Asked is the exact value; or a small term is not right yet."
        )
    never = "below" if (mine > right).any() else "above"
    return (
        f"Close: off by {error:.1g} of the value at most, never {never} it. A small term or a constant is not right "
        "yet, or a sum or grid ends too early."
    )


def _rounded(mine: np.ndarray, right: np.ndarray) -> str:
    """ "3 decimals" or "3 digits" where that turns the right values into yours; "" where nothing does."""
    if not np.isfinite(right).all() or np.array_equal(mine, np.zeros_like(mine)):
        return ""
    for digits in range(10):
        whole = np.round(right, digits)
        if whole.any() and np.allclose(mine, whole, rtol=1e-12, atol=1e-15):
            return f"{digits} decimals" if digits else "whole numbers"
    for digits in range(2, 10):
        if np.allclose(mine, [float(f"{value:.{digits - 1}e}") for value in right], rtol=1e-12, atol=0):
            return f"{digits} digits"
    return ""


def _relative_error(trial: _Trial, otherwise: float) -> float:
    """The largest error beside the largest expected value, or beside ``otherwise`` where that is zero."""
    if trial.yours.shape != trial.expected.shape:
        return math.inf
    scale = float(np.abs(trial.expected.astype(float)).max(initial=0.0)) or otherwise
    error = float(np.abs(trial.yours.astype(float) - trial.expected).max(initial=0.0))
    return error / scale if scale else (math.inf if error else 0.0)


def _common_factor(trials: list[_Trial]) -> float | None:
    if any(trial.yours.dtype.kind == "b" for trial in trials):
        return None
    mine = np.concatenate([trial.yours.ravel() for trial in trials]).astype(float)
    right = np.concatenate([trial.expected.ravel() for trial in trials]).astype(float)
    nonzero = right[right != 0]
    # With one expected value only, any wrong constant would be a factor of it.
    if len(np.unique(nonzero)) < 2 or not (np.isfinite(mine).all() and np.isfinite(right).all()):
        return None
    factor = float((mine[right != 0] / nonzero)[0])
    fits = np.allclose(mine, factor * right, rtol=1e-7, atol=0.0)
    return (round(factor) if math.isclose(factor, round(factor), rel_tol=1e-7) else factor) if fits else None
