"""What other programs get: no formula, no zero for our trouble, and what Gradescope and nbgrader document."""

import csv
import json
import re
import shutil
import stat
import sys
from dataclasses import replace

import pytest
from small_class import HOSTILE, ONE, ROSTER, TWO, answer, of, results, unit

from grader import exports


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_grades_have_a_row_for_each_student_and_chapter_and_a_total(tmp_path):
    rows = table(exports.write_grades(tmp_path, reversed(results()), {"ada": "Ada"}))
    assert [(row["student_id"], row["chapter"]) for row in rows] == [
        (student, chapter) for student in sorted(ROSTER) for chapter in (ONE, TWO, "total")
    ]
    points = {(row["student_id"], row["chapter"]): row["points"] for row in rows}
    assert [points["ada", chapter] for chapter in (ONE, TWO, "total")] == ["6", "3", "9"]
    assert [points["kim", chapter] for chapter in (ONE, TWO, "total")] == ["0", "0", "0"]
    assert [points["zoe", chapter] for chapter in (ONE, TWO, "total")] == ["0", "", ""]
    assert {row["max_points"] for row in rows if row["chapter"] == "total"} == {"9"}
    [zoe] = [row for row in rows if (row["student_id"], row["chapter"]) == ("zoe", "total")]
    assert zoe["status"] == "infrastructure error"
    eve = next(row for row in rows if row["student_id"] == "eve")
    assert (eve["jail"], eve["submission"]) == ("none", f"eve/{ONE}.ipynb")


def test_totals_have_a_row_for_each_student(tmp_path):
    ada, bob, eve, kim, zoe = table(exports.write_totals(tmp_path, results(), ROSTER))
    assert ada == {
        "student_id": "ada",
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        ONE: "6",
        TWO: "3",
        "total": "9",
    }
    assert (zoe["name"], zoe[ONE], zoe[TWO], zoe["total"]) == ("Zoë", "0", "", "")
    assert (bob["name"], bob["email"]) == ('\'=HYPERLINK("x")', "@bob")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\t", "\r", "\n", " =", "\uff1d", "\0="])
def test_a_formula_becomes_text(tmp_path, start):
    name = f"{start}cmd|' /C calc'!A0"
    row = next(iter(table(exports.write_grades(tmp_path, of("ada"), {"ada": name}))))
    assert row["name"] == "'" + re.sub(r"[\t\r\n\0]", " ", name)


@pytest.mark.parametrize("name", ["Ada", "Anne-Marie", "1+1", "a=b", 'Zoë, "Z"', ""])
def test_other_text_stays_as_it_is(tmp_path, name):
    assert table(exports.write_grades(tmp_path, of("ada"), {"ada": name}))[0]["name"] == name


def test_a_problem_cannot_be_a_formula_and_an_id_stays_what_a_system_finds_the_student_by(tmp_path):
    units = [replace(unit("ada", ONE, status="student error", points=0, problem="=1+1"), student="-ada")]
    row = table(exports.write_grades(tmp_path, units))[0]
    assert (row["student_id"], row["problem"]) == ("-ada", "'=1+1")


def test_canvas_gets_its_own_columns_and_every_system_the_ids_as_they_are(tmp_path):
    units = [replace(one, student=id) for id in ("-ada", "@bob", "007") for one in of("ada")]
    with exports.write_canvas(tmp_path, units).open(encoding="utf-8-sig", newline="") as file:
        header, possible, *rows = csv.reader(file)
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ONE, TWO]
    assert possible == ["    Points Possible", "", "", "", "", "6", "3"]
    assert [row[3] for row in rows] == ["-ada", "007", "@bob"]
    for write in (exports.write_totals, exports.write_moodle):
        assert [next(iter(row.values())) for row in table(write(tmp_path, units))] == ["-ada", "007", "@bob"]


def test_a_spreadsheet_that_splits_at_semicolons_finds_no_formula(tmp_path):
    units = [replace(unit("ada", ONE, status="student error", points=0, problem="01 a;=cmd|'&C calc'!A0;.ipynb"))]
    exports.write_grades(tmp_path, units)
    assert ";" not in (tmp_path / exports.GRADES).read_text(encoding="utf-8-sig")


#: Gradescope's documentation of results.json: keys, and what they may hold.
_FORMATS = {"text", "html", "simple_format", "md", "ansi"}
_VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
_TOP = {
    "score": int | float,
    "execution_time": int,
    "output": str,
    "output_format": _FORMATS,
    "visibility": _VISIBILITY,
    "stdout_visibility": _VISIBILITY,
    "extra_data": dict,
    "tests": list,
}
_TEST = {
    "score": int | float,
    "max_score": int | float,
    "status": {"passed", "failed"},
    "name": str,
    "number": str,
    "name_format": _FORMATS,
    "output": str,
    "output_format": _FORMATS,
    "tags": list,
    "visibility": _VISIBILITY,
}


def agrees(data, schema):
    assert data.keys() <= schema.keys()
    for key, value in data.items():
        allowed = schema[key]
        assert value in allowed if isinstance(allowed, set) else isinstance(value, allowed), (key, value)


def test_gradescope_results_follow_the_documented_form(tmp_path):
    written = exports.write_gradescope(tmp_path, results())
    assert len(written) == 9 and not (tmp_path / "gradescope" / TWO / "zoe.json").exists()
    for path in written:
        data = json.loads(path.read_text(encoding="utf-8"))
        agrees(data, _TOP)
        for test in data["tests"]:
            agrees(test, _TEST)
        assert data["score"] == sum(test["score"] for test in data["tests"])
    bob = json.loads((tmp_path / "gradescope" / ONE / "bob.json").read_text(encoding="utf-8"))
    assert bob["tests"][0] == {
        "score": 0,
        "max_score": 3,
        "status": "failed",
        "name": "1.1 write the linearization",
        "name_format": "text",
        "number": "1.1",
        "tags": ["values"],
        "visibility": "visible",
        "output_format": "text",
        "output": "✎ Exercise 1.1: keep working · 0 of 3 points\nA sentence about values.\n"
        "    x         array([1., 2.])\n    yours     3\n    expected  4",
    }
    assert bob["output"] == "1 · Taylor bounds\nA note."
    eve = json.loads((tmp_path / "gradescope" / TWO / "eve.json").read_text(encoding="utf-8"))
    assert eve["score"] == 0 and eve["output"].endswith(HOSTILE) and eve["output_format"] == "text"


def test_an_old_gradescope_file_does_not_outlive_its_mark(tmp_path):
    exports.write_gradescope(tmp_path, of("ada", ONE))
    path = tmp_path / "gradescope" / ONE / "ada.json"
    assert path.exists()
    exports.write_gradescope(tmp_path, [unit("ada", ONE, status="infrastructure error", points=None, problem="x")])
    assert not path.exists()


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory):
    """Of no student: making one takes nbgrader seconds."""
    pytest.importorskip("nbgrader.api", reason="nbgrader is not installed (extra `staff`)")
    return exports.write_gradebook(tmp_path_factory.mktemp("empty"), [])


@pytest.fixture
def gradebook(empty_gradebook, tmp_path):
    """Writes results to one gradebook, and opens it as nbgrader does."""
    from nbgrader import api

    shutil.copy(empty_gradebook, tmp_path)

    def write(units):
        path = exports.write_gradebook(tmp_path, units, ROSTER)
        with exports._programs_of_this_python():
            return api.Gradebook(f"sqlite:///{path}")

    return write


def test_nbgrader_reads_the_gradebook(gradebook, tmp_path):
    with gradebook(results()) as book:
        assert stat.S_IMODE((tmp_path / "gradebook.db").stat().st_mode) == 0o600
        assert {student.id for student in book.students} == set(ROSTER)
        ada = book.find_student("ada")
        assert (ada.first_name, ada.last_name, ada.email) == ("Ada", "Lovelace", "ada@example.org")
        scores = {
            assignment.name: {one.student.id: (one.score, one.max_score) for one in assignment.submissions}
            for assignment in book.assignments
        }
        # Nothing handed in (kim), not graded (zoe): no submission, and so no zero.
        assert scores == {
            ONE: {"ada": (6, 6), "bob": (0, 6), "eve": (0, 6), "zoe": (0, 6)},
            TWO: {"ada": (3, 3), "bob": (0, 3), "eve": (0, 3), "kim": (0, 3)},
        }
        assert book.find_grade("check-1-2", ONE, ONE, "ada").auto_score == 3


def test_a_regrade_changes_automatic_scores_and_keeps_what_was_entered_by_hand(gradebook):
    with gradebook(of("ada", ONE)) as book:
        grade = book.find_grade("check-1-1", ONE, ONE, "ada")
        grade.extra_credit = 1
        grade = book.find_grade("check-1-2", ONE, ONE, "ada")
        grade.manual_score = 2
        book.db.commit()
    again = unit("ada", ONE, answer("1.1", "values"), answer("1.2", "values"), answer("2.1", "correct", worth=0))
    with gradebook([again]) as book:
        first, second = (book.find_grade(f"check-1-{n}", ONE, ONE, "ada") for n in (1, 2))
        assert (first.auto_score, first.extra_credit) == (0, 1)
        assert (second.auto_score, second.manual_score) == (0, 2)
        assert book.find_grade("check-2-1", ONE, ONE, "ada").auto_score == 0, "an exercise that is new"
        assert len(book.find_student("ada").submissions) == 1


def test_without_nbgrader_there_is_no_gradebook(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    assert exports.write_gradebook(tmp_path, results()) is None
    assert list(tmp_path.iterdir()) == []


def test_everything_is_made_at_once_and_again(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    made = exports.write_all(tmp_path, results(), ROSTER, ["mallory/: not in the roster"])
    assert {path.name for path in made} == {
        *("report.html", "feedback", "grades.csv", "totals.csv", "canvas.csv", "moodle.csv", "gradescope")
    }
    assert all(path.exists() for path in made)
    assert "mallory/: not in the roster" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Ada Lovelace" in (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    exports.write_all(tmp_path, reversed(results()), ROSTER, ["mallory/: not in the roster"])
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
