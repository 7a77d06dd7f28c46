"""Per-student numbers: nobody can guess them, and a varied exercise owes what every exercise owes."""

import re
import stat
from itertools import pairwise
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_staff import variants
from course_staff.source import BuildError, clear_solution, read_chapter, sources
from course_utils.desk import checks
from course_utils.desk.checks import grade
from course_utils.exercises import all_exercises, find
from course_utils.exercises import variants as remembered

ROOT = Path(__file__).resolve().parent.parent.parent

SECRET = b"0123456789abcdef0123456789abcdef"
NUMBERS = {id: exercise.variants.numbers for id, exercise in all_exercises().items() if exercise.variants}
each = pytest.mark.parametrize("id", NUMBERS)


@pytest.fixture(scope="module")
def students():
    """Chapter → the student's notebook of its source, not executed."""
    return {path.stem: read_chapter(path, ROOT).student for path in sources(ROOT, ["01", "02", "03"])}


@each
def test_the_reference_passes_with_every_number(id):
    for number in NUMBERS[id]:
        exercise = find(id, number)
        assert (exercise.id, exercise.points) == (id, find(id).points)
        for seed in (None, 1):
            result = grade(exercise, exercise.reference, seed)
            assert result.correct and not result.remarks, f"number {number}, seed {seed}\n{result}"


@each
def test_a_neighbours_right_answer_is_wrong(id):
    for mine, other in pairwise([*NUMBERS[id], None]):
        assert not grade(find(id, mine), find(id, other).reference).correct


def test_a_number_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="1.3 has no variant with the number 1000000; expected one of 3, 4"):
        find("1.3", 1_000_000)
    with pytest.raises(ValueError, match="1.2 has no variants; got the number 3"):
        find("1.2", 3)


def test_numbers_repeat_and_differ_between_students_exercises_and_secrets():
    ids = [f"student{n:03}" for n in range(200)]
    chosen = {id: variants.numbers_for(id, "01_taylor_bounds", SECRET) for id in ids}
    assert chosen == {id: variants.numbers_for(id, "01", SECRET) for id in ids}
    assert list(chosen["student000"]) == ["1.3", "1.7"]
    for id in ("1.3", "1.7"):
        used = {numbers[id] for numbers in chosen.values()}
        assert len(used) > 0.9 * len(NUMBERS[id])
    assert len({tuple(numbers.values()) for numbers in chosen.values()}) > 175  # 200 of 1600 pairs fall on 188
    assert chosen != {id: variants.numbers_for(id, "01", SECRET + b"!") for id in ids}


def test_without_a_secret_every_exercise_is_as_declared():
    declared = {id: e for id, e in all_exercises().items() if id.startswith("1.")}
    assert variants.exercises_for("ada", "01_taylor_bounds") == declared
    varied = variants.exercises_for("ada", "01_taylor_bounds", SECRET)
    assert list(varied) == list(declared)
    changed = {id for id in varied if varied[id] is not declared[id]}
    assert changed == {"1.3", "1.7"}
    with pytest.raises(ValueError, match="no exercises are declared for the chapter '77_none'"):
        variants.exercises_for("ada", "77_none")


@each
def test_the_texts_of_every_number_fit_the_chapter(id, students):
    notebook = next(nb for nb in students.values() if nb.metadata["course"]["chapter"] == int(id.split(".")[0]))
    before = [cell.source for cell in notebook.cells]
    for number in NUMBERS[id]:
        after = variants.personal(notebook, {id: number})
        changed = [cell.source for cell, old in zip(after.cells, before, strict=True) if cell.source != old]
        assert str(number) in changed[0], "the card says the number"
        assert any("raise NotImplementedError()" in source and str(number) in source for source in changed)
        assert re.fullmatch(rf'check\("{id}", \w+, number={number}\)', changed[-1])
        assert not any("variant" in cell.metadata or "{{" in cell.source for cell in after.cells)
    assert before == [cell.source for cell in notebook.cells], "the original is left alone"


CARD, CHECK = "### Exercise 1.3 — how far?", 'check("1.3", safe_step)'


def filled(*texts):
    """The cells with these texts (code where they say so), and what is wrong with their marks."""
    cells = [(new_code_cell if "(" in text else new_markdown_cell)(text) for text in texts]
    return cells, variants.fill_in(cells, all_exercises(), clear_solution)


def test_a_mark_has_the_chapters_words_and_those_of_a_variant_however_they_are_wrapped():
    code = (
        'def safe_step(b):\n    """{{All|{number} *\n    all}}."""\n    ### BEGIN SOLUTION\n    1\n    ### END SOLUTION'
    )
    cells, problems = filled(CARD, "{{At\nmost|At {number}\nand}} at {{0.16|{answer:.3f}}}.", code, CHECK)
    assert not problems
    assert [cell.source for cell in cells] == [
        CARD,
        "At\nmost at 0.16.",
        code.replace("{{All|{number} *\n    all}}", "All"),
        CHECK,
    ]
    made = variants.personal(new_notebook(cells=cells, metadata={"course": {}}), {"1.3": 7})
    stub = 'def safe_step(b):\n    """7 *\n    all."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    assert [cell.source for cell in made.cells] == [CARD, "At 7\nand at 0.061.", stub, CHECK[:-1] + ", number=7)"]
    assert "SOLUTION" not in str(cells[2].metadata), "no solution in any form"


@pytest.mark.parametrize(
    "texts, number, says",
    [
        (["{{a|b}}"], 1, "no exercise with variants is asked here"),
        ([CARD, CHECK, "{{a|b}}"], 3, "no exercise with variants is asked here"),
        (["### Exercise 1.2 — x", "{{a|b}}"], 2, "no exercise with variants is asked here"),
        ([CARD, "{{a}}"], 2, "has 0 bars; expected {{own words|words of a variant}}"),
        ([CARD, "{{a|b|c}}"], 2, "has 2 bars"),
        ([CARD, "{{a|{numbers}}}"], 2, "KeyError('numbers')); in braces: {number}, {answer}"),
        ([CARD, "{{a|{answer:q}}}"], 2, "cannot be filled"),
        ([CARD, "a {{b|c}"], 2, "a mark does not end: '{{b|c}'"),
    ],
)
def test_a_mark_that_does_not_resolve_is_told_with_its_cell(texts, number, says):
    _, [(cell, what)] = filled(*texts)
    assert cell == number and says in what


def test_the_build_names_file_and_cell_of_a_broken_mark(tmp_path):
    [path] = sources(ROOT, ["01"])
    (tmp_path / path.name).write_text(
        path.read_text(encoding="utf-8").replace("{{0.16|", "{{0.16", 1), encoding="utf-8"
    )
    with pytest.raises(BuildError, match=r"solutions/01_taylor_bounds.md, cell \d+ .*: the mark .* has 0 bars"):
        read_chapter(tmp_path / path.name, ROOT)


def test_a_notebook_without_the_marked_cells_is_an_error(students):
    with pytest.raises(ValueError, match="no cells that vary for 2.6; build it with this course"):
        variants.personal(students["01_taylor_bounds"], {"1.3": 8, "2.6": 0.55})


@pytest.mark.parametrize(
    "check",
    [
        'check("1.3", safe_step, number=7)',
        # As it was said once.
        'from course_utils.exercises.variants import yours\n\nyours("1.3", 7)\ncheck("1.3", safe_step)',
    ],
)
def test_a_personal_notebook_checks_its_own_number(check, monkeypatch, capsys):
    monkeypatch.setattr(checks.progress, "record", lambda *_: "")
    monkeypatch.setattr(remembered, "said", {})
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
