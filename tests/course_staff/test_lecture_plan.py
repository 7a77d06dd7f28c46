"""The plan for lecturers: parts and minutes from slides and notes, what to cut, a page to read on the day."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_staff import lecture_plan
from course_staff.lecture_plan import LENGTHS, PAGE, cut, parts, render

ROOT = Path(__file__).resolve().parents[2]
WORDS_IN_FIVE_MINUTES = 5 * 250  # at the pace of a slow reader


def cell(source, slide=None, kind=new_markdown_cell, **metadata):
    return kind(source, metadata={**metadata, **({"slideshow": {"slide_type": slide}} if slide else {})})


CELLS = [
    cell("# 9 · Opening\n\nA question.", "slide"),
    cell('Ask "why?" first.', "notes", minutes=1),
    cell("*You need*: nothing."),
    cell("## Two\n\ntext", "slide", tags=["if-time"]),
    cell("First half. Then the rest.\nFour minutes with the slider.", "notes", minutes=7),
    cell("x = 1", "fragment", new_code_cell),
    cell("claim('a/b', 1)", kind=new_code_cell),
    cell("claim('c/d', 1)\nclaim('a/b', 2)", "slide", new_code_cell),
    cell("### A card\n\ntext"),
    cell("### Another"),
    cell("Not a heading", "slide"),
    cell("## Last", "subslide"),
    cell("more", "fragment"),
    cell('predict("9/one")', "subslide", new_code_cell),
]
COURSE = {
    "claims": [{"id": id, "cell": CELLS[place].id} for place, id in ((6, "a/b"), (7, "c/d"), (7, "a/b"))],
    "exercises": [{"id": id, "cells": {"card": CELLS[place].id}} for place, id in ((8, "9.1"), (9, "9.2"))],
    "predictions": [{"id": "9/one", "cells": {"asks": CELLS[13].id}}],
}


def test_parts_are_read_from_slides_and_notes():
    opening, two, last = parts(CELLS, COURSE)
    assert [(p.title, p.start, p.minutes, p.end) for p in (opening, two, last)] == [
        ("Opening", 0, 1, 1),
        ("Two", 1, 7, 8),
        ("Last", 8, 3, 11),
    ]
    assert opening.notes == 'Ask "why?" first.'
    assert two.notes == "First half. Then the rest. Four minutes with the slider."
    assert two.votes == [] and two.claims == ["a/b", "c/d"]
    assert two.exercises == ["9.1", "9.2"] and two.if_time and not last.if_time
    assert last.votes == ["9/one"] and last.notes == ""


def test_each_slide_and_fragment_has_its_minute():
    assert [part.marks for part in parts(CELLS, COURSE)] == [
        {0: 0},
        {3: 1, 5: 1 + 7 / 4, 7: 1 + 14 / 4, 10: 1 + 21 / 4},
        {11: 8, 12: 9, 13: 10},
    ]


@pytest.mark.parametrize("said, minutes", [((4,), 4), ((1, 3), 4), ((), 2)])
def test_a_part_takes_what_its_notes_say_or_a_minute_for_each_thing_that_appears(said, minutes):
    notes = [cell("Four minutes.", "notes", minutes=count) for count in said]
    cells = [cell("# A", "slide"), *notes, cell("b", "fragment")]
    assert parts(cells, {})[0].minutes == minutes


def test_a_chapter_without_slides_has_no_parts():
    assert parts([cell("# A"), cell("x = 1", "skip", new_code_cell)], {}) == []


def exercise(id, minutes, difficulty=2):
    return SimpleNamespace(id=id, minutes=minutes, difficulty=difficulty)


def part(title, minutes, *exercises, if_time=False):
    return lecture_plan.Part(title, 0, minutes, if_time, "", [], [], list(exercises), {})


LECTURE = [
    part("a", 10, "1.1", "1.2"),
    part("b", 5, "1.3", if_time=True),
    part("c", 10, "1.4"),
    part("d", 5, if_time=True),
]
_DECLARED = exercise("1.1", 10), exercise("1.2", 5), exercise("1.3", 5), exercise("1.4", 10, difficulty=4)
EXERCISES = {declared.id: declared for declared in _DECLARED}


@pytest.mark.parametrize(
    "length, skipped, home, left",
    [
        (60, "", [], 0),
        (59, "d", [], 4),
        (55, "d", [], 0),
        (54, "bd", ["1.3"], 9),
        (44, "bd", ["1.3", "1.4"], 9),
        (30, "bd", ["1.1", "1.3", "1.4"], 5),
        (20, "bd", ["1.1", "1.2", "1.3", "1.4"], 0),
        (15, "bd", ["1.1", "1.2", "1.3", "1.4"], -5),
    ],
)
def test_what_is_cut(length, skipped, home, left):
    gone, given, remain = cut(LECTURE, EXERCISES, length)
    assert ("".join(part.title for part in gone), [e.id for e in given], remain) == (skipped, home, left)


def test_what_an_exercise_declares_is_not_read_as_markdown(built, declared):
    page = render(built, declared)
    assert r"*Exercise 90.1, the square*. What goes wrong: “Slip 1 in x\_1.”" in page
    assert "Slip 3" not in page


def test_the_page_of_the_small_course(built, declared):
    page = render(built, declared)
    assert page == (built / PAGE).read_text(encoding="utf-8")
    assert "## 90 · A small chapter\n" in page and "91" not in page
    assert "| 0–1 | How fast does a square grow? |" in page
    assert "- **In 50 minutes**: everything;" in page and "In 90" not in page
    assert "“”" not in page and "\n\n\n" not in page


def test_a_course_without_slides_has_no_plan(built, declared):
    (built / "solutions/90_fixture.md").unlink()
    assert render(built, declared) is None


def test_a_damaged_notebook_is_left_to_the_check(built, declared):
    (built / "solutions/90_fixture.ipynb").write_text("{")
    assert render(built, declared) is None


@pytest.fixture(scope="module")
def chapters():
    _, *chapters = re.split(r"^## ", (ROOT / PAGE).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {chapter.partition("\n")[0]: chapter for chapter in chapters}


def test_every_chapter_is_read_in_five_minutes(chapters):
    assert len(chapters) >= 6
    # What is folded is looked up when it is needed.
    open_text = {name: re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL) for name, text in chapters.items()}
    words = {name: len(text.split()) for name, text in open_text.items()}
    assert max(words.values()) <= WORDS_IN_FIVE_MINUTES, words


def test_every_chapter_says_what_to_ask_and_what_to_cut(chapters):
    for name, text in chapters.items():
        assert "*Vote*: " in text and "*Usual wrong vote*: " in text and "What goes wrong: “" in text, name
        assert f"- **In {LENGTHS[0]} minutes**: " in text, name
        longest = f"**In {LENGTHS[-1]} minutes**: "  # in 50 a chapter may ask for two lectures, and the plan says so
        assert "take two lectures" not in text.partition(longest)[2].partition("\n")[0], name
