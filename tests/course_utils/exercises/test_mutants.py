"""The mutants are what they should be: a mutation test that mutates nothing proves nothing."""

import numpy as np
import pytest
from mutants import mutants


def helper(x):
    return x + 1


def reference(x, n):
    """A docstring is not mutated."""
    if n > 3:
        x = helper(x)
    return np.sum(-x, axis=0) * 2


def changes(function):
    return {m.change for m in mutants(function)}


@pytest.mark.parametrize(
    "change",
    [
        "return np.sum(-x, axis=0) * 2 → return np.sum(-x, axis=0) * 3",  # constant
        "return np.sum(-x, axis=0) * 2 → return np.sum(x, axis=0) * 2",  # sign
        "return np.sum(-x, axis=0) * 2 → return -(np.sum(-x, axis=0) * 2)",
        "return np.sum(-x, axis=0) * 2 → return np.sum(-x, axis=0) / 2",  # operator
        "return np.sum(-x, axis=0) * 2 → return np.sum(-x, axis=1) * 2",  # axis
        "return np.sum(-x, axis=0) * 2 → return np.sum(-x, axis=0)",  # dropped factor
        "return np.sum(-x, axis=0) * 2 → return np.sum(-x) * 2",  # dropped argument
        "return np.sum(-x, axis=0) * 2 → return -x * 2",  # dropped call
        "if n > 3: → if n >= 3:",
        "if n > 3: → if not n > 3:",
        "x = helper(x) → x = x",
        "return x + 1 → return x - 1",  # in the helper
    ],
)
def test_kinds_of_changes(change):
    assert change in changes(reference)


def test_a_mutant_of_a_helper_is_used_by_the_function():
    (mutant,) = [m for m in mutants(reference) if m.change == "return x + 1 → return x - 1"]
    assert mutant.function(np.array([5.0]), 4) == -8 and reference(np.array([5.0]), 4) == -12


def test_every_mutant_is_another_source_and_the_reference_stays():
    found = list(mutants(reference))
    assert len({m.function for m in found}) == len(found) > 20
    assert reference(np.array([5.0]), 1) == -10
