"""Proofs by ordered lines: every order that stands is right, every other gets a sentence that names its first fault."""

import itertools

import pytest

from course_utils.desk.checks import grade
from course_utils.exercises import Card, all_exercises, proof

PROOFS = [exercise for exercise in all_exercises().values() if exercise.proof]
every_proof = pytest.mark.parametrize("exercise", PROOFS, ids=lambda e: e.id)


def small():
    return proof(
        *Card("1.99", "a small one", points=2, difficulty=2, minutes=4),
        lines={"D": ("$a$", ""), "B": ("$b$", ""), "A": ("$c$", "D|B"), "E": ("end", "A B")},
        flaws={"C": ("false", "It is false.")},
        goal="E",
        missing={"B": "it needs a bound."},
    )


def said(exercise, order):
    return grade(exercise, lambda: " ".join(order))


def stands(lines, order):
    """Whether an order is a proof, written anew: each line has what it needs, no flaw, no line twice, the goal last."""
    groups = {label: [set(group.split("|")) for group in needs.split()] for label, (_, needs) in lines.lines.items()}
    return (
        all(
            label in groups and all(group & set(order[:place]) for group in groups[label])
            for place, label in enumerate(order)
        )
        and len(set(order)) == len(order)
        and order[-1:] == [lines.goal]
    )


@pytest.mark.parametrize("order", ["D A B E", "D B A E", "B A E", "B A D E", "d, b, a -> e", ["B", "A", "E"]])
def test_every_order_that_stands_is_right(order):
    assert grade(small(), lambda: order).correct


@pytest.mark.parametrize(
    "order, sentence",
    [
        ("D E B A", "Line E is not founded yet: it uses something that no line above it gives."),
        ("D A E", "Line E is not founded yet: it needs a bound."),
        ("C D A B E", "Line C: It is false."),
        ("D D A B E", "Line D stands twice: once is enough."),
        (
            "D A B",
            "Each line stands on those above it, but they do not arrive: what is to be proved is not among them.",
        ),
        ("B A E D", "The proof has ended with line E: leave out what comes after it."),
        ("D A X E", "There is no line X: the lines are A, B, C, D, E."),
    ],
)
def test_the_first_fault_is_named(order, sentence):
    assert said(small(), order).sentence == sentence


def test_nothing_written_is_not_attempted():
    for answer in (None, "", "..."):
        assert grade(small(), lambda _answer=answer: _answer).status == "not attempted"


@pytest.mark.parametrize(
    "change, why",
    [
        ({"goal": "C"}, "the goal and what is missing are right lines"),
        ({"lines": {"A": ("", "B"), "B": ("", "A")}, "goal": "A", "missing": {}}, "cannot be reached"),
        ({"lines": {"AB": ("", "")}, "goal": "AB"}, "single capitals"),
        ({"flaws": {"A": ("", "x")}}, "right or flawed"),
        ({"lines": {"A": ("", "Z")}, "goal": "A"}, "needs right lines"),
    ],
)
def test_lines_of_which_no_proof_can_be_made_are_refused(change, why):
    told = small().proof
    kept = {"lines": told.lines, "flaws": {}, "goal": told.goal, "missing": {}, **change}
    with pytest.raises(ValueError, match=why):
        proof(*Card("1.99", "a small one", 2, 2, 4), **kept)


@every_proof
def test_each_line_moved_dropped_doubled_or_replaced_is_refused_in_words_of_its_own(exercise, record_property):
    lines, right = exercise.proof, exercise.proof.order()
    wrong = {"dropped": [right[:n] + right[n + 1 :] for n in range(len(right))]}
    wrong["doubled"] = [right[: n + 1] + right[n:] for n in range(len(right))]
    wrong["replaced"] = [right[:n] + [flaw] + right[n + 1 :] for n in range(len(right)) for flaw in lines.flaws]
    wrong["added"] = [right[:n] + [flaw] + right[n:] for n in range(len(right)) for flaw in lines.flaws]
    moved = []
    for old, new in itertools.permutations(range(len(right)), 2):
        rest = right[:old] + right[old + 1 :]
        moved.append(rest[:new] + [right[old]] + rest[new:])
    wrong["moved"] = moved
    named = 0
    for orders in wrong.values():
        for order in orders:
            result = said(exercise, order)
            assert result.correct == stands(lines, order), f"{order}: {result}"
            if not result.correct:
                assert (
                    "Line " in result.sentence or "do not arrive" in result.sentence or "has ended" in result.sentence
                )
                named += 1
    flaws = [sentence for _, sentence in lines.flaws.values()]
    assert len(set(flaws)) == len(flaws) >= 2, "two distractors at least, each with its own sentence"
    record_property("summary", f"{exercise.id}: {named} wrong orders, each with its sentence")


@every_proof
def test_every_right_order_is_accepted(exercise):
    lines = exercise.proof
    if len(lines.lines) > 8:
        pytest.skip(f"{len(lines.lines)} lines have too many orders; those one move away are tried above")
    right = [order for order in map(list, itertools.permutations(lines.lines)) if stands(lines, order)]
    assert right and all(said(exercise, order).correct for order in right[:: max(1, len(right) // 100)])


def test_the_lines_do_not_stand_in_the_order_of_the_proof():
    for exercise in PROOFS:
        right = exercise.proof.order()
        assert right != sorted(right), f"{exercise.id}: the labels give the order away"
