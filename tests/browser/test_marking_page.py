"""The page on which a person marks, in a real Chromium over file://: by keyboard, kept, downloaded, and read back."""

from __future__ import annotations

import pytest
from small_class import HOSTILE, ONE, ROSTER
from written_class import ASKED, QUESTION, SECRET, TEXTS, results

from grader import written

from . import lab_in_chromium

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(lab_in_chromium.chromium() is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture
def opened(browser, tmp_path, monkeypatch):
    """Writes the page of the class as it is now and opens it; gives it with a list of what went wrong there."""
    monkeypatch.setattr(written, "all_written", lambda: ASKED)
    context, wrong = browser.new_context(), []

    def open(units=None):
        written.write_pages(tmp_path, units or results(), written.read(tmp_path, ROSTER, SECRET), SECRET)
        page = context.new_page()
        page.on("request", lambda one: one.url.startswith(("file:", "blob:")) or wrong.append(f"asks for {one.url}"))
        page.on("pageerror", lambda error: wrong.append(f"fails: {error}"))
        page.on("console", lambda message: message.type == "error" and wrong.append(f"says: {message.text}"))
        page.goto((tmp_path / written.FOLDER / "1.12.html").as_uri())
        return page, wrong

    yield open
    context.close()


def article(page, student):
    return page.locator(f"#{written.code_of(SECRET, '1.12', student)}")


def state(page, student):
    return article(page, student).locator(".state").inner_text()


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def downloaded(page, tmp_path):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download 1.12.csv").click()
    path = tmp_path / written.FOLDER / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_an_answer_is_marked_by_keyboard_kept_downloaded_and_read_back(opened, tmp_path):
    page, wrong = opened()
    assert page.locator("#count").inner_text() == "0 of 3 marked"
    page.locator("#next").focus()
    press(page, "Enter", "Space")  # the first that is open: its first item, in full
    first = page.evaluate("document.activeElement.closest('article').id")
    press(page, "Tab", "Tab", "Tab", "1", ".", "5")  # beside the first and the second item stand their numbers
    press(page, "Tab", "Tab", "Tab", "Enter")  # past the third item: what is empty is 0
    press(page, "Tab")
    page.keyboard.insert_text('Good, "but" short;\n<b>ä</b>')
    [student] = [one for one in TEXTS if written.code_of(SECRET, "1.12", one) == first]
    assert state(page, student) == "3.5 of 6 points"
    page.reload()
    assert state(page, student) == "3.5 of 6 points" and page.locator("#count").inner_text() == "1 of 3 marked"
    assert [one.input_value() for one in article(page, student).locator("input[type=number]").all()] == [
        "2",
        "1.5",
        "0",
    ]
    assert article(page, student).locator("input[type=checkbox]").first.is_checked()
    path = downloaded(page, tmp_path)
    assert path.name == "1.12.csv"
    marks = written.read(tmp_path, ROSTER, SECRET)
    assert {key: (mark.points, mark.comment) for key, mark in marks.items()} == {
        ("1.12", student): ((2, 1.5, 0), 'Good, "but" short;\n<b>ä</b>')
    }
    [one] = [unit for unit in written.join(results(), marks) if unit.student == student]
    assert (one.points, one.max_points) == (6.5, 12) and wrong == []


def test_the_next_page_has_the_marks_also_in_another_browser_and_can_take_them_back(opened, tmp_path):
    page, wrong = opened()
    for item in article(page, "ada").locator("input[type=checkbox]").all():
        item.check()
    downloaded(page, tmp_path)
    page.evaluate("localStorage.clear()")
    page, _ = opened(results(ada="Written anew."))
    assert state(page, "ada") == "6 of 6 points"
    anew = page.locator(".changed:visible")
    assert anew.count() == 1 and article(page, "ada").locator(".changed").is_visible()
    article(page, "ada").locator("input[type=number]").first.fill("")
    assert state(page, "ada") == "in part" and anew.count() == 0
    downloaded(page, tmp_path)
    assert not written.read(tmp_path, ROSTER, SECRET)["1.12", "ada"].whole and wrong == []


def test_two_windows_take_nothing_from_each_other_and_wrong_points_are_not_kept(opened):
    one, wrong = opened()
    two, _ = opened()
    article(one, "ada").locator("input[type=checkbox]").first.check()
    article(two, "bob").locator("input[type=number]").first.fill("3")
    assert state(two, "bob") == "expected points from 0 to 2"
    article(two, "bob").locator("input[type=number]").first.fill("1")
    one.reload()
    assert [state(one, student) for student in ("ada", "bob", "eve")] == ["in part", "in part", "not marked yet"]
    assert wrong == []


def test_hostile_text_is_shown_and_does_nothing(opened):
    script = "</script><script>document.title='run'</script><style>body{display:none}</style>"
    page, wrong = opened(results(ada=script, bob="\n" * 15_000, zoe="x" * 20_000))
    assert article(page, "eve").locator(".text").text_content() == HOSTILE
    assert article(page, "ada").locator(".text").text_content() == script
    assert page.title() == f"1.12 {QUESTION.title}: answers to mark" and wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a long word makes nothing wider"
    assert article(page, "bob").locator(".text").bounding_box()["height"] < 500
    assert page.get_by_role("heading", name="Answer 2 of 4").is_visible()


def test_every_field_has_a_name(opened):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened()
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found] == []
    assert ONE not in page.inner_text("body")
