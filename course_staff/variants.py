"""Which student gets which number, and the notebook that says so.

A number is derived from the student's id and a secret of the course by HMAC: nobody without the secret can
tell whose number is whose, and the same secret finds the same numbers when the work comes back. What an
exercise becomes with a number is declared in ``course_utils.exercises.variants``.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import os
import secrets
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

from course_utils.exercises import Exercise
from course_utils.exercises.variants import VARIANTS, Number

SHORTEST_SECRET = 16


def exercises_for(student_id: str, chapter: str, secret: bytes | None = None) -> dict[str, Exercise]:
    """The exercises of a chapter as this student was given them.

    Args:
        student_id: as in the roster.
        chapter: "01_taylor_bounds", or "01".
        secret: of the course, from :func:`read_secret`; None for a class without variants.

    Returns:
        id → declaration, in the chapter's order; without a secret, as the chapter declares them.

    Raises:
        ValueError: for a chapter without a module of exercises.
    """
    exercises = _exercises(chapter)
    for id, number in numbers_for(student_id, chapter, secret).items():
        exercises[id] = VARIANTS[id].exercise(number)
    return exercises


def numbers_for(student_id: str, chapter: str, secret: bytes | None) -> dict[str, Number]:
    """Exercise id → this student's number, for the exercises of the chapter that have variants.

    Raises:
        ValueError: for a chapter without a module of exercises.
    """
    varied = [id for id in _exercises(chapter) if id in VARIANTS]
    return {} if secret is None else {id: _number(student_id, id, secret) for id in varied}


def _number(student_id: str, id: str, secret: bytes) -> Number:
    numbers = VARIANTS[id].numbers
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


def personal(notebook: NotebookNode, numbers: dict[str, Number]) -> NotebookNode:
    """A copy of a student's notebook with these numbers in cards, stubs, hints and checks.

    Raises:
        ValueError: if the notebook has not the exercise, or not the text that the variant replaces.
    """
    notebook = deepcopy(notebook)
    for id, number in numbers.items():
        cells = _cells_of(notebook, id)
        for old, new in VARIANTS[id].texts(number).items():
            found = [cell for cell in cells for _ in range(cell.source.count(old))]
            if len(found) != 1:
                raise ValueError(
                    f"exercise {id}: its variant replaces {old!r}, found {len(found)} times; expected once. "
                    "Adapt course_utils/exercises/variants.py to the chapter's text"
                )
            found[0].source = found[0].source.replace(old, new)
        cells[-1].source = (
            f'from course_utils.exercises.variants import yours\n\nyours("{id}", {number!r})\n{cells[-1].source}'
        )
    if numbers:
        notebook.metadata["course"]["variant"] = dict(numbers)
    return notebook


def _cells_of(notebook: NotebookNode, id: str) -> list[NotebookNode]:
    """From the exercise's card to its check."""
    cells, start = notebook.cells, None
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown" and f"### Exercise {id} — " in cell.source:
            start = index
        if start is not None and cell.cell_type == "code" and f'check("{id}", ' in cell.source:
            return cells[start : index + 1]
    raise ValueError(f"the notebook has no card and check of exercise {id}")


def read_secret(path: Path) -> bytes:
    """The course's secret.

    Raises:
        ValueError: if there is no such file, or it is too short to be one.
    """
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
