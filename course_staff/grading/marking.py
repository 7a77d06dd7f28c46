"""From a notebook to marks: the questions asked of a student's process, and the verdict on its answers.

The verdict is reached here, where the student's code never runs. An exercise is tried on the inputs of the
notebook's own check, which the student can see, and then on hidden ones, some inputs twice; what the student
may read later comes from the first alone.
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_staff.grading import protocol
from course_staff.grading.jail import Jail, JailError, Limits
from course_staff.grading.records import ExerciseResult
from course_staff.grading.submissions import Notebook
from course_staff.source import without_magics
from course_utils import checks
from course_utils.answers import Plain, clean, parts
from course_utils.checks import LADDER, OUTCOMES, TWO_ANSWERS, Attempt, Result
from course_utils.exercises import Case, Exercise

#: Inputs that are tried a second time.
REPEATS = 6
#: Sessions for one run of a notebook: each restart leaves out the cell in which the last one ended.
MAX_SESSIONS = 6
#: Seconds of grace over what a session has to keep itself.
_GRACE = 5.0
#: Seconds in which a session has to start, on a busy machine.
_START = 60.0


@dataclass(frozen=True)
class Task:
    """A chapter's exercise as its notebook asks for it: ``function`` is the name that the stub defines."""

    id: str
    function: str


def read_tasks(notebook: Path) -> tuple[Task, ...]:
    """The exercises of a released notebook, from its ``check("1.2", f)`` cells.

    Raises:
        ValueError: if it has none.
    """
    tasks = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse(without_magics("".join(cell["source"])))):
            match node:
                case ast.Call(ast.Name("check"), [ast.Constant(str(id)), ast.Name(name)]):
                    tasks.append(Task(id, name))
    if not tasks:
        raise ValueError(f'{notebook}: expected exercises, cells with check("1.2", f); found none')
    return tuple(tasks)


@dataclass(frozen=True)
class Paper:
    """The inputs of one exercise: first those of the notebook's check, then hidden ones and repetitions."""

    exercise: Exercise
    public: list[Case]
    hidden: list[Case]
    order: list[int]  # what is asked after the public cases: indices into public + hidden
    expected: list[Plain]

    @property
    def cases(self) -> list[Case]:
        return self.public + self.hidden

    @property
    def asked(self) -> list[Case]:
        cases = self.cases
        return self.public + [cases[index] for index in self.order]


def make_paper(exercise: Exercise, secret: bytes) -> Paper:
    """The paper of an exercise, the same for everybody who is given this exercise and this secret."""
    public = exercise.draw_cases(checks.public_seed(exercise))
    seed = int.from_bytes(hmac.digest(secret, f"inputs\0{exercise.id}".encode(), "sha256"))
    hidden = exercise.draw_cases(seed)[len(exercise.edge_cases) :]
    rng = np.random.default_rng(seed + 1)
    everything = len(public) + len(hidden)
    again = rng.choice(everything, size=min(REPEATS, everything), replace=False)
    order = rng.permutation([*range(len(public), everything), *again]).tolist()
    return Paper(exercise, public, hidden, order, checks.expect(exercise, public + hidden))


# Verdicts


def read_attempts(reply: Any, body: bytes, paper: Paper) -> list[Attempt]:
    """What a student's process says about its calls.

    Raises:
        ProtocolError: for anything but complete and well-formed attempts at the paper's inputs.
    """
    rows = reply["attempts"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise protocol.ProtocolError("attempts are a list of objects")
    answers = protocol.decode_plain([row.get("yours") for row in rows], body)
    attempts = []
    for row, yours in zip(rows, answers, strict=True):
        outcome, changed = row.get("outcome"), row.get("changed")
        texts = {name: row.get(name) for name in ("what", "where", "printed")}
        fine = outcome in OUTCOMES and (outcome == "answer") == (yours is not None)
        if not fine or not all(isinstance(text, str) for text in texts.values()) or not isinstance(changed, list):
            raise protocol.ProtocolError("an attempt is incomplete")
        texts = {name: clean(text, 300) for name, text in texts.items()}
        known = tuple(name for name in paper.public[0] if name in changed)
        attempts.append(Attempt(outcome, yours, **texts, changed=known))
    late = [number for number, attempt in enumerate(attempts) if attempt.outcome == "timeout"]
    complete = len(attempts) == len(paper.asked) and not late or late == [len(attempts) - 1]
    if not complete or len(attempts) > len(paper.asked):
        raise protocol.ProtocolError("answers are missing")
    return attempts


def judge(paper: Paper, reply: Any, body: bytes) -> tuple[Result, str | None]:
    """The verdict on what a student's process answered, and a hash of its answers.

    Raises:
        ProtocolError: if the answer is none.
    """
    exercise = paper.exercise
    if not isinstance(reply, dict) or not {"callable", "parameters", "attempts"} <= reply.keys():
        raise protocol.ProtocolError("an answer has three parts")
    if reply["callable"] is not True:
        return checks.not_callable(exercise), None
    if reply["parameters"] is not None:
        return checks.wrong_parameters(exercise, paper.public[0], str(reply["parameters"])), None
    attempts = read_attempts(reply, body, paper)
    answer = _hash([attempt.yours for attempt in attempts if attempt.yours is not None])
    count = len(paper.public)
    seconds = {index: attempts[count + place].yours for place, index in enumerate(paper.order)
               if index < count and count + place < len(attempts)}
    seen = checks.conclude(exercise, paper.public, paper.expected[:count], attempts[:count], seconds.get)
    if not seen.correct:
        return seen, answer
    return _on_hidden(paper, attempts[count:], seen), answer


def _on_hidden(paper: Paper, attempts: list[Attempt], seen: Result) -> Result:
    """The verdict on the inputs that the student does not see; its words must not tell them."""
    exercise, everything = paper.exercise, len(paper.cases)
    order = paper.order[: len(attempts)]
    rest = checks.conclude(
        exercise, [paper.cases[index] for index in paper.order], [paper.expected[index] for index in paper.order],
        attempts,
    )
    if rest.correct:
        sentence = f"Well done: right on all {everything} inputs. {exercise.after}".strip()
        return Result(exercise, "correct", sentence, (), seen.remarks, everything, everything)
    right = set(range(len(paper.public)))
    wrong = set()
    for index, attempt in zip(order, attempts, strict=True):
        alone = checks.conclude(exercise, [paper.cases[index]], [paper.expected[index]], [attempt])
        (right if alone.correct else wrong).add(index)
    passed = len(right - wrong)
    twice = wrong & right
    if rest.status == "misconception":
        sentence = rest.sentence
    elif rest.status == "timeout":
        sentence = (
            "Right on the inputs that the notebook's check tries; on others it gives no answer within "
            f"{exercise.time_limit:g} seconds."
        )
    elif twice and rest.status == "values":
        sentence = TWO_ANSWERS
    else:
        sentence = (
            f"Right on the inputs that the notebook's check tries, but on {passed} of {everything} in all. Does it "
            "treat some inputs in a special way, or is a case missing?"
        )
    return Result(exercise, rest.status, sentence, (), seen.remarks, passed, everything, rest.misconception)


def _hash(answers: list[Plain]) -> str | None:
    """Equal for answers that are equal to six digits."""
    if not answers:
        return None
    digest = hashlib.sha256()
    for answer in answers:
        for part in parts(answer):
            digest.update(f"{part.dtype.kind}{part.shape}".encode())
            flat = part.ravel()
            if part.dtype.kind == "f":
                digest.update(" ".join(f"{float(number) + 0.0:.6g}" for number in flat[:10_000]).encode())
            else:
                digest.update(flat.astype(np.int64).tobytes())
    return digest.hexdigest()


# Asking


class Marker:
    """Marks one notebook after the other in a jail."""

    def __init__(self, jail: Jail, limits: Limits, secret: bytes) -> None:
        self.jail, self.limits, self.secret = jail, limits, secret
        self._papers: dict[int, Paper] = {}

    def mark(
        self, notebook: Notebook, tasks: tuple[Task, ...], exercises: Mapping[str, Exercise]
    ) -> tuple[list[ExerciseResult], list[str]]:
        """Results in the order of the tasks, and notes for the student.

        First only the statements run on which an answer depends by name: figures and simulations take nearly all
        of a notebook's time, and most answers need none of them. Whoever is not right by that is judged again
        after all cells have run, so that this saves time and never costs a point.

        Raises:
            JailError: when the grader itself is in trouble.
        """
        papers = {task: self._paper(exercises[task.id]) for task in tasks}
        sitting = _Sitting(self, notebook, papers)
        sitting.run(lean=True, tasks=list(tasks))
        open_tasks = [task for task in tasks if not sitting.settled(task)]
        if open_tasks:
            sitting.run(lean=False, tasks=open_tasks)
        return [sitting.result(task) for task in tasks], sitting.notes

    def _paper(self, exercise: Exercise) -> Paper:
        # By identity: an exercise holds functions and dicts. The paper keeps it alive.
        if id(exercise) not in self._papers:
            self._papers[id(exercise)] = make_paper(exercise, self.secret)
        return self._papers[id(exercise)]


class _Sitting:
    """One notebook: the best verdict on each exercise so far."""

    def __init__(self, marker: Marker, notebook: Notebook, papers: dict[Task, Paper]) -> None:
        self.jail, self.limits = marker.jail, marker.limits
        self.notebook, self.papers = notebook, papers
        self.verdicts: dict[Task, tuple[Result, str | None]] = {}
        self.notes: list[str] = []
        self.errors: dict[int, str] = {}
        self.functions = {task.function for task in papers}

    def settled(self, task: Task) -> bool:
        """Whether running the rest of the notebook could change nothing."""
        if task not in self.verdicts:
            return False
        result = self.verdicts[task][0]
        return result.correct or result.status in ("misconception", "not attempted")

    def run(self, lean: bool, tasks: list[Task]) -> None:
        """Run the cells and have the tasks answered, in as many sessions as it takes."""
        skip: set[int] = set()
        end = time.monotonic() + 2 * self.limits.notebook_seconds
        broken: set[Task] = set()
        for _ in range(MAX_SESSIONS):
            if not tasks or time.monotonic() > end:
                break
            with self.jail.session() as channel:
                cell = None
                try:
                    protocol.send(channel, {
                        "cells": self.notebook.cells, "names": sorted(self.functions), "lean": lean,
                        "skip": sorted(skip), "cell_seconds": self.limits.cell_seconds,
                        "notebook_seconds": self.limits.notebook_seconds,
                    })
                    self._started(channel)
                    while "at" in (header := self._hear(channel)):
                        cell = header["at"]
                    candidates = self._candidates(header)
                except protocol.ProtocolError:
                    if type(cell) is not int or cell in skip or not 0 <= cell < len(self.notebook.cells):
                        break
                    skip.add(cell)
                    reason = self.jail.reason() or "it was ended before it was done"
                    self.errors[cell] = f"the cell was left out: {reason}"
                    continue
                tasks = self._ask_all(channel, tasks, candidates, lean, broken)
        for task in tasks:  # no session lived long enough
            self.keep(task, self._died(task, "The notebook was stopped before this exercise could be tried."), None)

    def _started(self, channel: Any) -> None:
        """Until here only the course's own code runs in a session."""
        try:
            protocol.receive(channel, _START)
        except protocol.ProtocolError as error:
            raise JailError(f"a session did not start ({self.jail.reason() or error})") from error

    def _hear(self, channel: Any) -> dict:
        return protocol.receive(channel, self.limits.cell_seconds + _GRACE)[0]

    def _candidates(self, header: dict) -> dict[Task, list[list[str]]]:
        """For each task the moments of the notebook at which it can be asked, the most telling first.

        That is its check, where the student saw the verdict; a check of the same name under another number, as
        in an older release; a check of this number with a function renamed by the student; and the last complete
        definition in the notebook.
        """
        try:
            snapshots = [(str(id), str(name)) for id, name in header["snapshots"]]
            defined = {str(name) for name in header["defined"]}
            self.errors |= {int(cell): clean(str(error), 200) for cell, error in header["errors"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise protocol.ProtocolError("a report of no known form") from error
        found: dict[Task, list[list[str]]] = {}
        for task in self.papers:
            named = [key for key in snapshots if key[1] == task.function]
            renamed = [key for key in snapshots if key[0] == task.id and key[1] not in self.functions]
            keys = sorted(named, key=lambda key: key[0] != task.id)[:1] + renamed[:1]
            if task.function in defined:
                keys.append(("", task.function))
            found[task] = [list(key) for key in keys]
        return found

    def _ask_all(
        self, channel: Any, tasks: list[Task], candidates: dict, lean: bool, broken: set[Task]
    ) -> list[Task]:
        """Ask one after the other; returns those that need another session."""
        open_tasks = []
        for number, task in enumerate(tasks):
            if not candidates[task] and not lean:
                self.keep(task, self._missing(task), None)
            for key in candidates[task]:
                try:
                    ended = self._ask(channel, task, key, lean)
                except protocol.ProtocolError:  # the session itself is gone
                    if task in broken:
                        self.keep(task, self._died(task, "Your function ended the program that it runs in."), None)
                        return open_tasks + tasks[number + 1 :]
                    broken.add(task)
                    return open_tasks + tasks[number:]
                if ended == "died" and task not in broken:
                    # Perhaps another exercise has killed the process that should have answered.
                    broken.add(task)
                    open_tasks.append(task)
                    break
                if ended == "died":
                    self.keep(task, self._died(task, "Your function ended the program that it runs in."), None)
                if self.verdicts[task][0].correct:
                    break
        return open_tasks

    def _ask(self, channel: Any, task: Task, key: list[str], lean: bool) -> str:
        paper, body = self.papers[task], []
        exercise = paper.exercise
        limit = exercise.time_limit * (min(1.0, self.limits.patience) if lean else self.limits.patience)
        rest = len(paper.order) / len(paper.public) * limit
        header = {
            "key": key, "cases": protocol.encode(paper.asked, body), "probe": protocol.encode(exercise.probe, body),
            "parts": [[len(paper.public), limit], [len(paper.order), rest]], "seconds": limit + rest + 2,
        }
        protocol.send(channel, header, body)
        header, answers = protocol.receive(channel, limit + rest + 2 + _GRACE)
        ended = header.get("ended")
        if ended == "timeout":
            late = checks.conclude(exercise, paper.public, paper.expected[: len(paper.public)], [Attempt("timeout")])
            self.keep(task, Result(exercise, "timeout", late.sentence.replace("; it was busy with this input", "")),
                      None)
        elif ended:
            return "died"
        else:
            try:
                self.keep(task, *judge(paper, header.get("reply"), answers))
            except protocol.ProtocolError:
                self.keep(task, self._died(task, "What came back from your function could not be read."), None)
        return ""

    def keep(self, task: Task, result: Result, answer: str | None) -> None:
        """Keep a verdict that is better than the one before."""

        def rank(result: Result) -> tuple:
            return result.status != "not attempted", result.passed, LADDER.index(result.status)

        if task not in self.verdicts or rank(result) >= rank(self.verdicts[task][0]):
            self.verdicts[task] = result, answer

    def _died(self, task: Task, sentence: str) -> Result:
        return Result(self.papers[task].exercise, "error", sentence)

    def _missing(self, task: Task) -> Result:
        sentence = f"The notebook defines no function `{task.function}`."
        for cell, error in sorted(self.errors.items()):
            if 0 <= cell < len(self.notebook.cells) and f"def {task.function}" in self.notebook.cells[cell]:
                sentence = f"The cell that should define `{task.function}` does not run: {error}"
        return Result(self.papers[task].exercise, "not attempted", sentence)

    def result(self, task: Task) -> ExerciseResult:
        result, answer = self.verdicts[task]
        exercise = result.exercise
        return ExerciseResult(
            exercise.id, exercise.title, result.points, exercise.points, result.status, result.sentence,
            tuple((str(label), str(text)) for label, text in result.rows), result.remarks, result.misconception,
            result.passed, result.tried, answer,
        )
