"""Every number in a chapter's prose is found in what the chapter printed, and who finds them can say no."""

from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_staff import numbers
from course_staff.numbers import ROOT, Pool, check, evaluate, paragraph, problems
from course_staff.source import sources


def no_other(part):
    raise ValueError(f"no chapter {part}")


def said(prose, printed="", code="", other=no_other):
    """What is wrong with prose beside a cell that printed this."""
    cell = new_code_cell(code, outputs=[new_output("stream", text=printed)])
    return [what for _, what in problems(new_notebook(cells=[cell, new_markdown_cell(prose)]), other)]


@pytest.mark.slow
@pytest.mark.parametrize("path", sources(ROOT), ids=lambda path: path.stem)
def test_every_number_in_a_chapters_prose_is_found(path):
    assert check(path) == []


@pytest.mark.parametrize(
    "prose, printed",
    [
        ("It is 0.71, or 0.7.", "0.705"),
        ("It falls by $-0.23$.", "slope −0.2314"),
        ("A share of 53 %, the other $47\\,\\%$.", "shares 0.532 0.468"),
        ("Shares of 53 / 54 and 59 %.", "53 % 54 % 59 %"),
        ("About $1.8\\cdot10^{-6}$, that is 1.8 · 10⁻⁶ or 1.8e-6.", "1.83e-06"),
        ("Of the order of $10^{-3}$.", "0.0012"),
        ("Of 90 300 pairs, or $90\\,300$, or 90,300.", "90300 pairs"),
        ("About 6200 evaluations.", "6213"),
        ("Three orders; 3 million draws.", "3000000"),
        ("By ×28, a factor of 28, 28 times.", "27.6"),
        ("In all 18 flips.", "18 flips"),
    ],
)
def test_a_number_is_found_where_an_output_rounds_to_it(prose, printed):
    assert said(prose, printed) == []
    assert said(prose, "nothing") != []


@pytest.mark.parametrize(
    "prose, printed, wrong",
    [
        ("It is 0.72.", "0.705", "0.72"),
        ("It is 0.70.", "0.7062", "0.70"),
        ("It falls by −0.23.", "0.231", "-0.23"),
        ("A share of 52 %.", "0.532", "52"),
        ("Six percent of them.", "0.07", "Six"),
        ("By a factor of eight.", "7.4", "eight"),
        ("At $1.8\\cdot10^{-6}$.", "1.8e-5", "1.8·10^{-6}"),
        ("Of 1976 evaluations 26 flips are left.", "1976", "26"),
        ("| a | 0.41 |\n|---|---|\n| b | 1.5 |", "1.5", "0.41"),
        ("<details><summary>Why 0.5?</summary>\nBecause 0.31.\n</details>", "0.5", "0.31"),
    ],
)
def test_a_number_that_nothing_rounds_to_is_named(prose, printed, wrong):
    assert said(prose, printed) == [f"{wrong} is not found"]


@pytest.mark.parametrize(
    "prose",
    [
        "By Exercise 3.12, sections 4.13 and 5.14, Lemma 4.25 (equation 3.99).",
        "After Jabri and Flower, 1992 (chapter 5); arXiv 1910.06956; Juston, *LDLT*, 2026, as reviewed.",
        "Code is code: `step = 0.123`, <code>x > 0.77</code>, and $w_{123}$ is an index, 1/3 a fraction.",
        "$$\\sigma = 0.4385 \\cdot B$$",
        "**Predict.** Are there 3, 30 or 300 of them?",
        "The 99 % interval is theirs.",
        "*Difficulty 2 of 5 · about 10 minutes · 3 points.*",
    ],
)
def test_names_code_and_formulas_are_no_measured_numbers(prose):
    assert said(prose) == []


def test_literals_of_code_are_found_and_what_they_come_to():
    assert said("With 0.05 and 1500 and 1.89 and $10^6$.", code="f(0.05, [1_500], 3 / 2 ** (2 / 3), 10**6)") == []


def test_two_digits_must_be_near_three_may_be_far():
    cells = [new_code_cell("0.41, 0.123"), new_markdown_cell("## Two"), new_markdown_cell("It is 0.41, not 0.123.")]
    (problem,) = problems(new_notebook(cells=cells), no_other)
    assert problem[1] == "0.41 is found in another section only"
    cells[1].source = "## Take-aways"
    assert problems(new_notebook(cells=cells), no_other) == []


def test_marks_stand_for_what_is_derived_quoted_or_shown_elsewhere():
    assert said("It is 0.89 <!-- derived: 0.89 = 8/9 -->.") == []
    assert said("It is 5.3 % or 2.35 <!-- derived: 5.3 % = sqrt(0.25)/9.5; 2.35 = 4.7/2 -->.", "0.25 9.5 4.7") == []
    assert said("The paper prints 0.41 and 0.9 <!-- quoted: 0.41, 0.9 -->.") == []
    assert said("Half of that is 0.205 <!-- quoted: 0.41 --> of 0.41 <!-- derived: 0.205 = 0.41/2 -->.") == []
    other = {"06a": Pool([0.382])}.__getitem__
    assert said("It was 0.38 <!-- chapter 6a: 0.38 -->.", other=other) == []


@pytest.mark.parametrize(
    "prose, wrong",
    [
        ("It is 0.89 <!-- derived: 0.89 = 7/9 -->.", "0.89 is not 7/9, which is 0.777778"),
        ("It is 0.5 <!-- derived: 0.5 = 1/2 -->.", "0.5 is marked as derived and found without"),
        ("It is 8 <!-- derived: 0.89 = 8/9 -->.", "0.89 is marked as derived and not in the paragraph"),
        ("It is 0.89 <!-- derived: 0.89 -->.", "the mark '0.89' cannot be read"),
        ("It is 0.89 <!-- derived: 0.89 = x/9 -->.", "'x' is no arithmetic"),
        ("It is 0.82 <!-- derived: 0.82 = 0.41*2 -->.", "0.41, from which 0.82 is derived, is not found"),
        ("It is 0.89 <!-- guessed: 0.89 -->.", "unknown mark 'guessed'; known: derived, quoted, chapter N"),
        ("It is 0.89 <!-- chapter 9: 0.89 -->.", "no chapter 09"),
        ("It is 0.89\n<!-- quoted: 0.89 --> here.", "ends the paragraph"),
    ],
)
def test_a_mark_that_is_wrong_or_not_needed_is_a_problem(prose, wrong):
    assert wrong in said(prose, "0.5")[0]


def test_a_mark_serves_its_own_paragraph_only():
    assert said("It is 0.89 <!-- quoted: 0.89 -->.\n\nAgain 0.89.") == ["0.89 is not found"]


@pytest.mark.parametrize(
    "formula", ["__import__('os')", "a.b", "9**9**9**9", "1/0", "log(-1)", "[1]", "1 if 1 else 2", "("]
)
def test_formulas_are_arithmetic_and_nothing_else(formula):
    with pytest.raises(ValueError):
        evaluate(formula)


def test_the_answers_of_an_exercise_count_in_its_own_text_only():
    cells = [new_markdown_cell(text) for text in ("### Exercise", "The answer is 0.163.", "check", "Again 0.163.")]
    told = {"id": "1.3", "cells": {"card": cells[0].id, "check": cells[2].id}}
    exercise = SimpleNamespace(
        reference=lambda eps: (2 * eps / 0.75) ** 0.5, edge_cases=({"eps": 0.01},), variants=None, probe=None
    )
    notebook = new_notebook(cells=cells, metadata={"course": {"exercises": [told]}})
    assert [what for _, what in problems(notebook, no_other, {"1.3": exercise})] == ["0.163 is not found"]


def test_what_an_exercise_says_afterwards_is_prose():
    done = new_output(
        "display_data", {"text/plain": "✓ Exercise 1.1: correct\nWell done: right on all 24 inputs. 13.5 flips."}
    )
    assert [what for _, what in problems(new_notebook(cells=[new_code_cell(outputs=[done])]), no_other)] == [
        "13.5 is not found"
    ]


def test_a_figure_supports_what_it_computed_and_not_what_was_typed_in(tmp_path, monkeypatch):
    (tmp_path / "course_utils/figures").mkdir(parents=True)
    (tmp_path / "course_utils/figures/some.py").write_text(
        'def bars(ax, x):\n    """Not 0.99."""\n    ax.set_title("At 0.77")\n    return f"{x:.2f}, with 0.88"\n'
    )
    monkeypatch.setattr(numbers, "ROOT", tmp_path)
    figure = new_output("display_data", {"text/plain": "Figure. 0.66, with 0.88"})
    cell = new_code_cell("from course_utils.figures import show, some as draw\ndraw.bars", outputs=[figure])
    found = problems(new_notebook(cells=[cell, new_markdown_cell("It is 0.66.")]), no_other)
    assert found == [
        ("course_utils/figures/some.py, bars", "0.77 is typed into the figure and not found"),
        ("course_utils/figures/some.py, bars", "0.88 is typed into the figure and not found"),
    ]


def test_marks_are_invisible_on_slides_and_on_the_site():
    bs4 = pytest.importorskip("bs4")
    from docutils.core import publish_string
    from myst_parser.parsers.docutils_ import Parser

    from course_staff.slides import to_html

    text = "# T\n\nIt is 0.89 <!-- derived: 0.89 = 8/9 -->, so\n\n| a |\n|---|\n| 0.9 <!-- quoted: 0.9 --> |\n"
    cell = new_markdown_cell(text, metadata={"slideshow": {"slide_type": "slide"}})
    deck = new_notebook(cells=[cell], metadata={"course": {"title": "T"}, "talk": 0})
    pages = [to_html(deck), publish_string(text, parser=Parser(), writer="html").decode()]
    for page in pages:
        words = " ".join(bs4.BeautifulSoup(page, "html.parser").body.get_text().split())
        assert "It is 0.89 , so" in words and "derived" not in words and "quoted" not in words


def test_a_paragraph_can_be_checked_alone():
    assert list(paragraph("It is 0.4.", Pool([0.39]), no_other)) == []
