"""Which student gets which number, and the notebook that says so.

A number is derived from the student's id and a secret of the course by HMAC: nobody without the secret can
tell whose number is whose, and the same secret finds the same numbers when the work comes back. What an
exercise becomes with a number is declared with it, in ``course_utils.exercises``.

What its text becomes is marked in the chapter, from its card to its check: ``{{own|other}}`` has the words of the
chapter, and those with another number, in which ``{number}`` and ``{answer}``, the right answer to the variants'
``example``, may stand as in Python's ``str.format``: ``{{the answer is 0.16|the answer is {answer:.3f}}}``. The build
fills in the chapter's own words and keeps the marked text in the cell's metadata, from which a release makes the rest.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType

from nbformat import NotebookNode

from course_staff.cells import CARD
from course_utils.exercises import Exercise, Number, all_exercises

# A brace after the last two belongs to the words.
_MARK = re.compile(r"\{\{(.*?)\}\}(?!\})", re.DOTALL)

SHORTEST_SECRET = 16


def exercises_for(student_id: str, chapter: str, secret: bytes | None = None) -> dict[str, Exercise]:
    """A chapter's exercises by id, as this student was given them; without a secret, as the chapter declares them."""
    numbers = numbers_for(student_id, chapter, secret)
    return {id: e.variant(numbers[id]) if id in numbers else e for id, e in _exercises(chapter).items()}


def numbers_for(student_id: str, chapter: str, secret: bytes | None) -> dict[str, Number]:
    """Exercise id → this student's number, for the exercises of the chapter that have variants."""
    varied = {id: e.variants.numbers for id, e in _exercises(chapter).items() if e.variants}
    return {} if secret is None else {id: _chosen(numbers, student_id, id, secret) for id, numbers in varied.items()}


def _chosen(numbers: Sequence[Number], student_id: str, id: str, secret: bytes) -> Number:
    digest = hmac.digest(secret, f"variant\0{id}\0{student_id}".encode(), "sha256")
    return numbers[int.from_bytes(digest) % len(numbers)]


def _exercises(chapter: str) -> dict[str, Exercise]:
    name = f"course_utils.exercises.chapter_{chapter.split('_')[0]}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"no exercises are declared for the chapter {chapter!r} (no {name})") from None
    return {exercise.id: exercise for exercise in module.EXERCISES}


def fill_in(
    cells: list[NotebookNode], exercises: Mapping[str, Exercise], emptied: Callable[[str], str]
) -> list[tuple[int, str]]:
    """Give a chapter's cells its own words in place of the marks, and keep the marked ones for :func:`personal`.

    A check of an exercise with variants counts as marked: it says the number.

    Args:
        cells: of the chapter; those with marks are changed.
        exercises: id → declaration.
        emptied: a cell's source without its solution, which a student's file must not hold in any form.

    Returns:
        (number of the cell, what is wrong with its marks) for each cell that has something wrong.
    """
    problems, exercise = [], None
    for number, cell in enumerate(cells, 1):
        if cell.cell_type == "markdown" and (card := CARD.search(cell.source)):
            exercise = exercises.get(card[1])
        varied = exercise if exercise and exercise.variants else None
        check = varied and re.search(rf'check\("{re.escape(varied.id)}", \w+(?=\))', cell.source)
        marked = cell.source
        if check:
            marked = marked[: check.end()] + "{{|, number={number}}}" + marked[check.end() :]
        if varied and "{{" in marked:
            try:
                cell.source = _filled(marked)
                _filled(marked, _words(varied))
                cell.metadata["variant"] = {"exercise": varied.id, "source": emptied(marked)}
            except ValueError as error:
                problems.append((number, str(error)))
        elif any("|" in mark for mark in _MARK.findall(marked)):
            problems.append((number, "{{…|…}} marks what varies, and no exercise with variants is asked here"))
        if check:
            exercise = None
    return problems


def _filled(marked: str, words: Mapping[str, object] = MappingProxyType({})) -> str:
    """The text with those words of a variant in its marks, by default with the chapter's own."""

    def said(mark: re.Match) -> str:
        own, *other = mark[1].split("|")
        if len(other) != 1:
            raise ValueError(
                f"the mark {mark[0]!r} has {len(other)} bars; expected {{{{own words|words of a variant}}}}"
            )
        try:
            return other[0].format(**words) if words else own
        except (AttributeError, LookupError, ValueError) as error:
            known = ", ".join(f"{{{name}}}" for name in words)
            raise ValueError(f"the mark {mark[0]!r} cannot be filled ({error!r}); in braces: {known}") from None

    text = _MARK.sub(said, marked)
    if "{{" in text:
        raise ValueError(f"a mark does not end: {text[text.index('{{') :][:40]!r}; expected }}}} after it")
    return text


def _words(exercise: Exercise, number: Number | None = None) -> dict[str, object]:
    """What stands in braces, by default for the first of the numbers."""
    assert exercise.variants
    number = exercise.variants.numbers[0] if number is None else number
    example = exercise.variants.example
    answer = {} if example is None else {"answer": exercise.variant(number).reference(**example)}
    return {"number": number, **answer}


def personal(notebook: NotebookNode, numbers: Mapping[str, Number]) -> NotebookNode:
    """A copy of a student's notebook with these numbers in cards, stubs, hints and checks."""
    notebook, filled = deepcopy(notebook), set()
    for cell in notebook.cells:
        marked = cell.metadata.pop("variant", None)
        if marked and marked["exercise"] in numbers:
            id = marked["exercise"]
            cell.source = _filled(marked["source"], _words(all_exercises()[id], numbers[id]))
            filled.add(id)
    if missing := [id for id in numbers if id not in filled]:
        raise ValueError(f"the notebook has no cells that vary for {', '.join(missing)}; build it with this course")
    if numbers:
        notebook.metadata["course"]["variant"] = dict(numbers)
    return notebook


def read_secret(path: Path) -> bytes:
    """The course's secret."""
    try:
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        raise ValueError(f"there is no secret {path}; expected the file that the release was made with") from None
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the secret in {path} has {len(secret)} bytes; expected {SHORTEST_SECRET} or more, by chance")
    return secret


def make_secret(path: Path) -> bytes:
    """A new secret in a new file that only its owner can read.

    Raises:
        FileExistsError: if the file exists; it is never written to again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_hex(32).encode()
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret + b"\n")
    return secret


def mark(secret: bytes) -> str:
    """What a release keeps of its secret: enough to know it again, nothing to find a number by."""
    return hmac.new(secret, b"which secret", hashlib.sha256).hexdigest()[:16]
