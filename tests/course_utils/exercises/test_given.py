"""Answers as people write them: none that is wrong passes, each gets the sentence it deserves, all right ones pass.

``given_NN.py`` holds them by exercise: wrong ones with words of their sentence (None where no slip is recognised and
the sentence only says what kind of answer is not right yet), and right ones in other styles than ours.
"""

import importlib
from pathlib import Path

import pytest

from course_utils.desk.checks import GENERIC, grade
from course_utils.exercises import all_exercises

TABLES = [importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("given_*.py"))]
WRONG = {id: answers for table in TABLES for id, answers in table.WRONG.items()}
RIGHT = {id: answers for table in TABLES for id, answers in table.RIGHT.items()}
LEAST, GENERIC_SHARE = 12, 1 / 4


def is_generic(result):
    return result.sentence.startswith(GENERIC)


@pytest.mark.parametrize("id", all_exercises())
def test_every_exercise_has_a_dozen_slips_and_right_answers_in_other_styles(id):
    assert len(WRONG[id]) >= LEAST and len(RIGHT[id]) >= 3


@pytest.mark.parametrize("id, number", [(id, n) for id, answers in WRONG.items() for n in range(len(answers))])
def test_a_wrong_answer_is_refused_with_the_sentence_it_deserves(id, number):
    answer, words = WRONG[id][number]
    result = grade(all_exercises()[id], answer)
    assert not result.correct, f"accepted: {result}"
    if words is None:
        assert is_generic(result), f"it is recognised: put words of its sentence into the table\n{result}"
    else:
        assert words in str(result), result


@pytest.mark.parametrize("id, number", [(id, n) for id, answers in RIGHT.items() for n in range(len(answers))])
def test_a_right_answer_in_another_style_is_accepted(id, number):
    result = grade(all_exercises()[id], RIGHT[id][number])
    assert result.correct, result


def test_few_slips_get_a_sentence_that_would_fit_any(record_property):
    told = [words for answers in WRONG.values() for _, words in answers]
    generic = sum(words is None for words in told)
    record_property("summary", f"{generic} of {len(told)} slips of {len(WRONG)} exercises get a generic sentence")
    assert generic <= GENERIC_SHARE * len(told)
