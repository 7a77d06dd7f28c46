"""The chapters as pages of the site: executed solutions, rearranged for a reader; nothing is executed."""

from __future__ import annotations

import base64
import io
import re
from copy import deepcopy
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_staff import ledger
from course_staff.cells import calls_last
from course_staff.site import sliders
from course_staff.source import NOTEBOOKS, SOLUTIONS, clear_solution, slide_type, sources, without_markers
from course_utils.exercises.predictions import Prediction, find_prediction

_PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")


def read(root: Path) -> dict[str, NotebookNode]:
    """The executed solutions by name, in the order of the course."""
    notebooks = {}
    for source in sources(root):
        path = root / SOLUTIONS / f"{source.stem}.ipynb"
        if not path.is_file():
            raise FileNotFoundError(f"{SOLUTIONS}/{path.name} is not built; run `make build` first")
        notebooks[source.stem] = nbformat.read(path, as_version=4)
    return notebooks


def page(name: str, notebook: NotebookNode, known_chapters: set[str]) -> NotebookNode:
    """A chapter's page: speaker notes left out, solutions folded below their checks, sliders and questions in place.

    Where the notebook has a solution, the page shows what a student is given; the solution and the card that it earns
    follow, folded, after the check. What answers a prediction is folded until it is made. Code that only imports,
    asks or draws is left out of sight. Cells that show a claim can be linked to (see :func:`claim_label`).
    """
    notebook = deepcopy(notebook)
    cells, folded, known = [], None, set()
    answers = {
        exercise["cells"]["answer"]: exercise["id"] for exercise in notebook.metadata.course.get("exercises", [])
    }
    checks = {exercise["cells"].get("check") for exercise in notebook.metadata.course.get("exercises", [])}
    written = {question["cells"]["answer"] for question in notebook.metadata.course.get("written", [])}
    asks, reads, runs = {}, {}, set()
    for prediction in notebook.metadata.course.get("predictions", []):
        places = prediction["cells"]
        asks[places["asks"]] = reads[places["reads"]] = find_prediction(prediction["id"])
        runs |= {*places["runs"]}
    explores = set(sliders.find(notebook))
    for number, cell in enumerate(notebook.cells):
        if slide_type(cell) == "notes":
            continue
        if cell.id in written:
            text = links(cell.source, known_chapters)
            cells.append(new_markdown_cell(f"<details><summary>A model answer</summary>\n\n{text}\n\n</details>"))
            continue
        if cell.cell_type == "markdown":
            cells.append(new_markdown_cell(links(cell.source, known_chapters)))
            continue
        if cell.id in asks or cell.id in reads:
            text = question(asks[cell.id]) if cell.id in asks else reading(reads[cell.id])
            cells.append(new_markdown_cell(text))
            continue
        records = ledger.records_of([cell])
        for output in cell.outputs:
            output.get("data", {}).pop(ledger.MIME, None)
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = _PICTURE.sub(_lighter, data["text/html"])
        shown = new_code_cell(cell.source, outputs=cell.outputs, execution_count=cell.execution_count)
        if cell.id in answers:
            cells.append(new_code_cell(clear_solution(cell.source)))
            shown.source = without_markers(cell.source)
            exercise = answers[cell.id]
            shown.metadata = {
                "tags": ["hide-cell"],
                "mystnb": {
                    "code_prompt_show": f"Solution of exercise {exercise}",
                    "code_prompt_hide": f"Hide the solution of exercise {exercise}",
                },
            }
            folded = shown
            continue
        for record in records:
            if record.id not in known:
                known.add(record.id)
                cells.append(new_markdown_cell(f"({claim_label(name, record.id)})="))
        shown.metadata = _folds(cell, cell.id in runs)
        if cell.id in checks and folded is not None:
            folded.outputs, shown.outputs = shown.outputs, []
        cells.append(shown)
        if number in explores:
            cells.append(new_markdown_cell(slider_place(slider_name(name, cell))))
        if folded is not None:
            cells.append(folded)
            folded = None
    if folded is not None:
        cells.append(folded)
    return nbformat.v4.new_notebook(metadata={**notebook.metadata}, cells=cells)


def _lighter(picture: re.Match) -> str:
    """A picture as WebP without loss, half of its PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture[1])))
    image.convert("RGB").save(buffer, "webp", lossless=True, quality=100, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _folds(cell: NotebookNode, answers: bool) -> dict:
    """The tags by which the page leaves code out of sight, and folds what answers a prediction."""
    tags, hidden = [], cell.metadata.get("jupyter", {}).get("source_hidden")
    if hidden:
        tags.append("remove-input" if cell.outputs or calls_last(cell.source, "explore") else "hide-input")
    elif calls_last(cell.source, "claim"):
        tags.append("hide-input")
    prompts = {"code_prompt_show": "Show the code", "code_prompt_hide": "Hide the code"}
    if answers and cell.outputs:
        tags.append("hide-output")
        prompts = {"code_prompt_show": "Show the result", "code_prompt_hide": "Hide the result"}
    return {"tags": tags, "mystnb": prompts} if tags else {}


def question(asked: Prediction) -> str:
    """A prediction as the page's script makes it live; without scripts, or without a choice, it is to be read."""
    options = "".join(
        f'<label><input type="radio" name="{asked.id}" value="{number}"> {escape(option)}</label>'
        for number, (option, _) in enumerate(asked.options)
    )
    return (
        f'<div class="predict" data-prediction="{asked.id}">\n\n**Predict.** {asked.question}\n\n'
        f"<fieldset><legend>Your prediction</legend>{options}</fieldset>\n\n</div>"
    )


def reading(asked: Prediction) -> str:
    """What the run says to each option, folded."""
    lines = "\n".join(
        f"- {'✓' if option == asked.right else '✗'} **{plain(option)}**: {sentence}"
        for option, sentence in asked.options
    )
    return (
        f'<div class="reading" data-prediction="{asked.id}">\n<details><summary>After the run</summary>\n\n{lines}\n\n'
        "</details>\n</div>"
    )


def plain(text: str) -> str:
    """Text as MyST that shows exactly this: every sign that could mean something is escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def claim_label(chapter: str, id: str) -> str:
    """The target of links to the cell of a chapter that shows a claim."""
    return re.sub(r"[^a-z0-9]+", "-", f"claim-{chapter}-{id}".lower())


def slider_name(chapter: str, cell: NotebookNode) -> str:
    return f"{chapter}-{cell.id}"


def slider_place(name: str) -> str:
    """Where the page's script puts a slider; a reader without scripts is told what is missing."""
    return (
        f'<div class="explore" id="explore-{name}" data-pictures="{escape(name)}">'
        "<p>With scripts switched on, sliders move this picture. The picture above shows three of its states.</p>"
        f'</div>\n<script defer src="../_static/sliders/{name}.js"></script>'
    )


def links(text: str, known_chapters: set[str]) -> str:
    """Markdown whose links to the course's files lead to the site's pages instead, or are no links.

    Code is left alone: a line of a fenced block, or a link inside backticks, is shown as it is.
    """

    def replace(match: re.Match) -> str:
        words, target = match[1], match[2]
        path = target.partition("#")[0]
        found = re.search(rf"(?:^|/)(?:{SOLUTIONS}|{NOTEBOOKS})/(\d\d\w*)\.(?:ipynb|md)$", path) or re.search(
            r"^(\d\d\w*)\.ipynb$", path
        )
        if found and found[1] in known_chapters:
            return f"[{words}](/chapters/{found[1]}.ipynb)"
        pages = {
            ledger.PAGE: "/ledger.md",
            "README.md": "/index.md",
            "lecture_plan.md": "/lecture_plan.md",
            "teaching.md": "/teaching.md",
            "references.md": "/references.md",
        }
        name = path.rpartition("/")[2]
        return f"[{words}]({pages[name]})" if name in pages else words

    parts = re.split(r"(^```.*?^```|`[^`\n]*`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if index % 2 else _LINK.sub(replace, part) for index, part in enumerate(parts))
