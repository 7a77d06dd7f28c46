"""What the instructor reads: how the class did, what it misunderstood, and what needs a person's eye."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from course_utils.desk.checks import LADDER
from grader import records
from grader.feedback import page
from grader.records import ExerciseResult, UnitResult

PAGE = "report.html"

#: From right to not attempted, as the bars show it.
RUNGS = LADDER[::-1]
# Rungs on which an answer was given, and was wrong in a way that no misconception explains.
_UNUSUAL = ("type", "shape", "values")
# Two students with this many unusual answers in common are named as a pair.
_SHARED = 2
# An answer that more students than this have in common says more about the exercise than about them.
_COMMON = 6


@dataclass(frozen=True)
class Message:
    """A misconception that was met: its sentence, and who received it."""

    exercise: str
    sentence: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class Twins:
    """Students whose answers to one exercise are the same unusual wrong one.

    ``right_for`` are students for whom, with another number in their notebook, it is the right one.
    """

    exercise: str
    status: str
    students: tuple[str, ...]
    right_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExerciseSummary:
    id: str
    title: str
    max_points: int
    answers: int
    points: float
    rungs: Mapping[str, int]


@dataclass(frozen=True)
class ChapterSummary:
    """A chapter over the class. ``histogram`` counts the students in each tenth of the points; ``statuses``
    all of the roster."""

    name: str
    max_points: int
    statuses: Mapping[str, int]
    scores: tuple[int, ...]
    histogram: tuple[int, ...]
    exercises: tuple[ExerciseSummary, ...]


def write_report(
    out: Path, results: Iterable[UnitResult], names: Mapping[str, str] | None = None, unplaced: Sequence[str] = ()
) -> Path:
    """Write ``out/report.html`` and return it; ``unplaced`` is a sentence for each file that belongs to nobody."""
    path = out / PAGE
    records.write_atomically(path, to_html(list(results), names, unplaced).encode())
    return path


def to_html(results: list[UnitResult], names: Mapping[str, str] | None = None, unplaced: Sequence[str] = ()) -> str:
    """The class report as one page."""
    results = sorted(results, key=lambda unit: (unit.chapter, unit.student))
    return page("report.html.j2").render(
        rungs=RUNGS,
        names=names or {},
        students=len({unit.student for unit in results}),
        statuses=Counter(unit.status for unit in results),
        seconds=sum(unit.seconds for unit in results),
        no_jail=sum(unit.jail == "none" and unit.status != records.MISSING for unit in results),
        chapters=summaries(results),
        messages=misconceptions(results),
        slow=on_rung(results, "timeout"),
        groups=twins(results),
        pairs=pairs(results),
        shared=_SHARED,
        unplaced=unplaced,
        by_status={status: [unit for unit in results if unit.status == status] for status in records.STATUSES},
    )


def summaries(results: Iterable[UnitResult]) -> list[ChapterSummary]:
    """Each chapter over the class; what was not graded has no part in averages."""
    chapters = defaultdict(list)
    for unit in results:
        chapters[unit.chapter].append(unit)
    return [_summary(name, units) for name, units in sorted(chapters.items())]


def _summary(name: str, units: list[UnitResult]) -> ChapterSummary:
    graded = [unit for unit in units if unit.status == records.GRADED]
    scores = [(unit.points, unit.max_points) for unit in graded if unit.points is not None]
    histogram = [0] * 11
    for points, of in scores:
        histogram[10 * points // of if of else 0] += 1
    answers = defaultdict(list)
    for unit in graded:
        for exercise in unit.exercises:
            answers[exercise.id].append(exercise)
    exercises = (_exercise(answers[id]) for id in sorted(answers, key=_number))
    return ChapterSummary(
        name,
        max((unit.max_points for unit in units), default=0),
        Counter(unit.status for unit in units),
        tuple(sorted(points for points, _ in scores)),
        # Full marks stand alone: how many have everything is the first question.
        tuple(histogram),
        tuple(exercises),
    )


def _exercise(answers: list[ExerciseResult]) -> ExerciseSummary:
    first = answers[0]
    counted = Counter(answer.status for answer in answers)
    points = sum(answer.points for answer in answers) / len(answers)
    rungs = {rung: counted[rung] for rung in RUNGS}
    return ExerciseSummary(first.id, first.title, first.max_points, len(answers), points, rungs)


def _answers(results: Iterable[UnitResult]) -> Iterable[tuple[str, ExerciseResult]]:
    for unit in results:
        if unit.status == records.GRADED:
            yield from ((unit.student, exercise) for exercise in unit.exercises)


def misconceptions(results: Iterable[UnitResult]) -> list[Message]:
    """What was misunderstood, the commonest first."""
    met = defaultdict(list)
    for student, answer in _answers(results):
        if answer.status == "misconception":
            # Students with variants receive sentences with their own number: the index is the same.
            met[answer.id, answer.misconception].append((student, answer.sentence))
    messages = [Message(id, found[0][1], tuple(student for student, _ in found)) for (id, _), found in met.items()]
    return sorted(messages, key=lambda m: (-len(m.students), _number(m.exercise), m.sentence))


def on_rung(results: Iterable[UnitResult], rung: str) -> dict[str, list[str]]:
    """Exercise → the students whose answer stands on this rung."""
    found = defaultdict(list)
    for student, answer in _answers(results):
        if answer.status == rung:
            found[answer.id].append(student)
    return {id: found[id] for id in sorted(found, key=_number)}


def twins(results: Iterable[UnitResult]) -> list[Twins]:
    """Students who share an unusual wrong answer, the largest groups first.

    Only answers that are wrong and that no misconception explains: those which are right, or wrong in a way
    that many share, say nothing. Where notebooks have each student's own numbers, an answer may also be the
    right one of somebody else.
    """
    wrong, right = defaultdict(list), defaultdict(list)
    for student, answer in _answers(results):
        if answer.answer is not None and answer.status in _UNUSUAL:
            wrong[answer.id, answer.answer].append((student, answer.status))
        elif answer.answer is not None and answer.status == "correct":
            right[answer.id, answer.answer].append(student)
    groups = [
        Twins(key[0], found[0][1], tuple(student for student, _ in found), tuple(right.get(key, ())))
        for key, found in wrong.items()
        if len(found) > 1 or key in right
    ]
    return sorted(groups, key=lambda group: (-len(group.students), _number(group.exercise), group.students))


def pairs(results: Iterable[UnitResult]) -> list[tuple[tuple[str, str], list[str]]]:
    """Two students and the exercises in which they share an unusual answer, where these are several.

    A copied notebook shows in many exercises at once.
    """
    shared = defaultdict(set)
    for group in twins(results):
        if len(group.students) <= _COMMON:
            for pair in combinations(sorted(group.students), 2):
                shared[pair].add(group.exercise)
            for student in group.students:
                for other in group.right_for[:_COMMON]:
                    shared[min(student, other), max(student, other)].add(group.exercise)
    found = [(pair, sorted(exercises, key=_number)) for pair, exercises in shared.items() if len(exercises) >= _SHARED]
    return sorted(found, key=lambda item: (-len(item[1]), item[0]))


def _number(id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in id.split("."))
