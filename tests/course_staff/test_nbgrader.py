"""The solution notebooks are valid nbgrader sources, by nbgrader's own word."""

from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from needed_cells import needed

from course_staff.cells import without_magics
from course_staff.source import slide_type
from course_utils.desk.checks import CheckFailed
from course_utils.exercises.written import EMPTY

pytest.importorskip("nbgrader", reason="nbgrader is not installed (extra `staff`)")

from nbgrader.preprocessors import CheckCellMetadata, ClearSolutions
from nbgrader.validator import Validator

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = ["90_fixture", *(path.stem for path in sorted((ROOT / "solutions").glob("*.ipynb")))]
chapters = pytest.mark.parametrize("name", CHAPTERS)


@pytest.fixture
def root(request, built_once, monkeypatch):
    """The course that a chapter belongs to: the small one, or this repository."""
    name = request.node.callspec.params["name"]
    root = built_once if name == "90_fixture" else ROOT
    monkeypatch.setenv("PYTHONPATH", str(root))
    return root


def read(root, name, folder="solutions"):
    return nbformat.read(root / folder / f"{name}.ipynb", as_version=4)


def is_graded(cell):
    """By a check; a Markdown cell is marked by a person."""
    return cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")


def graded(notebook):
    return [*filter(is_graded, notebook.cells)]


def needed_for_grading(notebook):
    return needed(notebook.cells, lambda cell: "nbgrader" in cell.metadata)


@chapters
@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_the_metadata_is_valid(root, name, folder):
    notebook = read(root, name, folder)
    CheckCellMetadata().preprocess(deepcopy(notebook), {})
    assert len(graded(notebook)) > 0
    [duplicate, *_] = graded(notebook)
    notebook.cells.append(deepcopy(duplicate))
    with pytest.raises(Exception, match="failed to validate"):
        CheckCellMetadata().preprocess(notebook, {})


@chapters
def test_clearing_the_solutions_gives_the_students_cells(root, name):
    solution, student = (read(root, name, folder) for folder in ("solutions", "notebooks"))
    cleared, _ = ClearSolutions(text_stub=EMPTY).preprocess(solution, {})  # as a release's settings say
    sources = [(cell.id, cell.source) for cell in cleared.cells if slide_type(cell) != "notes"]
    assert sources == [(cell.id, cell.source) for cell in student.cells]


@pytest.mark.notebook
@pytest.mark.parametrize("name", ["90_fixture", "01_taylor_bounds", "04_hessian_initialization"])
def test_nbgrader_passes_the_solution_and_fails_each_empty_exercise(root, name, tmp_path):
    for folder, expected in (("solutions", []), ("notebooks", [cell.source for cell in graded(read(root, name))])):
        notebook = read(root, name, folder)
        notebook.cells = needed_for_grading(notebook)
        path = tmp_path / f"{folder}.ipynb"
        nbformat.write(notebook, path)
        failed = Validator().validate(str(path))
        assert set(failed) <= {"failed"}
        assert [cell["source"] for cell in failed.get("failed", [])] == expected


@pytest.mark.notebook
@pytest.mark.parametrize("name", CHAPTERS[1:])
def test_each_graded_cell_passes_the_solution_and_raises_when_the_exercise_is_empty(root, name, monkeypatch):
    """What nbgrader would find in every chapter, without its kernels: the cells run here."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    for folder, raises in (("solutions", False), ("notebooks", True)):
        namespace = {"__name__": "__main__"}
        for cell in needed_for_grading(read(root, name, folder)):
            expected = pytest.raises(CheckFailed) if raises and is_graded(cell) else nullcontext()
            with expected:
                exec(compile(without_magics(cell.source), cell.id, "exec"), namespace)
