"""Predictions and written answers in a chapter's source: what the build makes of them, and what it refuses."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_staff.source import _Reader, card_line, slide_type
from course_utils.exercises import Card, Prediction, Written
from course_utils.exercises.written import EMPTY

ASKED = {
    id: Prediction(id, "Is it?", right="yes", options=(("yes", "It is."), ("no", "It is not.")))
    for id in ("1/a", "1/b")
}
WRITTEN = {"1.9": Written(*Card("1.9", "say it", 4, 2, 8), rubric=((1, "one"), (3, "two")), model="Because.")}


def code(source, **metadata):
    return new_code_cell(source, metadata=metadata)


def read(cells, declared=ASKED):
    reader = _Reader("solutions/01_a.md", cells)
    reader.neighbours()
    reader.predictions({id: declared[id] for id in declared})
    return reader


def ask(id):
    return [code(f'predict("{id}")'), code("print(1)"), code(f'after("{id}")')]


def test_question_run_and_reading_may_touch_and_the_run_is_hidden():
    cells = [*ask("1/a"), new_markdown_cell("Text."), *ask("1/b")]
    reader = read(cells)
    assert reader.problems == []
    reader.as_polls()
    assert [bool(cell.metadata.get("jupyter", {}).get("outputs_hidden")) for cell in cells[:3]] == [False, True, False]
    told = reader.found_predictions()
    assert [prediction["id"] for prediction in told] == ["1/a", "1/b"]
    assert told[0]["cells"] == {"asks": cells[0].id, "runs": [cells[1].id], "reads": cells[2].id}


def test_two_runs_that_touch_are_still_named():
    cells = [*ask("1/a"), *ask("1/b")]
    cells.insert(1, code("x = 1"))
    assert any("touches code cell 2" in problem for problem in read(cells).problems)


@pytest.mark.parametrize(
    "cells, why",
    [
        (ask("1/z"), "prediction '1/z' is not declared; of this chapter: 1/a, 1/b"),
        ([*ask("1/a"), *ask("1/a"), *ask("1/b")], "asked twice"),
        ([*ask("1/a")[:2], *ask("1/b")], "asks '1/b' before after('1/a')"),
        ([*ask("1/a"), ask("1/b")[2]], "reads '1/b', expected predict before it"),
        ([*ask("1/a"), ask("1/b")[0], ask("1/b")[2]], "1 to 3 code cells, got 0"),
        ([*ask("1/a"), *ask("1/b")[:2]], "has no after('1/b')"),
        (ask("1/a"), "prediction '1/b' is declared and not asked here"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(cells, why):
    assert any(why in problem for problem in read(cells).problems), read(cells).problems


@pytest.mark.parametrize(
    "kind, expected", [("slide", ["subslide", "subslide", "fragment"]), (None, [None, None, None])]
)
def test_a_question_is_a_poll_where_its_section_is_on_slides(kind, expected):
    heading = new_markdown_cell("## A part", metadata={"slideshow": {"slide_type": kind}} if kind else {})
    cells = [heading, *ask("1/a"), new_markdown_cell("Text."), *ask("1/b")]
    reader = read(cells)
    reader.as_polls()
    assert [slide_type(cell) for cell in cells[1:4]] == expected


def written_cells(text=EMPTY, id="1.9"):
    card = (
        "### Exercise 1.9 — say it\n\n*Difficulty 2 of 5 · about 8 minutes · 4 points, marked by a person.*\n\nSay it."
    )
    return [new_markdown_cell(card), new_markdown_cell(text, metadata={"written": id})]


def read_written(cells):
    from course_staff.source import Declared

    reader = _Reader("solutions/01_a.md", cells)
    reader.exercises(Declared({}, {}, WRITTEN), 1)
    return reader


def test_a_written_answer_gets_its_rubric_and_a_cell_that_nbgrader_has_marked_by_hand():
    cells = written_cells()
    reader = read_written(cells)
    assert reader.problems == []
    assert cells[0].source.endswith("*What earns the points*:\n\n- one (1)\n- two (3)")
    marked = cells[1].metadata["nbgrader"]
    assert (marked["grade"], marked["solution"], marked["points"], marked["grade_id"]) == (True, True, 4, "answer-1-9")
    [told] = reader.found_written()
    assert told["cells"] == {"card": cells[0].id, "answer": cells[1].id} and told["points"] == 4


@pytest.mark.parametrize(
    "cells, why",
    [
        (written_cells("Something."), "holds '*Write your answer here.*' and nothing else"),
        (written_cells(id="1.8"), "written answer '1.8' is not declared; of this chapter: 1.9"),
        (written_cells()[1:], "the answer 1.9 needs its card before it"),
        (written_cells()[:1], "nor a cell to write in"),
    ],
)
def test_what_is_wrong_with_a_written_answer_is_named(cells, why):
    assert any(why in problem for problem in read_written(cells).problems), read_written(cells).problems


def test_the_card_of_a_written_answer_says_who_marks_it():
    assert card_line(WRITTEN["1.9"]) == "Difficulty 2 of 5 · about 8 minutes · 4 points, marked by a person"


@pytest.mark.parametrize(
    "change, why",
    [({"points": 5}, "add up to 5"), ({"id": "9"}, "chapter and number"), ({"model": " "}, "a model answer")],
)
def test_a_written_answer_that_cannot_be_marked_is_refused(change, why):
    kept = {**dict(zip(Card._fields, Card("1.9", "say it", 4, 2, 8))), "rubric": ((1, "one"), (3, "two")), "model": "m"}
    with pytest.raises(ValueError, match=why):
        Written(**{**kept, **change})
