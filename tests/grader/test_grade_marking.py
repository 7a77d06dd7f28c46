"""Marks: right answers keep theirs whatever stands around them, and wrong ones get none.

What wrong ones do to get some, or to cost others theirs, is in the attack suite.
"""

import hashlib
import json
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from course_utils.exercises import all_exercises
from grader import marking
from grader.grade import chapters
from grader.jail import JailError, Limits
from grader.marking import Marker, Task, make_paper, read_released
from grader.submissions import read_notebook

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SECRET = b"s" * 64

pytestmark = pytest.mark.jail


@pytest.fixture(scope="module")
def marker(warm_jail):
    return Marker(lambda: nullcontext(warm_jail), Limits(cell_seconds=2, notebook_seconds=30, patience=0.2), SECRET)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_solution_full_marks_student_notebook_none(warm_jail, path):
    tasks, _ = read_released(json.loads(path.read_text()))
    patient = Marker(lambda: nullcontext(warm_jail), Limits(patience=2.0), SECRET)
    empty, solution = read_notebook(path.read_bytes()), read_notebook((ROOT / "solutions" / path.name).read_bytes())
    for _ in range(2):  # all cells run, and then those that do not take long
        solved = patient.mark(solution, tasks, all_exercises(), frozenset(empty.cells))
        assert [(r.id, r.status, r.points) for r in solved] == [(r.id, "correct", r.max_points) for r in solved]
        assert all(r.answer and not r.rows and not r.remarks for r in solved)
    assert patient.slow or path.stem.startswith("00"), "nothing of a chapter is left out"
    empty = patient.mark(empty, tasks, all_exercises(), frozenset(empty.cells))
    assert [(r.status, r.points) for r in empty] == [("not attempted", 0)] * len(tasks)
    assert all(r.sentence.startswith("Nothing is written here yet.") for r in empty)


def test_a_built_notebook_names_its_exercises_and_what_to_import_for_them():
    course = {"exercises": [{"id": "1.2", "function": "f", "title": "β", "points": 3}]}
    cell = {"cell_type": "code", "source": ["import numpy as np\n", "from course_utils.desk import checks"]}
    tasks, modules = read_released({"metadata": {"course": course}, "cells": [cell]})
    assert tasks == (Task("1.2", "f"),)
    assert modules == ("numpy", "course_utils.desk", "course_utils.desk.checks")
    with pytest.raises(
        ValueError, match="metadata.course.exercises; expected one at least, got None: run `make build`"
    ):
        read_released({"metadata": {}, "cells": [cell]})


def test_a_release_made_before_notebooks_listed_their_exercises_is_graded_by_its_manifest(tmp_path):
    listed = {"name": "01_taylor_bounds", "title": "Taylor bounds", "version": "0" * 16, "minutes": 75, "points": 16}
    manifest = {"format": 1, "course": {"name": "course-utils"}, "chapters": [listed], "variants": None}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    [(name, chapter)] = chapters(None, tmp_path).items()
    assert name == "01_taylor_bounds" and Task("1.3", "safe_step") in chapter.tasks


IMPORTS = "import numpy as np\nfrom course_utils.desk.checks import check"
POWER = "def scaled_beta(beta, s, c):\n    return abs(s) * c**{} * beta"
BETA = POWER.format(2)
STUB = '''def scaled_beta(beta, s, c):
    """A docstring."""
    # YOUR CODE HERE
    raise NotImplementedError()'''
STEP = "def safe_step(beta, eps):\n    return np.sqrt(2 * eps / beta)"
CHECK = 'check("1.2", scaled_beta)'
CHECK_STEP = 'check("1.3", safe_step)'


def notebook_of(cells):
    return {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}


def mark(marker, *cells, ids=("1.2",)):
    """Results by id of a notebook of these cells."""
    [path] = [path for path in NOTEBOOKS if path.stem.startswith("01_")]
    tasks, _ = read_released(json.loads(path.read_text()))
    chosen = tuple(task for task in tasks if task.id in ids)
    results = marker.mark(read_notebook(json.dumps(notebook_of(cells)).encode()), chosen, all_exercises())
    return {result.id: result for result in results}


@pytest.mark.parametrize(
    "cells",
    [
        (IMPORTS, BETA, CHECK),
        (IMPORTS, BETA),  # the check was deleted
        (IMPORTS, BETA, STUB, CHECK),  # the stub pasted below
        (IMPORTS, STUB, BETA, CHECK),
        (CHECK, BETA, IMPORTS),  # from bottom to top
        (IMPORTS, BETA.replace("scaled_beta", "mine"), 'check("1.2", mine)'),
        (IMPORTS, BETA, 'check("1.5", scaled_beta)'),  # another release, other numbers
        (IMPORTS, BETA, CHECK, "def scaled_beta(x):\n    return x  # used for something else later"),
        (IMPORTS, "two = 2", POWER.format("two"), CHECK, "two = 3"),
        (IMPORTS, "p = {}\np['two'] = 2", POWER.format("p['two']")),
        (IMPORTS, "p = []\ndef fill():\n    p.append(2)\nfill()", POWER.format("p[0]"), CHECK),
        (IMPORTS, f"%%time\n{BETA}", "%matplotlib inline\n!true\nx = %pwd", CHECK),
        (IMPORTS, "1 / 0", "not python", "raise SystemExit", "import nothing_of_this_name", BETA, CHECK),
        (IMPORTS, "while True: pass", f"while two != 2: pass\n{BETA}", BETA, CHECK),
        (IMPORTS, f"x = 1; import os\n{BETA}\nos._exit(0)", BETA, CHECK),
        (IMPORTS, "import os\nclass A:\n    os._exit(1)", "two = A", BETA + "\ntwo", CHECK),
        (IMPORTS, "print = check = None", BETA),
        (IMPORTS, "scaled_beta = lambda beta, s, c: np.float32(abs(s) * c**2 * beta)", CHECK),
        (IMPORTS, "async def main():\n    return 2\ntwo = await main()", POWER.format("two"), CHECK),
        (
            IMPORTS,
            "from functools import partial\nscaled_beta = partial(lambda p, beta, s, c: abs(s) * c**p * beta, 2)",
        ),
    ],
)
def test_a_right_answer_keeps_its_marks(marker, cells):
    result = mark(marker, *cells)["1.2"]
    assert (result.status, result.points) == ("correct", 2), result


BODY = "    return abs(s) * c**2 * beta"


@pytest.mark.parametrize(
    "body, status, says",
    [
        ("    return s * c**2 * beta", "misconception", "cannot be negative"),
        ("    return 1.0", "values", "smallest that fails is shown"),
        ("    return str(s)", "type", "Expected a number; yours is the text"),
        ("    return s / 0 if s < 0 else s", "error", "ZeroDivisionError"),
        ("    while True: pass", "timeout", "No answer within"),
        ("    import os; os._exit(0)", "error", "ended the program"),
        ("    import ctypes; ctypes.string_at(0)", "error", "ended the program"),
        ("    bytearray(1 << 60)", "error", "MemoryError"),
        ("    pass", "not attempted", "returns nothing yet"),
        (f"    import random\n    if random.random() < 0.1: return 0.0\n{BODY}", "values", ""),
        ("    return np.zeros((1100, 1100))", "type", "far more than"),
        ("    return None if s > 0 else s", "type", "path without a `return`"),
    ],
)
def test_a_wrong_answer_gets_none(marker, body, status, says):
    # Only what never ends is worth no wait: a busy machine may be slow with the rest.
    patient = marker if status == "timeout" else Marker(marker.make_jail, Limits(patience=2.0), SECRET)
    answer = f"def scaled_beta(beta, s, c):\n{body}"
    results = mark(patient, IMPORTS, answer, CHECK, STEP, CHECK_STEP, ids=("1.2", "1.3"))
    result = results["1.2"]
    assert result.points == 0 and result.status != "correct"
    assert result.status == status, result
    assert says in " ".join([result.sentence, *(text for row in result.rows for text in row)])
    assert results["1.3"].points == 1, "another exercise lost its marks"


def test_hidden_inputs_are_never_told(marker):
    """Not by an answer that passes the public round and then tells all it has seen."""
    tell = (
        "import os\nseen = []\ndef {}:\n    seen.append(repr(({})))\n    print(seen)\n"
        "    open('/tmp/seen', 'a').write(seen[-1])\n"
    )
    papers = [make_paper(all_exercises()[id], SECRET, "any") for id in ("1.2", "1.3")]
    known = {repr(tuple(case.values())) for case in papers[0].cases[: papers[0].n_public]}
    beta = tell.format("scaled_beta(beta, s, c)", "beta, s, c") + (
        f"    if seen[-1] not in {known!r}: raise RuntimeError(open('/tmp/seen').read())\n"
        "    return abs(s) * c**2 * beta"
    )
    step = tell.format("safe_step(beta, eps)", "beta, eps") + "    raise RuntimeError(open('/tmp/seen').read())"
    cells = IMPORTS, beta, CHECK, step, CHECK_STEP
    results = mark(marker, *cells, ids=("1.2", "1.3"))
    assert results["1.2"].status == "error" and not results["1.2"].rows
    handed_in = hashlib.sha256("\0".join(cells).encode()).hexdigest()
    papers = [make_paper(all_exercises()[id], SECRET, handed_in) for id in ("1.2", "1.3")]
    public, hidden = (
        {repr(value) for paper in papers for case in paper.cases[part(paper)] for value in case.values()}
        for part in (lambda paper: slice(paper.n_public), lambda paper: slice(paper.n_public, None))
    )
    said = [(one.sentence, one.rows, one.remarks) for one in results.values()]  # an id, 1.2, may be an input as well
    told = set(re.findall(r"-?\d+\.\d+", str(said)))
    assert len(hidden - public) > 40 and told & public and not told & (hidden - public)


def test_a_missing_function_is_named_with_the_reason(marker):
    assert mark(marker, IMPORTS)["1.2"].sentence == "The notebook defines no function `scaled_beta`."
    result = mark(marker, IMPORTS, "def scaled_beta(beta, s, c)\n    return 3")["1.2"]
    assert result.status == "error"
    assert "does not run: SyntaxError: expected ':' (line 1): def scaled_beta(beta, s, c)" in result.sentence


def test_the_same_notebook_is_asked_the_same_and_another_one_or_another_secret_other_inputs():
    exercise = all_exercises()["1.2"]
    one, same = (make_paper(exercise, b"a" * 64, "a notebook") for _ in range(2))
    assert one.cases == same.cases and one.rounds == same.rounds
    for other in make_paper(exercise, b"b" * 64, "a notebook"), make_paper(exercise, b"a" * 64, "handed in again"):
        assert one.cases[: one.n_public] == other.cases[: one.n_public] and one.cases != other.cases
    assert len(set(one.rounds[1])) < len(one.rounds[1]), "no input is repeated"
    assert set(range(len(one.cases))) == {*one.rounds[0], *one.rounds[1]}


def test_equal_answers_have_one_hash_and_other_answers_another(marker):
    results = [
        mark(marker, IMPORTS, f"def scaled_beta(beta, s, c):\n    return {value}")["1.2"].answer
        for value in ("7.0", "7.0 + 1e-12", "np.float64(7)", "8.0")
    ]
    assert results[0] == results[1] == results[2] != results[3]


def with_an_edge_case_of_its_own(exercise, number):
    """The variant, where its number decides what is always tried first."""
    place = exercise.variants.numbers.index(number)
    return replace(exercise.variant(number), edge_cases=(exercise.draw_cases(place)[0],))


@pytest.mark.parametrize("id, name", [("1.3", "safe_step"), ("1.7", "decay_rate"), ("2.6", "flip_probability")])
def test_a_copied_answer_has_one_hash_whoever_hands_it_in_although_edge_cases_differ(marker, id, name):
    """Where each student has a number, it may be in the edge cases: by all others a copied number is found."""
    exercise = all_exercises()[id]
    copied = read_notebook(
        json.dumps(
            notebook_of([IMPORTS, f"def {name}(**case):\n    return float(np.sum(list(case.values())[-1]))"])
        ).encode()
    )
    hashes = []
    for number in exercise.variants.numbers[:3]:
        [result] = marker.mark(copied, (Task(id, name),), {id: with_an_edge_case_of_its_own(exercise, number)})
        hashes.append(result.answer)
    assert None not in hashes and len(set(hashes)) == 1


def test_trouble_of_the_jail_is_no_verdict(marker, monkeypatch):
    def broken():
        raise JailError("out of memory")

    monkeypatch.setattr(marker, "make_jail", broken)
    with pytest.raises(JailError):
        mark(marker, IMPORTS, BETA)


@pytest.mark.parametrize(
    "cells",
    [
        (STUB, "%%time\n" + BETA, CHECK),
        (STUB, "%%capture\n" + BETA, CHECK),
        (STUB, "%%capture\n" + BETA + "\n" + CHECK),
        (POWER.format(1), "%%time\n" + BETA, CHECK),  # a usual slip, mended below it
        (f"exec({BETA!r})", CHECK),
        ("power = None\ndef choose():\n    global power\n    power = 2", "choose()", POWER.format("power"), CHECK),
        ("table = {}\ndef fill(t):\n    t[1] = 2", "fill(table)", POWER.format("table[1]"), CHECK),
        ("%%writefile helper.py\npower = 2", "from helper import power", POWER.format("power"), CHECK),
    ],
)
def test_what_is_right_in_a_notebook_is_right_here_however_its_cells_come_about_it(marker, cells):
    assert mark(marker, IMPORTS, *cells)["1.2"].status == "correct"


FOR_EVER = """
import gc, json, socket, struct, threading, time
def on():
    text = json.dumps({"at": 0}).encode()
    while True:
        for one in gc.get_objects():
            if isinstance(one, socket.socket) and one.fileno() >= 0:
                try:
                    one.send(struct.pack(">8sII", b"course/1", len(text), 0) + text)
                except OSError:
                    pass
        time.sleep(0.2)
threading.Thread(target=on, daemon=True).start()
time.sleep(60)
"""


def test_a_notebook_that_goes_on_saying_that_it_goes_on_comes_to_an_end(warm_jail):
    hasty = Marker(lambda: nullcontext(warm_jail), Limits(cell_seconds=1, notebook_seconds=3, patience=0.2), SECRET)
    begun = time.monotonic()
    mark(hasty, IMPORTS, FOR_EVER, BETA, CHECK)
    assert time.monotonic() - begun < 60


def test_a_neighbours_answer_has_the_hash_of_the_right_one_whatever_the_numbers(marker):
    """Edge cases may depend on the number, and repeated inputs do on the notebook: neither has a part in it."""
    [path] = [path for path in NOTEBOOKS if path.stem.startswith("01_")]
    tasks = tuple(task for task in read_released(json.loads(path.read_text()))[0] if task.id == "1.3")
    wanted = all_exercises()["1.3"]
    own, neighbours = (with_an_edge_case_of_its_own(wanted, number) for number in wanted.variants.numbers[:2])
    cells = "import numpy as np", STEP.replace("beta)", f"(beta * {wanted.variants.numbers[0]}))")
    one, two = (read_notebook(json.dumps(notebook_of(n)).encode()) for n in (cells, (*cells, "# mine")))
    [right] = marker.mark(one, tasks, {"1.3": own})
    [copied] = marker.mark(two, tasks, {"1.3": neighbours})
    assert right.status == "correct" != copied.status
    assert right.answer is not None and right.answer == copied.answer


def test_each_round_finds_random_numbers_as_the_notebook_left_them(marker):
    calls = len(make_paper(all_exercises()["1.2"], SECRET, "any").rounds[0])
    drawing = (
        "np.random.seed(1)\nseen = []\ndef scaled_beta(beta, s, c):\n    seen.append(np.random.rand())\n"
        f"    return abs(s) * c**2 * beta if seen[0] == seen[{calls} * (len(seen) > {calls})] else None"
    )
    assert mark(marker, IMPORTS, drawing, CHECK)["1.2"].status == "correct"


SLOW = "time.sleep(0.2)\npower = 2"


@pytest.mark.parametrize(
    "answer, ran",
    [
        (BETA, 0),
        (POWER.format("power"), 1),  # it needs what the cell binds
        (POWER.format(3), 0),  # wrong, and would be wrong with it
        (f"exec({POWER.format('power')!r})", 1),  # it may need anything
        (f"%%time\n{POWER.format('power')}", 1),
        ("import __main__\n" + POWER.format("__main__.power"), 1),
        ("power = 3\n" + POWER.format("power"), 1),  # bound again by the cell, as in the notebook
    ],
)
def test_a_slow_cell_of_the_chapter_is_left_out_only_where_nothing_can_depend_on_it(
    warm_jail, monkeypatch, answer, ran
):
    marker = Marker(lambda: nullcontext(warm_jail), Limits(notebook_seconds=30), SECRET)
    imports = f"import time\n{IMPORTS}"
    released = frozenset({imports, SLOW, CHECK, STUB})
    notebooks = [
        read_notebook(json.dumps(notebook_of([imports, *cells, CHECK])).encode()) for cells in ((SLOW,), (answer, SLOW))
    ]
    marker.mark(notebooks[0], (Task("1.2", "scaled_beta"),), all_exercises(), released)
    assert marker.slow == {SLOW}
    begun = []
    monkeypatch.setattr(
        marking._Sitting,
        "begin",
        lambda self, skip, real=marking._Sitting.begin: (begun.append(skip), real(self, skip)),
    )
    [result] = marker.mark(notebooks[1], (Task("1.2", "scaled_beta"),), all_exercises(), released)
    assert begun[-1] == (set() if ran else {2})
    assert (result.status == "correct") == ("**3" not in answer)
