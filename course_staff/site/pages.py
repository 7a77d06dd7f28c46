"""The pages that are no chapters, as MyST text: front page, ledger, errata, run times, reference."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path

from nbformat import NotebookNode

import course_utils
from course_staff import ledger
from course_staff.site.chapters import claim_label, plain
from course_utils.desk.claims import VERDICTS, Claim, Record, read_list, read_misprints

RUN_TIMES = Path("results") / "run_times.json"


def contents(notebooks: dict[str, NotebookNode], further: dict[str, str]) -> str:
    """What the navigation lists, ``further`` pages too; the front page itself is made in :mod:`.front`."""
    lines = ["# Neural networks at birth", ""]
    record = ["ledger", "errata", "references", "run_times"]
    for caption, names in (
        ("Chapters", [f"chapters/{name}" for name in notebooks]),
        ("The record", [page for page in record if page in further or page != "references"]),
        ("For teachers", [page for page in further if page not in record]),
        ("Reference", ["reference/index"]),
    ):
        if names:
            lines += ["```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```", ""]
    return "\n".join(lines)


def claims_page(root: Path, notebooks: dict[str, NotebookNode]) -> str:
    """The ledger, a table for each chapter; a script adds the filters by verdict."""
    found = _ledger(root, notebooks)
    lines = [
        "# The claims ledger",
        "",
        f"Every statement of the sources that the course puts to the test: {len(found.claims)} claims. The verdict",
        "follows from what the chapter measured; it is not typed in. [The errata](errata.md) say what is wrong with",
        "those that do not simply hold.",
        "",
        *ledger.counts(found),
    ]
    for chapter in sorted({claim.chapter for claim in found.claims}):
        titles = [
            plain(notebook.metadata.course["title"]) for name, notebook in notebooks.items() if int(name[:2]) == chapter
        ]
        lines += ["", f"## Chapter {chapter}: {' and '.join(titles)}", ""]
        lines += ["{.claims-table}", "| verdict | claim | statement | measured |", "|---|---|---|---|"]
        lines += [_claim_row(claim, *found.shown[claim.id][0]) for claim in found.claims if claim.chapter == chapter]
    return "\n".join(lines) + "\n"


def errata(root: Path, notebooks: dict[str, NotebookNode]) -> str:
    """Every claim that does not simply hold, by source, with what was measured."""
    found = _ledger(root, notebooks)
    lines = [
        "# Errata of the sources",
        "",
        "What the course found when it tested its sources: statements that fail, that could not be reproduced or not",
        "be decided, that fail as printed and hold once corrected, and bounds that hold with room to spare. Each entry",
        "leads to the place where the measurement is made, and the derivation with it. Misprints stand at the end.",
        "",
    ]
    for source in sorted({claim.source for claim in found.claims}):
        mine = [claim for claim in found.claims if claim.source == source and VERDICTS[claim.verdict].erratum]
        lines += [f"## {plain(source.title)}", ""] * bool(mine)
        for verdict in reversed(VERDICTS):  # the gravest first
            some = [claim for claim in mine if claim.verdict == verdict]
            lines += [f"### {VERDICTS[verdict].erratum}", ""] * bool(some)
            for claim in some:
                name, record = found.shown[claim.id][0]
                lines += [
                    f"{plain(_capital(claim.section))} — [chapter {number(name)}](#{claim_label(name, claim.id)})",
                    f": {plain(record.statement)}",
                    *(f"  - {plain(line)}" for line in record.details),
                    "",
                ]
    slips = ledger.misprints(read_misprints(root / ledger.LIST), plain)
    lines += ["## Misprints", "", "Slips of the pen, and what is meant.", "", *slips, ""] if slips else []
    return "\n".join(lines)


def note_run_time(root: Path, name: str, fingerprint: str, seconds: float) -> None:
    """Keep how long a chapter's solution ran, for the page of run times."""
    noted = _noted(root) | {name: {"fingerprint": fingerprint, "seconds": round(seconds, 1)}}
    path = root / RUN_TIMES
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _noted(root: Path) -> dict[str, dict]:
    try:
        return json.loads((root / RUN_TIMES).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def run_times(root: Path, notebooks: dict[str, NotebookNode]) -> str:
    """How long each chapter ran when it was last measured (see :func:`note_run_time`)."""
    noted, rows, total = _noted(root), [], 0.0
    for name, notebook in notebooks.items():
        course, note = notebook.metadata.course, noted.get(name)
        if note is None:
            said = "not measured"
        else:
            total += note["seconds"]
            current = note["fingerprint"] == course["fingerprint"]
            said = f"{note['seconds']:.1f} s" + ("" if current else " (before its last change)")
        cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        rows.append(f"| {number(name)} | [{plain(course['title'])}](chapters/{name}.ipynb) | {cells} | {said} |")
    return "\n".join(
        [
            "# Run times",
            "",
            "How long the solution of each chapter ran from its first cell to its last, with one thread, on the",
            f"machine that measured last{f': {total:.0f} seconds together' if total else ''}. `make site ARGS=--time`",
            "measures anew.",
            "",
            "| | chapter | code cells | run time |",
            "|---|---|---:|---:|",
            *rows,
            "",
        ]
    )


_REFERENCE = """\
Reference
=========

What the notebooks import, from the docstrings.

.. toctree::
   :maxdepth: 1

"""
# What a wing hands on is described where it is defined.
_MODULE = """\
{0}
{1}

.. automodule:: {0}
   :members:
   :undoc-members:
   :member-order: bysource
   :ignore-module-all:
"""


def reference() -> dict[str, str]:
    """Page → text of the reference: one page for each public module that a notebook imports.

    The exercises are left out: their modules hold the answers.
    """
    names = [
        info.name
        for info in pkgutil.walk_packages(course_utils.__path__, "course_utils.")
        if not any(part.startswith("_") for part in info.name.split(".")) and ".exercises" not in info.name
    ]
    modules = {f"{name}.rst": _MODULE.format(name, "=" * len(name)) for name in names}
    return {"index.rst": _REFERENCE + "".join(f"   {name}\n" for name in names), **modules}


def number(name: str) -> str:
    """A chapter's number as readers say it: "1", "6a"."""
    return name.partition("_")[0].lstrip("0") or "0"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ledger(root: Path, notebooks: dict[str, NotebookNode]) -> ledger.Ledger:
    shown = {name: ledger.records_of(notebook.cells) for name, notebook in notebooks.items()}
    return ledger.compare(read_list(root / ledger.LIST), shown)


def _claim_row(claim: Claim, place: str, record: Record) -> str:
    measured = "<br>".join(plain(part) for part in record.measured)
    kind = record.verdict.replace(" ", "-")
    return (
        f"| [{plain(record.words)}]{{.verdict .{kind}}} "
        f"| [{plain(claim.id)}](#{claim_label(place, claim.id)})<br>{plain(claim.section)} "
        f"| {plain(claim.statement)} | {measured} |"
    )
