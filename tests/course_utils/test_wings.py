"""The wings: what may import what. Read from the syntax trees, so that an import inside a function counts as well."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WINGS = ("theory", "data", "experiments", "figures", "exercises", "desk")  # each may import those before it
HOUSES = ("course_utils", "course_staff", "grader")  # likewise


def names(path):
    """The dotted name of every module below ``path``, with its file."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in sorted(path.rglob("*.py"))
    }


MODULES = {house: names(ROOT / house) for house in HOUSES}


def imported(nodes, name, known=()):
    """Dotted names that the statements of module ``name`` ask for; of a ``from``, a submodule if it is ``known``."""
    package = name if MODULES[name.partition(".")[0]][name].name == "__init__.py" else name.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            for alias in node.names:
                yield f"{source}.{alias.name}" if f"{source}.{alias.name}" in known else source


def everywhere(file):
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def at_import(node):
    """The statements that run when the module is imported: not those in functions or for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from at_import(child)


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_only_those_below_it(wing):
    above = [f"course_utils.{other}" for other in WINGS[WINGS.index(wing) + 1 :]]
    for name, file in names(ROOT / "course_utils" / wing).items():
        for found in imported(everywhere(file), name, MODULES["course_utils"]):
            assert not found.startswith(tuple(above)), f"{name} imports {found}, which lies above it"


def test_what_lies_beside_the_wings_imports_none_of_them():
    for name, file in MODULES["course_utils"].items():
        if file.parent.name == "course_utils":
            found = {other for other in imported(everywhere(file), name) if other.startswith("course_utils.")}
            assert not found, f"{file.name} imports {found}"


def test_theory_stands_on_numpy_scipy_and_torch():
    allowed = {"numpy", "scipy", "torch", "course_utils", "__future__", *sys.stdlib_module_names}
    for name, file in names(ROOT / "course_utils" / "theory").items():
        assert {found.partition(".")[0] for found in imported(everywhere(file), name)} <= allowed, name


@pytest.mark.parametrize("house", HOUSES)
def test_a_house_imports_only_those_below_it(house):
    above = set(HOUSES[HOUSES.index(house) + 1 :])
    for name, file in MODULES[house].items():
        found = {other.partition(".")[0] for other in imported(everywhere(file), name)} & above
        assert not found, f"{name} imports {found}"


def test_no_module_is_imported_by_what_it_imports():
    known = {name: file for modules in MODULES.values() for name, file in modules.items()}
    graph = {
        name: set(imported(at_import(ast.parse(file.read_text(encoding="utf-8"))), name, known)) & set(known) - {name}
        for name, file in known.items()
    }
    list(TopologicalSorter(graph).static_order())  # refuses a circle, and names it


LIGHT = "desk desk.checks figures.slider theory.taylor theory.sign_flips theory.concentration theory.worst_case "
LIGHT += "theory.statistics theory.activations"


def test_importing_takes_less_than_numpy_on_its_own_and_imports_nothing_heavy():
    """Compared in one process, the best of three: a second on one machine is three on another."""
    code = f"""
import sys, time
start = time.process_time()
import numpy
middle = time.process_time()
import course_utils, course_utils.theory, course_utils.experiments, course_utils.figures, course_utils.desk
print((time.process_time() - middle) / (middle - start))
for name in {LIGHT.split()}:
    __import__(f"course_utils.{{name}}")
    print(name, {{"torch", "matplotlib", "scipy", "IPython", "ipywidgets", "course_staff"}} & set(sys.modules))
"""
    ratios = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        ratio, *found = run.stdout.splitlines()
        assert found == [f"{name} set()" for name in LIGHT.split()]
        ratios.append(float(ratio))
    assert min(ratios) < 1
