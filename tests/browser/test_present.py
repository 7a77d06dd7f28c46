"""What a class sees: the chapter as ``make present`` opens it, in a real browser of 1280 × 720."""

import os
import shutil

import pytest

from course_staff import present

from . import lab_in_chromium
from .lab_in_chromium import REPOSITORY, ChapterPage, browser_page, serving

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(lab_in_chromium.chromium() is None, reason="no Chromium: apt-get install chromium"),
]
CHAPTER = "01_taylor_bounds.ipynb"


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    root = tmp_path_factory.mktemp("present")
    (root / "solutions").mkdir()
    for name in (CHAPTER, CHAPTER.replace(".ipynb", ".md")):
        shutil.copy(REPOSITORY / "solutions" / name, root / "solutions")
    copy, _ = present.bring(root, "01")
    inside = {**present.environment(root), "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces")}
    with serving(root, inside) as address, browser_page() as page:
        page.set_viewport_size({"width": 1280, "height": 720})
        name = os.path.relpath(copy, root / "work")
        yield ChapterPage(page, address.format("/doc/workspaces/present/tree/{}"), root, name)


def type_size(locator):
    return locator.first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")


def cell(chapter, text, kind="Code"):
    return chapter.panel.locator(f".jp-{kind}Cell", has_text=text).first


@pytest.mark.timeout(300)
def test_a_chapter_is_ready_for_a_projector(chapter):
    page, panel = chapter.page, chapter.panel
    # Nothing but the chapter: one document, no panel at its side, no grader's menu, no status bar.
    assert page.locator(".jp-SideBar .lm-mod-current:visible").count() == 0
    assert page.locator("#jp-main-statusbar:visible, .jp-StatusBar-Widget:visible").count() == 0
    assert page.get_by_role("menuitem", name="Nbgrader").count() == 0
    assert panel.bounding_box()["width"] > 0.9 * 1280
    # Large type, for prose and for code.
    assert type_size(panel.locator(".jp-RenderedMarkdown p")) >= 22
    assert type_size(panel.locator(".cm-content")) >= 20

    # Code that is not the point is folded, the rest is not.
    imports, run = cell(chapter, "import numpy as np"), cell(chapter, "W = W0 + 0.1")
    assert imports.locator(".jp-InputPlaceholder").is_visible()
    assert imports.locator(".cm-content:visible").count() == 0
    assert run.locator(".cm-content").is_visible()

    # Nothing gives the answer away before the cell is run; Shift+Enter runs it and shows the result.
    assert "f changes by -0.232" not in panel.inner_text()
    cell(chapter, "Taylor bounds", "Markdown").click()
    for _ in range(12):
        page.keyboard.press("Shift+Enter")
        if "f changes by -0.232" in panel.inner_text():
            break
        page.wait_for_timeout(1000)
    result = run.locator(".jp-OutputArea-output", has_text="f changes by -0.232")
    result.wait_for(timeout=60_000)
    assert type_size(result.locator("pre")) >= 20
    assert imports.locator(".jp-InputPlaceholder").is_visible(), "running a folded cell has unfolded it"


@pytest.mark.timeout(300)
def test_after_a_jump_one_key_brings_the_sliders_to_life(chapter):
    page = chapter.page
    after = cell(chapter, "A network is many such neurons", "Markdown")
    for _ in range(40):  # cells out of view are rendered while the page is idle
        if after.count():
            break
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(200)
    after.click()
    page.keyboard.press(present.CATCH_UP.replace("Accel", "Control").replace(" ", "+"))
    handle = chapter.panel.locator(".noUi-handle").first
    handle.wait_for(timeout=120_000)
    picture = chapter.panel.locator("img.widget-image").first
    picture.wait_for()
    slider = handle.element_handle(), picture.element_handle()
    assert chapter.move(slider, "ArrowRight") is not None, "the picture did not change"
    # On the screen together: the whole slider and the whole picture.
    box = chapter.panel.locator(".widget-vbox:has(img.widget-image)").first.bounding_box()
    assert box["height"] <= 720 - 90 and box["width"] <= 1280
