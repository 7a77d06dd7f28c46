"""Open a chapter in JupyterLab ready for a projector: ``make present CHAPTER=03``.

`python -m course_staff.present 03 [--fresh] [JupyterLab's arguments]` makes a copy of the executed solution
in `work/present/` and becomes JupyterLab with large type and nothing else on the screen. In the copy every
result is hidden until its cell is run (Shift+Enter) or the dots in its place are clicked, so that a class can
predict first; code that is not the point is folded; speaker notes are left out.

A copy that was changed is the lecturer's, and is never written to.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_staff import lab
from course_staff.build import ROOT
from course_staff.cells import calls_last
from course_staff.files import write_whole
from course_staff.source import BEGIN, SOLUTIONS, slide_type, sources, without_markers

FOLDER = "present"  # in work/
CONFIG = lab.CONFIG / "present"
#: What ends a cell whose code is not the point: it draws, records, explores or checks.
FOLDED = ("show", "claim", "explore", "check", "show_progress")
#: Type for the last row; a lecturer's own choice (Settings > Theme) is kept beside the copies.
TYPE_SIZES = {"code-font-size": "20px", "content-font-size1": "22px", "ui-font-size1": "15px"}
CATCH_UP = "Accel Shift Enter"  # Accel: Ctrl, or Cmd on a Mac
SETTINGS = {
    "apputils-extension/themes": {"overrides": TYPE_SIZES},
    "shortcuts-extension/shortcuts": {
        "shortcuts": [{"command": "notebook:run-all-above", "keys": [CATCH_UP], "selector": ".jp-Notebook"}]
    },
}
# JupyterLab shows the first words of a hidden result, which must not give the answer away.
STORED = "As stored with the course:"
# What running a cell, or looking at its result, leaves in its metadata.
_TRACES = ("execution", "collapsed", "scrolled")


def presentation(notebook: NotebookNode) -> NotebookNode:
    """The executed solution as it is shown: results hidden, code folded that is not the point, no notes."""
    notebook.cells = [cell for cell in notebook.cells if slide_type(cell) != "notes"]
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        view = {"source_hidden": True} if _is_aside(cell.source) else {}
        if cell.outputs:
            view["outputs_hidden"] = True  # JupyterLab shows them again when the cell is run
            cell.outputs.insert(0, new_output("display_data", {"text/plain": STORED}))
        if view:
            cell.metadata["jupyter"] = view
        cell.source = without_markers(cell.source)
    return notebook


def _is_aside(source: str) -> bool:
    """Whether a cell's code is folded: imports, figures, claims, sliders, checks, answers to exercises."""
    statements = [line for line in source.splitlines() if line and not line[0].isspace()]
    only_imports = all(re.match(r"from |import |\)|#", line) for line in statements)
    return only_imports or BEGIN in source or calls_last(source, *FOLDED)


def bring(root: Path, name: str, fresh: bool = False) -> tuple[Path, list[str]]:
    """Bring the copy of a chapter ("03", "3", "06a") that is to be presented, and say what a lecturer should know.

    A copy that was only run is folded again; one that was changed is opened as it was left, unless a
    ``fresh`` one is asked for, which then lies beside it and is the one that counts.
    """
    chapter = _one(root, name)
    built = root / SOLUTIONS / f"{chapter}.ipynb"
    if lab.version_of(built) is None:
        raise lab.Stop(
            f"{SOLUTIONS}/{built.name} is missing or damaged.\n"
            f"Next step: git checkout -- {SOLUTIONS}/{built.name}, or make build"
        )
    new = presentation(nbformat.read(built, as_version=4))
    folder = root / "work" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    found = copies(folder, chapter)
    newest = found[-1] if found else None
    if newest and _only_run(newest, new):
        write_whole(newest, _text(new))
        return newest, []
    if newest and not fresh:
        return newest, [
            f"work/{FOLDER}/{newest.name} is your copy, as you left it. A fresh one beside it: "
            f"make present CHAPTER={name} ARGS=--fresh"
        ]
    copy = folder / f"{chapter}-{_number(newest) + 1}.ipynb" if newest else folder / f"{chapter}.ipynb"
    if not write_whole(copy, _text(new), replace=False):
        raise FileExistsError(f"{copy} has appeared in the meantime")
    return copy, [f"work/{FOLDER}/{copy.name} is the copy to present; what you change there stays yours."]


def copies(folder: Path, chapter: str) -> list[Path]:
    """The copies of a chapter, oldest first: NN_name.ipynb, NN_name-2.ipynb, and so on."""
    found = (path for path in folder.glob("*.ipynb") if re.fullmatch(rf"{chapter}(-\d+)?", path.stem))
    return sorted(found, key=_number)


def _number(copy: Path) -> int:
    return int(copy.stem.partition("-")[2] or 1)


def _text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


def _one(root: Path, name: str) -> str:
    """The only chapter that a name selects."""
    number = re.fullmatch(r"(\d)([a-z]?)", name)
    found = [path.stem for path in sources(root, [f"0{name}" if number else name])]
    if len(found) > 1:
        parts = " or ".join(stem.split("_")[0] for stem in found)
        raise ValueError(f"chapter {name!r} has more than one part; name one: {parts}")
    return found[0]


def _only_run(path: Path, new: NotebookNode) -> bool:
    """Whether the copy has nothing that the course would not make again: its cells and their metadata."""
    try:
        return _cells(nbformat.read(path, as_version=4)) == _cells(new)
    except Exception:  # nbformat raises many kinds, all of them about a file that we did not leave like this
        return False


def _cells(notebook: NotebookNode) -> list:
    def view(metadata: dict) -> dict:
        kept = {key: value for key, value in metadata.items() if key not in _TRACES}
        seen = {key: value for key, value in kept.pop("jupyter", {}).items() if key != "outputs_hidden"}
        return {**kept, "jupyter": seen}

    return [(cell.cell_type, cell.source, cell.get("attachments"), view(cell.metadata)) for cell in notebook.cells]


def bring_settings(root: Path) -> Path:
    """The folder of JupyterLab's settings for presenting; what a lecturer has changed there stays."""
    folder = root / "work" / FOLDER / ".settings"
    for name, content in SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return folder


def main(arguments: list[str]) -> int:
    """Bring the copy and become JupyterLab; return an exit code where that cannot be."""
    parser = argparse.ArgumentParser(prog="make present", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("chapter", nargs="?", metavar="CHAPTER", help='"03", "06a" or "01_taylor_bounds"')
    parser.add_argument("--fresh", action="store_true", help="a new copy beside one that you have changed")
    args, others = parser.parse_known_args(arguments)
    known = ", ".join(path.stem for path in sources(ROOT))
    if args.chapter is None or args.chapter.startswith("-"):
        print(f"Which chapter? There are: {known}.\nNext step: make present CHAPTER=01", file=sys.stderr)
        return 1
    try:
        copy, said = bring(ROOT, args.chapter, args.fresh)
        page = f"/doc/workspaces/present/tree/{FOLDER}/{copy.name}"
        line, inside = lab.command(ROOT, others, page), environment(ROOT)
    except ValueError as error:
        problem = str(error)[0].upper() + str(error)[1:]
        print(f"{problem}.\nNext step: make present CHAPTER=01", file=sys.stderr)
        return 1
    except lab.Stop as stop:
        print(str(stop).replace("make lab", f"make present CHAPTER={args.chapter}"), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"work/{FOLDER}/ cannot be filled: {error}.", file=sys.stderr)
        print("Next step: mend that, then run the same command again", file=sys.stderr)
        return 1
    for sentence in said:
        print(sentence)
    print(
        "Opening it in JupyterLab. Shift+Enter runs a cell and shows its result; after a jump, "
        "Ctrl+Shift+Enter (Cmd+Shift+Enter) runs all cells above.",
        flush=True,
    )
    print("Ctrl-C twice here ends it.", flush=True)
    os.execve(line[0], line, inside)


def environment(root: Path) -> dict[str, str]:
    """As for ``make lab``, with settings of its own; a lecturer's checks leave no progress behind."""
    settings = str(bring_settings(root))
    return {**lab.environment(CONFIG), "JUPYTERLAB_SETTINGS_DIR": settings, "COURSE_PROGRESS": ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
