"""Frames: what is sent arrives as it was, and whatever else arrives is a ProtocolError and nothing worse."""

import json
import pickle
import socket
import struct
import threading
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.desk.checks import Result
from course_utils.exercises import all_exercises, find
from grader import protocol
from grader.marking import judge_hidden, judge_public, make_paper
from grader.protocol import Closed, Late, ProtocolError

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda code: hnp.arrays(code, hnp.array_shapes(min_dims=0, min_side=0)))
#: JSON, with the words that mean something here more often than by chance.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
    | st.sampled_from(["array", "tuple", "name", "b1", "f8", "attempts", "yours", "outcome", "answer", "os:system"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == other.tobytes() and other.flags.writeable
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            same(mine, theirs)
    elif isinstance(one, dict):
        same(list(one.items()), list(other.items()))
    elif isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype and torch.equal(one, other)
    else:
        assert one == other or one != one


@pytest.mark.parametrize("exercise", list(all_exercises().values()), ids=lambda e: e.id)
def test_every_exercise_can_be_asked_and_what_is_sent_names_no_module_that_a_jail_lacks(exercise):
    sent = pickle.dumps((exercise.draw_cases(1), exercise.probe))
    assert not any(name in sent for name in (b"chapter_", b"course_staff", b"grader", b"__main__"))
    cases, probe = pickle.loads(sent)
    assert probe is exercise.probe
    for case, arrived in zip(exercise.draw_cases(1), cases, strict=True):
        assert list(case) == list(arrived)
        for name in case:
            same(case[name], arrived[name])


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([None]), (np.array("2026", "M8[Y]"),)])
def test_what_is_no_answer_cannot_be_sent(array):
    with pytest.raises(TypeError, match="cannot be sent"):
        protocol.encode(array, [])


@given(st.lists(st.recursive(ARRAYS, lambda parts: st.lists(parts, max_size=3).map(tuple), max_leaves=5), max_size=4))
def test_plain_answers_arrive_bit_by_bit(answers):
    body = []
    trees = json.loads(json.dumps([protocol.encode(answer, body) for answer in answers]))
    arrived = protocol.decode_plain(trees, b"".join(body))
    same(list(answers), arrived)
    with pytest.raises(ProtocolError, match="more bytes"):
        protocol.decode_plain(trees, b"".join(body) + b"x")
    if any(body):
        with pytest.raises(ProtocolError, match="fewer bytes"):
            protocol.decode_plain(trees, b"".join(body)[:-1])


@pytest.mark.parametrize(
    "tree",
    [
        *(["array", "f8", shape] for shape in ([-1], [2**62], [0, 2**40, 2**40], [0] * 17, [True], [1.0], "1")),
        ["array", "f8", [0, 60_000_000, 60_000_000]],
        ["array", "O", []],
        ["array", ["f8"], []],
        ["name", "os:system"],
        ["int", "1"],
        ["tuple", [["int", "1"]]],
        ["tuple", 3],
        [],
        "x",
        7,
        {"array": 1},
        ["array", "b1", [8]],
        ["scalar", "f8", []],
    ],
)
def test_no_answer_of_another_form(tree):
    with pytest.raises(ProtocolError):
        protocol.decode_plain([tree], b"\x02" * 8)


def test_no_answer_nested_without_end():
    tree = ["array", "f8", []]
    for _ in range(protocol.MAX_DEPTH + 1):
        tree = ["tuple", [tree]]
    with pytest.raises(ProtocolError):
        protocol.decode_plain([tree], b"\0" * 8)
    with pytest.raises(ProtocolError, match="too many"):
        protocol.decode_plain([["tuple", [["array", "f8", [0]]] * (protocol.MAX_VALUES + 1)]], b"")


@settings(max_examples=100, deadline=None)
@given(JSON, st.binary(max_size=40))
def test_any_json_for_answers_is_refused_or_plain(tree, body):
    try:
        answers = protocol.decode_plain(tree, body)
    except ProtocolError:
        return
    assert all(answer is None or isinstance(answer, np.ndarray | tuple) for answer in answers)


@cache
def paper():
    return make_paper(find("1.2"), b"s" * 32, "a notebook")


ATTEMPT = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["answer", "nothing", "timeout", "error", "foreign", "correct"]) | JSON,
        "yours": st.none() | st.just(["array", "f8", []]) | JSON,
        "what": st.text(max_size=5) | JSON,
        "where": st.text(max_size=5),
        "printed": st.text(max_size=5),
        "changed": st.just([]) | JSON,
    }
)


def replies():
    count = len(paper().rounds[0])
    attempts = st.lists(ATTEMPT, min_size=count, max_size=count) | JSON
    return st.fixed_dictionaries(
        {"callable": st.just(True) | JSON, "parameters": st.none() | JSON, "attempts": attempts}
    )


@settings(max_examples=60, deadline=None)
@given(st.deferred(replies) | JSON, st.binary(max_size=400))
def test_any_reply_is_refused_or_judged_wrong(reply, body):
    try:
        result, _ = judge_public(paper(), reply, body)
    except ProtocolError:
        pass
    else:
        assert not result.correct and str(result)
    try:
        assert not judge_hidden(paper(), reply, body, Result(paper().exercise, "correct", "")).correct
    except ProtocolError:
        pass


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda tree: _frame(json.dumps(tree).encode(), b"ab")))
def test_any_bytes_are_a_frame_or_a_protocol_error(data):
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    theirs.close()
    try:
        header, body = protocol.receive(ours)
        assert isinstance(header, dict) and isinstance(body, bytes)
    except ProtocolError:
        pass
    finally:
        ours.close()


def _frame(header, body, sizes=None):
    return struct.pack(">8sII", b"course/1", *(sizes or (len(header), len(body)))) + header + body


@pytest.mark.parametrize(
    "data",
    [
        _frame(b"{}", b"", (protocol.MAX_HEADER + 1, 0)),
        _frame(b"{}", b"", (2, protocol.MAX_BODY + 1)),
        _frame(b"[" * 100_000, b""),
        _frame(b"{\xff}", b""),
        _frame(b'{"a": NaN}', b""),
        _frame(b"[]", b""),
        _frame(b"{" + b'"a":' * 5 + b"1" * 5000 + b"}", b""),
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"x" * 16,
    ],
)
def test_no_frame(pair, data):
    pair[1].sendall(data)
    with pytest.raises(ProtocolError):
        protocol.receive(pair[0], 5)


def test_nobody_there_and_nothing_in_time(pair):
    with pytest.raises(Late):
        protocol.receive(pair[0], 0.05)
    pair[1].sendall(_frame(b"{}", b"abc")[:-1])
    with pytest.raises(Late):
        protocol.receive(pair[0], 0.05)
    pair[1].close()
    with pytest.raises(Closed):
        protocol.receive(pair[0], 1)
    with pytest.raises(Closed):
        protocol.send(pair[0], {})


def test_a_large_frame_arrives_in_parts(pair):
    body = np.random.default_rng(0).bytes(5 << 20)
    sender = threading.Thread(target=protocol.send, args=(pair[1], {"n": 1}, body))
    sender.start()
    assert protocol.receive(pair[0], 20) == ({"n": 1}, body)
    sender.join()


def test_only_the_reply_to_the_question_counts(pair):
    for header in ({"question": 1}, {}, {"question": "2"}, {"question": 2, "n": 5}):
        protocol.send(pair[1], header)
    assert protocol.receive_reply(pair[0], 2, 5) == ({"question": 2, "n": 5}, b"")
    with pytest.raises(Late):
        protocol.receive_reply(pair[0], 3, 0.05)
