"""What makes a chapter run again: what its cells reach, and nothing else."""

import ast
import re
import shutil
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell

from course_staff import fingerprint
from course_staff.source import code_cells, part, read_chapter, sources

ROOT = Path(__file__).resolve().parent.parent.parent

MODULES = {
    "course_utils/__init__.py": "",
    "course_utils/hall/__init__.py": """
def __getattr__(name):
    from importlib import import_module
    return getattr(import_module(f"{__name__}.{'one' if name == 'first' else 'two'}"), name)
""",
    "course_utils/hall/one.py": "def first():\n    return 1\n\ndef last():\n    return 9\n",
    "course_utils/hall/two.py": "def second():\n    return 2\n",
    "course_utils/a.py": '''
"""A module."""
from pathlib import Path
from course_utils.b import helper, other as renamed

LIMIT = 3
TABLE = Path(__file__).parents[1] / "results" / "table.csv"
KINDS = {}

def used(x):
    """What it does."""
    return helper(x) + LIMIT  # why

def unused(x):
    return renamed(x)

def read():
    return TABLE.read_text()

def late():
    from course_utils import c
    return c.deep()

def explained():
    return used.__doc__

def register(f):
    KINDS[f.__name__] = f
    return f
''',
    "course_utils/b.py": "def helper(x):\n    return x\n\ndef other(x):\n    return -x\n",
    "course_utils/c.py": "def deep():\n    return 1\n\ndef apart():\n    return 2\n",
    "results/table.csv": "1\n",
    "results/other.csv": "1\n",
}
ONE, TWO, A, B, C, TABLE, OTHER = [name for name in MODULES if "__init__" not in name]
HALL = "from course_utils.hall import first\nfirst()"
USED = "from course_utils.a import used\nused(1)"


@pytest.fixture
def tree(tmp_path):
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of(root, *sources, student=None, tags=()):
    cells = [new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    return fingerprint.of_chapter(cells, [new_code_cell(s) for s in student or sources], "01", root)


CHANGES = {  # cell, file, old text, new text, whether the cell runs again
    "a comment": (USED, A, "# why", "# why not", False),
    "a docstring": (USED, A, "What it does", "What it did", False),
    "a module's docstring": (USED, A, "A module", "The module", False),
    "a line break": (USED, A, "helper(x) + LIMIT", "(\n        helper(x)\n        + LIMIT)", False),
    "its own code": (USED, A, "helper(x) +", "helper(x) -", True),
    "a constant that it uses": (USED, A, "LIMIT = 3", "LIMIT = 4", True),
    "a function of another module that it calls": (USED, B, "return x", "return +x", True),
    "a function that it does not reach": (USED, A, "renamed(x)", "renamed(x) + 1", False),
    "and what only that one calls": (USED, B, "return -x", "return 0", False),
    "another meaning of the same name": (
        USED,
        A,
        "helper, other as renamed",
        "other as helper, helper as renamed",
        True,
    ),
    "one import more": (USED, A, "import helper, other", "import deep, helper, other", False),
    "a statement that importing runs": (USED, A, "KINDS = {}", "KINDS = {}\nprint('hello')", True),
    "the same in a module that this one imports": (USED, B, "def other", "print(1)\n\ndef other", True),
    "a decorator of the course": (USED, A, "def unused", "@register\ndef unused", True),
    "an attribute of a module": ("from course_utils import a\na.used(1)", A, "renamed(x)", "renamed(0)", False),
    "an attribute by its full name": ("import course_utils.a\ncourse_utils.a.unused(1)", B, "-x", "0", True),
    "a module as a value": ("from course_utils import a\nprint(a)", B, "return -x", "return 0", True),
    "a name that is made": ("from course_utils import a\ngetattr(a, 'un' + 'used')", B, "return -x", "return 0", True),
    "a star": ("from course_utils.a import *", B, "return -x", "return 0", True),
    "a module that is imported late": ("from course_utils.a import late\nlate()", C, "return 1", "return 0", True),
    "what that module has besides": ("from course_utils.a import late\nlate()", C, "return 2", "return 0", False),
    "a module by a name that is made": (f"import importlib\nimportlib.import_module(n)\n{USED}", C, "2", "0", True),
    "the same under another name": (f"from importlib import import_module as get\nget(n)\n{USED}", C, "2", "0", True),
    "a command of the shell": ("!python program.py", C, "return 2", "return 0", True),
    "what a package hands on": (HALL, ONE, "return 1", "return 0", True),
    "what lies beside it": (HALL, ONE, "return 9", "return 0", False),
    "and in the next module": (HALL, TWO, "return 2", "return 0", False),
    "what no package has": ("from course_utils import former\nformer.f()", TWO, "return 2", "return 0", True),
    "data that it reads": ("from course_utils.a import read\nread()", TABLE, "1", "2", True),
    "data beside these": ("from course_utils.a import read\nread()", OTHER, "1", "2", False),
    "data that another function reads": (USED, TABLE, "1", "2", False),
    "a docstring that is read": ("from course_utils.a import explained\nexplained()", A, "What it does", "So", True),
}


@pytest.mark.parametrize("cell, file, old, new, again", CHANGES.values(), ids=CHANGES)
def test_a_change_counts_where_the_cells_can_reach_it(tree, cell, file, old, new, again):
    before, path = of(tree, cell), tree / file
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    assert (of(tree, cell) != before) is again


@pytest.mark.parametrize(
    "old, new, again",
    [
        ("x = f(2)", "x = f(2)  # two", False),
        ("x = f(2)", "x  =  f( 2 )", False),
        ("x = f(2)", "x = f(3)", True),
        ("x", "x;", True),
        ("x;", "x;  # quiet", False),
        ("%time\nx", "%timeit\nx", True),
        ('"shown"', '"also shown"', True),
        ('def f():\n    """One."""', 'def f():\n    """Two."""', False),
    ],
)
def test_of_a_cell_counts_what_runs(tree, old, new, again):
    assert (of(tree, old) != of(tree, new)) is again


def test_tags_count_and_so_does_what_a_student_runs(tree):
    assert len({of(tree, "x"), of(tree, "x", tags=["nbval-ignore-output"]), of(tree, "x", student=["y"])}) == 3


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the course that may be edited, its chapters, and what these depend on as they are."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("course_utils", "results"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("claims.toml"):
        shutil.copy(file, root)
    return root, [read_chapter(path, ROOT) for path in sources(ROOT)]


@pytest.fixture
def edited(copied):
    """Rewrites modules of the copy; returns the chapters that run again; the copy is as before afterwards."""
    root, chapters = copied
    before = {}

    def edit(pattern, change):
        for path in root.glob(pattern):
            before[path] = path.read_text(encoding="utf-8")
            path.write_text(change(before[path]), encoding="utf-8")
        assert before, f"no module {pattern}"
        return {
            part(chapter.name)
            for chapter in chapters
            if chapter.course["fingerprint"]
            != fingerprint.of_chapter(
                code_cells(chapter.solution.cells), code_cells(chapter.student.cells), part(chapter.name), root
            )
        }

    yield edit
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


def reworded(text):
    """A module with another docstring everywhere, and a comment above every statement."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body[0].value.value += " More."
    return "# A comment.\n" + "\n# Another.\n".join(map(ast.unparse, tree.body)) + "\n\ndef new():\n    return 1\n"


@pytest.mark.parametrize("wing", ["theory", "desk", "figures", "exercises", "data"])
def test_words_in_the_courses_modules_make_no_chapter_run_again(edited, wing):
    assert edited(f"course_utils/{wing}/*.py", reworded) == set()


def test_a_constant_of_exercise_3_2_makes_chapter_3_run_again(edited):
    def slower(text):
        assert text.count('*Card("3.2",') == 1
        return text.replace('*Card("3.2",', 'time_limit=4.5, *Card("3.2",')

    assert edited("course_utils/exercises/chapter_03.py", slower) == {"03"}


def test_the_points_of_exercise_3_2_are_counted_by_the_table_of_progress_too(edited):
    def dearer(text):
        return re.sub(r'(Card\("3\.2",.*?points=)\d+', r"\g<1>99", text, count=1, flags=re.DOTALL)

    assert edited("course_utils/exercises/chapter_03.py", dearer) >= {"00", "03"}


def test_what_every_figure_passes_through_makes_every_chapter_with_figures_run_again(edited):
    def other(text):
        return re.sub(
            r"(\ndef show\(.*?\n    \"\"\".*?\"\"\"\n)", r"\1    assert True\n", text, count=1, flags=re.DOTALL
        )

    names = {part(path.stem) for path in sources(ROOT)}
    assert edited("course_utils/figures/__init__.py", other) == names - {"00"}
