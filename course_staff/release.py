"""What a class is given: ``python -m course_staff.release [CHAPTERS] --out FOLDER``.

The students' notebooks of the chapters as a zip that they can start from, the same chapters as a course for
nbgrader, and ``manifest.json``, by which the instructor's side knows later what was given out. With
``--variants roster.csv --secret-file FILE`` every student gets a zip of their own, with numbers of their own.

A release is made as a whole or not at all, and an existing one is never changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_staff import variants
from course_staff.build import MEND, ROOT, check
from course_staff.roster import read_roster
from course_staff.source import NOTEBOOKS, SOLUTIONS, slide_type, sources
from course_utils.exercises.written import EMPTY

FORMAT = 1
MANIFEST, COURSE_ZIP, STUDENTS, NBGRADER = "manifest.json", "course.zip", "students", "nbgrader"
#: The one folder in a zip.
FOLDER = "course"
README = Path(__file__).with_name("student_readme.md.j2")

# Beside the notebooks: all that they read and are installed by.
_PARTS = "environment.yml pyproject.toml requirements.lock LICENSE LICENSE-TEXT CLAIMS.md course_utils".split()

_NBGRADER_CONFIG = f"""\
# nbgrader's settings for this release. Where nbgrader runs, the course (course_utils) must be installed.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "course"
c.ExecutePreprocessor.timeout = 600  # seconds for a cell: exercises have limits of their own
c.ClearSolutions.text_stub = {EMPTY!r}  # in the place of a written answer, which is marked by hand
"""


def release(
    out: Path,
    names: list[str] | None = None,
    *,
    root: Path = ROOT,
    exercises: Mapping | None = None,
    students: Iterable[str] = (),
    secret: bytes | None = None,
) -> dict:
    """Make a release in the new or empty folder ``out`` and return its manifest.

    For a release with variants it takes the students' ids and the course's secret, both or neither.
    """
    students = list(students)
    if bool(students) != (secret is not None):
        raise ValueError("variants need both the students and the secret; expected both or neither")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(
            f"{out} exists, and a release that may have been given out is never changed: "
            f"choose another folder, such as --out {out}-2"
        )
    drifts = check(root, names or [path.stem for path in sources(root)], exercises=exercises)
    if drifts:
        advice = f"A release needs built chapters: run `{MEND}` first."
        raise ValueError("\n".join([*map(str, drifts), advice]))

    chapters = {path.stem: _read(root, NOTEBOOKS, path.stem) for path in sources(root, names)}
    listed = [_listed(name, notebook.metadata["course"]) for name, notebook in chapters.items()]
    manifest = {"format": FORMAT, "course": _course(root), "chapters": listed, "variants": None}
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        if secret is None:
            texts = {name: _text(notebook) for name, notebook in chapters.items()}
            (partial / COURSE_ZIP).write_bytes(_zip(root, texts, _readme(listed)))
            for entry in listed:
                entry["sha256"] = _sha256(texts[entry["name"]])
            _nbgrader(partial / NBGRADER, root, texts)
        else:
            told: dict[str, dict] = {}
            manifest["variants"] = {"secret": variants.mark(secret), "students": told}
            (partial / STUDENTS).mkdir(mode=0o700)  # no classmate on this machine looks up a number
            for student in students:
                texts, told[student] = _personal(chapters, student, secret)
                content = _zip(root, texts, _readme(listed, personal=True))
                (partial / STUDENTS / f"{student}.zip").write_bytes(content)
        text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
        (partial / MANIFEST).write_text(text, encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(out)  # replaces an empty folder, and fails for anything else
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


def read_manifest(folder: Path) -> dict:
    """The manifest of a release."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no release: there is no {MANIFEST}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not readable as JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{path} is no manifest of format {FORMAT}, which this version of the course writes")
    return manifest


def _read(root: Path, folder: str, name: str) -> NotebookNode:
    return nbformat.read(root / folder / f"{name}.ipynb", as_version=4)


def _text(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _listed(name: str, course: Mapping) -> dict:
    """A chapter as the manifest lists it."""
    asked, written = (
        [{key: one[key] for key in ("id", "title", "points")} for one in course.get(kind, ())]
        for kind in ("exercises", "written")
    )
    return {
        "name": name,
        "title": course["title"],
        "version": course["version"],
        "minutes": course["minutes"],
        "points": sum(one["points"] for one in (*asked, *written)),
        "exercises": asked,
        "written": written,
    }


def _course(root: Path) -> dict:
    """Which course this is; ``commit`` is None outside of a git repository."""
    path = root / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"] if path.is_file() else {}
    commit = None
    if (root / ".git").exists():
        said = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"],
            capture_output=True,
            text=True,
            check=False,
        )
        commit = said.stdout.strip() or None
    return {"name": project.get("name", root.name), "version": project.get("version", "unknown"), "commit": commit}


def _personal(chapters: Mapping[str, NotebookNode], student: str, secret: bytes) -> tuple[dict, dict]:
    """One student's notebooks as texts, and what the manifest says of them."""
    texts, given = {}, {}
    for name, notebook in chapters.items():
        numbers = variants.numbers_for(student, name, secret)
        texts[name] = _text(variants.personal(notebook, numbers))
        given[name] = {"numbers": numbers, "sha256": _sha256(texts[name])}
    return texts, given


def _readme(listed: list[dict], personal: bool = False) -> str:
    import jinja2

    text = README.read_text(encoding="utf-8")
    template = jinja2.Template(text, trim_blocks=True, keep_trailing_newline=True)
    return template.render(chapters=listed, personal=personal)


def _zip(root: Path, notebooks: Mapping[str, str], readme: str) -> bytes:
    """A folder to start Jupyter in: the notebooks, and beside them the package, where they find it."""
    files = {f"{name}.ipynb": text.encode() for name, text in notebooks.items()}
    files["README.md"] = readme.encode()
    for name in _PARTS:
        for path in sorted([root / name, *(root / name).rglob("*")]):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
            if path.is_file() and not hidden:
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            # A fixed date: the same chapters give the same bytes.
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, data)
    return content.getvalue()


def _nbgrader(folder: Path, root: Path, students: Mapping[str, str]) -> None:
    """A course folder of nbgrader's: each chapter is an assignment of one notebook."""
    for name, text in students.items():
        solution = deepcopy(_read(root, SOLUTIONS, name))
        solution.cells = [cell for cell in solution.cells if slide_type(cell) != "notes"]
        for part, content in (("source", _text(solution)), ("release", text)):
            path = folder / part / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(content, encoding="utf-8", newline="\n")
    (folder / "nbgrader_config.py").write_text(_NBGRADER_CONFIG, encoding="utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m course_staff.release", description=__doc__.splitlines()[0])
    made.add_argument("names", nargs="*", metavar="CHAPTER", help='"01" or "01_taylor_bounds"; default: all')
    made.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="must not exist yet")
    made.add_argument(
        "--variants", type=Path, metavar="ROSTER", help="numbers of their own for the students of roster.csv"
    )
    made.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="the course's secret, made here where there is none; grading needs the same file",
    )
    made.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    return made


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    if (args.variants is None) != (args.secret_file is None):
        parser().error("--variants and --secret-file go together")
    try:
        students: list[str] = []
        secret = None
        if args.variants is not None:
            students, secret = list(read_roster(args.variants)), _secret(args.secret_file)
        manifest = release(args.out, args.names or None, root=args.root, students=students, secret=secret)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(_summary(args, manifest))
    return 0


def _secret(path: Path) -> bytes:
    if path.exists():
        return variants.read_secret(path)
    secret = variants.make_secret(path)
    print(f"{path}: a new secret. Keep it, and keep it to yourself: grading needs it.")
    return secret


def _summary(args: argparse.Namespace, manifest: dict) -> str:
    points = sum(chapter["points"] for chapter in manifest["chapters"])
    chapters = ", ".join(chapter["name"] for chapter in manifest["chapters"])
    lines = [f"{args.out}: {chapters}; {points} points."]
    grade = f'make grade ARGS="SUBMISSIONS --roster roster.csv --release {args.out} --out grades"'
    if manifest["variants"]:
        count = len(manifest["variants"]["students"])
        lines.append(f"  {STUDENTS}/        one zip for each of {count} students: give everybody their own")
        grade = grade.removesuffix('"') + f' --secret-file {args.secret_file}"'
    else:
        lines.append(f"  {COURSE_ZIP}       give this to the students")
        lines.append(f"  {NBGRADER}/        the same chapters for nbgrader, if you use it")
    lines.append(f"  {MANIFEST}    what was given out; stays with you")
    return "\n".join([*lines, f"When the work comes back: {grade}"])


if __name__ == "__main__":
    sys.exit(main())
