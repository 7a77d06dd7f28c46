"""Per-student numbers: nobody can guess them, and a varied exercise owes what every exercise owes."""

import stat
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from course_staff import variants
from course_staff.source import read_chapter, sources
from course_utils import exercises
from course_utils.desk import checks
from course_utils.desk.checks import grade
from course_utils.exercises.variants import VARIANTS, yours

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "exercises"))
from mutants import mutants

SECRET = b"0123456789abcdef0123456789abcdef"
each = pytest.mark.parametrize("id", VARIANTS)


def some(id):
    """The first, the last, and one between: all of them would take a minute."""
    numbers = VARIANTS[id].numbers
    return numbers[0], numbers[len(numbers) // 2], numbers[-1]


@pytest.fixture(scope="module")
def students():
    """Chapter → the student's notebook of its source, not executed."""
    return {path.stem: read_chapter(path, ROOT).student for path in sources(ROOT, ["01", "02", "03"])}


@pytest.fixture
def registry(monkeypatch):
    """What ``yours`` changes for this process, put back afterwards."""
    before = exercises.all_exercises()
    yield
    exercises._declared().update(before)


@each
def test_the_reference_passes_with_every_number(id):
    for number in VARIANTS[id].numbers:
        exercise = VARIANTS[id].exercise(number)
        assert (exercise.id, exercise.points) == (id, VARIANTS[id].base.points)
        for seed in (None, 1):
            result = grade(exercise, exercise.reference, seed)
            assert result.correct and not result.remarks, f"number {number}, seed {seed}\n{result}"


@each
def test_every_misconception_gets_its_own_sentence(id):
    for number in some(id):
        exercise = VARIANTS[id].exercise(number)
        for misconception in exercise.misconceptions:
            for seed in (None, 1):
                result = grade(exercise, misconception.answer, seed)
                assert result.sentence == misconception.message, f"number {number}, seed {seed}\n{result}"


@each
def test_mutants_are_refused(id):
    for number in some(id)[:2]:
        exercise = replace(VARIANTS[id].exercise(number), time_limit=1.0)
        found = list(mutants(exercise.reference.func))
        assert len(found) >= 8
        for mutant in found:
            result = grade(exercise, partial(mutant.function, **exercise.reference.keywords))
            assert not result.correct, f"number {number}: {mutant.change}"


@each
def test_a_neighbours_right_answer_is_wrong(id):
    numbers = VARIANTS[id].numbers
    for mine, other in zip(numbers, numbers[1:], strict=False):
        assert not grade(VARIANTS[id].exercise(mine), VARIANTS[id].exercise(other).reference).correct
    assert not grade(VARIANTS[id].exercise(mine), VARIANTS[id].base.reference).correct


def test_a_number_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="no variant with the number 1000000; expected one of 3, 4"):
        VARIANTS["1.3"].exercise(1_000_000)
    with pytest.raises(ValueError, match="'1.1' has no variants; those with some: 1.3, "):
        yours("1.1", 3)


def test_numbers_repeat_and_differ_between_students_exercises_and_secrets():
    ids = [f"student{n:03}" for n in range(200)]
    chosen = {id: variants.numbers_for(id, "01_taylor_bounds", SECRET) for id in ids}
    assert chosen == {id: variants.numbers_for(id, "01", SECRET) for id in ids}
    assert list(chosen["student000"]) == ["1.3", "1.6", "1.7"]
    for id in ("1.3", "1.6", "1.7"):
        used = {numbers[id] for numbers in chosen.values()}
        assert len(used) > 0.9 * len(VARIANTS[id].numbers)
    assert len({tuple(numbers.values()) for numbers in chosen.values()}) > 195
    assert chosen != {id: variants.numbers_for(id, "01", SECRET + b"!") for id in ids}


def test_without_a_secret_every_exercise_is_as_declared():
    declared = {id: e for id, e in exercises.all_exercises().items() if id.startswith("1.")}
    assert variants.exercises_for("ada", "01_taylor_bounds") == declared
    varied = variants.exercises_for("ada", "01_taylor_bounds", SECRET)
    assert list(varied) == list(declared)
    changed = {id for id in varied if varied[id] is not declared[id]}
    assert changed == {"1.3", "1.6", "1.7"}
    with pytest.raises(ValueError, match="no exercises are declared for the chapter '77_none'"):
        variants.exercises_for("ada", "77_none")


@each
def test_the_texts_of_every_number_fit_the_chapter(id, students):
    notebook = next(nb for nb in students.values() if nb.metadata["course"]["chapter"] == int(id.split(".")[0]))
    before = [cell.source for cell in notebook.cells]
    for number in VARIANTS[id].numbers:
        after = variants.personal(notebook, {id: number})
        changed = [cell.source for cell, old in zip(after.cells, before, strict=True) if cell.source != old]
        assert str(number) in changed[0], "the card says the number"
        assert any("raise NotImplementedError()" in source and str(number) in source for source in changed)
        assert changed[-1].splitlines()[-2:] == [
            f'yours("{id}", {number})',
            next(source for source in before if source.startswith(f'check("{id}"')),
        ]
    assert before == [cell.source for cell in notebook.cells], "the original is left alone"


def test_a_text_that_the_chapter_no_longer_has_is_an_error(students):
    notebook = variants.personal(students["01_taylor_bounds"], {"1.3": 7})
    with pytest.raises(ValueError, match="found 0 times; expected once"):
        variants.personal(notebook, {"1.3": 8})
    with pytest.raises(ValueError, match="no card and check of exercise 2.5"):
        variants.personal(notebook, {"2.5": 0.55})


def test_a_personal_notebook_checks_its_own_number(students, registry, monkeypatch, capsys):
    notebook = variants.personal(students["01_taylor_bounds"], {"1.3": 7})
    monkeypatch.setattr(checks, "display", lambda shown: print(shown["text/plain"]))
    monkeypatch.setattr(checks.progress, "record", lambda *_: "")
    [check] = [cell.source for cell in notebook.cells if cell.source.startswith("from course_utils.exercises.v")]
    scope = {"check": checks.check}
    exec("import numpy as np\ndef safe_step(beta, eps): return np.sqrt(2 * eps / beta / 7)", scope)
    exec(check, scope)
    exec(check.replace("safe_step", "lambda beta, eps: np.sqrt(2 * eps / beta)"), scope)
    shown = capsys.readouterr().out
    assert "✓ Exercise 1.3: correct" in shown
    assert "the step of a single neuron. Yours are 7" in shown


def test_a_secret_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "new" / "secret"
    secret = variants.make_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert variants.read_secret(path) == secret and len(secret) == 64
    with pytest.raises(FileExistsError):
        variants.make_secret(path)
    assert variants.read_secret(path) == secret
    assert variants.mark(secret) != variants.mark(SECRET) and secret.decode() not in variants.mark(secret)


def test_what_is_no_secret_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no secret .*none; expected the file"):
        variants.read_secret(tmp_path / "none")
    (tmp_path / "short").write_text("1234\n")
    with pytest.raises(ValueError, match="has 4 bytes; expected 16 or more"):
        variants.read_secret(tmp_path / "short")
