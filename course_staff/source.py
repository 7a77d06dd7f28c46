"""A chapter's source, ``solutions/NN_name.md``, read into its two notebooks: everything but the execution.

A chapter too long for one sitting has one source for each part, ``NNa_name.md``, ``NNb_name.md``, with the
same number in their front matter; each part has its own module of exercises, numbered through.

The same cells become the solution (all of them) and what a student gets: solution regions emptied as
nbgrader's ClearSolutions does, speaker notes left out. What an author would otherwise have to repeat (cell
ids, nbgrader's metadata, slide types) is derived here, and what an author may get wrong is reported by file
and cell.

What others need to know of a chapter stands in both notebooks' metadata, below ``course``: what the header says;
``exercises``, each with ``id``, ``title``, ``kind``, ``points``, ``difficulty``, ``minutes``, the ``function`` that is
checked and the ids of its ``cells`` (``card``, ``answer``, ``hints``, ``check``); ``written``, the answers that a
person marks, with the same and the ``cells`` ``card`` and ``answer``; ``predictions``, each with ``id`` and the
``cells`` ``asks``, ``runs`` and ``reads``; ``claims``, each with ``id`` and the id of the ``cell`` that shows it;
``source``, a hash of what was written; ``fingerprint``, of what ran; and ``version``, of what a student gets.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import re
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from course_staff import fingerprint, variants
from course_staff.cells import CARD, argument, called, calls_last, parse
from course_utils.exercises import Exercise, Prediction, Written
from course_utils.exercises.written import EMPTY

SOLUTIONS, NOTEBOOKS = "solutions", "notebooks"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
SLIDE_TYPES = ("slide", "subslide", "fragment", "-", "skip", "notes")

_NAME = re.compile(r"\d\d[a-z]?_[a-z0-9_]+")
_HINT = re.compile(r"<details>\s*<summary>\s*Hint ")
_KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Without the interpreter's version, which differs from one maintainer to the next.
_LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}
_TOLD = ("id", "title", "kind", "points", "difficulty", "minutes")
#: A cell that does nothing but this is folded: its output is the point, or nobody's.
_PLUMBING = ("predict", "after", "proof_lines", "explore", "show", "verdicts")
#: The most code cells between a prediction and its reading.
_RUNS = 3
_COURSE: dict[str, type] = {"title": str, "chapter": int, "minutes": int, "follows": str, "proves": str}


class BuildError(Exception):
    """What is wrong, one sentence for each problem, each naming file and cell."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems

    def __reduce__(self):
        return BuildError, (self.problems,)


@dataclass(frozen=True)
class Chapter:
    """One chapter as its source describes it; the notebooks have no outputs yet."""

    name: str
    course: dict
    solution: NotebookNode
    student: NotebookNode

    def notebooks(self) -> dict[str, NotebookNode]:
        """Path below the root → notebook, the solution first."""
        folders = {SOLUTIONS: self.solution, NOTEBOOKS: self.student}
        return {f"{folder}/{self.name}.ipynb": notebook for folder, notebook in folders.items()}


def sources(root: Path, names: list[str] | None = None) -> list[Path]:
    """The chapters' sources in order, or those that ``names`` select: "01", "01_taylor_bounds" or a path.

    "06a" selects one part of a chapter, "06" all of them.
    """
    found = sorted(path for path in (root / SOLUTIONS).glob("*.md") if _NAME.fullmatch(path.stem))
    if not names:
        return found
    chosen = set()
    for name in names:
        stem = Path(name).stem
        hits = [path for path in found if stem in (path.stem, part(path.stem), part(path.stem)[:2])]
        if not hits:
            known = ", ".join(path.stem for path in found)
            raise ValueError(f"no chapter {name!r} in {SOLUTIONS}/; there are: {known}")
        chosen.update(hits)
    return sorted(chosen)


def part(name: str) -> str:
    """What names a source's exercises: "01" of 01_taylor_bounds, "06a" of a part."""
    return name.split("_")[0]


def read_chapter(path: Path, root: Path, exercises: Mapping | None = None) -> Chapter:
    """Read and validate one source, by default for the exercises that its own module declares.

    Raises:
        BuildError: naming every problem found.
    """
    import jupytext  # a second to import, which the build's worker processes do not need

    declared = _declared(part(path.stem)) if exercises is None else Declared(exercises)
    text = path.read_text(encoding="utf-8")
    label = f"{SOLUTIONS}/{path.name}"
    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except Exception as error:  # jupytext raises many kinds, all of them about the author's text
        raise BuildError([f"{label}: not readable as MyST text: {error}"]) from error
    course = notebook.metadata.get("course", {})
    reader = _Reader(label, notebook.cells)
    reader.front_matter(course, path.stem)
    for number, what in variants.fill_in(notebook.cells, declared.exercises, clear_solution):
        reader.wrong(number, what)
    if reader.problems:
        raise BuildError(reader.problems)
    reader.cells_alone()
    reader.neighbours()
    reader.exercises(declared, course["chapter"])
    reader.predictions(declared.predictions)
    if reader.problems:
        raise BuildError(reader.problems)

    _set_ids(notebook.cells)
    reader.as_polls()
    _fold_plumbing(notebook.cells)
    for cell in notebook.cells:
        if slide_type(cell) is None:
            cell.metadata["slideshow"] = {"slide_type": "skip"}
        if slide_type(cell) == "notes":
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "remove-cell"})
    student = deepcopy([cell for cell in notebook.cells if slide_type(cell) != "notes"])
    for cell in student:
        cell.source = clear_solution(cell.source)
    for cell in notebook.cells:
        if (id := cell.metadata.get("written")) is not None:
            cell.source = f"**Model answer.** {declared.written[id].model}"

    mine, theirs = code_cells(notebook.cells), code_cells(student)
    course = {
        **course,
        "exercises": reader.found_exercises(),
        "written": reader.found_written(),
        "predictions": reader.found_predictions(),
        "claims": reader.found_claims(),
        "version": _digest(*(part for cell in student for part in (cell.cell_type, cell.source))),
        "source": _digest(text),
        "fingerprint": fingerprint.of_chapter(mine, theirs, part(path.stem), root),
    }
    metadata = {"kernelspec": _KERNELSPEC, "language_info": _LANGUAGE, "course": course}
    return Chapter(
        path.stem,
        course,
        *(new_notebook(metadata=deepcopy(metadata), cells=cells) for cells in (notebook.cells, student)),
    )


@dataclass(frozen=True)
class Declared:
    """What a chapter's module declares, each by its id."""

    exercises: Mapping[str, Exercise]
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    written: Mapping[str, Written] = field(default_factory=dict)


def _declared(part: str) -> Declared:
    package = "course_utils.exercises"
    try:
        module = importlib.import_module(f"{package}.chapter_{part}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(package):
            raise
        return Declared({})
    file = f"{package.replace('.', '/')}/chapter_{part}.py"
    found = []
    for name in ("EXERCISES", "PREDICTIONS", "WRITTEN"):
        listed = getattr(module, name, None if name == "EXERCISES" else ())
        if not isinstance(listed, tuple):  # of (exercise_1) the comma is missing
            what = "its exercises, EXERCISES = (exercise_1,)" if name == "EXERCISES" else f"{name}, got {listed!r:.80}"
            raise BuildError([f"{file}: must end with a tuple of {what}"])
        found.append({item.id: item for item in listed})
    return Declared(*found)


def code_cells(cells: list[NotebookNode]) -> list[NotebookNode]:
    return [cell for cell in cells if cell.cell_type == "code"]


def slide_type(cell: NotebookNode) -> str | None:
    """The cell's part in the deck; None for a cell that says nothing about it."""
    return cell.metadata.get("slideshow", {}).get("slide_type")


def clear_solution(source: str) -> str:
    """The source with nbgrader's stub in the place of every solution region, indented as its BEGIN line.

    Raises:
        ValueError: for a BEGIN or END without its counterpart, or a marker that shares its line.
    """
    lines, inside = [], False
    for line in source.split("\n"):
        marker = line.strip()
        if marker not in (BEGIN, END) and ("BEGIN SOLUTION" in line or "END SOLUTION" in line):
            raise ValueError(f"a solution marker stands alone on its line, {BEGIN!r} or {END!r}; got {marker!r}")
        if marker == BEGIN:
            if inside:
                raise ValueError(f"{BEGIN!r} inside a solution region that has no {END!r} yet")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub for stub in STUB]
        elif marker == END:
            if not inside:
                raise ValueError(f"{END!r} without {BEGIN!r} before it")
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"{BEGIN!r} without {END!r} after it")
    return "\n".join(lines)


def without_markers(source: str) -> str:
    """The source with its solutions shown."""
    return "\n".join(line for line in source.split("\n") if line.strip() not in (BEGIN, END))


def first_line(cell: NotebookNode) -> str:
    """How messages quote a cell."""
    line = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
    return line if len(line) <= 50 else line[:47] + "..."


def card_line(exercise) -> str:
    """The line that an exercise's card must carry, from its declaration."""
    corner = getattr(exercise, "corner", None)
    partly = f", {corner.share * exercise.points:g} for all but {corner.name}" if corner else ""
    return (
        f"Difficulty {exercise.difficulty} of 5 · about {exercise.minutes} minute{_s(exercise.minutes)}"
        f" · {exercise.points} point{_s(exercise.points)}{partly}"
    ) + ", marked by a person" * isinstance(exercise, Written)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _fold_plumbing(cells: list[NotebookNode]) -> None:
    """Fold the code of cells that only import, ask, read or draw."""
    for cell in code_cells(cells):
        statements = parse(cell.source).body
        last = calls_last(cell.source, *_PLUMBING)
        if statements and all(
            isinstance(node, ast.Import | ast.ImportFrom) for node in statements[: -1 if last else None]
        ):
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True


def _set_ids(cells: list[NotebookNode]) -> None:
    seen: Counter[str] = Counter()
    for cell in cells:
        digest = _digest(cell.cell_type, cell.source)[:8]
        seen[digest] += 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


class _Reader:
    """Collects what is wrong with a source, and gives exercise cells nbgrader's metadata on the way."""

    def __init__(self, label: str, cells: list[NotebookNode]):
        self.label, self.cells = label, cells
        self.problems: list[str] = []
        self._complete: list[dict] = []
        self._written: list[dict] = []
        self._asked: list[dict] = []

    def wrong(self, number: int, what: str) -> None:
        self.problems.append(f"{self.label}, cell {number} ({first_line(self.cells[number - 1])!r}): {what}")

    def front_matter(self, course, name: str) -> None:
        number = int(part(name)[:2])
        if not isinstance(course, dict):
            self.problems.append(f"{self.label}: front matter: course must be a mapping, got {course!r}")
            return
        for key, kind in _COURSE.items():
            value = course.get(key)
            if key not in course:
                self.problems.append(f"{self.label}: front matter: course needs {key!r} ({kind.__name__})")
            elif not isinstance(value, kind) or isinstance(value, bool):
                self.problems.append(f"{self.label}: front matter: course.{key} must be {kind.__name__}, got {value!r}")
            elif key == "chapter" and value != number:
                self.problems.append(
                    f"{self.label}: front matter: course.chapter is {value}, the file's name says {number}"
                )
            elif key == "minutes" and course["minutes"] <= 0:
                self.problems.append(f"{self.label}: front matter: course.minutes must be positive, got {value}")
        for key in course.keys() - _COURSE.keys():
            self.problems.append(f"{self.label}: front matter: course.{key} is unknown; known: {', '.join(_COURSE)}")

    def cells_alone(self) -> None:
        """What can be wrong with a cell whatever stands around it."""
        for number, cell in enumerate(self.cells, 1):
            kind = slide_type(cell)
            if kind is not None and kind not in SLIDE_TYPES:
                self.wrong(number, f"slide_type must be one of {', '.join(SLIDE_TYPES)}, got {kind!r}")
            minutes = cell.metadata.get("minutes")
            if minutes is not None and kind != "notes":
                self.wrong(number, f"minutes are said in speaker notes; this cell's slide_type is {kind!r}")
            elif minutes is not None and (type(minutes) is not int or minutes < 1):
                self.wrong(number, f"minutes must be a whole number, at least 1, got {minutes!r}")
            if kind == "notes" and cell.cell_type != "markdown":
                self.wrong(number, "speaker notes must be Markdown: a student's notebook goes without them")
            if "nbgrader" in cell.metadata:
                self.wrong(number, "nbgrader's metadata is derived by the build; remove it")
            try:
                cleared = clear_solution(cell.source)
            except ValueError as error:
                self.wrong(number, f"{error}")
                continue
            if cell.cell_type == "code":
                for version, source in (("", cell.source), ("with its solution emptied ", cleared)):
                    try:
                        parse(source)
                    except SyntaxError as error:
                        self.wrong(number, f"{version}not valid Python, line {error.lineno}: {error.msg}")
                        break
            elif cleared != cell.source:
                self.wrong(number, "a solution region belongs in a code cell")

    def neighbours(self) -> None:
        """No two code cells touch, in the student's notebook neither."""
        code = None
        for number, cell in enumerate(self.cells, 1):
            if cell.cell_type == "code":
                if code is not None and not self._asks(number) and not self._asks(code):
                    self.wrong(number, f"touches code cell {code}; say between them why the next one is run")
                code = number
            elif slide_type(cell) != "notes":
                code = None

    def _asks(self, number: int) -> bool:
        return calls_last(self.cells[number - 1].source, "predict", "after")

    def predictions(self, declared: Mapping[str, Prediction]) -> None:
        """Question → run → reading, each prediction once, none inside another."""
        if self.problems:
            return
        current: dict | None = None
        for number, cell in enumerate(self.cells, 1):
            if cell.cell_type != "code":
                continue
            tree = parse(cell.source)
            asks, reads = ([argument(call) for call in called(tree, name)] for name in ("predict", "after"))
            for id in (*asks, *reads):
                if id not in declared:
                    known = ", ".join(declared) or "none"
                    self.wrong(number, f"prediction {id!r} is not declared; of this chapter: {known}")
                    return
            if asks and current:
                self.wrong(number, f"asks {asks[0]!r} before after({current['id']!r})")
            elif asks:
                if asks[0] in [asked["id"] for asked in self._asked]:
                    self.wrong(number, f"prediction {asks[0]!r} is asked twice")
                current = {"id": asks[0], "asks": number, "runs": [], "reads": None}
            elif reads:
                if current is None or reads[0] != current["id"]:
                    expected = f"after({current['id']!r})" if current else "predict before it"
                    self.wrong(number, f"reads {reads[0]!r}, expected {expected}")
                elif not 1 <= len(current["runs"]) <= _RUNS:
                    self.wrong(
                        number, f"between predict and after stand 1 to {_RUNS} code cells, got {len(current['runs'])}"
                    )
                else:
                    self._asked.append({**current, "reads": number})
                current = None
            elif current:
                current["runs"].append(number)
        if current:
            self.wrong(current["asks"], f"prediction {current['id']!r} has no after({current['id']!r})")
        for id in declared.keys() - {asked["id"] for asked in self._asked}:
            if not self.problems:
                self.problems.append(f"{self.label}: prediction {id!r} is declared and not asked here")

    def as_polls(self) -> None:
        """Hide what runs answer; on slides a question stands alone, its run comes a key later, then its reading.

        The parts of a lecture are those whose heading is a slide; a cell that says its own part keeps it.
        """
        for asked in self._asked:
            runs = [self.cells[number - 1] for number in asked["runs"]]
            for cell in runs:
                cell.metadata.setdefault("jupyter", {})["outputs_hidden"] = True
            if not self._on_slides(asked["asks"]):
                continue
            types = ((asked["asks"], "subslide"), (asked["runs"][0], "subslide"), (asked["reads"], "fragment"))
            for number, kind in types:
                cell = self.cells[number - 1]
                if slide_type(cell) is None or number == asked["runs"][0] and slide_type(cell) == "fragment":
                    cell.metadata["slideshow"] = {"slide_type": kind}

    def _on_slides(self, number: int) -> bool:
        """Whether the last heading before a cell is a slide."""
        for cell in reversed(self.cells[: number - 1]):
            if cell.cell_type == "markdown" and re.match(r"\s*#{1,3} ", cell.source):
                return slide_type(cell) in ("slide", "subslide")
        return False

    def found_predictions(self) -> list[dict]:
        """The predictions as the notebooks' metadata tells them, once the cells have ids."""

        def told(asked: dict) -> dict:
            asks, *runs, reads = (
                self.cells[number - 1].id for number in (asked["asks"], *asked["runs"], asked["reads"])
            )
            return {"id": asked["id"], "cells": {"asks": asks, "runs": runs, "reads": reads}}

        return [told(asked) for asked in self._asked]

    def found_written(self) -> list[dict]:
        """The written answers as the notebooks' metadata tells them, once the cells have ids."""
        told = ("id", "title", "points", "difficulty", "minutes")
        return [
            {
                **{name: getattr(found["declared"], name) for name in told},
                "cells": {name: self.cells[found[name] - 1].id for name in ("card", "answer")},
            }
            for found in self._written
        ]

    def written(self, number: int, current: dict | None, declared: Mapping[str, Written]) -> None:
        """The cell of a written answer, below its card, which gets the rubric."""
        cell = self.cells[number - 1]
        id = cell.metadata["written"]
        if id not in declared:
            self.wrong(
                number, f"written answer {id!r} is not declared; of this chapter: {', '.join(declared) or 'none'}"
            )
        elif current is None or current["id"] != id:
            self.wrong(number, f"the answer {id} needs its card before it")
        elif cell.cell_type != "markdown" or cell.source.strip() != EMPTY:
            self.wrong(number, f"the cell of a written answer holds {EMPTY!r} and nothing else")
        else:
            card = self.cells[current["card"] - 1]
            card.source = f"{card.source.rstrip()}\n\n*What earns the points*:\n\n{declared[id].rubric_text}"
            self.nbgrader(number, f"answer-{id}", grade=True, solution=True, points=declared[id].points)
            self._written.append({**current, "answer": number, "declared": declared[id]})

    def exercises(self, everything: Declared, chapter: int) -> None:
        """Card → answer → hints → check, in this order and as declared; a written answer has a card and a cell."""
        if self.problems:  # what follows parses the cells
            return
        declared: Mapping = {**everything.exercises, **everything.written}
        mine = {id: exercise for id, exercise in declared.items() if id.split(".")[0] == str(chapter)}
        seen: list[str] = []
        current: dict | None = None
        for number, cell in enumerate(self.cells, 1):
            if "written" in cell.metadata:
                self.written(number, current, everything.written)
                current = None
                continue
            if cell.cell_type == "markdown":
                card = CARD.search(cell.source)
                if card:
                    self.without_check(current)
                    current = {"id": card[1], "card": number, "answer": None, "hints": {}}
                    self.card(number, card, mine, seen)
                    seen.append(card[1])
                if current and (hints := _HINT.findall(cell.source)):
                    current["hints"][number] = len(hints)
                continue
            region, checks = BEGIN in cell.source, called(parse(cell.source), "check")
            if region and checks:
                self.wrong(number, "the check belongs in a cell of its own, after the hints")
            elif region:
                self.answer(number, current)
            elif checks:
                self.check(number, checks, current, mine)
                current = None
        self.without_check(current)
        for id in mine.keys() - set(seen):
            self.problems.append(
                f"{self.label}: exercise {id} is declared in course_utils.exercises and has no card here"
            )

    def card(self, number: int, card: re.Match, mine: Mapping, seen: list[str]) -> None:
        id, title = card[1], card[2].strip()
        if id in seen:
            self.wrong(number, f"exercise {id} appears twice")
        if id not in mine:
            known = ", ".join(mine) or "none"
            self.wrong(number, f"exercise {id} is not declared in course_utils.exercises; of this chapter: {known}")
            return
        if title != mine[id].title:
            self.wrong(number, f"the card is titled {title!r}, its declaration {mine[id].title!r}")
        # Compared as a whole line, so that "3 points" does not pass for "13 points".
        lines = [line.strip(" *.") for line in self.cells[number - 1].source.splitlines()]
        if card_line(mine[id]) not in lines:
            given = next((line for line in lines if line.startswith("Difficulty")), "nothing")
            self.wrong(number, f"the card says {given!r}, its declaration {card_line(mine[id])!r}")

    def answer(self, number: int, current: dict | None) -> None:
        if current is None:
            self.wrong(number, 'a solution region needs its card ("### Exercise ...") before it')
        elif current["answer"] is not None:
            self.wrong(number, f"exercise {current['id']} has a second cell with a solution region")
        else:
            current["answer"] = number
            self.nbgrader(number, f"answer-{current['id']}", solution=True)

    def check(self, number: int, checks: list[ast.Call], current: dict | None, mine: Mapping) -> None:
        id, function = argument(checks[0]), argument(checks[0], 1)
        if len(checks) > 1:
            self.wrong(number, f"one check in a cell, got {len(checks)}")
        elif current is None or id != current["id"]:
            expected = f'check("{current["id"]}", ...)' if current else "an exercise's card before it"
            self.wrong(number, f"check of {id!r}, expected {expected}")
        elif current["answer"] is None:
            self.wrong(number, f"exercise {id} has no cell with a solution region ({BEGIN!r})")
        elif not isinstance(function, str) or not function.isidentifier():
            self.wrong(number, f'exercise {id} is checked by the name of its function: check("{id}", name)')
        else:
            hints = sum(current["hints"].values())
            if hints < 2:
                self.wrong(
                    current["card"],
                    f"exercise {id} needs two hints or more (<details><summary>Hint 1: ...), has {hints}",
                )
            if id in mine:
                self.nbgrader(number, f"check-{id}", grade=True, locked=True, points=mine[id].points)
                self._complete.append({**current, "check": number, "function": function, "declared": mine[id]})

    def without_check(self, current: dict | None) -> None:
        if current is not None:
            self.wrong(
                current["answer"] or current["card"],
                f'exercise {current["id"]} has no check("{current["id"]}", ...) after it, nor a cell to write in',
            )

    def nbgrader(self, number: int, grade_id: str, **fields) -> None:
        flags = {"grade": False, "solution": False, "locked": False, "task": False, **fields}
        self.cells[number - 1].metadata["nbgrader"] = {
            **flags,
            "schema_version": 3,
            "grade_id": re.sub(r"[^A-Za-z0-9]+", "-", grade_id),
        }

    def found_exercises(self) -> list[dict]:
        """The exercises as the notebooks' metadata tells them, once the cells have ids."""

        def told(found: dict) -> dict:
            cells = {name: self.cells[found[name] - 1].id for name in ("card", "answer", "check")}
            cells["hints"] = [self.cells[number - 1].id for number in found["hints"]]
            declared = {name: getattr(found["declared"], name) for name in _TOLD}
            return {**declared, "function": found["function"], "cells": cells}

        return [told(found) for found in self._complete]

    def found_claims(self) -> list[dict]:
        """The claims that the cells show, in order, once the cells have ids."""
        return [
            {"id": id, "cell": cell.id}
            for cell in code_cells(self.cells)
            for id in dict.fromkeys(map(argument, called(parse(cell.source), "claim")))
            if isinstance(id, str)
        ]
