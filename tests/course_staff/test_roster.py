"""The roster: read as spreadsheets write it, and refused where it cannot be used."""

import pytest

from course_staff.roster import read_roster


def put(folder, text):
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_roster(tmp_path):
    roster = put(tmp_path, '\ufeffname,student_id\nAda,ada@x.org\n,\n"Bob, B.",b-2\n')
    assert read_roster(roster) == {"ada@x.org": {"name": "Ada", "email": ""}, "b-2": {"name": "Bob, B.", "email": ""}}


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "student_id"),
        ("id\nada\n", "student_id"),
        ("student_id\n", "no student"),
        ("student_id\nada\nAda\n", "twice"),
        ("student_id\n../ada\n", "line 2"),
        ("student_id\n..\n", "line 2"),
        ("student_id\n,\nx y\n", "line 3"),
        ("student_id,student_id\nada,bob\n", "columns student_id, student_id; expected one named student_id"),
        ('student_id,name\nada,"A\nbob,B\n', "quotation mark not closed"),
        ('student_id,name\nada,"C"x\n', "quotation mark"),
    ],
)
def test_a_roster_that_cannot_be_used(tmp_path, text, says):
    with pytest.raises(ValueError, match=says):
        read_roster(put(tmp_path, text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("before", ["", "sep={}\r\n"])
def test_a_roster_is_read_as_excel_writes_it(tmp_path, encoding, separator, before):
    lines = ["student_id;name;email", 'ada;"Ångström; A.";a@x.org', "bob;Bób;"]
    text = before.format(separator) + "\r\n".join(lines).replace(";", separator) + "\r\n"
    (tmp_path / "roster.csv").write_bytes(text.encode(encoding))
    found = read_roster(tmp_path / "roster.csv")
    assert found["ada"] == {"name": f"Ångström{separator} A.", "email": "a@x.org"} and found["bob"]["name"] == "Bób"
