"""What a lecturer opens: results hidden until they are run, the lecturer's copies kept, bad input told."""

import json
import os
import socket

import nbformat
import pytest

from course_staff import lab, present

CHAPTER = "90_fixture"


def cell_with(notebook, text):
    [cell] = [cell for cell in notebook.cells if text in cell.source]
    return cell


def read(path):
    return nbformat.read(path, as_version=4)


def edit(path, change):
    notebook = read(path)
    change(notebook)
    nbformat.write(notebook, path)


@pytest.fixture
def copy(built):
    copy, said = present.bring(built, "90")
    assert copy == built / "work/present/90_fixture.ipynb"
    [sentence] = said
    assert sentence == f"work/present/{copy.name} is the copy to present; what you change there stays yours."
    return copy


def test_the_copy_has_no_notes_and_no_markers_and_keeps_the_answers(built, copy):
    solution, shown = read(built / f"solutions/{CHAPTER}.ipynb"), read(copy)
    assert "Ask before you show" in str(solution.cells) and "Ask before you show" not in str(shown.cells)
    assert "SOLUTION" not in str(shown.cells) and "product = x * x" in cell_with(shown, "def square").source
    assert len(shown.cells) == len(solution.cells) - 2


@pytest.mark.parametrize(
    "text, folded, hidden",
    [
        ("area(3)", False, True),
        ('claim("fixture/square")', True, True),
        ("def square", True, False),
        ('check("90.1"', True, True),
        ("(a + b) ** 2, area(a)", False, True),
    ],
)
def test_results_wait_and_code_that_is_not_the_point_is_folded(copy, text, folded, hidden):
    cell = cell_with(read(copy), text)
    view = cell.metadata.get("jupyter", {})
    assert view.get("source_hidden", False) is folded
    assert view.get("outputs_hidden", False) is hidden
    # The first words of a hidden output are on the screen.
    assert [output.data for output in cell.outputs[:1]] == [{"text/plain": present.STORED}] * hidden


@pytest.mark.parametrize(
    "source, folded",
    [
        ("import numpy as np\nfrom a import (\n    b,\n)", True),
        ("import numpy as np\nx = 1", False),
        ("x = 1\nshow(draw, x)", True),
        ("explore(a, b)", True),
        ("%matplotlib inline\ncheck('1.1', f)", True),
        ("show(a)\nx = 1", False),
        ("claims(1)", False),
    ],
)
def test_what_is_folded(source, folded):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    [cell] = present.presentation(notebook).cells
    assert cell.metadata.get("jupyter", {}) == ({"source_hidden": True} if folded else {})


def test_a_second_time_changes_nothing_and_says_nothing(built, copy):
    before = copy.read_bytes()
    assert present.bring(built, "90_fixture") == (copy, [])
    assert copy.read_bytes() == before and sorted(os.listdir(copy.parent)) == [copy.name]


def test_a_copy_that_was_only_run_is_folded_again(built, copy):
    before = copy.read_bytes()

    def run(notebook):
        cell = cell_with(notebook, "area(3)")
        del cell.metadata["jupyter"]["outputs_hidden"]
        cell.metadata["execution"] = {"iopub.status.busy": "2030-01-01T00:00:00Z"}
        cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="9\n")], 17
        notebook.metadata["widgets"] = {}

    edit(copy, run)
    assert present.bring(built, "90") == (copy, [])
    assert copy.read_bytes() == before


CHANGES = {
    "typed": lambda notebook: cell_with(notebook, "area(3)").update(source="area(4)"),
    "a cell more": lambda notebook: notebook.cells.append(nbformat.v4.new_markdown_cell("My remark.")),
    "unfolded": lambda notebook: cell_with(notebook, "def square").metadata.pop("jupyter"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_that_was_changed_is_never_written_to(built, copy, change):
    edit(copy, change)
    mine = copy.read_bytes()
    found, [sentence] = present.bring(built, "90")
    assert found == copy and sentence == (
        "work/present/90_fixture.ipynb is your copy, as you left it. A fresh one beside it: "
        "make present CHAPTER=90 ARGS=--fresh"
    )
    second, _ = present.bring(built, "90", fresh=True)
    assert second == copy.with_name("90_fixture-2.ipynb")
    assert present.bring(built, "90") == (second, [])
    edit(second, change)
    third, _ = present.bring(built, "90", fresh=True)
    assert third.name == "90_fixture-3.ipynb" and copy.read_bytes() == mine


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"cells": 3}'])
def test_a_file_that_cannot_be_read_is_kept_too(built, copy, content):
    copy.write_bytes(content)
    assert present.bring(built, "90")[0] == copy
    assert present.bring(built, "90", fresh=True)[0].name == "90_fixture-2.ipynb"
    assert copy.read_bytes() == content


def test_other_files_in_the_folder_are_no_copies(built, copy):
    edit(copy, CHANGES["typed"])
    for name in ("90_fixture-draft.ipynb", "90_fixture_old.ipynb", "91_other-7.ipynb"):
        (copy.parent / name).write_text("mine")
    assert present.bring(built, "90")[0] == copy


def test_a_copy_appearing_meanwhile_is_kept(built, monkeypatch):
    monkeypatch.setattr(os.path, "lexists", lambda path: True)
    with pytest.raises(FileExistsError, match="has appeared in the meantime"):
        present.bring(built, "90")
    assert os.listdir(built / "work/present") == []


@pytest.mark.parametrize("name", ["6a", "06a", "06a_first"])
def test_a_chapter_is_named_by_its_number_or_in_full(course, name):
    for part in ("06a_first", "06b_second"):
        (course / f"solutions/{part}.md").touch()
    assert present._one(course, name) == "06a_first"
    with pytest.raises(ValueError, match="chapter '6' has more than one part; name one: 06a or 06b"):
        present._one(course, "6")


def test_a_chapter_must_be_built(course):
    with pytest.raises(lab.Stop, match="solutions/90_fixture.ipynb is missing or damaged.\nNext step: git"):
        present.bring(course, "90")
    assert not (course / "work").exists()


def test_settings_are_made_once_and_stay_the_lecturers(built):
    folder = present.bring_settings(built)
    path = folder / "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    assert json.loads(path.read_text())["overrides"] == present.TYPE_SIZES
    path.write_text("{}")
    assert present.bring_settings(built) == folder and path.read_text() == "{}"


def test_jupyterlab_opens_the_copy_with_the_projectors_settings(built, monkeypatch, capsys):
    became = []
    monkeypatch.setattr(present, "ROOT", built)
    monkeypatch.setattr(os, "execve", lambda path, line, env: became.append((line, env)))
    present.main(["90", "--no-browser", "--port", "0"])
    [(line, env)] = became
    assert "--LabApp.default_url=/doc/workspaces/present/tree/present/90_fixture.ipynb" in line
    assert line[-3:] == ["--no-browser", "--port", "0"]
    assert env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[:2] == [str(present.CONFIG), str(lab.CONFIG)]
    assert env["JUPYTERLAB_SETTINGS_DIR"] == str(built / "work/present/.settings")
    assert env["COURSE_PROGRESS"] == ""
    assert "90_fixture.ipynb is the copy to present" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "Which chapter? There are: 90_fixture, 91_other.\nNext step: make present CHAPTER=01\n"),
        (["--no-browser"], "Which chapter? There are: 90_fixture, 91_other.\nNext step: make present"),
        (["12"], "No chapter '12' in solutions/; there are: 90_fixture, 91_other.\nNext step: make present"),
        (
            ["90", "--port", "x"],
            "--port should be a number from 0 to 65535, not 'x'.\n"
            "Next step: make present CHAPTER=90 ARGS='--port 8888'\n",
        ),
    ],
)
def test_bad_input_is_told_with_the_chapters_there_are(built, monkeypatch, capsys, arguments, said):
    monkeypatch.setattr(present, "ROOT", built)
    assert present.main(arguments) == 1
    assert capsys.readouterr().err.startswith(said)


def test_a_port_that_is_taken_is_told(built, monkeypatch, capsys):
    monkeypatch.setattr(present, "ROOT", built)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert present.main(["90", f"--port={port}"]) == 1
    said = capsys.readouterr().err
    assert f"Port {port} is taken." in said and "make present CHAPTER=90 ARGS=" in said


def test_a_folder_that_cannot_be_filled_is_told(built, monkeypatch, capsys):
    monkeypatch.setattr(present, "ROOT", built)
    (built / "work").touch()
    assert present.main(["90"]) == 1
    assert capsys.readouterr().err.startswith("work/present/ cannot be filled: ")
