"""The course runs from a wheel, in an empty folder, without the repository."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Takes an editable install of the repository out of reach: its finder would lend the wheel what it lacks.
ALONE = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if not f.__module__.startswith('__editable__')]"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder in which the wheel is unpacked. It is built from a copy: building leaves files behind."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("course_utils", "course_staff", "grader"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(source), str(source)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert made.returncode == 0, made.stderr
    [wheel] = source.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed, folder, code):
    env = {**os.environ, "PYTHONPATH": str(installed), "COURSE_PROGRESS": ""}
    return subprocess.run(
        [sys.executable, "-c", f"{ALONE}\n{code}\nimport course_utils; print(course_utils.__file__)"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=250,
    )


@pytest.mark.parametrize("chapter", ["00_start_here"])
def test_a_chapter_runs_from_the_wheel(installed, tmp_path, chapter):
    notebook = nbformat.read(ROOT / "solutions" / f"{chapter}.ipynb", as_version=4)
    done = run(installed, tmp_path, "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(installed / "course_utils" / "__init__.py")
    assert "Everything is here" in done.stdout or chapter != "00_start_here"
    assert "Exercise" in done.stdout and "correct" in done.stdout
    assert not list(tmp_path.iterdir())


def test_what_the_wheel_lacks_is_said(installed, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(installed, broken)
    (broken / "course_utils" / "data" / "higgs_sweep.csv").unlink()
    done = run(broken, tmp_path, "from course_utils.desk import check_environment; check_environment()")
    assert f"needs {broken / 'course_utils/data/higgs_sweep.csv'}: no such file" in done.stdout
    assert "make lab" not in done.stdout
