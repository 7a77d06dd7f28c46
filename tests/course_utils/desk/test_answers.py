"""Answers are read by their values, whatever their type, and shown in the same few digits everywhere."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.desk.answers import Misfit, Unreadable, clean, equal, fit, read, read_reference, show, show_apart

finite = st.floats(-1e6, 1e6)
arrays = hnp.arrays(float, hnp.array_shapes(max_dims=3, min_side=0, max_side=4), elements=finite)

DRESSES = {
    "list": lambda a: a.tolist(),
    "tuple of rows": lambda a: tuple(a) if a.ndim else a,
    "list of tensors": lambda a: [torch.tensor(row, requires_grad=True) for row in a] if a.ndim else a,
    "tensor": torch.tensor,
    "tensor with gradient": lambda a: torch.tensor(a, requires_grad=True) * 1.0,
    "transposed memory": np.asfortranarray,
    "objects": lambda a: a.astype(object),
    "long double": lambda a: a.astype(np.longdouble),
    "masked": np.ma.asarray,
}


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
@given(arrays)
def test_equal_values_are_equal_whatever_their_type(dress, array):
    if array.size == 0 and dress in (DRESSES["list"], DRESSES["list of tensors"], DRESSES["tuple of rows"]):
        array = np.zeros(0)  # a nested empty list does not say its shape
    assert equal(read(dress(array)), array)


@given(hnp.arrays(float, 3, elements=finite))
def test_single_precision_is_compared_in_single_precision(array):
    assert equal(read(torch.tensor(array, dtype=torch.float32)), array)
    assert equal(read(array.astype(np.float32)), array)
    off = array + 1e-3 * (1 + np.abs(array).max())
    assert not equal(read(off.astype(np.float32)), array)


@given(finite, st.floats(1e-6, 1))
def test_a_number_that_is_off_is_not_equal(x, relative):
    assert not equal(read(x + relative * max(abs(x), 1)), read_reference(x), 1e-9, 1e-12)
    assert equal(read(x * (1 + 1e-10)), read_reference(x), 1e-9, 1e-12)


@pytest.mark.parametrize(
    "answer, expected",
    [
        (3, 3),
        (3.0, 3),
        (np.int64(3), 3),
        (np.float32(3), 3.0),
        (Fraction(1, 4), 0.25),
        (True, np.bool_(True)),
        (torch.tensor(3.0), 3.0),
        (torch.tensor(True), True),
        (10**30, 1e30),
        (np.array(2.0), 2.0),
        ([1, 2.5], np.array([1, 2.5])),
        ([1.0, np.array([2.0])], (1.0, np.array([2.0]))),
        (np.array([1.0, 2.0]), (1.0, 2.0)),
        ([], np.zeros(0)),
        (float("nan"), float("nan")),
    ],
)
def test_kinds_of_numbers(answer, expected):
    assert equal(read(answer), read_reference(expected))


def test_whole_numbers_are_compared_exactly():
    assert not equal(read(10**15 + 1), read_reference(10**15), rtol=1e-9)


@pytest.mark.parametrize(
    "answer, says",
    [
        ("3", "the text '3'"),
        (None, "NoneType"),
        ({1}, "set"),
        ({}, "dict"),
        (1j, "complex"),
        (np.array(["a"]), "array of <U1"),
        (np.float16(1), "half precision"),
        (print, "was not called"),
        (int, "was not called"),
        ((i for i in []), "generator"),
        (map(abs, []), "map"),
        (Decimal(1), "Decimal"),
        ([1.0, "x"], "the text 'x'"),
        (np.array([None]), "ndarray"),
        ("x" * 10**6, "the text 'xxx"),
    ],
)
def test_other_things_are_named(answer, says):
    with pytest.raises(Unreadable) as caught:
        read(answer)
    assert says in str(caught.value) and len(str(caught.value)) < 100


@pytest.mark.parametrize(
    "yours, expected, status, says",
    [
        (3, [1.0, 2.0], "shape", "Expected an array of shape (2,); yours is a number."),
        (np.ones((2, 3)), np.ones((3, 2)), "shape", "Is it transposed?"),
        (np.ones((1, 1)), 1.0, "shape", "Take the number out of it."),
        (np.ones((2, 1)), np.ones(2), "shape", "Only the shape differs: reshape it."),
        (np.ones(1), 1.0, "shape", "Expected a number; yours is an array of shape (1,)."),
        (True, 1.0, "type", "Expected a number; yours is True or False."),
        ([0, 1], np.array([True, False]), "type", "truth values; yours is an array of numbers."),
        ([[1.0], [1.0, 2.0]], np.ones(2), "type", "parts of different lengths"),
        (1.0, (1.0, 2.0), "type", "Expected 2 separate values; yours is a number."),
        ((1.0,), (1.0, 2.0), "shape", "Expected 2 separate values; yours are 1."),
        ((1.0, np.ones(3)), (1.0, np.ones(2)), "shape", "Value 2 of 2: Expected an array of shape (2,)"),
    ],
)
def test_a_misfit_says_which_form_is_expected(yours, expected, status, says):
    found = fit(read(yours), read_reference(expected))
    assert isinstance(found, Misfit) and found.status == status and says in found.sentence


def test_a_copy_is_read():
    array = np.zeros(2)
    plain = read(array)
    array += 1
    assert equal(plain, np.zeros(2))


def test_showing():
    assert show(np.pi) == "3.142" and show(-0.0) == "0"
    assert show("relu") == "'relu'" and show(np.tanh) == "tanh"
    assert show(np.arange(3)) == "[0, 1, 2]" and show((1.0, np.ones(2))) == "(1, [1, 1])"
    assert len(show(np.zeros((1000, 1000)))) < 200 and len(show({"a": "x" * 10**6})) < 200
    assert show_apart(np.array(1.0), np.array(1.00001)) == ("1", "1.00001")
    assert clean("a\x1b[31m\ud800\r" + "b" * 100, 10) == "a�[31m��b…"
