"""Small wrong versions of a function, made by changing one place of its source."""

import ast
import copy
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SWAPS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Pow),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
}
_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
#: Removing these changes the type of a value, which the check forgives on purpose.
_CONVERSIONS = {"float", "asarray", "array"}
_OR = re.compile(r"# Or `(.+)`: ")
_COMMUTATIVE = {"max", "min", "maximum", "minimum", "hypot"}


@dataclass(frozen=True)
class Mutant:
    """One place of a function is changed.

    statement, becomes   the first line of the statement with the change, before and after it
    names                those that stood in the changed place
    function             what the whole has become
    """

    statement: str
    becomes: str
    names: frozenset[str]
    function: Callable

    @property
    def change(self) -> str:
        return f"{self.statement} → {self.becomes}"


def right_too(function: Callable) -> set[str]:
    """Statements in place of one of the function's that are right as well.

    They stand above it, in a comment: "# Or `return Hz @ v @ v`: H_z is symmetric."
    """
    said = [text for f in _with_helpers(function) for text in _OR.findall(inspect.getsource(f))]
    return {ast.unparse(ast.parse(f"def f():\n {text}").body[0].body[0]) for text in said}


def mutants(function: Callable) -> Iterator[Mutant]:
    """Every mutant of a function and of the functions of its module that it calls."""
    trees = {f.__name__: _tree(f) for f in _with_helpers(function)}
    seen = {ast.unparse(tree) for tree in trees.values()}
    for name, tree in trees.items():
        for statement in (node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node is not tree):
            for node, replacement in _changes(statement):
                changed, copied = _replaced(tree, statement, node, replacement)
                source = ast.unparse(changed)
                if source not in seen:
                    seen.add(source)
                    others = [other for key, other in trees.items() if key != name]
                    names = frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
                    made = _compiled([*others, changed], function)
                    yield Mutant(_first_line(statement), _first_line(copied), names, made)


def _with_helpers(function: Callable) -> list[Callable]:
    found = [function]
    for known in found:
        for name in known.__code__.co_names:
            helper = known.__globals__.get(name)
            ours = inspect.isfunction(helper) and helper.__module__ == function.__module__
            if ours and helper not in found:
                found.append(helper)
    return found


def _tree(function: Callable) -> ast.FunctionDef:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(tree, ast.FunctionDef):
        raise TypeError(f"{function} is not written with def, so that its source cannot be taken apart")
    tree.decorator_list, tree.returns = [], None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    if ast.get_docstring(tree) is not None:
        del tree.body[0]
    return tree


def _compiled(trees: list[ast.FunctionDef], function: Callable) -> Callable:
    scope = function.__globals__ | inspect.getclosurevars(function).nonlocals
    for tree in trees:
        exec(compile(ast.unparse(tree), "<mutant>", "exec"), scope)
    return scope[function.__name__]


def _replaced(tree: ast.AST, statement: ast.AST, node: ast.AST, new: ast.AST) -> tuple[ast.AST, ast.AST]:
    memo: dict[int, ast.AST] = {}
    tree = copy.deepcopy(tree, memo)
    target = memo[id(node)]

    class Replace(ast.NodeTransformer):
        def visit(self, visited: ast.AST) -> ast.AST:
            return copy.deepcopy(new) if visited is target else self.generic_visit(visited)

    changed = Replace().visit(tree)
    return changed, memo[id(statement)]


def _first_line(statement: ast.AST) -> str:
    return ast.unparse(statement).split("\n")[0]


def _changes(statement: ast.stmt) -> Iterator[tuple[ast.AST, ast.AST]]:
    """(node, what to put there) for the expressions of one statement, not of the statements inside it."""
    if isinstance(statement, ast.Return) and statement.value is not None:
        yield statement.value, ast.UnaryOp(ast.USub(), statement.value)
    if isinstance(statement, ast.If | ast.While):
        yield statement.test, ast.UnaryOp(ast.Not(), statement.test)
    if isinstance(statement, ast.AugAssign):
        for operator in _SWAPS.get(type(statement.op), ()):
            yield statement.op, operator()
    for field in ast.iter_child_nodes(statement):
        if isinstance(field, ast.expr):
            for node in ast.walk(field):
                for replacement in _replacements(node):
                    yield node, replacement


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from (ast.Constant(v) for v in (value + 1, value - 1, 2 * value, 0) if v != value)
        case ast.BinOp(left, operator, right):
            yield from (left, right)
            yield from (ast.BinOp(left, swap(), right) for swap in _SWAPS.get(type(operator), ()))
            if isinstance(operator, ast.Div | ast.Pow | ast.MatMult):
                yield ast.BinOp(right, operator, left)
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Compare(left, [operator], [right]):
            yield from (ast.Compare(left, [swap()], [right]) for swap in _COMPARISONS.get(type(operator), ()))
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.IfExp(_, body, otherwise):
            yield from (body, otherwise)
        case ast.Attribute(value, "T"):
            yield value
        case ast.Call(function, arguments, keywords):
            yield from _calls(function, arguments, keywords)


def _calls(function: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword]) -> Iterator[ast.AST]:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if arguments and name not in _CONVERSIONS:
        yield arguments[0]
    if len(arguments) > 1 and name not in _COMMUTATIVE:
        yield ast.Call(function, [arguments[1], arguments[0], *arguments[2:]], keywords)
    for index in range(len(keywords)):
        yield ast.Call(function, arguments, keywords[:index] + keywords[index + 1 :])
