"""Questions: what is chosen is kept and answered in its own words; without a choice all is said, folded."""

import json

import pytest

from course_utils.desk import checks, progress, questions
from course_utils.exercises import Card, Exercise, Prediction, proof, slips

ASKED = Prediction(
    "9/size",
    "How large is $x_1$, *about*?",
    right="one <b>",
    options=(("none", "Not `0`."), ("one <b>", "Yes: $1 < 2$."), ("two", "Too many.")),
)


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    shown = []
    monkeypatch.setattr(questions, "find_prediction", {ASKED.id: ASKED}.__getitem__)
    monkeypatch.setattr(questions, "display", shown.append)
    monkeypatch.setattr(questions, "say", shown.append)
    monkeypatch.setattr(questions, "_read", set())
    monkeypatch.setattr(progress, "_in_memory", [])
    monkeypatch.setenv("COURSE_PROGRESS", "")
    return shown


def control(bundle):
    """The radio buttons of a shown question, as the reader's hands reach them, and the line below them."""
    import ipywidgets

    box = ipywidgets.Widget._widgets if hasattr(ipywidgets.Widget, "_widgets") else ipywidgets.widgets.widget._instances
    _, choice, noted = box[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]].children
    return choice, noted


@pytest.mark.parametrize(
    "change, why",
    [
        ({"id": "size"}, "chapter and word"),
        ({"question": "Say it."}, "question mark"),
        ({"right": "four"}, "one of"),
        ({"options": (("one <b>", "Yes."),)}, "two to five"),
        ({"options": (("one <b>", "Yes."), ("two", " "))}, "its sentence"),
    ],
)
def test_a_prediction_that_cannot_be_made_is_refused(change, why):
    kept = {"id": "9/size", "question": "How?", "right": "one <b>", "options": ASKED.options, **change}
    with pytest.raises(ValueError, match=why):
        Prediction(**kept)


def test_the_usual_wrong_answer_is_the_first_wrong_one():
    assert ASKED.usual_wrong == "none"


def test_a_question_is_text_without_a_kernel_and_a_control_with_one(asked):
    questions.predict(ASKED.id)
    [bundle] = asked
    assert bundle["text/plain"].splitlines() == [
        "Predict. How large is $x_1$, *about*?",
        "A  none",
        "B  one <b>",
        "C  two",
    ]
    assert "<em>about</em>" in bundle["text/html"] and "<li>one &lt;b&gt;</li>" in bundle["text/html"]
    assert "Yes" not in str(bundle)
    choice, noted = control(bundle)
    assert choice.value is None and "Choose" in noted.value


def test_without_a_choice_all_sentences_are_folded(asked):
    questions.after(ASKED.id)
    html = asked[0]["text/html"]
    assert html.startswith("<div><details><summary>After the run</summary>")
    assert html.count("<li>") == 3 and "<code>0</code>" in html and "$1 &lt; 2$" in html


@pytest.mark.parametrize("chosen, opened", [("two", ["✗ two", "✓ one &lt;b&gt;"]), ("one <b>", ["✓ one &lt;b&gt;"])])
def test_a_choice_is_answered_in_its_own_words_and_then_the_right_one(asked, chosen, opened):
    questions.predict(ASKED.id)
    choice, noted = control(asked[0])
    choice.value = chosen
    assert chosen.partition(" ")[0] in noted.value
    questions.after(ASKED.id)
    before = asked[1]["text/html"].partition("<details>")[0]
    assert before.count("<strong>") == len(opened)
    assert [before.index(f"<strong>{option}</strong>") for option in opened] == sorted(
        before.index(f"<strong>{option}</strong>") for option in opened
    )


def test_the_last_choice_before_the_reading_counts_and_none_after_it(asked):
    questions.predict(ASKED.id)
    choice, _ = control(asked[0])
    choice.value = "none"
    choice.value = "two"
    assert questions.chosen(ASKED.id) == "two"
    questions.after(ASKED.id)
    choice.value = "one <b>"
    assert questions.chosen(ASKED.id) == "two"


def test_choices_are_kept_with_progress_and_cost_no_points(tmp_path, monkeypatch, asked):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "p.jsonl"))
    progress.record("0.1", "correct", 1)
    before = progress.summary(progress.entries()[0])
    progress.record_choice(ASKED.id, "two", False)
    assert progress.summary(progress.entries()[0]) == before
    line = json.loads((tmp_path / "p.jsonl").read_text().splitlines()[1])
    assert (line["exercise"], line["status"], line["choice"], line["right"]) == (ASKED.id, "predicted", "two", False)
    questions.predict(ASKED.id)  # in another session it is still chosen
    assert control(asked[0])[0].value == "two"


def test_a_choice_of_a_former_version_is_none(asked):
    progress.record_choice(ASKED.id, "an option that is gone", False)
    assert questions.chosen(ASKED.id) is None
    questions.predict(ASKED.id)
    assert control(asked[0])[0].value is None


def test_chapter_0_says_how_often_one_was_right_and_what_surprised(asked):
    questions.my_predictions()
    assert asked.pop().startswith("No prediction yet")
    progress.record_choice(ASKED.id, "two", False)
    questions.my_predictions()
    text = asked[0]["text/plain"]
    assert text.startswith("0 of 1 predictions were right. What surprised you:") and "“two”; it was “one <b>”" in text
    progress.record_choice(ASKED.id, "one <b>", True)
    questions.my_predictions()
    assert asked[1]["text/plain"] == "1 of 1 predictions were right."


def test_the_lines_of_a_proof_are_shown_with_their_distractors_by_label(asked, monkeypatch):
    lines, flaws = {"B": ("$b$", ""), "A": ("a & a", "B")}, {"C": ("c", "no")}
    monkeypatch.setattr(
        questions, "find", lambda id: proof(*Card(id, "t", 2, 2, 4), lines=lines, flaws=flaws, goal="A")
    )
    questions.proof_lines("9.1")
    assert asked[0]["text/plain"].splitlines() == ["A  a & a", "B  $b$", "C  c"]
    assert "a &amp; a" in asked[0]["text/html"]


def test_only_a_proof_has_lines(monkeypatch):
    monkeypatch.setattr(questions, "find", lambda id: square())
    with pytest.raises(ValueError, match="no proof"):
        questions.proof_lines("9.2")


def square():
    return Exercise(
        *Card("9.2", "t", 2, 2, 4),
        cases=lambda rng: {"x": rng.uniform(1, 2)},
        reference=lambda x: x * x,
        misconceptions=slips(lambda x: x, "Squared."),
    )


def test_mine_is_the_function_once_its_check_is_right_and_not_another(monkeypatch, capsys):
    monkeypatch.setattr(checks, "find", lambda id, number=None: square())
    monkeypatch.setattr(checks, "_solved", {})
    monkeypatch.setattr(checks, "display", lambda bundle: None)
    monkeypatch.setenv("COURSE_PROGRESS", "")

    def right(x):
        return x * x

    assert checks.mine("9.2", right) is None and "once exercise 9.2 is solved" in capsys.readouterr().out
    checks.check("9.2", lambda x: x)
    assert checks.mine("9.2", right) is None
    checks.check("9.2", right)
    assert checks.mine("9.2", right) is right and checks.mine("9.2", right, len) == (right, len)
    assert checks.mine("9.2", lambda x: x * x) is None, "defined anew and not checked again"
    checks.check("9.2", lambda x: x)
    assert checks.mine("9.2", right) is None
