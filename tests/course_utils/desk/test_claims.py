"""The verdict of a claim is earned by its measurements; what is shown is what the ledger keeps."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.desk import claims
from course_utils.desk.claims import MIME, Record, at_least, at_most, equals, judge, vanishes

ID = "lecture/prop-4.1"


@pytest.mark.parametrize(
    "facts, printed, verdict",
    [
        ([at_most(0.99, 1, "x")], None, "holds"),
        ([at_most(0.5, 1, "x")], None, "loose"),
        ([at_most(0.5, 1, "loose"), at_most(1, 1, "tight case")], None, "holds"),
        ([at_most(1.01, 1, "x")], None, "not reproduced"),
        ([at_most(1.01, 1, "x", interval=(0.98, 1.04))], None, "holds"),
        ([equals(0.38, 0.41, "x", interval=(0.37, 0.39))], None, "not reproduced"),
        ([equals(0.38, 0.41, "x", tolerance=0.05)], None, "holds"),
        ([vanishes(1e-15, "x")], None, "holds"),
        ([vanishes(1e-3, "x")], None, "not reproduced"),
        ([vanishes(1e-15, "x")], vanishes(0.2, "x"), "corrected"),
        ([vanishes(1e-3, "x")], vanishes(0.2, "x"), "not reproduced"),
        ([at_most(0.2, 1, "x")], at_most(5.8, 1.9, "x"), "corrected"),
        ([at_least(0.2, 0.1, "x")], None, "holds"),
        ([at_least(0.05, 0.1, "x")], None, "not reproduced"),
    ],
)
def test_verdict_follows_from_the_facts(facts, printed, verdict):
    assert judge(ID, *facts, printed=printed).verdict == verdict


def test_looseness_is_said():
    assert "loose by ×4" in str(judge(ID, at_most(0.25, 1, "x")))


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_a_bound_that_is_exceeded_never_holds(measured, bound):
    verdict = judge(ID, at_most(measured, bound, "x")).verdict
    assert (verdict == "not reproduced") == (measured > bound * (1 + 1e-12))


@pytest.mark.parametrize(
    "call, names_it",
    [
        (lambda: judge("lecture/typo", vanishes(0, "x")), "'lecture/typo'"),
        (lambda: judge(ID), "at least one fact"),
        (lambda: judge(ID, vanishes(0, "x"), printed=vanishes(0, "x")), "nothing to correct"),
        (lambda: at_most(float("nan"), 1, "x"), "nan"),
        (lambda: at_most(1, float("inf"), "x"), "inf"),
        (lambda: equals(1, 1, "x"), "tolerance or an interval"),
        (lambda: equals(1, 1, "x", tolerance=1, interval=(0, 2)), "tolerance or an interval"),
        (lambda: equals(1, 1, "x", interval=(2, 0)), "low to high"),
    ],
)
def test_misuse_is_named(call, names_it):
    with pytest.raises(ValueError) as caught:
        call()
    assert names_it in str(caught.value)


def test_text_card_and_record_say_the_same_and_the_card_escapes_it(monkeypatch):
    shown = []
    monkeypatch.setattr(claims, "display", shown.append)
    facts = (
        at_most(np.float64(1), 1, "<script>", interval=tuple(np.array([0.9, 1.1]))),
        equals(1.5, 1, "y", tolerance=1),
        vanishes(0, "z"),
    )
    claims.claim(ID, *facts, printed=at_least(-1, 2, "w"), setting="m = 1")
    (bundle,) = shown
    assert bundle["text/plain"].splitlines() == [
        "Lecture, Proposition 4.1: corrected.",
        "  For β-smooth σ and ‖x‖ ≤ 1: f − f₀ ≤ (β/2)‖W − W₀‖²_F for all W and W₀.",
        "  ✓ <script>: 1 (0.9 to 1.1) ≤ 1",
        "  ✓ y: 1.5, expected 1",
        "  ✓ z: below 1e−12, expected 0",
        "  as printed: ✗ w: −1, should be ≥ 2",
        "  (m = 1)",
    ]
    parser, words = HTMLParser(), []
    parser.handle_data = words.append
    parser.feed(bundle["text/html"])
    assert words == [*(line.strip() for line in bundle["text/plain"].splitlines()), ID]
    kept = json.loads(json.dumps(bundle[MIME]))
    assert Record.read(kept) == judge(ID, *facts, printed=at_least(-1, 2, "w"), setting="m = 1")


def test_in_a_script_a_claim_is_its_text(capsys):
    claims.claim(ID, at_most(1, 1, "x"))
    assert capsys.readouterr().out.startswith("Lecture, Proposition 4.1: holds.\n  For β-smooth")


def test_rounding_errors_do_not_reach_the_record():
    """1e-16 here and 2e-16 there must print alike, or nbval fails on the next platform."""
    assert judge(ID, vanishes(1.1e-16, "x")) == judge(ID, vanishes(2.3e-16, "x"))


def test_no_claim_of_the_founders_list_is_lost(record_property):
    """Of the founders' claims 55 are put to the test; the rest is counted at the end of the run.

    Skipped where their list is not at hand. A new claim need not be theirs.
    """
    from pathlib import Path

    source = Path(__file__).parents[4] / "shared" / "CLAIMS.md"
    if not source.exists():
        pytest.skip("the founders' list ../shared/CLAIMS.md is not beside this checkout")
    wanted = set(re.findall(r"^\| `([a-z]+/[a-z0-9.-]+)`", source.read_text(encoding="utf-8"), re.MULTILINE))
    listed = {claim.id for claim in claims.read_list()}
    assert len(listed & wanted) >= 55
    record_property("summary", f"of {len(wanted)} claims {len(wanted - listed)} are not put to the test yet")
