"""What was handed in: finding each student's notebooks, and reading one without believing any of it."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

#: Largest notebook, in bytes, and most cells: far more than any honest one has.
#: The code's limit counts it as it goes to the worker, where a letter may take six bytes.
MAX_BYTES, MAX_CELLS, MAX_SOURCE = 256 << 20, 3000, 3 << 20
_MAX_ENTRIES = 2000


class StudentError(Exception):
    """What was handed in cannot be graded; the message tells the student what to do."""


@dataclass(frozen=True)
class Unit:
    """One student's chapter: where its notebook is, or that there is none."""

    student: str
    chapter: str
    path: str | None = None
    entry: str | None = None
    notes: tuple[str, ...] = ()

    def read(self) -> bytes:
        """The notebook's bytes.

        Raises:
            StudentError: if it is too large, or its zip archive cannot be read.
            OSError: if the file cannot be read, which is no fault of the student.
            ValueError: if there is none.
        """
        if self.path is None:
            raise ValueError(f"{self.student} has handed in no {self.chapter}: there is nothing to read")
        if self.entry is None:
            with open(self.path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        else:
            try:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.entry) as file:
                    data = file.read(MAX_BYTES + 1)  # whatever size the archive claims
            except (
                zipfile.BadZipFile,
                zlib.error,
                lzma.LZMAError,
                OSError,
                RuntimeError,
                NotImplementedError,
                EOFError,
                ValueError,
                KeyError,
            ) as error:
                if isinstance(error, OSError) and error.errno is not None:  # bz2's own errors have no number
                    raise
                raise StudentError(
                    f"The zip archive {_text(Path(self.path).name)} cannot be read ({error}): "
                    "hand in the notebook itself."
                ) from error
        if len(data) > MAX_BYTES:
            raise StudentError(
                f"The notebook has more than {MAX_BYTES >> 20} MB: clear its outputs (Edit, Clear Outputs of All "
                "Cells), save it, and hand it in again."
            )
        return data

    def label(self, folder: Path) -> str | None:
        """Where the notebook is, below the folder of submissions."""
        if self.path is None:
            return None
        path = Path(self.path)
        shown = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        return _text(shown if self.entry is None else f"{shown}:{self.entry}")


def _text(name: str) -> str:
    """A file's name as text that can be written: a name may be any bytes, which stand in it as half letters."""
    return name.encode("utf-8", "replace").decode()


class _File(NamedTuple):
    """A notebook, perhaps an ``entry`` of an archive, and its ``name``, which says to which chapter it belongs."""

    path: Path
    entry: str | None
    name: str


@dataclass
class Found:
    """The units of a class, and what of the folder belongs to none of them."""

    units: list[Unit]
    unknown: list[str] = field(default_factory=list)


def find(folder: Path, students: list[str], chapters: list[str]) -> Found:
    """One unit for each student and chapter, with the notebook where there is one.

    Accepted below ``folder``: ``<student>/NN_name.ipynb``, nbgrader's ``submitted/<student>/<assignment>/...``,
    and ``<student>.zip``. Links are not followed. A notebook belongs to the chapter of its name, or else to the
    one whose number it starts with.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder of submissions {folder}")
    top = folder / "submitted" if (folder / "submitted").is_dir() else folder
    candidates: dict[tuple[str, str], list[_File]] = {}
    broken: dict[str, str] = {}
    unknown = []
    for path in sorted(folder.iterdir()) if top != folder else []:
        if path != top:
            unknown.append(f"{path.name}: beside the folder submitted/, which is graded")
    for path in sorted(top.iterdir()):
        student = path.name.removesuffix(".zip") if path.is_file() else path.name
        shown = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.suffix == ".zip"):
            unknown.append(f"{shown}: neither a student's folder nor a zip archive")
        elif student not in students:
            unknown.append(f"{shown}: {student!r} is not in the roster")
        else:
            unknown += [f"{odd.relative_to(folder).as_posix()}: a link, or no ordinary file" for odd in _odd(path)]
            try:
                for file in _notebooks(path):
                    chapter = _chapter_of(file.name, chapters)
                    if chapter is None:
                        place = file.path.relative_to(folder).as_posix() + (f":{file.entry}" if file.entry else "")
                        unknown.append(f"{place}: belongs to no chapter that is graded")
                    else:
                        candidates.setdefault((student, chapter), []).append(file)
            except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
                unknown.append(f"{shown}: cannot be read ({error})")
                broken[student] = str(path)
    units = []
    for student in students:
        for chapter in chapters:
            found = candidates.get((student, chapter), [])
            if found:
                units.append(_chosen(student, chapter, found))
            elif student in broken:
                units.append(Unit(student, chapter, broken[student], "*"))
            else:
                units.append(Unit(student, chapter))
    return Found(units, [_text(sentence) for sentence in unknown])


def _odd(path: Path) -> list[Path]:
    """What has a notebook's name in a student's folder and is not opened."""
    if not path.is_dir():
        return []
    return [
        place
        for pattern in ("*.ipynb", "*.zip", "*/*.ipynb")
        for place in sorted(path.glob(pattern))
        if place.is_symlink() or place.parent.is_symlink() or not place.is_file()
    ]


def _notebooks(path: Path) -> Iterator[_File]:
    """Every notebook of one student."""
    if path.is_dir():
        for file in sorted(path.glob("*.ipynb")) + sorted(path.glob("*/*.ipynb")):
            if file.is_file() and not file.is_symlink() and not file.parent.is_symlink():
                if file.parent.name != ".ipynb_checkpoints":
                    yield _File(file, None, file.name)
        for file in sorted(path.glob("*.zip")):
            if file.is_file() and not file.is_symlink():
                yield from _notebooks(file)
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise ValueError(f"an archive of {len(entries)} files")
        for entry in entries:
            name = entry.filename.replace("\\", "/").rpartition("/")[2]
            hidden = "__MACOSX" in entry.filename or ".ipynb_checkpoints" in entry.filename or name.startswith(".")
            if name.endswith(".ipynb") and not hidden:
                yield _File(path, entry.filename, name)


def _chapter_of(name: str, chapters: list[str]) -> str | None:
    stem = name.removesuffix(".ipynb").strip().lower()
    for chapter in chapters:
        if stem == chapter.lower():
            return chapter
    number = re.match(r"(\d\d[a-z]?)(?![0-9a-z])", stem)
    fitting = [chapter for chapter in chapters if number and chapter.split("_")[0].lower() == number[1]]
    return fitting[0] if len(fitting) == 1 else None


def _chosen(student: str, chapter: str, found: list[_File]) -> Unit:
    """Of several notebooks the one of the exact name, else the newest."""

    def rank(file: _File) -> tuple:
        return file.name == f"{chapter}.ipynb", file.entry is None and file.path.stat().st_mtime, file.name

    best = max(found, key=rank)
    name, notes = _text(best.name), []
    if name != f"{chapter}.ipynb":
        notes.append(f"The file {name} was read as {chapter}.ipynb.")
    if len(found) > 1:
        notes.append(f"{len(found)} files fit this chapter; {name} was graded.")
    return Unit(student, chapter, str(best.path), best.entry, tuple(notes))


@dataclass(frozen=True)
class Notebook:
    """What counts of a notebook: the sources of its code cells, and which release it was made from."""

    cells: tuple[str, ...]
    version: str | None
    variant: dict


def read_notebook(data: bytes) -> Notebook:
    """The code cells of a notebook, in nbformat 4 or 3.

    Raises:
        StudentError: if it is no notebook.
    """
    again = "Open it in JupyterLab, save it, and hand it in again."
    if not data.strip():
        raise StudentError(f"The file is empty. {again}")
    try:
        text = data.decode("utf-8-sig")
        notebook = json.loads(text)
    except UnicodeDecodeError as error:
        raise StudentError(f"The file is no notebook: it is not UTF-8 text. {again}") from error
    except (ValueError, RecursionError) as error:
        raise StudentError(f"The file is no notebook: it is not JSON. {again}") from error
    if not isinstance(notebook, dict):
        raise StudentError(f"The file is JSON, but no notebook. {again}")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # nbformat 3
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise StudentError(f"The file is JSON, but no notebook: it has no cells. {again}")
    sources = []
    for cell in cells[:MAX_CELLS]:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            if isinstance(source, list):
                source = "".join(part for part in source if isinstance(part, str))
            if isinstance(source, str):
                # Half a letter, which JSON can hold, cannot be written to a file.
                sources.append(source.encode("utf-8", "replace").decode())
    if len(json.dumps(sources)) > MAX_SOURCE:
        raise StudentError(f"The notebook's code has more than {MAX_SOURCE >> 20} MB; expected an ordinary notebook.")
    metadata = notebook.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    course = course if isinstance(course, dict) else {}
    version, variant = course.get("version"), course.get("variant")
    return Notebook(
        tuple(sources), version if isinstance(version, str) else None, variant if isinstance(variant, dict) else {}
    )


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
