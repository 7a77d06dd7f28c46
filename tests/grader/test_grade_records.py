"""A result file: what is written is read again, and nothing that is no result passes for one."""

import json
import os
from dataclasses import asdict, replace

import pytest

from grader import records
from grader.records import ExerciseResult, UnitResult

EXERCISE = ExerciseResult(
    "1.2", "a title", 2, 2, "correct", "Well done.", (("x", "1\n2"),), ("It prints.",), None, 24, 24, "ab"
)
UNIT = UnitResult(
    key="k",
    student="ada@x.org",
    chapter="01_taylor_bounds",
    status="graded",
    jail="bubblewrap",
    points=2,
    max_points=5,
    exercises=(EXERCISE, replace(EXERCISE, id="1.3", points=0, status="misconception", misconception=1)),
    notes=("a note",),
    seconds=1.5,
    submission="ada@x.org/01_taylor_bounds.ipynb",
)


def test_written_and_read_again(tmp_path):
    path = records.write(tmp_path, UNIT)
    assert path == tmp_path / "results/ada@x.org/01_taylor_bounds.json"
    assert records.read(path) == UNIT and list(records.read_all(tmp_path)) == [UNIT]
    assert os.listdir(path.parent) == [path.name], "a temporary file is left"


def test_a_write_that_fails_leaves_the_old_result(tmp_path, monkeypatch):
    path = records.write(tmp_path, UNIT)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        records.write(tmp_path, replace(UNIT, seconds=2.0))
    assert records.read(path) == UNIT and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "result, changes",
    [
        (UNIT, {"status": "infrastructure error", "problem": "no memory"}),  # with points
        (UNIT, {"status": "student error", "points": 0}),  # without a problem
        *((UNIT, {"points": points}) for points in (3, None, True, -1, 1.5, float("nan"))),
        *((UNIT, {"student": student}) for student in ("../ada", "..", "a/b", "")),
        *((UNIT, {key: value}) for key, value in (("chapter", "../01"), ("status", "fine"), ("jail", "docker"))),
        *((UNIT, {key: value}) for key, value in (("format", 2), ("seconds", float("nan")), ("notes", (1,)))),
        *((EXERCISE, {key: value}) for key, value in (("points", 3), ("status", "right"), ("id", "x"))),
        *((EXERCISE, {key: value}) for key, value in (("rows", (("x",),)), ("passed", 25), ("misconception", -1))),
    ],
)
def test_no_result_out_of_range(result, changes):
    with pytest.raises(ValueError, match="expected"):
        replace(result, **changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        json.dumps({**asdict(UNIT), "more": 1}),
        json.dumps({**asdict(UNIT), "exercises": [1]}),
        json.dumps({**asdict(UNIT), "exercises": [{"id": "1.1"}]}),
    ],
)
def test_what_is_no_result_is_refused_by_name(tmp_path, text):
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="one.json"):
        records.read(path)


def test_half_a_letter_in_a_name_does_not_stop_a_run(tmp_path):
    path = records.write(tmp_path, replace(UNIT, submission="ada/01_\udcff.ipynb"))
    assert records.read(path).submission == "ada/01_?.ipynb"
