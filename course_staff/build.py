"""Make the notebooks, the ledger and the plan for lecturers: ``python -m course_staff.build [NAMES]``.

``solutions/NN_name.md`` becomes ``solutions/NN_name.ipynb`` and ``notebooks/NN_name.ipynb``, both executed.
Only what changed is built, and where only words changed (text, comments, metadata) the outputs are kept and
nothing is executed; ``--force`` executes everything; ``--check`` executes nothing and names what does not match
its source.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from course_staff import fingerprint, lecture_plan, ledger
from course_staff.files import write_whole
from course_staff.source import NOTEBOOKS, SOLUTIONS, BuildError, Chapter, code_cells, first_line, read_chapter, sources

ROOT = Path(__file__).resolve().parent.parent
MEND = "make build"
PARALLEL = 2


class Drift(NamedTuple):
    """A generated file that does not match its source: which, and why in one phrase."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def build(
    root: Path = ROOT,
    names: list[str] | None = None,
    *,
    force: bool = False,
    exercises: Mapping | None = None,
    say: Callable[[str], None] = print,
) -> list[str]:
    """Build the chapters that changed, then the ledger and the plan; return the names of the chapters built.

    A chapter's notebooks are replaced together, and only after both ran from top to bottom. A chapter that
    fails leaves its files as they were and does not keep the others from being built: the BuildError, with every
    problem found, comes after all were tried. With ``force`` what is current is executed too.
    """
    problems, chapters = [], []
    for path in sources(root, names):
        try:
            chapter = read_chapter(path, root, exercises)
        except BuildError as error:
            problems += error.problems
            continue
        if force or not _is_current(chapter, root):
            chapters.append(chapter)
    built = _run(chapters, root, force, problems, say)
    if problems:
        raise BuildError(problems)
    pages = {lecture_plan.PAGE: lecture_plan.render(root, exercises)}
    try:
        pages[ledger.PAGE] = ledger.render(root)
    except ledger.LedgerError as error:
        problems += error.problems
    for page, text in pages.items():
        if text is not None and _read(root / page) != text:
            write_whole(root / page, text)
            say(f"{page} written")
    if problems:
        raise BuildError(problems)
    return built


def check(root: Path = ROOT, names: list[str] | None = None, *, exercises: Mapping | None = None) -> list[Drift]:
    """What does not match its source, without executing anything; empty when all is current.

    Compares sources, ids, metadata and fingerprints, and the layout of the files; whether the outputs repeat
    is for nbval to say. Without ``names`` also reports notebooks that have no source, and a stale ledger or
    plan.
    """
    drifts, expected = [], set()
    for path in sources(root, names):
        expected |= {f"{folder}/{path.stem}.ipynb" for folder in (SOLUTIONS, NOTEBOOKS)}
        try:
            chapter = read_chapter(path, root, exercises)
        except BuildError as error:
            drifts += [Drift(*problem.split(": ", 1)) for problem in error.problems]
            continue
        for file, notebook in chapter.notebooks().items():
            why = _difference(notebook, root / file)
            if why:
                drifts.append(Drift(file, why))
    if names:
        return drifts
    for folder in (SOLUTIONS, NOTEBOOKS):
        for path in sorted((root / folder).glob("*.ipynb")):
            file = f"{folder}/{path.name}"
            if file not in expected:
                drifts.append(Drift(file, f"has no source {SOLUTIONS}/{path.stem}.md; delete it or write that"))
    try:
        text = ledger.render(root)
        if text is not None and _read(root / ledger.PAGE) != text:
            drifts.append(Drift(ledger.PAGE, "is not what the executed solutions say"))
    except ledger.LedgerError as error:
        drifts += [Drift(ledger.LIST, problem) for problem in error.problems]
    plan = lecture_plan.render(root, exercises)
    if plan is not None and _read(root / lecture_plan.PAGE) != plan:
        drifts.append(Drift(lecture_plan.PAGE, "is not what the chapters' slides, notes and exercises say"))
    return drifts


def _run(
    chapters: list[Chapter], root: Path, force: bool, problems: list[str], say: Callable[[str], None]
) -> list[str]:
    """Execute the chapters' notebooks that need it, some at a time, and write each chapter that succeeds."""
    built, tasks = [], []
    done: dict[str, dict[str, str]] = {chapter.name: {} for chapter in chapters}

    def finish(chapter: Chapter, file: str, text: str | None) -> None:
        if text is not None:
            done[chapter.name][file] = text
        if len(done[chapter.name]) == 2:
            for name, content in done[chapter.name].items():
                write_whole(root / name, content)
            built.append(chapter.name)

    for chapter in chapters:
        for file, notebook in chapter.notebooks().items():
            kept = None if force else _with_outputs_of(root / file, notebook)
            if kept:
                say(f"{file}  outputs kept")
                finish(chapter, file, kept)
            else:
                tasks.append((chapter, file, nbformat.writes(notebook)))
    if not tasks:
        return sorted(built)
    pool = ProcessPoolExecutor(min(PARALLEL, len(tasks)), mp_context=worker_context())
    try:
        futures = {pool.submit(_execute, text, file, str(root)): (chapter, file) for chapter, file, text in tasks}
        for count, future in enumerate(as_completed(futures), 1):
            chapter, file = futures[future]
            text, failures, seconds = future.result()
            say(f"[{count}/{len(tasks)}] {file}  {'FAILED  ' if failures else ''}{seconds:.1f} s")
            problems += failures
            finish(chapter, file, text)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return sorted(built)


def worker_context() -> multiprocessing.context.BaseContext:
    """How to start workers: not as a copy of this process, whose threads they would lose."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # They take two seconds to import: once for all workers.
    context.set_forkserver_preload(["nbclient", "course_staff.execute"])
    return context


def _execute(text: str, file: str, root: str) -> tuple[str | None, list[str], float]:
    """In a worker process: the executed notebook as text, or None and why not; and the seconds it took."""
    from course_staff.execute import execute

    start = time.perf_counter()
    notebook = nbformat.reads(text, as_version=4)
    try:
        execute(notebook, (Path(root) / file).parent, Path(root), file)
        result, failures = _serialise(notebook), []
    except BuildError as error:
        result, failures = None, error.problems
    return result, failures, time.perf_counter() - start


def _serialise(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _is_current(chapter: Chapter, root: Path) -> bool:
    return not any(_difference(notebook, root / file) for file, notebook in chapter.notebooks().items())


def _with_outputs_of(path: Path, notebook: NotebookNode) -> str | None:
    """The notebook as text, with the outputs that its file holds; None where its cells have to run for them."""
    text = _read(path)
    try:
        actual = nbformat.reader.reads(text or "")
        ran = actual.metadata["course"]["fingerprint"]
    except Exception:  # nbformat raises whatever its parts raise
        return None
    mine, theirs = code_cells(notebook.cells), code_cells(actual.cells)
    same = list(map(fingerprint.of_cell, mine)) == list(map(fingerprint.of_cell, theirs))
    counts = [cell.execution_count for cell in theirs]
    if ran != notebook.metadata["course"]["fingerprint"] or not same or counts != list(range(1, len(mine) + 1)):
        return None
    return _serialise(_filled(notebook, theirs))


def _filled(notebook: NotebookNode, executed: list[NotebookNode]) -> NotebookNode:
    """The notebook with the outputs of these code cells."""
    filled = nbformat.from_dict(notebook)
    for count, (cell, other) in enumerate(zip(code_cells(filled.cells), executed, strict=True), 1):
        cell.outputs, cell.execution_count = other.outputs, count
    return filled


def _difference(expected: NotebookNode, path: Path) -> str | None:
    """Why the file is not this notebook with some outputs; None if it is."""
    text = _read(path)
    if text is None:
        return "is missing"
    try:
        actual = nbformat.reader.reads(text)  # not validated: whatever is not as the build writes it is told below
        actual.cells  # noqa: B018, which a notebook of format 3 has not
    except Exception as error:  # nbformat raises whatever its parts raise
        return f"is not a notebook ({type(error).__name__})"
    was, now = actual.metadata.get("course", {}), expected.metadata["course"]
    rewritten, outdated = (was.get(key) != now[key] for key in ("source", "fingerprint"))
    cells = _first_different_cell(expected, actual)
    if cells:
        why = "was built from another version of its source" if rewritten or outdated else "was edited by hand"
        return f"{why} ({cells})"
    if rewritten or outdated:
        what = "its source" if rewritten else "a module, exercise or claim that it uses"
        return f"was built from another version of {what}"
    if actual.metadata != expected.metadata:
        keys = actual.metadata.keys() | expected.metadata.keys()
        changed = sorted(key for key in keys if actual.metadata.get(key) != expected.metadata.get(key))
        return f"was edited by hand (notebook metadata: {', '.join(changed)})"
    executed = code_cells(actual.cells)
    for count, cell in enumerate(executed, 1):
        if cell.execution_count != count:
            number = actual.cells.index(cell) + 1
            return f"was executed or cleared by hand (cell {number}, {first_line(cell)!r})"
    same = nbformat.v4.writes(_filled(expected, executed)) + "\n" == text
    return None if same else "is laid out otherwise than the build writes it"


def _first_different_cell(expected: NotebookNode, actual: NotebookNode) -> str | None:
    for number, (mine, other) in enumerate(zip(expected.cells, actual.cells, strict=False), 1):
        for key in ("cell_type", "source", "metadata", "id"):
            if mine.get(key) != other.get(key):
                return f"{key} of cell {number}, {first_line(mine)!r}"
    if len(expected.cells) != len(actual.cells):
        return f"{len(actual.cells)} cells instead of {len(expected.cells)}"
    return None


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course_staff.build", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help='"01" or "01_taylor_bounds"; default: all')
    parser.add_argument("--check", action="store_true", help="execute nothing; name what is not current")
    parser.add_argument("--force", action="store_true", help="execute also what is current")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    try:
        if args.check:
            drifts = check(args.root, args.names)
            for drift in drifts:
                print(drift, file=sys.stderr)
            if drifts:
                print(f"{len(drifts)} to mend: run `{MEND}`", file=sys.stderr)
            else:
                print("Every generated file matches its source.")
            return bool(drifts)
        built = build(args.root, args.names, force=args.force, say=lambda line: print(line, flush=True))
        done = f"Built {', '.join(built)}." if built else "Nothing to build: every notebook matches its source."
        print(done)
        return 0
    except BuildError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print(f"{len(error.problems)} to mend; the files concerned were left as they were.", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"Interrupted; every file is whole. `{MEND}` goes on where this stopped.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
