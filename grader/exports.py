"""Marks for other programs: spreadsheets, Moodle, Canvas, Gradescope and nbgrader.

What has no points yet (trouble of the grader) is an empty cell or nothing at all, never a zero.
"""

from __future__ import annotations

import csv
import hmac
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from course_staff.roster import STUDENT_ID
from course_utils.desk.checks import as_text
from grader import adjustments, records
from grader.adjustments import CHAPTER_CELL, GRADEBOOK, Row, cell_of, moment
from grader.feedback import title, write_feedback
from grader.records import BY_PERSON, GRADED, INFRASTRUCTURE_ERROR, MISSING, WAITING, ExerciseResult, UnitResult, tidy
from grader.report import write_report
from grader.written import Mark, summaries

GRADES, TOTALS, CANVAS, MOODLE, GRADESCOPE = "grades.csv", "totals.csv", "canvas.csv", "moodle.csv", "gradescope"
ANONYMOUS, KEY = "anonymous", "anonymous-key.csv"

#: What a spreadsheet may take for the start of a formula.
_FORMULA = re.compile(r"[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")

Roster = Mapping[str, Mapping[str, str]]


def write_all(
    out: Path,
    results: Iterable[UnitResult],
    roster: Roster | None = None,
    unplaced: Sequence[str] = (),
    table: Sequence[Row] = (),
    numbers_of: Callable[[str, str], Mapping[str, float]] | None = None,
    marks: Mapping[tuple[str, str], Mark] | None = None,
) -> list[Path]:
    """Everything that is made of results: feedback, class report, tables, Gradescope's and nbgrader's files.

    Takes the results of every student of the ``roster`` (id → row, with name and email perhaps) in every chapter, a
    sentence for each file that was not graded, the rows of the ``table`` of adjustments (those in nbgrader's gradebook
    are read here), the numbers of a student in a chapter that has variants, and the marks of written answers, which are
    joined with the results already. Returns what an instructor opens.
    """
    graded = sorted(results, key=lambda unit: (unit.student, unit.chapter))
    roster, typed = roster or {}, adjustments.entered(out)
    results = adjustments.apply(graded, table, typed)
    made = _write_pages(out, results, roster, unplaced, numbers_of, summaries(results, marks or {}))
    made += [write_canvas(out, results, roster), write_moodle(out, results, roster)]
    made += {path.parent.parent for path in write_gradescope(out, results)}
    gradebook = write_gradebook(out, graded, roster, table, typed)
    return [*made, gradebook] if gradebook else made


def _write_pages(out: Path, results: list[UnitResult], roster: Roster, *more) -> list[Path]:
    names = {student: row["name"] for student, row in roster.items() if row.get("name")}
    pages = write_feedback(out, results, names)
    made = [write_report(out, results, names, *more), *{page.parent for page in pages}]
    return [*made, write_grades(out, results, names), write_totals(out, results, roster)]


def write_anonymous(
    out: Path, results: Iterable[UnitResult], roster: Roster, table: Sequence[Row], secret: bytes
) -> list[Path]:
    """Pages and tables in ``out/anonymous`` under pseudonyms that stay the same, and beside it the key to them.

    A student's id, name and address are taken out of all texts about this student; names of files are left out.
    """
    secrets = {one: f"student-{hmac.new(secret, one.encode(), 'sha256').hexdigest()[:10]}" for one in sorted(roster)}
    hidden = []
    for unit in adjustments.apply(results, table, adjustments.entered(out)):
        words = {unit.student, *roster[unit.student].values(), *roster[unit.student].get("name", "").split()}
        known = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if len(word) > 2)
        pattern = re.compile(rf"(?<!\w)(?:{known})(?!\w)" if known else "(?!)", re.IGNORECASE)
        hidden.append(_without(unit, pattern, secrets[unit.student]))
    _write_csv(out / KEY, ("pseudonym", "student_id"), [(secrets[one], one) for one in secrets])
    hidden.sort(key=lambda unit: (unit.student, unit.chapter))
    return [*_write_pages(out / ANONYMOUS, hidden, {}), out / KEY]


def _without(unit: UnitResult, names: re.Pattern, pseudonym: str) -> UnitResult:
    def clean(text: str) -> str:
        return names.sub("…", text)

    def cleaned(one: ExerciseResult) -> ExerciseResult:
        rows = tuple((clean(label), clean(text)) for label, text in one.rows)
        return replace(one, sentence=clean(one.sentence), rows=rows, remarks=tuple(map(clean, one.remarks)))

    notes = tuple(clean(note) for note in unit.notes if ".ipynb" not in note)
    problem = unit.problem and re.sub(r"(?<=Found and not read: ).*", "… .", clean(unit.problem), flags=re.DOTALL)
    exercises = tuple(map(cleaned, unit.exercises))
    return replace(unit, student=pseudonym, notes=notes, problem=problem, exercises=exercises, submission=None)


def write_grades(out: Path, results: Iterable[UnitResult], names: Mapping[str, str] | None = None) -> Path:
    """``out/grades.csv``: a row for each student and chapter, and one with the student's total."""
    marks = "chapter", "status", "points", "max_points"
    others = "handed_in", "late_hours", "problem", "jail", "submission", "remarks", "waiting"
    header = "student_id", "name", *marks, *others
    rows: list[tuple] = []
    for student, units in _by_student(results):
        name = (names or {}).get(student, "")
        for unit in units:
            mark = unit.chapter, unit.status, _points(unit), unit.max_points
            when = moment(unit.handed_in), tidy(unit.late / 3600) if unit.late else None
            more = unit.problem, unit.jail, unit.submission, _by_hand(unit), ", ".join(unit.waiting)
            rows.append((student, name, *mark, *when, *more))
        open_ = any(unit.points is None for unit in units)
        trouble = any(unit.status == INFRASTRUCTURE_ERROR for unit in units)
        status = INFRASTRUCTURE_ERROR if trouble else WAITING if open_ else GRADED
        rows.append((student, name, "total", status, _total(units), sum(unit.max_points for unit in units)))
    return _write_csv(out / GRADES, header, rows)


def write_totals(out: Path, results: Iterable[UnitResult], roster: Roster | None = None) -> Path:
    """``out/totals.csv``: a row for each student, a column for each chapter: what most systems import."""
    chapters, marks = _table(results)
    rows = [
        (student, *_person(roster, student), *(points for points, _ in cells), total) for student, cells, total in marks
    ]
    return _write_csv(out / TOTALS, ("student_id", "name", "email", *chapters, "total"), rows)


def write_moodle(out: Path, results: Iterable[UnitResult], roster: Roster | None = None) -> Path:
    """``out/moodle.csv`` for Moodle's import of grades: the points of each chapter, and a comment beside them."""
    chapters, marks = _table(results)
    header = "Username", "Email address", *(f"{chapter}{part}" for chapter in chapters for part in ("", " feedback"))
    rows = [
        (student, _person(roster, student)[1], *(cell for pair in cells for cell in pair))
        for student, cells, _ in marks
    ]
    return _write_csv(out / MOODLE, header, rows)


def write_canvas(out: Path, results: Iterable[UnitResult], roster: Roster | None = None) -> Path:
    """``out/canvas.csv``: Canvas's own columns in its order, with an assignment for each chapter."""
    results = list(results)
    chapters, marks = _table(results)
    worth = {unit.chapter: unit.max_points for unit in results}
    rows: list[tuple] = [("    Points Possible", None, None, None, None, *(worth[chapter] for chapter in chapters))]
    for student, cells, _ in marks:
        name = _person(roster, student)[0] or student
        rows.append((name, None, None, student, None, *(points for points, _ in cells)))
    return _write_csv(out / CANVAS, ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", *chapters), rows)


def _table(results: Iterable[UnitResult]) -> tuple[list[str], list[tuple[str, list[tuple], float | None]]]:
    """The chapters; and of each student the id, (points, comment) in each of them, and the total."""
    results = list(results)
    chapters = sorted({unit.chapter for unit in results})
    rows = []
    for student, units in _by_student(results):
        cells = {unit.chapter: (_points(unit), _comment(unit)) for unit in units}
        rows.append((student, [cells.get(chapter, (None, None)) for chapter in chapters], _total(units)))
    return chapters, rows


def _points(unit: UnitResult) -> float | None:
    return None if unit.points is None else tidy(unit.points)


def _by_hand(unit: UnitResult) -> str:
    remarks = [f"{one.id}: {remark}" for one in unit.exercises if one.adjusted for remark in one.remarks]
    return " ".join([*remarks, *unit.notes]) if unit.adjusted or unit.late else ""


def _comment(unit: UnitResult) -> str:
    """What a student is told beside the points, short: the points by exercise, and what is not usual."""
    if unit.points is None:
        return ""
    scores = ", ".join(
        f"{one.id}: {one.status if one.points is None else tidy(one.points)} of {one.max_points}"
        for one in unit.exercises
    )
    said = " ".join(part for part in (scores and scores + ".", unit.problem or "", _by_hand(unit)) if part)
    return said.replace("<", "‹").replace(">", "›")  # a comment may be shown as HTML


def _person(roster: Roster | None, student: str) -> tuple[str, str]:
    row = (roster or {}).get(student, {})
    return row.get("name", ""), row.get("email", "")


def _by_student(results: Iterable[UnitResult]) -> Iterable[tuple[str, list[UnitResult]]]:
    ordered = sorted(results, key=lambda unit: (unit.student, unit.chapter))
    return ((student, list(units)) for student, units in groupby(ordered, lambda unit: unit.student))


def _total(units: list[UnitResult]) -> float | None:
    """None as long as something is not graded: a partial sum would be taken for the mark."""
    points = [unit.points for unit in units if unit.points is not None]
    return tidy(sum(points)) if len(points) == len(units) else None


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> Path:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    for row in rows:
        cells = [_harmless(cell) if isinstance(cell, str) else cell for cell in row]
        writer.writerow([*cells, *[None] * (len(header) - len(row))])
    # With a byte order mark: without one Excel misreads every name outside of ASCII.
    records.write_atomically(path, table.getvalue().encode("utf-8-sig"))
    return path


def _harmless(cell: str) -> str:
    """The text on one line, without what separates cells elsewhere, behind an apostrophe where it would be computed.

    What has the letters of an id stays, also behind - or @: systems find a student by it, and without brackets, bars
    and exclamation marks a formula calls no function and no program.
    """
    if STUDENT_ID.fullmatch(cell):
        return cell
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
            "score": tidy(exercise.points),
            "max_score": exercise.max_points,
            "status": "passed" if exercise.status == "correct" or exercise.points == exercise.max_points else "failed",
            "name": f"{exercise.id} {exercise.title}",
            "name_format": "text",
            "number": exercise.id,
            "output": by_person(exercise) if exercise.status in BY_PERSON else as_text(exercise),
            "output_format": "text",
            "tags": [exercise.status],
            "visibility": "visible",
        }
        for exercise in unit.exercises
        if exercise.points is not None
    ]
    sentences = [title(unit.chapter), *([unit.problem] if unit.problem else []), *unit.notes]
    return {
        "score": _points(unit),
        "execution_time": round(unit.seconds),
        "output": "\n".join(sentences),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {
            "status": unit.status,
            "jail": unit.jail,
            "max_points": unit.max_points,
            "handed_in": moment(unit.handed_in),
        },
        "tests": tests,
    }


def by_person(exercise: ExerciseResult) -> str:
    """A written answer as a script prints it: points by item of the rubric, the comment, what else there is to say."""
    lines = [f"{exercise.status}", *(f"    {points}: {what}" for points, what in exercise.rows)]
    return "\n".join([*lines, exercise.sentence, *exercise.remarks]).strip()


def write_gradebook(
    out: Path,
    results: Iterable[UnitResult],
    roster: Roster | None = None,
    table: Sequence[Row] = (),
    typed: Sequence[Row] = (),
) -> Path | None:
    """``out/gradebook.db``, nbgrader's gradebook by its own API; None where nbgrader is not installed.

    A gradebook that exists is completed: automatic scores are set anew, with the rows of the ``table``, and what was
    ``typed`` stays. A chapter has a cell more, in which stands what it gained or lost as a whole. What was not handed
    in, or not graded, is no submission, unless it has points by hand.
    """
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        return None
    path, results = out / GRADEBOOK, list(results)
    units = adjustments.apply(results, table)
    # The chapter's own cell is about the points that the exercises have in the gradebook.
    whole = adjustments.apply(results, table, [row for row in typed if "_" not in row.what])
    out.mkdir(parents=True, exist_ok=True)
    with _programs_of_this_python(), Gradebook(f"sqlite:///{path.resolve()}") as book:
        for student in sorted({unit.student for unit in results}):
            name, email = _person(roster, student)
            first, _, last = name.rpartition(" ")
            if "," in name:  # as rosters sort them: Lovelace, Ada
                last, first = (part.strip() for part in name.split(",", 1))
            book.update_or_create_student(student, first_name=first, last_name=last, email=email)
        for chapter in sorted({unit.chapter for unit in results}):
            _declare(book, chapter, [unit for unit in units if unit.chapter == chapter])
            for unit, final in zip(units, whole, strict=True):
                if unit.chapter == chapter and (unit.adjusted or unit.status not in (MISSING, INFRASTRUCTURE_ERROR)):
                    each = [one.points for one in final.exercises if one.points is not None]
                    _score(book, unit, 0 if final.points is None else final.points - sum(each))
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
    exercises = {exercise.id: exercise.max_points for unit in units for exercise in unit.exercises}
    written = {text.id: text.max_points for unit in units for text in unit.written}
    for id, most in (exercises | written).items():
        worth = {"max_score": most, "cell_type": "markdown" if id in written else "code"}
        book.update_or_create_grade_cell(cell_of(id), chapter, chapter, **worth)
    book.update_or_create_grade_cell(CHAPTER_CELL, chapter, chapter, max_score=0, cell_type="code")


def _score(book, unit: UnitResult, more: float) -> None:
    from nbgrader.api import Grade

    with book.db.no_autoflush:  # nbgrader links a submission's parts before it adds them to the session
        when = {"timestamp": datetime.fromtimestamp(unit.handed_in, UTC)} if unit.handed_in else {}
        submission = book.update_or_create_submission(unit.chapter, unit.student, **when)
    open_ = {cell_of(text.id): bool(text.text) for text in unit.written}  # by hand, as long as there is no mark
    points = {cell_of(one.id): one.points for one in unit.exercises if one.points is not None} | {CHAPTER_CELL: more}
    [notebook] = submission.notebooks
    grades = {grade.name: grade for grade in notebook.grades}
    for cell in notebook.notebook.grade_cells:
        grade = grades.get(cell.name)
        if grade is None:  # an exercise that is younger than the submission
            grade = Grade(cell=cell, notebook=notebook)
            book.db.add(grade)
        waits = cell.name in open_ and cell.name not in points
        grade.auto_score = None if waits else tidy(points.get(cell.name, 0))
        grade.needs_manual_grade = waits and open_[cell.name] and grade.manual_score is None
