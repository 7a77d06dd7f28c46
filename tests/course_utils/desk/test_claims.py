"""The verdict of a claim is earned by its measurements; what is shown is what the ledger keeps."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.desk import claims
from course_utils.desk.claims import MIME, Record, at_least, at_most, equals, judge, reproduces, vanishes
from course_utils.theory.statistics import Interval, mean_interval

ID = "lecture/prop-4.1"


def estimate(truth, deviation=1.0, repetitions=400, seed=0):
    """The mean of noisy measurements of a number; its standard error is deviation / 20."""
    return mean_interval(np.random.default_rng(seed).normal(truth, deviation, repetitions))


@pytest.mark.parametrize(
    "comparisons, printed, verdict",
    [
        ([at_most(0.99, 1, "x")], None, "holds"),
        ([at_most(0.5, 1, "x")], None, "loose"),
        ([at_most(0.5, 1, "loose"), at_most(1, 1, "tight case")], None, "holds"),
        ([at_most([0.5, 1], [3, 1], "tight in one setting")], None, "holds"),
        ([at_most(1.01, 1, "x")], None, "fails"),
        ([at_most([0.5, 1.01], 1, "worst of two")], None, "fails"),
        ([at_most([1e-6, 2], [1e-7, 3], "a small one counts")], None, "fails"),
        ([equals(0.38, 0.41, "x", margin=0.05)], None, "holds"),
        ([reproduces(0.38, 0.41, "x", margin=0.01)], None, "not reproduced"),
        ([reproduces(0.38, 0.41, "x", margin=0.01), at_most(2, 1, "y")], None, "fails"),
        ([vanishes(1e-15, "x")], None, "holds"),
        ([vanishes(1e-3, "x")], None, "fails"),
        ([vanishes(1e-15, "x")], vanishes(0.2, "x"), "corrected"),
        ([vanishes(1e-3, "x")], vanishes(0.2, "x"), "fails"),
        ([], vanishes(0.2, "x"), "fails"),
        ([at_most(0.2, 1, "x")], at_most(5.8, 1.9, "x"), "corrected"),
        ([at_most(0.2, 1, "x")], at_most(estimate(1), 1, "x"), "undecided"),
        ([at_least(0.2, 0.1, "x")], None, "holds"),
        ([at_least(0.05, 0.1, "x")], None, "fails"),
    ],
)
def test_verdict_follows_from_what_was_compared(comparisons, printed, verdict):
    assert judge(ID, *comparisons, printed=printed).verdict == verdict


def test_looseness_is_said_with_its_range_over_the_settings():
    assert "loose by ×4." in str(judge(ID, at_most(0.25, 1, "x")))
    assert "loose by ×2 to ×400" in str(judge(ID, at_most([0.5, 0.01], [1, 4], "x"), at_most(0.25, 1, "y")))


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_a_bound_that_is_exceeded_never_holds(measured, bound):
    verdict = judge(ID, at_most(measured, bound, "x")).verdict
    assert (verdict == "fails") == (measured > bound * (1 + 1e-12))


SEEDS = range(200)
COMPARED = {
    "at_most": lambda of: at_most(of, 0, "x"),
    "at_least": lambda of: at_least(of, 0, "x"),
    "equals, above": lambda of: equals(of, -0.5, "x", margin=0.5),
    "equals, below": lambda of: equals(of, 0.5, "x", margin=0.5),
}
WRONG_WAY = {"at_most": 1, "at_least": -1, "equals, above": 1, "equals, below": -1}


@pytest.mark.parametrize("kind", COMPARED)
def test_a_truth_just_outside_changes_the_verdict(kind):
    """Power: the standard error is 0.05; by 4 of them outside fails, 4 inside holds, on the edge neither is said."""
    found = {
        place: Counter(judge(ID, COMPARED[kind](estimate(WRONG_WAY[kind] * place, seed=n))).verdict for n in SEEDS)
        for place in (-0.2, 0, 0.2)
    }
    assert found[0.2]["fails"] > 0.85 * len(SEEDS) and not found[0.2]["holds"] + found[0.2]["loose"]
    assert found[-0.2]["holds"] + found[-0.2]["loose"] > 0.85 * len(SEEDS) and not found[-0.2]["fails"]
    # at most 1 % on either side; the chance of more than 8 of 200 is below 1 in 2000
    assert found[0]["undecided"] >= len(SEEDS) - 8


def test_noise_does_not_help():
    """The referee's finding: the noisier the measurement, the more easily "the value lies in the interval"."""
    for deviation in (1, 10, 100):
        noisy = equals(estimate(0.3, deviation), 0, "x", margin=0.1)
        assert judge(ID, noisy).verdict == ("fails" if deviation == 1 else "undecided")


def test_the_comparisons_of_a_claim_share_its_error():
    """Twenty true ones: as a family they fail in 1 % of the runs, not in 18 %."""
    one, many = (judge(ID, *[at_most(estimate(0), 1, "x")] * n).facts[0].interval for n in (1, 20))
    assert many == pytest.approx(estimate(0).at(1 - 0.01 / 20).interval, rel=1e-2)
    assert many[1] - many[0] > 1.3 * (one[1] - one[0])
    exact = judge(ID, at_most(estimate(0), 1, "x"), *[vanishes(0, "y")] * 19)
    assert exact.facts[0].interval == one  # what is exact takes no share


def test_a_true_family_is_denied_by_chance_in_one_run_of_a_hundred_at_most():
    """400 families of five true bounds, each on its edge: 2 expected to fail, more than 9 in one of 5000 runs."""
    rng = np.random.default_rng(5)
    families = ([mean_interval(rng.normal(size=12)) for _ in range(5)] for _ in range(400))
    assert sum(judge(ID, *(at_most(of, 0, "x") for of in family)).verdict == "fails" for family in families) <= 9


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=3), st.floats(0.1, 9))
def test_a_counter_example_never_helps(measured, against):
    compared = [vanishes(of, "x", 0.5) for of in measured]
    alone, beside = judge(ID, *compared).verdict, judge(ID, *compared, printed=vanishes(against, "y", 0.01)).verdict
    assert beside == {"holds": "corrected"}.get(alone, alone)


@pytest.mark.parametrize(
    "call, names_it",
    [
        (lambda: judge("lecture/typo", vanishes(0, "x")), "'lecture/typo'"),
        (lambda: judge(ID), "at least one fact"),
        (lambda: judge(ID, vanishes(0, "x"), printed=vanishes(0, "x")), "nothing to correct"),
        (lambda: at_most(float("nan"), 1, "x"), "nan"),
        (lambda: at_most([1, float("nan")], 1, "x"), "nan"),
        (lambda: at_most([], 1, "x"), "must be finite"),
        (lambda: at_most(1, float("inf"), "x"), "inf"),
        (lambda: equals(1, 1, "x", margin=-1), "margin must be a finite number ≥ 0, got -1"),
        (lambda: at_most(mean_interval(range(9)), 1, "noise"), "'noise' rests on 9 independent repetitions"),
        (lambda: at_most(mean_interval(range(10)), [1, 2], "x"), "an interval has one bound, got 2"),
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
        at_most(Interval(1, 0.9, 1.1, repetitions=100, confidence=0.99, error=0.04), 1.5, "<script>"),
        equals(1.5, 1, "y", margin=1),
        vanishes(0, "z"),
    )
    claims.claim(ID, *facts, printed=at_least(-1, 2, "w"), setting="m = 1")
    (bundle,) = shown
    assert bundle["text/plain"].splitlines() == [
        "Lecture, Proposition 4.1: corrected.",
        "  For β-smooth σ and ‖x‖ ≤ 1: f − f₀ ≤ (β/2)‖W − W₀‖²_F for all W and W₀.",
        "  ✓ <script>: 1 (0.895 to 1.11) ≤ 1.5; 100 repetitions",
        "  ✓ y: 1.5, expected 1 ± 1",
        "  ✓ z: below 1e−12, expected 0",
        "  as printed: ✗ w: −1, should be ≥ 2",
        "  (m = 1)",
    ]
    parser, words = HTMLParser(), []
    parser.handle_data = words.append
    parser.feed(bundle["text/html"])
    line = "✎ Lecture, Proposition 4.1: corrected · <script>: 1"  # all that is open; the rest unfolds
    assert words == [line, *(text.strip() for text in bundle["text/plain"].splitlines()[1:]), ID]
    kept = json.loads(json.dumps(bundle[MIME]))
    assert Record.read(kept) == judge(ID, *facts, printed=at_least(-1, 2, "w"), setting="m = 1")


def test_in_a_script_a_claim_is_its_text(capsys):
    claims.claim(ID, at_most(1, 1, "x"))
    assert capsys.readouterr().out.startswith("Lecture, Proposition 4.1: holds.\n  For β-smooth")


def test_rounding_errors_do_not_reach_the_record():
    """1e-16 here and 2e-16 there must print alike, or nbval fails on the next platform."""
    assert judge(ID, vanishes(1.1e-16, "x")) == judge(ID, vanishes(2.3e-16, "x"))


def test_no_claim_of_the_founders_list_is_lost(record_property):
    """Each is put to the test; of those beyond the main path (★) the open ones are counted at the end of the run.

    Skipped where their list is not at hand. A new claim need not be theirs.
    """
    from pathlib import Path

    source = Path(__file__).parents[4] / "shared" / "CLAIMS.md"
    if not source.exists():
        pytest.skip("the founders' list ../shared/CLAIMS.md is not beside this checkout")
    rows = re.findall(r"^\| `([a-z]+/[a-z0-9.-]+)`( ★)?", source.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {claim.id for claim in claims.read_list()}
    assert len(rows) >= 85 and not {id for id, beyond in rows if not beyond} - listed
    open_ones = sorted({id for id, _ in rows} - listed)
    record_property("summary", f"of {len(rows)} claims not yet shown: {', '.join(open_ones) or 'none'}")


def test_the_table_of_verdicts_lists_what_the_session_has_judged(monkeypatch):
    shown = []
    monkeypatch.setattr(claims, "display", shown.append)
    monkeypatch.setattr(claims, "_judged", {})
    claims.verdicts()
    assert shown.pop()["text/plain"].startswith("No claim")
    claims.claim(ID, at_most(1.0, 1.05, "y"))
    claims.claim(ID, at_most(1.0, 1.06, "y"))
    claims.verdicts()
    assert len(shown[2]["text/plain"].splitlines()) == 1 and "✓ holds" in shown[2]["text/html"]
