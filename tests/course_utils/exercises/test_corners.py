"""The corners of a domain are found from how its inputs are drawn, without being listed."""

import numpy as np
import pytest

from course_utils.exercises.corners import corners


def layer(rng):
    m, d = rng.integers(1, 5), rng.integers(2, 4)
    return {
        "W": np.round(rng.normal(size=(m, d)), 1),
        "a": rng.choice([-1.0, 1.0], size=m),
        "tau": round(rng.uniform(0.2, 3), 2),
    }


FOUND = list(corners(layer, 7))


@pytest.mark.parametrize(
    "what, meets",
    {
        "one neuron": lambda W, a, tau: len(W) == 1,
        "the most neurons": lambda W, a, tau: len(W) == 4,
        "as many neurons as inputs": lambda W, a, tau: W.shape == (2, 2),
        "the smallest threshold": lambda W, a, tau: tau == 0.2,
        "the largest threshold": lambda W, a, tau: tau == 3,
        "the threshold 1": lambda W, a, tau: tau == 1,
        "no weight": lambda W, a, tau: not W.any(),
        "all weights equal": lambda W, a, tau: len(np.unique(W)) == 1 and W.any(),
        "one neuron without weights": lambda W, a, tau: not W[0].any() and W.any(),
        "two neurons alike": lambda W, a, tau: len(W) > 1 and np.array_equal(W[0], W[1]) and len(np.unique(W[0])) > 1,
        "all signs the same": lambda W, a, tau: len(a) > 1 and (a == -1).all(),
        "all signs the same, positive": lambda W, a, tau: len(a) > 1 and (a == 1).all(),
    }.items(),
)
def test_each_end_and_tie_is_met(what, meets):
    assert any(meets(**case) for case in FOUND), what


def test_the_other_draws_stay_as_they_are_by_chance_and_repeat_with_the_seed():
    assert all(np.array_equal(one["W"], other["W"]) for one, other in zip(FOUND, corners(layer, 7), strict=True))
    others = list(corners(layer, 8))
    assert any(not np.array_equal(one["W"], other["W"]) for one, other in zip(FOUND, others, strict=True))


def test_cases_that_draw_again_until_they_like_it_come_to_an_end():
    def picky(rng):
        while True:
            x = rng.uniform(0, 1)
            if 0.2 < x < 0.8:
                return {"x": x}

    assert len(list(corners(picky, 1))) >= 4


def test_what_is_drawn_without_replacement_stays_different():
    found = corners(lambda rng: {"k": rng.choice(9, size=4, replace=False)}, 1)
    assert all(len(set(case["k"])) == 4 for case in found)


def test_bounds_of_their_own_for_each_entry_stay_as_drawn():
    found = list(corners(lambda rng: {"k": rng.integers([1, 5], [3, 9]), "u": rng.uniform([0, 1], [1, 2])}, 1))
    assert all(((case["k"] >= [1, 5]) & (case["k"] < [3, 9])).all() for case in found)
