"""The reading site as a reader has it: files in a folder, opened in a real headless Chromium without a network."""

from __future__ import annotations

import io
import json
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from course_staff.site import chapters, sliders

from . import lab_in_chromium
from .lab_in_chromium import REPOSITORY

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(lab_in_chromium.chromium() is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.timeout(900),
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
LARGEST_PAGE, FRONT_PAGE = 2.4e6, 6e5  # bytes, with all that a page loads; two chapters are above 2 MB
READY = """async () => {
  if (window.MathJax?.startup) await MathJax.startup.promise;
  const waiting = () => [...document.querySelectorAll('.explore')].some(place => !('ready' in place.dataset));
  while (waiting()) await new Promise(next => setTimeout(next, 20));
}"""
# What axe looks at: everything but the insides of formulas, thousands of outlines that are hidden from readers.
AXE = {"preload": False, "resultTypes": ["violations"]}
OUTSIDE_FORMULAS = {"exclude": [["mjx-container > svg"]]}


@pytest.fixture(scope="module")
def dark(site, browser):
    """A page in the dark, as axe reports it."""
    from axe_playwright_python.sync_playwright import Axe

    def look(path: Path) -> list[dict]:
        context = browser.new_context(viewport=DESKTOP, color_scheme="dark")
        page = context.new_page()
        page.goto(path.as_uri())
        page.evaluate(READY)
        found = Axe().run(page, context=OUTSIDE_FORMULAS, options=AXE).response["violations"]
        context.close()
        return [each for each in found if each["impact"] in ("serious", "critical")]

    return look


@pytest.mark.parametrize("name", ["index", "ledger", "errata", "chapters/01_taylor_bounds", "teaching"])
def test_a_page_in_the_dark_is_accessible(site, dark, name):
    found = dark(site / f"{name}.html")
    assert not found, [(each["id"], each["nodes"][0]["html"][:200], each["nodes"][0]["any"][:1]) for each in found]


@pytest.fixture
def opened(browser):
    """Opens a page over file:// in a context of its own; gives it with a list of what went wrong there."""
    contexts = []

    def open(path: Path, query: str = "", **options):
        context = browser.new_context(viewport=DESKTOP, **options)
        contexts.append(context)
        page, wrong = context.new_page(), []
        listen(page, wrong)
        page.goto(path.as_uri() + query)
        if options.get("java_script_enabled", True):
            page.evaluate(READY)
        return page, wrong

    yield open
    for context in contexts:
        context.close()


def listen(page, wrong: list[str]) -> None:
    def asked(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            wrong.append(f"asks the network for {request.url}")

    page.on("request", asked)
    page.on("requestfailed", lambda request: wrong.append(f"does not get {request.url}"))
    page.on("pageerror", lambda error: wrong.append(f"fails: {error}"))
    page.on("console", lambda message: message.type == "error" and wrong.append(f"says: {message.text}"))


class Page(HTMLParser):
    """A page's links, what it loads, its targets, and the levels of its headings."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loads, self.targets, self.levels, self.without_alt = [], [], set(), [], 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.targets |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag in ("script", "img", "link") and (source := attributes.get("src") or attributes.get("href")):
            self.loads.append(source)
        if tag == "img" and not (attributes.get("alt") or "").strip():
            self.without_alt += 1
        if tag == "article":  # above it the theme repeats the title, for print only
            self.levels = []
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.levels.append(int(tag[1]))


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_chapter_is_there(site, pages):
    names = {path.stem for path in (REPOSITORY / "solutions").glob("*.md")}
    assert names and {path.stem for path in (site / "chapters").glob("*.html")} == names
    front = (site / "index.html").read_text(encoding="utf-8")
    assert all(f'href="chapters/{name}.html"' in front for name in names)


def test_every_link_leads_somewhere(site, pages):
    wrong, checked = [], 0
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            checked += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                wrong.append(f"{path.relative_to(site)}: {link} is no file")
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in pages[target].targets:
                wrong.append(f"{path.relative_to(site)}: {link} has no such target")
    assert checked > 1000 and not wrong, "\n".join(wrong[:20])


def test_no_page_is_too_large(site, pages):
    """Not compressed; of what is shared by all pages, style sheets and scripts, each page counts all of it."""
    for path, page in pages.items():
        loads = {
            (path.parent / source.partition("?")[0]).resolve()
            for source in page.loads
            if source[:1] != "#" and ":" not in source
        }
        size = sum(file.stat().st_size for file in {path, *loads} if file.suffix != ".html" or file == path)
        if path.name != "search.html":  # which brings its index
            assert size < (FRONT_PAGE if path == site / "index.html" else LARGEST_PAGE), (
                f"{path.name}: {size / 1e6:.2f} MB"
            )


def test_the_front_page_moves_at_once_and_leads_into_the_ledger(site, opened):
    page, wrong = opened(site / "index.html")
    place = page.locator(".explore")
    before = place.locator("svg").inner_html()
    box = place.locator("svg").bounding_box()
    assert box["y"] < DESKTOP["height"], "the picture is on the first screen"
    place.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    assert place.locator("svg").inner_html() != before
    tally = page.locator(".tallies a").last
    count = int(tally.locator("b").inner_text())
    tally.click()
    assert page.locator("tr:has(.verdict):visible").count() == count
    assert not wrong


def test_nothing_answers_a_prediction_before_it_is_made_and_then_its_own_sentence_does(site, opened):
    chapter = next(path for path in sorted((site / "chapters").glob("0[1-9]*.html")))
    page, wrong = opened(chapter)
    asked = page.locator(".predict")
    assert asked.count() >= 5
    for place in asked.all():
        id = place.get_attribute("data-prediction")
        reading = page.locator(f'.reading[data-prediction="{id}"] li').first
        assert not reading.is_visible(), id
        shown = place.evaluate(
            """(place, id) => {
              const found = [];
              for (let next = place.nextElementSibling; !next.matches(`.reading[data-prediction="${id}"]`);
                   next = next.nextElementSibling)
                found.push(...next.querySelectorAll(".cell_output"));
              return found.filter(output => output.checkVisibility()).length;
            }""",
            id,
        )
        assert shown == 0, f"{id}: a result is in view"
    first = asked.first
    first.locator("input").first.focus()
    page.keyboard.press("Space")
    id = first.get_attribute("data-prediction")
    mine = page.locator(f'.reading[data-prediction="{id}"] li.mine')
    assert mine.count() == 1 and mine.is_visible()
    page.reload()
    assert page.locator(f'.reading[data-prediction="{id}"] li.mine').is_visible(), "a choice is kept"
    assert not wrong


def test_headings_come_in_order_and_pictures_have_texts(site, pages):
    for path, page in pages.items():
        steps = np.diff([0, *page.levels])
        assert page.levels.count(1) == 1, path.name
        assert steps.max() <= 1, f"{path.name}: {page.levels}"
        assert not page.without_alt, path.name


def test_every_page_is_accessible_offline_and_fits_a_phone(site, pages, browser):
    from axe_playwright_python.sync_playwright import Axe

    axe, wrong = Axe(), []
    # Of pages that one template makes axe, which takes seconds for each, sees the three largest of the modules' and
    # all chapters; contrast, its slowest rule, which the template's colours decide, on the two largest chapters.
    by_size = {
        name: sorted((site / name).glob(pattern), key=lambda path: path.stat().st_size)
        for name, pattern in (("reference", "course_utils.*.html"), ("chapters", "*.html"))
    }
    alike, without_contrast = set(by_size["reference"][:-3]), set(by_size["chapters"][:-2])
    assert alike | without_contrast < set(pages)
    context = browser.new_context(viewport=DESKTOP)
    for path in pages:
        page, problems = context.new_page(), []
        listen(page, problems)
        page.goto(path.as_uri())
        page.evaluate(READY)
        if page.locator("mjx-merror, [data-mjx-error]").count():
            problems.append("has a formula that is not typeset")
        found = []
        if path not in alike:
            rules = {"color-contrast": {"enabled": path not in without_contrast}}
            found = axe.run(page, context=OUTSIDE_FORMULAS, options={**AXE, "rules": rules}).response["violations"]
        problems += [
            f"{each['id']}: {each['nodes'][0]['html'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        page.set_viewport_size(PHONE)
        page.evaluate("() => new Promise(next => setTimeout(next, 50))")  # the scripts answer a resize
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            problems.append(f"is {width} wide on a phone of {PHONE['width']}")
        wrong += [f"{path.relative_to(site)} {problem}" for problem in problems]
        page.close()
    context.close()
    assert not wrong, "\n".join(wrong)


def solutions_with_sliders() -> list[str]:
    read = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "solutions").glob("*.ipynb")
    }
    return sorted(
        name
        for name, notebook in read.items()
        if any("".join(cell["source"]).startswith("explore(") for cell in notebook["cells"])
    )


@pytest.mark.parametrize("name", solutions_with_sliders())
def test_sliders_answer_to_keys_with_picture_and_text(site, opened, name):
    page, wrong = opened(site / "chapters" / f"{name}.html")
    places = page.locator(".explore")
    assert places.count() == len(sliders.find(chapters.read(REPOSITORY)[name])) > 0
    for place in places.all():
        picture, text = place.locator("svg"), place.locator("[role=status]")
        assert picture.get_attribute("aria-labelledby") == text.get_attribute("id")
        controls = place.locator("input[type=range], input[type=radio]:checked")
        assert controls.count() > 0
        for control in controls.all():
            before = picture.inner_html(), text.text_content(), control.get_attribute("aria-valuetext")
            label = control.evaluate("input => input.labels[0].textContent")
            assert label.strip()
            is_range = control.get_attribute("type") == "range"
            last = is_range and control.evaluate("input => input.value === input.max")
            control.focus()
            page.keyboard.press("ArrowLeft" if last else "ArrowRight")
            after = picture.inner_html(), text.text_content(), control.get_attribute("aria-valuetext")
            assert before[0] != after[0] or before[1] != after[1], f"{name}: {label} changes nothing"
            if is_range:
                assert before[2] != after[2] == control.locator("xpath=../output").text_content()
                # A radio button that is no longer checked would not be found again; sliders go back.
                page.keyboard.press("ArrowRight" if last else "ArrowLeft")
                assert (picture.inner_html(), text.text_content()) == before[:2]
    assert not wrong


@pytest.mark.parametrize("name", solutions_with_sliders())
def test_a_sliders_picture_looks_as_matplotlib_draws_it(site, opened, name):
    from PIL import Image

    from course_utils.figures.slider import LiveFigure

    notebook = chapters.read(REPOSITORY)[name]
    page, _ = opened(site / "chapters" / f"{name}.html")
    for number in sliders.find(notebook):
        slider = sliders.read(notebook, number, name)
        image, text = LiveFigure(slider.draw).update(slider.compute(**slider.first))
        place = page.locator(f'[id="explore-{chapters.slider_name(name, notebook.cells[number])}"]')
        assert place.locator("[role=status]").text_content() == text
        drawn = Image.open(io.BytesIO(image)).convert("L")
        width, height = drawn.size
        # On whole pixels, where matplotlib's pixels are.
        style = f"position: fixed; inset: 0; z-index: 9999; width: {width}px; height: {height}px"
        place.locator("svg").evaluate("(svg, style) => { svg.style.cssText = style; }", style)
        screen = page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height})
        place.locator("svg").evaluate("svg => { svg.style.cssText = ''; }")
        shown = Image.open(io.BytesIO(screen)).convert("L")
        # Seen from a little way off, so that the edges' smoothing, which differs, does not count.
        far = [np.asarray(each.reduce(8), float) for each in (shown, drawn)]
        alike = np.corrcoef(far[0].ravel(), far[1].ravel())[0, 1]
        assert alike > 0.95, f"{name}, cell {number}: correlation {alike:.2f}"  # with another state it is below 0.7


def test_print_shows_the_static_pictures_alone(site, opened):
    name = solutions_with_sliders()[0]
    page, _ = opened(site / "chapters" / f"{name}.html")
    page.emulate_media(media="print")
    assert not page.locator(".explore").first.is_visible()
    assert page.locator(".cell_output img").first.is_visible()
    assert len(page.pdf(format="A4")) > 100_000


def test_solutions_are_folded_and_open(site, opened):
    name = solutions_with_sliders()[0]
    page, _ = opened(site / "chapters" / f"{name}.html")
    folded = page.locator("details:has(> summary:has-text('Solution of exercise'))")
    text = (REPOSITORY / "solutions" / f"{name}.md").read_text(encoding="utf-8")
    assert folded.count() == text.count("### BEGIN SOLUTION") > 0
    assert "SOLUTION" not in page.content().replace("Solution", "")
    code = folded.first.locator("pre").first
    assert not code.is_visible()
    folded.first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert code.is_visible()


def listed() -> list[dict]:
    return tomllib.loads((REPOSITORY / "course_utils/claims.toml").read_text(encoding="utf-8"))["claim"]


def test_the_ledger_shows_every_claim_with_a_verdict_and_filters_them(site, opened):
    page, wrong = opened(site / "ledger.html")
    rows = page.locator("tr:has(.verdict)")
    ids = [cell.split("\n")[0] for cell in rows.locator("td:nth-child(2)").all_inner_texts()]
    assert ids == [entry["id"] for entry in sorted(listed(), key=lambda entry: entry["chapter"])]
    assert all(words.strip() for words in rows.locator(".verdict").all_inner_texts())
    boxes = page.locator(".ledger-filter input")
    for box in boxes.all()[1:]:
        box.focus()
        page.keyboard.press("Space")
    kind = boxes.first.get_attribute("value")
    wanted = sum(entry["verdict"].replace(" ", "-") == kind for entry in listed())
    assert page.locator("tr:has(.verdict):visible").count() == wanted < len(listed())
    assert page.locator(".ledger-filter [role=status]").text_content().startswith(f"{wanted} of {len(listed())} ")
    assert not wrong


def test_without_scripts_the_ledger_is_whole_and_a_slider_says_what_is_missing(site, opened):
    page, _ = opened(site / "ledger.html", java_script_enabled=False)
    assert page.locator("tr:has(.verdict):visible").count() == len(listed())
    page, _ = opened(site / "chapters" / f"{solutions_with_sliders()[0]}.html", java_script_enabled=False)
    assert "The picture above shows three of its states" in page.locator(".explore").first.inner_text()


def test_the_search_finds_chapters_without_a_server(site, opened):
    page, wrong = opened(site / "search.html", "?q=hoeffding")
    page.locator("#search-results li a").first.wait_for(timeout=20_000)
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any("chapters/03_hoeffding" in link for link in found)
    assert not wrong
