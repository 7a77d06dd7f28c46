"""Variants from release to report: one's own numbers earn all points, a neighbour's none, and it shows."""

import csv
import zipfile

import nbformat
import pytest

from course_staff import release as releasing
from course_staff import variants
from course_staff.source import read_chapter, sources
from grader import grade, jail, records
from grader import run as running
from grader.submissions import Unit

SECRET = b"0123456789abcdef0123456789abcdef"
NAME = "01_taylor_bounds"


def solved(archive, numbers):
    """The notebook that a student was given, solved with these numbers; without the simulations."""
    with zipfile.ZipFile(archive) as files:
        notebook = nbformat.reads(files.read(f"course/{NAME}.ipynb").decode(), as_version=4)
    [path] = sources(releasing.ROOT, ["01"])
    answers = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in read_chapter(path, releasing.ROOT).solution.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    step, rate = (numbers[id] for id in ("1.3", "1.7"))
    for id, old, new in (
        ("1-3", "np.sqrt(2 * eps / beta)", f"np.sqrt(2 * eps / ({step} * beta))"),
        ("1-7", "return np.polyfit", f"return {rate} ** np.polyfit"),
    ):
        assert old in answers[f"answer-{id}"]
        answers[f"answer-{id}"] = answers[f"answer-{id}"].replace(old, new)
    notebook.cells = [
        cell for cell in notebook.cells if "nbgrader" in cell.metadata or cell.source.startswith("import ")
    ]
    for cell in notebook.cells:
        id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(id, cell.source)
        if id == "check-1-7":  # as releases had it once
            cell.source = (
                f'from course_utils.exercises.variants import yours\n\nyours("1.7", {rate})\n'
                + cell.source.replace(f", number={rate}", "")
            )
            assert cell.source.endswith('check("1.7", decay_rate)')
    return notebook


@pytest.mark.jail
def test_a_class_with_numbers_of_their_own(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.setattr(releasing, "check", lambda *_, **__: [])  # what is stale is for the drift test to say
    (tmp_path / "roster.csv").write_text("student_id\nada\nbob\n")
    (tmp_path / "secret").write_bytes(SECRET)
    releasing.release(tmp_path / "given", ["01"], students=["ada", "bob"], secret=SECRET)
    numbers = {student: variants.numbers_for(student, NAME, SECRET) for student in ("ada", "bob")}
    for student in ("ada", "bob"):  # bob hands in ada's notebook
        folder = tmp_path / "handed-in" / student
        folder.mkdir(parents=True)
        notebook = solved(tmp_path / "given" / "students" / "ada.zip", numbers["ada"])
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
    places = {"--roster": "roster.csv", "--out": "grades", "--release": "given"}
    arguments = [str(tmp_path / "handed-in"), "--jobs", "1", "--jail", kind]
    arguments += [word for option, name in places.items() for word in (option, str(tmp_path / name))]
    assert grade.main(arguments) == grade.UNUSABLE
    assert "has variants: name their secret by --secret-file" in capsys.readouterr().err
    (tmp_path / "another").write_bytes(SECRET[::-1])
    assert grade.main([*arguments, "--secret-file", str(tmp_path / "another")]) == grade.UNUSABLE
    assert "was not made with the secret of --secret-file" in capsys.readouterr().err
    assert grade.main([*arguments, "--secret-file", str(tmp_path / "secret")]) == 0

    ada, bob = records.read_all(tmp_path / "grades")
    assert ada.chapter == bob.chapter == NAME, "the chapters of the release"
    assert (ada.points, ada.max_points) == (29, 29)
    wrong = {exercise.id: exercise for exercise in bob.exercises if exercise.status != "correct"}
    assert set(wrong) == {id for id in numbers["ada"] if numbers["ada"][id] != numbers["bob"][id]} == {"1.3", "1.7"}
    assert bob.points == 26
    assert not ada.notes and "as if it had been made for somebody else" in bob.notes[0]
    report = (tmp_path / "grades" / "report.html").read_text(encoding="utf-8")
    assert report.count("right for the numbers of") >= 2
    feedback = (tmp_path / "grades" / "feedback" / "bob.html").read_text(encoding="utf-8")
    assert "ada" not in feedback
    with (tmp_path / "grades" / "totals.csv").open(encoding="utf-8-sig") as file:
        assert {row["student_id"]: row["total"] for row in csv.DictReader(file)} == {"ada": "29", "bob": "26"}


def test_a_worker_that_outlives_a_run_asks_for_the_next_courses_numbers():
    unit = Unit("ada", NAME)
    settings = [
        running.Settings("out", "in", "view", jail.NONE, b"", {}, course_secret=secret)
        for secret in (SECRET, SECRET[::-1], None)
    ]
    messages = [running.exercises_of(unit, one)["1.3"].misconceptions[0].message for one in settings]
    assert len(set(messages)) == 3
