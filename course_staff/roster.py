"""The roster of a class: who is given notebooks of their own, and whose work is graded."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path

#: What a student's id may look like: it becomes the name of files.
STUDENT_ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9._@-]{1,100}")


def read_roster(path: Path) -> dict[str, dict[str, str]]:
    """student_id → the row of the roster, in its order. Columns: student_id, and perhaps name and email.

    As spreadsheets write it: separated by commas, semicolons or tabs, in UTF-8, UTF-16 or Windows' cp1252.

    Raises:
        ValueError: naming the line, for a file without students, a column or an id twice, an id that cannot name a
            file, or a quotation mark that is not closed.
    """
    try:
        text = _decoded(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the roster {path} cannot be read: {error}") from error
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\s*", first):  # Excel's word for the separator
        text = rest
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ValueError(
            f"the roster {path}, line {reader.line_num}: {error}; is a quotation mark not closed?"
        ) from error
    columns = [(name or "").strip() for name in reader.fieldnames or ()]
    if columns.count("student_id") != 1:
        raise ValueError(f"the roster {path} has the columns {', '.join(columns)}; expected one named student_id")
    rows = [(line, dict(zip(columns, row.values()))) for line, row in rows]
    students: dict[str, dict[str, str]] = {}
    for line, row in rows:
        id = (row["student_id"] or "").strip()
        if not id and not any((value or "").strip() for value in row.values() if isinstance(value, str)):
            continue
        where = f"the roster {path}, line {line}"
        if not STUDENT_ID.fullmatch(id):
            raise ValueError(f"{where}: student_id is {id!r}; expected letters, digits and . _ @ -")
        if id.lower() in {other.lower() for other in students}:
            raise ValueError(f"{where}: student_id {id!r} is there twice (small and capital letters count as one)")
        students[id] = {name: (row.get(name) or "").strip() for name in ("name", "email")}
    if not students:
        raise ValueError(f"the roster {path} lists no student")
    return students


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")
