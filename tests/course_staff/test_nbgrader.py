"""The solution notebooks are valid nbgrader sources, by nbgrader's own word."""

import ast
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest

from course_staff.cells import without_magics
from course_staff.source import slide_type

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


def graded(notebook):
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


@chapters
@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_the_metadata_is_valid(root, name, folder):
    notebook = nbformat.read(root / folder / f"{name}.ipynb", as_version=4)
    CheckCellMetadata().preprocess(deepcopy(notebook), {})
    assert len(graded(notebook)) > 0
    [duplicate, *_] = graded(notebook)
    notebook.cells.append(deepcopy(duplicate))
    with pytest.raises(Exception, match="failed to validate"):
        CheckCellMetadata().preprocess(notebook, {})


@chapters
def test_clearing_the_solutions_gives_the_students_cells(root, name):
    solution, student = (
        nbformat.read(root / f"{folder}/{name}.ipynb", as_version=4) for folder in ("solutions", "notebooks")
    )
    cleared, _ = ClearSolutions().preprocess(solution, {})
    sources = [(cell.id, cell.source) for cell in cleared.cells if slide_type(cell) != "notes"]
    assert sources == [(cell.id, cell.source) for cell in student.cells]


@chapters
def test_nbgrader_passes_the_solution_and_fails_each_empty_exercise(root, name, tmp_path):
    checks = [cell.source for cell in graded(nbformat.read(root / f"solutions/{name}.ipynb", as_version=4))]
    for folder, expected in (("solutions", []), ("notebooks", checks)):
        notebook = nbformat.read(root / folder / f"{name}.ipynb", as_version=4)
        notebook.cells = needed_for_grading(notebook.cells)
        path = tmp_path / f"{folder}.ipynb"
        nbformat.write(notebook, path)
        failed = Validator().validate(str(path))
        assert set(failed) <= {"failed"}
        assert [cell["source"] for cell in failed.get("failed", [])] == expected


def needed_for_grading(cells):
    """nbgrader's cells and those that define what they use; nbval runs the rest, which takes minutes."""
    kept, wanted = [], set()
    for cell in reversed([cell for cell in cells if cell.cell_type == "code"]):
        names = list(ast.walk(ast.parse(without_magics(cell.source))))
        defined = {node.id for node in names if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        defined |= {node.name for node in names if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        defined |= {(node.asname or node.name).split(".")[0] for node in names if isinstance(node, ast.alias)}
        if "nbgrader" in cell.metadata or defined & wanted:
            kept.insert(0, cell)
            parameters = {node.arg for node in names if isinstance(node, ast.arg)}
            wanted |= {node.id for node in names if isinstance(node, ast.Name)} - parameters
    return kept
