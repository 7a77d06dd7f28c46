"""What every chapter asks of its reader: predictions, few warm-ups, a build, a proof, an answer for a person."""

import re

import nbformat
import pytest

from course_staff.build import ROOT
from course_staff.source import NOTEBOOKS, part, sources
from course_utils.exercises import all_exercises, all_written
from course_utils.exercises.predictions import find_prediction

CHAPTERS = [path.stem for path in sources(ROOT) if not path.stem.startswith("00")]
every_chapter = pytest.mark.parametrize("name", CHAPTERS)
LONGEST = 75  # minutes of reading on the main path


@pytest.fixture(scope="module")
def notebooks():
    return {name: nbformat.read(ROOT / NOTEBOOKS / f"{name}.ipynb", as_version=4) for name in CHAPTERS}


@every_chapter
def test_a_chapter_has_all_kinds_and_few_warm_ups(notebooks, name):
    course = notebooks[name].metadata.course
    kinds = [exercise.kind for exercise in course.exercises]
    assert kinds.count("warm-up") <= 3, kinds
    assert kinds.count("build") >= 2, "a build has two stages or more"
    assert kinds.count("proof") >= 1 and len(course.written) >= 1
    assert len(course.predictions) >= 5


@every_chapter
def test_a_point_is_about_two_minutes(notebooks, name):
    course = notebooks[name].metadata.course
    for exercise in (*course.exercises, *course.written):
        assert abs(exercise.minutes - 2 * exercise.points) <= 1, exercise.id


@every_chapter
def test_the_time_said_is_the_time_declared(notebooks, name):
    course, cells = notebooks[name].metadata.course, notebooks[name].cells
    doing = sum(exercise.minutes for exercise in (*course.exercises, *course.written))
    text = "\n".join(cell.source for cell in cells[:12])
    said = re.search(r"\*Time\*: (\d+)\s+minutes\s+of\s+reading,\s+(\d+)\s+of\s+exercises", text)
    assert said, "*Time*: N minutes of reading, M of exercises"
    assert (int(said[1]), int(said[2])) == (course.minutes, doing)
    assert course.minutes <= LONGEST


@every_chapter
def test_the_first_screen_holds_something_to_look_at(notebooks, name):
    """A picture, or what one moves it by, stands before the first displayed formula, and not far down."""
    before = []
    for cell in notebooks[name].cells:
        if cell.cell_type == "code" and any("<img" in o.get("data", {}).get("text/html", "") for o in cell.outputs):
            break
        before.append(cell)
    words = " ".join(cell.source for cell in before if cell.cell_type == "markdown")
    assert len(before) < len(notebooks[name].cells), "no picture at all"
    assert "$$" not in words and len(words.split()) <= 120, f"{len(words.split())} words come first"


@every_chapter
def test_no_option_stands_above_its_question(notebooks, name):
    """The right option is in no heading, nor in the paragraph before the question."""
    cells = notebooks[name].cells
    asks = {
        prediction.cells.asks: find_prediction(prediction.id)
        for prediction in notebooks[name].metadata.course.predictions
    }
    heading = before = ""
    for cell in cells:
        if cell.id in asks:
            right = asks[cell.id].right.lower()
            above = re.split(r"\n\s*\n", before)[-1]
            assert len(right) < 8 or right not in f"{heading} {above}".lower(), asks[cell.id].id
        if cell.cell_type == "markdown":
            before = cell.source
            if found := re.findall(r"^#+ (.*)$", cell.source, re.MULTILINE):
                heading = found[-1]


@every_chapter
def test_what_answers_is_hidden_until_the_run(notebooks, name):
    cells = {cell.id: cell for cell in notebooks[name].cells}
    for prediction in notebooks[name].metadata.course.predictions:
        for run in prediction.cells.runs:
            if cells[run].outputs:
                assert cells[run].metadata.jupyter.outputs_hidden, prediction.id
        shown = cells[prediction.cells.reads].outputs[0].data["text/html"]
        assert shown.startswith("<div><details><summary>"), "folded, since nobody has chosen"


def test_every_item_belongs_to_a_chapter_and_is_shown_there(notebooks):
    exercises = {exercise.id for notebook in notebooks.values() for exercise in notebook.metadata.course.exercises}
    written = {question.id for notebook in notebooks.values() for question in notebook.metadata.course.written}
    assert exercises == {id for id in all_exercises() if not id.startswith("0.")}
    assert written == set(all_written())


@every_chapter
def test_ids_of_predictions_name_their_chapter(notebooks, name):
    own = part(name).lstrip("0")
    assert all(p.id.startswith(f"{own}/") for p in notebooks[name].metadata.course.predictions)
