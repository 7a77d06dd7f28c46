import re
import shutil
import subprocess
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from course_staff import lecture_plan, ledger, paper, slides
from course_staff.chromium import chromium
from course_staff.source import slide_type, sources
from course_utils.desk.claims import at_most, judge
from course_utils.exercises import Prediction

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = chromium()
TEX = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)


@pytest.fixture(scope="module")
def deck(built_once, tmp_path_factory):
    """The small course's only deck: its other chapter has no slides."""
    [deck] = slides.export(built_once, folder=tmp_path_factory.mktemp("slides"))
    return deck


class Loads(HTMLParser):
    """Collects what a page would fetch without a click."""

    def __init__(self):
        super().__init__()
        self.found, self.style = [], ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.found += [attrs[key] for key in ("src", "poster", "data") if attrs.get(key)]
        if tag == "link":
            self.found.append(attrs["href"])

    def handle_data(self, data):
        self.found += re.findall(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""", data) if "{" in data else []


def test_a_deck_loads_only_files_beside_it(deck):
    page = Loads()
    html = deck.read_text(encoding="utf-8")
    page.feed(html)
    loaded = [address.partition("?")[0] for address in page.found if not address.startswith("data:")]
    assert len(loaded) >= 6
    for address in loaded:
        assert address.startswith("assets/") and (deck.parent / address).is_file(), address
    assert not re.search(r"import[^;]*https?:", html)


def test_the_copied_styles_stay_offline(deck):
    styles = [path for path in (deck.parent / "assets").rglob("*.css")]
    assert len(styles) >= 4
    for path in styles:
        for address in re.findall(r"""(?:url\(|@import )\s*['"]?([^'")\s]+)""", path.read_text(encoding="utf-8")):
            assert not re.match(r"(https?:)?//", address), f"{path.name} loads {address}"


def test_a_deck_shows_the_tagged_cells_and_no_markers(deck):
    html = deck.read_text(encoding="utf-8")
    assert "How fast does a square grow?" in html and "Run it" in html
    assert "not on a slide" not in html and "<title>A small chapter</title>" in html
    assert "SOLUTION" not in html and "return</span> <span" in html
    assert html.count('<aside class="notes">') == 2


@pytest.mark.parametrize(
    "source, tags, hidden",
    [
        ("show(draw, x)", [], True),
        ("x = 1\nshow(draw, x)", [], False),
        ("print(1)", [], False),
        ("print(1)", ["remove-input"], True),
    ],
)
def test_only_the_output_of_a_single_show_is_on_the_slide(source, tags, hidden):
    cell = nbformat.v4.new_code_cell(source, metadata={"slideshow": {"slide_type": "slide"}, "tags": tags})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"course": {"title": "t"}})
    html = slides.to_html(slides.on_slides(notebook))
    assert ("highlight hl-" not in html) is hidden


def test_cards_stay_off_the_deck_and_close_it_in_one_line_each():
    record = judge("lecture/prop-4.1", at_most(1.0, 1.05, "y"))
    card = nbformat.v4.new_output("display_data", {"text/html": "a card", ledger.MIME: asdict(record)})
    slide = {"slideshow": {"slide_type": "fragment"}}
    shown = nbformat.v4.new_code_cell("claim('lecture/prop-4.1')", metadata=slide, outputs=[card])
    closing = nbformat.v4.new_code_cell("verdicts()", metadata={"slideshow": {"slide_type": "skip"}})
    told = slides.on_slides(nbformat.v4.new_notebook(cells=[shown, closing], metadata={"course": {"title": "t"}}))
    [cell] = told.cells
    assert "What we checked" in cell.source and "<li>Lecture, Proposition 4.1: holds</li>" in cell.source


def test_a_poll_stands_alone_with_the_usual_wrong_vote_in_its_notes_and_its_answer_a_key_later(monkeypatch):
    options = (("up", "Not up."), ("down", "Yes, down."), ("level", "Nor level."))
    asked = Prediction("9/a", "Where to?", right="down", options=options)
    monkeypatch.setattr(slides, "find_prediction", {"9/a": asked}.get)

    def cell(id, source, kind):
        return nbformat.v4.new_code_cell(source, id=id, metadata={"slideshow": {"slide_type": kind}})

    cells = [
        cell("a", 'predict("9/a")', "subslide"),
        cell("b", "run()", "subslide"),
        cell("c", 'after("9/a")', "fragment"),
    ]
    course = {"title": "t", "predictions": [{"id": "9/a", "cells": {"asks": "a", "runs": ["b"], "reads": "c"}}]}
    poll, notes, run, answer = slides.on_slides(
        nbformat.v4.new_notebook(cells=cells, metadata={"course": course})
    ).cells
    assert "Where to?" in poll.source and "<li>down</li>" in poll.source and "Yes" not in poll.source
    assert notes.metadata.slideshow.slide_type == "notes" and "wrong vote is A, “up”: Not up." in notes.source
    assert run.source == "run()" and run.metadata.slideshow.slide_type == "subslide"
    assert answer.source == "**B, down.** Yes, down." and answer.metadata.slideshow.slide_type == "fragment"


def test_exporting_needs_a_built_chapter(course):
    with pytest.raises(FileNotFoundError, match="solutions/90_fixture.ipynb is not built; run `make build` first"):
        slides.export(course)


def test_the_command_names_the_decks(built, capsys):
    assert slides.main(["--root", str(built)]) == 0
    assert capsys.readouterr().out.startswith("slides/90_fixture.html  ")
    assert slides.main(["--root", str(built), "91"]) == 0
    assert capsys.readouterr().out == "No cell has a slide type, so there is no deck.\n"
    assert slides.main(["--root", str(built), "92"]) == 1
    assert "no chapter '92'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium found: looked for chromium, chromium-browser, google-chrome")
    with playwright.sync_playwright() as runner:
        with runner.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]) as chromium:
            yield chromium


@pytest.fixture
def opened(browser):
    """Opens a deck offline; gives the page once it shows a slide, and the requests it should not make."""
    context = browser.new_context(viewport={"width": slides.WIDTH, "height": slides.HEIGHT})

    def open(deck):
        page, refused = context.new_page(), []

        def only_files(route):
            if route.request.url.startswith(("file:", "data:")):
                route.continue_()
            else:
                refused.append(route.request.url)
                route.abort()

        context.route("**/*", only_files)
        # MathJax measures with a font at about:blank, which is no request to anywhere.
        page.on("requestfailed", lambda request: request.url != "about:blank" and refused.append(request.url))
        page.on("pageerror", lambda error: refused.append(str(error)))
        page.goto(deck.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        return page, refused

    yield open
    context.close()


def walk(page):
    """Every state of the deck, fragment by fragment, as facts about the slide shown."""
    return page.evaluate("""() => {
        const states = [];
        while (true) {
            const slide = Reveal.getCurrentSlide();
            const parts = [...slide.querySelectorAll("*")].filter(e => e.offsetParent && !e.closest(
                "aside, .MJX_Assistive_MathML, .MathJax")).map(e => e.getBoundingClientRect());
            const text = slide.cloneNode(true);
            text.querySelectorAll("aside, pre, code, script").forEach(e => e.remove());
            states.push({
                text: text.textContent,
                right: Math.max(...parts.map(p => p.right)), bottom: Math.max(...parts.map(p => p.bottom)),
                height: slide.scrollHeight, width: slide.scrollWidth,
                size: parseFloat(getComputedStyle(slide).fontSize),
                math: slide.querySelectorAll(".MathJax").length,
                wrong: slide.querySelectorAll(".merror, .noError, .MathJax_Error").length,
                images: [...slide.querySelectorAll("img")].filter(i => !i.complete || !i.naturalWidth).length,
                heading: Boolean(slide.querySelector("h1, h2, h3")),
                mark: document.querySelector(".slide-number").textContent.trim(),
                notes: [...slide.querySelectorAll(":scope > aside.notes")].map(e => e.textContent.trim()),
            });
            if (Reveal.isLastSlide() && !Reveal.availableFragments().next) return states;
            Reveal.next();
        }
    }""")


def check_deck(page, refused, notebook):
    cells = [cell for cell in notebook.cells if slide_type(cell) not in (None, "skip")]
    talk = lecture_plan.parts(notebook.cells, notebook.metadata.course)[-1].end
    states = walk(page)
    shown = [cell for cell in cells if slide_type(cell) in ("slide", "subslide", "fragment")]
    assert len(states) >= sum("claim(" not in cell.source for cell in shown)  # verdicts come together
    for state in states:
        where = " ".join(state["text"].split())[:60]
        assert state["height"] <= slides.HEIGHT and state["bottom"] <= slides.HEIGHT, f"too high: {where}"
        assert state["width"] <= slides.WIDTH and state["right"] <= slides.WIDTH, f"too wide: {where}"
        assert state["size"] >= 21, f"too small to read: {where}"
        assert state["heading"], f"no heading: {where}"
        raw = re.search(r"[$\\]", state["text"])
        assert not raw and not state["wrong"], f"TeX that is not typeset: {where}"
        assert not state["images"], f"an image that does not show: {where}"
    marks = [re.fullmatch(rf"\d+ / \d+ · minute (\d+) of {talk}", state["mark"]) for state in states]
    assert None not in marks, [state["mark"] for state in states]
    minutes = [int(mark[1]) for mark in marks]
    assert minutes[0] == 0 and minutes == sorted(minutes) and minutes[-1] < talk
    for minute, state in zip(minutes, states, strict=True):
        [notes] = state["notes"]
        assert notes.startswith(f"Minute {minute} to "), notes
    formulas = sum(
        len(TEX.findall(re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)))
        for cell in cells
        if cell.cell_type == "markdown" and slide_type(cell) != "notes"
    )
    assert page.evaluate("MathJax.Hub.getAllJax().length") == page.locator(".slides .MathJax").count() >= formulas
    notes = [cell for cell in cells if slide_type(cell) == "notes"]
    assert page.locator("aside.notes").count() >= len(notes)
    assert refused == []


@pytest.mark.browser
def test_the_small_deck_shows_offline(deck, built_once, opened):
    page, refused = opened(deck)
    check_deck(page, refused, nbformat.read(built_once / "solutions/90_fixture.ipynb", as_version=4))
    assert page.locator(".slides .MathJax").count() == 6


@pytest.mark.browser
@pytest.mark.parametrize(
    "old, new, why",
    [
        ("For positive", '<pre style="height: 700px">tall</pre>For positive', "too high"),
        ("For positive", '<pre style="width: 1400px">wide</pre>For positive', "too wide"),
        (r"\mathbb{R}", r"\mathbb{R", "TeX that is not typeset"),
        (r"\mathbb{R}", r"\nosuch{R}", "TeX that is not typeset"),
        ("For positive", '<img src="assets/missing.png">For positive', "an image that does not show"),
        ("<body", '<link rel="stylesheet" href="https://example.org/a.css"><body', "example.org"),
    ],
    ids=["high", "wide", "broken formula", "unknown macro", "picture", "network"],
)
def test_the_walk_notices_what_is_wrong(deck, built_once, opened, tmp_path, old, new, why):
    html = deck.read_text(encoding="utf-8")
    assert old in html
    (tmp_path / "assets").symlink_to(deck.parent / "assets")
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(html.replace(old, new, 1), encoding="utf-8")
    page, refused = opened(spoilt)
    with pytest.raises(AssertionError, match=why):
        check_deck(page, refused, nbformat.read(built_once / "solutions/90_fixture.ipynb", as_version=4))


@pytest.mark.browser
def test_speaker_notes_open_with_s(deck, opened):
    page, _ = opened(deck)
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    popup.value.get_by_text("Ask before you show: which term is missing?").wait_for(timeout=10_000)


@pytest.mark.browser
def test_one_key_walks_through_all_of_it_and_coming_back_asks_again(deck, opened):
    page, _ = opened(deck)
    steps = len(walk(page))
    page.evaluate("Reveal.slide(0)")
    for _ in range(steps - 1):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.isLastSlide()")
    page.evaluate("Reveal.slide(0); while (!Reveal.availableFragments().next && !Reveal.isLastSlide()) Reveal.next()")
    if page.evaluate("Reveal.availableFragments().next"):
        page.evaluate("while (Reveal.availableFragments().next) Reveal.next()")
        page.keyboard.press("ArrowRight")
        page.evaluate("const {h, v} = Reveal.getIndices(); Reveal.prev(); Reveal.availableFragments()")
        assert not page.evaluate("Reveal.getCurrentSlide().querySelectorAll('.fragment.visible').length")


@pytest.mark.browser
def test_a_deck_is_printed_with_a_page_for_each_slide_and_a_handout(deck, browser):
    pdfinfo = shutil.which("pdfinfo") or pytest.skip("pdfinfo is not installed: apt-get install poppler-utils")
    slide_pages, handout = (
        int(re.search(r"Pages:\s+(\d+)", subprocess.run([pdfinfo, path], capture_output=True, text=True).stdout)[1])
        for path in paper.print_deck(browser, deck)
    )
    assert slide_pages >= 3 and handout > slide_pages


@pytest.mark.browser
def test_what_does_not_fit_moves_to_slides_below(opened, deck, tmp_path):
    """A slide of four parts that fit two by two, and one part that needs small type on a slide of its own."""
    cells = [
        nbformat.v4.new_markdown_cell(
            f"{'## Crowded' if n == 0 else ''}\n\nPart{n}. " + "A sentence about it. " * (105 if n == 4 else 30),
            metadata={"slideshow": {"slide_type": "fragment" if n else "slide"}},
        )
        for n in range(5)
    ]
    cells.insert(1, nbformat.v4.new_markdown_cell("say it", metadata={"slideshow": {"slide_type": "notes"}}))
    shutil.copytree(deck.parent / "assets", tmp_path / "assets")
    crowded = tmp_path / "crowded.html"
    crowded.write_text(slides.to_html(nbformat.v4.new_notebook(cells=cells, metadata={"course": {"title": "t"}})))
    page, _ = opened(crowded)
    states = walk(page)
    assert all(state["bottom"] <= slides.HEIGHT and "Crowded" in state["text"] for state in states)
    shown = [(re.findall(r"Part\d", state["text"]), state["size"]) for state in states]
    assert [parts for parts, _ in shown] == 2 * [["Part0", "Part1"]] + 2 * [["Part2", "Part3"]] + [["Part4"]]
    assert all(size >= 24 for _, size in shown[:4]) and 21 <= shown[4][1] < 24
    assert [text.strip() for text in page.locator("aside.notes").all_text_contents()] == 3 * ["say it"]


def test_a_slide_that_opens_with_a_picture_gets_its_parts_heading():
    def cell(kind, source, slide, **metadata):
        metadata["slideshow"] = {"slide_type": slide}
        return getattr(nbformat.v4, f"new_{kind}_cell")(source, metadata=metadata)

    cells = [
        cell("markdown", "## A part\n\ntext", "slide"),
        cell("markdown", "Ask.", "notes", minutes=3),
        cell("code", "1", "skip"),
        cell("code", "show(draw, x)", "slide"),
        cell("code", "2", "fragment"),
    ]
    notebook = slides.on_slides(nbformat.v4.new_notebook(cells=cells))
    views = [cell.metadata["slideshow"] for cell in notebook.cells]
    shown = [(slide_type(cell), cell.source, view.get("data")) for cell, view in zip(notebook.cells, views)]
    assert shown == [
        ("slide", "## A part\n\ntext", {"minute": "0"}),
        ("notes", "Ask.", None),
        ("slide", "## A part", {"minute": "1"}),
        ("-", "show(draw, x)", None),
        ("fragment", "2", {"minute": "2"}),
    ]
    assert notebook.metadata["talk"] == 3


@pytest.mark.browser
@pytest.mark.parametrize("name", [path.stem for path in sources(ROOT)])
def test_the_courses_decks_show_offline(opened, tmp_path, name):
    [deck] = slides.export(ROOT, [name], tmp_path)
    page, refused = opened(deck)
    check_deck(page, refused, nbformat.read(ROOT / f"solutions/{name}.ipynb", as_version=4))
