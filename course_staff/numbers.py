"""Numbers in prose that no cell has printed: ``python -m course_staff.numbers [NAMES]``.

A chapter's words (text, quiz, notes, the sentence after an exercise, what figures have typed in) may state a measured
number only to the digits that an output or a literal of the same built notebook rounds to. What counts as one:
decimals, powers of ten, percentages, factors, whole numbers of three digits or before a word such as "flips". What is
rightly found nowhere is marked by a comment in the same paragraph, behind a word, which no reader sees::

    <!-- derived: 0.89 = 8/9; 53 % = 8/15 -->    computed here: + - * / **, pi, e, sqrt, exp, log and a few more
    <!-- quoted: 0.41, 0.9 -->                   what a source prints
    <!-- chapter 6a: 0.382 -->                   found in another chapter

Two digits are found too easily in a whole chapter: they must be in their own section, or be marked ``chapter N`` with
the chapter's own number. Take-aways and quiz look back to all of it. A mark that is wrong, or not needed, is a problem
too. The text of an exercise is not marked, since a derivation would tell its answer: there the right answers to its
edge cases, and to the example of its variants, count as found.
"""

from __future__ import annotations

import argparse
import ast
import math
import operator
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
from nbformat import NotebookNode

from course_staff.build import ROOT
from course_staff.cells import calls_last, imported, parse
from course_staff.source import SOLUTIONS, first_line, sources
from course_utils.desk.claims import MIME

_MARK = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve fifteen".split()
_WORD_VALUES = {**{w: n for n, w in enumerate(_WORDS[:13])}, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50}
_NOUNS = (
    "flips neurons networks nets draws seeds evaluations epochs steps pairs moves rows layers widths images samples "
    "repetitions seconds digits directions parameters weights rates splits folds arms standard"
).replace(" ", "|")

# What looks like a number and is a name: "Exercise 3.1", "slides 4 and 5", "(1992)", an arXiv id, a card's line.
_PLACE = r"\(?(?:0\.)?[1-9][0-9]?(?:\.[0-9]+)?[ab]?\)?"
_NAMES = re.compile(
    r"\b(?:exercises?|chapters?|sections?|slides?|lemmas?|theorems?|propositions?|prop\.|corollar(?:y|ies)|remarks?|"
    r"claims?|figures?|equations?|eqs?\.|parts?|pages?|python|version|difficulty)\s*"
    rf"{_PLACE}(?:(?:,\s*{_PLACE})*\s*(?:and|or|to|–|-)\s*{_PLACE})?"
    r"|§\s*[0-9.]+|\b[0-9]{4}\.[0-9]{4,5}\b|\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b"
    r"|(?:\(|[*”’],\s|\b(?-i:[A-Z])[a-z]+,?\s|\bal\.\s)(?:19|20)[0-9]{2}(?=\s?[),.;:(])"
    r"|\b[0-9]+ ?% (?=interval|confidence|band|level)"
    r"|^\*?difficulty [1-5] of 5.*$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\]}.])-)?(?<![\w.#^])(?:"
    r"(?:(?P<mantissa>[0-9]+(?:\.[0-9]+)?)\s*[·×*]\s*)?10\^[{(]?(?P<power>[-+]?[0-9]+)[})]?(?![0-9./])"
    r"|(?P<e>[0-9]+(?:\.[0-9]+)?e[-+]?[0-9]+)"
    r"|(?P<grouped>[0-9]{1,3}(?:[ \u2009\u202f\u00a0,][0-9]{3})+)(?!\.?[0-9]|,[0-9])"
    r"|(?P<plain>[0-9]+(?:\.[0-9]+)?)(?![0-9]))"
    rf"|\b(?P<word>{'|'.join(_WORD_VALUES)})(?= per ?cent)|(?<=factor of )(?P<times>{'|'.join(_WORD_VALUES)})\b",
    re.IGNORECASE,
)
_MORE = r"(?:\s?(?:/|,|and|or|to|–|-)\s?[0-9]+(?:\.[0-9]+)?)*"  # "53 / 54 and 59 %": each is a percentage
_PERCENT = re.compile(rf"{_MORE}\s?(?:%|per ?cent)", re.IGNORECASE)
_COUNTED = re.compile(
    rf"{_MORE}(?:\s?times\b|-?fold\b|\s?×(?!\s?[0-9\w])|\s(?:[a-z-]+\s)?(?:{_NOUNS})\b)", re.IGNORECASE
)
_FACTOR = re.compile(r"(?:(?:^|[\s(])×\s?|\bfactor (?:of )?)$", re.IGNORECASE)
_SCALE = re.compile(r"\s(thousand|million|billion)\b")
_QUESTION = re.compile(r"[^.?!]*\sor\s[^.?!]*\?")  # among whose numbers a reader chooses
_LOOKS_BACK = re.compile(r"## (?:Take-aways|Quiz|Looking back)")
_ROUGHLY = re.compile(r"(?:about|some|nearly|roughly|almost|over|more than|≈|~|above|below|under)\s*$", re.IGNORECASE)


class Number(NamedTuple):
    """A number as it is written: its value, the unit of its last digit, and whether it must be found."""

    text: str
    value: float
    unit: float
    percent: bool
    signed: bool
    measured: bool

    @property
    def digits(self) -> int:
        """How many digits it has, without leading zeros."""
        return 1 + math.floor(math.log10(abs(self.value) / self.unit) + 1e-9) if self.value else 1

    def is_rounded_from(self, values: np.ndarray) -> bool:
        """Whether one of the values, given as shares where this is a percentage, rounds to this."""
        values = values * 100 if self.percent else values
        values = values if self.signed else np.abs(values)
        return bool((np.abs(values - self.value) <= self.unit * (0.5 + 1e-6)).any())


def numbers(text: str) -> Iterator[Number]:
    """Every number of a plain text, in its order."""
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text.replace("−", "-"))
    for match in _NUMBER.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if word := match["word"] or match["times"]:
            value = float(_WORD_VALUES[word.lower()])
            yield Number(word, value, 1.0, bool(match["word"]), False, True)
            continue
        if match["power"]:
            digits, power = match["mantissa"] or "1", int(match["power"])
        elif match["e"]:
            digits, exponent = match["e"].lower().split("e")
            power = int(exponent)
        else:
            digits, power = re.sub(r"[^0-9.]", "", match["grouped"] or match["plain"]), 0
        if scale := _SCALE.match(after):
            power += {"thousand": 3, "million": 6, "billion": 9}[scale[1]]
        whole, _, decimals = digits.partition(".")
        places = power - len(decimals)
        if not decimals and not power and _ROUGHLY.search(before):
            places = len(whole) - len(whole.rstrip("0"))  # "about 6200" rounds to hundreds
        percent = bool(_PERCENT.match(after))
        measured = bool(
            decimals or power or percent or len(whole) >= 3 or _FACTOR.search(before) or _COUNTED.match(after)
        )
        sign = -1 if match["sign"] else 1
        yield Number(match[0], sign * float(f"{digits}e{power}"), 10.0**places, percent, sign < 0, measured)


def plain(markdown: str) -> str:
    """What a reader reads of Markdown, without code, displayed formulas, names such as "Exercise 3.1" and indices."""
    text = re.sub(
        r"^```.*?^```|\$\$.*?\$\$|`[^`\n]*`|<code>.*?</code>", " … ", markdown, flags=re.DOTALL | re.MULTILINE
    )
    text = _MARK.sub("", text)
    text = re.sub(r"\]\([^)\s]*\)|<[^<>]*>", " ", text)
    text = re.sub(r"\\tag\{[^}]*\}|_\{[^{}]*\}|_\w", "", text)
    text = re.sub(r"(?<=[0-9])(?:\\[,;: ]|\{,\})(?=[0-9])", "\u202f", text)
    text = re.sub(r"\\(?:cdot|times)(?![A-Za-z])", "·", text.replace(r"\%", "%").replace(r"\approx", "≈"))
    text = re.sub(r"\\[,;:!]|[$]", " ", text)
    return _NAMES.sub(" … ", text)


class Pool:
    """The values that outputs and literals hold: of a section, and of all of its chapter."""

    def __init__(self, near: list[float], chapter: list[float] | None = None) -> None:
        self.near, self.chapter = np.array([*near, math.inf]), np.array([*(chapter or near), math.inf])

    def has(self, number: Number, further: list[float] | None = None) -> bool:
        """Whether the section holds it, or the chapter at all if it has three digits: of two, a chapter holds half."""
        near = np.append(self.near, further or [])
        return number.is_rounded_from(near) or number.digits >= 3 and self.anywhere(number)

    def anywhere(self, number: Number) -> bool:
        return number.is_rounded_from(self.chapter)


def values(cells: list[NotebookNode], figures: bool = True) -> list[float]:
    """The values that these cells hold; ``figures`` says whether what pictures say of themselves counts."""
    found: list[float] = []
    for cell in cells:
        if cell.cell_type == "code":
            found += literals(parse(cell.source))
            for text in _outputs(cell):
                if figures or not text.startswith("Figure. "):
                    found += (n.value / 100 if n.percent else n.value for n in numbers(text))
                    found += (n.value for n in numbers(text) if n.percent)
    return [value for value in found if math.isfinite(value)]


def _sections(cells: list[NotebookNode]) -> Iterator[list[NotebookNode]]:
    """The cells from each heading of the second level to the next; first those before them."""
    section: list[NotebookNode] = []
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            yield section
            section = []
        section.append(cell)
    yield section


def _outputs(cell: NotebookNode) -> Iterator[str]:
    """What a cell printed and showed, without the statement of a claim and without the answer of a check.

    Questions and their readings are words, too: no number is found there.
    """
    if calls_last(cell.source, "predict", "after", "proof_lines", "verdicts"):
        return
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        text = str(output.get("text", data.get("text/plain", "")))
        if MIME in data:
            text = text.replace(data[MIME]["statement"], "")
        if " Exercise " not in text[:12]:
            yield text


def literals(tree: ast.AST) -> list[float]:
    """The numbers in code, and what sums, products and powers of numbers alone come to."""
    values = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.UnaryOp | ast.BinOp):
            try:
                values.append(_value(node))
            except ValueError:
                continue
    return values


_OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda x, y: math.pow(x, y),
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    name: getattr(math, name) for name in "sqrt exp log sin cos tan asin acos atan erf gamma floor ceil tanh".split()
}


def evaluate(formula: str) -> float:
    """The value of an arithmetic formula.

    Raises:
        ValueError: if it is more than numbers, + - * / **, pi, e and the functions that are known here.
    """
    try:
        return _value(ast.parse(formula.strip(), mode="eval").body)
    except SyntaxError:
        raise ValueError(f"{formula.strip()!r} is no formula") from None


def _value(node: ast.AST) -> float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.Name(id="pi" | "e" as name):
            return float(getattr(math, name))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            x, y = _value(left), _value(right)
            try:
                return float(_OPERATIONS[type(op)](x, y))
            except (ArithmeticError, ValueError) as error:
                raise ValueError(f"{ast.unparse(node)}: {error}") from None
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in _FUNCTIONS:
            try:
                return float(_FUNCTIONS[name](_value(inner)))
            except ArithmeticError as error:
                raise ValueError(f"{ast.unparse(node)}: {error}") from None
    raise ValueError(f"{ast.unparse(node)!r} is no arithmetic")


def problems(
    notebook: NotebookNode, other: Callable[[str], Pool], exercises: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    """(where, what is wrong) for each number in a built notebook's prose that is not found, and for each bad mark.

    Args:
        notebook: a built solution.
        other: the pool of another chapter by its part, such as "06a"; ValueError if there is none.
        exercises: id → declaration, of those whose text the notebook has.
    """
    course, found, count = notebook.metadata.get("course", {}), [], 0
    answers = _answers(notebook, exercises or {})
    chapter = values(notebook.cells)
    for number, section in enumerate(_sections(notebook.cells)):
        looks_back = number == 0 or _LOOKS_BACK.match(section[0].source)
        pool = Pool(chapter if looks_back else values(section), chapter)
        for count, cell in enumerate(section, count + 1):  # noqa: B020, which the sections share
            for prose in _prose(cell):
                where = f"cell {count} ({first_line(cell)!r})"
                found += [(where, what) for what in paragraph(prose, pool, other, answers.get(cell.id))]
    found += [("course.proves", what) for what in paragraph(course.get("proves", ""), Pool(chapter), other)]
    without_figures = Pool(values(notebook.cells, figures=False))
    for where, words in _figure_words(notebook):
        typed = (n for n in numbers(plain(words)) if n.measured and not without_figures.has(n))
        found += [(where, f"{n.text} is typed into the figure and not found") for n in typed]
    return found


def _prose(cell: NotebookNode) -> Iterator[str]:
    """The paragraphs of a cell; of a code cell what is said after an exercise, and a statement of the course's own."""
    if cell.cell_type == "markdown":
        text = re.sub(r"^```.*?^```", " … ", cell.source, flags=re.DOTALL | re.MULTILINE)
        yield from re.split(r"\n\s*\n", text)
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if MIME in data and data[MIME]["id"].startswith("course/"):
            yield data[MIME]["statement"]
        elif " Exercise " in (text := data.get("text/plain", ""))[:12]:
            yield re.sub(r"^.*\n|right on all [0-9]+ inputs", "", text, count=2)


def paragraph(
    markdown: str, pool: Pool, other: Callable[[str], Pool], further: list[float] | None = None
) -> Iterator[str]:
    """What is wrong with the numbers and marks of one paragraph."""
    text = plain(markdown)
    mine = [n for n in numbers(_QUESTION.sub("", text) if "Predict" in text else text) if n.measured]
    missing = {(n.value, n.percent): n for n in mine if not pool.has(n, further)}
    quoted = [n.value for kind, said in _marks(markdown) if kind == "quoted" for n in numbers(said)]
    for line in re.findall(r"^\s*<!--.*$", markdown, flags=re.MULTILINE):
        yield f"{line.strip()!r} begins a line, which ends the paragraph; put it behind a word"
    for kind, said in _marks(markdown):
        for part in re.split(";" if kind == "derived" else "[;,]", said):
            left, _, formula = part.partition("=")
            number = next(numbers(left), None)
            if number is None or (kind == "derived") != bool(formula.strip()):
                yield f"the mark {part.strip()!r} cannot be read"
                continue
            key = (number.value, number.percent)
            if not any(key == (n.value, n.percent) for n in mine):
                yield f"{number.text} is marked as {kind} and not in the paragraph"
                continue
            if key not in missing and any(key == (n.value, n.percent) and pool.has(n, further) for n in mine):
                yield f"{number.text} is marked as {kind} and found without"
                continue
            missing.pop(key, None)
            try:
                yield from _wrong(kind, number, formula, pool, other, quoted)
            except ValueError as error:
                yield str(error)
    for n in missing.values():
        yield f"{n.text} is found in another section only" if pool.anywhere(n) else f"{n.text} is not found"


def _marks(markdown: str) -> Iterator[tuple[str, str]]:
    for content in _MARK.findall(markdown):
        kind, _, said = content.partition(":")
        yield kind.strip(), said


def _wrong(
    kind: str, number: Number, formula: str, pool: Pool, other: Callable[[str], Pool], quoted: list[float]
) -> Iterator[str]:
    if kind == "derived":
        value = evaluate(formula)
        if not number.is_rounded_from(np.array([value])):
            yield f"{number.text} is not {formula.strip()}, which is {value:.6g}"
        for n in numbers(formula.replace("**", "^").replace("*", " ")):
            if n.measured and not pool.anywhere(n) and not pool.has(n, quoted):
                yield f"{n.text}, from which {number.text} is derived, is not found"
    elif place := re.fullmatch(r"chapter ([0-9]+)([a-z]?)", kind):
        if not other(f"{int(place[1]):02}{place[2]}").anywhere(number):
            yield f"{number.text} is not found in {kind}"
    elif kind != "quoted":
        yield f"unknown mark {kind!r}; known: derived, quoted, chapter N"


def _answers(notebook: NotebookNode, exercises: dict[str, Any]) -> dict[str, list[float]]:
    """Cell id → the right answers to edge cases and example, for the cells from an exercise's card to its check."""
    ids, found = [cell.id for cell in notebook.cells], {}
    for told in notebook.metadata.get("course", {}).get("exercises", []):
        exercise = exercises.get(told["id"])
        if exercise is None:
            continue
        example = exercise.variants.example if exercise.variants else None
        values: list[float] = []
        for case in (*exercise.edge_cases, *([example] if example else [])):
            call = exercise.reference if exercise.probe is None else lambda e=exercise, **c: e.probe(e.reference, **c)
            answer = call(**case)
            for part in answer if isinstance(answer, tuple) else (answer,):
                values += np.ravel(np.asarray(part, dtype=float)).tolist()
            values += [float(v) for v in case.values() if isinstance(v, int | float)]
        first, last = ids.index(told["cells"]["card"]), ids.index(told["cells"]["check"])
        found.update(dict.fromkeys(ids[first : last + 1], values))
    return found


def _figure_words(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """What the drawing functions that the notebook uses have typed in: titles, labels, alternative texts."""
    trees = [parse(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    for name, meant in sorted(set(imported(nodes, ""))):
        path = ROOT / f"{meant.replace('.', '/')}.py"
        if not meant.startswith("course_utils.figures.") or not path.is_file():
            continue
        used = {
            n.attr
            for n in nodes
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == name
        }
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef) and function.name in used:
                for words in _strings(function):
                    yield f"{path.relative_to(ROOT)}, {function.name}", words


def _strings(function: ast.FunctionDef) -> Iterator[str]:
    skip = {id(function.body[0].value)} if ast.get_docstring(function) else set()  # type: ignore[attr-defined]
    for node in ast.walk(function):
        if isinstance(node, ast.FormattedValue) and node.format_spec:
            skip |= {id(part) for part in ast.walk(node.format_spec)}
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skip:
            yield node.value


def check(path: Path) -> list[str]:
    """Every problem of one chapter, named by its source and cell."""
    from course_utils.exercises import all_exercises

    def read(source: Path) -> NotebookNode:
        return nbformat.read(source.with_suffix(".ipynb"), as_version=4)

    def other(part: str) -> Pool:
        return Pool(values(read(sources(ROOT, [part])[0]).cells))

    found = problems(read(path), other, dict(all_exercises()))
    return [f"{SOLUTIONS}/{path.name}, {where}: {what}" for where, what in found]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course_staff.numbers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help='"01" or "01_taylor_bounds"; default: all')
    found = [problem for path in sources(ROOT, parser.parse_args(argv).names) for problem in check(path)]
    print("\n".join(found) or "Every number is found.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
