"""A student's page: the notebook's own cards, no zero for our trouble, no student's text as HTML."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from small_class import NAMES, ONE, ROSTER, answer, of, results

from course_utils.desk.checks import LADDER, Result, as_card, as_text, grade
from course_utils.exercises import find
from grader import feedback


class Page(HTMLParser):
    """The tags of a page, its visible text, and whatever would fetch or run something."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.active = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        names = {name for name, _ in attributes}
        self.active += [tag] if tag in ("script", "img", "iframe", "link", "object", "form", "base", "svg") else []
        self.active += [name for name in names if name in ("src", "href") or name.startswith("on")]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.text += data


def page_of(student, *units):
    return feedback.to_html(list(units) or of(student), NAMES[student])


@pytest.mark.parametrize("status", LADDER)
def test_each_rung_has_the_card_and_the_text_of_the_notebook(status):
    given = answer(
        "1.2", status, rows=(("x", "1\n2"),), remarks=("A remark.",), passed=3, tried=24, sentence="Do `this`."
    )
    exercise = SimpleNamespace(id="1.2", points=3)
    shown = Result(exercise, status, "Do `this`.", (("x", "1\n2"),), ("A remark.",), 3, 24)
    assert as_card(given) == shown._repr_html_()
    assert as_text(given) == str(shown)
    assert shown._repr_html_() in page_of(
        "ada", of("ada")[0], replace(of("ada")[1], exercises=(given,), points=given.points)
    )


def test_a_real_result_survives_the_way():
    result = grade(find("1.3"), lambda beta, eps: eps / beta)
    said = {name: getattr(result, name) for name in ("sentence", "rows", "remarks", "passed", "tried")}
    given = answer("1.2", result.status, worth=1, **said)
    assert as_card(given).replace("Exercise 1.2", "Exercise 1.3") == result._repr_html_()


def test_points_titles_and_notes_are_there():
    text = Page(page_of("bob")).text
    for expected in (
        "0 of 9 points",
        "1 · Taylor bounds — 0 of 6",
        "2 · ReLU sign flips — 0 of 3",
        "A note.",
        "array([1., 2.])",
        "Divide x by 2.",
        "1.2 β of a rescaled activation",
    ):
        assert expected in text, expected


def test_our_trouble_is_no_zero_and_shows_no_internals():
    text = " ".join(Page(page_of("zoe")).text.split())
    assert "not graded yet: something went wrong on our side, not on yours. It is no zero." in text
    assert "0 of 9 points, and 1 chapter is not graded yet" in text
    assert "2 · ReLU sign flips This chapter" in text, "no points behind the title"
    assert "/srv" not in text and "memory" not in text


def test_a_file_that_cannot_be_read_and_one_that_is_missing():
    assert "Your notebook could not be read: This is no notebook" in Page(page_of("eve")).text
    assert "Nothing was handed in for this chapter." in Page(page_of("kim")).text


def test_without_a_jail_the_page_says_so():
    assert "Graded without a jail." in page_of("eve")
    assert "Graded without a jail." not in page_of("ada")


def test_what_a_student_wrote_is_text():
    page = Page(page_of("eve"))
    assert page.active == []
    assert page.text.count("<script>document.title='run'</script>") == 8  # title and heading, and six in results
    assert "{{ 7*7 }}" in page.text and "49" not in page.text


def test_a_page_may_load_and_run_nothing():
    source = page_of("eve")
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', source)
    assert html.unescape(policy).startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not re.search(r"@import|url\(", source)


def test_every_student_has_a_page_and_an_old_one_is_replaced(tmp_path):
    (tmp_path / "feedback").mkdir()
    (tmp_path / "feedback" / "ada.html").write_text("old")
    pages = feedback.write_feedback(tmp_path, reversed(results()), NAMES)
    assert [page.name for page in pages] == [f"{student}.html" for student in sorted(ROSTER)]
    ada = (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert ada == page_of("ada") and "Feedback for Ada Lovelace" in ada
    assert not any(name in ada for name in ("bob", "eve", "kim")), "nobody else's name"


def test_a_chapter_that_is_gone_keeps_a_title():
    assert feedback.title(ONE) == "1 · Taylor bounds"
    assert feedback.title("77_no_more") == "77 · No more"
