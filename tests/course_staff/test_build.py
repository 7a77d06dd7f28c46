import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from course_staff.build import build, check, main
from course_staff.execute import clean, noise
from course_staff.files import write_whole
from course_staff.source import BuildError, card_line, clear_solution, read_chapter, sources

CHAPTER = "solutions/90_fixture.md"
STEM = "90_fixture"


def edit(root, old, new, file=CHAPTER):
    text = (root / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
    (root / file).write_text(text.replace(old, new), encoding="utf-8")


def pair(root, stem=STEM):
    return [nbformat.read(root / folder / f"{stem}.ipynb", as_version=4) for folder in ("solutions", "notebooks")]


def generated(root):
    return {
        path: path.read_bytes() for pattern in ("*/*.ipynb", "CLAIMS.md", "docs/*.md") for path in root.glob(pattern)
    }


def cell_with(notebook, text):
    [cell] = [cell for cell in notebook.cells if text in cell.source]
    return cell


def test_both_notebooks_come_executed_from_the_one_source(built):
    solution, student = pair(built)
    for notebook in (solution, student):
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        first = cell_with(notebook, "a square of side 3").outputs
        assert [output.text for output in first] == ["a square of side 3 has area 9\nand one of side 4 16\n"]
    check_of = 'check("90.1"'
    assert cell_with(solution, check_of).outputs[0].text == "Exercise 90.1: correct\n"
    assert cell_with(student, check_of).outputs[0].text == "Exercise 90.1: not attempted\n"


def test_the_student_gets_stubs_at_the_indentation_of_the_region(built):
    _, student = pair(built)
    assert cell_with(student, "def square").source.splitlines()[2:] == [
        "    # YOUR CODE HERE",
        "    raise NotImplementedError()",
    ]
    assert cell_with(student, "def cube").source.splitlines() == [
        "def cube(x: float) -> float:",
        "    if x == 0:",
        "        # YOUR CODE HERE",
        "        raise NotImplementedError()",
        "    # YOUR CODE HERE",
        "    raise NotImplementedError()",
    ]
    assert "SOLUTION" not in (built / f"notebooks/{STEM}.ipynb").read_text(encoding="utf-8")


def test_cells_keep_their_ids_between_the_two_versions(built):
    solution, student = pair(built)
    ids = [cell.id for cell in solution.cells]
    assert len(set(ids)) == len(ids)
    assert [cell.id for cell in student.cells] == [
        cell.id for cell in solution.cells if "remove-cell" not in cell.metadata.get("tags", [])
    ]
    twice = [cell.id for cell in pair(built, "91_other")[0].cells if cell.source == "1 + 1"]
    assert twice[1] == f"{twice[0]}-2"


def test_a_cell_keeps_its_id_when_text_is_added_before_it(built, declared):
    before = {cell.source: cell.id for cell in pair(built)[0].cells}
    edit(built, "Some text that is not on a slide", "A new paragraph.\n\n+++\n\nSome text that is not on a slide")
    after = read_chapter(built / CHAPTER, built, declared).solution.cells
    kept = [cell for cell in after if cell.source in before]
    assert len(after) == len(before) + 1 == len(kept) + 1
    assert all(before[cell.source] == cell.id for cell in kept)


def test_notes_stay_with_the_instructor_and_untagged_cells_off_the_deck(built):
    solution, student = pair(built)
    kinds = [cell.metadata.slideshow.slide_type for cell in solution.cells]
    assert kinds.count("notes") == 2 and kinds.count("slide") == 2 and kinds.count("skip") >= 8
    assert all(
        cell.metadata.tags == ["remove-cell"]
        for cell in solution.cells
        if cell.metadata.slideshow.slide_type == "notes"
    )
    assert all(cell.metadata.slideshow.slide_type != "notes" for cell in student.cells)


def test_widgets_leave_no_trace(built):
    for notebook in pair(built):
        assert cell_with(notebook, "IntSlider").outputs == []
        assert "widgets" not in notebook.metadata
    assert "widget-view" not in (built / f"solutions/{STEM}.ipynb").read_text(encoding="utf-8")


def test_metadata_is_the_same_on_every_machine(built):
    solution, student = pair(built)
    assert solution.metadata == student.metadata
    assert set(solution.metadata) == {"kernelspec", "language_info", "course"}
    assert solution.metadata.kernelspec == {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    assert "version" not in solution.metadata.language_info
    assert solution.metadata.course.title == "A small chapter" and solution.metadata.course.minutes == 5
    assert not any("execution" in cell.metadata for cell in solution.cells)


def test_nbgrader_metadata_is_derived(built):
    solution, _ = pair(built)
    graded = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader
        for cell in solution.cells
        if "nbgrader" in cell.metadata
    }
    assert list(graded) == ["answer-90-1", "check-90-1", "answer-90-2", "check-90-2"]
    both = {"schema_version": 3, "task": False}
    answer = {"grade_id": "answer-90-1", "grade": False, "locked": False, "solution": True}
    check = {"grade_id": "check-90-1", "grade": True, "locked": True, "solution": False, "points": 2}
    assert [graded["answer-90-1"], graded["check-90-1"]] == [both | answer, both | check]


def test_the_version_follows_what_a_student_gets(course, declared):
    version = read_chapter(course / CHAPTER, course, declared).course["version"]
    edit(course, "    product = x * x\n", "    product = x**2\n")
    edit(course, "Ask before you show", "Wait before you show")
    assert read_chapter(course / CHAPTER, course, declared).course["version"] == version
    edit(course, "Some text", "Any text")
    assert read_chapter(course / CHAPTER, course, declared).course["version"] != version


def test_building_again_changes_no_byte(built, declared):
    before = generated(built)
    assert build(built, ["90"], force=True, exercises=declared, say=str) == [STEM]
    assert generated(built) == before


def test_only_what_changed_is_built_and_a_broken_chapter_does_not_keep_others_from_it(built, declared):
    before = generated(built)
    assert build(built, exercises=declared, say=str) == []
    whole = (built / CHAPTER).read_text(encoding="utf-8")
    edit(built, "a, b = 2, 3", "a, b = 2, = 3")
    edit(built, '"slide_type": "subslide"', '"slide_type": "slid"')
    edit(built, "Said twice.", "Said two times.", "solutions/91_other.md")
    with pytest.raises(BuildError) as failure:
        build(built, exercises=declared, say=str)
    assert len(failure.value.problems) == 2
    changed = {path.name for path, content in generated(built).items() if content != before[path]}
    assert changed == {"91_other.ipynb"}
    (built / CHAPTER).write_text(whole, encoding="utf-8")
    assert check(built, exercises=declared) == []


SHAPES, NUMBERS, EXERCISES = (f"course_utils/{name}.py" for name in ("shapes", "numbers", "exercises/chapter_90"))
LOOPS = {  # file, old text, new text, the files that are written, and how many notebooks are executed for it
    "a sentence": (CHAPTER, "Both sides", "Each side", 2, 0),
    "a note, which the plan quotes": (CHAPTER, "which term is missing", "which term is it", 3, 0),
    "minutes of a note": (CHAPTER, '"minutes": 1}', '"minutes": 7}', 3, 0),
    "a comment in a cell": (CHAPTER, "a, b = 2, 3", "# Two numbers.\na, b = 2, 3", 2, 0),
    "a docstring of a module": (SHAPES, "The area of", "What covers", 0, 0),
    "a comment in a module": (SHAPES, "# no chapter uses it", "# nobody uses it", 0, 0),
    "code that no cell reaches": (SHAPES, "4 * side", "2 * (side + side)", 0, 0),
    "a constant of one exercise": (EXERCISES, "answer=27", "answer=27.0", 2, 2),
    "code of a shared module": (NUMBERS, "x * y", "y * x", 2, 2),
}


@pytest.mark.parametrize("file, old, new, written, executed", LOOPS.values(), ids=LOOPS)
def test_a_change_executes_only_what_it_touches(built, declared, file, old, new, written, executed):
    before, shown, lines = generated(built), outputs(built), []
    edit(built, old, new, file)
    build(built, exercises=declared, say=lines.append)
    assert sum(line.startswith("[") for line in lines) == executed, lines
    assert sum(content != before[path] for path, content in generated(built).items()) == written
    assert outputs(built) == shown and check(built, exercises=declared) == []


def outputs(root):
    return [[cell.outputs for cell in notebook.cells if "outputs" in cell] for notebook in pair(root)]


@pytest.mark.parametrize("edited", ["source", "execution_count"])
def test_outputs_that_may_be_of_other_code_are_not_kept(built, declared, edited):
    path = built / f"notebooks/{STEM}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    [first, *_] = (cell for cell in notebook.cells if cell.cell_type == "code")
    first[edited] = {"source": "print('mine')", "execution_count": 7}[edited]
    nbformat.write(notebook, path)
    edit(built, "Both sides", "Each side")
    lines = []
    build(built, exercises=declared, say=lines.append)
    assert lines[0] == f"solutions/{STEM}.ipynb  outputs kept" and lines[1].startswith(
        f"[1/1] notebooks/{STEM}.ipynb  "
    )


def test_the_metadata_say_what_others_need_of_a_chapter(built):
    solution, student = pair(built)
    one, two = solution.metadata.course.exercises
    declared = {"id": "90.1", "title": "the square", "kind": "warm-up", "points": 2, "difficulty": 1, "minutes": 1}
    assert one == declared | {"function": "square", "cells": one["cells"]}
    assert (two.id, two.function, len(two.cells.hints)) == ("90.2", "cube", 1)
    for notebook in (solution, student):
        source = {cell.id: cell.source for cell in notebook.cells}
        assert source[one.cells.card].startswith("### Exercise 90.1 ") and "def square" in source[one.cells.answer]
        assert [source[id].count("<summary>Hint") for id in one.cells.hints] == [2]
        assert source[one.cells.check] == 'check("90.1", square)'
        [claim] = notebook.metadata.course.claims
        assert claim.id == "fixture/square" and 'claim("fixture/square")' in source[claim.cell]


def test_a_chapter_depends_on_its_own_claims(built, declared):
    claims = built / "course_utils/claims.toml"
    own = claims.read_text(encoding="utf-8")
    another = own[own.index("[[claim]]") :].replace("square", "cube").replace("90", "91")
    claims.write_text(own + another, encoding="utf-8")
    assert stale(built, declared) == []
    edit(built, "The square of |a + b|", "A square", "course_utils/claims.toml")
    assert stale(built, declared) == [STEM]


def stale(root, declared):
    drifts = [drift for drift in check(root, exercises=declared) if drift.path.endswith(".ipynb")]
    return sorted({Path(drift.path).stem for drift in drifts})


def test_progress_is_said_for_each_notebook(built):
    lines = (built / "build.log").read_text().splitlines()
    assert lines[4:] == ["docs/lecture_plan.md written", "CLAIMS.md written"]
    for count, line in enumerate(lines[:4], 1):
        assert re.fullmatch(rf"\[{count}/4\] (solutions|notebooks)/9\d_\w+\.ipynb  \d+\.\d s", line), line


FAILURES = {  # code of the last cell → the notebook that fails, and why
    "1 / 0": ("solutions/10_fails.ipynb", "raises ZeroDivisionError: division by zero"),
    "import warnings; warnings.warn('careful')": ("notebooks/11_fails.ipynb", "writes to stderr: "),
    "import ipywidgets; ipywidgets.Text()": ("solutions/12_fails.ipynb", "shows a widget, which is not stored; tag"),
    "square(2)": ("notebooks/13_fails.ipynb", "raises NotImplementedError: "),
    "from course_utils.shapes import area; area(None)": (
        "notebooks/14_fails.ipynb",
        r"raises TypeError: .* \(raised in course_utils/numbers.py, line 2\)$",
    ),
}


def test_a_cell_that_fails_is_named_and_leaves_the_files(built, declared):
    before = generated(built)
    small, large = ((built / f"solutions/{name}.md").read_text() for name in ("91_other", STEM))
    for path in built.glob("solutions/*.md"):
        path.unlink()
    exercises = {}
    for number, code in enumerate(FAILURES, 10):
        text = small.replace("chapter: 91", f"chapter: {number}")
        if "square" in code:  # the solution has it, the student does not yet
            text = large.replace("chapter: 90", f"chapter: {number}").replace("90.", f"{number}.")
            text = text.replace("from course_utils.desk.checks import check", "def check(id, answer): pass")
            text = text.replace('claim("fixture/square")', "pass").replace("ipywidgets.IntSlider(3, 0, 5)", "pass")
            for old in ("90.1", "90.2"):
                id = old.replace("90", str(number))
                exercises[id] = SimpleNamespace(**{**vars(declared[old]), "id": id})
        text += f"\nThe last cell.\n\n```{{code-cell}}\n# Fails.\n{code}\n```\n"
        (built / f"solutions/{number}_fails.md").write_text(text)
    with pytest.raises(BuildError) as failure:
        build(built, exercises=exercises, say=str)
    for file, why in FAILURES.values():
        found = [p for p in failure.value.problems if re.match(rf"{file}, cell \d+ \('# Fails.'\): {why}", p)]
        assert found, f"{file}: {why} not in:\n{failure.value}"
    assert not [problem for problem in failure.value.problems if "solutions/13_fails" in problem]
    assert generated(built) == before


@pytest.mark.parametrize(
    "text",
    [
        "<Thing at 0x7f32a4b8c1d0>",
        "/home/someone/notes.txt",
        "<b>/tmp/cache</b>",
        "File /usr/lib/python3/site-packages/numpy/core.py",
        "C:\\Users\\me",
        "Wall time: 3.1 ms",
        "1.2 ms ± 3 µs per loop",
        "training took 12.5 s",
        "2024-05-06 10:11",
        os.path.expanduser("~") + "/x",
        sys.prefix,
    ],
)
def test_machine_noise_is_recognised(text, tmp_path):
    assert noise(f"first line\n{text} and more", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "took 5 steps",
        "0x3f800000",
        "m/s",
        "a/b",
        "home/work",
        "95 % interval 0.1 to 0.2",
        "it took 3 more samples",
        '<img alt="x" src="data:image/png;base64,iVBOR/tmp/AAAA/root/==">',
        "2024-05-06",
    ],
)
def test_ordinary_output_is_not_noise(text, tmp_path):
    assert noise(text, tmp_path) == []


def test_noise_is_found_in_every_kind_of_text_but_not_in_pictures(tmp_path):
    def shown(**data):
        output = nbformat.v4.new_output("display_data", {kind.replace("_", "/"): text for kind, text in data.items()})
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("draw()", outputs=[output])])

    clean(shown(text_plain="a picture", image_png="iVBOR/tmp/AA"), "nb", tmp_path)
    with pytest.raises(BuildError, match=r"nb, cell 1 \('draw\(\)'\): shows a path of this machine: '/tmp/'"):
        clean(shown(text_plain="a picture", text_html="<i>/tmp/AA</i>"), "nb", tmp_path)


def test_a_card_says_what_points_a_corner_leaves(declared):
    corner = SimpleNamespace(share=0.5, name="k = 0")
    assert card_line(declared["90.1"]) == "Difficulty 1 of 5 · about 1 minute · 2 points"
    partly = SimpleNamespace(**{**vars(declared["90.1"]), "points": 3, "corner": corner})
    assert card_line(partly) == "Difficulty 1 of 5 · about 1 minute · 3 points, 1.5 for all but k = 0"


def code_cell(source):
    return f"```{{code-cell}}\n{source}\n```"


CHECK_1, CHECK_2, REGION = 'check("90.1", square)', 'check("90.2", cube)', "### BEGIN SOLUTION\n1\n### END SOLUTION"
CARD_2 = "### Exercise 90.2 — the cube\n\n*Difficulty 2 of 5 · about 3 minutes · 1 point.*\nNow the third power."
HINT_1, SUBSLIDE = "<details><summary>Hint 1: what is a square?", '{"slideshow": {"slide_type": "subslide"}}'
CUBE = "    return x**3\n    ### END SOLUTION\n"
INVALID = {
    "region without a check": (CHECK_1, "square", 'exercise 90.1 has no check("90.1", ...) after it'),
    "last region without a check": (CHECK_2, "cube", 'exercise 90.2 has no check("90.2", ...) after it'),
    "check of another exercise": ('check("90.1"', 'check("90.2"', 'expected check("90.1", ...)'),
    "check of what is not a literal": ('check("90.1"', "check(a", 'check of None, expected check("90.1"'),
    "two checks": (CHECK_1, f"{CHECK_1}; {CHECK_1}", "one check in a cell, got 2"),
    "check without a card": ("The end.", f"x\n\n{code_cell(CHECK_2)}", "expected an exercise's card before it"),
    "check beside the answer": (CUBE, f"{CUBE}{CHECK_2}\n", "the check belongs in a cell of its own"),
    "no answer": (
        "    ### BEGIN SOLUTION\n    product = x * x\n    return product\n    ### END SOLUTION",
        "    return x",
        "exercise 90.1 has no cell with a solution region",
    ),
    "two answers": (HINT_1, f"x\n\n{code_cell(REGION)}\n{HINT_1}", "90.1 has a second cell with a solution region"),
    "unknown exercise": ("### Exercise 90.2 —", "### Exercise 90.3 —", "exercise 90.3 is not declared"),
    "exercise of another chapter": ("### Exercise 90.2 —", "### Exercise 1.1 —", "exercise 1.1 is not declared"),
    "exercise twice": ("### Exercise 90.2 —", "### Exercise 90.1 —", "exercise 90.1 appears twice"),
    "exercise missing": (CARD_2, "No card.", "exercise 90.2 is declared in course_utils.exercises and has no card"),
    "other points": ("· 2 points.", "· 12 points.", "its declaration 'Difficulty 1 of 5 · about 1 minute · 2 points'"),
    "other minutes": ("about 1 minute ·", "about 10 minutes ·", "the card says 'Difficulty 1 of 5 · about 10 minutes"),
    "other difficulty": ("*Difficulty 1 of", "*Difficulty 2 of", "its declaration 'Difficulty 1 of 5"),
    "no card line": ("*Difficulty 1 of 5 · about 1 minute · 2 points.*", "Easy.", "the card says 'nothing'"),
    "other title": ("— the square", "— a square", "titled 'a square', its declaration 'the square'"),
    "one hint": ("Hint 1: what is a square?", "A clue", "exercise 90.1 needs two hints or more"),
    "no end": ("    return product\n    ### END SOLUTION", "    return product", "'### BEGIN SOLUTION' without"),
    "no begin": ("    ### BEGIN SOLUTION\n    product", "    product", "'### END SOLUTION' without"),
    "nested": ("    product = x * x", "    ### BEGIN SOLUTION\n    product = x * x", "inside a solution region"),
    "marker not alone": ("return 0.0\n        ### END", "return 0.0  ### END", "stands alone on its line"),
    "region in text": ("The end.", REGION, "a solution region belongs in a code cell"),
    "cells touch": ("Equal, as", f"x\n\n{code_cell(1)}\n\n{code_cell(2)}\n\nEqual, as", "touches code cell"),
    "cells touch for students": (
        "Some text that is not on a slide, and a first number.\n",
        '```{code-cell}\n1\n```\n\n+++ {"slideshow": {"slide_type": "notes"}}\n\nSome text.\n',
        "touches code cell",
    ),
    "notes in code": (
        ':slideshow: {"slide_type": "-"}\n\na, b',
        ':slideshow: {"slide_type": "notes"}\n\na, b',
        "must be Markdown",
    ),
    "minutes outside of notes": (
        SUBSLIDE,
        SUBSLIDE[:-1] + ', "minutes": 4}',
        "minutes are said in speaker notes; this cell's slide_type is 'subslide'",
    ),
    "minutes of a note in words": ('"minutes": 1}', '"minutes": "one"}', "a whole number, at least 1, got 'one'"),
    "check of no name": (CHECK_1, 'check("90.1", 3)', "checked by the name of its function"),
    "unknown slide type": ('"slide_type": "subslide"', '"slide_type": "slid"', "slide_type must be one of"),
    "nbgrader by hand": (
        ":tags: [nbval-ignore-output]",
        ":nbgrader: {grade: true}",
        "nbgrader's metadata is derived by the build",
    ),
    "syntax": ("a, b = 2, 3", "a, b = 2, = 3", "not valid Python, line 1"),
    "syntax of the stub": (
        "    ### BEGIN SOLUTION\n    return x**3",
        "  ### BEGIN SOLUTION\n    return x**3",
        "with its solution emptied not valid Python, line 6",
    ),
    "no minutes": ("  minutes: 5\n", "", "front matter: course needs 'minutes' (int)"),
    "minutes in words": ("minutes: 5", "minutes: five", "course.minutes must be int, got 'five'"),
    "no minute": ("minutes: 5", "minutes: 0", "course.minutes must be positive, got 0"),
    "other chapter": ("chapter: 90", "chapter: 9", "course.chapter is 9, the file's name says 90"),
    "unknown key": ("  minutes: 5", "  minutes: 5\n  author: me", "course.author is unknown"),
    "no mapping": ("course:\n", "course: 3\nother:\n", "course must be a mapping, got 3"),
}


@pytest.mark.parametrize("old, new, message", INVALID.values(), ids=INVALID)
def test_a_slip_in_a_source_is_named_with_file_and_cell(course, declared, old, new, message):
    edit(course, old, new)
    with pytest.raises(BuildError) as failure:
        read_chapter(course / CHAPTER, course, declared)
    [problem, *_] = [problem for problem in failure.value.problems if message in problem] or [None]
    assert problem, f"{message!r} not in:\n{failure.value}"
    in_a_cell = rf"{CHAPTER}, cell \d+ \('.+'\): "
    assert re.match(rf"{CHAPTER}: (front matter: |exercise 90.2 is declared)|{in_a_cell}", problem), problem


def test_an_answer_needs_a_card(course, declared):
    edit(
        course,
        "Said twice.\n\n```{code-cell}\n1 + 1",
        "Yours.\n\n```{code-cell}\n### BEGIN SOLUTION\n1\n### END SOLUTION",
        "solutions/91_other.md",
    )
    with pytest.raises(BuildError, match=r"91_other.md, cell 4 .*a solution region needs its card"):
        read_chapter(course / "solutions/91_other.md", course, declared)


def test_markers_in_the_middle_of_a_cell():
    source = "a = 1\nif a:\n\t### BEGIN SOLUTION\n\tb = 2\n\t### END SOLUTION\nc = 3"
    assert clear_solution(source) == "a = 1\nif a:\n\t# YOUR CODE HERE\n\traise NotImplementedError()\nc = 3"
    assert clear_solution("no region\n") == "no region\n"


def test_names_select_chapters(course):
    assert [path.stem for path in sources(course)] == ["90_fixture", "91_other"]
    for name in ("91", "91_other", "solutions/91_other.md"):
        assert [path.stem for path in sources(course, [name])] == ["91_other"]
    with pytest.raises(ValueError, match="no chapter '92' in solutions/; there are: 90_fixture, 91_other"):
        sources(course, ["92"])


def test_a_chapter_in_parts_has_exercises_for_each_part(course, declared, monkeypatch):
    one, two = course / "solutions/90a_fixture.md", course / "solutions/90b_fixture.md"
    (course / CHAPTER).rename(one)
    two.write_text(one.read_text(encoding="utf-8"), encoding="utf-8")
    assert sources(course, ["90"]) == [one, two] and sources(course, ["90b"]) == [two]
    whole = SimpleNamespace(EXERCISES=(declared["90.1"], declared["90.2"]))
    half = SimpleNamespace(EXERCISES=(declared["90.2"],))
    monkeypatch.setitem(sys.modules, "course_utils.exercises.chapter_90a", whole)
    monkeypatch.setitem(sys.modules, "course_utils.exercises.chapter_90b", half)
    assert read_chapter(one, course).name == "90a_fixture"
    with pytest.raises(BuildError, match="exercise 90.1 is not declared .* of this chapter: 90.2"):
        read_chapter(two, course)


@pytest.mark.parametrize("wrong", [{}, {"EXERCISES": 1}], ids=["none", "no comma"])
def test_a_module_that_lists_no_exercises_is_named(course, monkeypatch, wrong):
    monkeypatch.setitem(sys.modules, "course_utils.exercises.chapter_90", SimpleNamespace(**wrong))
    with pytest.raises(BuildError, match=r"^course_utils/exercises/chapter_90.py: must end with .*\(exercise_1,\)$"):
        read_chapter(course / CHAPTER, course)


def test_a_part_depends_on_its_own_exercises(course, declared):
    (course / CHAPTER).rename(course / "solutions/90a_fixture.md")

    def fingerprint():
        return read_chapter(course / "solutions/90a_fixture.md", course, declared).course["fingerprint"]

    prints = [fingerprint()]
    for letter in "ab":
        (course / f"course_utils/exercises/chapter_90{letter}.py").write_text("EXERCISES = ()")
        prints.append(fingerprint())
    assert prints[0] != prints[1] == prints[2]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "a.ipynb"
    file.write_text("old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.ipynb", "old")]


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal as a terminal does")
def test_an_interrupted_build_leaves_the_old_files(built):
    (built / CHAPTER).unlink()
    edit(
        built,
        "Said twice.\n\n```{code-cell}\n1 + 1",
        "Said twice.\n\n```{code-cell}\nopen('running', 'w').close()\n__import__('time').sleep(60)",
        "solutions/91_other.md",
    )
    before = generated(built)
    process = subprocess.Popen(
        [sys.executable, "-m", "course_staff.build", "--root", str(built), "91"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    start = time.monotonic()
    while not list(built.glob("*/running")) and time.monotonic() - start < 30:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.strip() == "Interrupted; every file is whole. `make build` goes on where this stopped."
    assert generated(built) == before
    assert not list(built.glob("*/.*"))


def test_the_command_says_what_it_did(built, capsys):
    (built / CHAPTER).unlink()
    (built / "course_utils/claims.toml").unlink()
    assert main(["--root", str(built)]) == 0
    assert "Nothing to build" in capsys.readouterr().out
    assert main(["--root", str(built), "77"]) == 1
    assert capsys.readouterr().err == "no chapter '77' in solutions/; there are: 91_other\n"
    edit(built, "1 + 1\n```\n\nSaid", "1 +\n```\n\nSaid", "solutions/91_other.md")
    assert main(["--root", str(built)]) == 1
    assert capsys.readouterr().err.startswith("solutions/91_other.md, cell 2 ('1 +'): not valid Python, line 1")
