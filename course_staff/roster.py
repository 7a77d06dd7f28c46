"""The roster of a class: who is given notebooks of their own, and whose work is graded."""

from __future__ import annotations

import csv
import re
from pathlib import Path

#: What a student's id may look like: it becomes the name of files.
STUDENT_ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9._@-]{1,100}")


def read_roster(path: Path) -> dict[str, dict[str, str]]:
    """student_id → the row of the roster, in its order. Columns: student_id, and perhaps name and email.

    Raises:
        ValueError: naming the line, for a file without students, an id twice, or one that cannot name a file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the roster {path} cannot be read: {error}") from error
    reader = csv.DictReader(text.splitlines())
    if "student_id" not in (reader.fieldnames or ()):
        raise ValueError(f"the roster {path} has the columns {reader.fieldnames}; expected one named student_id")
    students: dict[str, dict[str, str]] = {}
    for row in reader:
        id = (row["student_id"] or "").strip()
        if not id and not any((value or "").strip() for value in row.values() if isinstance(value, str)):
            continue
        where = f"the roster {path}, line {reader.line_num}"
        if not STUDENT_ID.fullmatch(id):
            raise ValueError(f"{where}: student_id is {id!r}; expected letters, digits and . _ @ -")
        if id.lower() in {other.lower() for other in students}:
            raise ValueError(f"{where}: student_id {id!r} is there twice (small and capital letters count as one)")
        students[id] = {name: (row.get(name) or "").strip() for name in ("name", "email")}
    if not students:
        raise ValueError(f"the roster {path} lists no student")
    return students
