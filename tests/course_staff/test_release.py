"""A release: what students need and nothing else, whole or not at all, and what nbgrader makes of it."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_staff import release as module
from course_staff import variants
from course_staff.release import main, read_manifest, release
from course_staff.source import sources

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def made(built_once, declared, tmp_path):
    """A release of the small course."""
    release(tmp_path / "out", root=built_once, exercises=declared)
    return tmp_path / "out"


@pytest.fixture
def unchecked(monkeypatch):
    """This repository's chapters as they are: that they match their sources is for the drift test to say."""
    monkeypatch.setattr(module, "check", lambda *_, **__: [])


def notebook_in(archive, name):
    with zipfile.ZipFile(archive) as files:
        return nbformat.reads(files.read(f"course/{name}.ipynb").decode(), as_version=4)


def test_the_manifest_says_what_was_given_out(made, built_once):
    manifest = read_manifest(made)
    assert [chapter["name"] for chapter in manifest["chapters"]] == ["90_fixture", "91_other"]
    chapter = manifest["chapters"][0]
    student = built_once / "notebooks" / "90_fixture.ipynb"
    assert chapter["exercises"] == [
        {"id": "90.1", "title": "the square", "points": 2},
        {"id": "90.2", "title": "the cube", "points": 1},
    ]
    assert chapter["points"] == 3
    assert chapter["version"] == nbformat.read(student, as_version=4).metadata["course"]["version"]
    assert chapter["sha256"] == hashlib.sha256(student.read_bytes()).hexdigest()
    assert manifest["course"] == {"name": "course", "version": "unknown", "commit": None}
    assert manifest["variants"] is None


def test_the_zip_has_the_students_notebooks_and_no_solution(made, built_once):
    with zipfile.ZipFile(made / "course.zip") as archive:
        names = archive.namelist()
        everything = b"".join(map(archive.read, names))
        student = (built_once / "notebooks" / "90_fixture.ipynb").read_bytes()
        assert archive.read("course/90_fixture.ipynb") == student
    assert {name.split("/")[0] for name in names} == {"course"}
    assert not [name for name in names if "__pycache__" in name or "solutions" in name or "staff" in name]
    assert b"BEGIN SOLUTION" not in everything and b"speaker" not in everything.lower()


def test_the_real_zip_runs_by_itself(unchecked, tmp_path):
    manifest = release(tmp_path / "out", ["00"])
    assert [chapter["name"] for chapter in manifest["chapters"]] == ["00_start_here"]
    with zipfile.ZipFile(tmp_path / "out" / "course.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "course"
    assert manifest["course"]["name"] == "course-utils" and manifest["course"]["version"][0].isdigit()
    assert {"README.md", "environment.yml", "pyproject.toml", "requirements.lock"} <= {
        path.name for path in folder.iterdir()
    }
    notebook = nbformat.read(folder / "00_start_here.ipynb", as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and "raise Not" not in cell.source]
    code.insert(-1, "import course_utils; print(course_utils.__file__)")
    env = {**os.environ, "COURSE_PROGRESS": "", "PYTHONPATH": ""}
    run = subprocess.run(
        [sys.executable, "-c", "def movement(W, W0): pass\n" + "\n".join(code)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert str(folder / "course_utils") in run.stdout, "the package of the zip, not the installed one"
    assert "Exercise 0.1: not attempted yet" in run.stdout


@pytest.mark.parametrize("names", [None, ["06b"]])
def test_the_real_chapters_are_released_all_or_one(names, tmp_path):
    """Also one of the two parts of Chapter 6, which share its exercises' numbers; here nothing is left unchecked."""
    manifest = release(tmp_path / "out", names)
    released = [chapter["name"] for chapter in manifest["chapters"]]
    assert released == [path.stem for path in sources(ROOT, names)]
    for chapter in manifest["chapters"]:
        assert chapter["exercises"], chapter["name"]


def test_the_readme_names_commands_and_files_that_exist(unchecked, tmp_path):
    release(tmp_path / "one", ["00"])
    release(tmp_path / "two", ["00", "01"])
    readme = {}
    for name in ("one", "two"):
        with zipfile.ZipFile(tmp_path / name / "course.zip") as archive:
            readme[name] = archive.read("course/README.md").decode()
            for file in ("requirements.lock", "environment.yml"):
                assert file in readme[name] and f"course/{file}" in archive.namelist()
    assert "# This chapter, for" in readme["one"] and "hand in the notebook under its own name" in readme["one"]
    assert (
        "# These chapters, for" in readme["two"]
        and "`01_taylor_bounds.ipynb` (Taylor bounds) | 50 | 35 |" in readme["two"]
    )
    assert "Your numbers" not in readme["two"]


def test_the_same_chapters_give_the_same_bytes(built_once, declared, tmp_path):
    for name in ("one", "two"):
        release(tmp_path / name, root=built_once, exercises=declared)
    one, two = ((tmp_path / name / "course.zip").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_release_is_never_changed(made, built_once, declared):
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError, match="never changed: choose another folder, such as --out .*out-2"):
        release(made, root=built_once, exercises=declared)
    assert before == {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}


def test_a_release_is_whole_or_not_there(built_once, declared, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(module, "_nbgrader", fails)
    with pytest.raises(OSError, match="the disk is full"):
        release(tmp_path / "sub" / "out", root=built_once, exercises=declared)
    assert list((tmp_path / "sub").iterdir()) == []


def test_chapters_that_are_not_built_are_not_released(built, declared, tmp_path):
    (built / "notebooks" / "90_fixture.ipynb").unlink()
    with pytest.raises(
        ValueError, match=r"90_fixture.ipynb: is missing\nA release needs built chapters: run `make build`"
    ):
        release(tmp_path / "out", ["90"], root=built, exercises=declared)
    with pytest.raises(ValueError, match="no chapter '77'"):
        release(tmp_path / "out", ["77"], root=built, exercises=declared)
    assert not (tmp_path / "out").exists()


def test_what_is_no_release_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no release"):
        read_manifest(tmp_path)
    for content, why in (("{", "not readable as JSON"), ('{"format": 99}', "no manifest of format 1")):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(ValueError, match=why):
            read_manifest(tmp_path)


def test_variants_give_each_student_a_zip_of_their_own(unchecked, tmp_path):
    with pytest.raises(ValueError, match="expected both or neither"):
        release(tmp_path / "out", ["01"], students=["ada"])
    manifest = release(tmp_path / "out", ["01"], students=["ada", "bob"], secret=SECRET)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.json", "students"]
    texts = []
    for student in ("ada", "bob"):
        archive = tmp_path / "out" / "students" / f"{student}.zip"
        numbers = variants.numbers_for(student, "01", SECRET)
        notebook = notebook_in(archive, "01_taylor_bounds")
        assert notebook.metadata["course"]["variant"] == numbers
        text = "\n".join(cell.source for cell in notebook.cells)
        assert all(re.search(rf'check\("{id}", \w+, number={number}\)', text) for id, number in numbers.items())
        given = manifest["variants"]["students"][student]["01_taylor_bounds"]
        assert given["numbers"] == numbers
        with zipfile.ZipFile(archive) as files:
            assert given["sha256"] == hashlib.sha256(files.read("course/01_taylor_bounds.ipynb")).hexdigest()
            assert "**Your numbers are your own.**" in files.read("course/README.md").decode()
            assert not any(SECRET in files.read(name) for name in files.namelist())
        texts.append(text)
    assert texts[0] != texts[1]
    assert manifest["variants"]["secret"] == variants.mark(SECRET)
    assert SECRET.decode() not in (tmp_path / "out" / "manifest.json").read_text()


def test_old_releases_can_be_graded_again():
    # What was given out under this secret. If this fails, regrading a class would use other numbers.
    assert variants.numbers_for("ada", "01", SECRET) == {"1.3": 29, "1.7": 17}


def test_the_command(unchecked, tmp_path, capsys):
    roster, secret, out = tmp_path / "roster.csv", tmp_path / "private" / "secret", tmp_path / "out"
    roster.write_text("\ufeffstudent_id,name\nada,Ada\nbob,Bob\n", encoding="utf-8")
    arguments = ["01", "--out", str(out), "--variants", str(roster), "--secret-file", str(secret)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "a new secret. Keep it" in said and "one zip for each of 2 students" in said
    assert f"--release {out} --out grades --secret-file {secret}" in said
    assert main(arguments) == 1 and "choose another folder" in capsys.readouterr().err
    again = [*arguments[:2], str(tmp_path / "again"), *arguments[3:]]
    assert main(again) == 0, "with the secret that is there now"
    assert "a new secret" not in capsys.readouterr().out
    assert read_manifest(tmp_path / "again") == read_manifest(out)
    with pytest.raises(SystemExit):
        main(["01", "--out", str(tmp_path / "third"), "--variants", str(roster)])


def test_a_roster_that_is_none_leaves_nothing_behind(unchecked, tmp_path, capsys):
    (tmp_path / "roster.csv").write_text("student_id\n../ada\n")
    files = ["--variants", str(tmp_path / "roster.csv"), "--secret-file", str(tmp_path / "secret")]
    assert main(["01", "--out", str(tmp_path / "out"), *files]) == 1
    assert "student_id is '../ada'; expected letters, digits" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and not (tmp_path / "secret").exists()


def test_nbgrader_generates_and_grades_it(made, built_once, monkeypatch):
    """As an instructor would: generate, collect a solved and an untouched notebook, autograde."""
    pytest.importorskip("nbgrader", reason="nbgrader is not installed (extra `staff`)")
    course = made / "nbgrader"
    released = (course / "release" / "90_fixture" / "90_fixture.ipynb").read_bytes()
    for student, source in (("solved", "source"), ("untouched", "release")):
        notebook = nbformat.read(course / source / "90_fixture" / "90_fixture.ipynb", as_version=4)
        folder = course / "submitted" / student / "90_fixture"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "90_fixture.ipynb")
    monkeypatch.setenv("PYTHONPATH", str(built_once))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    script = """
import nbgrader.apps.api, traitlets.config
config = traitlets.config.PyFileConfigLoader("nbgrader_config.py", ".").load_config()
api = nbgrader.apps.api.NbGraderAPI(config=config)
done = [api.generate_assignment("90_fixture")]
done += [api.autograde("90_fixture", student) for student in ("solved", "untouched")]
assert all(one["success"] for one in done), done
with api.gradebook as gradebook:
    print({s.student.id: (s.score, s.max_score) for s in gradebook.find_assignment("90_fixture").submissions})
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=course, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "{'solved': (3.0, 3.0), 'untouched': (0.0, 3.0)}"
    generated = nbformat.read(course / "release" / "90_fixture" / "90_fixture.ipynb", as_version=4)
    ours = nbformat.reads(released.decode(), as_version=4)
    assert [(cell.id, cell.source) for cell in generated.cells] == [(cell.id, cell.source) for cell in ours.cells]
