"""What a student reads: one page with the points, and for every exercise the card of the notebook's check.

A page asks nothing of the network and runs nothing: its content security policy allows its own styles only.
Whatever a student wrote (names, error messages, printed text) arrives in a result as text and is escaped.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from course_staff.build import ROOT
from course_staff.source import NOTEBOOKS
from course_utils.desk.checks import as_card
from grader import records
from grader.adjustments import moment
from grader.records import UnitResult

FOLDER = "feedback"


def write_feedback(out: Path, results: Iterable[UnitResult], names: Mapping[str, str] | None = None) -> list[Path]:
    """One page for each student, ``out/feedback/<student>.html``, with the names of those who have one; the pages."""
    pages = []
    for student, units in groupby(sorted(results, key=_order), lambda unit: unit.student):
        page = out / FOLDER / f"{student}.html"
        records.write_atomically(page, to_html(list(units), (names or {}).get(student, "")).encode())
        pages.append(page)
    return pages


def to_html(units: list[UnitResult], name: str = "") -> str:
    """The page of one student, whose results ``units`` are."""
    scored = [unit.points for unit in units if unit.points is not None]
    return page("feedback.html.j2").render(
        student=units[0].student,
        name=name,
        units=units,
        points=records.tidy(sum(scored)),
        max_points=sum(unit.max_points for unit in units),
        waiting=len(units) - len(scored),
        moment=moment,
        by_person=records.BY_PERSON,
        no_jail=any(unit.jail == "none" and unit.status == records.GRADED for unit in units),
    )


def page(template: str):
    """A template of this folder, in which nothing is HTML unless it says so."""
    return _templates().get_template(template)


@functools.cache
def _templates():
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["card"] = lambda exercise: Markup(as_card(exercise))
    environment.filters["title"] = title
    environment.filters["tidy"] = records.tidy
    environment.filters["plural"] = _plural
    return environment


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


@functools.cache
def title(chapter: str) -> str:
    """A chapter's number and title, such as "1 · Taylor bounds"; for one that is gone, what its name says."""
    number, _, rest = chapter.partition("_")
    try:
        notebook = (ROOT / NOTEBOOKS / f"{chapter}.ipynb").read_text(encoding="utf-8")
        words = json.loads(notebook)["metadata"]["course"]["title"]
    except (OSError, ValueError, KeyError):
        words = rest.replace("_", " ").capitalize()
    return f"{number.lstrip('0') or '0'} · {words}"


def _order(unit: UnitResult) -> tuple[str, str]:
    return unit.student, unit.chapter
