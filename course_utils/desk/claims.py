"""The one path for a claim: listed in ``claims.toml``, measured in a chapter, kept as a record, shown in many places.

A chapter states what it measured as *facts* and the verdict follows from them; it is never typed in::

    claim("lecture/prop-4.1", at_most(gap, bound, "largest gap of 2000 moves"))

The record is data. The notebook's text and card, the ledger, the errata and the site are all rendered from it.
"""

from __future__ import annotations

import html
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from course_utils.audience import shown
from course_utils.desk.output import display

MIME = "application/vnd.course.claim+json"
LIST = Path(__file__).resolve().parents[1] / "claims.toml"

#: A bound that exceeds the measurement by more than this factor counts as loose.
LOOSE = 1.1


@dataclass(frozen=True)
class Verdict:
    """How a verdict is said: in the table of counts, as a heading of the errata (if it is one), and its colour."""

    counted: str
    erratum: str
    colour: str


#: Every verdict, in the order of the ledger.
VERDICTS = {
    "holds": Verdict("holds", "", "#0072B2"),
    "loose": Verdict("holds, and its bound is loose", "Hold, and the bound is loose", "#56B4E9"),
    "corrected": Verdict("fails as printed, holds as corrected", "Fail as printed, hold as corrected", "#E69F00"),
    "not reproduced": Verdict("not reproduced", "Not reproduced", "#D55E00"),
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
class Fact:
    """One measured comparison: what was measured, how it should relate to which bound, and whether it came out.

    Numbers are kept as shown, with three digits, and rounding errors not at all: another processor repeats a record.
    ``relation`` is "≤", "≥" or "=", ``ratio`` is bound / measured, ``interval`` is that of the measured value.
    """

    label: str
    holds: bool
    measured: str
    relation: str
    bound: str
    ratio: float | None = None
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        low_high = "" if self.interval is None else " ({} to {})".format(*map(_number, self.interval))
        if self.relation == "=":
            beside = f", expected {self.bound}"
        else:
            beside = f"{' ' if self.holds else ', should be '}{self.relation} {self.bound}"
        return f"{'✓' if self.holds else '✗'} {self.label}: {self.measured}{low_high}{beside}"


@dataclass(frozen=True)
class Record:
    """A claim as a chapter found it; ``words`` says the verdict in full ("holds, loose by ×3")."""

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
            return Fact(**{**kept, "interval": kept["interval"] and tuple(kept["interval"])})

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

    def _repr_html_(self) -> str:
        heading, statement, *details = (html.escape(line) for line in (self.heading, self.statement, *self.details))
        return (
            f'<div style="border-left:5px solid {VERDICTS[self.verdict].colour};'
            'padding:.4em .9em;margin:.3em 0;line-height:1.5">'
            f"<div><b>{heading}</b></div><div><i>{statement}</i></div>"
            + "".join(f"<div>{line}</div>" for line in details)
            + f'<div style="opacity:.65;font-size:85%">{self.id}</div></div>'
        )


def at_most(measured: float, bound: float, label: str, interval: tuple[float, float] | None = None) -> Fact:
    """The measured value should not exceed the bound; how far below it stays is its looseness.

    A relative 1e-12 is forgiven as rounding. With an ``interval`` (of the measured value) the fact fails only
    when the whole interval lies above the bound.
    """
    measured, bound = _finite("measured", measured), _finite("bound", bound)
    lowest = measured if interval is None else interval[0]
    ratio = _rounded(bound / measured) if measured > 0 else None
    holds = bool(lowest <= bound + 1e-12 * abs(bound))
    return Fact(label, holds, _number(measured), "≤", _number(bound), ratio, _interval(interval))


def equals(
    measured: float,
    value: float,
    label: str,
    *,
    tolerance: float | None = None,
    interval: tuple[float, float] | None = None,
) -> Fact:
    """The measured value should equal ``value``: within ``tolerance``, or inside the measurement's ``interval``."""
    measured, value = _finite("measured", measured), _finite("value", value)
    if interval is not None and tolerance is None:
        low, high = interval
        holds = bool(low <= value <= high)
        return Fact(label, holds, _number(measured), "=", _number(value), interval=_interval(interval))
    if tolerance is None or interval is not None:
        raise ValueError(f"equals needs a tolerance or an interval, got {tolerance=} and {interval=}")
    holds = abs(measured - value) <= tolerance
    # Rounding errors differ between platforms: of a difference that vanishes only the tolerance is shown.
    shown = f"below {_number(tolerance)}" if holds and value == 0 and tolerance > 0 else _number(measured)
    return Fact(label, holds, shown, "=", _number(value))


def vanishes(error: float, label: str, tolerance: float = 1e-12) -> Fact:
    """The error of an identity, which should be zero up to rounding."""
    return equals(error, 0.0, label, tolerance=tolerance)


def at_least(measured: float, bound: float, label: str) -> Fact:
    """The measured value should reach ``bound``, as when a counter-example must be a clear one."""
    measured, bound = _finite("measured", measured), _finite("bound", bound)
    return Fact(label, measured >= bound, _number(measured), "≥", _number(bound))


def judge(id: str, *facts: Fact, printed: Fact | None = None, setting: str = "") -> Record:
    """The record of a claim, with the verdict that its facts earn.

    Args:
        id: as listed in ``claims.toml``.
        facts: what was measured of the statement, in its corrected form where the source slips.
        printed: the same measurement of the statement *as printed*, where it differs.
        setting: under which conditions, in a few words.

    The verdict is ``corrected`` when the printed form fails and the facts hold, ``not reproduced`` when a fact fails,
    ``loose`` when a bound exceeds what was measured by more than a factor :data:`LOOSE`, otherwise ``holds``.

    Raises:
        ValueError: for an unlisted id, no facts, or a ``printed`` form that comes out although it should not.
    """
    entry = listed(id)
    if not facts:
        raise ValueError(f"claim {id!r} needs at least one fact, such as at_most(measured, bound, label)")
    if printed is not None and printed.holds:
        raise ValueError(f"claim {id!r}: the printed form came out ({printed.label}), so there is nothing to correct")
    ratios = [fact.ratio for fact in facts if fact.ratio is not None]
    if not all(fact.holds for fact in facts):
        verdict = words = "not reproduced"
    elif printed is not None:
        verdict = words = "corrected"
    elif ratios and min(ratios) > LOOSE:
        verdict, words = "loose", f"holds, loose by ×{min(ratios):.3g}"
    else:
        verdict = words = "holds"
    return Record(id, verdict, words, entry.source.name, entry.section, entry.statement, facts, printed, setting)


@shown
def claim(id: str, *facts: Fact, printed: Fact | None = None, setting: str = "") -> None:
    """Judge a claim (see :func:`judge`) and show it: a readable line, a small card, and the record for the ledger."""
    record = judge(id, *facts, printed=printed, setting=setting)
    display({"text/plain": str(record), "text/html": record._repr_html_(), MIME: asdict(record)})


def read_list(path: Path = LIST) -> list[Claim]:
    """Every claim of a ``claims.toml``, in its order; none where there is no such file.

    Raises:
        LedgerError: naming each entry that is incomplete, listed twice, or of an unknown source or verdict.
    """
    if not path.is_file():
        return []
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    sources = {key: Source(n, key, **names) for n, (key, names) in enumerate(content.get("sources", {}).items())}
    kinds = {"id": str, "source": str, "section": str, "statement": str, "chapter": int, "verdict": str}
    choices: dict[str, Mapping[str, object]] = {"source": sources, "verdict": VERDICTS}
    claims: dict[str, Claim] = {}
    problems = []
    for number, entry in enumerate(content.get("claim", []), 1):
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
        if entry.get("id") in claims:
            wrong.append("the id is listed twice")
        problems += [f"{path.name}, entry {number} ({entry.get('id', 'no id')}): {what}" for what in wrong]
        if not wrong:
            claims[entry["id"]] = Claim(**{**entry, "source": sources[entry["source"]]})
    if problems:
        raise LedgerError(problems)
    return list(claims.values())


@cache
def _listed() -> dict[str, Claim]:
    return {entry.id: entry for entry in read_list()}


def listed(id: str) -> Claim:
    """One claim of the course."""
    if id not in _listed():
        raise ValueError(f"claim {id!r} is not listed in claims.toml; add it there or correct its name")
    return _listed()[id]


def _finite(name: str, value: float) -> float:
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}")
    return value


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _interval(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    if interval is None:
        return None
    low, high = (_finite("interval end", end) for end in interval)
    if low > high:
        raise ValueError(f"interval must run from low to high, got {interval}")
    return _rounded(low), _rounded(high)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
