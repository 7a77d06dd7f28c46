"""The attack suite: submissions that cheat, break or spy, and honest ones that must lose nothing.

``attacks/*.toml`` holds one entry for each: what it tries, how its notebook differs from the chapter's own, and
what must happen. Keys of an entry::

    name, tries     its id, which is also the student who hands it in, and a sentence
    chapter         "01" by default
    base            "solution" (default) or "student": the notebook that it starts from
    whole           true keeps every cell; by default only imports, answers and checks are kept
    wrong, answers  exercise id → source of its answer cell; those in ``wrong`` must get no points
    cell            cells to add: {at = "start" | "end" | "after 1.2", code = "...", repeat = 1}
    make            a function of ``submission_files``, where editing cells does not do
    right           the exercises with full marks, all others having none: "all", "none", "all but 1.2 1.3" or
                    "1.2 1.3"; by default all but those in ``wrong``. A list gives alternatives
    status          of the result, "graded" by default. A list gives alternatives
    rungs           exercise id → the rungs of the ladder that it may stand on
    says, never     texts that must, or must not, be in what the student gets to read
    hides_inputs    an exercise none of whose hidden inputs may be in what the student gets to read
    markup          true: its feedback is opened in a browser
    jail            true: is only run in a jail
    honest          true: may lose nothing; so is all of ``honest.toml``

Words between @ signs in a source stand for what an attacker may have guessed: paths, the port of a server.
"""

from __future__ import annotations

import copy
import json
import os
import re
import tomllib
import zlib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

from course_utils.desk.answers import read_reference
from course_utils.exercises import Exercise, all_exercises

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CHAPTERS = {path.stem[:2]: path.stem for path in sorted((REPOSITORY / "notebooks").glob("0[1-3]_*.ipynb"))}

_ONLY_IN_A_JAIL = """\
import os as _os
try:
    _outside = _os.readlink("/proc/self/ns/pid") == "{namespace}"
except OSError:
    _outside = False
if _outside:
    raise SystemExit("this attack is only run in a jail")
"""


@dataclass(frozen=True)
class Attack:
    """One entry of the suite, as the module's description says."""

    group: str
    name: str
    tries: str
    chapter: str = "01"
    base: str = "solution"
    whole: bool = False
    wrong: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    cell: tuple[dict, ...] = ()
    make: str = ""
    right: str | tuple[str, ...] = ""
    status: str | tuple[str, ...] = "graded"
    rungs: dict[str, list[str]] = field(default_factory=dict)
    says: str = ""
    never: tuple[str, ...] = ()
    hides_inputs: str = ""
    markup: bool = False
    jail: bool = False
    honest: bool = False

    @property
    def chapter_name(self) -> str:
        return CHAPTERS[self.chapter]

    @property
    def exercises(self) -> dict[str, Exercise]:
        number = str(int(self.chapter))
        return {id: exercise for id, exercise in all_exercises().items() if id.split(".")[0] == number}

    def allowed(self) -> list[frozenset[str]]:
        """The sets of exercises that may have full marks, all others having none."""
        return [self._ids(words) for words in ((self.right,) if isinstance(self.right, str) else self.right)]

    def _ids(self, words: str) -> frozenset[str]:
        every = frozenset(self.exercises)
        if not words:
            words = "none" if self.status != "graded" else f"all but {' '.join(self.wrong)}" if self.wrong else ""
        match words.split():
            case ["all"]:
                chosen = every
            case ["none"]:
                chosen = frozenset()
            case ["all", "but", *ids]:
                _known(self.name, ids, every)
                chosen = every - set(ids)
            case ids:
                _known(self.name, ids, every)
                chosen = frozenset(ids)
        return chosen

    def statuses(self) -> tuple[str, ...]:
        return (self.status,) if isinstance(self.status, str) else tuple(self.status)


def _known(name: str, ids: list[str], every: frozenset[str]) -> None:
    if not ids or not set(ids) <= every:
        raise ValueError(f"attack {name!r}: right names {ids}; expected exercises among {sorted(every)}")


@cache
def all_attacks() -> tuple[Attack, ...]:
    """Every attack, by group and in the order of its file.

    Raises:
        ValueError: for an unknown key, a name that appears twice, or an exercise that the chapter does not have.
    """
    attacks = []
    for path in sorted((HERE / "attacks").glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["attack"]:
            unknown = entry.keys() - {f.name for f in fields(Attack)}
            if unknown:
                raise ValueError(f"{path.name}: attack {entry.get('name')!r} has unknown keys {sorted(unknown)}")
            entry = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
            attacks.append(Attack(**{"group": path.stem, "honest": path.stem == "honest", **entry}))
    names = [attack.name for attack in attacks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names that appear twice: {twice}")
    for attack in attacks:
        attack.allowed()
        _known(
            attack.name,
            [*attack.wrong, *attack.answers, *attack.rungs] or list(attack.exercises),
            frozenset(attack.exercises),
        )
    return tuple(attacks)


@dataclass(frozen=True)
class Surroundings:
    """What an attacker may know of the run; every value takes the place of its name between @ signs."""

    submissions: Path
    out: Path
    home: Path
    run: Path
    marker: str
    port: int
    socket: Path

    def fill(self, source: str, student: str) -> str:
        words = {
            "SUBMISSIONS": self.submissions,
            "OUT": self.out,
            "HOME": self.home,
            "RUN": self.run,
            "REPOSITORY": REPOSITORY,
            "MARKER": self.marker,
            "PORT": self.port,
            "SOCKET": self.socket,
            "STUDENT": student,
            "ONLY IN A JAIL": _ONLY_IN_A_JAIL.format(namespace=_pid_namespace()),
        }
        for id in all_exercises():
            if f"@TABLE {id}@" in source:
                words[f"TABLE {id}"] = _public_table(all_exercises()[id])
            if f"@CALLS {id}@" in source:
                words[f"CALLS {id}"] = len(public_cases(all_exercises()[id]))
        for word, value in words.items():
            source = source.replace(f"@{word}@", str(value))
        return source


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "no namespaces here"


def public_cases(exercise: Exercise) -> list[dict]:
    """The inputs of the check in the notebook, which every student can see."""
    return exercise.draw_cases(zlib.crc32(exercise.id.encode()))


def _public_table(exercise: Exercise) -> str:
    rows = {}
    for case in public_cases(exercise):
        rows[tuple(float(value) for value in case.values())] = float(read_reference(exercise.reference(**case)))
    return repr(rows)


@cache
def _read(folder: str, chapter_name: str) -> str:
    return (REPOSITORY / folder / f"{chapter_name}.ipynb").read_text(encoding="utf-8")


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def answer_cell(notebook: dict, exercise_id: str) -> dict:
    """The cell in which an exercise is answered. Raises StopIteration where there is none."""
    return next(cell for cell in notebook["cells"] if _grade_id(cell) == f"answer-{exercise_id.replace('.', '-')}")


def check_cell(notebook: dict, exercise_id: str) -> dict:
    """The cell with an exercise's check. Raises StopIteration where there is none."""
    return next(cell for cell in notebook["cells"] if _grade_id(cell) == f"check-{exercise_id.replace('.', '-')}")


def _grade_id(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def code_cell(source: str, id: str) -> dict:
    """A cell of code that a student added."""
    return {"cell_type": "code", "execution_count": None, "id": id, "metadata": {}, "outputs": [], "source": source}


def base_notebook(chapter: str, base: str = "solution", whole: bool = False) -> dict:
    """The chapter's student notebook without outputs, answered where ``base`` is "solution"."""
    name = CHAPTERS[chapter]
    notebook = json.loads(_read("notebooks", name))
    if base == "solution":
        solved = json.loads(_read("solutions", name))
        for cell in notebook["cells"]:
            id = _grade_id(cell)
            if id.startswith("answer-"):
                text = _source(next(other for other in solved["cells"] if _grade_id(other) == id))
                cell["source"] = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", text, flags=re.MULTILINE)
    if not whole:
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        notebook["cells"] = [cell for cell in code if cell is code[0] or _grade_id(cell)]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def build(attack: Attack, surroundings: Surroundings) -> dict:
    """The notebook of an attack, before ``make`` turns it into files."""
    notebook = base_notebook(attack.chapter, attack.base, attack.whole)
    for id, source in {**attack.answers, **attack.wrong}.items():
        answer_cell(notebook, id)["source"] = surroundings.fill(source, attack.name).strip("\n")
    for place in ("start", *(f"after {id}" for id in attack.exercises), "end"):
        added = [entry for entry in attack.cell if entry["at"] == place]
        cells = [
            code_cell(surroundings.fill(entry["code"], attack.name).strip("\n"), f"{place.replace(' ', '-')}-{i}-{j}")
            for i, entry in enumerate(added)
            for j in range(entry.get("repeat", 1))
        ]
        if place == "start":
            first = next(i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code") + 1
        elif place == "end":
            first = len(notebook["cells"])
        else:
            first = notebook["cells"].index(check_cell(notebook, place.split()[1])) + 1
        notebook["cells"][first:first] = cells
    return copy.deepcopy(notebook)
