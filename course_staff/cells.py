"""The code of cells, read by names: what it calls and imports, which names it uses and binds, what a cell needs."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable, Iterator
from functools import lru_cache

#: The heading of an exercise's card: its id and its title.
CARD = re.compile(r"^#+ Exercise (\S+) — (.+)$", re.MULTILINE)


def without_magics(source: str) -> str:
    """The source as plain Python: lines of IPython's own (%magic, !shell) become blank."""
    return re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)


@lru_cache(maxsize=4096)
def parse(source: str) -> ast.Module:
    """A code cell as a syntax tree, without its magics; not to be changed."""
    return ast.parse(without_magics(source))


def called(tree: ast.AST, name: str) -> list[ast.Call]:
    """Every call of a function by this bare name."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]


def argument(call: ast.Call, place: int = 0) -> object:
    """A positional argument as it can be read off: a literal's value, or the name of a variable."""
    node = call.args[place] if place < len(call.args) else None
    if isinstance(node, ast.Constant):
        return node.value
    return node.id if place and isinstance(node, ast.Name) else None


def calls_last(source: str, *names: str) -> bool:
    """Whether the last statement of a code cell is a call of one of these functions, by its name."""
    body = parse(source).body
    call = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    return isinstance(function, ast.Name) and function.id in names


def imported(nodes: Iterable[ast.AST], package: str) -> Iterator[tuple[str, str]]:
    """Every import among ``nodes``: the name that it binds, and the dotted name that it means.

    ``package`` is what relative imports start from. ``from module import *`` binds "*".
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname or alias.name.partition(".")[0]), alias.name
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            # `from package import name`: the name may be a module too.
            yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in node.names)


def used(tree: ast.AST) -> set[str]:
    """The names that running ``tree`` looks up among the notebook's variables, its functions' insides included."""

    def names(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or table.get_type() in ("module", "class")):
                yield symbol.get_name()
        for child in table.get_children():
            yield from names(child)

    return set(names(symtable.symtable(ast.unparse(tree), "cell", "exec")))


def bound(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a cell binds, or may bind."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}


def needed(tree: ast.Module, before: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that bind the names which ``tree`` uses, and those which these use, in their order.

    Raises:
        ValueError: if such a name is bound otherwise than by imports, a function, or one assignment.
    """
    binding: dict[str, list[int]] = {}
    for index, node in enumerate(before):
        for name in bound(node):
            binding.setdefault(name, []).append(index)
    chosen: set[int] = set()
    waiting = list(used(tree))
    while waiting:
        name = waiting.pop()
        for index in binding.get(name, []):
            node = before[index]
            if isinstance(node, ast.Import | ast.ImportFrom):
                chosen.add(index)
                continue
            if not isinstance(node, ast.FunctionDef | ast.Assign) or len(binding[name]) > 1:
                raise ValueError(f"{name!r} must be an import, a function, or a variable assigned once")
            if index not in chosen:
                chosen.add(index)
                waiting += used(node)
    return [before[index] for index in sorted(chosen)]
