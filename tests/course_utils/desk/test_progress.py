"""Progress survives damage, two writers, a full disk and a read-only folder; solved once stays solved."""

import errno
import json
import os
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_utils.desk import progress
from course_utils.exercises import Exercise


def exercise(id, points, minutes):
    wrong = ((lambda: 0.0, "Not zero."),)
    return Exercise(
        id=id,
        title="t",
        points=points,
        difficulty=1,
        minutes=minutes,
        cases=lambda rng: {},
        reference=lambda: 1.0,
        misconceptions=wrong,
    )


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    found = [exercise("0.1", 1, 5), exercise("1.1", 3, 10), exercise("1.2", 2, 20)]
    monkeypatch.setattr(progress, "all_exercises", lambda: {e.id: e for e in found})
    monkeypatch.setattr(progress, "_in_memory", [])


@pytest.fixture
def file(monkeypatch, tmp_path):
    path = tmp_path / "progress.jsonl"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def solved():
    return {entry["exercise"] for entry in progress.entries()[0] if entry["status"] == "correct"}


def shown(capsys):
    progress.show_progress()
    return capsys.readouterr().out


def test_one_line_per_check(file):
    assert progress.record("1.1", "values", 0) == "" and progress.record("1.1", "correct", 3) == ""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    found = [(x["exercise"], x["status"], x["points"]) for x in lines]
    assert found == [("1.1", "values", 0), ("1.1", "correct", 3)]
    assert all(sorted(x) == ["exercise", "points", "status", "time"] for x in lines)
    assert progress.entries() == (lines, "")


def test_the_file_is_where_the_notebook_began_wherever_a_cell_has_gone(monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    # A notebook's own process, which imports the course where it begins.
    code = (
        "import os; from course_utils.desk import progress; os.chdir('elsewhere'); progress.record('1.1', 'correct', 3)"
    )
    env = {name: value for name, value in os.environ.items() if name != "COURSE_PROGRESS"}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "progress.jsonl").exists() and not any((tmp_path / "elsewhere").iterdir())


def test_an_empty_name_keeps_it_in_memory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_PROGRESS", "")
    progress.record("1.1", "correct", 3)
    assert solved() == {"1.1"} and not any(tmp_path.iterdir())


def test_what_is_shown(file, capsys):
    for id, status in [("1.1", "correct"), ("1.1", "values"), ("9.9", "correct"), ("1.2", "shape")]:
        progress.record(id, status, 0)
    assert shown(capsys).splitlines() == [
        "              solved   points  minutes left",
        "Start here       0/1      0/1             5",
        "Chapter 1        1/2      3/5            20",
        "1 of 3 exercises solved; about 25 minutes to go.",
    ]


def test_the_table_says_the_same(file, monkeypatch):
    found = []
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: found.append(data))
    progress.record("1.1", "correct", 3)
    progress.show_progress()

    class Cells(HTMLParser):
        texts: list = []

        def handle_data(self, data):
            self.texts.append(data)

    Cells().feed(found[0]["text/html"])
    assert " ".join(Cells.texts) == (
        "solved points minutes left Start here 0 of 1 0 of 1 5 Chapter 1 1 of 2 3 of 5 20 "
        "1 of 3 exercises solved; about 25 minutes to go."
    )
    (entry,) = progress.entries()[0]
    assert not any(entry["time"][:10] in text for text in found[0].values()), "a time stamp is shown"


def test_the_beginning_encourages_and_the_end_congratulates(file, capsys):
    assert "Nothing solved yet" in shown(capsys)
    assert not file.exists()
    for id in ("0.1", "1.1", "1.2"):
        progress.record(id, "correct", 1)
    assert "Everything is solved" in shown(capsys)


def test_a_damaged_file_is_set_aside_once_and_its_good_lines_are_kept(file, capsys):
    progress.record("1.1", "correct", 3)
    good = file.read_bytes()
    bad = b'{"exercise": "1.2", "sta\n\xff\xfe\x00\n[1]\n{"exercise": 3, "status": "correct"}\n'
    damaged = good + bad + good
    file.write_bytes(damaged)
    text = shown(capsys)
    assert "4 of 6 lines of progress.jsonl could not be read" in text and "progress.damaged-1.jsonl" in text
    assert "Chapter 1        1/2" in text
    assert file.with_name("progress.damaged-1.jsonl").read_bytes() == damaged
    assert file.read_bytes() == good + good
    assert "could not be read" not in shown(capsys)


def test_what_was_set_aside_is_never_overwritten(file):
    file.with_name("progress.damaged-1.jsonl").write_text("mine")
    file.write_text("nonsense\n")
    assert "progress.damaged-2.jsonl" in progress.entries()[1]
    assert file.with_name("progress.damaged-1.jsonl").read_text() == "mine"
    assert file.with_name("progress.damaged-2.jsonl").read_text() == "nonsense\n"
    assert sorted(p.name for p in file.parent.iterdir()) == [
        "progress.damaged-1.jsonl",
        "progress.damaged-2.jsonl",
        "progress.jsonl",
    ]


def test_a_line_that_was_cut_short_does_not_spoil_the_next(file):
    progress.record("1.1", "correct", 3)
    file.write_bytes(file.read_bytes() + b'{"exercise": "1.')
    progress.record("1.2", "correct", 2)
    assert solved() == {"1.1", "1.2"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), deep=st.booleans())
def test_no_content_crashes(file, data, deep):
    file.write_bytes(data + b"[" * 100_000 * deep)
    progress.record("1.1", "correct", 3)
    assert "1.1" in solved()
    assert progress.entries()[1] == ""


def test_two_writers_do_not_mix_their_lines(file):
    code = "from course_utils.desk import progress\nfor _ in range(200): progress.record('1.1', 'correct', 3)"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    checks, message = progress.entries()
    assert len(checks) == 400 and message == ""


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: None], ids=["a folder", "a missing parent"])
def test_a_file_that_cannot_be_written_is_a_message(monkeypatch, tmp_path, capsys, make):
    path = tmp_path / "progress.jsonl"
    make(path)
    monkeypatch.setenv("COURSE_PROGRESS", str(path if path.exists() else path / "progress.jsonl"))
    assert "could not be saved in progress.jsonl" in progress.record("1.1", "correct", 3)
    assert "minutes left" in shown(capsys)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_read_only_folder_or_a_full_disk_is_a_message(file, monkeypatch, number):
    progress.record("1.1", "correct", 3)
    file.write_bytes(file.read_bytes() + b"nonsense\n")
    before = file.read_bytes()

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    message = progress.record("1.2", "correct", 2)
    assert "could not be saved" in message and os.strerror(number) in message
    checks, message = progress.entries()
    assert [x["exercise"] for x in checks] == ["1.1"] and "could not be set aside" in message
    monkeypatch.undo()
    assert file.read_bytes() == before


def test_a_write_that_is_cut_short_is_a_message(file, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    assert "No space left" in progress.record("1.1", "correct", 3)
