"""What a chapter's outputs depend on, as one hash: change any of it and this chapter is built again."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from course_utils.desk.claims import read_list

_PACKAGE = "course_utils"
_CLAIMS = "course_utils/claims.toml"
# Decides what is kept of the outputs. What decides on everything else is repeated by the drift check anyway.
_BUILDER = "execute.py"


def of_chapter(text: str, code: str, part: str, root: Path) -> str:
    """Hash of a chapter's source and of everything in the repository that its cells run.

    Args:
        text: the source as written.
        code: the code cells as one Python program.
        part: its number with its letter, if any, which names the module of its exercises: "01", "06a".
        root: the repository.
    """
    digest = hashlib.sha256()

    def add(name: str, content: str) -> None:
        digest.update(f"{name}\0{len(content)}\0{content}\0".encode())

    add("source", text)
    add(_BUILDER, (Path(__file__).parent / _BUILDER).read_text(encoding="utf-8"))
    tree = ast.parse(code)
    functions = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    calls = {function.id for function in functions if isinstance(function, ast.Name)}
    names = set(_imported(tree, _PACKAGE))
    if "check" in calls:  # which loads the exercises by their number
        names.add(f"{_PACKAGE}.exercises.chapter_{part}")
    if "show_progress" in calls:  # which counts the exercises of all chapters
        modules = (root / _PACKAGE / "exercises").glob("chapter_*.py")
        names |= {f"{_PACKAGE}.exercises.{path.stem}" for path in modules}
    for path in files(names, root):
        add(path.relative_to(root).as_posix(), path.read_bytes().decode("utf-8", "surrogateescape"))
    if "claim" in calls:
        add("claims", json.dumps(_claims(text, int(part[:2]), root), sort_keys=True))
    return digest.hexdigest()[:16]


def files(names: set[str], root: Path) -> list[Path]:
    """What importing ``names`` reads of ``course_utils``: modules, what they import, data beside them."""
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
                found[dotted] += [
                    p for p in folder.iterdir() if p.is_file() and p.suffix != ".py" and p != root / _CLAIMS
                ]
            package = dotted if is_package else dotted.rpartition(".")[0]
            waiting += _imported(ast.parse(path.read_text(encoding="utf-8")), package)
    return sorted(path for paths in found.values() for path in paths)


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Every dotted name that ``tree`` may import; ``package`` is what relative imports start from."""
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
    listed = read_list(root / _CLAIMS)
    return [asdict(claim) for claim in listed if claim.chapter == chapter or claim.id in text]
