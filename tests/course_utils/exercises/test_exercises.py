"""What an exercise owes: its reference passes, its wrong answers are named, its mutants refused."""

import copy
import inspect
from dataclasses import replace

import numpy as np
import pytest
from mutants import mutants, right_too

from course_utils.desk.answers import equal, parts, read, show
from course_utils.desk.checks import expect, grade
from course_utils.exercises import all_exercises

#: A proof has one case, its orders are mutated in test_proofs.py.
every_formula = pytest.mark.parametrize(
    "exercise", [exercise for exercise in all_exercises().values() if not exercise.proof], ids=lambda e: e.id
)
#: From this limit on an exercise trains: it is tried on fewer seeds, and not mutated, since other steps train as well.
TRAINS = 10.0
every_exercise = pytest.mark.parametrize("exercise", all_exercises().values(), ids=lambda e: e.id)
#: With some of the numbers that a class may get: all of them would take minutes.
VARIED = [
    pytest.param(exercise.variant(number), id=f"{exercise.id} with {number}")
    for exercise in all_exercises().values()
    if (numbers := exercise.variants and exercise.variants.numbers)
    for number in (numbers[0], numbers[len(numbers) // 2], numbers[-1])
]
every_exercise_and_variant = pytest.mark.parametrize(
    "exercise", [*(pytest.param(e, id=e.id) for e in all_exercises().values()), *VARIED]
)


def same_case(one, other):
    return list(one) == list(other) and all(_same(one[name], other[name]) for name in one)


def _same(one, other):
    try:
        return equal(read(one), read(other))
    except Exception:
        return show(one) == show(other)


@every_exercise
def test_the_reference_passes_on_200_seeds(exercise):
    few = replace(exercise, n_cases=2)
    for seed in range(20 if exercise.time_limit >= TRAINS else 200):
        result = grade(few, exercise.reference, seed)
        assert result.correct, f"seed {seed}\n{result}"
    result = grade(exercise, exercise.reference)
    assert result.correct and result.points == exercise.points and not result.remarks


@every_exercise_and_variant
def test_the_right_answer_is_a_number_at_every_corner_of_the_domain(exercise):
    """NaN equals NaN, so that a reference without an answer would make a wrong one right."""
    for case in exercise.draw_cases(4):
        for part in parts(expect(exercise, [case])[0]):
            assert np.isfinite(part).all(), case


@every_exercise_and_variant
def test_every_misconception_gets_its_own_sentence(exercise):
    for misconception in exercise.misconceptions:
        for seed in (None, 0, 1, 2):
            result = grade(exercise, misconception.answer, seed)
            assert result.status == "misconception", f"seed {seed}\n{result}"
            assert result.sentence == misconception.message, f"seed {seed}"
            assert result.points == 0


@every_formula
def test_a_seed_gives_the_same_cases_and_another_seed_others(exercise):
    first, again, other = (exercise.draw_cases(seed) for seed in (1, 1, 2))
    assert len(first) == len(again) > len(exercise.edge_cases)
    assert all(map(same_case, first, again))
    assert len(first) != len(other) or not all(map(same_case, first, other))


@every_exercise
def test_reference_and_misconceptions_leave_their_input_alone(exercise):
    for function in (exercise.reference, *(m.answer for m in exercise.misconceptions)):
        for case in exercise.draw_cases(3):
            given = copy.deepcopy(case)
            function(**given) if exercise.probe is None else exercise.probe(function, **given)
            assert same_case(given, case), function


@every_exercise
def test_wrong_kinds_of_answers_are_refused(exercise):
    for answer in (0, 1.0, float("nan"), "text", [], [[1.0, 2.0]] * 7):
        result = grade(exercise, lambda _answer=answer, **case: _answer)
        assert not result.correct and str(result)


@pytest.mark.parametrize(
    "exercise",
    [*(pytest.param(e, id=e.id) for e in all_exercises().values() if not e.proof and e.time_limit < TRAINS), *VARIED],
)
def test_mutants_are_refused(exercise):
    fast, excused = replace(exercise, time_limit=1.0), right_too(exercise.reference)
    # With the chapter's own number, 1, nobody sees what it multiplies: its variants do.
    own = exercise is all_exercises()[exercise.id]
    unseen = inspect.getclosurevars(exercise.reference).nonlocals.keys() if own else set()
    found = [mutant for mutant in mutants(exercise.reference) if mutant.becomes not in excused]
    alive = [m.change for m in found if grade(fast, m.function).correct and not m.names & unseen]
    assert len(found) > 5 and not alive, f"{len(alive)} of {len(found)} pass: {'; '.join(alive)}"


@pytest.mark.parametrize(
    "exercise", [pytest.param(e, id=e.id) for e in all_exercises().values() if not e.proof and e.time_limit < TRAINS]
)
def test_what_is_said_to_be_right_too_is_a_mutant_and_passes(exercise):
    made = {mutant.becomes: mutant for mutant in mutants(exercise.reference)}
    for statement in right_too(exercise.reference):
        assert statement in made, f"`{statement}` is no mutant any more: remove its comment"
        assert grade(exercise, made[statement].function).correct, statement
