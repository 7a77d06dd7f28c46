"""What a grading run leaves behind: one JSON file for each unit, that is for a student's chapter.

``OUT/results/<student>/<chapter>.json`` is written by the task that graded it, as a whole or not at all, so
that a run which is killed at any moment can go on. Everything that reads results (feedback, the class report,
exports, resuming) reads them here.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from course_staff.roster import STUDENT_ID
from course_utils.data.files import replacing
from course_utils.desk.checks import LADDER

FORMAT = 1
RESULTS = "results"
JAILS = ("bubblewrap", "none")
GRADED, STUDENT_ERROR, INFRASTRUCTURE_ERROR, MISSING = STATUSES = (
    "graded",
    "student error",
    "infrastructure error",
    "missing",
)

#: What became of an answer that a person marks, in the place of a rung of the ladder.
MARKED, WAITING, NOT_WRITTEN = BY_PERSON = "marked", "not marked yet", "nothing written"

#: What a chapter's name may look like: as a student's id, it becomes the name of files.
CHAPTER = re.compile(r"\d\d[a-z]?_[A-Za-z0-9_]{1,100}")


@dataclass(frozen=True)
class Text:
    """What was written for a question that a person marks, "" for nothing; ``note`` says what of it was not taken."""

    id: str
    title: str
    max_points: int
    text: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("id", "title", "text", "note"):
            _require(_is_text(getattr(self, name)), f"written answer: {name}", getattr(self, name), "a text")
        _require(_is_count(self.max_points), "written answer: max_points", self.max_points, "a whole number from 0")


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise of one submission.

    ``points`` may be a share, ``status`` is a rung of ``checks.LADDER``, ``sentence``, ``rows`` and ``remarks`` what
    the student may read, ``misconception`` the index of the one that was recognised, ``passed`` of ``tried`` the inputs
    that came out right, ``answer`` a hash of the plain answers (None when there are none) by which equal ones are
    found, ``tries`` the hand-ins in which the answer was another than before. ``adjusted`` ones, whose points were
    changed by hand, are not written to a result's file.

    Nor are written answers, which :mod:`grader.written` adds: their ``status`` is one of ``BY_PERSON``, ``rows`` are
    the points by rubric item, ``sentence`` is the comment, and ``points`` are None as long as nobody has marked it.
    """

    id: str
    title: str
    points: float | None
    max_points: int
    status: str
    sentence: str
    rows: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    misconception: int | None = None
    passed: int = 0
    tried: int = 0
    answer: str | None = None
    tries: int = 1
    adjusted: bool = False

    def __post_init__(self) -> None:
        where = f"exercise {self.id!r}"
        _require(_is_text(self.id) and re.fullmatch(r"\d+\.\d+", self.id), "id", self.id, 'an id such as "1.2"')
        for name in ("title", "sentence"):
            _require(_is_text(getattr(self, name)), f"{where}: {name}", getattr(self, name), "a text")
        for name in ("max_points", "passed", "tried", "tries"):
            _require(_is_count(getattr(self, name)), f"{where}: {name}", getattr(self, name), "a whole number from 0")
        if self.points is not None or self.status != WAITING:
            _require_points(f"{where}: points", self.points, math.inf if self.adjusted else self.max_points)
        _require(self.passed <= self.tried, f"{where}: passed", self.passed, f"at most {self.tried}")
        known = (*LADDER, *BY_PERSON)
        _require(self.status in known, f"{where}: status", self.status, f"one of {', '.join(known)}")
        pairs = isinstance(self.rows, tuple) and all(
            isinstance(row, tuple) and len(row) == 2 and all(map(_is_text, row)) for row in self.rows
        )
        _require(pairs, f"{where}: rows", self.rows, "pairs (label, text)")
        texts = isinstance(self.remarks, tuple) and all(map(_is_text, self.remarks))
        _require(texts, f"{where}: remarks", self.remarks, "texts")
        index = self.misconception is None or _is_count(self.misconception)
        _require(index, f"{where}: misconception", self.misconception, "an index or None")
        _require(self.answer is None or _is_text(self.answer), f"{where}: answer", self.answer, "a hash or None")


@dataclass(frozen=True)
class UnitResult:
    """One student's chapter. Raises ValueError, naming the value, for a field out of its range.

    key          what the marks depend on, hashed: the submission's bytes, the exercises, the environment, the
                 seed. A result with another key is out of date
    status       "graded"; "student error": the file cannot be read, 0 points; "infrastructure error": the
                 grader's own trouble, no points at all and graded again at the next run; "missing": nothing
                 was handed in, 0 points
    jail         "bubblewrap", or "none" where the instructor allowed to run without
    problem      one sentence where the status is not "graded"
    notes        sentences for the student, such as which of two definitions counted
    submission   the graded file below the folder of submissions
    handed_in    when it was last changed, in seconds since 1970; None where that is not known
    file         a hash of its bytes
    tries        how many different files were graded
    numbers      (exercise, number) pairs that the notebook says, where they are not those of this student
    written      what was written for a person to mark; with the marks it becomes a part of ``exercises``, and until
                 none of those that count waits for its mark ``points`` are None
    adjusted     by a table of adjustments, as ``late``, the seconds after the deadline: never so in a result's file
    """

    key: str
    student: str
    chapter: str
    status: str
    jail: str
    points: float | None
    max_points: int
    exercises: tuple[ExerciseResult, ...] = ()
    problem: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    submission: str | None = None
    handed_in: float | None = None
    file: str | None = None
    tries: int = 1
    numbers: tuple[tuple[str, float], ...] = ()
    written: tuple[Text, ...] = ()
    adjusted: bool = False
    late: float = 0.0
    format: int = FORMAT

    def __post_init__(self) -> None:
        _require(self.format == FORMAT, "format", self.format, f"{FORMAT}, what this version of the course writes")
        _require(_is_text(self.key), "key", self.key, "a hash")
        _require_names(self.student, self.chapter)
        _require(self.status in STATUSES, "status", self.status, f"one of {', '.join(STATUSES)}")
        _require(self.jail in JAILS, "jail", self.jail, f"one of {', '.join(JAILS)}")
        _require(_is_count(self.max_points), "max_points", self.max_points, "a whole number from 0")
        open_ = bool(self.waiting) and self.points is None
        if self.status == INFRASTRUCTURE_ERROR:
            _require(self.points is None, "points", self.points, "None: trouble of the grader is never a zero")
        elif not open_:
            _require_points("points", self.points, math.inf if self.adjusted else self.max_points)
        if self.status == GRADED:
            total = sum(exercise.points or 0 for exercise in self.exercises)
            same = self.adjusted or open_
            same = same or self.points is not None and math.isclose(self.points, total, abs_tol=1e-3)
            _require(same, "points", self.points, f"{total}, the sum over the exercises")
        else:
            _require(_is_text(self.problem) and self.problem, "problem", self.problem, "a sentence")
        _require(self.problem is None or _is_text(self.problem), "problem", self.problem, "a sentence or None")
        _require(all(map(_is_text, self.notes)), "notes", self.notes, "texts")
        _require_points("seconds", self.seconds, math.inf)
        _require(self.handed_in is None or _is_number(self.handed_in), "handed_in", self.handed_in, "seconds or None")
        _require(_is_count(self.tries), "tries", self.tries, "a whole number from 0")
        numbers = all(len(pair) == 2 and _is_text(pair[0]) and _is_number(pair[1]) for pair in self.numbers)
        _require(numbers, "numbers", self.numbers, "pairs (exercise, number)")
        _require(self.submission is None or _is_text(self.submission), "submission", self.submission, "a path or None")

    @property
    def waiting(self) -> tuple[str, ...]:
        """The written answers that count and that nobody has marked yet."""
        return tuple(one.id for one in self.exercises if one.points is None)


def _require(holds: object, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value!r:.200}; expected {expected}")


def _require_names(student: Any, chapter: Any) -> None:
    """Both become names of files."""
    known = _is_text(student) and STUDENT_ID.fullmatch(student)
    _require(known, "student", student, "a student id of letters, digits and . _ @ -")
    _require(_is_text(chapter) and CHAPTER.fullmatch(chapter), "chapter", chapter, 'a name such as "01_taylor_bounds"')


def _require_points(name: str, value: Any, most: float) -> None:
    _require(_is_number(value) and 0 <= value <= most, name, value, f"a number from 0 to {most}")


def tidy(points: float) -> float:
    """Points as everybody is shown them: to three digits, and without any where they are whole."""
    rounded = round(points, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def path_of(out: Path, student: str, chapter: str) -> Path:
    """Where a unit's result is kept below ``out``. Raises ValueError for names that are no file names."""
    _require_names(student, chapter)
    return out / RESULTS / student / f"{chapter}.json"


def write(out: Path, result: UnitResult) -> Path:
    """Write one result; whoever reads meanwhile, or after a crash, sees the old one or all of the new one.

    The tries go on from the result that is there, if it was of another file.
    """
    path = path_of(out, result.student, result.chapter)
    with contextlib.suppress(OSError, ValueError):
        result = _after(read(path), result)
    # Half a letter, as in some names of files, cannot be written: a mark stands for it.
    text = json.dumps(asdict(result), ensure_ascii=False, indent=1)
    write_atomically(path, text.encode("utf-8", "replace") + b"\n")
    return path


def _after(old: UnitResult, new: UnitResult) -> UnitResult:
    before = {exercise.id: exercise for exercise in old.exercises}
    another = int(None not in (old.file, new.file) and old.file != new.file)
    exercises = []
    for one in new.exercises:
        same = before.get(one.id, one)
        changed = another and (one.answer, one.sentence) != (same.answer, same.sentence)
        exercises.append(replace(one, tries=same.tries + changed))
    return replace(new, tries=old.tries + another, exercises=tuple(exercises))


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(data)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_unfinished(out: Path) -> None:
    """Remove what a run that was killed had begun to write; the caller keeps others out of the folder."""
    for path in out.rglob(".*.????????"):
        if re.fullmatch(r"\..+\.(json|html|csv)\.[a-z0-9_]{8}|\.secret\.[a-z0-9_]{8}", path.name):
            path.unlink(missing_ok=True)


def read(path: Path) -> UnitResult:
    """The result in a file."""
    try:
        return from_dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: no result of this version of the grader: {error}") from error


def from_dict(data: Any) -> UnitResult:
    """A result from what its JSON file holds. Raises ValueError or TypeError for anything else."""
    _require(isinstance(data, dict), "a result", data, "an object")
    rows = data.get("exercises")
    _require(isinstance(rows, list) and all(isinstance(row, dict) for row in rows), "exercises", rows, "objects")
    exercises = []
    for row in rows:
        _known(row, ExerciseResult)
        row = {
            **row,
            "rows": tuple(tuple(pair) for pair in row.get("rows", ())),
            "remarks": tuple(row.get("remarks", ())),
        }
        exercises.append(ExerciseResult(**row))
    _known(data, UnitResult)
    lists = {
        "notes": tuple(data.get("notes", ())),
        "numbers": tuple(map(tuple, data.get("numbers", ()))),
        "written": tuple(Text(**row) for row in data.get("written", ())),
    }
    return UnitResult(**{**data, **lists, "exercises": tuple(exercises)})


def _known(data: dict, kind: type) -> None:
    unknown = data.keys() - {field.name for field in fields(kind)}
    _require(not unknown, "fields", sorted(unknown), f"those of {kind.__name__}")


def read_all(out: Path) -> Iterator[UnitResult]:
    """Every result below ``out``, by student and chapter."""
    for path in sorted((out / RESULTS).glob("*/*.json")):
        yield read(path)


def read_known(out: Path) -> Iterator[UnitResult]:
    """As :func:`read_all`, without those that another version of the grader wrote in a form that is not known here."""
    for path in sorted((out / RESULTS).glob("*/*.json")):
        with contextlib.suppress(ValueError):
            yield read(path)
