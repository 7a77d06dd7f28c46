import json
from dataclasses import asdict
from pathlib import Path

import pytest

from course_staff import ledger
from course_staff.build import check
from course_utils.desk import claims
from course_utils.desk.claims import VERDICTS

ROOT = Path(__file__).resolve().parent.parent.parent
SOLUTION = "solutions/90_fixture.ipynb"


def change(root, old, new, file=ledger.LIST):
    text = (root / file).read_text(encoding="utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new), encoding="utf-8")


def show(root, *records):
    """Replace the records in the built chapter's outputs."""
    notebook = json.loads((root / SOLUTION).read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    [output] = [output for output in outputs if ledger.MIME in output.get("data", {})]
    cell = next(cell for cell in notebook["cells"] if output in cell.get("outputs", []))
    whole = output["data"][ledger.MIME]
    cell["outputs"] = [{**output, "data": {ledger.MIME: {**whole, **record}}} for record in records]
    (root / SOLUTION).write_text(json.dumps(notebook), encoding="utf-8")


def problems(root):
    with pytest.raises(ledger.LedgerError) as error:
        ledger.read(root)
    return error.value.problems


def test_the_page_lists_every_claim_with_what_its_chapter_measured(built):
    page = (built / "CLAIMS.md").read_text(encoding="utf-8")
    assert page == ledger.render(built)
    assert "| holds | 1 |" in page and "| not reproduced | 0 |" in page and ": 1 claims." in page
    row = r"| `fixture/square`<br>page 1 | The square of \|a + b\| is what it is. | \|a\|: 5 | holds |"
    assert row in page.splitlines()
    assert "## Chapter 90: [90_fixture](solutions/90_fixture.ipynb)" in page


def test_the_verdict_is_printed_in_the_words_of_the_record(built):
    show(built, {"verdict": "loose", "words": "holds, loose by ×3"})
    change(built, 'verdict = "holds"', 'verdict = "loose"')
    page = ledger.render(built)
    assert r"| \|a\|: 5 | holds, loose by ×3 |" in page
    assert "| holds | 0 |" in page and "| holds, and its bound is loose | 1 |" in page


@pytest.mark.parametrize("chapter", [91, 92], ids=["a chapter without it", "no chapter"])
def test_a_claim_must_be_shown_in_the_chapter_for_which_it_is_listed(built, chapter):
    change(built, "chapter = 90", f"chapter = {chapter}")
    assert problems(built) == [f"claim 'fixture/square' is listed for chapter {chapter} and not shown there"]


def test_a_claim_that_no_chapter_shows_is_named(built):
    show(built)
    assert problems(built) == ["claim 'fixture/square' is listed for chapter 90 and not shown there"]


def test_the_parts_of_a_chapter_show_its_claims_together(built):
    for suffix in ("md", "ipynb"):
        (built / f"solutions/90_fixture.{suffix}").rename(built / f"solutions/90b_fixture.{suffix}")
    (built / "solutions/91_other.md").rename(built / "solutions/90a_other.md")
    title = "## Chapter 90: [90a_other](solutions/90a_other.ipynb), [90b_fixture](solutions/90b_fixture.ipynb)"
    assert title in ledger.render(built).splitlines()


def test_what_is_shown_must_be_listed(built):
    show(built, {}, {"id": "fixture/other"})
    assert problems(built) == ["claim 'fixture/other' is shown in chapter 90 and not listed in claims.toml"]


def test_a_changed_verdict_is_reported(built):
    show(built, {"verdict": "corrected"})
    assert problems(built) == ["claim 'fixture/square': claims.toml lists 'holds', chapter 90 finds 'corrected'"]


def test_a_claim_shown_twice_lists_both_measurements(built):
    [record] = ledger.records(built / SOLUTION)
    again = {**asdict(record.facts[0]), "measured": "6"}
    show(built, {}, {"facts": [again, again]})
    assert r"| \|a\|: 5<br>\|a\|: 6; \|a\|: 6 | holds |" in ledger.render(built)


def test_a_claim_shown_twice_with_different_verdicts(built):
    show(built, {}, {"verdict": "loose"})
    assert problems(built) == ["claim 'fixture/square' is shown with different verdicts: holds, loose"]


AGAIN = """
[[claim]]
id = "fixture/square"
source = "fixture"
section = "page 1"
statement = "Twice."
chapter = 90
verdict = "holds"
"""


@pytest.mark.parametrize(
    "old, new, problem",
    [
        (
            "90\nverdict",
            "90\n" + 'verdict = "holds"\n' + AGAIN + "#",
            "entry 2 (fixture/square): the id is listed twice",
        ),
        ("chapter = 90", 'chapter = "90"', "entry 1 (fixture/square): chapter must be int, got '90'"),
        ("statement =", "remark =", "entry 1 (fixture/square): statement must be str, got None"),
        ('verdict = "holds"', "", "entry 1 (fixture/square): verdict must be str, got None"),
        ("chapter = 90", "chapter = 90\nyear = 1", "entry 1 (fixture/square): unknown key 'year'"),
        ('source = "fixture"', 'source = "me"', "entry 1 (fixture/square): source must be one of fixture, got 'me'"),
        (
            'verdict = "holds"',
            'verdict = "true"',
            "entry 1 (fixture/square): verdict must be one of " + ", ".join(VERDICTS) + ", got 'true'",
        ),
    ],
)
def test_a_slip_in_the_list_is_named(built, old, new, problem):
    change(built, old, new)
    assert problems(built)[0] == f"claims.toml, {problem}"


def test_a_stale_page_is_drift(built, declared):
    change(built, "| holds | 1 |", "| holds | 7 |", "CLAIMS.md")
    assert [str(drift) for drift in check(built, exercises=declared)] == [
        "CLAIMS.md: is not what the executed solutions say"
    ]


def test_a_course_without_claims_has_no_page(tmp_path):
    (tmp_path / "solutions").mkdir()
    assert ledger.render(tmp_path) is None


def test_the_courses_own_ledger_is_whole():
    """Every claim is shown in its chapter with the listed verdict, and nothing else is shown."""
    assert (ROOT / ledger.PAGE).read_text(encoding="utf-8") == ledger.render(ROOT)


SLIP = """
[[misprint]]
source = "fixture"
place = "page 2"
printed = "|a| = 4"
correct = "|a| = 5"
claim = "fixture/square"
"""


def test_misprints_stand_at_the_end_of_the_page_with_the_claim_that_tests_them(built):
    change(built, "[[claim]]", SLIP + "\n[[claim]]")
    page = ledger.render(built)
    title = claims.read_misprints(built / ledger.LIST)[0].source.title
    assert f"## Misprints of the sources\n\n### {title}\n\n| place | printed | meant | tested as |" in page
    assert page.endswith("| page 2 | \\|a\\| = 4 | \\|a\\| = 5 | `fixture/square` |\n")


def test_a_misprint_that_refers_to_no_claim_is_named(built):
    change(built, "[[claim]]", SLIP.replace("/square", "/cube") + "\n[[claim]]")
    with pytest.raises(ledger.LedgerError, match=r"misprint 1 \(page 2\): claim must be one of , fixture/square, got"):
        ledger.render(built)


def test_the_misprints_of_a_source_are_shown_where_a_chapter_asks_for_them(capsys):
    slips = [slip for slip in claims.read_misprints() if slip.source.key == "hessian"]
    claims.show_misprints("hessian")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(slips) >= 3 and lines[0] == f"{slips[0].place}: {slips[0].printed} → {slips[0].correct}"
    with pytest.raises(ValueError, match="source must be one with misprints in claims.toml, got 'course'"):
        claims.show_misprints("course")
