"""Answers that a person marks: one page for each question, without names, and the tables that come back from it.

``OUT/written/1.12.html`` shows what was written for question 1.12, under codes that say nothing and stay the same. The
page keeps what is entered in the browser, and gives it as a table, ``1.12.csv``, which is put beside it: any file there
counts whose name begins with the question's number. Its columns:

code         of the answer
answer       a mark of the text that was marked, by which one that was changed since is found; may be left out
item 1, …    points for each item of the rubric; an answer with an empty one is not marked yet
comment      for the student; may be left out
marked       when, 2026-12-01T10:00:00Z; without it the file's date counts

Of several marks of one answer the newest counts. Files are only read, and what was read is also kept in
``OUT/written/kept``: a table that replaces another takes nothing away from it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from course_staff.build import ROOT
from course_staff.roster import read_table
from course_staff.source import NOTEBOOKS
from course_utils.exercises import Written, all_written
from grader import reader, records
from grader.adjustments import Row
from grader.feedback import page
from grader.records import GRADED, MARKED, NOT_WRITTEN, WAITING, ExerciseResult, Text, UnitResult, tidy

_Marks = Mapping[tuple[str, str], "Mark"]

FOLDER, KEPT, KEY = "written", "kept", "written-key.csv"
#: What is said where there are no points.
_SAID = {WAITING: "Handed in, and not marked yet.", NOT_WRITTEN: "Nothing was written."}


@dataclass(frozen=True)
class Mark:
    """Points by rubric item (None: open), the comment, which text was marked, when, where that stands in a file, and
    sentences about other marks of the same answer."""

    points: tuple[float | None, ...]
    comment: str
    answer: str
    when: float
    file: str
    others: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return None not in self.points

    @property
    def total(self) -> float:
        return tidy(math.fsum(points or 0 for points in self.points))

    def __str__(self) -> str:
        said = f"{self.total} points" if self.whole else "an open mark"
        return f"{said} in {self.file}"


@dataclass(frozen=True)
class Summary:
    """A question over the class: how many wrote something, were marked, and wait; the mean of the marks; sentences."""

    question: Written
    written: int
    marked: int
    waiting: int
    mean: float | None
    remarks: tuple[str, ...]


def code_of(secret: bytes, id: str, student: str) -> str:
    """Under which a student's answer to a question is shown: another one for each question, the same in each run."""
    return _letters(hmac.digest(secret, f"written\0{id}\0{student}".encode(), "sha256"))


def _letters(data: bytes) -> str:
    """Ten letters, without vowels: no word, no number and no date for a spreadsheet."""
    return "".join("BCDFGHJKLMNPQRSTVWXZ"[byte % 20] for byte in data[:10])


def _version(text: str) -> str:
    return _letters(hashlib.sha256(text.encode()).digest())


# Marks


def read(out: Path, students: Iterable[str], secret: bytes) -> dict[tuple[str, str], Mark]:
    """(question, student) → the newest mark, of all tables in ``out/written``; a copy of each is kept.

    Raises:
        ValueError: naming file, row and value, for the first one that cannot be read.
    """
    folder, marks = out / FOLDER, dict[tuple[str, str], Mark]()
    here = {_copy(path): path for path in folder.glob("*.csv") if path.name[0] not in ".~"}
    files = [*(copy for copy in (folder / KEPT).glob("*.csv") if copy not in here), *here.values()]
    known = {result.student for result in records.read_known(out)} if files else set()
    people = sorted({*students, *known})
    for path in sorted(files, key=lambda path: (path.stat().st_mtime, path.name)):
        named = re.match(r"(\d+\.\d+)(?!\d)", path.name)
        question = all_written().get(named[1] if named else "")
        if question is None:
            raise ValueError(f"{path}: expected a name that begins with a question, such as {', '.join(all_written())}")
        codes = {code_of(secret, question.id, student): student for student in people}
        for student, mark in _table(path, question, codes):
            marks[question.id, student] = _newer(marks.get((question.id, student)), mark)
    for copy, path in here.items():
        if not copy.exists():
            records.write_atomically(copy, path.read_bytes())
            os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    return marks


def _copy(path: Path) -> Path:
    """Where a copy of a table is kept, by its content."""
    name = f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.csv"
    return path.parent / KEPT / name


def _newer(old: Mark | None, new: Mark) -> Mark:
    if old is None:
        return new
    newest, other = (new, old) if new.when >= old.when else (old, new)
    said = {*old.others, *new.others}
    if (old.points, old.comment) != (new.points, new.comment) and other.whole:
        said.add(f"{newest} counts; {other} is older")
    return replace(newest, others=tuple(sorted(said)))


def _table(path: Path, question: Written, codes: Mapping[str, str]) -> Iterator[tuple[str, Mark]]:
    """The rows that say something."""
    columns, rows = read_table(path, "table of marks")
    items = _items(question)
    if {"code", *items} - {*columns} or {*columns} - {"code", "answer", *items, "comment", "marked", ""}:
        expected = f"code, answer, {', '.join(items)}, comment, marked"
        raise ValueError(f"{path} has the columns {', '.join(columns)}; expected {expected}")
    seen = dict[str, int]()
    for line, cells in rows:
        where, code = f"{path}, line {line}", cells["code"]
        if code not in codes:
            raise ValueError(f"{where}: code is {code!r}; expected one of the page {question.id}.html of this class")
        if seen.setdefault(code, line) != line:
            raise ValueError(f"{where}: code {code} stands in line {seen[code]} already; expected each once")
        points: list[float | None] = []
        for name, (most, _) in zip(items, question.rubric):
            text = cells[name].replace(",", ".")
            if text and not (re.fullmatch(r"\d+(\.\d+)?", text) and float(text) <= most):
                raise ValueError(f"{where}: {name} is {cells[name]!r}; expected points from 0 to {most}, or nothing")
            points.append(tidy(float(text)) if text else None)
        comment, marked = reader.plain(cells.get("comment", "")), cells.get("marked", "")
        if marked or comment or any(point is not None for point in points):
            when = _moment(marked, where) if marked else path.stat().st_mtime
            yield codes[code], Mark(tuple(points), comment, cells.get("answer", ""), when, path.name)


def _items(question: Written) -> list[str]:
    return [f"item {number}" for number, _ in enumerate(question.rubric, 1)]


def _moment(text: str, where: str) -> float:
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        expected = "expected a time such as 2026-12-01T10:00:00Z, or nothing"
        raise ValueError(f"{where}: marked is {text!r}; {expected}") from None


# Results


def join(results: Iterable[UnitResult], marks: _Marks, rows: Iterable[Row] = ()) -> list[UnitResult]:
    """The results with what was marked, as further exercises.

    A question counts as soon as one answer to it is marked, by a table or by a row of adjustments: before, it is no
    part of the points and of their maximum. Then nothing written is 0, and an answer that waits leaves the chapter's
    points open.
    """
    counted = {id for (id, _), mark in marks.items() if mark.whole}
    counted |= {row.what for row in rows if row.points is not None}
    return [_joined(unit, marks, counted & all_written().keys()) for unit in results]


def _joined(unit: UnitResult, marks: _Marks, counted: set[str]) -> UnitResult:
    texts = [text for text in unit.written if text.id in counted]
    unit = replace(unit, max_points=unit.max_points + sum(text.max_points for text in texts))
    if unit.status != GRADED:
        return unit
    more = [_result(text, marks.get((text.id, unit.student))) for text in texts]
    points = None if any(one.points is None for one in more) else sum(one.points or 0 for one in more)
    total = None if points is None or unit.points is None else unit.points + points
    return replace(unit, exercises=(*unit.exercises, *more), points=total)


def _result(text: Text, mark: Mark | None) -> ExerciseResult:
    if mark is None or not mark.whole:
        status = WAITING if text.text else NOT_WRITTEN
        points = None if text.text else 0
        return ExerciseResult(text.id, text.title, points, text.max_points, status, _SAID[status])
    rubric = all_written()[text.id].rubric
    rows = tuple((f"{points} of {most}", what) for points, (most, what) in zip(mark.points, rubric))
    return ExerciseResult(text.id, text.title, mark.total, text.max_points, MARKED, mark.comment, rows)


def summaries(results: Iterable[UnitResult], marks: _Marks) -> list[Summary]:
    """Every question that was asked, over the class, from results with the marks and with what was done by hand."""
    found = _by_question(results)
    return [_summary(all_written()[id], found[id], marks) for id in all_written() if id in found]


def _by_question(results: Iterable[UnitResult]) -> dict[str, list[tuple[UnitResult, Text]]]:
    found: dict[str, list[tuple[UnitResult, Text]]] = {}
    for unit in results:
        for text in unit.written:
            found.setdefault(text.id, []).append((unit, text))
    return found


def _summary(question: Written, answers: list[tuple[UnitResult, Text]], marks: _Marks) -> Summary:
    points, said, open_ = list[float](), list[str](), 0
    for unit, text in answers:
        student, mark = unit.student, marks.get((question.id, unit.student))
        found = [one.points for one in unit.exercises if one.id == question.id and one.status == MARKED]
        points += [point for point in found if point is not None]
        open_ += bool(text.text) and not found
        if mark is None:
            continue
        said += [f"{student}: {other}." for other in mark.others]
        if not mark.whole and any(point is not None for point in mark.points):
            said.append(f"{student}: marked in part, in {mark.file}; the mark counts when no item is empty.")
        if mark.answer and mark.answer != _version(text.text):
            said.append(f"{student}: handed in anew after it was marked; the mark stays until there is a newer one.")
    mean = math.fsum(points) / len(points) if points else None
    written = sum(bool(text.text) for _, text in answers)
    return Summary(question, written, len(points), open_, mean, tuple(said))


# Pages


def write_pages(out: Path, results: Iterable[UnitResult], marks: _Marks, secret: bytes) -> list[Path]:
    """``out/written/1.12.html`` for each question to which something was written, and beside the folder the key to its
    codes. Returns what was made."""
    asked, key = _by_question(results), [("question", "code", "student_id")]
    for id in [id for id in all_written() if id in asked]:
        answers = [(unit, text) for unit, text in asked[id] if text.text or (id, unit.student) in marks]
        if answers:
            html = to_html(all_written()[id], answers, marks, secret)
            records.write_atomically(out / FOLDER / f"{id}.html", html.encode())
            key += sorted((id, code_of(secret, id, unit.student), unit.student) for unit, _ in answers)
    if len(key) == 1:
        return []
    records.write_atomically(out / KEY, "".join(f"{','.join(row)}\n" for row in key).encode())
    return [out / FOLDER, out / KEY]


def to_html(question: Written, answers: list[tuple[UnitResult, Text]], marks: _Marks, secret: bytes) -> str:
    """The page on which a question is marked: static, and its one script is named by its hash."""
    rows, given = [], {}
    for unit, text in answers:
        code = code_of(secret, question.id, unit.student)
        rows.append((code, text.text, text.note, _version(text.text)))
        if mark := marks.get((question.id, unit.student)):
            when = datetime.fromtimestamp(mark.when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            points = ["" if point is None else f"{point:g}" for point in mark.points]
            given[code] = {"items": points, "comment": mark.comment, "answer": mark.answer, "marked": when}
    script = Path(__file__).with_name("written.js").read_text(encoding="utf-8")
    chapter = answers[0][0].chapter
    return page("written.html.j2").render(
        question=question,
        chapter=chapter,
        task=_task(chapter, question.id),
        answers=sorted(rows),
        data={"id": question.id, "class": code_of(secret, "", ""), "items": _items(question), "marks": given},
        script=Markup(script),
        hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _task(chapter: str, id: str) -> str:
    """What the notebook's card asks; "" for a chapter that is gone."""
    try:
        notebook = json.loads((ROOT / NOTEBOOKS / f"{chapter}.ipynb").read_text(encoding="utf-8"))
        return next((asked.task for asked in reader.questions(notebook) if asked.id == id), "")
    except (OSError, ValueError, KeyError):
        return ""
