"""What a student meets: chapters run from top to bottom in a real browser, and their sliders move the picture.

Two chapters run whole. Of the others run the cells that their sliders need: every cell has run in the tests of the
notebooks, and what a browser adds to that is text, formulas and sliders on the screen.
"""

import pytest
from needed_cells import needed

from . import lab_in_chromium
from .lab_in_chromium import REPOSITORY, ChapterPage, browser_page, running_lab

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(lab_in_chromium.chromium() is None, reason="no Chromium here: apt-get install chromium"),
]
CHAPTERS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
WITHOUT_SLIDERS = {"00_start_here.ipynb"}
WHOLE = {"00_start_here.ipynb", "01_taylor_bounds.ipynb"}


def only_sliders(notebook, name):
    if name not in WHOLE:
        kept = needed(notebook.cells, lambda cell: cell.source.startswith("explore("))
        notebook.cells = [cell for cell in notebook.cells if cell.cell_type != "code" or cell in kept]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    root = tmp_path_factory.mktemp("lab")
    with running_lab(root, only_sliders) as address, browser_page() as page:
        yield page, address, root


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_runs_and_its_sliders_move_the_picture(lab, name):
    chapter = ChapterPage(*lab, name)
    cells = chapter.run_all()
    errors = [
        f"{output['ename']}: {output['evalue']}"
        for cell in cells
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]
    assert errors == []
    sliders = chapter.sliders()
    assert bool(sliders) == (name not in WITHOUT_SLIDERS)
    for slider in sliders:
        assert chapter.move(slider, "ArrowRight") is not None, "the picture did not change"
        assert chapter.move(slider, "ArrowLeft") is not None, "the picture did not change back"


def test_the_first_exercise_remembers_that_it_was_solved(lab):
    """Fail 0.1 as it comes, solve it, and see it counted: the whole path of an exercise, in the browser."""
    page, address, root = lab
    chapter = ChapterPage(page, address, root, "00_start_here.ipynb")
    stub = chapter.panel.locator(".jp-CodeCell", has_text="raise NotImplementedError").first
    stub.scroll_into_view_if_needed()
    stub.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("def movement(W, W0):\n    return np.sqrt(np.sum((W - W0) ** 2))")
    outputs = [output for cell in chapter.run_all() if cell["cell_type"] == "code" for output in cell["outputs"]]
    text = " ".join("".join(output.get("data", {}).get("text/plain", [])) for output in outputs)
    assert "0.1" in text and "1 of " in text and "exercises solved" in text
    assert '"0.1"' in (root / "work" / "progress.jsonl").read_text()
