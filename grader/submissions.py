"""What was handed in: finding each student's notebooks, and reading one without believing any of it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import lzma
import os
import re
import stat
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from course_utils.desk.answers import clean
from grader import reader
from grader.adjustments import TIMES, handed_in

#: Largest notebook, in bytes.
MAX_BYTES = 256 << 20
#: How far a student's folders and archives are searched: folders in one another, and files in all.
MAX_DEPTH, MAX_FILES = 8, 2000

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
    KeyError,
)
#: Errors of the disk or the machine; any other a file may have caused by what is in it.
_TROUBLE = {errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOENT}


class StudentError(Exception):
    """What was handed in cannot be graded; the message tells the student what to do."""


@dataclass(frozen=True)
class Handout:
    """What a class was given of a chapter: its exercises' ids, the sources of its code cells, what a person marks."""

    exercises: frozenset[str]
    cells: frozenset[str] = frozenset()
    questions: tuple[reader.Question, ...] = ()


@dataclass(frozen=True)
class Unit:
    """One student's chapter: where its notebook is, or why there is none.

    ``problem`` is for the student to mend, ``trouble`` for the instructor: a folder that may not be entered, say.
    ``unread`` are the student's files that were found and belong to no chapter, ``changed`` is when the notebook was
    handed in, in seconds since 1970.
    """

    student: str
    chapter: str
    path: str | None = None
    entry: str | None = None
    notes: tuple[str, ...] = ()
    problem: str | None = None
    trouble: str | None = None
    unread: tuple[str, ...] = ()
    changed: float | None = None

    def read(self) -> bytes:
        """The notebook's bytes.

        Raises:
            StudentError: if it is too large, or its zip archive cannot be read.
            OSError: if the file cannot be read, which is no fault of the student.
            ValueError: if there is none.
        """
        if self.path is None:
            raise ValueError(f"{self.student} has handed in no {self.chapter}: there is nothing to read")
        return _bytes(Path(self.path), self.entry)

    def label(self, folder: Path) -> str | None:
        """Where the notebook is, below the folder of submissions."""
        return None if self.path is None else _shown(Path(self.path), self.entry, folder)


def _bytes(path: Path, entry: str | None) -> bytes:
    if entry is None:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    else:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(entry) as file:
                data = file.read(MAX_BYTES + 1)  # whatever size the archive claims
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno in _TROUBLE:
                raise
            raise _unreadable(path, error) from error
    if len(data) > MAX_BYTES:
        raise StudentError(
            f"The notebook has more than {MAX_BYTES >> 20} MB: clear its outputs (Edit, Clear Outputs of All "
            "Cells), save it, and hand it in again."
        )
    return data


def _unreadable(path: Path, error: Exception) -> StudentError:
    return StudentError(f"The zip archive {_text(path.name)} cannot be read ({error}): hand in the notebook itself.")


def _text(name: str) -> str:
    """A file's name as text that can be shown: it may be any bytes, and hold line breaks and marks of direction."""
    return clean(name.encode("utf-8", "replace").decode().replace("\n", "\N{REPLACEMENT CHARACTER}"), 500)


def _shown(path: Path, entry: str | None, folder: Path) -> str:
    place = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    return _text(place if entry is None else f"{place}:{entry}")


class _File(NamedTuple):
    """A file, perhaps an ``entry`` of an archive, its bare name, and when it was last changed."""

    path: Path
    entry: str | None
    name: str
    changed: float


@dataclass
class Found:
    """The units of a class, and what of the folder belongs to none of them."""

    units: list[Unit]
    unknown: list[str] = field(default_factory=list)


def find(folder: Path, students: Iterable[str], chapters: Mapping[str, Handout]) -> Found:
    """One unit for each student and chapter, with the notebook where there is one.

    A student has a folder ``<student>/``, also below nbgrader's ``submitted/``, or an archive ``<student>.zip``. In
    them every file counts that is a notebook, however it is called and however deep it lies; links are not followed.
    It belongs to the chapter of its name, or to the one whose exercises it checks, or that its name's number says.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder of submissions {folder}")
    students = list(students)
    top = folder / "submitted" if (folder / "submitted").is_dir() else folder
    unknown = [
        f"{path.name}: beside the folder submitted/, which is graded"
        for path in (sorted(folder.iterdir()) if top != folder else [])
        if path != top
    ]
    places: dict[str, list[Path]] = {}
    for path in sorted(top.iterdir()):
        student = path.name.removesuffix(".zip") if path.is_file() else path.name
        if path.is_symlink() or not (path.is_dir() or path.suffix == ".zip"):
            unknown.append(f"{_shown(path, None, folder)}: neither a student's folder nor a zip archive")
        elif student not in students:
            unknown.append(f"{_shown(path, None, folder)}: {student!r} is not in the roster")
        else:
            places.setdefault(student, []).append(path)
    units = []
    for student in students:
        one = _Search(folder, chapters)
        for path in places.get(student, []):
            one.search(path)
        units += [one.unit(student, chapter) for chapter in chapters]
        unknown += one.unread
    return Found(units, [_text(sentence) for sentence in unknown])


class _Search:
    """The files of one student."""

    def __init__(self, folder: Path, chapters: Mapping[str, Handout]) -> None:
        self.folder, self.chapters = folder, chapters
        self.candidates: dict[str, list[_File]] = {}
        self.unread: list[str] = []
        self.problem: str | None = None
        self.trouble: str | None = None
        self.left = MAX_FILES

    def search(self, path: Path) -> None:
        try:
            for file in self.walk(path, 0):
                chapter = self.chapter_of(file)
                if chapter is not None:
                    self.candidates.setdefault(chapter, []).append(file)
        except OSError as error:  # raised by a folder, of whose files nothing can be said then
            self.trouble = f"{_shown(path, None, self.folder)} cannot be read: {error.strerror or error}"
            self.unread.append(self.trouble)

    def skip(self, path: Path, entry: str | None, why: str) -> None:
        self.unread.append(f"{_shown(path, entry, self.folder)}: {why}")

    def walk(self, path: Path, depth: int) -> Iterator[_File]:
        """Every ordinary file; the others, and what lies too deep, are noted as unread."""
        if path.is_file():
            yield from self.open(path)
            return
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for one in found:
            place, kind = Path(one.path), one.stat(follow_symlinks=False).st_mode
            if one.name.startswith(".") or one.name in TIMES:  # checkpoints, .DS_Store, what others say of the time
                continue
            if stat.S_ISDIR(kind) and depth < MAX_DEPTH:
                yield from self.walk(place, depth + 1)
            elif stat.S_ISREG(kind) and self.left > 0:
                yield from self.open(place)
            elif stat.S_ISREG(kind) or stat.S_ISDIR(kind):
                self.skip(place, None, f"beyond {MAX_DEPTH} folders or {MAX_FILES} files")
            else:
                self.skip(place, None, "a link, or no ordinary file")

    def open(self, path: Path) -> Iterator[_File]:
        self.left -= 1
        if path.suffix.lower() != ".zip":
            yield _File(path, None, path.name, path.stat().st_mtime)
            return
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
            if len(entries) > MAX_FILES:
                raise ValueError(f"an archive of {len(entries)} files")
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno in _TROUBLE:
                raise
            self.problem = str(_unreadable(path, error))
            self.skip(path, None, f"cannot be read ({error})")
            return
        for entry in entries:
            parts = entry.filename.replace("\\", "/").split("/")
            if parts[-1] and not any(part.startswith(".") and part != ".." or part == "__MACOSX" for part in parts):
                changed = 0.0
                with contextlib.suppress(ValueError, OverflowError):
                    changed = time.mktime((*entry.date_time, 0, 0, -1))
                yield _File(path, entry.filename, parts[-1], changed)

    def chapter_of(self, file: _File) -> str | None:
        """The chapter of a notebook; of another file, or one that fits none, it is noted that it was not read."""
        stem = re.sub(r"\.(ipynb|json|txt)\b", "", file.name, flags=re.IGNORECASE).strip().lower()
        for chapter in self.chapters:
            if stem == chapter.lower() and file.name.lower().endswith(".ipynb"):
                return chapter
        if re.search(r"\.(py|pdf|html?|docx?|md|zip|png|jpe?g|csv)$", file.name, re.IGNORECASE):
            exported = file.name.lower().endswith((".py", ".html", ".pdf"))
            self.skip(file.path, file.entry, "no notebook" + ": hand in the .ipynb" * exported)
            return None
        try:
            ids, why = {*read_notebook(_bytes(file.path, file.entry)).exercises}, "belongs to no chapter that is graded"
        except StudentError as error:
            ids, why = set[str](), str(error) if ".ipynb" in file.name.lower() else "no notebook"
        shared = {chapter: len(ids & handout.exercises) for chapter, handout in self.chapters.items()}
        if any(shared.values()):
            return max(shared, key=lambda chapter: shared[chapter])
        number = re.match(r"(\d\d[a-z]?)(?![0-9a-z])", stem)
        fitting = [chapter for chapter in self.chapters if number and chapter.split("_")[0].lower() == number[1]]
        if len(fitting) == 1 and ".ipynb" in file.name.lower():
            return fitting[0]
        self.skip(file.path, file.entry, why)
        return None

    def unit(self, student: str, chapter: str) -> Unit:
        found = self.candidates.get(chapter, [])
        unread = tuple(self.unread)
        if not found:
            return Unit(student, chapter, problem=self.problem, trouble=self.trouble, unread=unread)
        best = self.best(found, self.chapters[chapter]) if len(found) > 1 else found[0]
        name, notes = _text(best.name), []
        if name != f"{chapter}.ipynb":
            notes.append(f"The file {name} was read as {chapter}.ipynb.")
        if len(found) > 1:
            notes.append(f"{len(found)} files fit this chapter; {name}, the last one worked on, was graded.")
        when = handed_in(best.path, best.changed if best.entry else None)
        return Unit(student, chapter, str(best.path), best.entry, tuple(notes), unread=unread, changed=when)

    def best(self, found: list[_File], handout: Handout) -> _File:
        """Of several notebooks the newest in which something was written, if there is one."""

        def rank(file: _File) -> tuple:
            try:
                notebook = read_notebook(_bytes(file.path, file.entry))
            except (StudentError, OSError):
                return False, False, file.changed, file.name
            wrote = any(text for text, _ in reader.collect(notebook.texts, handout.questions).values())
            return True, wrote or not {*notebook.cells} <= handout.cells, file.changed, file.name

        return max(found, key=rank)


@dataclass(frozen=True)
class Notebook:
    """What counts of a notebook: the sources of its code cells, the exercises that they check, and its release.

    ``names`` are those that each cell mentions, None for one that can mention any; ``texts`` are of all cells, see
    :func:`grader.reader.texts`.
    """

    cells: tuple[str, ...]
    version: str | None
    variant: dict
    exercises: tuple[str, ...] = ()
    names: tuple[frozenset[str] | None, ...] = ()
    texts: tuple[dict, ...] = ()


def read_notebook(data: bytes) -> Notebook:
    """The code cells of a notebook, in nbformat 4 or 3, parsed in a process with little memory and time.

    Raises:
        StudentError: if it is no notebook.
    """
    run = subprocess.run([sys.executable, "-I", reader.__file__], input=data, capture_output=True, check=False)
    try:
        read = json.loads(run.stdout)
    except ValueError:
        raise StudentError(
            "The file takes too much memory or time to be read: clear its outputs (Edit, Clear Outputs of All Cells), "
            "save it, and hand it in again."
        ) from None
    if "problem" in read:
        raise StudentError(read["problem"])
    names = tuple(None if mentioned is None else frozenset(mentioned) for mentioned in read["names"])
    exercises, texts = tuple(read["exercises"]), tuple(read["texts"])
    return Notebook(tuple(read["cells"]), read["version"], read["variant"], exercises, names, texts)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
