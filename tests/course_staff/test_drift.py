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


SOURCE = "solutions/90_fixture.md"


def rewritten(change, file=SOURCE):
    def edit(root):
        (root / file).write_text(change((root / file).read_text(encoding="utf-8")), encoding="utf-8")

    return edit


def missing(root, file="notebooks/91_other.ipynb"):
    (root / file).unlink()


def stray(root):
    (root / "notebooks/91_other.ipynb").rename(root / "notebooks/99_stray.ipynb")


def hand(change):
    def changed(text):
        content = json.loads(text)
        change(content)
        return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    return rewritten(changed, "notebooks/90_fixture.ipynb")


def code(content, number=0):
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"][number]


PLAN = "docs/lecture_plan.md"
BOTH = ["solutions/90_fixture.ipynb", "notebooks/90_fixture.ipynb"]
reworded = rewritten(lambda text: text.replace("Both sides", "Each side"))
recoded = rewritten(lambda _: "def times(x, y): return y * x\n", "course_utils/numbers.py")
MUTATIONS = {
    "plan edited": (
        rewritten(lambda _: "mine", PLAN),
        [PLAN],
        "is not what the chapters' slides, notes and exercises say",
    ),
    "source edited": (reworded, BOTH, "was built from another version of its source (source of cell "),
    "source edited where it does not show": (
        rewritten(lambda text: text + "\n"),
        BOTH,
        "was built from another version of its source",
    ),
    "module edited": (recoded, BOTH, "was built from another version of a module, exercise or claim that it uses"),
    "notebook deleted": (missing, ["notebooks/91_other.ipynb"], "is missing"),
    "notebook stray": (
        stray,
        ["notebooks/91_other.ipynb", "notebooks/99_stray.ipynb"],
        "has no source solutions/99_stray.md",
    ),
    "notebook damaged": (
        rewritten(lambda _: "{", BOTH[0]),
        ["solutions/90_fixture.ipynb", "course_utils/claims.toml"],
        "is not a notebook (NotJSONError)",
    ),
    "ledger deleted": (
        lambda root: missing(root, "CLAIMS.md"),
        ["CLAIMS.md"],
        "is not what the executed solutions say",
    ),
}
BY_HAND = {  # what is done to a student's notebook, and what is said of it
    "cell edited": (lambda nb: code(nb)["source"].append("\n1"), "was edited by hand (source of cell 3, "),
    "cell added": (
        lambda nb: nb["cells"].append({**nb["cells"][0], "id": "mine"}),
        "was edited by hand (20 cells instead of 19)",
    ),
    "tag added": (lambda nb: code(nb)["metadata"].update(tags=["mine"]), "edited by hand (metadata of cell 3"),
    "id changed": (lambda nb: code(nb).update(id="mine"), "edited by hand (id of cell 3"),
    "metadata added": (lambda nb: nb["metadata"].update(widgets={}), "edited by hand (notebook metadata: widgets)"),
    "outputs cleared": (
        lambda nb: code(nb, 1).update(execution_count=None, outputs=[]),
        "was executed or cleared by hand (cell 5, 'a, b = 2, 3')",
    ),
    "run again": (lambda nb: code(nb, 1).update(execution_count=9), "was executed or cleared by hand (cell 5"),
    "format changed": (lambda nb: nb.update(nbformat_minor=4), "is laid out otherwise than the build writes it"),
}
MUTATIONS |= {name: (hand(change), BOTH[1:], why) for name, (change, why) in BY_HAND.items()}


@pytest.mark.parametrize("mutate, files, why", MUTATIONS.values(), ids=MUTATIONS)
def test_drift_is_named(built, declared, mutate, files, why):
    mutate(built)
    drifts = check(built, exercises=declared)
    assert [drift.path for drift in drifts] == files
    assert any(why in drift.why for drift in drifts), drifts


def test_names_limit_the_check(built, declared):
    reworded(built)
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
