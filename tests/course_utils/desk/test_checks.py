"""The ladder of a check, and the zoo of answers that it survives."""

import asyncio
import copy
import functools
import os
import re
import signal
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import exercises
from course_utils.desk import progress
from course_utils.desk.checks import GENERIC, LADDER, CheckFailed, _Unread, check, grade, public_seed
from course_utils.exercises import Exercise


def scaled_sum(W, tau):
    return tau * np.sum(W, axis=1)


def draw(rng):
    return {"W": rng.normal(size=(rng.integers(2, 6), 3)), "tau": rng.uniform(0.1, 1)}


FORGOT = "You have forgotten the factor `tau` <once>."
OTHER_AXIS = "You have added the columns, not the rows."

ROWS = Exercise(
    id="1.2",
    title="scaled sums of rows",
    points=3,
    difficulty=2,
    minutes=10,
    cases=draw,
    reference=scaled_sum,
    misconceptions=((lambda W, tau: np.sum(W, axis=1), FORGOT), (lambda W, tau: tau * np.sum(W, axis=0), OTHER_AXIS)),
    after="Rows are neurons.",
)

INPUTS = len(ROWS.draw_cases(0))  # 24 by chance, and the corners of `draw`

SHORT = replace(ROWS, time_limit=0.5)

EASY = replace(ROWS, points=1, difficulty=1, minutes=5, after="")

PAIR = replace(
    EASY,
    id="1.3",
    cases=lambda rng: {"x": rng.normal(size=rng.integers(2, 6))},
    reference=lambda x: (np.min(x), np.max(x)),
    misconceptions=((lambda x: (np.max(x), np.min(x)), "The order is turned round."),),
)


def unit_vector(answer, case):
    if np.shape(answer) != (case["n"],):
        return f"Expected {case['n']} entries."
    return None if np.isclose(np.linalg.norm(answer), 1) else "Its length is not 1."


UNIT = replace(
    EASY,
    id="1.4",
    cases=lambda rng: {"n": rng.integers(1, 6)},
    reference=lambda n: np.eye(n)[0],
    property=unit_vector,
    misconceptions=((lambda n: np.ones(n) / n, "The entries add to 1, their squares do not."),),
)


def right(W, tau):
    return tau * W.sum(axis=1)


def square(rng):
    return {"A": rng.normal(size=(3, 3))}


# The ladder


def stub(W, tau):
    raise NotImplementedError()


def crash(W, tau):
    rows = len(W)
    return W[rows]


@pytest.mark.parametrize(
    "fn, status, says",
    [
        (stub, "not attempted", "Nothing is written here yet"),
        (lambda W, tau: None, "not attempted", "returns nothing yet"),
        (lambda W, tau: ..., "not attempted", "returns nothing yet"),
        (lambda W, tau: print("3.0"), "not attempted", "It prints, but only what it returns counts"),
        (crash, "error", "IndexError: index 2 is out of bounds"),
        (crash, "error", "return W[rows]"),
        (lambda W: W, "error", "with the parameters `W, tau`; yours takes `W`"),
        (lambda: 3, "error", "yours takes `nothing`"),
        (lambda W, tau: "abc", "type", "Expected an array; yours is the text 'abc'."),
        (lambda W, tau: W[:, 0] > 0, "type", "array of numbers; yours is an array of truth values."),
        (lambda W, tau: tau, "shape", "Expected an array of shape (5,); yours is a number."),
        (lambda W, tau: right(W, tau)[:, None], "shape", "yours is an array of shape (5, 1)"),
        (lambda W, tau: W.sum(axis=1), "misconception", FORGOT),
        (lambda W, tau: tau * W.sum(axis=0), "misconception", OTHER_AXIS),  # the wrong shape, but with a name
        (lambda W, tau: right(W, tau) + W[:, 0], "values", "The right shape, but not yet the right values."),
        (lambda W, tau: right(W, tau) + 1, "values", "Yours is 1 more than the expected value, every time."),
        (lambda W, tau: right(W, tau) * len(W), "values", "Yours is the expected value times `len(W)`, every time."),
        (lambda W, tau: right(W, tau) / tau**0.5, "values", "divided by the square root of `tau`"),
        (lambda W, tau: np.abs(right(W, tau)), "values", "Yours is the absolute value of the expected value"),
        (lambda W, tau: right(W, tau) ** 2, "values", "Yours is the square of the expected value"),
        (lambda W, tau: 1 - right(W, tau), "values", "Yours is 1 minus the expected value"),
        (lambda W, tau: right(W, tau) + W[:, 0] * (tau == 1), "values", "Right, but not where `tau` is 1."),
        (lambda W, tau: 2 * right(W, tau), "values", "Yours is 2 times the expected value, every time."),
        (lambda W, tau: 0.0 * right(W, tau), "values", "Yours is zero, every time."),
        (lambda W, tau: -right(W, tau), "values", "Only the sign is wrong"),
        (lambda W, tau: right(W, tau) * np.nan, "values", "Your answer holds NaN (not a number)"),
        (lambda W, tau: right(W, tau) * np.inf, "values", "Your answer is infinite"),
        (lambda W, tau: right(W, tau) if len(W) < 4 else None, "type", "path without a `return`"),
        (lambda W, tau: torch.tensor(right(W, tau)).float(), "correct", "single precision"),
        (right, "correct", f"Well done: right on all {INPUTS} inputs. Rows are neurons."),
    ],
)
def test_ladder(fn, status, says):
    result = grade(ROWS, fn)
    assert result.status == status and status in LADDER
    assert says in str(result)
    assert (result.points == 3) == (status == "correct") == result.correct


@pytest.mark.parametrize(
    "exercise, fn, status, says",
    [
        # A misconception that fails on an input is not what the student did.
        (replace(ROWS, misconceptions=((lambda W, tau: W @ W, "never"),)), lambda W, tau: W[:, 0], "values", ""),
        (replace(PAIR, reference=lambda x: 2.0), lambda x: 3.0, "values", "^A value of the right kind"),  # no factor
        (replace(PAIR, cases=square, reference=lambda A: A), lambda A: A.T, "values", "transpose"),
    ],
)
def test_ladder_of_other_exercises(exercise, fn, status, says):
    result = grade(exercise, fn)
    assert result.status == status and re.search(says, result.sentence)


def test_the_tone_is_missing_keep_working_almost_correct():
    words = [str(grade(ROWS, fn)).split("\n")[0] for fn in (stub, crash, lambda W, tau: W.sum(axis=1), right)]
    assert words == [
        "○ Exercise 1.2: not attempted yet · 0 of 3 points",
        "✎ Exercise 1.2: keep working · 0 of 3 points",
        "◐ Exercise 1.2: almost · 0 of 3 points",
        "✓ Exercise 1.2: correct · 3 of 3 points",
    ]


def test_the_smallest_failing_input_is_shown_beside_both_answers():
    def wrong_when_tall(W, tau):
        return right(W, tau) + (len(W) >= 4) * 1e-6

    text = str(grade(ROWS, wrong_when_tall))
    tall = sum(len(case["W"]) >= 4 for case in ROWS.draw_cases(public_seed(ROWS)))
    assert "shape (4, 3)" in text and f"Right on {INPUTS - tall} of {INPUTS} inputs" in text
    rows = dict(grade(ROWS, wrong_when_tall).rows)
    assert rows["yours"] != rows["expected"], "the shown digits do not tell them apart"


def test_the_first_wrong_place_of_a_long_array_is_shown():
    exercise = replace(ROWS, cases=lambda rng: {"W": rng.normal(size=(50, 2)), "tau": 1.0})

    def wrong(W, tau):
        answer = right(W, tau)
        answer[37] = 5
        return answer

    assert "[37]: yours 5, expected " in str(grade(exercise, wrong))


def test_the_order_of_failing_inputs_and_edge_cases_belong_to_the_exercise():
    edge = {"W": np.full((9, 3), 7.0), "tau": 1.0}
    exercise = replace(ROWS, edge_cases=(edge,), size=lambda case: -len(case["W"]))
    result = grade(exercise, lambda W, tau: W[:, 0] + 1)
    assert result.tried == INPUTS + 1 and "7, 7, 7" in dict(result.rows)["W"]


def test_an_exercise_may_hide_its_inputs():
    text = str(grade(replace(ROWS, show_cases=False), lambda W, tau: right(W, tau) + np.exp(W[:, 0])))
    assert "expected" not in text and f"Right on 0 of {INPUTS}" in text
    assert "IndexError" in str(grade(replace(ROWS, show_cases=False), crash))


def test_a_misconception_may_agree_with_the_reference_on_some_inputs():
    agrees = (lambda W, tau: tau * np.sum(W, axis=1) * (1 if len(W) > 3 else 2), "Small inputs!")
    exercise = replace(ROWS, misconceptions=(*ROWS.misconceptions, agrees))
    assert grade(exercise, agrees[0]).sentence == "Small inputs!"
    assert grade(exercise, right).correct


def test_an_unknown_exercise_is_the_authors_mistake():
    with pytest.raises(ValueError, match="there is no exercise '9.9'; known exercises"):
        check("9.9", right)


# Separate values, and answers judged by a property


def test_pairs():
    assert grade(PAIR, lambda x: (x.min(), x.max())).correct
    assert grade(PAIR, lambda x: [float(x.min()), torch.tensor(x.max())]).correct
    assert grade(PAIR, lambda x: np.array([x.min(), x.max()])).correct
    assert grade(PAIR, lambda x: (x.max(), x.min())).status == "misconception"
    assert grade(PAIR, lambda x: x.min()).sentence == "Expected 2 separate values; yours is a number."
    assert "Value 1 of 2: Expected a number" in grade(PAIR, lambda x: (x, x.max())).sentence
    assert grade(PAIR, lambda x: (x.min(), np.nan)).status == "values"


def test_a_property_accepts_every_right_answer_and_gives_its_own_sentence():
    assert grade(UNIT, lambda n: np.ones(n) / np.sqrt(n)).correct
    assert grade(UNIT, lambda n: [1.0] + [0.0] * (n - 1)).correct
    assert grade(UNIT, lambda n: np.ones(n) / n).status == "misconception"
    wrong = grade(UNIT, lambda n: np.full(n, 2.0))
    assert wrong.status == "values" and wrong.sentence.startswith("Its length is not 1.")
    assert [label for label, _ in wrong.rows] == ["n", "yours", "one right answer"]
    assert grade(UNIT, lambda n: np.ones(n + 1)).sentence.startswith("Expected 1 entries.")
    assert grade(UNIT, lambda n: "no").status == "type"


def test_a_property_that_cannot_read_an_answer_refuses_it():
    def careless(answer, case):
        return None if answer.shape[0] == case["n"] and answer @ answer > 0.5 else "No."

    exercise = replace(UNIT, property=careless)
    assert grade(exercise, lambda n: 3.0).status == "shape"
    assert grade(exercise, lambda n: (1.0, np.ones(2))).status == "type"


# Right answers


DRESSES = [
    lambda a: a,
    lambda a: a.tolist(),
    lambda a: tuple(a),
    torch.tensor,
    lambda a: a.astype(object),
    lambda a: torch.tensor(a, requires_grad=True),
    lambda a: [torch.tensor(x) for x in a],
    np.ma.asarray,
    lambda a: torch.tensor(a, dtype=torch.float32),
    lambda a: a.astype(np.float32),
]


@given(st.sampled_from(DRESSES), st.integers(0, 2**32), st.floats(-9e-10, 9e-10))
def test_right_answers_pass_whatever_their_type(dress, seed, error):
    assert grade(ROWS, lambda W, tau: dress(scaled_sum(W, tau) * (1 + error)), seed).correct


@given(st.sampled_from(DRESSES), st.integers(0, 2**32), st.floats(1e-3, 1e3), st.booleans())
def test_wrong_answers_fail_whatever_their_type(dress, seed, error, minus):
    factor = 1 - error if minus else 1 + error
    assert not grade(ROWS, lambda W, tau: dress(scaled_sum(W, tau) * factor), seed).correct


def test_a_right_answer_that_changes_its_argument_is_right_with_a_remark():
    def greedy(W, tau):
        W *= tau
        return W.sum(axis=1)

    result = grade(ROWS, greedy)
    assert result.correct and "changes what it is given (`W`)" in str(result)
    assert grade(ROWS, right).remarks == ()


def test_a_right_answer_that_prints_and_warns_is_right(capsys):
    def loud(W, tau):
        print("shape", W.shape, "x" * 10**5)
        warnings.warn("careful", stacklevel=1)
        np.float64(1) / 0
        return right(W, tau)

    result = grade(ROWS, loud)
    assert result.correct and "It prints, which does not count: shape (" in str(result)
    assert len(str(result)) < 400 and capsys.readouterr() == ("", "")


# The zoo


class Hostile:
    """Every method that a checker might call raises."""

    def _no(self, *args, **kwargs):
        raise RuntimeError("hostile")

    __eq__ = __array__ = __repr__ = __str__ = __len__ = __iter__ = __bool__ = __float__ = __getattr__ = _no
    __hash__ = None


class HostileMeta(type):
    @property
    def __name__(cls):
        raise RuntimeError("hostile")

    def __instancecheck__(cls, instance):
        raise RuntimeError("hostile")


class HostileList(list):
    __len__ = __iter__ = Hostile._no


class HostileText(str):
    __len__ = __iter__ = __getitem__ = __repr__ = __str__ = __add__ = Hostile._no


class HostileError(Exception):
    __str__ = __repr__ = Hostile._no


class SubtleError(Exception):
    def __str__(self):
        return HostileText("boo")


class Endless:
    def __array__(self, *args, **kwargs):
        while True:
            pass


def raises(error):
    def fn(W, tau):
        raise error

    return fn


def returns(make):
    return lambda W, tau: make()


def generator(W, tau):
    yield W


async def coroutine(W, tau):
    return W


def recursion(W, tau):
    return recursion(W, tau)


def nested(depth=2000):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def self_containing():
    value = [1.0]
    value.append(value)
    return value


def wrecks_its_arguments(W, tau):
    W.resize((0,), refcheck=False)
    return np.zeros(2)


ZOO = {
    "SystemExit": (raises(SystemExit(1)), "error"),
    "KeyboardInterrupt of its own": (raises(KeyboardInterrupt()), "error"),
    "GeneratorExit": (raises(GeneratorExit()), "error"),
    "MemoryError": (raises(MemoryError()), "error"),
    "BaseException": (raises(BaseException("x")), "error"),
    "an error with a hostile text": (raises(HostileError()), "error"),
    "an error with a subtle text": (raises(SubtleError()), "error"),
    "an error with a long text": (raises(ValueError("x" * 10**7)), "error"),
    "an error with control characters": (raises(ValueError("\x1b[31m\ud800\r<script>")), "error"),
    "an error with a chain": (lambda W, tau: raises(ValueError("b"))(W, tau) or W, "error"),
    "recursion": (recursion, "error"),
    "exit": (lambda W, tau: exit(), "error"),
    "generator": (generator, "type"),
    "coroutine": (coroutine, "type"),
    "hostile object": (returns(Hostile), "type"),
    "hostile class": (returns(lambda: HostileMeta("H", (), {})()), "type"),
    "hostile class itself": (returns(lambda: HostileMeta("H", (), {})), "type"),
    "list of hostile objects": (returns(lambda: [Hostile(), 1.0]), "type"),
    "array of hostile objects": (returns(lambda: np.array([Hostile], dtype=object)), "type"),
    "hostile list": (returns(lambda: HostileList([1.0])), "type"),
    "hostile text": (returns(lambda: HostileText("x")), "type"),
    "long text": (returns(lambda: "x" * 10**7), "type"),
    "deeply nested list": (returns(nested), "type"),
    "list that contains itself": (returns(self_containing), "type"),
    "ragged list": (returns(lambda: [[1.0], [1.0, 2.0]]), "type"),
    "a function": (lambda W, tau: W.sum, "type"),
    "complex": (lambda W, tau: W[:, 0] * 1j, "type"),
    "bfloat16": (lambda W, tau: torch.tensor(W[:, 0]).bfloat16(), "type"),
    "sparse tensor": (lambda W, tau: torch.tensor(W).to_sparse(), "type"),
    "meta tensor": (lambda W, tau: torch.tensor(W[:, 0]).to("meta"), "type"),
    "huge array": (lambda W, tau: np.zeros((500, 500)), "shape"),
    "empty": (returns(list), "shape"),
    "object that reads for ever": (returns(Endless), "timeout"),
    "sleep": (lambda W, tau: time.sleep(100), "timeout"),
    "wrecked arguments": (wrecks_its_arguments, "shape"),
    "a class": (dict, "type"),
    "hostile callable": (type("C", (Hostile,), {"__call__": lambda self, W, tau: 1.0})(), "shape"),
    "partial": (functools.partial(right, tau=2.0), "correct"),
    "tensor module": (torch.nn.Linear(3, 1), "error"),
    "builtin": (len, "error"),
    "ufunc": (np.add, "shape"),
    "an event loop": (lambda W, tau: asyncio.run(coroutine(W, tau)), "shape"),
}


@pytest.mark.parametrize("fn, status", ZOO.values(), ids=ZOO)
def test_zoo(fn, status, recwarn):
    result = grade(SHORT if status == "timeout" else ROWS, fn)
    assert result.status == status, str(result)
    text, card = str(result), result._repr_html_()
    assert len(text) < 1500 and text.encode() and card.encode()
    assert all(c.isprintable() or c == "\n" for c in text)
    assert not [w for w in recwarn if "never awaited" in str(w.message)]


@pytest.mark.parametrize(
    "given", [3, None, "right", [right], np.zeros(2), Hostile()], ids=lambda given: type(given).__name__
)
def test_the_function_itself_is_asked_for(given):
    result = grade(ROWS, given)
    assert result.status == "type" and 'without calling it: `check("1.2", f)`' in result.sentence


def test_an_endless_loop_ends_also_in_another_thread():
    def endless(W, tau):
        while True:
            try:
                np.sum(W)
            except Exception:
                pass

    found = []
    thread = threading.Thread(target=lambda: found.append(grade(SHORT, endless)))
    thread.start()
    thread.join(20)
    for result in (found[0], grade(SHORT, endless)):
        assert result.status == "timeout" and "No answer within 0.5 seconds" in str(result)
        assert "tau" in dict(result.rows)


def test_a_real_interrupt_reaches_the_user():
    def interrupted(W, tau):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        grade(ROWS, interrupted)


def test_every_call_gets_its_own_copies():
    seen = []

    def hoarder(W, tau):
        seen.append(W)
        for old in seen:
            old *= 0
        return np.zeros(len(W))

    result = grade(ROWS, hoarder)
    assert result.status == "values" and "expected  [0, 0]" not in str(result)
    assert grade(ROWS, right).correct


def test_an_answer_that_changes_later_is_judged_as_it_was_returned():
    buffer = np.zeros(3)

    def reuses(W, tau):
        buffer[:] = np.sum(W, axis=0)
        return buffer

    exercise = replace(ROWS, reference=lambda W, tau: np.sum(W, axis=0))
    assert grade(exercise, reuses).correct


def test_different_answers_to_one_input_are_said():
    calls = []

    def forgetful(W, tau):
        calls.append(1)
        return right(W, tau) + len(calls)

    assert "Called twice with the same input" in str(grade(ROWS, forgetful))
    assert "Called twice" not in str(grade(ROWS, lambda W, tau: right(W, tau) + 1))


def test_the_global_random_stream_goes_on_where_it_was():
    def seeds(W, tau):
        np.random.seed(1)
        return right(W, tau) + np.random.normal()

    np.random.seed(5)
    expected = np.random.normal(size=3)
    np.random.seed(5)
    grade(ROWS, seeds)
    grade(ROWS, right)
    assert np.array_equal(np.random.normal(size=3), expected)


def test_a_check_repeats_exactly():
    def wrong(W, tau):
        return right(W, tau) + 1

    assert str(grade(ROWS, wrong)) == str(grade(ROWS, wrong)) != str(grade(ROWS, wrong, seed=1))


# What is shown and remembered


def test_the_card_escapes_everything_and_does_not_hang_on_colour():
    def bad(W, tau):
        raise ValueError("<script>alert('x')</script> & $x$")

    card = grade(ROWS, bad)._repr_html_()
    assert "<script>" not in card and "&lt;script&gt;" in card
    forgot = grade(ROWS, lambda W, tau: W.sum(axis=1))._repr_html_()
    assert "<once>" not in forgot and "<code>tau</code>" in forgot and "almost" in forgot and "◐" in forgot


@pytest.fixture
def shown(monkeypatch):
    """What ``display`` receives, with the two exercises of this file declared and progress in memory."""
    found = []
    monkeypatch.setattr(exercises, "all_exercises", lambda: {e.id: e for e in (ROWS, PAIR, UNIT)})
    monkeypatch.setattr(progress, "_in_memory", [])
    monkeypatch.setenv("COURSE_PROGRESS", "")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: found.append(data))
    return found


def test_check_shows_text_and_card_and_remembers(shown):
    first, second = check("1.2", stub), check("1.2", right)
    assert first.startswith("○ Exercise 1.2") and second.startswith("✓ Exercise 1.2")
    assert repr(second) == "" and second._ipython_display_() is None  # for it is shown already
    assert [sorted(data) for data in shown] == [["text/html", "text/plain"]] * 2
    assert shown[1]["text/plain"].startswith("✓ Exercise 1.2: correct")
    remembered = [(e["exercise"], e["status"], e["points"]) for e in progress.entries()[0]]
    assert remembered == [("1.2", "not attempted", 0), ("1.2", "correct", 3)]


def test_outside_a_notebook_the_text_is_printed(shown, monkeypatch, capsys):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    check("1.2", right)
    assert capsys.readouterr().out.startswith("✓ Exercise 1.2: correct") and not shown


@pytest.mark.parametrize("mode", ["autograde", "validate"])
def test_under_nbgrader_a_wrong_answer_raises_after_it_is_shown(shown, monkeypatch, mode):
    monkeypatch.setenv("NBGRADER_EXECUTION", mode)
    with pytest.raises(CheckFailed, match="exercise 1.2: not attempted"):
        check("1.2", stub)
    assert issubclass(CheckFailed, AssertionError)
    check("1.2", right)
    assert len(shown) == 2 and progress.entries() == ([], "")


def test_progress_that_cannot_be_saved_is_a_message(shown, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "missing" / "progress.jsonl"))
    check("1.2", right)
    assert "could not be saved in progress.jsonl" in capsys.readouterr().out


# Declarations


@pytest.mark.parametrize(
    "change",
    [
        {"id": "1"},
        {"id": 1.2},
        {"points": 0},
        {"points": 1.5},
        {"misconceptions": ()},
        {"misconceptions": ((right, "x"), (stub, "x"))},
    ],
    ids=lambda change: next(iter(change)),  # the same words in every worker of pytest-xdist
)
def test_a_declaration_that_cannot_be_right_is_refused_by_name(change):
    (name,) = change
    with pytest.raises(ValueError, match=f"exercise .*: {name} is .*; expected "):
        replace(ROWS, **change)


def test_a_reference_must_return_numbers():
    with pytest.raises(TypeError):
        grade(replace(ROWS, reference=lambda W, tau: "x"), right)


def test_a_case_is_not_changed_by_a_check():
    edge = {"W": np.ones((2, 3)), "tau": 2.0}
    before = copy.deepcopy(edge)
    grade(replace(ROWS, edge_cases=(edge,)), lambda W, tau: W.__imul__(0).sum(axis=1))
    assert np.array_equal(edge["W"], before["W"])


def halved(W, tau):
    W *= 0.5
    return W


def through_single(W, tau):
    return torch.tensor(right(W, tau)).float().double().numpy()


_noise = np.random.default_rng(3)


def noisy(W, tau):
    return right(W, tau) * (1 + 0.002 * _noise.normal())


@pytest.mark.parametrize(
    "fn, status, says",
    [
        (lambda W, tau: W.__imul__(tau), "type", "changes `W` itself and returns it"),
        (lambda W, tau: W.__imul__(tau)[:, 0], "type", "changes `W` itself and returns it"),  # a part of it
        (lambda weights, threshold: right(weights, threshold), "correct", ""),  # other names, in their places
        (lambda W, factor: right(W, factor), "correct", ""),
        (lambda tau, weights: right(weights, tau), "error", "with the parameters `W, tau`; yours takes `tau, weights`"),
        (lambda W, tau: np.round(right(W, tau), 3), "values", "rounded to 3 decimals"),
        (lambda W, tau: np.array([float(f"{v:.4g}") for v in right(W, tau)]), "values", "rounded to 4 digits"),
        (through_single, "correct", "single precision"),
        (lambda W, tau: right(W, tau) * (1 + 5e-8), "values", "as a rounding in single precision is"),
        (noisy, "values", "as from a simulation or a coarse grid"),
        (lambda W, tau: np.zeros(200_000_000), "type", "200,000,000 numbers, far more than are asked for"),
    ],
)  # fmt: skip
def test_what_an_answer_looks_like_is_said(fn, status, says):
    result = grade(ROWS, fn)
    assert result.status == status and says in str(result), str(result)


def test_near_values_on_one_side_are_told_apart_from_scattered_ones():
    positive = replace(ROWS, reference=lambda W, tau: tau * (1 + np.abs(W).sum(axis=1)))
    result = grade(positive, lambda W, tau: tau * (1 + np.abs(W).sum(axis=1)) * (1 - 0.004 * tau))
    assert "never above it" in result.sentence


def test_a_wrong_value_that_single_precision_holds_is_wrong_all_the_same():
    result = grade(
        replace(ROWS, reference=lambda W, tau: np.round(tau * W.sum(axis=1), 2)), lambda W, tau: np.ones(len(W))
    )
    assert result.status == "values" and result.sentence.startswith(GENERIC[1])


def test_an_answer_that_must_be_whole_is_no_float():
    count = replace(
        UNIT,
        reference=lambda n: int(n),
        property=None,
        whole=True,
        misconceptions=((lambda n: n - 1, "One is missing."),),
    )
    assert grade(count, lambda n: int(n)).correct and grade(count, lambda n: np.int32(n)).correct
    float_told = grade(count, lambda n: float(n))
    assert float_told.status == "type" and "whole number" in float_told.sentence
    assert grade(count, lambda n: n - 1.0).sentence == "One is missing."


def test_a_wrong_kind_is_told_from_the_largest_input():
    """With one row a forgotten sum and a comma at the end of the line give the same."""
    total = replace(
        EASY,
        cases=lambda rng: {"x": rng.normal(size=rng.integers(1, 6))},
        reference=lambda x: np.sum(x),
        misconceptions=((lambda x: np.sum(x) + 1, "One too many."),),
    )
    forgotten, comma = grade(total, lambda x: 2 * x), grade(total, lambda x: (np.sum(x),))
    assert "Of the 5 values return the one" in forgotten.sentence and "a comma at the end of a line" in comma.sentence


PARTLY = replace(
    ROWS,
    points=4,
    misconceptions=(exercises.Misconception(lambda W, tau: np.sum(W, axis=1), FORGOT, share=0.25),),
    corner=exercises.Corner(lambda W, tau: len(W) == 2, "two rows", 0.5, "Right for all but two rows."),
)


def test_a_share_of_the_points_is_given_where_the_exercise_declares_one(monkeypatch):
    known, corner = (
        grade(PARTLY, lambda W, tau: W.sum(axis=1)),
        grade(PARTLY, lambda W, tau: tau * W.sum(axis=int(len(W) > 2))),
    )
    assert (known.points, corner.points) == (1, 2) and not known.correct and not corner.correct
    assert "1 of 4 points" in str(known) and "Right for all but two rows." in str(corner)
    assert grade(PARTLY, lambda W, tau: W[:, 0]).points == 0 and grade(PARTLY, right).points == 4
    with pytest.raises(ValueError, match="shares from 0 to below 1"):
        replace(PARTLY, corner=PARTLY.corner._replace(share=1))


def test_a_check_below_a_cell_that_python_could_not_read_says_so():
    class Ran:
        error_before_exec = SyntaxError("invalid syntax")

        class info:
            raw_cell = "def scaled(W, tau):\n    return tau *"

    def scaled(W, tau):
        return W

    unread = _Unread()
    assert not unread.holds(scaled)
    unread.after_cell(Ran)
    assert unread.holds(scaled) and not unread.holds(right) and "did not run (SyntaxError" in unread.sentence
    Ran.error_before_exec = None
    unread.after_cell(Ran)
    assert not unread.holds(scaled)


def test_a_blank_in_the_id_is_forgiven(shown):
    assert check(" 1.2 ", right).startswith("✓")
