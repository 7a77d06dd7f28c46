"""Which cells of a notebook must run so that some of them give what they give in the whole notebook.

By names alone. A cell too few is no danger: what depends on it fails or shows something else.
"""

from __future__ import annotations

import ast
import json
import re
import symtable
from collections.abc import Callable, Iterable
from typing import NamedTuple

from nbformat import NotebookNode

from course_staff.cells import without_magics

_ONLY_LOOK = {"print", "show", "explore", "claim", "check", "show_progress"}


class Names(NamedTuple):
    """What a cell defines or may change, and what it mentions."""

    made: set[str]
    used: set[str]


def names(source: str) -> Names:
    """A generator of random numbers is changed by each use, an argument of a bare call perhaps."""
    source = without_magics(source)
    made, used = _bound(symtable.symtable(source, "cell", "exec"))
    changed = {"rng"}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Subscript(value, ctx=ast.Store()) | ast.Attribute(value, ctx=ast.Store()):
                changed |= _loaded(value)
            case ast.Expr(ast.Call(func)) if not (isinstance(func, ast.Name) and func.id in _ONLY_LOOK):
                changed |= _loaded(node)
    return Names(made | changed & used, used | made)


def _bound(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """Global names that a cell binds, and those that it, its functions and its comprehensions mention."""
    top = table.get_type() == "module"
    symbols = [symbol for symbol in table.get_symbols() if top or symbol.is_global()]
    made = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    used = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
    for child in table.get_children():
        used |= _bound(child)[1]
    return made, used


def _loaded(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def needed(cells: list[NotebookNode], wanted: Callable[[NotebookNode], bool]) -> list[NotebookNode]:
    """The code cells that are wanted, and those before them that make what they use."""
    kept, missing = [], set()
    for cell in reversed([cell for cell in cells if cell.cell_type == "code"]):
        found = names(cell.source)
        if wanted(cell) or found.made & missing:
            kept.insert(0, cell)
            missing |= found.used
    return kept


def as_in_solution(student: Iterable[NotebookNode], solution: Iterable[NotebookNode]) -> set[str]:
    """Ids of a student's cells with the solution's text and outputs, pictures' pixels aside, that use no answer."""
    theirs = {cell.id: _shown(cell) for cell in solution if cell.cell_type == "code"}
    same, differs = set(), set()
    for cell in student:
        if cell.cell_type != "code":
            continue
        found = names(cell.source)
        if _shown(cell) == theirs.get(cell.id) and not found.used & differs:
            same.add(cell.id)
        else:
            differs |= found.made
    return same


def _shown(cell: NotebookNode) -> tuple:
    return cell.source, re.sub(r"base64,[A-Za-z0-9+/=]+", "", json.dumps(cell.outputs))
