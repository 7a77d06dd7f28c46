"""The class report: right counts, every trouble named, groups that deserve a look, and no hostile HTML."""

from dataclasses import replace

import pytest
from small_class import HOSTILE, NAMES, ONE, TWO, answer, results, unit
from test_feedback import Page

from course_utils.desk.checks import LADDER
from grader import report


def text_of(*arguments):
    return " ".join(Page(report.to_html(*arguments).replace("</t", " </t")).text.split())


def test_a_chapter_is_counted():
    one, two = report.summaries(results())
    assert (one.name, one.max_points, one.scores) == (ONE, 6, (0, 0, 0, 6))
    assert one.histogram == (3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    assert one.statuses == {"graded": 4, "missing": 1}
    assert two.statuses == {"graded": 3, "student error": 1, "infrastructure error": 1}
    first, second = one.exercises
    assert (first.id, first.answers, first.points, first.max_points) == ("1.1", 4, 0.75, 3)
    assert first.rungs == {**dict.fromkeys(LADDER, 0), "correct": 1, "values": 2, "timeout": 1}
    assert second.rungs == {**dict.fromkeys(LADDER, 0), "correct": 1, "type": 2, "not attempted": 1}


def test_exercises_are_in_the_order_of_their_numbers():
    from grader.records import ExerciseResult

    answers = [ExerciseResult(f"1.{n}", "t", 0, 1, "error", "s") for n in (10, 2, 9)]
    [summary] = report.summaries([unit("ada", ONE, *answers)])
    assert [exercise.id for exercise in summary.exercises] == ["1.2", "1.9", "1.10"]


def test_misconceptions_are_counted_across_the_numbers_of_variants():
    [message] = report.misconceptions(results())
    assert message == report.Message("2.1", "Divide `x` by 2.", ("bob", "kim"))


def test_time_outs_name_the_students():
    assert report.on_rung(results(), "timeout") == {"1.1": ["zoe"]}


def test_equal_unusual_answers_are_found_and_usual_ones_are_not():
    both = ("bob", "eve")
    assert report.twins(results()) == [report.Twins("1.1", "values", both), report.Twins("1.2", "type", both)]
    assert report.pairs(results()) == [(both, ["1.1", "1.2"])]


def test_the_right_answer_of_somebody_elses_number_is_named():
    copied = unit("kim", TWO, answer("2.1", "values", answer="right for ada"))
    others = [one for one in results() if (one.student, one.chapter) != ("kim", TWO)]
    assert report.Twins("2.1", "values", ("kim",), ("ada",)) in report.twins([*others, copied])
    assert "kim: right for the numbers of ada (Ada Lovelace)" in text_of([*others, copied], NAMES)


def test_what_many_answer_makes_no_pairs():
    class_ = [
        unit(f"s{n}", ONE, answer("1.1", "values", answer="all"), answer("1.2", "values", answer="all"))
        for n in range(10)
    ]
    assert len(report.twins(class_)) == 2 and report.pairs(class_) == []


def test_the_page_names_every_trouble():
    text = text_of(results(), NAMES, ["mallory/: not in the roster", f"{HOSTILE}.ipynb: of no chapter"])
    for expected in (
        "5 students, 2 chapters: 7 graded, 1 missing, 1 student error, 1 infrastructure error.",
        "1 submission was graded without a jail",
        "Not graded, by no fault of the student: 1",
        "zoe (Zoë) 2 · ReLU sign flips /srv/grader: no memory",
        "Notebooks that could not be read: 1",
        "Nothing handed in: 1",
        "1 · Taylor bounds: kim",
        "Not graded, or not as it was given out: 2",
        "mallory/: not in the roster",
        "mean 1.5, median 0 of 6 points",
        "1.1: zoe (Zoë)",
        'bob (=HYPERLINK("x")), eve',
    ):
        assert expected in text, expected


def test_a_class_without_trouble_is_told_so():
    text = text_of([one for one in results() if one.student == "ada"], NAMES)
    assert "every student of the roster handed in every chapter" in text
    assert "Slips that were met, by exercise None was met." in text
    assert "To look at Nothing:" in text and "without a jail" not in text


def test_before_anything_is_graded():
    text = text_of([one for one in results() if one.points is None])
    assert "Nothing is graded yet." in text


def test_what_a_student_wrote_is_text():
    page = Page(report.to_html(results(), NAMES, [HOSTILE]))
    assert page.active == ["href"] * 5, "a link to the page of each student, and nothing else"
    assert "{{ 7*7 }}" in page.text and "49" not in page.text


def test_a_table_of_all_marks_leads_to_each_students_page():
    ids, rows = report.matrix(results())
    assert ids == ["1.1", "1.2", "2.1"]
    assert dict((student, (points, total)) for student, points, total in rows) == {
        "ada": (["3", "3", "3"], 9),
        "bob": (["0", "0", "0"], 0),
        "eve": (["0", "0", "–"], 0),
        "kim": (["–", "–", "0"], 0),
        "zoe": (["0", "0", "?"], None),
    }
    page = report.to_html(results(), NAMES)
    assert all(f'<a href="feedback/{student}.html">{student}</a>' in page for student in NAMES)


def test_discrimination_is_the_correlation_with_the_other_exercises():
    def klass(*scores):
        return [
            unit(
                f"s{n}", ONE, *(answer(id, "correct" if right else "values") for id, right in zip(("1.1", "1.2"), two))
            )
            for n, two in enumerate(scores)
        ]

    [same] = report.summaries(klass((1, 1), (0, 0), (1, 1)))
    [against] = report.summaries(klass((1, 0), (0, 1), (1, 0), (0, 1)))
    [alike] = report.summaries(klass((1, 0), (1, 1)))
    values = [[one.discrimination for one in chapter.exercises] for chapter in (same, against, alike)]
    assert values[0] == pytest.approx([1, 1]) and values[1] == pytest.approx([-1, -1]) and values[2] == [None, None]


def test_a_notebook_with_somebody_elses_numbers_is_named_with_whom_it_was_made_for():
    numbers = {"ada": {"1.3": 2, "1.6": 5}, "bob": {"1.3": 2, "1.6": 7}, "eve": {"1.3": 4, "1.6": 5}}
    copied = replace(unit("kim", ONE, answer("1.1", "values")), numbers=(("1.3", 2), ("1.6", 5)))
    class_ = [*(one for one in results() if one.student != "kim"), copied]

    def numbers_of(student, chapter):
        return numbers.get(student, {}) if chapter == ONE else {}

    assert report.borrowed(class_, numbers_of) == [(copied, ["ada"])] and report.borrowed(results(), numbers_of) == []
    text = text_of(class_, NAMES, (), numbers_of)
    assert "kim, 1 · Taylor bounds: the numbers 2 in 1.3, 5 in 1.6 were given to ada (Ada Lovelace)" in text
    assert "were given to nobody of this class" in text_of([copied], NAMES, (), numbers_of)


def test_slips_are_listed_by_exercise_with_who_met_them():
    text = text_of(results(), NAMES)
    assert "Divide x by 2." in text.replace("`", "") and 'bob (=HYPERLINK("x")), kim' in text
