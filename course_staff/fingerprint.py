"""What a chapter's outputs depend on, as one hash: change any of it and this chapter runs again.

Hashed are the chapter's code cells and whatever of ``course_utils`` they can reach, as syntax trees: a comment, a
docstring, the order of unrelated functions change nothing. Reached is a definition whose name is used by a cell or
by something reached, across modules. Of a module that is imported the statements always count that are neither
definitions nor assignments to names, because importing runs them. Where names do not tell what is used (a module
handed on as a value, a star import, ``globals()``), all that it may be counts.
"""

from __future__ import annotations
import __future__

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from course_staff.cells import bound, called, imported, parse

if TYPE_CHECKING:
    from nbformat import NotebookNode

from course_utils.desk.claims import read_list

_PACKAGE = "course_utils"
_EXERCISES, _DESK = f"{_PACKAGE}.exercises", f"{_PACKAGE}.desk"
_LIST = "claims.toml"
#: Serves the notebooks of former versions alone.
_FORMER = f"{_PACKAGE}._former"
# Decides what is kept of the outputs. What decides on everything else is repeated by the drift check anyway.
_BUILDER = "execute.py"
#: A decorator that does nothing but wrap.
_SHOWN = f"{_PACKAGE}.audience.shown"
#: Whose use shows comments or docstrings in an output.
_READS_TEXT = {"__doc__", "help", "getdoc", "getcomments", "getsource", "getsourcelines"}
#: Whose use may reach any name of any module.
_READS_ALL = set("globals eval exec sys.modules import_module __import__ __subclasses__ __init_subclass__".split())
#: Whose use may read a file beside the module.
_READS_FILES = {"__file__", "resources", "get_data"}
#: Import by names that are made when they run: exercises and predictions by their id, which is followed here, and what
#: notebooks of former versions import, which no chapter does.
_ASKED = {_EXERCISES, f"{_EXERCISES}.predictions", _FORMER}


def of_chapter(solution: Sequence[NotebookNode], student: Sequence[NotebookNode], part: str, root: Path) -> str:
    """Hash of a chapter's code cells and of everything in the repository that they run.

    Args:
        solution, student: the code cells of the two notebooks.
        part: its number with its letter, if any, which names the module of its exercises: "01", "06a".
        root: the repository.
    """
    reach = _Reach(root, part)
    trees = [parse(cell.source) for cell in solution]
    if any(re.search(r"^\s*(!|%%|%run)", cell.source, re.MULTILINE) for cell in solution):
        reach.everything()  # what a command runs, names do not tell
    reach.take_cells(trees)
    said = [of_cell(cell) for cells in (solution, student) for cell in cells]
    said.append(_of_builder())
    said += reach.found()
    if reach.claims or any(called(tree, "claim") for tree in trees):
        said.append(json.dumps(_claims(trees, int(part[:2]), root), sort_keys=True))
    if reach.verbatim:
        said += [cell.source for cell in solution] + [module.text for module in reach.modules.values()]
    return _digest(*said)


@cache
def _of_builder() -> str:
    return _canonical(ast.parse((Path(__file__).parent / _BUILDER).read_text(encoding="utf-8")))


def of_cell(cell: NotebookNode) -> str:
    """What running a code cell depends on: its statements, IPython's commands, a semicolon that hides, its tags."""
    return f"{_of_source(cell.source)}{sorted(cell.metadata.get('tags', []))}"


@lru_cache(maxsize=4096)
def _of_source(source: str) -> str:
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    magics = [line for line in lines if line.startswith(("%", "!"))]
    may_be_quiet = ";" in "".join(lines[-1:])
    return repr(([_canonical(node) for node in parse(source).body], magics, may_be_quiet))


def files(names: set[str], root: Path) -> list[Path]:
    """What using ``names`` reads of ``course_utils``: the modules that run, data beside them."""
    reach = _Reach(root, "")
    for name in names:
        reach.refer(name, [])
    reach.take_all()
    modules = reach.modules.values()
    found = {module.path for module in modules if module.path}
    for folder in {module.folder for module in modules if module.folder}:
        found |= {path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"}
    return sorted(found)


class _Statement:
    """A statement at the top of a module or a cell: what it says, which names it uses, what it imports."""

    def __init__(self, tree: ast.stmt, package: str):
        self.tree, self.package = tree, package

    @cached_property
    def canonical(self) -> str:
        return _canonical(self.tree)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[tuple[str, str]]:
        return list(imported(self.nodes, self.package))

    @cached_property
    def stands_for(self) -> dict[str, set[str]]:
        """The names that it imports, each with what it may mean: ``import course_utils.a`` binds the package alone."""
        meanings: dict[str, set[str]] = {}
        for name, meant in self.imports:
            meanings.setdefault(name, set()).add(_PACKAGE if name == _PACKAGE else meant)
        return meanings

    @cached_property
    def strings(self) -> set[str]:
        return {n.value for n in self.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}

    @cached_property
    def words(self) -> set[str]:
        """Every name and attribute in it, whosever they are."""
        return {word for node in self.nodes if (word := _word(node))}

    @cached_property
    def reads_all(self) -> bool:
        """Whether it may reach any name of any module."""
        fine: set[object] = set()  # where a text names a module that is none of the course's: sys.modules.get("torch")
        for node in self.nodes if self.words & _READS_ALL else ():
            match node:
                case ast.Call(place, [ast.Constant(str() as name), *_]) | ast.Subscript(
                    place, ast.Constant(str() as name)
                ) if name.partition(".")[0] != _PACKAGE:
                    fine |= {place, getattr(place, "value", None)}
        return any(_word(node) in _READS_ALL and node not in fine for node in self.nodes)

    @cached_property
    def chains(self) -> set[tuple[str, ...]]:
        """The names used that are not local to it, each with the attributes asked of it: ("np", "linalg", "norm")."""
        outside = {name for name, _ in self.imports}
        flags = __future__.annotations.compiler_flag  # annotations stand in the tree, and are not run
        waiting = [compile(ast.Module([self.tree], []), "", "exec", flags, dont_inherit=True)]
        while waiting:
            code = waiting.pop()
            outside.update(code.co_names)  # and names of attributes, which do no harm
            waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        return {names for names in _chains(self.tree) if names[0] in outside}


class _Module:
    """A module of the course, or a chapter's cells, by what its statements bind; an import of many is one of each."""

    def __init__(self, name: str, path: Path | None, body: list[ast.stmt], text: str):
        self.name, self.path, self.text = name, path, text
        #: Where the modules of a package lie; None for anything else.
        self.folder = path.parent if path and path.name == "__init__.py" else None
        self.statements: list[_Statement] = []
        self.binds: dict[str, list[_Statement]] = {}
        self.imports: dict[str, set[str]] = {}
        for node in chain.from_iterable(map(_singles, body)):
            if path and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue  # a docstring
            statement = _Statement(node, name if self.folder else name.rpartition(".")[0])
            self.statements.append(statement)
            for local in bound(node):
                self.binds.setdefault(local, []).append(statement)
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for local, meant in statement.stands_for.items():
                    self.imports.setdefault(local, set()).update(meant)
        #: What importing runs and no name tells.
        self.always = [statement for statement in self.statements if not self._only_binds(statement.tree)]

    def _only_binds(self, node: ast.stmt) -> bool:
        """Whether a statement does nothing but bind names: a decorator or metaclass of the course may do more."""
        match node:
            case ast.Import() | ast.ImportFrom() | ast.AnnAssign(ast.Name()) | ast.AugAssign(ast.Name()):
                return True
            case ast.Assign(targets):
                return not any(isinstance(n, ast.Attribute | ast.Subscript) for t in targets for n in ast.walk(t))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                done = [*node.decorator_list, *getattr(node, "keywords", [])]
                return not any(self._is_ours(name) for part in done for name, *_ in _chains(part))
        return False

    def _is_ours(self, name: str) -> bool:
        meant = self.imports.get(name, set())
        return name in self.binds if not meant else any(m.startswith(_PACKAGE) for m in meant - {_SHOWN})


@lru_cache(maxsize=1000)
def _read(name: str, path: Path, text: str) -> _Module:
    return _Module(name, path, ast.parse(text).body, text)


class _Reach:
    """What some code can reach of the course: follows names from one module to the next."""

    def __init__(self, root: Path, part: str):
        self.root, self.part = root, part
        self.modules: dict[str, _Module] = {}  # those that run
        self.claims = self.verbatim = False
        self._known: dict[str, _Module | None] = {}
        self._taken: set[_Statement] = set()
        self._waiting: list[tuple[_Module, _Statement]] = []
        self._data: set[Path] = set()
        self._counted = False

    def take_cells(self, trees: list[ast.Module]) -> None:
        self._whole(_Module("", None, [node for tree in trees for node in tree.body], ""))
        self.take_all()

    def take_all(self) -> None:
        """Follow what waits, and what that reaches, to the end."""
        while self._waiting:
            self._take(*self._waiting.pop())

    def found(self) -> list[str]:
        """All that was reached, the same for the same code."""
        said = [
            f"{name}\0{statement.canonical}"
            for name, module in sorted(self.modules.items())
            for statement in module.statements
            if statement in self._taken
        ]
        said += [f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in sorted(self._data)]
        if self._counted:
            said += sorted(card for module in self._chapters() for card in _cards(module))
        return said

    def run(self, name: str) -> list[_Module]:
        """Import a module, and before it the packages that it lies in; returns these."""
        parts = name.split(".")
        found = [self._module(".".join(parts[:end])) for end in range(1, len(parts) + 1)]
        for module in filter(None, found):
            if module.name not in self.modules:
                self.modules[module.name] = module
                self._waiting += [(module, statement) for statement in module.always]
                for other in set().union(*module.imports.values()):
                    self.run(other)
        return [module for module in found if module]

    def _take(self, module: _Module, statement: _Statement) -> None:
        if statement in self._taken:
            return
        self._taken.add(statement)
        for name, meant in statement.imports:
            self.run(meant)
            if name == "*":
                self.refer(meant.removesuffix(".*"), [])
        words = set(statement.words)
        for name, *attributes in statement.chains:
            for meant in statement.stands_for.get(name, set()) | module.imports.get(name, set()):
                self.refer(meant, attributes)
                words |= set(meant.split(".")) - {name}  # what another name may stand for
            self._bound(module, name)
        # Modules that exercises import are followed, and those inside a package that its __getattr__ imports.
        opens = module.folder and statement in module.binds.get("__getattr__", [])
        if module.name not in _ASKED and not (opens and statement.words & _READS_ALL <= {"import_module"}):
            if statement.reads_all or (words - statement.words) & _READS_ALL:
                self.everything()
        if "exercises" in words and not module.name.startswith(_EXERCISES):
            self._look_up(words, module.name.startswith(f"{_DESK}."))
        self.verbatim |= not words.isdisjoint(_READS_TEXT)
        names = {text.rpartition("/")[2] for text in statement.strings}
        beside = module.path.parent if module.path and not words.isdisjoint(_READS_FILES) else None
        self.claims |= _LIST in names
        self._data |= {p for p in self._files if p.name in names or beside and p.is_relative_to(beside)}

    @cached_property
    def _files(self) -> list[Path]:
        """Every file of data that a module may read; the list of claims counts by its entries."""
        paths = [*(self.root / _PACKAGE).rglob("*"), *(self.root / "results").glob("*")]
        hidden = (".py", ".pyc", ".ipynb")
        return [path for path in paths if path.is_file() and path.suffix not in hidden and path.name != _LIST]

    def _bound(self, module: _Module, name: str) -> None:
        self._waiting += [(module, statement) for statement in module.binds.get(name, [])]

    def refer(self, meant: str, attributes: list[str]) -> None:
        """Take what a dotted name stands for, with the attributes asked of it; of a module alone, all."""
        parts = [*meant.split("."), *attributes]
        modules = self.run(".".join(parts)) if parts[0] == _PACKAGE else []
        if not modules:
            return
        if len(modules) < len(parts):
            self._name(modules[-1], parts[len(modules)])
            return
        self._whole(modules[-1])
        for package in modules[-2:-1]:  # it may bind the same name
            self._bound(package, parts[-1])

    def _name(self, module: _Module, name: str) -> None:
        self._bound(module, name)
        for meant in module.imports.get(name, set()):
            self.refer(meant, [])
        if name in module.binds or name in module.imports:
            return
        if name.startswith("__") or not module.folder or "*" in module.imports:
            self._whole(module)
            return
        # Its __getattr__ hands on what a module inside binds, or else it is of a former version and stands for any.
        self._bound(module, "__getattr__")
        inside = self._modules(module.name, module.folder, "[!_]*.py") if "__getattr__" in module.binds else []
        binding = [other for other in inside if name in other.binds]
        for other in binding:
            self.run(other.name)
            self._name(other, name)
        if not binding:
            self.everything()

    def _whole(self, module: _Module) -> None:
        self._waiting += [(module, statement) for statement in module.statements]
        for other in set().union(*module.imports.values()) if module.path else ():
            if not self._module(other):
                self.refer(other, [])

    def everything(self) -> None:
        for path in sorted((self.root / _PACKAGE).rglob("*.py")):
            name = ".".join(path.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__")
            self._whole(self.run(name)[-1])

    def _look_up(self, words: set[str], by_desk: bool) -> None:
        """A check looks an exercise of its own chapter up; the table of progress counts those of all chapters."""
        self._counted |= by_desk and "all_exercises" in words
        asked = {"EXERCISES"} if "find" in words or "all_exercises" in words and not by_desk else set()
        asked |= {"PREDICTIONS"} if "find_prediction" in words else set()
        for module in self._chapters() if asked else ():
            if not by_desk or module.name == f"{_EXERCISES}.chapter_{self.part}":
                self.run(module.name)
                for name in asked & module.binds.keys():
                    self._name(module, name)

    def _chapters(self) -> list[_Module]:
        return self._modules(_EXERCISES, self.root.joinpath(*_EXERCISES.split(".")), "chapter_*.py")

    def _modules(self, package: str, folder: Path, pattern: str) -> list[_Module]:
        found = (self._module(f"{package}.{path.stem}") for path in sorted(folder.glob(pattern)))
        return [module for module in found if module]

    def _module(self, dotted: str) -> _Module | None:
        if dotted not in self._known:
            parts = dotted.split(".")
            folder = self.root.joinpath(*parts)
            ours = parts[0] == _PACKAGE and dotted != _FORMER
            paths = (folder / "__init__.py", folder.with_suffix(".py")) if ours else ()
            path = next((path for path in paths if path.is_file()), None)
            self._known[dotted] = _read(dotted, path, path.read_text(encoding="utf-8")) if path else None
        return self._known[dotted]


def _cards(module: _Module) -> list[str]:
    """What the table of progress reads of a chapter's exercises; the whole module where that is not written down."""
    nodes = (node for statement in module.statements for node in statement.nodes)
    calls = [(n.func.id, n) for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    cards = [_canonical(call) for name, call in calls if name == "Card"]
    declared = sum(name in ("Exercise", "proof", "Written") for name, _ in calls)
    return cards if len(cards) == declared > 0 else [module.text]


def _chains(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Every name in ``tree`` with the attributes asked of it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            yield (node.id, *attributes)
        else:
            waiting += ast.iter_child_nodes(node)


def _word(node: ast.AST) -> str | None:
    match node:
        case ast.Attribute(ast.Name("sys"), "modules"):
            return "sys.modules"
        case ast.Attribute(_, "eval" | "exec"):  # torch's
            return None
        case ast.Attribute(_, word) | ast.Name(word) | ast.FunctionDef(word):
            return word
    return None


def _singles(node: ast.stmt) -> list[ast.stmt]:
    """An import of several names as that many imports; any other statement as it is."""
    match node:
        case ast.Import(names):
            return [ast.copy_location(ast.Import([alias]), node) for alias in names]
        case ast.ImportFrom(module, names, level):
            return [ast.copy_location(ast.ImportFrom(module, [alias], level), node) for alias in names]
    return [node]


def _canonical(node: object) -> str:
    """A syntax tree as text that is the same in every version of Python, without docstrings."""
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name in node._fields:
        value = getattr(node, name, None)
        if name == "body" and isinstance(value, list):  # a text alone on its line does nothing
            value = [s for s in value if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        # Python 3.12.1 puts empty texts between the fields.
        if isinstance(node, ast.JoinedStr) and isinstance(value, list):
            value = [part for part in value if getattr(part, "value", None) != ""]
        empty = value == [] or value is None and not isinstance(node, ast.Constant)
        if not empty and name not in ("kind", "type_comment"):
            fields.append(f"{name}={_canonical(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _claims(trees: list[ast.Module], chapter: int, root: Path) -> list[dict]:
    """The entries of the chapter, and those that its cells name."""
    named = {n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    listed = read_list(root / _PACKAGE / _LIST)
    return [asdict(claim) for claim in listed if claim.chapter == chapter or claim.id in named]


def _digest(*said: str) -> str:
    digest = hashlib.sha256()
    for text in said:
        digest.update(f"{len(text)}\0{text}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]
