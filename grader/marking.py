"""From a notebook to marks: the questions asked of a student's process, and the verdict on its answers.

The verdict is reached here, where the student's code never runs. All exercises are first tried on the inputs of
the notebook's own check, which the student can see, and all that a student may read later comes from this round.
Those that pass it are then tried on hidden inputs, some of them twice. The first hidden input of a notebook is sent
when the last public round of all its exercises is over, and from then on nothing is shown of what any process says.
Another notebook, also one handed in again, is tried on other hidden inputs.

Cells of the chapter's own that take long, a simulation or a figure, are left out where nothing that the student wrote
mentions what they bind: a class of a thousand would otherwise wait hours (Chapter 4 takes 40 s, with this 0.4 s).
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import hmac
import pickle
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from course_staff.cells import bound, imported, parse
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
#: Seconds from which on a cell of the chapter's own is left out where nothing depends on it.
SLOW = 0.1
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
    if result.points and again.status == "timeout":
        result = again
    elif result.points and again.points != result.points:
        result = replace(result, status="values", sentence=TWO_ANSWERS, misconception=None, share=0.0)
    return result, answer


def judge_hidden(paper: Paper, reply: Any, body: bytes, seen: Result) -> Result:
    """The verdict of the second round on an answer that passed the first. Its words tell no hidden input."""
    if not isinstance(reply, dict) or reply.get("callable") is not True or reply.get("parameters") is not None:
        raise protocol.ProtocolError("an answer has three parts")
    exercise, everything = paper.exercise, len(paper.cases)
    attempts = read_attempts(reply, body, paper, 1)
    result = _conclude(paper, 1, attempts)
    if result.correct and seen.correct:
        sentence = f"Well done: right on all {everything} inputs. {exercise.after}".strip()
        return replace(seen, sentence=sentence, passed=everything, tried=everything)
    if seen.share and (result.correct or (result.share, result.misconception) == (seen.share, seen.misconception)):
        return seen
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
        share=result.share if seen.correct else 0.0,
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


_Candidates = dict[Task, list[list]]


class Marker:
    """Marks one notebook after the other, each in a jail that ``make_jail`` makes."""

    def __init__(self, make_jail: Callable[[], Jail], limits: Limits, secret: bytes) -> None:
        self.make_jail, self.limits, self.secret = make_jail, limits, secret
        self.slow = set[str]()  # the sources of such cells of the course as have taken long
        self.late = False  # whether something of the last notebook took too long: it may have been the machine

    def mark(
        self,
        notebook: Notebook,
        tasks: tuple[Task, ...],
        exercises: Mapping[str, Exercise],
        released: frozenset[str] = frozenset(),
    ) -> list[ExerciseResult]:
        """Results in the order of the tasks; ``released`` are the sources of the cells that the class was given.

        Raises:
            JailError: when the grader itself is in trouble.
        """
        handed_in = hashlib.sha256("\0".join(notebook.cells).encode()).hexdigest()
        papers = {task: make_paper(exercises[task.id], self.secret, handed_in) for task in tasks}
        with self.make_jail() as jail:
            sitting = _Sitting(self, jail, notebook, papers, released)
            sitting.run()
        self.late = sitting.late
        return [sitting.result(task) for task in tasks]


#: With these a cell can use a variable without mentioning it: names, and attributes.
_ANY_NAME = set(
    "exec eval compile globals locals vars dir get_ipython In Out _ih _oh builtins __builtins__ __main__ .modules "
    ".user_ns ._getframe .currentframe .stack .get_objects .f_globals .__globals__ .__builtins__ .__dict__".split()
)


def _changed(source: str) -> set[str]:
    """The variables that a cell of the course binds, or whose parts it sets, or a method of which it calls."""
    tree = parse(source)
    names = {name for node in tree.body for name in bound(node)}
    for node in ast.walk(tree):
        place = None
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            place = node.value
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
        ):
            place = node.value.func
        while isinstance(place, ast.Attribute | ast.Subscript):
            place = place.value
        if isinstance(place, ast.Name):
            names.add(place.id)
    return names


class _Sitting:
    """One notebook in its jail: the best verdict on each exercise so far.

    ``passed`` are the exercises that wait for their hidden round, each with the moment of the notebook at which it was
    asked, and the verdict and the hash of its public one.
    """

    def __init__(
        self, marker: Marker, jail: Jail, notebook: Notebook, papers: dict[Task, Paper], released: frozenset[str]
    ) -> None:
        self.marker, self.jail, self.limits = marker, jail, marker.limits
        self.notebook, self.papers, self.released = notebook, papers, released
        self.functions = {task.function for task in papers}
        self.questions, self.late = 0, False
        # One for all that a notebook takes, however it goes about it.
        self.end = time.monotonic() + UNIT_RUNS * self.limits.notebook_seconds
        self.open, self.channel = contextlib.ExitStack(), None
        self.begin(set())

    def begin(self, skip: set[int]) -> None:
        self.open.close()
        self.channel, self.skip = None, {*skip}
        self.verdicts: dict[Task, tuple[Result, str | None]] = {}
        self.passed: dict[Task, tuple[list, Result, str | None]] = {}
        self.stopped: dict[Task, tuple[str, str]] = {}
        self.errors: dict[int, str] = {}
        self.candidates: _Candidates = {}

    def run(self) -> None:
        """The public round of every exercise, then the hidden one of those that passed it."""
        cells = self.notebook.cells
        left_out = {number for number, source in enumerate(cells) if source in self.marker.slow & self.released}
        with self.open:
            self.begin(left_out)
            self.round(list(self.papers), self.ask_public)
            right = {task for task, (_, result, _) in self.passed.items() if result.correct}
            if left_out and right != self.papers.keys() and self.mentioned(left_out):
                self.begin(set())
                self.round(list(self.papers), self.ask_public)
            self.round(list(self.passed), self.ask_hidden)

    def mentioned(self, left_out: set[int]) -> bool:
        """Whether what the student wrote may depend on a cell that was left out."""
        names = _ANY_NAME.union(*(_changed(self.notebook.cells[number]) for number in left_out))
        cells = zip(self.notebook.cells, self.notebook.names, strict=True)
        return any(mentions is None or names & mentions for source, mentions in cells if source not in self.released)

    def round(self, tasks: list[Task], ask: Callable[[Task], bool]) -> None:
        """Have the tasks answered in one session, and then alone those that came to no end in it."""
        for task in self.unanswered(tasks, ask):
            if self.unanswered([task], ask):
                self.keep(task, Result(self.papers[task].exercise, *self.stopped.get(task, _STOPPED)), None)
                self.passed.pop(task, None)

    def unanswered(self, tasks: list[Task], ask: Callable[[Task], bool]) -> list[Task]:
        """Ask in the session that is open, or in a new one; returns those of the tasks to which no answer came."""
        if tasks and self.channel is None:
            self.channel = self.session()
        left = [task for task in tasks if self.channel is None or not ask(task)]
        if left:  # whatever was in the way, it is not there in the next session
            self.open.close()
            self.channel = None
        return left

    def session(self) -> Any:
        """Run the cells in a new session; returns the channel to it, or None where the notebook comes to no end.

        A cell in which a session ends is left out from then on, and another session begins.
        """
        for _ in range(MAX_SESSIONS):
            if time.monotonic() > self.end:
                self.late = True
                break
            channel = self.open.enter_context(self.jail.session())
            cell = -1
            try:
                protocol.send(
                    channel,
                    {
                        "cells": self.notebook.cells,
                        "names": sorted(self.functions),
                        "skip": sorted(self.skip),
                        "cell_seconds": self.limits.cell_seconds,
                        "notebook_seconds": self.limits.notebook_seconds,
                    },
                    seconds=_START,
                )
                self.started(channel)
                for number in self.cells_run(channel):
                    cell = number
                return channel
            except protocol.ProtocolError as error:
                self.late |= isinstance(error, protocol.Late)
                self.open.close()
                if cell in self.skip or not 0 <= cell < len(self.notebook.cells):
                    break
                self.skip.add(cell)
                self.errors[cell] = f"it was left out: {self.jail.reason() or 'it was ended before it was done'}"
        return None

    def started(self, channel: Any) -> None:
        """Until here only the course's own code runs in a session."""
        try:
            protocol.receive(channel, _START)
        except protocol.ProtocolError as error:
            raise JailError(f"a session did not start ({self.jail.reason() or error})") from error

    def cells_run(self, channel: Any) -> Iterator[int]:
        """The number of each cell when it begins; what the session reports at the end is kept."""
        cell, began = None, 0.0
        ready = time.monotonic() + self.limits.notebook_seconds + _GRACE
        while True:
            left = min(self.end, ready) - time.monotonic()
            header, _ = protocol.receive(channel, min(self.limits.cell_seconds + _GRACE, left))
            source = self.notebook.cells[cell] if cell is not None else ""
            if time.monotonic() - began > SLOW and source in self.released and not _prepares(source):
                self.marker.slow.add(source)
            if "at" not in header:
                self.read_report(header)
                return
            cell, began = header["at"], time.monotonic()
            if type(cell) is not int or not 0 <= cell < len(self.notebook.cells):
                raise protocol.ProtocolError("a cell that there is not")
            yield cell

    def read_report(self, header: dict) -> None:
        """For each task the moments of the notebook at which it can be asked, the most telling first.

        That is its check, where the student saw the verdict; a check of the same name under another number, as
        in an older release; a check of this number with a function renamed by the student; and what the name stood for
        at the end, and before: an empty stub may have been pasted below the answer.
        """
        try:
            snapshots = [(str(id), str(name)) for id, name in header["snapshots"]]
            versions = {str(name): int(count) for name, count in header["versions"].items()}
            self.errors |= {int(cell): clean(str(error), 200) for cell, error in header["errors"].items()}
            self.late |= protocol.TIME_UP in self.errors.values()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise protocol.ProtocolError("a report of no known form") from error
        for task in self.papers:
            named = [key for key in snapshots if key[1] == task.function]
            renamed = [key for key in snapshots if key[0] == task.id and key[1] not in self.functions]
            keys = sorted(named, key=lambda key: key[0] != task.id)[:1] + renamed[:1]
            older = range(min(versions.get(task.function, 0), protocol.MAX_VERSIONS))[::-1]
            self.candidates[task] = [*map(list, keys), *([which, task.function] for which in older)]

    def ask_public(self, task: Task) -> bool:
        """The public round; whether an answer came."""
        answered = not self.candidates[task]
        if answered:
            self.keep(task, self.missing(task), None)
        for key in self.candidates[task]:
            reply = self.ask(task, key, 0)
            if reply is None:
                if self.stopped[task][0] == "timeout":  # which would be as long for each of the others
                    return False
                continue
            answered = True
            try:
                result, answer = judge_public(self.papers[task], *reply)
            except protocol.ProtocolError:
                result, answer = self.unreadable(task), None
            if result.points:
                self.passed[task] = key, result, answer
                break
            self.keep(task, result, answer)
        return answered

    def ask_hidden(self, task: Task) -> bool:
        """The hidden round; whether an answer came."""
        key, seen, answer = self.passed[task]
        reply = self.ask(task, key, 1)
        if reply is None:
            return False
        try:
            result = judge_hidden(self.papers[task], *reply, seen)
        except protocol.ProtocolError:
            result = self.unreadable(task)
        self.keep(task, result, answer)
        return True

    def ask(self, task: Task, key: list, round: int) -> tuple[Any, bytes] | None:
        """The reply to one round of an exercise; None where none came, and then ``stopped`` says why.

        A session that does not answer itself is not asked again.
        """
        if self.channel is None:
            return None
        paper = self.papers[task]
        indices = paper.rounds[round]
        seconds = self.limits.patience * paper.exercise.time_limit * len(indices) / paper.n_public
        self.questions += 1
        header = {"question": self.questions, "key": key, "seconds": seconds}
        body = pickle.dumps(([paper.cases[index] for index in indices], paper.exercise.probe))
        until = min(self.end, time.monotonic() + protocol.FENCE * seconds + 2 * _GRACE)
        try:
            protocol.send(self.channel, header, body, until - time.monotonic())
            header, answers = protocol.receive_reply(self.channel, self.questions, until - time.monotonic())
        except protocol.ProtocolError as error:
            self.channel = None
            header, answers = {"ended": "timeout" if isinstance(error, protocol.Late) else "died"}, b""
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

    def unreadable(self, task: Task) -> Result:
        return Result(self.papers[task].exercise, "error", "What came back from your function could not be read.")

    def missing(self, task: Task) -> Result:
        exercise = self.papers[task].exercise
        for cell, error in sorted(self.errors.items()):
            if 0 <= cell < len(self.notebook.cells) and f"def {task.function}" in self.notebook.cells[cell]:
                return Result(exercise, "error", f"The cell that should define `{task.function}` does not run: {error}")
        return Result(exercise, "not attempted", f"The notebook defines no function `{task.function}`.")

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


def _prepares(source: str) -> bool:
    """Whether a cell of the course imports what all others use, or belongs to an exercise."""
    return bool(re.search(r"^(import|from) |\bcheck\(|NotImplementedError", source, re.MULTILINE))
