"""Grade what a class has handed in::

    python -m grader SUBMISSIONS --roster roster.csv --out grades/

Every student of the roster gets a result for every chapter, written to ``grades/results/`` as soon as it is
known; then come feedback, a class report and tables. Run the same command again after an interruption or when
more comes in: what is graded stays, the rest is done. The students' cells run in a jail that bubblewrap makes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from course_staff import variants
from course_staff.release import read_manifest
from course_staff.roster import read_roster
from course_staff.source import NOTEBOOKS, part, sources
from course_utils.desk.answers import clean
from grader import adjustments, exports, reader, records, written
from grader import run as running
from grader.jail import BUBBLEWRAP, NONE, Limits, make_view, memory_is_walled, problem
from grader.marking import read_released
from grader.records import INFRASTRUCTURE_ERROR, UnitResult
from grader.submissions import Handout, find

ROOT = Path(__file__).resolve().parents[1]

#: Exit codes: something was not graded; the command could not be carried out.
UNGRADED, UNUSABLE = 1, 2


def chapters(
    names: list[str] | None, release: Path | None, with_variants: bool = False, root: Path = ROOT
) -> dict[str, running.Chapter]:
    """The chapters to grade, by default all, or those of the release, as the course's own notebooks ask for them."""
    if release is not None:
        listed = [chapter["name"] for chapter in read_manifest(release)["chapters"]]
        called = {one: (one, part(one), part(one)[:2]) for one in listed}
        missing = [name for name in names or [] if not any(name in words for words in called.values())]
        if missing:
            raise ValueError(f"the release {release} has no chapter {', '.join(missing)}; it has {', '.join(listed)}")
        names = [one for one in listed if not names or {*called[one]} & {*names}]
    found = {}
    for source in sources(root, names):
        notebook = root / NOTEBOOKS / f"{source.stem}.ipynb"
        if not notebook.is_file():
            raise ValueError(f"the chapter {source.stem} is not built: there is no {NOTEBOOKS}/{notebook.name}")
        content = json.loads(notebook.read_text(encoding="utf-8"))
        tasks, modules = read_released(content)
        cells = ("".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code")
        found[source.stem] = running.Chapter(
            source.stem,
            tasks,
            running.digest_of(content, source.stem, with_variants, root),
            Handout(frozenset(task.id for task in tasks), frozenset(cells), reader.questions(content)),
            modules,
            content["metadata"]["course"].get("version"),
        )
    return found


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="grader",
        description=__doc__.split("\n\n")[0].rstrip(":"),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help="folder with <student>/NN_name.ipynb, <student>.zip, or nbgrader's submitted/",
    )
    made.add_argument("--roster", type=Path, required=True, help="CSV file with a column student_id; name, email")
    made.add_argument("--out", type=Path, required=True, help="folder for results and reports; kept between runs")
    made.add_argument("--chapter", nargs="+", metavar="NN", help="chapters to grade, of the release or of all")
    made.add_argument("--release", type=Path, help="the folder made by course_staff.release: grade its chapters")
    made.add_argument("--secret-file", type=Path, help="the secret that the release's variants were made with")
    made.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at one time")
    made.add_argument("--scheduler", metavar="ADDRESS", help="grade on a Dask cluster that sees the same folders")
    made.add_argument(
        "--jail",
        choices=(BUBBLEWRAP, NONE),
        default=BUBBLEWRAP,
        help="none: run the students' code with your own rights, and say so on every result",
    )
    made.add_argument("--retries", type=int, default=2, help="tries after a problem of the grader's own")
    made.add_argument("--adjustments", type=Path, metavar="FILE", help="points by hand, deadlines, extensions")
    made.add_argument("--anonymous", action="store_true", help="pages and tables under pseudonyms, and a key to them")
    made.add_argument("--only-reports", action="store_true", help="make feedback and reports of what is graded")
    limits, default = made.add_argument_group("limits for each submission"), Limits()
    for option, start, unit, words in (
        ("--cell-seconds", default.cell_seconds, "S", "for one cell"),
        ("--notebook-seconds", default.notebook_seconds, "S", "for all cells of a notebook"),
        ("--patience", default.patience, "X", "times the time that an exercise's check gives in a notebook"),
        ("--memory", default.memory / 2**30, "GIB", "all processes of a submission together"),
    ):
        limits.add_argument(option, type=float, default=start, metavar=unit, help=words)
    return made


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns 0, 1 when something could not be graded, 2 when nothing could be begun."""
    arguments = parser().parse_args(argv)
    try:
        _check(arguments)
        return _grade(arguments)
    except (ValueError, OSError, running.Busy) as error:  # a full disk, a file where a folder is asked for
        print(error, file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("\nInterrupted. What is graded is kept: run the same command again for the rest.", file=sys.stderr)
        return 130


def _check(arguments: argparse.Namespace) -> None:
    for name in ("jobs", "cell_seconds", "notebook_seconds", "patience", "memory"):
        value = getattr(arguments, name)
        if not value > 0:
            raise ValueError(f"--{name.replace('_', '-')} is {value}; expected a number above 0")
    if arguments.retries < 0:
        raise ValueError(f"--retries is {arguments.retries}; expected a number from 0")
    out = arguments.out
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; expected a folder for results and reports, new or of an earlier run")
    own = {records.RESULTS, running.LOCK, adjustments.TABLE}
    if out.is_dir() and (found := sorted(os.listdir(out))) and not own & {*found}:
        raise ValueError(f"--out {out} holds {found[0]!r} and no grades; expected a new folder, or an earlier run's")
    if arguments.release is not None and arguments.release.is_file():
        raise ValueError(f"--release {arguments.release} is a file; expected the folder that course_staff.release made")
    if arguments.only_reports:
        return
    why = problem(arguments.jail)
    if why:
        raise ValueError(
            f"Students' code is not run without a jail, and {why}. Mend that, use the container (see "
            "docs/teaching.md), or add --jail none to run it with all your rights."
        )


def _grade(arguments: argparse.Namespace) -> int:
    out, folder = arguments.out.resolve(), arguments.submissions.resolve()
    people = read_roster(arguments.roster)
    if out == folder or out.is_relative_to(folder):
        raise ValueError(f"--out {arguments.out} lies in the folder of submissions; choose a folder outside of it")
    secret = variants.read_secret(arguments.secret_file) if arguments.secret_file else None
    if arguments.release is not None:
        _same_secret(arguments.release, secret)
    wanted = chapters(arguments.chapter, arguments.release, secret is not None)
    path = arguments.adjustments or out / adjustments.TABLE
    if arguments.adjustments and not path.is_file():
        raise ValueError(f"there is no table of adjustments {path}")
    table = adjustments.read(path, people, {source.stem for source in sources(ROOT)})
    typed = adjustments.entered(out)
    found = find(folder, people, {name: chapter.handout for name, chapter in wanted.items()})
    with running.locked(out):
        records.remove_unfinished(out)
        marks = written.read(out, people, running.grading_secret(out))
        limits = Limits(
            cell_seconds=arguments.cell_seconds,
            notebook_seconds=arguments.notebook_seconds,
            patience=arguments.patience,
            memory=int(arguments.memory * 2**30),
        )
        settings = running.Settings(
            out=str(out),
            submissions=str(folder),
            view=str(make_view(out / running.PRIVATE)),
            jail=arguments.jail,
            secret=running.grading_secret(out),
            chapters=wanted,
            course_secret=secret,
            limits=limits,
        )
        results = _results(found.units, settings, arguments)
        # Reports are of all that was ever graded here, not of this run's chapters alone.
        known = [result for result in records.read_known(out) if result.student in people]
        known = written.join(known, marks, [*table, *typed])
        unknown = [*_other_versions(arguments.release, wanted), *found.unknown]

        def numbers_of(student: str, chapter: str) -> Mapping:
            return variants.numbers_for(student, chapter, secret)

        if arguments.anonymous:
            made = exports.write_anonymous(out, known, people, table, settings.secret)
        else:
            made = exports.write_all(out, known, people, unknown, table, numbers_of, marks)
            made += written.write_pages(out, known, marks, settings.secret)
    _tell(results, unknown, made, arguments)
    return UNGRADED if any(result.status == INFRASTRUCTURE_ERROR for result in results) else 0


def _other_versions(release: Path | None, wanted: Mapping[str, running.Chapter]) -> list[str]:
    """A sentence for each chapter of the release that was another one when it was given out."""
    listed = read_manifest(release)["chapters"] if release is not None else []
    return [
        f"{one['name']}: the release gave out version {one.get('version')}, and version "
        f"{wanted[one['name']].version} graded it; check out the release's commit, unless you mended something since"
        for one in listed
        if one["name"] in wanted and one.get("version") != wanted[one["name"]].version
    ]


def _same_secret(release: Path, secret: bytes | None) -> None:
    given = read_manifest(release)["variants"]
    if given and secret is None:
        raise ValueError(f"the release {release} has variants: name their secret by --secret-file")
    if secret is not None and not (given and given["secret"] == variants.mark(secret)):
        raise ValueError(f"the release {release} was not made with the secret of --secret-file")


def _results(units: list, settings: running.Settings, arguments: argparse.Namespace) -> list[UnitResult]:
    if arguments.only_reports:
        wanted = {(unit.student, unit.chapter) for unit in units}
        return [result for result in records.read_all(Path(settings.out)) if (result.student, result.chapter) in wanted]
    done = {(unit.student, unit.chapter): result for unit in units if (result := running.finished(unit, settings))}
    left = [unit for unit in units if (unit.student, unit.chapter) not in done]
    with tqdm(total=len(units), initial=len(units) - len(left), unit="notebook", file=sys.stderr) as bar:
        new = running.run(
            left,
            settings,
            jobs=arguments.jobs,
            scheduler=arguments.scheduler,
            retries=arguments.retries,
            done=lambda result: bar.update(),
        )
    known = done | new
    return [known[unit.student, unit.chapter] for unit in units]


def _tell(results: list[UnitResult], unknown: list[str], made: list[Path], arguments: argparse.Namespace) -> None:
    counts = Counter(result.status for result in results)
    print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing to grade")
    for result in results:
        if result.status in (records.STUDENT_ERROR, INFRASTRUCTURE_ERROR):
            print(f"  {result.student}, {result.chapter}: {result.status}: {_one_line(result.problem or '')}")
    for sentence in unknown:
        print(f"  not graded: {_one_line(sentence)}")
    if arguments.jail == NONE and not arguments.only_reports:
        print("  The students' code ran without a jail, with your rights (--jail none).")
    elif not arguments.only_reports and not memory_is_walled():
        print("  No control groups here: memory was looked at twenty times a second (see docs/teaching.md).")
    if counts[INFRASTRUCTURE_ERROR]:
        print("  Infrastructure errors are no zeros: run the same command again to grade these.")
    for path in made:
        print(f"{path}")


def _one_line(text: str) -> str:
    """What others have named, without control characters."""
    return " ".join(clean(text, 500).split())


if __name__ == "__main__":
    sys.exit(main())
