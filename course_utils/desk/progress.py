"""What a reader has solved: one line per check in a small local file, read back by ``show_progress()``.

``COURSE_PROGRESS`` names the file; empty, it is kept in memory only; unset, it is ``progress.jsonl`` in the folder
where the notebook began, wherever a cell has gone since by ``os.chdir``.
"""

from __future__ import annotations

import errno
import html
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from course_utils.audience import shown
from course_utils.data.files import replacing
from course_utils.desk.output import display
from course_utils.exercises import all_exercises

#: The status of a prediction, of which a line keeps the choice in the place of points.
PREDICTED = "predicted"

_in_memory: list[dict] = []
_begun_in = Path.cwd()


def _path() -> Path | None:
    name = os.environ.get("COURSE_PROGRESS", "progress.jsonl")
    return _begun_in / name if name else None


def record(exercise: str, status: str, points: float) -> str:
    """Add one line for a check. Returns "", or a sentence for the reader when it could not be written."""
    return _record({"exercise": exercise, "status": status, "points": points})


def _record(entry: dict) -> str:
    entry["time"] = datetime.now(UTC).isoformat(timespec="seconds")
    path = _path()
    if path is None:
        _in_memory.append(entry)
        return ""
    try:
        _append(path, json.dumps(entry) + "\n")
    except OSError as error:
        return f"Your progress could not be saved in {path.name} ({error.strerror}). The result still holds."
    return ""


def record_choice(prediction: str, choice: str, right: bool) -> str:
    """Add one line for a prediction. Returns as :func:`record`; a choice has no points."""
    return _record({"exercise": prediction, "status": PREDICTED, "choice": choice, "right": right})


def choices() -> dict[str, dict]:
    """Prediction → the line of its last choice, in the order in which they were first made."""
    return {entry["exercise"]: entry for entry in entries()[0] if entry["status"] == PREDICTED}


def _append(path: Path, line: str) -> None:
    # One write to a file opened for appending: two notebooks never mix their lines.
    flags = os.O_APPEND | os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, 0o644)
    try:
        size = os.fstat(file).st_size
        if size:
            os.lseek(file, size - 1, os.SEEK_SET)
            if os.read(file, 1) != b"\n":  # the last write was cut short
                line = "\n" + line
        data = line.encode()
        if os.write(file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(file)


def entries() -> tuple[list[dict], str]:
    """Every readable line, and "" or a sentence for the reader.

    A file with unreadable lines is set aside as ``progress.damaged-1.jsonl`` (or the next free number), and a
    fresh file keeps its readable lines.
    """
    path = _path()
    if path is None:
        return list(_in_memory), ""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], f"Your progress in {path.name} could not be read ({error.strerror})."
    lines = [line for line in data.split(b"\n") if line.strip()]
    parsed = [_parse(line) for line in lines]
    good = [entry for entry in parsed if entry is not None]
    kept = [line for line, entry in zip(lines, parsed, strict=True) if entry is not None]
    lost = len(lines) - len(good)
    if not lost:
        return good, ""
    about = f"{lost} of {len(lines)} lines of {path.name} could not be read"
    try:
        aside = _set_aside(path, data)
        with replacing(path) as file:
            file.writelines(line + b"\n" for line in kept)
    except OSError as error:
        return good, f"{about}, and it could not be set aside ({error.strerror}). What is readable counts."
    return good, f"{about}. The file was set aside as {aside}; what is readable was kept."


def _parse(line: bytes) -> dict | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    texts = isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("exercise", "status"))
    return entry if texts else None


def _set_aside(path: Path, data: bytes) -> str:
    number = 1
    while True:
        aside = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        try:
            with open(aside, "xb") as file:
                file.write(data)
            return aside.name
        except FileExistsError:
            number += 1


@dataclass(frozen=True)
class ChapterProgress:
    """One chapter: exercises solved and in all, points, and the minutes that the unsolved ones need."""

    chapter: int
    solved: int
    total: int
    points: int
    points_total: int
    minutes_left: int

    @property
    def name(self) -> str:
        return "Start here" if self.chapter == 0 else f"Chapter {self.chapter}"


def summary(checks: list[dict]) -> list[ChapterProgress]:
    """Progress by chapter. What was solved once stays solved; checks of unknown exercises are ignored."""
    solved = {entry["exercise"] for entry in checks if entry["status"] == "correct"}
    chapters: dict[int, list] = {}
    for exercise in all_exercises().values():
        chapters.setdefault(int(exercise.id.split(".")[0]), []).append(exercise)
    return [
        ChapterProgress(
            chapter,
            solved=sum(e.id in solved for e in exercises),
            total=len(exercises),
            points=sum(e.points for e in exercises if e.id in solved),
            points_total=sum(e.points for e in exercises),
            minutes_left=sum(e.minutes for e in exercises if e.id not in solved),
        )
        for chapter, exercises in sorted(chapters.items())
    ]


@shown
def show_progress() -> None:
    """Show what is solved, the points and the minutes left, by chapter: a table in HTML and in text."""
    checks, message = entries()
    chapters = summary(checks)
    display({"text/plain": _text(chapters, message), "text/html": _table(chapters, message)})


def _closing(chapters: list[ChapterProgress]) -> str:
    solved, total = sum(c.solved for c in chapters), sum(c.total for c in chapters)
    if solved == 0:
        return "Nothing solved yet: the first exercise takes a few minutes, and a check can be tried again."
    if solved == total:
        return "Everything is solved. Well done!"
    left = sum(c.minutes_left for c in chapters)
    return f"{solved} of {total} exercises solved; about {left} minutes to go."


def _text(chapters: list[ChapterProgress], message: str) -> str:
    lines = [f"{'':12}  solved   points  minutes left"]
    for c in chapters:
        solved, points = f"{c.solved}/{c.total}", f"{c.points}/{c.points_total}"
        lines.append(f"{c.name:12}  {solved:>6}  {points:>7}  {c.minutes_left:>12}")
    return "\n".join([*lines, _closing(chapters), *([message] if message else [])])


def _table(chapters: list[ChapterProgress], message: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", "solved", "", "points", "minutes left"))
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{c.name}</th><td>{c.solved} of {c.total}</td>'
        f'<td><progress value="{c.solved}" max="{c.total}" aria-label="{c.name}"></progress></td>'
        f"<td>{c.points} of {c.points_total}</td><td>{c.minutes_left}</td></tr>"
        for c in chapters
    )
    notes = "".join(f"<div>{html.escape(note)}</div>" for note in (_closing(chapters), message) if note)
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}</div>"
