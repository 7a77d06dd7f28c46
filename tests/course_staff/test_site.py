"""The site's parts, each by itself; the whole of it is looked at in tests/browser/test_site.py."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_staff import ledger
from course_staff.site import build as site
from course_staff.site import chapters, front, pages, sliders
from course_staff.site.__main__ import main
from course_utils.exercises import Prediction

ROOT = Path(__file__).resolve().parents[2]
IMPORTS = "import numpy as np\nfrom course_utils.figures.slider import explore"
DRAWING = """def draw(ax, data):
    ax.plot([0, 1, 2], [0, data, np.nan], label="a < b")
    ax.plot([0, 1], [data, data], "o")
    ax.vlines([0, 1], 0, 1, colors="#0072B2")
    ax.set_title(f"at {data:.1f}")
    return f"a line up to {data:.1f}"
"""


def notebook_of(*sources):
    return new_notebook(cells=[new_code_cell(source, id=f"cell{n}") for n, source in enumerate(sources)])


def read(*sources):
    notebook = notebook_of(*sources)
    [number] = sliders.find(notebook)
    return sliders.read(notebook, number, "solutions/01_x.ipynb")


def test_a_slider_is_read_from_what_it_needs_and_nothing_else_runs():
    found = read(
        IMPORTS,
        "raise RuntimeError('must not run')",
        "scale = 2.0\n",
        "def half(k):\n    return k / scale",
        DRAWING,
        "for k in range(3):\n    pass",  # binds the name of an argument, which is another variable
        "explore(lambda k, kind: half(k), draw, start={'k': 5}, labels={'kind': 'shape'}, "
        "k=np.arange(9), kind=['flat', 'steep'])",
    )
    assert found.compute(k=3, kind="flat") == 1.5
    assert found.size == 18
    assert [control.label for control in found.controls.values()] == ["k", "shape"]
    assert found.first == {"k": 5, "kind": "flat"}


REFUSED = {
    "assigned twice": (["n = 1", "n = 2"], "explore(lambda k: n, draw, k=[1, 2])", "'n' must be an import"),
    "a loop": (["for n in range(3):\n    pass"], "explore(lambda k: n, draw, k=[1, 2])", "'n' must be an import"),
    "a generator": (
        ["rng = np.random.default_rng(1)"],
        "explore(lambda k: rng.random(), draw, k=[1, 2])",
        "uses the random generator 'rng'",
    ),
    "twice": ([], "explore(len, draw, k=[1])\nexplore(len, draw, k=[1])", "calls explore 2 times"),
    "unknown": ([], "explore(missing, draw, k=[1, 2])", "NameError: name 'missing' is not defined"),
}


@pytest.mark.parametrize("before, cell, message", REFUSED.values(), ids=REFUSED)
def test_a_slider_that_depends_on_the_notebooks_state_is_refused_by_name(before, cell, message):
    with pytest.raises(sliders.SliderError, match=r"^solutions/01_x.ipynb, cell \d+ \('explore\(") as refused:
        read(IMPORTS, DRAWING, *before, cell)
    assert message in str(refused.value)


def test_a_large_grid_is_thinned_where_it_is_finest_and_keeps_its_start_and_ends():
    call = "explore(len, draw, start={'a': 17, 'b': 3}, a=range(101), b=[1, 2, 3, 4], c=range(60), w=['x', 'y'])"
    found = read(IMPORTS, DRAWING, call)
    assert sliders.LARGEST_GRID / 8 < found.size <= sliders.LARGEST_GRID
    assert found.controls["b"].values == [1, 2, 3, 4] and found.controls["w"].values == ["x", "y"]
    a = found.controls["a"].values
    assert (a[0], a[-1]) == (0, 100)
    steps = np.diff(a)
    assert len(set(steps[1:-1])) == 1 and steps.max() == steps[1] > 1
    assert found.first["a"] == 17 and found.first["b"] == 3


def test_pictures_depend_on_what_a_slider_runs_and_not_on_the_rest(tmp_path):
    call = "explore(lambda k: scale * k, draw, k=[1, 2])"
    plain = notebook_of(IMPORTS, DRAWING, "scale = 2", "x = 1", call)
    same = notebook_of(IMPORTS, DRAWING, "scale = 2", "x = 5", call)
    other = notebook_of(IMPORTS, DRAWING, "scale = 3", "x = 1", call)
    prints = [sliders.fingerprint(notebook, 4, tmp_path) for notebook in (plain, same, other)]
    assert prints[0] == prints[1] != prints[2]
    assert sliders.fingerprint(plain, 4, ROOT) != prints[0]  # with the modules that are imported


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A slider of six pictures, computed in two parts."""
    notebook = notebook_of(IMPORTS, DRAWING, "explore(lambda k: k / 2, draw, k=range(6))")
    path = tmp_path_factory.mktemp("drawn") / "01_x.ipynb"
    path.write_text(json.dumps(notebook))
    slider = sliders.read(notebook, 2, path.name)
    return sliders.join(slider, [sliders.compute(path, 2, 0, 4), sliders.compute(path, 2, 4, 6)])


def test_every_picture_is_kept_and_what_they_share_is_kept_once(drawn):
    assert [drawn["width"], drawn["height"]] == [5600, 3400]
    assert len(drawn["pictures"]) == 6
    assert drawn["texts"] == [f"a line up to {k / 2:.1f}" for k in range(6)]
    keys = [json.dumps(element) for element in drawn["elements"]]
    assert len(set(keys)) == len(keys) < sum(map(len, drawn["pictures"])) / 2
    for k, picture in enumerate(drawn["pictures"]):
        found = [drawn["elements"][index] for index in picture]
        [dots] = [element for element in found if isinstance(element, list) and 'fill="#d55e00"' in element[0]]
        assert len(dots[2]) == 4  # two dots; the others are tick marks
        assert any(isinstance(element, str) and f">at {k / 2:.1f}</text>" in element for element in found)


def test_vertical_lines_of_one_colour_are_one_element(drawn):
    lines = [e for e in drawn["elements"] if isinstance(e, str) and "<path" in e and "#0072b2" in e]
    assert any(line.count("l0-") == 2 for line in lines)


def test_coordinates_are_those_of_the_axes():
    renderer = sliders.Recorder(100, 50, 72)
    gc = renderer.new_gc()
    from matplotlib.path import Path as Curve
    from matplotlib.transforms import IdentityTransform

    renderer.draw_path(gc, Curve([(10, 40), (20.04, 30), (20.04, 30), (5, 30)]), IdentityTransform(), (1, 0, 0, 0.5))
    [element] = renderer.elements
    assert 'd="M100 100l100 100 0 0-150 0"' in element.replace("l0 0", " 0 0")
    assert 'fill="#ff0000"' in element and 'fill-opacity="0.5"' in element


def test_the_scripts_text_is_read_back_for_the_font(tmp_path, drawn):
    script = tmp_path / "x.js"
    script.write_text(sliders.script("x", drawn), encoding="utf-8")
    assert set("a line up to 2.5") <= sliders.signs(script)


CLAIM = {
    "id": "lecture/a_b",
    "verdict": "corrected",
    "words": "corrected",
    "source": "Lecture",
    "section": "slide 1",
    "statement": "f|x| holds.",
    "facts": [
        {
            "label": "e",
            "outcome": "holds",
            "measured": "1",
            "relation": "≤",
            "bound": "1",
            "margin": None,
            "ratios": [1, 1],
            "interval": [0, 1],
            "repetitions": 20,
        }
    ],
    "printed": None,
    "setting": "",
}


@pytest.fixture
def chapter():
    bundle = {"text/html": "<div>card</div>", "text/plain": "card", ledger.MIME: CLAIM}
    course = {"title": "A | B", "minutes": 30, "follows": "slide", "proves": "all", "chapter": 1, "fingerprint": "f1"}
    course["exercises"] = [{"id": "1.2", "cells": {"answer": "answer", "check": "check"}}]
    return new_notebook(
        metadata={"course": course},
        cells=[
            new_markdown_cell("# 1 · Title\n\nSee [the next](02_next.ipynb) and [ours](../CLAIMS.md)."),
            new_markdown_cell("say it", metadata={"slideshow": {"slide_type": "notes"}}),
            new_markdown_cell("### Exercise 1.2 — the square"),
            new_code_cell(
                "def f(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION",
                id="answer",
                execution_count=1,
            ),
            new_markdown_cell("<details><summary>Hint 1: think</summary>\nTwice.\n</details>"),
            new_code_cell("check('1.2', f)", id="check", outputs=[new_output("stream", text="✓")], execution_count=2),
            new_markdown_cell("And a claim."),
            new_code_cell("claim('lecture/a_b')", outputs=[new_output("display_data", bundle)], execution_count=3),
            new_code_cell("explore(f, draw, x=[1, 2])", id="abc", execution_count=4),
        ],
    )


def test_a_page_shows_the_stub_then_hints_and_check_then_the_folded_solution(chapter):
    page = chapters.page("01_a", chapter, {"01_a", "02_next"})
    sources = [cell.source for cell in page.cells]
    stub, folded = (next(i for i, s in enumerate(sources) if mark in s) for mark in ("YOUR CODE", "x * x"))
    assert stub < sources.index("<details><summary>Hint 1: think</summary>\nTwice.\n</details>")
    assert folded == sources.index("check('1.2', f)") + 1
    assert "SOLUTION" not in "".join(sources) and "say it" not in sources
    assert page.cells[folded].metadata.tags == ["hide-cell"]
    # Who has done nothing is not praised: the card that the solution earns is folded with it.
    assert page.cells[folded - 1].outputs == [] and page.cells[folded].outputs[0].text == "✓"
    assert page.cells[folded].metadata.mystnb.code_prompt_show == "Solution of exercise 1.2"
    assert "SOLUTION" in chapter.cells[3].source  # the notebook itself is as it was


def test_what_answers_a_prediction_is_folded_until_it_is_made(chapter, monkeypatch):
    asked = Prediction(
        "1/a", "Is $x$ <b> or not?", right="no & yes", options=(("x > 1", "Why $x$."), ("no & yes", "It is."))
    )
    monkeypatch.setattr(chapters, "find_prediction", {"1/a": asked}.get)
    cells = {"asks": "asks", "runs": ["runs"], "reads": "reads"}
    chapter.metadata.course["predictions"] = [{"id": "1/a", "cells": cells}]
    said = [new_output("stream", text="0.5")]
    chapter.cells = [
        new_code_cell("predict('1/a')", id="asks", outputs=said),
        new_code_cell("print(0.5)", id="runs", outputs=said),
        new_code_cell("after('1/a')", id="reads", outputs=said),
    ]
    asks, runs, reads = chapters.page("01_a", chapter, {"01_a"}).cells
    assert asks.cell_type == reads.cell_type == "markdown"
    assert 'data-prediction="1/a"' in asks.source and "x &gt; 1</label>" in asks.source and "Why" not in asks.source
    assert runs.metadata.tags == ["hide-output"]
    assert reads.source.index("<details>") < reads.source.index("Why $x$.") and "✓ **no \\& yes**" in reads.source


def test_a_page_has_a_target_at_each_claim_and_a_place_at_each_slider(chapter):
    sources = [cell.source for cell in chapters.page("01_a", chapter, {"01_a"}).cells]
    assert sources[sources.index("claim('lecture/a_b')") - 1] == "(claim-01-a-lecture-a-b)="
    place = sources[sources.index("explore(f, draw, x=[1, 2])") + 1]
    assert 'id="explore-01_a-abc"' in place and 'src="../_static/sliders/01_a-abc.js"' in place
    assert [o["data"].keys() for o in chapter.cells[7].outputs] == [{"text/html", "text/plain", ledger.MIME}]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[a](02_next.ipynb)", "[a](/chapters/02_next.ipynb)"),
        ("[a](../solutions/02_next.ipynb)", "[a](/chapters/02_next.ipynb)"),
        ("[a](../notebooks/02_next.ipynb)", "[a](/chapters/02_next.ipynb)"),
        ("[a](03_not_there.ipynb)", "a"),
        ("[a](../CLAIMS.md)", "[a](/ledger.md)"),
        ("[a](../course_utils/theory/taylor.py)", "a"),
        ("[a](https://example.org/x.ipynb)", "[a](https://example.org/x.ipynb)"),
        ("`[a](x.py)` and\n```\n[a](x.py)\n```\n", "`[a](x.py)` and\n```\n[a](x.py)\n```\n"),
    ],
)
def test_links_lead_to_pages_or_are_words(text, expected):
    assert chapters.links(text, {"02_next"}) == expected


@pytest.fixture
def repository(tmp_path, chapter):
    """A repository as far as the pages about claims read it: one chapter, one claim."""
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "01_a.md").write_text("")
    (tmp_path / "solutions" / "01_a.ipynb").write_text(json.dumps(chapter))
    (tmp_path / "course_utils").mkdir()
    (tmp_path / ledger.LIST).write_text(
        '[sources]\nlecture = { name = "Lecture", title = "The lecture" }\n[[claim]]\nid = "lecture/a_b"\n'
        'source = "lecture"\nsection = "slide 1"\nstatement = "f|x| *holds*."\nchapter = 1\nverdict = "corrected"\n'
    )
    return tmp_path


def test_the_ledger_lists_every_claim_with_its_verdict_and_its_place(repository):
    page = pages.claims_page(repository, chapters.read(repository))
    assert r"| fails as printed, holds as corrected | 1 |" in page
    [shown] = [line for line in page.splitlines() if "a\\_b" in line]
    assert "(#claim-01-a-lecture-a-b)" in shown and "[corrected]{.verdict .corrected}" in shown
    assert r"f\|x\| \*holds\*\." in shown


def test_errata_are_the_claims_that_do_not_simply_hold(repository):
    page = pages.errata(repository, chapters.read(repository))
    assert "### Fail as printed, hold as corrected" in page and r"f\|x\| holds\." in page and "✓ e" in page
    assert "Not reproduced" not in page


def test_errata_of_the_course_follow_from_its_records():
    notebooks = chapters.read(ROOT)
    page = pages.errata(ROOT, notebooks)
    for id, [(name, record), *_] in ledger.read(ROOT).shown.items():
        linked = f"(#{chapters.claim_label(name, id)})" in page
        assert linked == (record.verdict != "holds"), id


def test_a_disagreement_of_ledger_and_chapters_is_not_published(repository, capsys):
    claims = repository / ledger.LIST
    claims.write_text(claims.read_text().replace('"corrected"', '"holds"'))
    with pytest.raises(ledger.LedgerError, match="lecture/a_b"):
        pages.claims_page(repository, chapters.read(repository))


def test_run_times_are_those_noted_and_say_when_they_are_old(repository):
    notebooks = chapters.read(repository)
    assert "not measured" in pages.run_times(repository, notebooks)
    pages.note_run_time(repository, "01_a", "f1", 12.34)
    assert "| 12.3 s |" in pages.run_times(repository, notebooks)
    pages.note_run_time(repository, "01_a", "f0", 12.34)
    assert "before its last change" in pages.run_times(repository, notebooks)


def test_the_front_page_has_a_card_for_each_chapter_and_counts_the_verdicts(chapter, repository, tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (720, 480), "white").save(picture, "png")
    tag = f'<img alt="A" src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}">'
    chapter.cells[0] = new_code_cell("show(f)", outputs=[new_output("display_data", {"text/html": tag})])
    found = ledger.read(repository)
    page = front.render({"01_a": chapter, "02_b": chapter}, found, tmp_path / "cards")
    assert 'href="chapters/01_a.html"' in page and 'href="chapters/02_b.html"' in page
    assert "1 · A | B" in page and "<strong>1 claims</strong>" in page and "1 did not survive" in page
    assert 'href="ledger.html?verdict=corrected"><b>1</b>' in page
    assert Image.open(tmp_path / "cards" / "01_a.png").size == front.CARD
    assert 'class="explore"' not in page, "without its chapter there is no slider"


@pytest.mark.parametrize("name, number", [("01_a", "1"), ("06b_train", "6b"), ("00_start", "0"), ("10_x", "10")])
def test_a_chapters_number(name, number):
    assert pages.number(name) == number


def test_the_reference_has_every_module_but_the_exercises():
    found = pages.reference()
    assert "course_utils.theory.taylor.rst" in found and "course_utils.figures.taylor.rst" in found
    assert not [name for name in found if "exercises" in name]


DOCSTRING = """What |f| is.

outcome   "answer"; what
          follows
yours     the answer

Args:
    x, y: numbers.

Raises:
    ValueError, TypeError: if it
        diverges.
"""


def test_docstrings_become_what_sphinx_reads_without_a_warning():
    lines = DOCSTRING.split("\n")
    site._as_written(None, "function", "f", None, None, lines)
    text = "\n".join(lines)
    assert r"\|f\|" in text
    assert '::\n\n    outcome   "answer"; what\n              follows\n    yours     the answer\n' in text
    assert ":raises ValueError, TypeError: if it diverges." in " ".join(text.split())


def test_an_unbuilt_chapter_is_named(repository, capsys):
    (repository / "solutions" / "01_a.ipynb").unlink()
    assert main(["--root", str(repository)]) == 1
    assert capsys.readouterr().err == "solutions/01_a.ipynb is not built; run `make build` first\n"
    assert not (repository / "site").exists()


def test_a_site_that_fails_leaves_the_old_one(repository, monkeypatch):
    (repository / "site").mkdir()
    (repository / "site" / "index.html").write_text("old")
    notebook = json.loads((repository / "solutions" / "01_a.ipynb").read_text())
    notebook["cells"].pop()  # its slider has no functions
    notebook["cells"][0]["source"] += "\n\n[nowhere](#nowhere)"
    (repository / "solutions" / "01_a.ipynb").write_text(json.dumps(notebook))
    monkeypatch.setattr(pages, "reference", lambda: {"index.rst": "Reference\n=========\n"})
    with pytest.raises(site.SiteError, match="01_a.ipynb:.*nowhere"):
        site.build(repository, say=lambda line: None)
    assert (repository / "site" / "index.html").read_text() == "old"
