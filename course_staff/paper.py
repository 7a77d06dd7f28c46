"""Decks on paper: each as a PDF of one page a slide, and as a handout with the notes, through a headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1280, 720  # of a slide, in pixels
_MARGIN = {side: "24px" for side in ("top", "right", "bottom", "left")}


def print_deck(browser: Any, deck: Path) -> list[Path]:
    """Write ``NN_name.pdf`` and ``NN_name-handout.pdf`` beside a deck; returns them.

    Args:
        browser: a running Chromium (:func:`course_staff.chromium.browser`).
        deck: the page that :mod:`course_staff.slides` wrote.
    """
    made = []
    for query, ending in (("print-pdf", ""), ("print-pdf&showNotes=separate-page", "-handout")):
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        try:
            page.goto(f"{deck.as_uri()}?{query}")
            page.wait_for_function("window.Reveal && Reveal.isReady() && document.querySelector('.pdf-page')")
            # Reveal's own rule sets the page to the slide with no margin: a printer cuts what is at the edge.
            page.add_style_tag(content=f"@page {{ size: {WIDTH + 48}px {HEIGHT + 48}px; margin: 24px !important; }}")
            path = deck.with_name(f"{deck.stem}{ending}.pdf")
            page.pdf(
                path=path, width=f"{WIDTH + 48}px", height=f"{HEIGHT + 48}px", margin=_MARGIN, print_background=True
            )
            made.append(path)
        finally:
            page.close()
    return made
