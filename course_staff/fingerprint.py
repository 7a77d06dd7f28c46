"""What a chapter's outputs depend on, as one hash: change any of it and the chapter is built again, and only it."""

from __future__ import annotations

import ast
import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = "course_utils"
# The modules of this package that decide what a built notebook contains.
_BUILDER = ("fingerprint.py", "source.py", "execute.py")


def of_chapter(text: str, code: str, chapter: int, root: Path) -> str:
    """Hash of a chapter's source and of everything in the repository that its cells run.

    Args:
        text: the source as written.
        code: the code cells as one Python program.
        chapter: its number, which names the module of its exercises.
        root: the repository.
    """
    digest = hashlib.sha256()

    def add(name: str, content: str) -> None:
        digest.update(f"{name}\0{len(content)}\0{content}\0".encode())

    add("source", text)
    for module in _BUILDER:
        add(module, (Path(__file__).parent / module).read_text(encoding="utf-8"))
    tree = ast.parse(code)
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    names = set(_imported(tree, _PACKAGE))
    if "check" in calls:  # which loads the exercises by their number
        names.add(f"{_PACKAGE}.exercises.chapter_{chapter:02d}")
    if "show_progress" in calls:  # which counts the exercises of all chapters
        names |= {f"{_PACKAGE}.exercises.{path.stem}" for path in (root / _PACKAGE / "exercises").glob("chapter_*.py")}
    for path in files(names, root):
        add(path.relative_to(root).as_posix(), path.read_bytes().decode("utf-8", "surrogateescape"))
    if "claim" in calls:
        add("claims", json.dumps(_claims(text, chapter, root), sort_keys=True))
    return digest.hexdigest()[:16]


def files(names: set[str], root: Path) -> list[Path]:
    """The files of ``course_utils`` that importing ``names`` reads: modules, what they import, data beside them."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        parts = name.split(".")
        if parts[0] != _PACKAGE:
            continue
        for end in range(1, len(parts) + 1):
            dotted = ".".join(parts[:end])
            folder = root.joinpath(*parts[:end])
            is_package = (folder / "__init__.py").is_file()
            path = folder / "__init__.py" if is_package else folder.with_suffix(".py")
            if dotted in found or not path.is_file():
                continue
            found[dotted] = [path]
            if is_package:
                found[dotted] += [p for p in folder.iterdir() if p.is_file() and p.suffix not in (".py", ".pyc")]
            package = dotted if is_package else dotted.rpartition(".")[0]
            waiting += _imported(ast.parse(path.read_text(encoding="utf-8")), package)
    return sorted(path for paths in found.values() for path in paths)


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Every dotted name that an import in ``tree`` may load; ``package`` is what relative imports start from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            # `from package import name`: the name may be a module too.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _claims(text: str, chapter: int, root: Path) -> list[dict]:
    path = root / "claims.toml"
    if not path.is_file():
        return []
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("claim", [])
    return [entry for entry in entries if entry.get("chapter") == chapter or entry.get("id", "\0") in text]
