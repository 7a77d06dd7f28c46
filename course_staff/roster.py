"""The roster of a class: who is given notebooks of their own, and whose work is graded."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path

#: What a student's id may look like: it becomes the name of files.
STUDENT_ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9._@-]{1,100}")


def read_table(path: Path, kind: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a table and its rows with their line's number; empty rows are left out.

    As spreadsheets write it: separated by commas, semicolons or tabs, in UTF-8, UTF-16 or Windows' cp1252.

    Raises:
        ValueError: beginning with ``kind``, for a file that cannot be read or a quotation mark that is not closed.
    """
    try:
        text = _decoded(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the {kind} {path} cannot be read: {error}") from error
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
            f"the {kind} {path}, line {reader.line_num}: {error}; is a quotation mark not closed?"
        ) from error
    columns = [(name or "").strip() for name in reader.fieldnames or ()]
    cells = [(line, [(cell or "").strip() for cell in [*row.values()][: len(columns)]]) for line, row in rows]
    return columns, [(line, dict(zip(columns, row))) for line, row in cells if any(row)]


def read_roster(path: Path) -> dict[str, dict[str, str]]:
    """student_id → the row of the roster, in its order. Columns: student_id, and perhaps name and email.

    Raises:
        ValueError: naming the line, for a table that :func:`read_table` cannot read, one without students, a column
            or an id twice, or an id that cannot name a file.
    """
    columns, rows = read_table(path, "roster")
    if columns.count("student_id") != 1:
        raise ValueError(f"the roster {path} has the columns {', '.join(columns)}; expected one named student_id")
    students: dict[str, dict[str, str]] = {}
    for line, row in rows:
        id, where = row["student_id"], f"the roster {path}, line {line}"
        if not STUDENT_ID.fullmatch(id):
            raise ValueError(f"{where}: student_id is {id!r}; expected letters, digits and . _ @ -")
        if id.lower() in {other.lower() for other in students}:
            raise ValueError(f"{where}: student_id {id!r} is there twice (small and capital letters count as one)")
        students[id] = {name: row.get(name, "") for name in ("name", "email")}
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
