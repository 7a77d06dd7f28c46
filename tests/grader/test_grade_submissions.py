"""What is handed in: found by student and chapter, read without trust, and nothing dropped in silence."""

import json
import os
import zipfile

import pytest

from grader import submissions
from grader.submissions import Handout, StudentError, Unit, find, read_notebook

CHAPTERS = ["01_taylor_bounds", "02_relu_sign_flips", "06a_first", "06b_second"]
HANDOUTS = {name: Handout(frozenset({f"{name[1]}.{n}" for n in (1, 2)}), frozenset({"stub"})) for name in CHAPTERS}
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": ["x = 1\n", "y = 2"]}], "nbformat": 4})


def put(path, text=NOTEBOOK):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def graded(found):
    return {(unit.student, unit.chapter): unit for unit in found.units if unit.path}


def test_every_layout_is_found(tmp_path):
    put(tmp_path / "ada/01_taylor_bounds.ipynb")
    put(tmp_path / "bob/homework/02_relu_sign_flips.ipynb")
    with zipfile.ZipFile(tmp_path / "cyd.zip", "w") as archive:
        archive.writestr("../../../etc/06b_second.ipynb", NOTEBOOK)
        archive.writestr("__MACOSX/._06b_second.ipynb", "junk")
    with zipfile.ZipFile(put(tmp_path / "dan/all.zip", ""), "w") as archive:
        archive.writestr("work/06a_first.ipynb", NOTEBOOK)
    found = find(tmp_path, ["ada", "bob", "cyd", "dan", "eve"], HANDOUTS)
    assert len(found.units) == 20 and not found.unknown
    units = graded(found)
    assert set(units) == {("ada", CHAPTERS[0]), ("bob", CHAPTERS[1]), ("cyd", CHAPTERS[3]), ("dan", CHAPTERS[2])}
    assert all(read_notebook(unit.read()).cells == ("x = 1\ny = 2",) for unit in units.values())
    assert units["cyd", CHAPTERS[3]].label(tmp_path) == "cyd.zip:../../../etc/06b_second.ipynb"


def test_nbgraders_submitted_folder(tmp_path):
    put(tmp_path / "submitted/ada/01_taylor_bounds/01_taylor_bounds.ipynb")
    put(tmp_path / "submitted/ada/01_taylor_bounds/timestamp.txt", "now")
    put(tmp_path / "gradebook.db", "")
    found = find(tmp_path, ["ada"], HANDOUTS)
    assert set(graded(found)) == {("ada", CHAPTERS[0])}
    assert found.unknown == ["gradebook.db: beside the folder submitted/, which is graded"]


@pytest.mark.parametrize(
    "name, chapter",
    [
        ("01_taylor_bounds (1).ipynb", 0),
        ("01-final.ipynb", 0),
        ("01.ipynb", 0),
        ("01_Taylor_Bounds.ipynb", 0),
        ("06b ready.ipynb", 3),
        ("06_first.ipynb", None),
        ("taylor.ipynb", None),
        ("010_taylor.ipynb", None),
        ("08_other.ipynb", None),
    ],
)
def test_a_renamed_notebook_belongs_to_its_number_or_is_reported(tmp_path, name, chapter):
    put(tmp_path / "ada" / name)
    found = find(tmp_path, ["ada"], HANDOUTS)
    if chapter is None:
        assert not graded(found) and name in found.unknown[0]
    else:
        [unit] = graded(found).values()
        assert unit.chapter == CHAPTERS[chapter] and unit.notes == (
            f"The file {name} was read as {unit.chapter}.ipynb.",
        )


def test_of_several_the_newest_counts_whatever_its_name(tmp_path):
    old, new = put(tmp_path / "ada/01_taylor_bounds.ipynb"), put(tmp_path / "ada/01_taylor_bounds (1).ipynb")
    os.utime(old, (1, 1))
    [unit] = graded(find(tmp_path, ["ada"], HANDOUTS)).values()
    assert unit.path == str(new)
    last = "2 files fit this chapter; 01_taylor_bounds (1).ipynb, the last one worked on, was graded."
    assert last in unit.notes


def test_an_untouched_copy_or_a_broken_one_never_counts_before_work(tmp_path):
    worked = put(tmp_path / "ada/work/01_taylor_bounds.ipynb")
    os.utime(worked, (1, 1))
    put(tmp_path / "ada/notebooks/01_taylor_bounds.ipynb", checking("stub"))
    put(tmp_path / "ada/01_taylor_bounds-broken.ipynb", "{")
    [unit] = graded(find(tmp_path, ["ada"], HANDOUTS)).values()
    assert unit.path == str(worked)
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("work/01_taylor_bounds.ipynb", (2020, 1, 1, 0, 0, 0)), NOTEBOOK)
        archive.writestr(zipfile.ZipInfo("old/01_taylor_bounds.ipynb", (2019, 1, 1, 0, 0, 0)), NOTEBOOK)
        archive.writestr(zipfile.ZipInfo("notebooks/01_taylor_bounds.ipynb", (2021, 1, 1, 0, 0, 0)), checking("stub"))
    [unit] = graded(find(tmp_path, ["bob"], HANDOUTS)).values()
    assert unit.entry == "work/01_taylor_bounds.ipynb"


def checking(*sources):
    return json.dumps({"cells": [{"cell_type": "code", "source": source} for source in sources]})


@pytest.mark.parametrize(
    "name",
    [
        "Copy of 02_relu_sign_flips.ipynb",
        "02_relu_sign_flips.ipynb.txt",
        "02_relu_sign_flips.ipynb.json",
        "02_RELU.IPYNB",
        "lovelace_02_relu.ipynb",
        "homework",
        "a/b/course/notebooks/second week.ipynb",
    ],
)
def test_a_notebook_is_found_by_what_it_checks_wherever_it_lies(tmp_path, name):
    put(tmp_path / "ada" / name, checking("def f(): pass", "check('2.1', f)"))
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        archive.write(tmp_path / "ada" / name, name)
    found = find(tmp_path, ["ada", "bob"], HANDOUTS)
    assert set(graded(found)) == {("ada", CHAPTERS[1]), ("bob", CHAPTERS[1])} and not found.unknown


def test_what_is_in_a_students_folder_and_not_read_is_named_to_both(tmp_path):
    for name, text in {"work.py": "x = 1", "essay.docx": "PK", "mine.ipynb": NOTEBOOK}.items():
        put(tmp_path / "ada" / name, text)
    found = find(tmp_path, ["ada"], HANDOUTS)
    assert not graded(found) and found.units[0].unread == tuple(found.unknown)
    assert found.unknown == [
        "ada/essay.docx: no notebook",
        "ada/mine.ipynb: belongs to no chapter that is graded",
        "ada/work.py: no notebook: hand in the .ipynb",
    ]


def test_line_breaks_and_marks_of_direction_in_a_name_reach_nobody(tmp_path):
    put(tmp_path / "ada/01_taylor_bounds \n\u202egnp.ipynb")
    put(tmp_path / "ada/es\u202esay\n.docx")
    [unit, *_] = find(tmp_path, ["ada"], HANDOUTS).units
    said = " ".join([unit.label(tmp_path), *unit.notes, *unit.unread])
    assert unit.path and "gnp" in said and "say" in said and said.isprintable()


def test_a_broken_archive_costs_only_what_is_in_it(tmp_path):
    put(tmp_path / "ada/01_taylor_bounds.ipynb")
    (tmp_path / "ada/work.zip").write_bytes(b"PK\x03\x04 broken")
    found = find(tmp_path, ["ada"], HANDOUTS)
    assert set(graded(found)) == {("ada", CHAPTERS[0])}
    assert {unit.problem for unit in found.units} == {
        None,
        "The zip archive work.zip cannot be read (File is not a zip file): hand in the notebook itself.",
    }
    assert all(unit.trouble is None for unit in found.units)


def test_a_folder_that_may_not_be_entered_is_the_instructors_trouble(tmp_path, monkeypatch):
    put(tmp_path / "ada/01_taylor_bounds.ipynb")

    def scandir(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(submissions.os, "scandir", scandir)
    found = find(tmp_path, ["ada"], HANDOUTS)
    assert {unit.trouble for unit in found.units} == {"ada cannot be read: Permission denied"} == {*found.unknown}


def test_a_folder_without_end_and_one_of_too_many_files_come_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MAX_FILES", 3)
    put(tmp_path / "ada" / "/".join("d" * 12) / "01_taylor_bounds.ipynb")
    for number in range(5):
        put(tmp_path / f"bob/{number}.csv")
    found = find(tmp_path, ["ada", "bob"], HANDOUTS)
    assert not graded(found) and sum("beyond 8 folders or 3 files" in line for line in found.unknown) == 3


def test_what_would_take_all_memory_is_the_students_to_mend():
    with pytest.raises(StudentError, match="takes too much memory or time"):
        read_notebook(b'{"cells": [' + b"[]," * (30 << 20) + b"[]]}")


def test_what_fits_nobody_is_reported_by_name(tmp_path):
    put(tmp_path / "mallory/01_taylor_bounds.ipynb")
    put(tmp_path / "notes.txt")
    put(tmp_path / "secret.ipynb")
    (tmp_path / "ada").symlink_to(tmp_path / "mallory")
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob/01_taylor_bounds.ipynb").symlink_to(tmp_path / "secret.ipynb")
    os.mkfifo(tmp_path / "bob/02_relu_sign_flips.ipynb")
    (tmp_path / "cyd.zip").write_bytes(b"PK\x03\x04 broken")
    found = find(tmp_path, ["ada", "bob", "cyd"], HANDOUTS)
    links = "ada bob/01_taylor_bounds.ipynb bob/02_relu_sign_flips.ipynb"
    strangers = {*f"mallory notes.txt secret.ipynb {links} cyd.zip".split()}
    assert {line.split(":")[0] for line in found.unknown} == strangers
    assert not graded(found)
    assert all("cyd.zip cannot be read" in unit.problem for unit in found.units if unit.student == "cyd")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_the_students_to_mend(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w", method) as archive:
        archive.writestr("01_taylor_bounds.ipynb", str([*range(2000)]))
    data = bytearray((tmp_path / "ada.zip").read_bytes())
    start = data.index(b"ipynb") + len("ipynb")
    data[start + 16 : start + 24] = b"\xff" * 8
    (tmp_path / "ada.zip").write_bytes(data)
    [unit] = graded(find(tmp_path, ["ada"], HANDOUTS)).values()
    with pytest.raises(StudentError, match="ada.zip cannot be read"):
        unit.read()


def test_a_bomb_does_not_go_off(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "ada.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("01_taylor_bounds.ipynb", b"0" * (50 << 20))
    [unit] = graded(find(tmp_path, ["ada"], HANDOUTS)).values()
    with pytest.raises(StudentError, match="more than 1 MB: clear its outputs"):
        unit.read()
    with pytest.raises(StudentError, match="more than 1 MB"):
        Unit("ada", CHAPTERS[0], str(put(tmp_path / "large", "x" * (2 << 20)))).read()


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"%PDF-1.7", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[]", "no notebook"),
        (b"{}", "no cells"),
        (b'{"cells": {"a": 1}}', "no cells"),
        (b"[" * 500_000, "not JSON"),
        (b"null", "no notebook"),
        (b'{"cells": 3' + b"}", "no cells"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_what_is_no_notebook_says_what_to_do(data, says):
    with pytest.raises(StudentError, match=says) as error:
        read_notebook(data)
    assert "hand it in again" in str(error.value)


def test_every_format_of_notebook_is_read():
    v3 = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}, {"cell_type": "code", "input": "y"}]}]}
    assert read_notebook(json.dumps(v3).encode()).cells == ("x = 1", "y")
    odd = {
        "cells": [
            1,
            None,
            {"cell_type": "markdown", "source": "no"},
            {"cell_type": "code"},
            {"cell_type": "code", "source": 3},
            {"cell_type": "code", "source": ["a", 3, "b"]},
            {"cell_type": "code", "source": "x = '\ud800'"},
        ],
        "metadata": {"course": {"version": "v", "variant": {"1.2": 3}}},
    }
    read = read_notebook(b"\xef\xbb\xbf" + json.dumps(odd).encode())
    assert read.cells == ("", "ab", "x = '?'") and read.version == "v"
    assert read_notebook(json.dumps({"cells": [], "metadata": {"course": [1]}}).encode()).version is None


def test_no_folder_of_submissions(tmp_path):
    with pytest.raises(ValueError, match="no folder"):
        find(tmp_path / "nowhere", ["ada"], HANDOUTS)
