"""The one path for a claim: listed in ``claims.toml``, measured in a chapter, shown as a sentence, kept as a record.

A chapter states what it measured as *facts* and the verdict follows from them; it is never typed in::

    claim("lecture/prop-4.1", at_most(gap, bound, "largest gap of 2000 moves"))
"""

from __future__ import annotations

import html
import math
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from course_utils.audience import shown

MIME = "application/vnd.course.claim+json"
LEDGER = Path(__file__).resolve().parents[2] / "claims.toml"

#: A bound that exceeds the measurement by more than this factor counts as loose.
LOOSE = 1.1

_SOURCES = {
    "lecture": "Lecture",
    "hessian": "Skorski",
    "perturbation": "Weight Perturbation",
    "ldlt": "Juston & Sreenivas",
    "course": "This course",
}


@dataclass(frozen=True)
class Fact:
    """One measured comparison: what was measured, against what, and whether it came out."""

    label: str
    holds: bool
    measured: str
    bound: str | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Record:
    """What the ledger keeps of a claim; ``verdict`` is the category, ``text`` the whole readable line."""

    id: str
    verdict: str
    text: str
    measured: str
    bound: str | None
    ratio: float | None
    interval: tuple[float, float] | None
    setting: str


def at_most(measured: float, bound: float, label: str, interval: tuple[float, float] | None = None) -> Fact:
    """The measured value should not exceed the bound; how far below it stays is its looseness.

    A relative 1e-12 is forgiven as rounding. With an ``interval`` (of the measured value) the fact fails only
    when the whole interval lies above the bound.

    Raises:
        ValueError: if a number is not finite.
    """
    measured, bound = _finite("measured", measured), _finite("bound", bound)
    lowest = measured if interval is None else interval[0]
    ratio = bound / measured if measured > 0 else None
    holds = lowest <= bound + 1e-12 * abs(bound)
    return Fact(label, holds, _number(measured), f"≤ {_number(bound)}", _rounded(ratio), _interval(interval))


def equals(
    measured: float,
    value: float,
    label: str,
    *,
    tolerance: float | None = None,
    interval: tuple[float, float] | None = None,
) -> Fact:
    """The measured value should equal ``value``: within ``tolerance``, or inside the measurement's ``interval``.

    Raises:
        ValueError: if a number is not finite, or if not exactly one of ``tolerance`` and ``interval`` is given.
    """
    measured, value = _finite("measured", measured), _finite("value", value)
    if (tolerance is None) == (interval is None):
        raise ValueError(f"equals needs a tolerance or an interval, got {tolerance=} and {interval=}")
    if interval is not None:
        low, high = interval
        return Fact(
            label, low <= value <= high, _number(measured), f"expected {_number(value)}", interval=_interval(interval)
        )
    holds = abs(measured - value) <= tolerance
    # Rounding errors differ between platforms: of a difference that vanishes only the tolerance is shown.
    shown = f"below {_number(tolerance)}" if holds and value == 0 and tolerance > 0 else _number(measured)
    return Fact(label, holds, shown, f"expected {_number(value)}")


def vanishes(error: float, label: str, tolerance: float = 1e-12) -> Fact:
    """The error of an identity, which should be zero up to rounding."""
    return equals(error, 0.0, label, tolerance=tolerance)


def at_least(measured: float, bound: float, label: str) -> Fact:
    """The measured value should reach ``bound``, as when a counter-example must be a clear one."""
    measured, bound = _finite("measured", measured), _finite("bound", bound)
    return Fact(label, measured >= bound, _number(measured), f"≥ {_number(bound)}")


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
    first = facts[0]
    ratios = [fact.ratio for fact in facts if fact.ratio is not None]
    if not all(fact.holds for fact in facts):
        verdict = words = "not reproduced"
    elif printed is not None:
        verdict = words = "corrected"
    elif ratios and min(ratios) > LOOSE:
        verdict, words = "loose", f"holds, loose by ×{min(ratios):.3g}"
    else:
        verdict = words = "holds"
    lines = [f"{_SOURCES[entry['source']]}, {entry['section']}: {words}.", f"  {entry['statement']}"]
    lines += [f"  {_sentence(fact)}" for fact in facts]
    if printed is not None:
        lines.append(f"  as printed: {_sentence(printed)}")
    if setting:
        lines.append(f"  ({setting})")
    return Record(id, verdict, "\n".join(lines), _summary(facts), first.bound, first.ratio, first.interval, setting)


@shown
def claim(id: str, *facts: Fact, printed: Fact | None = None, setting: str = "") -> None:
    """Judge a claim (see :func:`judge`) and show it: a readable line, a small card, and the record for the ledger."""
    from IPython.display import display

    record = judge(id, *facts, printed=printed, setting=setting)
    bundle = {"text/plain": record.text, "text/html": _card(record), MIME: asdict(record)}
    display(bundle, raw=True)


@cache
def ledger() -> dict[str, dict]:
    """All claims of ``claims.toml`` by id."""
    return {entry["id"]: entry for entry in tomllib.loads(LEDGER.read_text(encoding="utf-8"))["claim"]}


def listed(id: str) -> dict:
    """The entry of one claim.

    Raises:
        ValueError: if ``claims.toml`` does not list it.
    """
    if id not in ledger():
        raise ValueError(f"claim {id!r} is not listed in claims.toml; add it there or correct its name")
    return ledger()[id]


def _finite(name: str, value: float) -> float:
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}")
    return value


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _interval(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    if interval is None:
        return None
    low, high = (_finite("interval end", end) for end in interval)
    if low > high:
        raise ValueError(f"interval must run from low to high, got {interval}")
    return _rounded(low), _rounded(high)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _sentence(fact: Fact) -> str:
    low_high = "" if fact.interval is None else " ({} to {})".format(*map(_number, fact.interval))
    if fact.bound.startswith("expected"):
        link = ", "
    else:
        link = " " if fact.holds else ", should be "
    return f"{'✓' if fact.holds else '✗'} {fact.label}: {fact.measured}{low_high}{link}{fact.bound}"


def _summary(facts: tuple[Fact, ...]) -> str:
    return "; ".join(f"{fact.label}: {fact.measured}" for fact in facts)


_COLOURS = {"holds": "#0072B2", "loose": "#56B4E9", "corrected": "#E69F00", "not reproduced": "#D55E00"}


def _card(record: Record) -> str:
    head, statement, *rest = (html.escape(line.strip()) for line in record.text.splitlines())
    details = "".join(f"<div>{line}</div>" for line in rest)
    return (
        f'<div style="border-left:5px solid {_COLOURS[record.verdict]};padding:.4em .9em;margin:.3em 0;line-height:1.5">'
        f"<div><b>{head}</b></div><div><i>{statement}</i></div>{details}"
        f'<div style="opacity:.65;font-size:85%">{record.id}</div></div>'
    )
