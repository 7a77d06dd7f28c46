"""What an instructor decides: points by hand, deadlines and extensions, as rows of one table.

``adjustments.csv`` lies in the folder of the grades and is only ever read. Its columns, of which a row fills some:

student   an id of the roster, or * for everyone
what      an exercise (1.2), a chapter (01 or its name), or nothing for every chapter
points    sets the points: those of the machine no longer count
change    adds: 1, -0.5, or a percentage of the points reached, -10%
due       the deadline, 2026-12-01T23:59 in this machine's time; a row with a student's id is an extension
late      what each day that has begun after it costs: -10%/day, -1/day, or once and for all -20%
reason    a sentence for the student and for you

What was typed into nbgrader's gradebook is read as further rows, which come last.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import Path

from course_staff.roster import read_table
from course_utils.exercises import Exercise, Written, all_exercises, all_written
from grader.records import BY_PERSON, GRADED, INFRASTRUCTURE_ERROR, MARKED, ExerciseResult, UnitResult, tidy

TABLE, GRADEBOOK = "adjustments.csv", "gradebook.db"
COLUMNS = ("student", "what", "points", "change", "due", "late", "reason")
#: Files beside a notebook in which nbgrader and Gradescope say when it was handed in.
TIMES = "timestamp.txt", "submission_metadata.json"
#: The cell of nbgrader's gradebook that holds what a whole chapter gained or lost.
CHAPTER_CELL = "adjustments"
EVERYONE = "*"

#: What programs without a clock write into an archive is 1980-01-01, give or take a time zone.
_ZIP_BEGINS = datetime(1980, 1, 3).timestamp()
#: What becomes of an exercise that somebody has not handed in and has points for.
_BLANK = "not attempted", "Not handed in."
_NUMBER = r"([+-]?\d+(?:\.\d+)?)"
_SECONDS = {"day": 86400, "hour": 3600}


@dataclass(frozen=True)
class Row:
    """``points`` sets, ``change`` is (number, whether percent), ``late`` (number, percent, seconds, if any)."""

    student: str
    what: str
    points: float | None = None
    change: tuple[float, bool] | None = None
    due: float | None = None
    late: tuple[float, bool, int | None] | None = None
    reason: str = ""

    def meets(self, unit: UnitResult) -> bool:
        """Whether the row is about this student, and about this chapter as a whole."""
        return self.student in (EVERYONE, unit.student) and self.what in ("", unit.chapter, unit.chapter.split("_")[0])

    def rank(self) -> tuple[bool, bool]:
        """A row about one student comes before one about everyone, then one about a chapter before one about all."""
        return self.student != EVERYONE, self.what != ""


def read(path: Path, students: Iterable[str], chapters: Iterable[str]) -> list[Row]:
    """The rows of the table, none where there is no such file.

    Raises:
        ValueError: naming the row and the value, for the first one that cannot be applied; then none is.
    """
    if not path.exists():
        return []
    columns, lines = read_table(path, "table of adjustments")
    if {"student", "reason"} - {*columns} or {*columns} - {*COLUMNS, ""} or len({*columns}) < len(columns):
        raise ValueError(f"{path} has the columns {', '.join(columns)}; expected, once each, {', '.join(COLUMNS)}")
    known = {*chapters}
    asked: dict[str, Exercise | Written] = {**all_exercises(), **all_written()}
    known |= {name.split("_")[0] for name in known} | {"", *asked}
    people, rows, seen = {EVERYONE, *students}, [], dict[tuple, int]()
    for line, cells in lines:
        where = f"{path}, line {line}"
        row = _row({name: cells.get(name, "") for name in COLUMNS}, where)
        if row.student not in people:
            raise ValueError(f"{where}: student is {row.student!r}; expected an id of the roster, or * for everyone")
        if row.what not in known:
            raise ValueError(f"{where}: what is {row.what!r}; expected an exercise such as 1.2 or a chapter such as 01")
        exercise = asked.get(row.what)
        if exercise and (row.points or 0) > exercise.points:
            expected = f"expected up to {exercise.points} (a change adds)"
            raise ValueError(f"{where}: points are {cells['points']!r} for exercise {exercise.id}; {expected}")
        if exercise and row.due is not None:
            raise ValueError(f"{where}: what is {row.what!r}; expected a chapter, which has a deadline as a whole")
        for kind in ("points", "due"):
            if getattr(row, kind) is not None:
                before = seen.setdefault((row.student, row.what.split("_")[0], kind), line)
                if before != line:
                    raise ValueError(f"{where}: {kind} of {row.student} {row.what} are set in line {before} already")
        rows.append(row)
    return rows


def _row(cells: dict[str, str], where: str) -> Row:
    def matched(name: str, pattern: str, expected: str) -> re.Match | None:
        text = re.sub(r"\s", "", cells[name]).replace(",", ".").replace("\u2212", "-")
        found = re.fullmatch(pattern, text)
        if text and not found:
            raise ValueError(f"{where}: {name} is {cells[name]!r}; expected {expected}")
        return found

    points = matched("points", r"\+?(\d+(?:\.\d+)?)", "a number from 0")
    change = matched("change", _NUMBER + "(%?)", "a number such as -0.5, or a percentage such as -10%")
    late = matched("late", r"-(\d+(?:\.\d+)?)(%?)(?:/(day|hour))?", "-10%/day, -1/day, -5%/hour or -20%")
    if sum(map(bool, (points, change, cells["due"]))) != 1 or late and not cells["due"]:
        raise ValueError(f"{where}: expected one of points, change and due (with late, if you like), and nothing else")
    if points and not cells["what"]:
        raise ValueError(f"{where}: points are {cells['points']!r} of what? expected an exercise or a chapter")
    what = re.sub(r"^(\d)$", r"0\1", cells["what"].replace(",", "."))  # 01 and 1.2 as a spreadsheet may write them
    return Row(
        cells["student"],
        "" if what == EVERYONE else what,
        float(points[1]) if points else None,
        (float(change[1]), change[2] == "%") if change else None,
        _due(cells["due"], where) if cells["due"] else None,
        (float(late[1]), late[2] == "%", _SECONDS.get(late[3])) if late else None,
        cells["reason"],
    )


def _due(text: str, where: str) -> float:
    try:
        when = datetime.fromisoformat(text)
        if re.fullmatch(r"[\d-]+", text):  # a day: until it ends
            when = datetime.combine(when, time.max)
        return when.timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{where}: due is {text!r}; expected a time such as 2026-12-01T23:59") from None


def entered(out: Path) -> list[Row]:
    """What was typed into nbgrader's gradebook in ``out``: by its file, so that it counts also without nbgrader."""
    path = out / GRADEBOOK
    if not path.exists():
        return []
    query = """
        SELECT work.student_id, assignment.name, cell.name, grade.manual_score, grade.extra_credit
        FROM grade JOIN base_cell cell ON cell.id = grade.cell_id
        JOIN submitted_notebook sheet ON sheet.id = grade.notebook_id
        JOIN submitted_assignment work ON work.id = sheet.assignment_id
        JOIN assignment ON assignment.id = work.assignment_id
        WHERE grade.manual_score IS NOT NULL OR coalesce(grade.extra_credit, 0) != 0
        ORDER BY work.student_id, assignment.name, cell.name"""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as book:
            typed = book.execute(query).fetchall()
    except sqlite3.Error as error:
        raise ValueError(f"the gradebook {path}, which may hold points by hand, cannot be read: {error}") from None
    rows, reason = [], "entered in nbgrader's gradebook"
    ids = {cell_of(id): id for id in (*all_exercises(), *all_written())}
    for student, chapter, cell, manual, extra in typed:
        what = ids.get(cell, chapter if cell == CHAPTER_CELL else None)
        if what is not None and manual is not None:
            rows.append(Row(student, what, points=manual, reason=reason))
        if what is not None and extra:
            rows.append(Row(student, what, change=(extra, False), reason=reason))
    return rows


def cell_of(id: str) -> str:
    """The name that the build gives the cell of an exercise's check, or of an answer that a person marks."""
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{'answer' if id in all_written() else 'check'}-{id}")


def apply(results: Iterable[UnitResult], table: Iterable[Row], typed: Iterable[Row] = ()) -> list[UnitResult]:
    """The results with these rows applied, each of which leaves a sentence where the student reads it.

    First the exercises, then the chapters, then what being late costs. Of a chapter, ``typed`` rows set what was added
    to its exercises. A row for everyone changes what was graded; one for a student also what was not handed in.
    """
    results, table, typed = list(results), list(table), list(typed)
    asked = {(unit.chapter, one.id): one for unit in results for one in unit.exercises}
    return [_applied(unit, table, typed, asked) for unit in results]


def _applied(unit: UnitResult, table: list[Row], typed: list[Row], asked: Mapping[tuple, ExerciseResult]) -> UnitResult:
    def about(rows: list[Row], what: str) -> list[Row]:
        mine = [row for row in rows if row.student in (EVERYONE, unit.student) and row.what == what]
        return sorted((row for row in mine if graded or row.student != EVERYONE), key=_sets_first)

    graded = unit.status == GRADED
    exercises = {one.id: one for one in unit.exercises}
    for chapter, id in sorted(asked) if unit.status != INFRASTRUCTURE_ERROR else ():
        rows = [*about(table, id), *about(typed, id)]
        if chapter == unit.chapter and rows:
            blank = ExerciseResult(id, asked[chapter, id].title, 0, asked[chapter, id].max_points, *_BLANK)
            one = exercises.get(id, blank)
            if one.points is None and not any(row.points is not None for row in rows):
                continue  # what is added to a mark waits for it
            points, said = _changed(one.points or 0, rows)
            one = replace(one, points=points, remarks=(*one.remarks, *said), adjusted=True)
            if asked[chapter, id].status in BY_PERSON:
                one = replace(one, status=MARKED, sentence=one.sentence if one.status == MARKED else "")
            exercises[id] = one
    each = [one.points for one in exercises.values()]
    summed = unit.points if not each else None if None in each else sum(points or 0 for points in each)
    rows = sorted((row for row in table if row.meets(unit) and (graded or row.rank()[0])), key=_sets_first)
    if summed is None and not any(row.points is not None for row in rows):  # open: what being late costs is, too
        if unit.status == INFRASTRUCTURE_ERROR:
            return unit
        over, _, words = _late(unit, 0, [row for row in table if row.meets(unit) and row.due is not None])
        adjusted = any(one.adjusted for one in exercises.values())
        notes = (*unit.notes, *words)
        return replace(unit, exercises=tuple(exercises.values()), notes=notes, adjusted=adjusted, late=over)
    points, said = _changed(summed or 0, [row for row in rows if row.due is None])
    over, cost, words = _late(unit, points, [row for row in table if row.meets(unit) and row.due is not None])
    if any(row.points is not None and row.student != EVERYONE for row in rows):
        cost, words = 0, []  # who sets a chapter's points by hand has thought of that
    points = tidy(max(0, points - cost))
    whole = [row for row in typed if row.student == unit.student and row.what == unit.chapter]
    if whole:  # in the gradebook stands the difference to the sum of the exercises
        more, reasons = _changed(points - (summed or 0), whole, least=-math.inf)
        points, said = tidy(max(0, (summed or 0) + more)), [*said, *reasons]
    touched = any(one.adjusted for one in exercises.values()) or bool(said or cost)
    open_ = unit.status == INFRASTRUCTURE_ERROR
    return replace(
        unit,
        status=GRADED if open_ else unit.status,
        problem=None if open_ else unit.problem,
        points=points,
        exercises=tuple(exercises.values()),
        notes=(*unit.notes, *said, *words),
        adjusted=touched,
        late=over,
    )


def _sets_first(row: Row) -> tuple:
    return row.points is None, row.rank()


def _changed(points: float, rows: list[Row], least: float = 0) -> tuple[float, list[str]]:
    """Points after the rows, and what they say."""
    said = []
    sets = [row for row in rows if row.points is not None]
    for row in rows:
        if row.points is not None and row is not sets[-1]:
            continue  # the last one counts: a student's, or the gradebook's
        if row.points is not None:
            after, what = row.points, "set"
        elif row.change is not None:
            number, percent = row.change
            after = max(least, points + (points * number / 100 if percent else number))
            what = f"{number:+g}" + " %" * percent
        else:
            continue
        reason = f": {row.reason.rstrip('.')}." if row.reason else "."
        said.append(f"Points by hand, {what}: {tidy(points)} became {tidy(after)}{reason}")
        points = after
    return tidy(points), said


def _late(unit: UnitResult, points: float, rows: list[Row]) -> tuple[float, float, list[str]]:
    """Seconds after the deadline, what they cost, and the sentence about it."""
    rows = sorted(rows, key=Row.rank)
    due = rows[-1].due if rows else None
    if due is None or unit.handed_in is None or (over := unit.handed_in - due) <= 0:
        return 0, 0, []
    said = f"Handed in {moment(unit.handed_in)}, after {moment(due)}"
    number, percent, seconds = next((row.late for row in reversed(rows) if row.late), (0, False, None))
    cost = min(points, (points * number / 100 if percent else number) * (math.ceil(over / seconds) if seconds else 1))
    return over, cost, [f"{said}: {tidy(cost)} fewer points." if cost else f"{said}."]


def handed_in(path: Path, changed: float | None = None) -> float | None:
    """When a file was handed in: by nbgrader's timestamp.txt or Gradescope's metadata beside it, or its own date.

    ``changed`` is the date that an archive gives one of its files; where it gives none, its own counts.
    """
    nbgraders, gradescopes = (path.parent / name for name in TIMES)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        if nbgraders.is_file():
            text = re.sub(r" (UTC|\+0000)$", "+00:00", nbgraders.read_text(encoding="utf-8").strip())
            when = datetime.fromisoformat(text)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        if gradescopes.is_file():
            return datetime.fromisoformat(json.loads(gradescopes.read_bytes())["created_at"]).timestamp()
    with contextlib.suppress(OSError):
        return changed if changed and changed > _ZIP_BEGINS else path.stat().st_mtime
    return None


def moment(seconds: float | None) -> str:
    """A time as the tables show it, in this machine's time zone; nothing for None."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")
