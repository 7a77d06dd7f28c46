"""This repository's generated files are current; one that is not is named, with the command that mends it."""

import json
import time
from pathlib import Path

import jupytext
import pytest

from course_staff.build import check, main
from course_staff.source import sources

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_generated_file_matches_its_source():
    drifts = check(ROOT)
    assert not drifts, "\n".join([*map(str, drifts), "run `make build` and commit the result"])


@pytest.mark.parametrize("path", sources(ROOT), ids=lambda path: path.stem)
def test_a_source_keeps_its_header_and_cells_when_jupyterlab_saves_it(path):
    opened = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    opened.metadata["language_info"] = {"name": "python", "version": "3.14.0"}
    saved = jupytext.reads(jupytext.writes(opened, fmt="md:myst"), fmt="md:myst")
    assert saved.metadata["course"] == opened.metadata["course"]
    cells = [[(cell.cell_type, cell.source, cell.metadata) for cell in nb.cells] for nb in (opened, saved)]
    assert cells[0] == cells[1]


def test_checking_executes_nothing_and_is_quick(built, declared):
    start = time.process_time()
    assert check(built, exercises=declared) == []
    assert time.process_time() - start < 3


def source(root):
    path = root / "solutions/90_fixture.md"
    path.write_text(path.read_text(encoding="utf-8").replace("Both sides", "Each side"), encoding="utf-8")


def spaces(root):
    path = root / "solutions/90_fixture.md"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def missing(root):
    (root / "notebooks/91_other.ipynb").unlink()


def stray(root):
    (root / "notebooks/91_other.ipynb").rename(root / "notebooks/99_stray.ipynb")


def damaged(root):
    (root / "solutions/90_fixture.ipynb").write_text("{", encoding="utf-8")


def module(root):
    (root / "course_utils/numbers.py").write_text("def times(x, y): return y * x\n", encoding="utf-8")


def ledger(root):
    (root / "CLAIMS.md").unlink()


def notebook(change):
    def edit(root):
        path = root / "notebooks/90_fixture.ipynb"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")

    return edit


def code(content, number=0):
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"][number]


PLAN = "docs/lecture_plan.md"
BOTH = ["solutions/90_fixture.ipynb", "notebooks/90_fixture.ipynb"]
MUTATIONS = {
    "plan edited": (
        lambda root: (root / PLAN).write_text("mine", encoding="utf-8"),
        [PLAN],
        "is not what the chapters' slides, notes and exercises say",
    ),
    "source edited": (source, BOTH, "was built from another version of its source (source of cell "),
    "source edited where it does not show": (spaces, BOTH, "was built from another version of its source"),
    "module edited": (module, BOTH, "was built from another version of a module, exercise or claim that it uses"),
    "notebook deleted": (missing, ["notebooks/91_other.ipynb"], "is missing"),
    "notebook stray": (
        stray,
        ["notebooks/91_other.ipynb", "notebooks/99_stray.ipynb"],
        "has no source solutions/99_stray.md",
    ),
    "notebook damaged": (
        damaged,
        ["solutions/90_fixture.ipynb", "course_utils/claims.toml"],
        "is not a notebook (NotJSONError)",
    ),
    "ledger deleted": (ledger, ["CLAIMS.md"], "is not what the executed solutions say"),
    "cell edited": (
        notebook(lambda nb: code(nb)["source"].append("\n1")),
        BOTH[1:],
        "was edited by hand (source of cell 3, ",
    ),
    "cell added": (
        notebook(lambda nb: nb["cells"].append({**nb["cells"][0], "id": "mine"})),
        BOTH[1:],
        "was edited by hand (20 cells instead of 19)",
    ),
    "tag added": (
        notebook(lambda nb: code(nb)["metadata"].update(tags=["mine"])),
        BOTH[1:],
        "edited by hand (metadata of cell 3",
    ),
    "id changed": (notebook(lambda nb: code(nb).update(id="mine")), BOTH[1:], "edited by hand (id of cell 3"),
    "metadata added": (
        notebook(lambda nb: nb["metadata"].update(widgets={})),
        BOTH[1:],
        "edited by hand (notebook metadata: widgets)",
    ),
    "outputs cleared": (
        notebook(lambda nb: code(nb, 1).update(execution_count=None, outputs=[])),
        BOTH[1:],
        "was executed or cleared by hand (cell 5, 'a, b = 2, 3')",
    ),
    "run again": (
        notebook(lambda nb: code(nb, 1).update(execution_count=9)),
        BOTH[1:],
        "was executed or cleared by hand (cell 5",
    ),
    "format changed": (
        notebook(lambda nb: nb.update(nbformat_minor=4)),
        BOTH[1:],
        "is laid out otherwise than the build writes it",
    ),
}


@pytest.mark.parametrize("mutate, files, why", MUTATIONS.values(), ids=MUTATIONS)
def test_drift_is_named(built, declared, mutate, files, why):
    mutate(built)
    drifts = check(built, exercises=declared)
    assert [drift.path for drift in drifts] == files
    assert any(why in drift.why for drift in drifts), drifts


def test_names_limit_the_check(built, declared):
    source(built)
    missing(built)
    assert {drift.path for drift in check(built, ["91"], exercises=declared)} == {"notebooks/91_other.ipynb"}


def test_the_command_names_files_and_what_mends_them(built, capsys):
    for file in ("solutions/90_fixture.md", *BOTH, "course_utils/claims.toml", "CLAIMS.md", PLAN):
        (built / file).unlink()
    assert main(["--root", str(built), "--check"]) == 0
    assert capsys.readouterr().out == "Every generated file matches its source.\n"
    missing(built)
    assert main(["--root", str(built), "--check"]) == 1
    assert capsys.readouterr().err == "notebooks/91_other.ipynb: is missing\n1 to mend: run `make build`\n"
