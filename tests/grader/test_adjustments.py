"""What an instructor enters by hand reaches every table and page, survives reruns, and is never written over."""

import csv
import json
import os
import sqlite3
import zipfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_class import ONE, ROSTER, TITLES, TWO, answer, of, results, unit

from course_utils.exercises import all_exercises
from grader import adjustments, exports, feedback, records
from grader.adjustments import Row
from grader.submissions import Handout, find

HEAD = "student,what,points,change,due,late,reason\n"
DUE = "2026-12-01T23:59"


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """The exercises of the small class, whatever today's chapters ask."""
    asked = {id: SimpleNamespace(id=id, points=3) for id in TITLES}
    monkeypatch.setattr(adjustments, "all_exercises", lambda: {**all_exercises(), **asked})


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


def rows(tmp_path, *lines, head=HEAD):
    path = tmp_path / adjustments.TABLE
    path.write_text(head + "".join(line + "\n" for line in lines))
    return adjustments.read(path, ROSTER, [ONE, TWO])


def points(units):
    return {(unit.student, unit.chapter): unit.points for unit in units}


def test_each_kind_of_row_counts_and_says_why(tmp_path):
    table = rows(
        tmp_path,
        "bob,1.1,1.5,,,,half of it is right",
        "ada,01,,-10%,,,copied a figure",
        "kim,1.2,2,,,,shown at the board",
        "zoe,02,2.5,,,,read by me",
        "*,2.1,,+1,,,a misprint",
    )
    before, after = points(results()), adjustments.apply(results(), table)
    changed = {key: value for key, value in points(after).items() if value != before[key]}
    assert changed == {("bob", ONE): 1.5, ("ada", ONE): 5.4, ("kim", ONE): 2, ("zoe", TWO): 2.5} | {
        ("ada", TWO): 4, ("bob", TWO): 1, ("kim", TWO): 1
    }  # fmt: skip
    found = {(one.student, one.chapter): one for one in after}
    assert found["bob", ONE].exercises[0].remarks == ("Points by hand, set: 0 became 1.5: half of it is right.",)
    assert found["ada", ONE].notes == ("Points by hand, -10 %: 6 became 5.4: copied a figure.",)
    assert found["zoe", TWO].status == "graded", "who has points by hand is no infrastructure error"
    assert found["eve", TWO].points == 0 and not found["eve", TWO].adjusted, "for everyone is: for what is graded"


def test_a_students_row_counts_before_everyones_and_changes_add_up(tmp_path):
    table = rows(tmp_path, "bob,1.1,2,,,,", "*,1.1,3,,,,", "bob,1.1,,-0.5,,,", "*,1.1,,-10%,,,")
    assert points(adjustments.apply(of("bob", ONE), table))["bob", ONE] == pytest.approx(1.3)
    assert points(adjustments.apply(of("eve", ONE), table))["eve", ONE] == pytest.approx(2.7)
    table = rows(tmp_path, "ada,1.1,,-5,,,")
    assert points(adjustments.apply(of("ada", ONE), table))["ada", ONE] == 3, "an exercise has no fewer than 0 points"


@pytest.mark.parametrize(
    "handed_in, lines, expected, late",
    [
        ("2026-12-01T23:59", [f"*,01,,,{DUE},-10%/day,"], 6, 0),
        ("2026-12-02T00:01", [f"*,01,,,{DUE},-10%/day,"], 5.4, 120),
        ("2026-12-04T00:00", [f"*,,,,{DUE},-1/day,"], 3, 172860),
        ("2026-12-31T00:00", [f"*,01,,,{DUE},-1/day,"], 0, None),
        ("2026-12-31T00:00", [f"*,01,,,{DUE},-20%,"], 4.8, None),
        ("2026-12-04T00:00", [f"*,01,,,{DUE},,"], 6, 172860),
        ("2026-12-04T00:00", [f"*,01,,,{DUE},-1/day,", "ada,01,,,2026-12-08,,ill"], 6, 0),
        ("2026-12-09T00:01", [f"*,01,,,{DUE},-1/day,", "ada,01,,,2026-12-08,,ill"], 5, None),
        ("2026-12-04T00:00", [f"*,01,,,{DUE},-1/day,", "ada,01,5.5,,,,by hand"], 5.5, None),
        (None, [f"*,01,,,{DUE},-1/day,"], 6, 0),
    ],
)
def test_deadlines_penalties_and_extensions(tmp_path, handed_in, lines, expected, late):
    [one] = of("ada", ONE)
    when = seconds(handed_in) if handed_in else None
    [after] = adjustments.apply([records.replace(one, handed_in=when)], rows(tmp_path, *lines))
    assert after.points == pytest.approx(expected)
    assert late is None or after.late == late
    assert any("after 2026-12" in note for note in after.notes) == bool(after.late and "by hand" not in lines[-1])


@pytest.mark.parametrize(
    "line, says",
    [
        ("adam,1.1,1,,,,", "line 3: student is 'adam'"),
        ("ada,9.9,1,,,,", "line 3: what is '9.9'"),
        ("ada,1.1,much,,,,", "points is 'much'"),
        ("ada,1.1,nan,,,,", "points is 'nan'"),
        ("ada,1.1,-1,,,,", "points is '-1'"),
        ("ada,1.1,30,,,,", "points are '30' for exercise 1.1"),
        ("ada,1.1,1,1,,,", "expected one of points, change and due"),
        ("ada,1.1,,,,,", "expected one of points, change and due"),
        ("ada,,1,,,,", "points are '1' of what?"),
        ("ada,01,,ten,,,", "change is 'ten'"),
        ("ada,01,,,1.12.2026,,", "due is '1.12.2026'"),
        (f"ada,01,,,{DUE},10%/week,", "late is '10%/week'"),
        (f"ada,1.1,,,{DUE},,", "expected a chapter"),
        ("bob,1.1,2,,,,", "points of bob 1.1 are set in line 2 already"),
        ('ada,"1.1,1', "quotation mark"),
    ],
)
def test_a_row_that_cannot_be_applied_is_named(tmp_path, line, says):
    with pytest.raises(ValueError) as error:
        rows(tmp_path, "bob,1.1,1,,,,", line)
    assert says in str(error.value) and adjustments.TABLE in str(error.value) and "\n" not in str(error.value)


def test_tables_as_excel_writes_them(tmp_path):
    [one, two] = rows(tmp_path, "bob;1;;−2,5;x", "bob;1,2;1,5;;", head="sep=;\nstudent;what;points;change;reason\n")
    assert (one.what, one.change, two.what, two.points) == ("01", (-2.5, False), "1.2", 1.5)
    with pytest.raises(ValueError, match="columns student, mark"):
        rows(tmp_path, head="student,mark,reason\n")
    (tmp_path / adjustments.TABLE).unlink()
    assert adjustments.read(tmp_path / adjustments.TABLE, ROSTER, [ONE]) == []


def table_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_adjustment_reaches_everything(tmp_path):
    table = [Row("bob", "1.1", points=1.5, reason="half of it"), Row("bob", ONE, change=(1, False), reason="a bonus")]
    exports.write_all(tmp_path, results(), ROSTER, (), table)
    bob = {row["student_id"]: row for row in table_of(tmp_path / "totals.csv")}["bob"]
    assert (bob[ONE], bob["total"]) == ("2.5", "2.5")
    moodle = {row["Username"]: row for row in table_of(tmp_path / "moodle.csv")}["bob"]
    assert moodle[ONE] == "2.5" and "half of it" in moodle[f"{ONE} feedback"] and "a bonus" in moodle[f"{ONE} feedback"]
    assert "<" not in (tmp_path / "moodle.csv").read_text(encoding="utf-8"), "a comment may be shown as HTML"
    canvas = {row["SIS Login ID"]: row for row in table_of(tmp_path / "canvas.csv")}
    assert canvas["bob"][ONE] == "2.5" and canvas[""][ONE] == "6"
    page = (tmp_path / "feedback" / "bob.html").read_text(encoding="utf-8")
    assert "2.5 of 6" in page and "1.5 of 3 points" in page and "half of it" in page and "a bonus" in page
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "a bonus" in report and '<td class="n">1.5</td>' in report
    scope = json.loads((tmp_path / "gradescope" / ONE / "bob.json").read_text(encoding="utf-8"))
    assert scope["score"] == 2.5 and scope["tests"][0]["score"] == 1.5 and "a bonus" in scope["output"]


def test_points_typed_into_nbgraders_gradebook_reach_everything_and_stay(tmp_path):
    api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed (extra `staff`)")
    table = [Row("ada", ONE, change=(10, True)), Row("ada", "1.1", points=2)]

    def book():
        return api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}")

    exports.write_all(tmp_path, of("ada", ONE), ROSTER, (), table)
    with exports._programs_of_this_python(), book() as one:
        assert one.find_submission(ONE, "ada").score == pytest.approx(5.5), "the table is in nbgrader's total"
        grade = one.find_grade("check-1-2", ONE, ONE, "ada")
        grade.manual_score, grade.extra_credit = 1, 0.5
        one.db.commit()
    for _ in range(3):
        exports.write_all(tmp_path, of("ada", ONE), ROSTER, (), table)
        [row] = table_of(tmp_path / "totals.csv")
        assert row["total"] == "3.85", "(2 + 1.5) and a tenth"
        with exports._programs_of_this_python(), book() as one:
            grade = one.find_grade("check-1-2", ONE, ONE, "ada")
            assert (grade.auto_score, grade.manual_score, grade.extra_credit) == (3, 1, 0.5)
            assert one.find_submission(ONE, "ada").score == pytest.approx(3.85)
    assert "entered in nbgrader" in (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "gradescope" / ONE / "ada.json").read_text())["score"] == 3.85
    with exports._programs_of_this_python(), book() as one:
        one.find_grade("adjustments", ONE, ONE, "ada").manual_score = -2
        one.db.commit()
    exports.write_all(tmp_path, of("ada", ONE), ROSTER, (), table)
    assert table_of(tmp_path / "totals.csv")[0]["total"] == "1.5"
    assert [row.points for row in adjustments.entered(tmp_path)] == [-2, 1, None]


def test_a_gradebook_that_cannot_be_read_stops_the_run_rather_than_losing_points(tmp_path):
    (tmp_path / "gradebook.db").write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match="gradebook.db, which may hold points by hand"):
        exports.write_all(tmp_path, results(), ROSTER)
    with sqlite3.connect(tmp_path / "other.db"):
        pass
    assert (tmp_path / "gradebook.db").read_bytes() == b"no database" * 100


def test_when_it_was_handed_in(tmp_path):
    notebook = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'
    for student in ("ada", "bob", "kim"):
        (tmp_path / student).mkdir()
        (tmp_path / student / f"{ONE}.ipynb").write_bytes(notebook)
        os.utime(tmp_path / student / f"{ONE}.ipynb", (1e9, 1e9))
    (tmp_path / "bob" / "timestamp.txt").write_text("2026-12-01 23:59:01.5 UTC")
    (tmp_path / "kim" / "submission_metadata.json").write_text('{"created_at": "2026-12-01T15:59:01-08:00"}')
    with zipfile.ZipFile(tmp_path / "zoe.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{ONE}.ipynb", (2026, 11, 30, 12, 0, 0)), notebook)
    with zipfile.ZipFile(tmp_path / "eve.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{ONE}.ipynb"), notebook)  # 1980: by a program without a clock
    os.utime(tmp_path / "eve.zip", (2e9, 2e9))
    units = find(tmp_path, ROSTER, {ONE: Handout(frozenset())}).units
    assert {one.student: one.changed for one in units} == {
        "ada": 1e9,
        "bob": seconds("2026-12-01T23:59:01.5+00:00"),
        "kim": seconds("2026-12-01T23:59:01+00:00"),
        "zoe": seconds("2026-11-30T12:00:00"),
        "eve": 2e9,
    }


def test_tries_are_counted_by_files_and_answers_and_old_results_are_read(tmp_path):
    def written(file, *answers):
        one = records.replace(unit("ada", ONE, answer("1.1", "values", answer="a"), *answers), file=file)
        return records.read(records.write(tmp_path, one))

    assert written("x", answer("1.2", "type", answer="b")).tries == 1
    assert written("x", answer("1.2", "error", sentence="graded again")).exercises[1].tries == 1
    again = written("y", answer("1.2", "correct", answer="c"))
    assert again.tries == 2 and [one.tries for one in again.exercises] == [1, 2]
    path = records.path_of(tmp_path, "ada", ONE)
    old = json.loads(path.read_text())
    for name in ("handed_in", "file", "tries", "numbers", "adjusted", "late"):
        del old[name]
    for one in old["exercises"]:
        del one["tries"], one["adjusted"]
    path.write_text(json.dumps(old))
    assert records.read(path).tries == 1 and records.read(path).points == 3


def test_a_share_of_the_points_is_shown_as_it_is_and_whole_points_without_a_digit(tmp_path):
    half = unit("ada", ONE, answer("1.1", "misconception", 1.5, misconception=0), answer("1.2", "correct", 3.0))
    exports.write_all(tmp_path, [records.replace(half, points=4.5), *of("bob")], ROSTER)
    ada, _ = table_of(tmp_path / "totals.csv")
    assert (ada[ONE], ada["total"]) == ("4.5", "4.5")
    page = (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert "4.5 of 6" in page and "1.5 of 3 points" in page and "3.0" not in page
    assert '<td class="n">3</td>' in (tmp_path / "report.html").read_text(encoding="utf-8")
    whole = feedback.to_html([records.replace(half, points=4.500000001)])
    assert "4.5 of 6" in whole and records.tidy(3.0) == 3 and isinstance(records.tidy(3.0), int)


def test_pseudonyms_stay_the_same_and_the_key_lies_apart(tmp_path):
    named = answer("1.1", "error", sentence="NameError: name 'Lovelace' at ada@example.org")
    units = [unit("ada", ONE, named, notes=("The file ada.ipynb was read as 01.ipynb.",)), *of("zoe")]
    made = exports.write_anonymous(tmp_path, units, ROSTER, [], b"secret")
    assert {path.name for path in made} == {
        *("report.html", "feedback", "grades.csv", "totals.csv", exports.KEY)
    }  # fmt: skip
    key = {row["student_id"]: row["pseudonym"] for row in table_of(tmp_path / exports.KEY)}
    assert {*key} == {*ROSTER}
    text = "".join(path.read_text() + path.name for path in (tmp_path / "anonymous").rglob("*") if path.is_file())
    assert key["ada"] in text and not any(word in text for word in ("ada", "Ada", "Lovelace", "example.org", "Zoë"))
    exports.write_anonymous(tmp_path, units, ROSTER, [], b"secret")
    assert {row["student_id"]: row["pseudonym"] for row in table_of(tmp_path / exports.KEY)} == key
    assert (tmp_path / exports.KEY).stat().st_mode & 0o777 == 0o600


def test_nothing_unfinished_is_left(tmp_path):
    path = records.write(tmp_path, of("ada", ONE)[0])
    (path.parent / f".{path.name}.ab12_x9z").write_text("{")
    (tmp_path / ".hidden.of.mine").write_text("")
    records.remove_unfinished(tmp_path)
    assert os.listdir(path.parent) == [path.name] and (tmp_path / ".hidden.of.mine").exists()


def test_names_as_rosters_sort_them(tmp_path):
    api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed (extra `staff`)")
    path = exports.write_gradebook(tmp_path, of("ada", ONE), {"ada": {"name": "Lovelace, Ada King", "email": ""}})
    with exports._programs_of_this_python(), api.Gradebook(f"sqlite:///{path}") as book:
        ada = book.find_student("ada")
        assert (ada.first_name, ada.last_name) == ("Ada King", "Lovelace")


def test_the_grader_compares_the_release_with_what_grades(tmp_path):
    from grader import grade

    manifest = {"format": 1, "chapters": [{"name": ONE, "version": "old"}, {"name": TWO, "version": "same"}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    wanted = {name: SimpleNamespace(version=version) for name, version in ((ONE, "new"), (TWO, "same"))}
    [sentence] = grade._other_versions(tmp_path, wanted)
    assert ONE in sentence and "old" in sentence and "new" in sentence


def test_the_table_in_the_instructors_guide_is_one(tmp_path):
    guide = (Path(__file__).resolve().parents[2] / "docs" / "teaching.md").read_text(encoding="utf-8")
    text = guide[guide.index("student,what,points") :].split("```")[0]
    (tmp_path / adjustments.TABLE).write_text(text)
    table = adjustments.read(tmp_path / adjustments.TABLE, ROSTER, [ONE, TWO])
    assert [row.student for row in table] == ["*", "ada", "bob", "*", "eve"]
