"""Answers that a person marks: collected wherever they stand, shown without names, and no mark is lost or invented."""

import csv
import json
import os
import re
import shutil
from base64 import b64encode
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace

import nbformat
import pytest
from small_class import HOSTILE, ONE, ROSTER, answer, unit
from test_feedback import Page
from written_class import (
    ASKED,
    EMPTY,
    QUESTION,
    SECRET,
    TEXTS,
    cell,
    notebook,
    questions,
    results,
    text_of,
    written_in,
)  # fmt: skip

from course_staff import release
from grader import adjustments, exports, feedback, grade, reader, records, report, written
from grader.adjustments import Row
from grader.submissions import Handout, find

HEAD = "code,answer,item 1,item 2,item 3,comment,marked\n"


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    for module in (written, adjustments):
        monkeypatch.setattr(module, "all_written", lambda: ASKED)


def code(student, id="1.12"):
    return written.code_of(SECRET, id, student)


def put(out, *rows, name="1.12.csv", head=HEAD, when=None):
    """A table of marks beside the page: rows begin with a student, in the place of the code."""
    path = out / written.FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + "".join(f"{code(row.split(',')[0])},{row.split(',', 1)[1]}\n" for row in rows))
    if when is not None:
        os.utime(path, (when, when))
    return path


def marks(out):
    return written.read(out, ROSTER, SECRET)


def joined(out, units=None, rows=()):
    return {unit.student: unit for unit in written.join(units or results(), marks(out), rows)}


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# Collecting


def answered(change):
    made = written_in("One.")
    change(made["cells"])
    return made


def without_metadata(cells):
    for one in cells:
        one.pop("id")
        one["metadata"] = {}


def split(cells):
    cells[4]["source"] = "One."
    cells[5:5] = [cell("markdown", "Two.", "x"), cell("code", "1 + 1", "y"), cell("raw", "Three.", "z")]


def below_the_stub_in_a_cell_of_its_own(cells):
    cells[4]["source"] = EMPTY
    cells.insert(5, cell("markdown", "One.", "x"))


def before_the_cell(cells):
    cells[4]["source"] = EMPTY
    cells.insert(4, cell("markdown", "One.", "x"))


def into_the_card(cells):
    cells[4]["source"] = EMPTY
    cells[2]["source"] += "\n\nOne."


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda cells: None, "One."),
        (lambda cells: cells[4].update(source=[f"{EMPTY}\n", "\n", "One."]), "One."),
        (lambda cells: cells[4].update(source=f"One.\n\n{EMPTY}"), "One."),
        (lambda cells: cells[4].update(cell_type="raw"), "One."),
        (lambda cells: cells.append(cells.pop(4)), "One."),
        (lambda cells: cells[4].update(id="new"), "One."),
        (lambda cells: cells[4].update(metadata={}), "One."),
        (lambda cells: cells.pop(3), "One."),
        (lambda cells: cells[5].update(source="## What follows, and a note of mine"), "One."),
        (lambda cells: cells[4].update(source="# Exercise is good\n\nOne."), "# Exercise is good\n\nOne."),
        (lambda cells: cells[4].update(source="### Exercise 1.12 — mine"), "### Exercise 1.12 — mine"),
        (without_metadata, "One."),
        (split, "One.\n\nTwo.\n\nThree."),
        (below_the_stub_in_a_cell_of_its_own, "One."),
        (before_the_cell, "One."),
        (into_the_card, "One."),
    ],
)  # fmt: skip
def test_an_answer_is_found_wherever_it_was_written(change, text):
    assert text_of(answered(change)) == (text, "")


@pytest.mark.parametrize("source", [EMPTY, f" {EMPTY}\n", "", " \n\t", f"{EMPTY}\n\n{EMPTY}"])
def test_an_empty_answer_is_nothing(source):
    assert text_of(written_in(source)) == ("", "")


@pytest.mark.parametrize("place", range(8))
def test_a_missing_cell_of_the_notebook_makes_no_answer(place):
    made = notebook()
    del made["cells"][place]
    assert text_of(made) == ("", "")


def test_what_the_class_was_given_and_notes_elsewhere_are_no_answer():
    made = written_in("One.")
    made["cells"].append(cell("markdown", "A note at the end.", "note"))
    made["cells"].insert(1, cell("markdown", "A note at the beginning.", "note"))
    assert text_of(made)[0] == "One."


def test_hostile_text_is_cut_and_cleaned_with_a_sentence(tmp_path):
    text, note = text_of(written_in("x" * 10_000_000))
    assert text == "x" * 20_000 and note == "The answer to 1.12 has 10000000 letters; the first 20000 were taken."
    many = written_in("y" * 15_000)
    many["cells"][5:5] = [cell("markdown", "z" * 15_000, f"m{number}") for number in range(2000)]
    text, note = text_of(many)
    assert len(text) == 20_000 and "the first 20000 were taken" in note
    text, _ = text_of(written_in("a\0b\x1b[31m\u202ec\ud800\r\nd\te\u00a0f\u200d"))
    assert text == "a�b�[31m�c?\nd   e f\u200d"
    text, note = text_of(written_in("See ![image.png](attachment:image.png)"))
    assert text.startswith("See") and "picture, which was not taken" in note
    for wrong in (None, 7, {"a": 1}, [1, None], [["x"]]):
        assert text_of(written_in(wrong))[0] == ""
    odd = written_in("One.")
    odd["cells"][3:3] = [None, 5, {"cell_type": "markdown", "metadata": [], "id": {}}, {"metadata": {"nbgrader": 1}}]
    assert text_of(odd)[0] == "One."


def test_of_several_notebooks_one_with_a_written_answer_alone_is_one_that_was_worked_on(tmp_path):
    (tmp_path / "ada").mkdir()
    for name, content, when in (("a", written_in("One."), 1e9), ("b", notebook(), 2e9)):
        path = tmp_path / "ada" / f"01 {name}.ipynb"
        path.write_text(json.dumps(content))
        os.utime(path, (when, when))
    cells = frozenset(one["source"] for one in notebook()["cells"] if one["cell_type"] == "code")
    [found] = find(tmp_path, ["ada"], {ONE: Handout(frozenset(), cells, questions())}).units
    assert found.path.endswith("01 a.ipynb")


# The page


def page_of(units=None, given=None):
    asked = [(unit, text) for unit in units or results() for text in unit.written if text.text]
    return written.to_html(QUESTION, asked, given or {}, SECRET)


def test_the_page_has_no_names_and_an_order_that_tells_nothing():
    html = page_of()
    for student in ("ada", "bob", "eve", "zoe", "kim"):
        assert not re.search(rf"\b{student}\b", html), student
    shown = re.findall(r'<article id="([A-Z]+)"', html)
    assert shown == sorted(map(code, ("ada", "bob", "eve"))), "whoever wrote nothing is not there"
    assert page_of(results()[::-1]) == html
    many = [f"s{number:03}" for number in range(200)]
    assert len({code(student) for student in many}) == 200
    assert sorted(many, key=code) not in (many, many[::-1])
    assert code("ada") == code("ada") != code("ada", "1.13")
    assert all(re.fullmatch("[B-DF-HJ-NP-TV-XZ]{10}", code(student)) for student in many), "nothing that Excel changes"


def test_what_students_wrote_is_text_and_the_page_runs_its_own_script_only():
    html = page_of(results(ada="</script><script>alert(1)</script>"))
    page = Page(html)
    assert page.active == ["script", "script"], "its data and its program"
    assert HOSTILE in page.text and "</script><script>alert(1)</script>" in page.text
    assert TEXTS["bob"] in page.text and "**typical**" in page.text, "Markdown is shown as it was written"
    [program] = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashed = b64encode(sha256(program.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}';" in html


def test_a_comment_that_comes_back_stays_text():
    mark = written.Mark((2, None, None), "</script><script>alert(1)</script>", "", 1e9, "1.12.csv")
    html = page_of(given={("1.12", "ada"): mark})
    assert html.count("<script") == 2 and "2001-09-09T01:46:40.000Z" in html


# Marks


def test_a_question_counts_from_the_first_mark_on_and_an_unmarked_answer_is_never_a_zero(tmp_path):
    before = joined(tmp_path)
    assert {student: (unit.points, unit.max_points) for student, unit in before.items()} == {
        **dict.fromkeys(("ada", "bob", "eve", "zoe"), (3, 6)), "kim": (0, 6), "max": (None, 6)
    }  # fmt: skip
    put(tmp_path, "ada,,2,1.5,0,Good.,")
    after = joined(tmp_path)
    assert {student: (unit.points, unit.max_points, unit.waiting) for student, unit in after.items()} == {
        "ada": (6.5, 12, ()),
        "bob": (None, 12, ("1.12",)),
        "eve": (None, 12, ("1.12",)),
        "zoe": (3, 12, ()),
        "kim": (0, 12, ()),
        "max": (None, 12, ()),
    }
    ada, zoe = after["ada"].exercises[-1], after["zoe"].exercises[-1]
    assert (ada.points, ada.max_points, ada.status, ada.sentence) == (3.5, 6, "marked", "Good.")
    assert ada.rows == (
        ("2 of 2", QUESTION.rubric[0][1]),
        ("1.5 of 3", QUESTION.rubric[1][1]),
        ("0 of 1", "gives a number"),
    )
    assert (zoe.points, zoe.status) == (0, "nothing written")


def test_every_table_has_an_empty_cell_for_what_is_not_marked(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nbgrader.api", None)
    put(tmp_path, "ada,,2,3,1,,", "bob,,2,,,,")
    units = list(joined(tmp_path).values())
    exports.write_all(tmp_path, units, ROSTER, (), (), None, marks(tmp_path))
    total = {row["student_id"]: (row[ONE], row["total"]) for row in table(tmp_path / "totals.csv")}
    assert total == {
        "ada": ("9", "9"), "bob": ("", ""), "eve": ("", ""), "kim": ("0", "0"), "max": ("", ""), "zoe": ("3", "3")
    }  # fmt: skip
    canvas = {row["SIS Login ID"]: row[ONE] for row in table(tmp_path / "canvas.csv")}
    assert canvas == {"": "12", "ada": "9", "bob": "", "eve": "", "kim": "0", "max": "", "zoe": "3"}
    moodle = {row["Username"]: (row[ONE], row[f"{ONE} feedback"]) for row in table(tmp_path / "moodle.csv")}
    assert moodle["bob"] == ("", "") and moodle["ada"][1] == "1.1: 3 of 3, 1.2: 0 of 3, 1.12: 6 of 6."
    grades = {(row["student_id"], row["chapter"]): row for row in table(tmp_path / "grades.csv")}
    assert (grades["bob", ONE]["points"], grades["bob", ONE]["waiting"]) == ("", "1.12")
    assert [grades[one, "total"]["status"] for one in ("ada", "bob", "max")] == [
        "graded", "not marked yet", "infrastructure error"
    ]  # fmt: skip
    scope = tmp_path / "gradescope" / ONE
    assert not (scope / "bob.json").exists()
    ada = json.loads((scope / "ada.json").read_text())
    assert ada["score"] == sum(test["score"] for test in ada["tests"]) == 9
    assert ada["tests"][-1]["status"] == "passed" and "3 of 3: names a case" in ada["tests"][-1]["output"]


def test_without_any_mark_gradescope_has_the_automatic_points(tmp_path):
    exports.write_gradescope(tmp_path, joined(tmp_path).values())
    assert json.loads((tmp_path / "gradescope" / ONE / "bob.json").read_text())["score"] == 3


@pytest.mark.parametrize(
    "row, says",
    [
        ("{ada},,2,4,0,,", "line 3: item 2 is '4'; expected points from 0 to 3, or nothing"),
        ("{ada},,-1,1,0,,", "line 3: item 1 is '-1'"),
        ("{ada},,nan,1,0,,", "line 3: item 1 is 'nan'"),
        ("{ada},,1e0,1,0,,", "line 3: item 1 is '1e0'"),
        ("{ada},,good,1,0,,", "line 3: item 1 is 'good'"),
        ("ada,,2,1,0,,", "line 3: code is 'ada'; expected one of the page 1.12.html of this class"),
        ("{other},,2,1,0,,", "line 3: code is "),
        ("{bob},,2,1,0,,", "stands in line 2 already"),
        ("{ada},,2,1,0,,yesterday", "line 3: marked is 'yesterday'; expected a time such as"),
        ('{ada},,2,1,0,"x,', "quotation mark"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path, row, says):
    path = put(tmp_path, "bob,,1,1,1,,")
    codes = {"ada": code("ada"), "bob": code("bob"), "other": code("ada", "1.13")}
    path.write_text(path.read_text() + row.format(**codes) + "\n")
    before = path.read_bytes()
    with pytest.raises(ValueError) as error:
        marks(tmp_path)
    assert says in str(error.value) and "1.12.csv" in str(error.value) and "\n" not in str(error.value)
    assert path.read_bytes() == before and not (path.parent / written.KEPT).exists()


def test_columns_and_names_of_files_are_read_strictly(tmp_path):
    put(tmp_path, head="code,item 1,item 2,points\n")
    with pytest.raises(ValueError, match=r"has the columns code, item 1, item 2, points; expected code, .*item 3"):
        marks(tmp_path)
    (tmp_path / written.FOLDER / "1.12.csv").unlink()
    for name in ("2.12.csv", "marks.csv", "1.123.csv"):
        path = put(tmp_path, name=name)
        with pytest.raises(ValueError, match=f"{name}: expected a name that begins with a question, such as 1.12"):
            marks(tmp_path)
        path.unlink()
    put(tmp_path, "ada,,x,x,x,,", name="._1.12.csv")  # what macOS writes beside a file
    assert marks(tmp_path) == {}


def test_a_table_as_a_spreadsheet_writes_it(tmp_path):
    path = put(tmp_path, head="")
    text = f'code;item 1;item 2;item 3;comment\r\n{code("ada")};2;1,5;0;"Zwei Zeilen,\r\nmit Ümlaut"\r\n;;;;\r\n'
    path.write_bytes(text.encode("cp1252"))
    mark = marks(tmp_path)["1.12", "ada"]
    assert (mark.points, mark.comment) == ((2, 1.5, 0), "Zwei Zeilen,\nmit Ümlaut")


def test_of_marks_that_arrive_twice_the_newest_counts_and_the_former_is_kept_and_named(tmp_path):
    put(tmp_path, "ada,,1,1,1,,2026-12-02T10:00:00Z", "bob,,2,3,1,,2026-12-02T10:00:00Z")
    put(tmp_path, "ada,,2,2,1,,2026-12-01T10:00:00Z", "eve,,0,0,0,,2026-12-01T10:00:00Z", name="1.12 (1).csv")
    found = joined(tmp_path)
    assert [found[student].exercises[-1].points for student in ("ada", "bob", "eve")] == [3, 6, 0], (
        "each of two markers"
    )
    [one] = written.summaries(found.values(), marks(tmp_path))
    assert one.remarks == ("ada: 3 points in 1.12.csv counts; 5 points in 1.12 (1).csv is older.",)
    assert (one.written, one.marked, one.waiting, one.mean) == (3, 3, 0, 3)


def test_without_a_time_the_newest_file_counts(tmp_path):
    put(tmp_path, "ada,,1,1,1,,", when=2e9)
    put(tmp_path, "ada,,2,2,1,,", "bob,,,,,,", name="1.12-second.csv", when=1e9)
    assert joined(tmp_path)["ada"].exercises[-1].points == 3
    os.utime(tmp_path / written.FOLDER / "1.12-second.csv", (3e9, 3e9))
    assert joined(tmp_path)["ada"].exercises[-1].points == 5
    assert ("1.12", "bob") not in marks(tmp_path), "an empty row says nothing"


def test_a_table_that_replaces_another_takes_no_mark_away(tmp_path):
    path = put(tmp_path, "ada,,1,1,1,first marker,2026-12-01T10:00:00Z")
    first = path.read_bytes()
    marks(tmp_path)
    put(tmp_path, "bob,,2,2,1,second marker,2026-12-01T09:00:00Z")
    for _ in range(2):
        assert {student for _, student in marks(tmp_path)} == {"ada", "bob"}
    kept = list((tmp_path / written.FOLDER / written.KEPT).iterdir())
    assert len(kept) == 2 and first in [one.read_bytes() for one in kept]
    assert all(one.stat().st_mode & 0o077 == 0 for one in kept)
    path.unlink()
    assert joined(tmp_path)["ada"].exercises[-1].sentence == "first marker"


def test_an_edit_in_the_table_counts_and_a_mark_can_be_taken_back(tmp_path):
    put(tmp_path, "ada,,1,1,1,,2026-12-01T10:00:00Z", when=1e9)
    marks(tmp_path)
    put(tmp_path, "ada,,2,1,1,,2026-12-01T10:00:00Z", when=2e9)
    assert joined(tmp_path)["ada"].points == 7, "changed in a spreadsheet, which leaves the time"
    put(tmp_path, "ada,,,,,,2026-12-01T11:00:00Z", "bob,,0,0,0,,", when=3e9)
    assert joined(tmp_path)["ada"].points is None and joined(tmp_path)["bob"].points == 3


def test_marks_that_come_late_or_before_an_answer_are_said_and_never_lost(tmp_path):
    version = written._version(TEXTS["ada"])
    put(tmp_path, f"ada,{version},1,1,1,,", f"bob,{version},1,,,,", "zoe,,1,1,0,,")
    units = results(ada="Another text.")
    assert joined(tmp_path, units)["ada"].points == 6 and joined(tmp_path)["zoe"].points == 5
    [one] = written.summaries(units, marks(tmp_path))
    assert [sentence[:25] for sentence in one.remarks] == [
        "ada: handed in anew after",
        "bob: marked in part, in 1",
        "bob: handed in anew after",
    ]
    [one] = written.summaries(results(), marks(tmp_path))
    assert not any("ada" in sentence for sentence in one.remarks)
    gone = [unit for unit in results() if unit.student != "ada"]
    assert written.join(gone, marks(tmp_path)), "a student who left has a row, and it stops nothing"


# Points by hand, nbgrader, feedback, report


def test_points_by_hand_come_after_the_marks_and_count_as_one(tmp_path):
    rows = [Row("bob", "1.12", points=4, reason="read at the board")]
    first = adjustments.apply(written.join(results(), {}, rows), rows)
    bob, eve = (next(unit for unit in first if unit.student == one) for one in ("bob", "eve"))
    assert (bob.points, bob.max_points, bob.exercises[-1].status) == (7, 12, "marked")
    assert bob.exercises[-1].sentence == "" and "board" in bob.exercises[-1].remarks[0]
    assert eve.points is None and eve.waiting == ("1.12",), "the question counts now"
    [one] = written.summaries(first, {})
    assert (one.written, one.marked, one.waiting, one.mean) == (3, 1, 2, 4)
    put(tmp_path, "ada,,2,2,0,Good.,")
    table = [
        Row("ada", "1.12", change=(1, False)), Row("eve", "1.12", change=(1, False)), Row("kim", "1.12", points=2),
        Row("*", "01", due=1e9, late=(10, True, None)),
    ]  # fmt: skip
    units = [replace(unit, handed_in=2e9 if unit.student in ("ada", "eve") else None) for unit in results()]
    after = {unit.student: unit for unit in adjustments.apply(written.join(units, marks(tmp_path)), table)}
    assert after["ada"].points == pytest.approx(7.2), "(3 + 4 + 1) and a tenth less"
    assert after["ada"].exercises[-1].sentence == "Good."
    assert after["eve"].points is None and after["eve"].late == 1e9 and "fewer" not in "".join(after["eve"].notes)
    assert after["kim"].points == 2 and after["kim"].exercises[-1].status == "marked"
    whole = adjustments.apply(written.join(units, marks(tmp_path)), [Row("eve", "01", points=5)])
    assert next(unit for unit in whole if unit.student == "eve").points == 5


def test_a_row_of_the_table_of_adjustments_may_name_a_written_answer(tmp_path):
    path = tmp_path / adjustments.TABLE
    path.write_text("student,what,points,reason\nada,1.12,4,\n")
    assert adjustments.read(path, ROSTER, [ONE])[0].what == "1.12"
    path.write_text("student,what,points,reason\nada,1.12,7,\n")
    with pytest.raises(ValueError, match="points are '7' for exercise 1.12; expected up to 6"):
        adjustments.read(path, ROSTER, [ONE])


def test_nbgraders_gradebook_has_a_cell_that_waits_for_a_person(tmp_path):
    api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed (extra `staff`)")

    def scores():
        with exports._programs_of_this_python(), api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
            found = {}
            for student in ("ada", "bob", "zoe"):
                grade = book.find_grade("answer-1-12", ONE, ONE, student)
                found[student] = grade.auto_score, grade.needs_manual_grade, grade.cell_type, grade.max_score
            return found, book.find_submission(ONE, "ada").score, book.find_submission(ONE, "bob").needs_manual_grade

    exports.write_gradebook(tmp_path, joined(tmp_path).values(), ROSTER)
    waiting = (None, True, "markdown", 6)
    assert scores() == ({"ada": waiting, "bob": waiting, "zoe": (None, False, "markdown", 6)}, 3, True)
    put(tmp_path, "ada,,2,1.5,0,,")
    exports.write_gradebook(tmp_path, joined(tmp_path).values(), ROSTER)
    marked = (3.5, False, "markdown", 6)
    assert scores() == ({"ada": marked, "bob": waiting, "zoe": (0, False, "markdown", 6)}, 6.5, True)
    with exports._programs_of_this_python(), api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        grade = book.find_grade("answer-1-12", ONE, ONE, "bob")
        grade.manual_score, grade.needs_manual_grade = 4, False
        book.db.commit()
    typed = adjustments.entered(tmp_path)
    assert [(row.student, row.what, row.points) for row in typed] == [("bob", "1.12", 4)]
    units = list(joined(tmp_path, rows=typed).values())
    for _ in range(2):
        exports.write_all(tmp_path, units, ROSTER)
        assert scores()[0]["bob"] == (None, False, "markdown", 6) and not scores()[2]
        assert {row["student_id"]: row["total"] for row in table(tmp_path / "totals.csv")}["bob"] == "7"


def test_feedback_says_the_points_by_item_the_comment_and_what_is_open(tmp_path):
    def text(unit):
        return " ".join(Page(feedback.to_html([unit])).text.split())

    assert "Handed in. A person marks it" in text(joined(tmp_path)["ada"]) and "3 of 6" in text(joined(tmp_path)["ada"])
    assert "Nothing was written here." in text(joined(tmp_path)["zoe"])
    put(tmp_path, f'ada,,2,1.5,0,"{HOSTILE.replace(chr(34), chr(34) * 2)}",')
    found = joined(tmp_path)
    ada, bob, zoe, kim = (text(found[student]) for student in ("ada", "bob", "zoe", "kim"))
    assert "Marked · 3.5 of 6 points 2 of 2: says that it is an upper bound" in ada and HOSTILE in ada
    assert "6.5 of 12" in ada and "An input that is shown" not in ada
    assert not Page(feedback.to_html([found["ada"]])).active
    assert "The points of this chapter come when 1.12 is marked." in bob and "1 chapter is not graded yet" in bob
    assert "0 of 6" not in bob and "Not marked yet" in bob
    assert "Nothing written · 0 of 6 points" in zoe and "Nothing was handed in" in kim


def test_the_report_says_what_waits_and_leads_to_the_page(tmp_path):
    put(tmp_path, "ada,,2,1.5,0,,", "bob,,1,,,,")
    units = list(joined(tmp_path).values())
    html = report.to_html(units, {}, (), None, written.summaries(units, marks(tmp_path)))
    text = " ".join(Page(html.replace("</t", " </t")).text.split())
    assert 'href="written/1.12.html"' in html
    assert "1.12 what the bound does not say 3 1 2 3.5 of 6" in text
    assert "1.12: to look at bob: marked in part" in text
    ids, rows = report.matrix(units)
    assert ids == ["1.1", "1.2", "1.12"]
    assert {student: (points[2], total) for student, points, total in rows} == {
        "ada": ("3.5", 6.5), "bob": ("?", None), "eve": ("?", None), "kim": ("–", 0),
        "max": ("?", None), "zoe": ("0", 3),
    }  # fmt: skip
    assert [exercise.id for exercise in report.summaries(units)[0].exercises] == ["1.1", "1.2"]
    assert "Written answers" not in report.to_html([unit("ada", ONE, answer("1.1", "correct"))])


def test_results_of_before_are_read_and_new_ones_keep_the_text(tmp_path):
    [ada, *_] = results()
    path = records.write(tmp_path, ada)
    assert records.read(path).written == ada.written
    old = json.loads(path.read_text())
    del old["written"]
    path.write_text(json.dumps(old))
    assert records.read(path).written == () and joined(tmp_path, [records.read(path)])["ada"].points == 3


# The command, and the release


@pytest.mark.jail
def test_a_class_is_collected_marked_and_reported(tmp_path, kind, monkeypatch):
    chapter, root = "00_start_here", grade.ROOT
    given = json.loads((root / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    given["cells"] += notebook()["cells"][2:6]
    given["metadata"]["course"]["written"] = notebook()["metadata"]["course"]["written"]
    real = grade.chapters

    def chapters(*arguments):
        [[name, one]] = real(*arguments).items()
        return {name: replace(one, handout=replace(one.handout, questions=reader.questions(given)))}

    monkeypatch.setattr(grade, "chapters", chapters)
    (tmp_path / "roster.csv").write_text("student_id,name\nada,Ada\nbob,Bob\ncyd,Cyd\n")
    for student, text in (("ada", TEXTS["ada"]), ("bob", HOSTILE), ("cyd", EMPTY)):
        handed_in = deepcopy(given)
        handed_in["cells"][-2]["source"] = text
        path = tmp_path / "in" / student / f"{chapter}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(handed_in))
    out = tmp_path / "grades"
    command = [tmp_path / "in", "--roster", tmp_path / "roster.csv", "--out", out, "--chapter", "00", "--jobs", "1"]
    command = [*map(str, command), "--jail", kind]

    def totals():
        return {row["student_id"]: row["total"] for row in table(out / "totals.csv")}

    assert grade.main(command) == 0 and totals() == {"ada": "0", "bob": "0", "cyd": "0"}
    page = out / "written" / "1.12.html"
    assert HOSTILE in Page(page.read_text()).text and page.stat().st_mode & 0o077 == 0
    codes = {row["student_id"]: row["code"] for row in table(out / written.KEY)}
    assert {*codes} == {"ada", "bob"}
    marked = out / "written" / "1.12.csv"
    marked.write_text(f"code,item 1,item 2,item 3,comment\n{codes['ada']},2,2,1,Good.\n")
    before = marked.read_bytes()
    for more in (["--only-reports"], []):
        assert grade.main([*command, *more]) == 0
        assert totals() == {"ada": "5", "bob": "", "cyd": "0"} and marked.read_bytes() == before
    assert "Good." in (out / "feedback" / "ada.html").read_text()
    assert grade.main([*command, "--anonymous"]) == 0
    assert sorted(row["total"] for row in table(out / "anonymous" / "totals.csv")) == ["", "0", "5"]
    marked.write_text(before.decode().replace(",2,2,1", ",2,2,9"))
    shutil.rmtree(out / "feedback")
    assert grade.main(command) == grade.UNUSABLE and not (out / "feedback").exists(), "before anything is written"


def test_nbgrader_keeps_the_cell_as_one_to_be_marked_by_hand():
    preprocessors = pytest.importorskip("nbgrader.preprocessors", reason="nbgrader is not installed (extra `staff`)")
    names = "CourseDirectory", "ExecutePreprocessor", "ClearSolutions"
    settings = SimpleNamespace(**{name: SimpleNamespace() for name in names})
    exec(release._NBGRADER_CONFIG, {"get_config": lambda: settings})
    solution = written_in("**Model answer.** It says nothing about most directions.")
    made = nbformat.from_dict(solution)
    preprocessors.CheckCellMetadata().preprocess(made, {})
    cleared, _ = preprocessors.ClearSolutions(text_stub=settings.ClearSolutions.text_stub).preprocess(made, {})
    assert cleared.cells[4].source == EMPTY and "Model answer" not in json.dumps(cleared)
    assert cleared.cells[4].metadata.nbgrader.grade_id == adjustments.cell_of("1.12")


def test_the_manifest_lists_written_answers_and_their_points():
    course = {"title": "T", "version": "v", "minutes": 3, "exercises": [{"id": "1.1", "title": "a", "points": 2}]}
    assert release._listed("01_x", course)["points"] == 2 and release._listed("01_x", course)["written"] == []
    listed = release._listed("01_x", course | notebook()["metadata"]["course"])
    assert listed["points"] == 8 and listed["written"] == [{"id": "1.12", "title": QUESTION.title, "points": 6}]
