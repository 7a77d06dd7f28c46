"""Read one notebook as a program of its own: bytes in, what counts of it out, as JSON.

What is handed in may be made to take all memory while it is parsed: a list of empty lists needs thirty times its size.
So :func:`grader.submissions.read_notebook` has it parsed here, with limits; only the standard library is imported.
"""

import ast
import dis
import hashlib
import json
import re
import resource
import sys
import types
from collections.abc import Iterable
from typing import NamedTuple

#: Most cells, and bytes of code as JSON, where a letter may take six: far more than any honest notebook has.
MAX_CELLS, MAX_SOURCE = 3000, 3 << 20
#: Most letters of one answer that a person marks, and of all such texts of a notebook.
MAX_ANSWER, MAX_TEXT = 20_000, 2 << 20
#: Bytes of memory and seconds of a processor for one notebook.
MEMORY, SECONDS = 2 << 30, 60

_AGAIN = "Open it in JupyterLab, save it, and hand it in again."


class Question(NamedTuple):
    """A question for a person to mark, as its chapter's notebook asks it.

    ``card`` and ``answer`` are names (see :func:`texts`) of these two cells, ``after`` those of what the class was
    given below them, and ``given`` of all that it was given; ``task`` is the card's text, ``empty`` that of the answer.
    """

    id: str
    title: str
    points: int
    task: str
    empty: str
    card: frozenset[str]
    answer: frozenset[str]
    after: frozenset[str]
    given: frozenset[str]


def questions(notebook: dict) -> tuple[Question, ...]:
    """The questions of a chapter's built notebook that a person marks, from its metadata."""
    cells = notebook["cells"]
    ids = [cell.get("id") for cell in cells]
    rows = texts(cells)
    found = []
    for asked in notebook["metadata"].get("course", {}).get("written", ()):
        card, answer = (ids.index(asked["cells"][name]) for name in ("card", "answer"))
        found.append(
            Question(
                asked["id"],
                asked["title"],
                asked["points"],
                rows[card]["text"],
                rows[answer]["text"].strip(),
                frozenset(rows[card]["names"]),
                frozenset(rows[answer]["names"][1:]),
                frozenset(name for row in rows[answer + 1 :] for name in row["names"]),
                frozenset(name for row in rows for name in row["names"]),
            )
        )
    return tuple(found)


def texts(cells: list) -> list[dict]:
    """Of each cell the ``names`` by which it is found again (of its content first, then those of its metadata), the
    ``text`` where it is no code, up to a limit, and its ``length``."""
    rows, left = [], MAX_TEXT
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = _text(cell) or ""
        metadata = _dict(cell.get("metadata"))
        labels = [cell.get("id"), _dict(metadata.get("nbgrader")).get("grade_id"), metadata.get("written")]
        names = [hashlib.sha256(source.strip().encode()).hexdigest()[:16], *(one for one in labels if type(one) is str)]
        text = "" if cell.get("cell_type") == "code" else source[: min(left, MAX_ANSWER + 1)]
        left -= len(text)
        rows.append({"names": names, "text": text, "length": len(source)})
    return rows


def collect(rows: Iterable[dict], asked: tuple[Question, ...]) -> dict[str, tuple[str, str]]:
    """What was written for each question, "" for nothing, and a sentence about what of it was not taken.

    That is the answer's cell, wherever it lies, and what else was written between the card and what was given below the
    answer: whoever splits the cell, or writes into a new one, has written there.
    """
    found: dict[str, list[str]] = {question.id: [] for question in asked}
    length, current = dict.fromkeys(found, 0), None
    for row in rows:
        names, text = {*row["names"]}, row["text"]
        for question in asked:
            heading = re.search(rf"^#+ Exercise {re.escape(question.id)}\b(?!\.)", text, re.MULTILINE)
            if names & question.answer:
                current = question
                break
            if names & question.card or heading:
                current, text = question, text.removeprefix(question.task) if text.startswith(question.task) else ""
                break
        else:
            if current and (names & current.after or re.search(r"^#+ Exercise \d+\.\d+ —", text, re.M)):
                current = None
            if current and names & current.given:
                continue
        if current and text:
            found[current.id].append(text.strip())
            length[current.id] += row["length"] - len(row["text"])
    taken = {}
    for question in asked:
        parts = [part.removeprefix(question.empty).removesuffix(question.empty) for part in found[question.id]]
        text = "\n\n".join(part.strip() for part in parts if part.strip())
        whole, note = len(text) + length[question.id], ""
        if whole > MAX_ANSWER:
            note = f"The answer to {question.id} has {whole} letters; the first {MAX_ANSWER} were taken."
        elif "attachment:" in text or "data:image" in text:
            note = f"The answer to {question.id} holds a picture, which was not taken: only its text is marked."
        taken[question.id] = plain(text[:MAX_ANSWER]), note
    return taken


def plain(text: str) -> str:
    """Text that can be shown as it is: without control characters and marks of direction, with every space a space."""
    text = re.sub(r"[^\S\n]", " ", text.replace("\r\n", "\n").expandtabs(4))
    return "".join(c if c.isprintable() or c in "\n\u200c\u200d" else "\N{REPLACEMENT CHARACTER}" for c in text)


def read(data: bytes) -> dict:
    """``cells`` (the sources of the code cells), ``version``, ``variant`` and ``exercises`` of nbformat 4 or 3.

    ``texts`` is what :func:`texts` makes of all cells. And ``names``: for each cell the global variables that it
    mentions, and ``.name`` for attributes; None where that cannot be said.

    Raises:
        ValueError: with a sentence for the student, if it is no notebook.
    """
    if not data.strip():
        raise ValueError(f"The file is empty. {_AGAIN}")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"The file is no notebook: it is not UTF-8 text. {_AGAIN}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"The file is no notebook: it is not JSON. {_AGAIN}") from None
    if not isinstance(notebook, dict):
        raise ValueError(f"The file is JSON, but no notebook. {_AGAIN}")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # nbformat 3
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise ValueError(f"The file is JSON, but no notebook: it has no cells. {_AGAIN}")
    sources = [source for cell in cells[:MAX_CELLS] if (source := _source(cell)) is not None]
    if len(json.dumps(sources)) > MAX_SOURCE:
        raise ValueError(f"The notebook's code has more than {MAX_SOURCE >> 20} MB; expected an ordinary notebook.")
    course = _dict(_dict(notebook.get("metadata")).get("course"))
    version, variant = course.get("version"), course.get("variant")
    return {
        "cells": sources,
        "names": [_names(source) for source in sources],
        "texts": texts(cells[:MAX_CELLS]),
        "version": version if isinstance(version, str) else None,
        "variant": variant if isinstance(variant, dict) else {},
        "exercises": sorted({id for source in sources for id in re.findall(r"check\(\s*[\"'](\d+\.\d+)[\"']", source)}),
    }


def _names(source: str) -> list[str] | None:
    try:
        codes = [compile(source, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)]
    except Exception:  # no Python, or IPython's own, which may do anything
        return None
    names = set[str]()
    for code in codes:
        for step in dis.get_instructions(code):
            if "NAME" in step.opname or "GLOBAL" in step.opname:
                names.add(str(step.argval))
            elif "ATTR" in step.opname or "METHOD" in step.opname:
                names.add(f".{step.argval}")
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return sorted(names)


def _source(cell: object) -> str | None:
    return _text(cell) if isinstance(cell, dict) and cell.get("cell_type") == "code" else None


def _dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _text(cell: dict) -> str | None:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    # Half a letter, which JSON can hold, cannot be written to a file.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        print(json.dumps(read(sys.stdin.buffer.read())))
    except ValueError as error:
        print(json.dumps({"problem": str(error)}))
