"""The table of what was tried and what happened, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attack_suite import Attack

TITLES = {
    "lies": "Answers that lie about themselves",
    "patches": "Changing the tools of the grader",
    "spies": "Looking for what is hidden",
    "forgeries": "Forging a verdict",
    "cells": "Edited cells",
    "luck": "Luck and memory",
    "endings": "Never ending, or ending everything",
    "escapes": "Leaving something behind, reaching outside",
    "files": "Files that are no notebooks",
    "markup": "Markup and scripts",
    "honest": "Honest work",
}

_HEAD = """\
# What the grader withstands

This page is written by a run of the suite in `tests/grader/`: `pytest tests/grader --attacks-table docs/attacks.md`.
Every line is a submission of its own, graded in one run together with two honest classmates. "Points" are those of
the exercises that were answered rightly, and only those; the last column says where the others ended.

{attacks} submissions: {hostile} that cheat, break or spy, and {honest} honest ones that must lose nothing.
"""


def page(attacks: Sequence[Attack], happened: Mapping[str, tuple[str, str]]) -> str:
    """The page. ``happened``: name of an attack → (points, what became of it); those not run are left out."""
    shown = [attack for attack in attacks if attack.name in happened]
    honest = sum(attack.honest for attack in shown)
    parts = [_HEAD.format(attacks=len(shown), hostile=len(shown) - honest, honest=honest)]
    for group, title in TITLES.items():
        rows = [attack for attack in shown if attack.group == group]
        if not rows:
            continue
        parts.append(f"## {title}\n\n| submission | tries or does | points | what happened |\n|---|---|---|---|")
        parts[-1] += "".join(
            f"\n| {attack.name} | {_cell(attack.tries)} | {points} | {_cell(what)} |"
            for attack, (points, what) in ((attack, happened[attack.name]) for attack in rows)
        )
        parts[-1] += "\n"
    return "\n".join(parts)


def _cell(text: str) -> str:
    for letter in "\\|`*_<>$":
        text = text.replace(letter, "\\" + letter)
    return text
