"""A grading run: which units are to do, each as a task of its own that writes its result itself.

A task is a plain function of picklable arguments, so that it can be sent to another process or machine. It writes its
result before it ends: whatever is killed, what was written counts, and the next run does the rest.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import multiprocessing
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path

from course_staff import fingerprint, variants
from course_utils.exercises import Exercise
from grader import reader, records
from grader.jail import Jail, JailError, Limits
from grader.marking import Marker, Task
from grader.records import GRADED, INFRASTRUCTURE_ERROR, MISSING, STUDENT_ERROR, Text, UnitResult
from grader.submissions import Handout, StudentError, Unit, digest, read_notebook

SECRET, LOCK, LOG, PRIVATE = "secret", ".lock", "log.jsonl", ".grading"

#: The key of a result in which something ran out of time beside others: it is made again alone, and then final.
NOT_FINAL = "ran out of time beside others"


@dataclass(frozen=True)
class Chapter:
    """A chapter that is graded.

    ``digest`` is a hash of what its verdicts depend on, ``handout`` what the class was given, ``modules`` what its
    notebook imports, and ``version`` that of its release.
    """

    name: str
    tasks: tuple[Task, ...]
    digest: str
    handout: Handout
    modules: tuple[str, ...] = ()
    version: str | None = None


@dataclass(frozen=True)
class Settings:
    """What every task of a run needs to know. ``course_secret`` is that of the variants, if there are any."""

    out: str
    submissions: str
    view: str
    jail: str
    secret: bytes
    chapters: dict[str, Chapter]
    course_secret: bytes | None = None
    limits: Limits = field(default_factory=Limits)


class Busy(RuntimeError):
    """Another grader works in this folder."""


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep two graders out of one folder. The lock ends with its process, however that ends.

    Raises:
        Busy: if another grader has it.
    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(out / LOCK, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"another grader is at work in {out}: wait for its end, or choose another folder") from error
        yield


def grading_secret(out: Path) -> bytes:
    """The secret from which this grading's hidden inputs are made, kept in ``out`` for its owner only."""
    path = out / SECRET
    if not path.is_file() or path.stat().st_size < 32:
        records.write_atomically(path, secrets.token_hex(32).encode())
    return path.read_bytes()


def digest_of(notebook: dict, chapter: str, with_variants: bool, root: Path) -> str:
    """A hash of what a chapter's verdicts depend on beside the submission.

    These are its exercises, what its released notebook imports of the course (by the fingerprint in its metadata), the
    grader itself, and the libraries.
    """
    names = {
        "course_utils.desk.checks",
        "course_utils.exercises.probes",
        f"course_utils.exercises.chapter_{chapter.split('_')[0]}",
    }
    if with_variants:
        names.add("course_utils.exercises.variants")
    own = [Path(__file__).parent / f"{name}.py" for name in ("marking", "protocol", "reader", "worker")]
    hashed = hashlib.sha256(str(notebook["metadata"]["course"].get("fingerprint")).encode())
    for path in [*fingerprint.files(names, root), *own]:
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    versions = {name: metadata.version(name) for name in ("numpy", "scipy", "torch")}
    hashed.update(json.dumps([platform.python_version(), versions], sort_keys=True).encode())
    return hashed.hexdigest()


def exercises_of(unit: Unit, settings: Settings) -> dict[str, Exercise]:
    """The exercises of a unit as its student was given them."""
    return _exercises(unit.student if settings.course_secret else "", unit.chapter, settings.course_secret)


# A worker of a cluster outlives a run, so the secret is part of what the exercises are remembered by.
_exercises = lru_cache(maxsize=128)(variants.exercises_for)


def key_of(unit: Unit, data: bytes | None, settings: Settings) -> str:
    """What a result depends on, hashed: a result with this key need not be made again."""
    chapter = settings.chapters[unit.chapter]
    numbers = variants.numbers_for(unit.student, unit.chapter, settings.course_secret)
    parts = [
        digest(data) if data is not None else None,
        unit.student,
        chapter.name,
        [asdict(task) for task in chapter.tasks],
        [[sorted(part) if isinstance(part, frozenset) else part for part in one] for one in chapter.handout.questions],
        chapter.digest,
        hashlib.sha256(settings.secret).hexdigest(),
        numbers,
        settings.jail,
        asdict(settings.limits),
        unit.label(Path(settings.submissions)),
        unit.notes,
        unit.problem,
        unit.unread,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def read_unit(unit: Unit) -> tuple[bytes | None, str | None]:
    """A unit's bytes, None where there are none, and what is wrong with them for the student to mend."""
    if unit.path is None:
        return None, unit.problem
    try:
        return unit.read(), None
    except StudentError as error:
        return None, str(error)


def finished(unit: Unit, settings: Settings) -> UnitResult | None:
    """The result that a unit already has, unless it is out of date or only tells of the grader's trouble."""
    path = records.path_of(Path(settings.out), unit.student, unit.chapter)
    try:
        result = records.read(path)
        data, _ = read_unit(unit)
    except (OSError, ValueError):
        return None
    current = result.key == key_of(unit, data, settings) and result.status != INFRASTRUCTURE_ERROR
    return result if current else None


# One unit


def grade_unit(unit: Unit, settings: Settings, alone: bool = True) -> UnitResult:
    """Grade one student's chapter and write the result: a task of a run, perhaps ``alone`` on its machine."""
    _log(settings, unit, "started")
    begun = time.monotonic()
    result = _blank(unit, settings)
    try:
        if unit.path is None and unit.trouble is not None:
            raise OSError(unit.trouble)
        data, problem = read_unit(unit)
        result = replace(result, key=key_of(unit, data, settings))
        if data is not None:
            result = replace(result, file=digest(data), handed_in=unit.changed)
        if problem is not None:
            result = replace(result, status=STUDENT_ERROR, problem=problem)
        elif data is not None:
            result = _graded(result, data, unit, settings, alone)
    except StudentError as error:
        result = replace(result, status=STUDENT_ERROR, problem=str(error))
    except Exception as error:  # of whatever kind: it is the grader's trouble, and no zero for the student
        kept = "" if isinstance(error, JailError) else f"{type(error).__name__}: "
        result = _in_trouble(result, f"{kept}{str(error)[:500]}")
    result = replace(result, seconds=round(time.monotonic() - begun, 3))
    records.write(Path(settings.out), result)
    _log(settings, unit, "written", status=result.status, key=result.key[:16])
    return result


def _blank(unit: Unit, settings: Settings) -> UnitResult:
    """The result of a unit of which nothing was handed in."""
    exercises = exercises_of(unit, settings)
    return UnitResult(
        key="",
        student=unit.student,
        chapter=unit.chapter,
        status=MISSING,
        jail=settings.jail,
        points=0,
        max_points=sum(exercises[task.id].points for task in settings.chapters[unit.chapter].tasks),
        notes=unit.notes,
        problem=_nothing(unit),
        submission=unit.label(Path(settings.submissions)),
        written=tuple(Text(one.id, one.title, one.points) for one in settings.chapters[unit.chapter].handout.questions),
    )


def _nothing(unit: Unit) -> str:
    if not unit.unread:
        return "Nothing was handed in."
    return f"Nothing was handed in for this chapter. Found and not read: {'; '.join(unit.unread[:20])}."


def _in_trouble(result: UnitResult, why: str) -> UnitResult:
    problem = f"The grader had a problem of its own ({why})."
    return replace(result, status=INFRASTRUCTURE_ERROR, points=None, problem=problem)


def _graded(result: UnitResult, data: bytes, unit: Unit, settings: Settings, alone: bool) -> UnitResult:
    notebook, chapter = read_notebook(data), settings.chapters[unit.chapter]
    notes = [*result.notes]
    if chapter.version and notebook.version and notebook.version != chapter.version:
        notes.append(
            "The notebook was made from another release of the chapter: exercises count where they still exist "
            "under the same name."
        )
    taken = reader.collect(notebook.texts, chapter.handout.questions)
    texts = tuple(replace(one, text=taken[one.id][0], note=taken[one.id][1]) for one in result.written)
    notes += [one.note for one in texts if one.note]
    result = replace(result, written=texts)
    numbers = variants.numbers_for(result.student, result.chapter, settings.course_secret)
    said = {id: notebook.variant[id] for id in numbers if id in notebook.variant}
    said = {id: value for id, value in said.items() if type(value) in (int, float) and abs(value) < 1e9}
    if notebook.variant and notebook.variant != numbers:
        result = replace(result, numbers=tuple(said.items()))
        notes.append(
            "The notebook says other numbers than this student was given, as if it had been made for somebody else: "
            "the student's own numbers count."
        )
    marker, exercises = _marker(settings, chapter), exercises_of(unit, settings)
    marked = tuple(marker.mark(notebook, chapter.tasks, exercises, chapter.handout.cells))
    points = sum(exercise.points or 0 for exercise in marked)
    if points < result.max_points and not alone and (marker.late or any(one.status == "timeout" for one in marked)):
        result = replace(result, key=NOT_FINAL)
    return replace(result, status=GRADED, points=points, exercises=marked, notes=tuple(notes), problem=None)


_MARKERS: dict[tuple, Marker] = {}


def _marker(settings: Settings, chapter: Chapter) -> Marker:
    """The marker of a chapter in this process: it learns which cells of the chapter take long."""
    made_for = settings.view, settings.jail, settings.limits, settings.secret, chapter.name, chapter.digest
    if made_for not in _MARKERS:
        hidden = (Path(settings.submissions), Path(settings.out))
        make = partial(Jail, settings.jail, Path(settings.view), settings.limits, hidden, chapter.modules)
        _MARKERS[made_for] = Marker(make, settings.limits, settings.secret)
    return _MARKERS[made_for]


def _log(settings: Settings, unit: Unit, event: str, **more: str) -> None:
    """A line in the run's log; lines of several processes do not mix."""
    line = {"event": event, "student": unit.student, "chapter": unit.chapter, "time": round(time.time(), 3), **more}
    descriptor = os.open(Path(settings.out) / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
    finally:
        os.close(descriptor)


def _die_with(parent: int) -> None:
    """End this process when the grader that started it is gone, however it went: called first in each."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)  # bubblewrap then ends the jail

    threading.Thread(target=watch, daemon=True).start()


# All units


def run(
    units: list[Unit],
    settings: Settings,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    retries: int = 2,
    done: Callable[[UnitResult], None] = lambda result: None,
) -> dict[tuple[str, str], UnitResult]:
    """Grade the units; (student, chapter) → result.

    In ``jobs`` processes here, or by the workers of the Dask scheduler at this address, which need to see the same
    folders. A unit is tried again, ``retries`` times, when the grader was in trouble, and once more alone when an
    exercise or a cell has run out of time beside others. ``done`` gets each unit's result once.

    Raises:
        ValueError: if there is no such scheduler.
    """
    results: dict[tuple[str, str], UnitResult] = {}
    left = list(units)
    for attempt in range(1 + retries):
        if not left:
            break
        last, trouble = attempt == retries, ""
        with _pool(min(jobs, len(left)), scheduler) as pool:
            try:
                for result in _all(left, settings, pool):
                    results[result.student, result.chapter] = result
                    if result.status != INFRASTRUCTURE_ERROR or last:
                        done(result)
            except Exception as error:  # a worker was killed, say; what it had written counts
                trouble = f"{type(error).__name__}: {error}"[:500]
        for unit in left:
            if (unit.student, unit.chapter) in results:
                continue
            written = finished(unit, settings)
            if written is None and trouble and last:
                written = _in_trouble(_blank(unit, settings), trouble)
                records.write(Path(settings.out), written)
            if written is not None:
                results[unit.student, unit.chapter] = written
                done(written)
        left = [unit for unit in left if _open(results.get((unit.student, unit.chapter)))]
    late = [unit for unit in units if (unit.student, unit.chapter) in results]
    late = [unit for unit in late if results[unit.student, unit.chapter].key == NOT_FINAL]
    with _pool(1, scheduler if late else None) as pool:
        for unit in late:
            [result] = _all([unit], settings, pool, alone=True)
            results[unit.student, unit.chapter] = result
    return results


def _open(result: UnitResult | None) -> bool:
    return result is None or result.status == INFRASTRUCTURE_ERROR


def _all(units: list[Unit], settings: Settings, pool: Executor | None, alone: bool = False) -> Iterator[UnitResult]:
    """The results of the units as they come; without a pool made here, one after the other."""
    if pool is None:
        yield from (grade_unit(unit, settings) for unit in units)
        return
    chapters = {name: replace(settings, chapters={name: chapter}) for name, chapter in settings.chapters.items()}
    for future in as_completed([pool.submit(grade_unit, unit, chapters[unit.chapter], alone) for unit in units]):
        yield future.result()


@contextlib.contextmanager
def _pool(jobs: int, scheduler: str | None) -> Iterator[Executor | None]:
    """What runs tasks, None for this process alone; what is left undone when the context is left is given up."""
    if scheduler is not None:
        from distributed import Client

        try:
            client = Client(scheduler, timeout=20)
        except (OSError, ValueError, TypeError) as error:  # TypeError: of keys for TLS that are missing
            raise ValueError(f"no Dask scheduler answers at {scheduler}: {error}") from error
        with client:
            yield client.get_executor()
    elif jobs == 1:
        yield None
    else:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")  # a core for each process
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(jobs, context, _die_with, (os.getpid(),))
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():  # after Ctrl-C they are still at it
                process.kill()
                process.join()
