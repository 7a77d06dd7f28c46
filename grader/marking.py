"""From a notebook to marks: the questions asked of a student's process, and the verdict on its answers.

The verdict is reached here, where the student's code never runs. All exercises are first tried on the inputs of
the notebook's own check, which the student can see, and all that a student may read later comes from this round.
Those that pass it are then tried on hidden inputs, some of them twice. The first hidden input of a notebook is sent
when the last public round of all its exercises is over, and from then on nothing is shown of what any process says.
Another notebook, also one handed in again, is tried on other hidden inputs.
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from course_staff.cells import imported, parse
from course_utils.desk import checks
from course_utils.desk.answers import Plain, clean, parts
from course_utils.desk.checks import LADDER, OUTCOMES, TWO_ANSWERS, Attempt, Result
from course_utils.exercises import Case, Exercise
from grader import protocol
from grader.jail import Jail, JailError, Limits
from grader.records import ExerciseResult, tidy
from grader.submissions import Notebook

#: Inputs that are tried a second time.
REPEATS = 6
#: Sessions for one run of a notebook: each restart leaves out the cell in which the last one ended.
MAX_SESSIONS = 6
#: Seconds of grace over what a session has to keep itself.
_GRACE = 5.0
#: Seconds in which a session has to start, on a busy machine.
_START = 60.0

#: Times the limit of one run that all sessions of a notebook may take.
UNIT_RUNS = 4

_STOPPED = "error", "The notebook was stopped before this exercise could be tried."


@dataclass(frozen=True)
class Task:
    """A chapter's exercise as its notebook asks for it: ``function`` is the name that the stub defines."""

    id: str
    function: str


def read_released(notebook: dict) -> tuple[tuple[Task, ...], tuple[str, ...]]:
    """The exercises of a chapter's built notebook, from its metadata, and the modules that its cells import."""
    exercises = notebook["metadata"].get("course", {}).get("exercises")
    if not exercises:
        raise ValueError(
            "a notebook to grade lists its exercises in metadata.course.exercises; "
            f"expected one at least, got {exercises!r}: run `make build`"
        )
    trees = [parse("".join(cell["source"])) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    modules = [
        module
        for tree in trees
        for _, name in imported(ast.walk(tree), "")
        for module in (name.rpartition(".")[0], name)
    ]
    tasks = tuple(Task(exercise["id"], exercise["function"]) for exercise in exercises)
    return tasks, tuple(dict.fromkeys(filter(None, modules)))


@dataclass(frozen=True)
class Paper:
    """The inputs of one exercise in two rounds, and the right answers.

    ``cases`` are the ``n_public`` ones of the notebook's check, then the hidden ones. ``rounds`` are indices into
    them: first the public ones in the notebook's order and some again; then the hidden ones and some of all
    again, in an order by chance.
    """

    exercise: Exercise
    cases: list[Case]
    expected: list[Plain]
    n_public: int
    rounds: tuple[list[int], list[int]]


def make_paper(exercise: Exercise, secret: bytes, notebook: str) -> Paper:
    """The paper of an exercise for the notebook of this hash: its hidden inputs follow from all three."""
    public = exercise.draw_cases(checks.public_seed(exercise))
    seed = int.from_bytes(hmac.digest(secret, f"inputs\0{exercise.id}\0{notebook}".encode(), "sha256"))
    cases = public + exercise.draw_cases(seed)[len(exercise.edge_cases) :]
    rng = np.random.default_rng(seed + 1)

    def some(count: int) -> list[int]:
        return rng.choice(count, size=min(REPEATS, count), replace=False).tolist()

    first = [*range(len(public)), *some(len(public))]
    second = rng.permutation([*range(len(public), len(cases)), *some(len(cases))]).tolist()
    return Paper(exercise, cases, checks.expect(exercise, cases), len(public), (first, second))


# Verdicts


def read_attempts(reply: Any, body: bytes, paper: Paper, round: int) -> list[Attempt]:
    """What a student's process says about its calls.

    Raises:
        ProtocolError: for anything but complete and well-formed attempts at the inputs of this round.
    """
    rows, count = reply["attempts"], len(paper.rounds[round])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or len(rows) > count:
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
        attempts.append(Attempt(outcome, yours, **texts, changed=tuple(n for n in paper.cases[0] if n in changed)))
    late = [number for number, attempt in enumerate(attempts) if attempt.outcome == "timeout"]
    if late != [len(attempts) - 1] and (late or len(attempts) != count):
        raise protocol.ProtocolError("answers are missing")
    return attempts


def judge_public(paper: Paper, reply: Any, body: bytes) -> tuple[Result, str | None]:
    """The verdict of the first round, as the notebook's check would put it, and a hash of the answers."""
    exercise, count = paper.exercise, paper.n_public
    if not isinstance(reply, dict) or not {"callable", "parameters", "attempts"} <= reply.keys():
        raise protocol.ProtocolError("an answer has three parts")
    if reply["callable"] is not True:
        return checks.not_callable(exercise), None
    if reply["parameters"] is not None:
        return checks.wrong_parameters(exercise, paper.cases[0], str(reply["parameters"])), None
    attempts = read_attempts(reply, body, paper, 0)
    # Without edge cases, which depend on a student's number, and repeats, which depend on the notebook.
    plain = attempts[len(exercise.edge_cases) : count]
    answer = _hash([attempt.yours for attempt in plain if attempt.yours is not None])
    second = {index: attempt.yours for index, attempt in zip(paper.rounds[0][count:], attempts[count:])}
    result = checks.conclude(exercise, paper.cases[:count], paper.expected[:count], attempts[:count], second.get)
    again = _conclude(paper, 0, attempts)
    if result.correct and again.status == "timeout":
        result = again
    elif result.correct and not again.correct:
        result = replace(result, status="values", sentence=TWO_ANSWERS)
    return result, answer


def judge_hidden(paper: Paper, reply: Any, body: bytes, seen: Result) -> Result:
    """The verdict of the second round on an answer that passed the first. Its words tell no hidden input."""
    if not isinstance(reply, dict) or reply.get("callable") is not True or reply.get("parameters") is not None:
        raise protocol.ProtocolError("an answer has three parts")
    exercise, everything = paper.exercise, len(paper.cases)
    attempts = read_attempts(reply, body, paper, 1)
    result = _conclude(paper, 1, attempts)
    if result.correct:
        sentence = f"Well done: right on all {everything} inputs. {exercise.after}".strip()
        return replace(seen, sentence=sentence, passed=everything, tried=everything)
    right, wrong = set(range(paper.n_public)), set[int]()
    for index, attempt in zip(paper.rounds[1], attempts):
        alone = checks.conclude(exercise, [paper.cases[index]], [paper.expected[index]], [attempt])
        (right if alone.correct else wrong).add(index)
    passed = len(right - wrong)
    if result.status == "misconception":
        sentence = result.sentence
    elif result.status == "timeout":
        sentence = (
            "Right on the inputs that the notebook's check tries; on others it gives no answer within "
            f"{exercise.time_limit:g} seconds."
        )
    elif right & wrong and result.status == "values":
        sentence = TWO_ANSWERS
    else:
        sentence = (
            f"Right on the inputs that the notebook's check tries, but on {passed} of {everything} in all. Does it "
            "treat some inputs in a special way, or is a case missing?"
        )
    return replace(
        seen,
        status=result.status,
        sentence=sentence,
        passed=passed,
        tried=everything,
        misconception=result.misconception,
    )


def _conclude(paper: Paper, round: int, attempts: list[Attempt]) -> Result:
    indices = paper.rounds[round]
    return checks.conclude(
        paper.exercise,
        [paper.cases[index] for index in indices],
        [paper.expected[index] for index in indices],
        attempts,
    )


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


_Candidates = dict[Task, list[list[str]]]
_Ask = Callable[[Any, list[Task], _Candidates, bool], list[Task]]


class Marker:
    """Marks one notebook after the other in a jail."""

    def __init__(self, jail: Jail, limits: Limits, secret: bytes) -> None:
        self.jail, self.limits, self.secret = jail, limits, secret

    def mark(
        self, notebook: Notebook, tasks: tuple[Task, ...], exercises: Mapping[str, Exercise], untouched: bool = False
    ) -> list[ExerciseResult]:
        """Results in the order of the tasks; ``untouched`` is a notebook in whose cells nothing was written.

        First only the statements run on which an answer depends by name: figures and simulations take nearly all
        of a notebook's time, and most answers need none of them. Whoever is not right by that is judged again
        after all cells have run (unless nothing was written), so that this saves time and never costs a point.

        Raises:
            JailError: when the grader itself is in trouble.
        """
        handed_in = hashlib.sha256("\0".join(notebook.cells).encode()).hexdigest()
        papers = {task: make_paper(exercises[task.id], self.secret, handed_in) for task in tasks}
        sitting = _Sitting(self, notebook, papers)
        sitting.run(untouched)
        return [sitting.result(task) for task in tasks]


class _Passed(NamedTuple):
    """A public round that came out: in which run of the notebook, at which of its moments, and the verdict."""

    lean: bool
    key: list[str]
    result: Result
    answer: str | None


class _Sitting:
    """One notebook: the best verdict on each exercise so far.

    ``open`` are the exercises whose public round is not over, ``passed`` those that wait for their hidden one.
    """

    def __init__(self, marker: Marker, notebook: Notebook, papers: dict[Task, Paper]) -> None:
        self.jail, self.limits = marker.jail, marker.limits
        self.notebook, self.papers = notebook, papers
        self.verdicts: dict[Task, tuple[Result, str | None]] = {}
        self.errors: dict[int, str] = {}
        self.questions = 0
        self.stopped: dict[Task, tuple[str, str]] = {}
        self.functions = {task.function for task in papers}
        self.open, self.passed = list(papers), dict[Task, _Passed]()
        self.skip: dict[bool, set[int]] = {True: set(), False: set()}
        # One for all that a notebook takes, however it goes about it.
        self.end = time.monotonic() + UNIT_RUNS * self.limits.notebook_seconds

    def run(self, untouched: bool) -> None:
        """Public rounds in a lean run and, of those not right, in a full one; then the hidden rounds."""
        self.all_of(self.open, True, self._ask_public)
        if not (untouched and self.verdicts.keys() | self.passed.keys() == self.papers.keys()):
            self.all_of(self.open, False, self._ask_public)
        for lean in (True, False):
            self.all_of([task for task, passed in self.passed.items() if passed.lean == lean], lean, self._ask_hidden)

    def all_of(self, tasks: list[Task], lean: bool, ask: _Ask) -> None:
        """Have the tasks answered in one session, and then alone those that came to no end in it."""
        for task in self._session(lean, list(tasks), ask) if tasks else []:
            if self._session(lean, [task], ask) and (ask == self._ask_hidden or not lean):
                self.keep(task, Result(self.papers[task].exercise, *self.stopped.get(task, _STOPPED)), None)
                self.passed.pop(task, None)
        if not lean and ask == self._ask_public:
            self.open = []

    def _session(self, lean: bool, tasks: list[Task], ask: _Ask) -> list[Task]:
        """Run the cells and ask; returns the tasks to which no answer came, for whatever reason.

        A cell in which a session ends is left out from then on, and another session begins.
        """
        skip = self.skip[lean]
        for _ in range(MAX_SESSIONS):
            if time.monotonic() > self.end:
                break
            with self.jail.session() as channel:
                cell = None
                try:
                    protocol.send(
                        channel,
                        {
                            "cells": self.notebook.cells,
                            "names": sorted(self.functions),
                            "asked": [name for task in tasks for name in (task.id, task.function)],
                            "lean": lean,
                            "skip": sorted(skip),
                            "cell_seconds": self.limits.cell_seconds,
                            "notebook_seconds": self.limits.notebook_seconds,
                        },
                        seconds=_START,
                    )
                    self._started(channel)
                    ready = min(self.end, time.monotonic() + self.limits.notebook_seconds + _GRACE)
                    while "at" in (header := self._hear(channel, ready)):
                        cell = header["at"]
                    candidates = self._candidates(header)
                except protocol.ProtocolError:
                    if type(cell) is not int or cell in skip or not 0 <= cell < len(self.notebook.cells):
                        break
                    skip.add(cell)
                    reason = self.jail.reason() or "it was ended before it was done"
                    self.errors[cell] = f"it was left out: {reason}"
                    continue
                return ask(channel, tasks, candidates, lean)
        return tasks

    def _started(self, channel: Any) -> None:
        """Until here only the course's own code runs in a session."""
        try:
            protocol.receive(channel, _START)
        except protocol.ProtocolError as error:
            raise JailError(f"a session did not start ({self.jail.reason() or error})") from error

    def _hear(self, channel: Any, ready: float) -> dict:
        left = ready - time.monotonic()
        return protocol.receive(channel, min(self.limits.cell_seconds + _GRACE, left))[0]

    def _candidates(self, header: dict) -> _Candidates:
        """For each task the moments of the notebook at which it can be asked, the most telling first.

        That is its check, where the student saw the verdict; a check of the same name under another number, as
        in an older release; a check of this number with a function renamed by the student; and the last complete
        definition in the notebook.
        """
        try:
            snapshots = [(str(id), str(name)) for id, name in header["snapshots"]]
            complete, defined = ({str(name) for name in header[key]} for key in ("complete", "defined"))
            self.errors |= {int(cell): clean(str(error), 200) for cell, error in header["errors"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise protocol.ProtocolError("a report of no known form") from error
        found: _Candidates = {}
        for task in self.papers:
            named = [key for key in snapshots if key[1] == task.function]
            renamed = [key for key in snapshots if key[0] == task.id and key[1] not in self.functions]
            keys = sorted(named, key=lambda key: key[0] != task.id)[:1] + renamed[:1]
            if task.function in (complete if keys else defined):  # an empty stub need not be asked twice
                keys.append(("", task.function))
            found[task] = [list(key) for key in keys]
        return found

    def _ask_public(self, channel: Any, tasks: list[Task], candidates: _Candidates, lean: bool) -> list[Task]:
        """The public rounds; returns the tasks to which no answer came. If they were the last ones, also the hidden."""
        unanswered = []
        for task in tasks:
            if not candidates[task] and not lean:
                self.keep(task, self._missing(task), None)
            for key in candidates[task]:
                reply = self._ask(channel, task, key, 0, lean)
                if reply is None:
                    unanswered.append(task)
                    break
                try:
                    result, answer = judge_public(self.papers[task], *reply)
                except protocol.ProtocolError:
                    result, answer = self._unreadable(task), None
                if result.correct:
                    self.passed[task] = _Passed(lean, key, result, answer)
                    break
                self.keep(task, result, answer)
            if task in self.passed or not lean and task not in unanswered:
                self.open.remove(task)
        if not self.open:
            here = [task for task in tasks if task in self.passed]
            self._ask_hidden(channel, here, candidates, lean)  # those without an answer get a session of their own
        return unanswered

    def _ask_hidden(self, channel: Any, tasks: list[Task], candidates: _Candidates, lean: bool) -> list[Task]:
        """The hidden rounds; returns the tasks to which no answer came."""
        unanswered = []
        for task in tasks:
            passed = self.passed[task]
            reply = self._ask(channel, task, passed.key, 1, lean)
            if reply is None:
                unanswered.append(task)
                continue
            try:
                result = judge_hidden(self.papers[task], *reply, passed.result)
            except protocol.ProtocolError:
                result = self._unreadable(task)
            self.keep(task, result, passed.answer)
            del self.passed[task]
        return unanswered

    def _ask(self, channel: Any, task: Task, key: list[str], round: int, lean: bool) -> tuple[Any, bytes] | None:
        """The reply to one round of an exercise; None where none came, and then ``stopped`` says why."""
        paper = self.papers[task]
        body: list[bytes] = []
        indices = paper.rounds[round]
        # In the first, quick run an exercise has the time that it has in a notebook.
        patience = min(1.0, self.limits.patience) if lean else self.limits.patience
        seconds = patience * paper.exercise.time_limit * len(indices) / paper.n_public
        cases = protocol.encode([paper.cases[index] for index in indices], body)
        self.questions += 1
        header = {
            "question": self.questions,
            "key": key,
            "cases": cases,
            "seconds": seconds,
            "probe": protocol.encode(paper.exercise.probe, body),
        }
        until = min(self.end, time.monotonic() + seconds + 2 * _GRACE)
        try:
            protocol.send(channel, header, body, until - time.monotonic())
            header, answers = protocol.receive_reply(channel, self.questions, until - time.monotonic())
        except protocol.Late:
            header, answers = {"ended": "timeout"}, b""
        except protocol.ProtocolError:
            header, answers = {"ended": "died"}, b""
        ended = header.get("ended")
        if ended == "timeout":
            self.stopped[task] = (
                "timeout",
                f"No answer within {paper.exercise.time_limit:g} seconds, and no end either.",
            )
        elif ended:
            self.stopped[task] = "error", "Your function ended the program that it runs in."
        return None if ended else (header.get("reply"), answers)

    def keep(self, task: Task, result: Result, answer: str | None) -> None:
        """Keep a verdict that is better than the one before."""

        def rank(result: Result) -> tuple:
            return result.status != "not attempted", result.passed, LADDER.index(result.status)

        if task not in self.verdicts or rank(result) >= rank(self.verdicts[task][0]):
            self.verdicts[task] = result, answer

    def _unreadable(self, task: Task) -> Result:
        return Result(self.papers[task].exercise, "error", "What came back from your function could not be read.")

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
            exercise.id,
            exercise.title,
            tidy(result.points),
            exercise.points,
            result.status,
            result.sentence,
            tuple((str(label), str(text)) for label, text in result.rows),
            result.remarks,
            result.misconception,
            result.passed,
            result.tried,
            answer,
        )
