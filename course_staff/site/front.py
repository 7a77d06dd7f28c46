"""The front page: what the course is, something to move, three ways in, what was found, and the chapters as cards."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from html import unescape
from pathlib import Path

import jinja2
from nbformat import NotebookNode

from course_staff.ledger import Ledger
from course_staff.site import chapters, sliders
from course_staff.site.pages import number
from course_utils.desk.claims import VERDICTS

TEMPLATE = Path(__file__).with_name("front.html.j2")
CARD = 360, 240  # pixels of a card's picture, which is shown at half of that
#: Whose first slider the page opens with, and what it asks for.
HERO = "01_taylor_bounds"
TRY = "Push the step until the gap bursts out of the shaded region. It cannot: that is Chapter 1."

_IMAGE = re.compile(r'<img alt="([^"]*)"[^>]*src="data:image/png;base64,([^"]+)"')


def render(notebooks: dict[str, NotebookNode], found: Ledger, cards: Path) -> str:
    """The page as HTML; the cards' pictures are written to ``cards``."""
    cards.mkdir(parents=True, exist_ok=True)
    listed = []
    for name, notebook in notebooks.items():
        picture = first_picture(notebook)
        if picture:
            (cards / f"{name}.png").write_bytes(small(picture[0]))
        alt = picture[1] if picture else ""
        listed.append({"name": name, "number": number(name), "picture": alt, **notebook.metadata.course})
    verdicts = Counter(claim.verdict for claim in found.claims)
    [hero, *_] = sliders.find(notebooks[HERO]) if HERO in notebooks else [None]
    slider = "" if hero is None else chapters.slider_name(HERO, notebooks[HERO].cells[hero])
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    return template.render(
        chapters=listed,
        hours=round(sum(chapter["minutes"] for chapter in listed) / 60),
        claims=len(found.claims),
        failed=sum(verdicts[name] for name in ("corrected", "fails", "not reproduced")),
        tallies=[
            {"name": name, "kind": name.replace(" ", "-"), "words": verdict.counted, "count": verdicts[name]}
            for name, verdict in VERDICTS.items()
            if verdicts[name]
        ],
        slider=slider,
        invitation=TRY,
    )


def first_picture(notebook: NotebookNode) -> tuple[bytes, str] | None:
    """The first picture of a chapter as PNG, and its alternative text; None where it has none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if found := _IMAGE.search(output.get("data", {}).get("text/html", "")):
                return base64.b64decode(found[2]), unescape(found[1])
    return None


def small(picture: bytes) -> bytes:
    """A picture at the size of a card, on white, in few colours."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail(CARD)
    buffer = io.BytesIO()
    image.quantize(32).save(buffer, "png", optimize=True)
    return buffer.getvalue()
