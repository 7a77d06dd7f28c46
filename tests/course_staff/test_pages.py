"""Feedback and class report in a real browser: they fit a phone, are accessible, and run nothing."""

import pytest
from small_class import NAMES, results

from course_staff.chromium import chromium
from grader.feedback import to_html as feedback
from grader.report import to_html as report

CHROMIUM = chromium()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

PAGES = {
    "feedback": lambda: feedback([unit for unit in results() if unit.student == "eve"], NAMES["eve"]),
    "report": lambda: report(results(), NAMES, [NAMES["eve"]]),
}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_inert_accessible_and_fits_a_phone(browser, tmp_path, name, scheme):
    path = tmp_path / f"{name}.html"
    path.write_text(PAGES[name](), encoding="utf-8")
    heard = []
    page = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme=scheme)
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: heard.append("a dialog"))
    page.on("request", lambda request: heard.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    assert page.title() != "run" and page.locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the phone"
    assert heard == []
    page.close()

    # axe is a script, which the page's policy would refuse like any other.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    found = axe.Axe().run(page)
    context.close()
    assert found.violations_count == 0, found.generate_report()


def test_the_policy_refuses_a_script_that_escaping_would_have_missed(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(PAGES["feedback"]().replace("</main>", "<script>document.title = 'run'</script></main>"))
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.title().startswith("Feedback for")
    page.close()
