"""Each chapter's deck, for a browser without a network: ``python -m course_staff.slides [NAMES]``.

The cells of the executed solution that carry a slide type become ``slides/NN_name.html``, a reveal.js
presentation of 1280 × 720 with speaker notes (press S), each slide with the minute at which it is due. Reveal
and MathJax are copied from installed packages into ``slides/assets/``. What does not fit a slide is set in
smaller type, down to 24 px, then moved to a slide below; a single cell that does not fit alone shrinks to 21
px, its code to 15 px.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course_staff import lecture_plan, ledger, paper
from course_staff.build import ROOT
from course_staff.cells import called, calls_last, parse
from course_staff.chromium import browser
from course_staff.paper import HEIGHT, WIDTH
from course_staff.source import SOLUTIONS, slide_type, sources, without_markers
from course_utils.desk.claims import Record
from course_utils.exercises.predictions import Prediction, find_prediction

FOLDER, ASSETS = "slides", "assets"
TEMPLATE = Path(__file__).with_name("deck.html.j2")

# What a deck loads: (package, folder in it, folder below assets/, parts to copy).
_REVEAL = "dist/reveal.js dist/reset.css dist/reveal.css dist/theme/white.css dist/theme/fonts/source-sans-pro"
_MATHJAX = """
    MathJax.js config/TeX-AMS-MML_HTMLorMML-full.js extensions/TeX extensions/HTML-CSS extensions/MathEvents.js
    jax/element jax/input jax/output/HTML-CSS fonts/HTML-CSS
"""
_ASSETS = (
    ("sphinx_revealjs", "_static/revealjs", "reveal", ("LICENSE", "plugin/notes/notes.js", *_REVEAL.split())),
    ("jupyter_server_mathjax", "static", "mathjax", ("LICENSE", *_MATHJAX.split())),
)


def export(root: Path = ROOT, names: list[str] | None = None, folder: Path | None = None) -> list[Path]:
    """Write the decks of the chapters that have slides, by default to ``slides/``, and its ``assets/`` anew."""
    folder = folder or root / FOLDER
    copy_assets(folder / ASSETS)
    decks = []
    for path in sources(root, names):
        built = root / SOLUTIONS / f"{path.stem}.ipynb"
        if not built.is_file():
            raise FileNotFoundError(f"{SOLUTIONS}/{built.name} is not built; run `make build` first")
        notebook = on_slides(nbformat.read(built, as_version=4))
        if notebook.cells:
            deck = folder / f"{path.stem}.html"
            deck.write_text(to_html(notebook), encoding="utf-8")
            decks.append(deck)
    return decks


def on_slides(notebook: NotebookNode) -> NotebookNode:
    """The notebook reduced to what its deck shows.

    Solution regions lose their markers. Of a cell that is a single call of ``show`` or is tagged remove-input only the
    output is shown: the picture says it all. A cell that shows a claim and nothing else stays off the deck: the
    verdicts come together, in short, at the chapter's table of them. Each slide knows its minute (``lecture_plan``),
    and one that opens with a picture gets the heading of its part.
    """
    parts = lecture_plan.parts(notebook.cells, notebook.metadata.get("course", {}))
    notebook.metadata["talk"] = parts[-1].end if parts else 0
    for part in parts:
        for place, due in part.marks.items():
            notebook.cells[place].metadata["slideshow"]["data"] = {"minute": str(int(due))}
    asked = {}
    for prediction in notebook.metadata.get("course", {}).get("predictions", ()):
        asked[prediction["cells"]["asks"]] = asked[prediction["cells"]["reads"]] = find_prediction(prediction["id"])
    heading, cells, minute = "", [], "0"
    verdicts = {record.id: record for record in ledger.records_of(notebook.cells)}
    for cell in notebook.cells:
        if cell.cell_type == "code" and calls_last(cell.source, "verdicts"):
            cells += _what_we_checked(verdicts, minute)
            continue
        if slide_type(cell) in (None, "skip"):
            continue
        minute = cell.metadata["slideshow"].get("data", {}).get("minute", minute)
        if cell.cell_type == "code" and calls_last(cell.source, "claim"):
            cell.outputs = [output for output in cell.outputs if ledger.MIME not in output.get("data", {})]
            if not cell.outputs:
                continue
        if cell.get("id") in asked:
            cells += _poll(cell, asked[cell.id])
            continue
        cell.source = without_markers(cell.source)
        if slide_type(cell) in ("slide", "subslide"):
            opening = cell.source.partition("\n")[0]
            if cell.cell_type == "markdown" and opening.startswith("#"):
                heading = opening
            elif heading:
                cells.append(new_markdown_cell(heading, metadata={"slideshow": cell.metadata["slideshow"]}))
                cell.metadata["slideshow"] = {"slide_type": "-"}
        if cell.cell_type == "code" and _output_says_it_all(cell):
            cell.metadata["transient"] = {"remove_source": True}  # as nbconvert's own tags do it
        cells.append(cell)
    notebook.cells = cells
    return notebook


def _poll(cell: NotebookNode, asked: Prediction) -> list[NotebookNode]:
    """A question alone on its slide, with what to expect in the notes; or the answer, with the next key."""
    slide = {"slideshow": cell.metadata["slideshow"]}
    if called(parse(cell.source), "after"):
        answer = f"**{asked.letters[asked.right]}, {asked.right}.** {asked.sentences[asked.right]}"
        return [new_markdown_cell(answer, metadata=slide)]
    options = "\n".join(f"<li>{escape(option)}</li>" for option, _ in asked.options)
    wrong = asked.usual_wrong
    notes = f"Vote, then one key. The usual wrong vote is {asked.letters[wrong]}, “{wrong}”: {asked.sentences[wrong]}"
    return [
        new_markdown_cell(f'### Your vote\n\n{asked.question}\n\n<ol type="A">\n{options}\n</ol>', metadata=slide),
        new_markdown_cell(notes, metadata={"slideshow": {"slide_type": "notes"}}),
    ]


def _what_we_checked(verdicts: Mapping[str, Record], minute: str) -> list[NotebookNode]:
    """One closing slide with a line for each claim, due when the one before it is."""
    lines = "\n".join(f"<li>{escape(record.heading.rstrip('.'))}</li>" for record in verdicts.values())
    slide = {"slideshow": {"slide_type": "slide", "data": {"minute": minute}}}
    text = f'## What we checked\n\n<ul class="verdicts">\n{lines}\n</ul>'
    return [new_markdown_cell(text, metadata=slide)] if verdicts else []


def _output_says_it_all(cell: NotebookNode) -> bool:
    return (
        "remove-input" in cell.metadata.get("tags", [])
        or len(parse(cell.source).body) == 1
        and calls_last(cell.source, "show")
    )


def to_html(notebook: NotebookNode) -> str:
    """The deck as one page, which loads nothing but files below ``assets/``."""
    from nbconvert.exporters import SlidesExporter
    from traitlets.config import Config

    config = Config()
    config.CSSHTMLHeaderPreprocessor.style = "default"
    exporter = SlidesExporter(
        config=config,
        template_file=str(TEMPLATE),
        reveal_url_prefix=f"{ASSETS}/reveal",
        reveal_theme="white",
        reveal_width=str(WIDTH),
        reveal_height=str(HEIGHT),
        mathjax_url=f"{ASSETS}/mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(notebook)
    return html


def copy_assets(folder: Path) -> None:
    """Put what the decks load into ``folder``, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    for package, inside, name, parts in _ASSETS:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"slides need the package {package}; `make slides` installs it")
        source = Path(spec.origin).parent / inside
        for part in parts:
            target = folder / name / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if (source / part).is_dir():
                shutil.copytree(source / part, target)
            else:
                shutil.copyfile(source / part, target)


def _print(decks: list[Path]) -> list[Path]:
    with browser() as opened:
        return [path for deck in decks for path in paper.print_deck(opened, deck)] if opened else []


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course_staff.slides", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help='"01" or "01_taylor_bounds"; default: all')
    parser.add_argument("--no-pdf", action="store_true", help="the decks alone, without PDFs and handouts")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    try:
        decks = export(args.root, args.names)
        printed = [] if args.no_pdf else _print(decks)
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    for deck in decks:
        print(f"{FOLDER}/{deck.name}  (open it in a browser; S shows the speaker's notes)")
    for path in printed:
        print(f"{FOLDER}/{path.name}")
    if decks and not printed and not args.no_pdf:
        print("No Chromium is here, so that there are no PDFs.")
    if not decks:
        print("No cell has a slide type, so there is no deck.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
