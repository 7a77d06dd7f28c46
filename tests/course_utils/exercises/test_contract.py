"""What an exercise asks beyond its values: no input is changed or remembered, none raises, all digits, and in time.

Mutants of every reference that compute the right values and break the rest.
"""

import functools
import pickle
import time

import numpy as np
import pytest

from course_utils.desk import answers
from course_utils.desk.checks import grade, public_seed
from course_utils.exercises import all_exercises

#: What trains (its limit is longer) has no one answer, which could be kept, cut to three digits or written elsewhere.
EXERCISES = [e for e in all_exercises().values() if e.probe is None and e.time_limit < 10]
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)


def answer(exercise):
    """A case, and the right answer to it."""
    case = exercise.cases(np.random.default_rng(1))
    return case, answers.read_reference(exercise.reference(**case))


def floats(exercise):
    return all(part.dtype.kind == "f" for part in answers.parts(answer(exercise)[1]))


def like_an_argument(exercise):
    """The argument that an answer could be written into, if there is one."""
    case, right = answer(exercise)
    for name, value in case.items():
        array = isinstance(value, np.ndarray) and value.ndim and value.dtype == float
        if array and isinstance(right, np.ndarray) and value.shape == right.shape:
            return name
    return None


WRITABLE = [exercise for exercise in EXERCISES if like_an_argument(exercise)]
WITH_FLOATS = [exercise for exercise in EXERCISES if floats(exercise)]
WHOLE = [exercise for exercise in EXERCISES if exercise.whole]


@pytest.mark.parametrize("exercise", WRITABLE, ids=lambda e: e.id)
def test_an_argument_that_is_changed_and_returned_is_refused(exercise):
    name = like_an_argument(exercise)

    @functools.wraps(exercise.reference)
    def in_place(**case):
        right = exercise.reference(**case)
        if np.shape(right) != np.shape(case[name]):
            return right
        case[name][...] = right
        return case[name]

    result = grade(exercise, in_place)
    assert not result.correct and f"changes `{name}` itself and returns it" in result.sentence, result


@each
def test_an_answer_kept_from_the_first_call_is_refused(exercise):
    first = []

    def kept(**case):
        if not first:
            first.append(exercise.reference(**case))
        return first[0]

    assert not grade(exercise, kept).correct


@each
def test_a_function_that_raises_at_one_corner_of_its_domain_is_refused(exercise):
    corner = exercise.draw_cases(public_seed(exercise))[len(exercise.edge_cases)]

    def raises_there(**case):
        if pickle.dumps(case) == pickle.dumps(corner):
            raise ZeroDivisionError("at this corner")
        return exercise.reference(**case)

    assert grade(exercise, raises_there).status == "error", corner


@pytest.mark.parametrize("exercise", WHOLE, ids=lambda e: e.id)
def test_a_float_is_refused_where_an_int_is_asked_for(exercise):
    result = grade(exercise, lambda **case: np.asarray(exercise.reference(**case), dtype=float))
    assert not result.correct and "whole number" in result.sentence


@pytest.mark.parametrize("exercise", WITH_FLOATS, ids=lambda e: e.id)
def test_single_precision_passes_and_three_digits_do_not(exercise):
    def single(**case):
        plain = answers.read_reference(exercise.reference(**case))
        return answers.mapped(lambda part: part.astype(np.float32), plain)

    def through_single(**case):
        return answers.mapped(lambda part: part.astype(float), single(**case))

    def three_digits(**case):
        plain = answers.read_reference(exercise.reference(**case))
        return answers.mapped(lambda part: part * (1 + 2e-3), plain)

    for function in (single, through_single):
        assert grade(exercise, function).correct, grade(exercise, function)
    assert not grade(exercise, three_digits).correct


def test_a_slow_machine_costs_nothing():
    """The processor's time counts: here half of the limit is spent waiting, in each of three calls."""
    exercise = EXERCISES[0]
    waits = iter([exercise.time_limit / 2] * 3)

    def waiting(**case):
        time.sleep(next(waits, 0))
        return exercise.reference(**case)

    assert grade(exercise, waiting).correct


def test_there_is_something_of_each_kind():
    assert len(WRITABLE) > 5 and len(WITH_FLOATS) > 30
