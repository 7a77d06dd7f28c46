"""The one path for a claim: listed in ``claims.toml``, measured in a chapter, kept as a record, shown in many places.

A chapter states what it measured as *comparisons* and the verdict follows from them; it is never typed in::

    claim("lecture/prop-4.1", at_most(gaps, bounds, "largest gap of 2000 moves"))

The record is data. The notebook's text and card, the ledger, the errata and the site are all rendered from it.

A verdict can go wrong, and noise cannot help it. What chance has a part in is measured as an interval, and holds only
where the whole interval is on the right side: below the bound, or inside the margin around the expected value. Where
it is wholly on the wrong side the statement fails, and in between the test cannot tell. All intervals of a claim share
one error: of k, each is drawn at 1 − 0.01/k (Bonferroni), so that a true statement fails in one run of a
hundred at most. A counter-example enters as the statement ``printed``, and so counts against it.
"""

from __future__ import annotations

import html
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from course_utils.audience import shown
from course_utils.desk.output import display
from course_utils.theory.statistics import Interval

MIME = "application/vnd.course.claim+json"
LIST = Path(__file__).resolve().parents[1] / "claims.toml"

#: A bound that exceeds the measurement by more than this factor counts as loose.
LOOSE = 1.1
#: The probability that no true comparison of a claim is denied by chance.
CONFIDENCE = 0.99
#: The fewest independent repetitions that a verdict rests on, where chance is involved.
FEWEST = 10

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
MARKS = {HOLDS: "✓", FAILS: "✗", UNDECIDED: "?"}


@dataclass(frozen=True)
class Verdict:
    """How a verdict is said: in the table of counts, as a heading of the errata (if it is one), its colour and sign."""

    counted: str
    erratum: str
    colour: str
    sign: str


#: Every verdict, in the order of the ledger.
VERDICTS = {
    "holds": Verdict("holds", "", "#0072B2", "✓"),
    "loose": Verdict("holds, and its bound is loose", "Hold, and the bound is loose", "#56B4E9", "✓"),
    "undecided": Verdict("undecided: the test cannot tell", "Undecided", "#999999", "?"),
    "corrected": Verdict("fails as printed, holds as corrected", "Fail as printed, hold as corrected", "#E69F00", "✎"),
    "not reproduced": Verdict("not reproduced", "Not reproduced", "#D55E00", "✗"),
    "fails": Verdict("fails, and nothing near it holds", "Fail", "#CC3311", "✗"),
}


class LedgerError(ValueError):
    """What is wrong with ``claims.toml``, or where it and the chapters disagree: one sentence for each claim."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, order=True)
class Source:
    """Where claims come from: its place among the sources, its key, its name in a claim, its title in the errata."""

    place: int
    key: str
    name: str
    title: str


@dataclass(frozen=True)
class Claim:
    """A statement of a source, as listed: where it stands, which chapter shows it and the verdict expected there."""

    id: str
    source: Source
    section: str
    statement: str
    chapter: int
    verdict: str


@dataclass(frozen=True)
class Misprint:
    """What a source prints and what it means; ``claim`` is the one that tests it, "" for a slip of the pen."""

    source: Source
    place: str
    printed: str
    correct: str
    claim: str


@dataclass(frozen=True)
class Fact:
    """One decided comparison: what was measured, how it should relate to which bound, and what came out.

    Numbers are kept as shown, with three digits, and rounding errors not at all: another processor repeats a record.
    ``outcome`` is "holds", "fails" or "undecided", ``relation`` "≤", "≥" or "=". ``ratios`` is bound / measured, least
    and largest over the settings; ``margin`` is around the bound of a "="; ``interval`` and ``repetitions`` are of what
    was measured, where chance has a part in it.
    """

    label: str
    outcome: str
    measured: str
    relation: str
    bound: str
    margin: str | None = None
    ratios: tuple[float, float] | None = None
    interval: tuple[float, float] | None = None
    repetitions: int | None = None

    @property
    def holds(self) -> bool:
        return self.outcome == HOLDS

    def __str__(self) -> str:
        text = f"{MARKS[self.outcome]} {self.label}: {self.measured}"
        if self.interval is not None:
            text += " ({} to {})".format(*map(_number, self.interval))
        if self.relation != "=":
            text += f"{' ' if self.holds else ', should be '}{self.relation} {self.bound}"
        else:
            text += f", expected {self.bound}" + ("" if self.margin is None else f" ± {self.margin}")
        return text if self.repetitions is None else f"{text}; {self.repetitions} repetitions"


@dataclass(frozen=True)
class Comparison:
    """What a claim measured, beside what it should be: made by :func:`at_most` and its like, decided by :func:`judge`.

    ``measured`` is an exact number, an array of them over settings, or an :class:`Interval`; ``bound`` a number or an
    array of the same settings. ``quoted`` marks a number that a source printed, which may not be reproduced.
    """

    label: str
    measured: np.ndarray | Interval
    relation: str
    bound: np.ndarray
    margin: float = 0.0
    quoted: bool = False

    @property
    def by_chance(self) -> bool:
        return isinstance(self.measured, Interval)

    def decide(self, shared: int = 1) -> Fact:
        """The fact, where ``shared`` comparisons of a claim share its error."""
        interval = repetitions = None
        if isinstance(self.measured, Interval):
            estimate = self.measured.at(1 - (1 - CONFIDENCE) / shared)
            measured, bound, (low, high) = estimate.value, float(self.bound), estimate.interval
            interval, repetitions = (_rounded(low), _rounded(high)), estimate.repetitions
        else:
            settings, bounds = np.broadcast_arrays(self.measured, self.bound)
            excess = (settings - bounds) / np.where(bounds == 0, 1, np.abs(bounds))
            at = int(np.argmax({"≤": excess, "≥": -excess, "=": np.abs(settings - bounds)}[self.relation]))
            measured = low = high = float(settings.flat[at])
            bound = float(bounds.flat[at])
        outcome = self._outcome(low, high, bound)
        fact = Fact(
            self.label, outcome, _number(measured), self.relation, _number(bound), None, None, interval, repetitions
        )
        if self.relation == "≤":
            return replace(fact, ratios=self._ratios())
        if self.relation == "≥":
            return fact
        # Rounding errors differ between platforms: of a difference that vanishes only the tolerance is shown.
        if outcome == HOLDS and bound == 0 and self.margin > 0 and not self.by_chance:
            return replace(fact, measured=f"below {_number(self.margin)}")
        return replace(fact, margin=_number(self.margin) if self.margin > 0 else None)

    def _outcome(self, low: float, high: float, bound: float) -> str:
        """Whether all from low to high is as it should be, nothing of it, or a part."""
        if self.relation == "=":
            good, bad = (
                bound - self.margin <= low and high <= bound + self.margin,
                high < bound - self.margin or low > bound + self.margin,
            )
        else:
            rounding = 1e-12 * abs(bound)
            if self.relation == "≥":
                low, high, bound = -high, -low, -bound
            good, bad = high <= bound + rounding, low > bound + rounding
        return HOLDS if good else FAILS if bad else UNDECIDED

    def _ratios(self) -> tuple[float, float] | None:
        measured = np.asarray(self.measured.value if isinstance(self.measured, Interval) else self.measured)
        measured, bound = np.broadcast_arrays(measured, self.bound)
        if not (measured > 0).any():
            return None
        ratios = bound[measured > 0] / measured[measured > 0]
        return _rounded(ratios.min()), _rounded(ratios.max())


@dataclass(frozen=True)
class Record:
    """A claim as a chapter found it; ``words`` says the verdict in full ("holds, loose by ×3 to ×20")."""

    id: str
    verdict: str
    words: str
    source: str
    section: str
    statement: str
    facts: tuple[Fact, ...]
    printed: Fact | None
    setting: str

    @classmethod
    def read(cls, data: dict) -> Record:
        """The record whose ``asdict`` a notebook keeps as JSON."""

        def fact(kept: dict) -> Fact:
            pairs = {name: kept[name] and tuple(kept[name]) for name in ("ratios", "interval")}
            return Fact(**{**kept, **pairs})

        facts, printed = tuple(map(fact, data["facts"])), data["printed"] and fact(data["printed"])
        return cls(**{**data, "facts": facts, "printed": printed})

    @property
    def heading(self) -> str:
        return f"{self.source}, {self.section}: {self.words}."

    @property
    def details(self) -> list[str]:
        """A line for each fact, for the statement as printed, and for the setting."""
        lines = [str(fact) for fact in self.facts]
        lines += [f"as printed: {self.printed}"] * (self.printed is not None)
        return lines + [f"({self.setting})"] * bool(self.setting)

    @property
    def measured(self) -> list[str]:
        """What was measured, in short: for a cell of the ledger."""
        return [f"{fact.label}: {fact.measured}" for fact in self.facts]

    def __str__(self) -> str:
        return "\n  ".join([self.heading, self.statement, *self.details])

    @property
    def line(self) -> str:
        """Sign, words, number: what stands where the verdict falls."""
        number = f" · {self.facts[0].label}: {self.facts[0].measured}" if self.facts else ""
        return f"{VERDICTS[self.verdict].sign} {self.source}, {self.section}: {self.words}{number}"

    def _repr_html_(self) -> str:
        line, statement, *details = (html.escape(text) for text in (self.line, self.statement, *self.details))
        return (
            f'<details style="border-left:5px solid {VERDICTS[self.verdict].colour};padding:.1em .9em;line-height:1.5">'
            f"<summary><b>{line}</b></summary><div><i>{statement}</i></div>"
            + "".join(f"<div>{text}</div>" for text in details)
            + f'<div style="font-size:85%">{self.id}</div></details>'
        )


Measured = float | np.ndarray | Interval


def at_most(measured: Measured, bound: float | np.ndarray, label: str) -> Comparison:
    """The measured value should not exceed the bound; how far below it stays is its looseness.

    Args:
        measured: an exact number, up to a relative rounding of 1e-12 of the bound; an array of them over settings, of
            which the worst decides, and all say how loose the bound is; or an :class:`Interval`, whose upper end must
            stay below.
        bound: a number, or an array that broadcasts with that of the settings.
        label: what was measured.

    Raises:
        ValueError: for what is not finite, and for an interval that rests on fewer than :data:`FEWEST` repetitions.
    """
    return _comparison(label, measured, "≤", bound)


def at_least(measured: Measured, bound: float | np.ndarray, label: str) -> Comparison:
    """The measured value should reach the bound: as :func:`at_most`, the other way round."""
    return _comparison(label, measured, "≥", bound)


def equals(measured: Measured, value: float | np.ndarray, label: str, *, margin: float) -> Comparison:
    """The measured value should equal ``value`` up to ``margin``, the smallest difference that would matter.

    An :class:`Interval` must lie inside the margin as a whole (an equivalence test), so that noise cannot help.
    """
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"margin must be a finite number ≥ 0, got {margin}")
    return _comparison(label, measured, "=", value, margin)


def vanishes(error: float | np.ndarray, label: str, tolerance: float = 1e-12) -> Comparison:
    """The error of an identity, which should be zero up to rounding."""
    return equals(error, 0.0, label, margin=tolerance)


def reproduces(measured: Measured, printed: float, label: str, *, margin: float) -> Comparison:
    """The measured value should be the number that a source prints: as :func:`equals`, or it is not reproduced."""
    return replace(equals(measured, printed, label, margin=margin), quoted=True)


def _comparison(
    label: str, measured: Measured, relation: str, bound: float | np.ndarray, margin: float = 0.0
) -> Comparison:
    bound = _finite("bound", bound)
    if not isinstance(measured, Interval):
        return Comparison(label, _finite("measured", measured), relation, bound, margin)
    if bound.ndim:
        raise ValueError(f"{label!r}: an interval has one bound, got {bound.size}")
    if measured.repetitions < FEWEST:
        raise ValueError(
            f"{label!r} rests on {measured.repetitions} independent repetitions; a verdict needs at least {FEWEST}"
        )
    _finite("measured", np.array(measured))
    return Comparison(label, measured, relation, bound, margin)


def judge(id: str, *comparisons: Comparison, printed: Comparison | None = None, setting: str = "") -> Record:
    """The record of a claim, with the verdict that its comparisons earn.

    Args:
        id: as listed in ``claims.toml``.
        comparisons: what was measured of the statement, in its corrected form where the source slips.
        printed: the same measurement of the statement *as printed*, where it differs: a counter-example.
        setting: under which conditions, in a few words.

    Where ``printed`` fails the verdict is ``corrected`` if all comparisons hold, and ``fails`` if there are none. Where
    a comparison fails it is ``fails``, or ``not reproduced`` if only quoted numbers do; where one cannot be decided,
    ``undecided``. Else the statement holds: it is ``loose`` when its bounds exceed in every setting what was measured
    by more than a factor :data:`LOOSE`, otherwise ``holds``.

    Raises:
        ValueError: for an unlisted id, nothing measured, or a ``printed`` form that comes out although it should not.
    """
    entry = listed(id)
    compared = (*comparisons, printed) if printed is not None else comparisons
    if not compared:
        raise ValueError(f"claim {id!r} needs at least one fact, such as at_most(measured, bound, label)")
    shared = max(1, sum(comparison.by_chance for comparison in compared))
    facts = tuple(comparison.decide(shared) for comparison in comparisons)
    as_printed = None if printed is None else printed.decide(shared)
    if as_printed is not None and as_printed.holds:
        raise ValueError(
            f"claim {id!r}: the printed form came out ({as_printed.label}), so there is nothing to correct"
        )
    missed = [comparison for comparison, fact in zip(comparisons, facts) if fact.outcome == FAILS]
    ratios = [end for fact in facts if fact.ratios is not None for end in fact.ratios]
    if missed:
        verdict = "not reproduced" if all(comparison.quoted for comparison in missed) else "fails"
    elif any(fact.outcome == UNDECIDED for fact in (*facts, *([as_printed] if as_printed else []))):
        verdict = "undecided"
    elif as_printed is not None:
        verdict = "corrected" if facts else "fails"
    else:
        verdict = "loose" if ratios and min(ratios) > LOOSE else "holds"
    words = verdict
    if verdict == "loose":
        ends = dict.fromkeys(f"×{end:.3g}" for end in (min(ratios), max(ratios)))
        words = "holds, loose by " + " to ".join(ends)
    return Record(id, verdict, words, entry.source.name, entry.section, entry.statement, facts, as_printed, setting)


@shown
def claim(id: str, *comparisons: Comparison, printed: Comparison | None = None, setting: str = "") -> None:
    """Judge a claim (see :func:`judge`) and show it: a readable line, a small card, and the record for the ledger."""
    record = judge(id, *comparisons, printed=printed, setting=setting)
    _judged[id] = record
    display({"text/plain": str(record), "text/html": record._repr_html_(), MIME: asdict(record)})


#: Claim → its record, of those that were judged in this session.
_judged: dict[str, Record] = {}


@shown
def verdicts() -> None:
    """Every claim that this session has judged, as a table: what a chapter closes with."""
    rows = "".join(
        f'<tr><td style="text-align:left">{html.escape(record.source)}, {html.escape(record.section)}</td>'
        f'<td style="text-align:left">{html.escape(record.statement)}</td>'
        f'<td style="text-align:left">{VERDICTS[record.verdict].sign} {html.escape(record.words)}</td></tr>'
        for record in _judged.values()
    )
    head = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in ("where", "claim", "verdict"))
    text = [f"{VERDICTS[r.verdict].sign} {r.words}: {r.source}, {r.section}. {r.statement}" for r in _judged.values()]
    none = "No claim has been judged in this session yet."
    display(
        {
            "text/plain": "\n".join(text) or none,
            "text/html": f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else none,
        }
    )


@shown
def show_misprints(source: str) -> None:
    """The misprints of a source, by its key in ``claims.toml``, as a table.

    Raises:
        ValueError: for a source without any.
    """
    rows = [(slip.place, slip.printed, slip.correct) for slip in read_misprints() if slip.source.key == source]
    if not rows:
        raise ValueError(f"source must be one with misprints in claims.toml, got {source!r}")
    cells = (map(html.escape, row) for row in rows)
    body = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in cells)
    head = "<tr><th>place</th><th>printed</th><th>meant</th></tr>"
    text = "\n".join(f"{place}: {printed} → {correct}" for place, printed, correct in rows)
    display({"text/plain": text, "text/html": f"<table>{head}{body}</table>"})


def read_list(path: Path = LIST) -> list[Claim]:
    """Every claim of a ``claims.toml``, in its order; none where there is no such file.

    Raises:
        LedgerError: naming each entry that is incomplete, listed twice, or of an unknown source or verdict.
    """
    kinds = {**dict.fromkeys(("id", "source", "section", "statement", "verdict"), str), "chapter": int}
    return [Claim(**entry) for entry in _entries(path, "claim", kinds, {"verdict": VERDICTS}, unique="id")]


def read_misprints(path: Path = LIST) -> list[Misprint]:
    """Every misprint of a ``claims.toml``, in its order.

    Raises:
        LedgerError: naming each entry that is incomplete, or of an unknown source or claim.
    """
    kinds = dict.fromkeys(("source", "place", "printed", "correct", "claim"), str)
    claims: Mapping[str, object] = {"": None, **{claim.id: claim for claim in read_list(path)}}
    return [Misprint(**entry) for entry in _entries(path, "misprint", kinds, {"claim": claims})]


def _entries(
    path: Path, name: str, kinds: Mapping[str, type], choices: Mapping[str, Mapping[str, object]], unique: str = ""
) -> list[dict]:
    """The tables called ``name``, every key of its kind and one of its choices, the source as a :class:`Source`."""
    if not path.is_file():
        return []
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    sources = {key: Source(n, key, **names) for n, (key, names) in enumerate(content.get("sources", {}).items())}
    choices = {"source": sources, **choices}
    entries: list[dict] = []
    problems = []
    for number, entry in enumerate(content.get(name, []), 1):
        wrong = [
            f"{key} must be {kind.__name__}, got {entry.get(key)!r}"
            for key, kind in kinds.items()
            if not isinstance(entry.get(key), kind)
        ]
        wrong += [
            f"{key} must be one of {', '.join(known)}, got {entry[key]!r}"
            for key, known in choices.items()
            if isinstance(entry.get(key), str) and entry[key] not in known
        ]
        wrong += [f"unknown key {key!r}" for key in entry if key not in kinds]
        if unique and entry.get(unique) in [other[unique] for other in entries]:
            wrong.append(f"the {unique} is listed twice")
        called = entry.get("id", entry.get("place", "no id"))
        kind = "entry" if name == "claim" else name
        problems += [f"{path.name}, {kind} {number} ({called}): {what}" for what in wrong]
        if not wrong:
            entries.append({**entry, "source": sources[entry["source"]]})
    if problems:
        raise LedgerError(problems)
    return entries


@cache
def _listed() -> dict[str, Claim]:
    return {entry.id: entry for entry in read_list()}


def listed(id: str) -> Claim:
    """One claim of the course."""
    if id not in _listed():
        raise ValueError(f"claim {id!r} is not listed in claims.toml; add it there or correct its name")
    return _listed()[id]


def _finite(name: str, value: float | np.ndarray) -> np.ndarray:
    array = np.asarray(value, dtype=float)
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {value}")
    return array


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
