"""Marks for other programs: spreadsheets, Gradescope and nbgrader.

What has no points yet (trouble of the grader) is an empty cell or nothing at all, never a zero.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from course_utils.desk.checks import as_text
from grader import records
from grader.feedback import title, write_feedback
from grader.records import GRADED, INFRASTRUCTURE_ERROR, MISSING, UnitResult
from grader.report import write_report

GRADES, TOTALS, GRADESCOPE, GRADEBOOK = "grades.csv", "totals.csv", "gradescope", "gradebook.db"

#: What a spreadsheet may take for the start of a formula.
_FORMULA = re.compile(r"[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def write_all(
    out: Path,
    results: Iterable[UnitResult],
    roster: Mapping[str, Mapping[str, str]] | None = None,
    unplaced: Sequence[str] = (),
) -> list[Path]:
    """Everything that is made of results: feedback, class report, tables, Gradescope's and nbgrader's files.

    Takes the results of every student of the ``roster`` (id → row, with name and email perhaps) in every chapter, and a
    sentence for each file that belongs to nobody. Returns what an instructor opens.
    """
    results = sorted(results, key=lambda unit: (unit.student, unit.chapter))
    roster = roster or {}
    names = {student: row["name"] for student, row in roster.items() if row.get("name")}
    pages = write_feedback(out, results, names)
    made = [write_report(out, results, names, unplaced), *{page.parent for page in pages}]
    made += [write_grades(out, results, names), write_totals(out, results, roster)]
    made += {path.parent.parent for path in write_gradescope(out, results)}
    gradebook = write_gradebook(out, results, roster)
    return [*made, gradebook] if gradebook else made


def write_grades(out: Path, results: Iterable[UnitResult], names: Mapping[str, str] | None = None) -> Path:
    """``out/grades.csv``: a row for each student and chapter, and one with the student's total."""
    marks = "chapter", "status", "points", "max_points"
    header = "student_id", "name", *marks, "problem", "jail", "submission"
    rows: list[tuple] = []
    for student, units in _by_student(results):
        name = (names or {}).get(student, "")
        for unit in units:
            mark = unit.chapter, unit.status, unit.points, unit.max_points
            rows.append((student, name, *mark, unit.problem, unit.jail, unit.submission))
        open_ = any(unit.points is None for unit in units)
        status = INFRASTRUCTURE_ERROR if open_ else GRADED
        rows.append((student, name, "total", status, _total(units), sum(unit.max_points for unit in units)))
    return _write_csv(out / GRADES, header, rows)


def write_totals(
    out: Path, results: Iterable[UnitResult], roster: Mapping[str, Mapping[str, str]] | None = None
) -> Path:
    """``out/totals.csv``: a row for each student, a column for each chapter: what most systems import."""
    results = list(results)
    chapters = sorted({unit.chapter for unit in results})
    rows = []
    for student, units in _by_student(results):
        points = {unit.chapter: unit.points for unit in units}
        person = _person(roster, student)
        rows.append((student, *person, *(points.get(chapter) for chapter in chapters), _total(units)))
    return _write_csv(out / TOTALS, ("student_id", "name", "email", *chapters, "total"), rows)


def _person(roster: Mapping[str, Mapping[str, str]] | None, student: str) -> tuple[str, str]:
    row = (roster or {}).get(student, {})
    return row.get("name", ""), row.get("email", "")


def _by_student(results: Iterable[UnitResult]) -> Iterable[tuple[str, list[UnitResult]]]:
    ordered = sorted(results, key=lambda unit: (unit.student, unit.chapter))
    return ((student, list(units)) for student, units in groupby(ordered, lambda unit: unit.student))


def _total(units: list[UnitResult]) -> int | None:
    """None as long as something is not graded: a partial sum would be taken for the mark."""
    points = [unit.points for unit in units if unit.points is not None]
    return sum(points) if len(points) == len(units) else None


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> Path:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    for row in rows:
        # An id is a file's name, which can be no formula: systems find the student by it, so it stays.
        cells = [_harmless(cell) if number and isinstance(cell, str) else cell for number, cell in enumerate(row)]
        writer.writerow([*cells, *[None] * (len(header) - len(row))])
    # With a byte order mark: without one Excel misreads every name outside of ASCII.
    records.write_atomically(path, table.getvalue().encode("utf-8-sig"))
    return path


def _harmless(cell: str) -> str:
    """The text on one line, without what separates cells elsewhere, behind an apostrophe where it would be computed."""
    line = re.sub(r"[;\t\r\n\0]+", " ", cell)
    return f"'{line}" if _FORMULA.match(cell) else line


def write_gradescope(out: Path, results: Iterable[UnitResult]) -> list[Path]:
    """``out/gradescope/<chapter>/<student>.json``: what Gradescope reads as an autograder's ``results.json``.

    A unit without points has no file: Gradescope reports the lack of one and keeps the submission ungraded.
    """
    written = []
    for unit in results:
        path = out / GRADESCOPE / unit.chapter / f"{unit.student}.json"
        if unit.points is None:
            path.unlink(missing_ok=True)
            continue
        data = json.dumps(gradescope(unit), ensure_ascii=False, indent=1)
        records.write_atomically(path, data.encode() + b"\n")
        written.append(path)
    return written


def gradescope(unit: UnitResult) -> dict:
    """One unit in the documented form of Gradescope's ``results.json``; texts are marked as plain."""
    tests = [
        {
            "score": exercise.points,
            "max_score": exercise.max_points,
            "status": "passed" if exercise.status == "correct" else "failed",
            "name": f"{exercise.id} {exercise.title}",
            "name_format": "text",
            "number": exercise.id,
            "output": as_text(exercise),
            "output_format": "text",
            "tags": [exercise.status],
            "visibility": "visible",
        }
        for exercise in unit.exercises
    ]
    sentences = [title(unit.chapter), *([unit.problem] if unit.problem else []), *unit.notes]
    return {
        "score": unit.points,
        "execution_time": round(unit.seconds),
        "output": "\n".join(sentences),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"status": unit.status, "jail": unit.jail, "max_points": unit.max_points},
        "tests": tests,
    }


def write_gradebook(
    out: Path, results: Iterable[UnitResult], roster: Mapping[str, Mapping[str, str]] | None = None
) -> Path | None:
    """``out/gradebook.db``, nbgrader's gradebook by its own API; None where nbgrader is not installed.

    A gradebook that exists is completed: automatic scores are set anew, and what was entered by hand stays.
    What was not handed in, or not graded, is no submission.
    """
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        return None
    path = out / GRADEBOOK
    results = list(results)
    out.mkdir(parents=True, exist_ok=True)
    with _programs_of_this_python(), Gradebook(f"sqlite:///{path.resolve()}") as book:
        for student in sorted({unit.student for unit in results}):
            name, email = _person(roster, student)
            first, _, last = name.rpartition(" ")
            book.update_or_create_student(student, first_name=first, last_name=last, email=email)
        for chapter in sorted({unit.chapter for unit in results}):
            units = [unit for unit in results if unit.chapter == chapter]
            _declare(book, chapter, units)
            for unit in units:
                if unit.status not in (MISSING, INFRASTRUCTURE_ERROR):
                    _score(book, unit)
            book.db.commit()
    path.chmod(0o600)  # as all the other files with marks
    return path


@contextmanager
def _programs_of_this_python() -> Iterator[None]:
    """nbgrader starts `alembic` by its bare name, not found where the environment is not activated."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _declare(book, chapter: str, units: list[UnitResult]) -> None:
    """The assignment, its one notebook, and a cell for each exercise that anybody was graded on."""
    book.update_or_create_assignment(chapter)
    book.update_or_create_notebook(chapter, chapter)
    exercises = {exercise.id: exercise for unit in units for exercise in unit.exercises}
    for id, exercise in exercises.items():
        worth = {"max_score": exercise.max_points, "cell_type": "code"}
        book.update_or_create_grade_cell(_cell(id), chapter, chapter, **worth)


def _cell(id: str) -> str:
    """The name that the build gives the check's cell."""
    return re.sub(r"[^A-Za-z0-9]+", "-", f"check-{id}")


def _score(book, unit: UnitResult) -> None:
    from nbgrader.api import Grade

    with book.db.no_autoflush:  # nbgrader links a submission's parts before it adds them to the session
        submission = book.update_or_create_submission(unit.chapter, unit.student)
    points = {_cell(exercise.id): exercise.points for exercise in unit.exercises}
    [notebook] = submission.notebooks
    grades = {grade.name: grade for grade in notebook.grades}
    for cell in notebook.notebook.grade_cells:
        grade = grades.get(cell.name)
        if grade is None:  # an exercise that is younger than the submission
            grade = Grade(cell=cell, notebook=notebook)
            book.db.add(grade)
        grade.auto_score = points.get(cell.name, 0)
        grade.needs_manual_grade = False
