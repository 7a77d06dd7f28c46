"""What the instructor reads: how the class did, what it misunderstood, and what needs a person's eye."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import StatisticsError, correlation

from course_utils.desk.checks import LADDER
from grader import records
from grader.adjustments import moment
from grader.feedback import page
from grader.records import ExerciseResult, UnitResult, tidy

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
    """An exercise over the class: the mean of its ``points`` and of the ``tries``, and how well it tells who did well
    elsewhere.

    ``discrimination`` is the correlation of its points with those of the chapter's other exercises (point-biserial
    where an answer has all points or none), None where it has no sense.
    """

    id: str
    title: str
    max_points: int
    answers: int
    points: float
    rungs: Mapping[str, int]
    tries: float = 1.0
    discrimination: float | None = None


@dataclass(frozen=True)
class ChapterSummary:
    """A chapter over the class. ``histogram`` counts the students in each tenth of the points; ``statuses``
    all of the roster."""

    name: str
    max_points: int
    statuses: Mapping[str, int]
    scores: tuple[float, ...]
    histogram: tuple[int, ...]
    exercises: tuple[ExerciseSummary, ...]


_NumbersOf = Callable[[str, str], Mapping[str, float]] | None


def write_report(out: Path, results: Iterable[UnitResult], *more) -> Path:
    """Write ``out/report.html``, which links to the pages in ``out/feedback``, and return it; see :func:`to_html`."""
    path = out / PAGE
    records.write_atomically(path, to_html(list(results), *more).encode())
    return path


def to_html(
    results: list[UnitResult],
    names: Mapping[str, str] | None = None,
    unplaced: Sequence[str] = (),
    numbers_of: _NumbersOf = None,
    questions: Sequence = (),
) -> str:
    """The class report as one page.

    ``unplaced`` is a sentence for each file that was not graded, ``numbers_of`` says for a student and a chapter the
    numbers of the exercises that have variants, and ``questions`` are the :class:`grader.written.Summary` of what a
    person marks.
    """
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
        borrowed=borrowed(results, numbers_of),
        marks=matrix(results),
        questions=questions,
        changed=[unit for unit in results if unit.adjusted or unit.late],
        moment=moment,
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
        histogram[min(10, int(10 * points / of)) if of else 0] += 1  # by hand, there may be more than all
    answers = defaultdict(list)
    for unit in graded:
        checked = [exercise for exercise in unit.exercises if exercise.status in LADDER]
        total = sum(exercise.points or 0 for exercise in checked)
        for exercise in checked:
            answers[exercise.id].append((exercise, total - (exercise.points or 0)))
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


def _exercise(found: list[tuple[ExerciseResult, float]]) -> ExerciseSummary:
    answers, others = [answer for answer, _ in found], [other for _, other in found]
    first = answers[0]
    try:
        discrimination = correlation([float(answer.points or 0) for answer in answers], others)
    except StatisticsError:  # of one answer, or of answers that are all alike
        discrimination = None
    tries = sum(answer.tries for answer in answers) / len(answers)
    counted = Counter(answer.status for answer in answers)
    points = sum(answer.points or 0 for answer in answers) / len(answers)
    rungs = {rung: counted[rung] for rung in RUNGS}
    return ExerciseSummary(first.id, first.title, first.max_points, len(answers), points, rungs, tries, discrimination)


def _answers(results: Iterable[UnitResult]) -> Iterable[tuple[str, ExerciseResult]]:
    for unit in results:
        if unit.status == records.GRADED:
            yield from ((unit.student, exercise) for exercise in unit.exercises)


def misconceptions(results: Iterable[UnitResult]) -> list[Message]:
    """What was misunderstood, by exercise, the commonest first."""
    met = defaultdict(list)
    for student, answer in _answers(results):
        if answer.status == "misconception":
            # Students with variants receive sentences with their own number: the index is the same.
            met[answer.id, answer.misconception].append((student, answer.sentence))
    messages = [Message(id, found[0][1], tuple(student for student, _ in found)) for (id, _), found in met.items()]
    return sorted(messages, key=lambda m: (_number(m.exercise), -len(m.students), m.sentence))


def matrix(results: Iterable[UnitResult]) -> tuple[list[str], list[tuple[str, list[str], float | None]]]:
    """The exercises, and for each student the points in each of them as text, and the total, None while it is open."""
    students: dict[str, list[UnitResult]] = defaultdict(list)
    chapters: dict[str, set[str]] = defaultdict(set)
    for unit in results:
        students[unit.student].append(unit)
        chapters[unit.chapter] |= {one.id for one in unit.exercises} | {one.id for one in unit.written}
    ids = sorted({id for found in chapters.values() for id in found}, key=_number)
    rows = []
    for student, units in sorted(students.items()):
        points = {one.id: "?" for unit in units for one in unit.written if one.text}
        known = (one for unit in units for one in unit.exercises if one.points is not None)
        points |= {one.id: f"{tidy(one.points or 0)}" for one in known}
        closed = [unit for unit in units if unit.points is not None or unit.waiting]
        points = {id: "–" for unit in closed for id in chapters[unit.chapter]} | points
        open_ = any(unit.points is None for unit in units)
        total = None if open_ else tidy(sum(unit.points or 0 for unit in units))
        rows.append((student, [points.get(id, "?") for id in ids], total))
    return ids, rows


def borrowed(results: Iterable[UnitResult], numbers_of: _NumbersOf) -> list[tuple[UnitResult, list[str]]]:
    """Notebooks that say other numbers than their student was given, and the students who were given those."""
    results = list(results)
    students = sorted({unit.student for unit in results})

    def owns(student: str, unit: UnitResult) -> bool:
        numbers = numbers_of(student, unit.chapter) if numbers_of and student != unit.student else {}
        return {*unit.numbers} <= {*numbers.items()}

    return [(unit, [student for student in students if owns(student, unit)]) for unit in results if unit.numbers]


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
