"""Frames between the grader and the process that runs a student's cells.

A frame is 16 bytes that say how long its header and its body are, a JSON header, and a body. To a student's process the
body brings inputs, as a pickle. From there it brings answers: the raw bytes of the arrays that the header declares, one
after the other. That is never unpickled or evaluated, but read with limits, and anything that is not exactly a frame is
a :class:`ProtocolError`.

This module is also copied into the jail: it imports numpy and the standard library only.
"""

from __future__ import annotations

import contextlib
import json
import math
import select
import socket
import struct
import time
from typing import Any

import numpy as np

_LENGTHS = struct.Struct(">8sII")
_MAGIC = b"course/1"
_DTYPES = {
    np.dtype(code).str.lstrip("|<"): np.dtype(code).newbyteorder("<")
    for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
}

#: A student's function may take so many times its processor time by the clock on the wall: then it sleeps, or waits.
FENCE = 2
#: What a session says of a cell that has taken all its time.
TIME_UP = "it takes longer than a cell may"
#: Definitions of one function that are remembered, the last ones.
MAX_VERSIONS = 5
#: Largest header and body that are accepted from a student's process, in bytes.
MAX_HEADER, MAX_BODY = 4 << 20, 64 << 20
#: Deepest nesting of separate values in an answer, most values in a frame, and most axes of an array.
MAX_DEPTH, MAX_VALUES, MAX_AXES = 8, 100_000, 16
#: Largest answer to one call, in bytes: more than any exercise asks for.
MAX_ANSWER = 8 << 20


class ProtocolError(Exception):
    """What arrived is not a frame, or not the one that was expected."""


class Closed(ProtocolError):
    """The other side is gone."""


class Late(ProtocolError):
    """Nothing complete arrived in time."""


def send(channel: socket.socket, header: dict, body: bytes = b"", seconds: float | None = None) -> None:
    """Send one frame.

    Raises:
        Closed: when nobody can receive it.
        Late: when it has not been taken within ``seconds``: whoever does not read would hold up the sender for ever.
    """
    text = json.dumps(header).encode()
    try:
        channel.settimeout(None if seconds is None else max(seconds, 1e-3))
        channel.sendall(_LENGTHS.pack(_MAGIC, len(text), len(body)) + text + body)
    except TimeoutError as error:
        raise Late("what was sent is not read") from error
    except (OSError, ValueError) as error:
        raise Closed(f"the frame could not be sent: {error}") from error
    finally:
        with contextlib.suppress(OSError):  # it is closed
            channel.settimeout(None)


def receive(
    channel: socket.socket, seconds: float | None = None, max_header: int = MAX_HEADER, max_body: int = MAX_BODY
) -> tuple[dict, bytes]:
    """One frame: header and body.

    Raises:
        Closed, Late: when there is none, or none within ``seconds``.
        ProtocolError: when what came is no frame, or is larger than the limits.
    """
    deadline = None if seconds is None else time.monotonic() + max(seconds, 0.0)
    magic, header_size, body_size = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size, deadline))
    if magic != _MAGIC or header_size > max_header or body_size > max_body:
        raise ProtocolError("what arrived is no frame of this protocol, or too large")
    text, body = _exactly(channel, header_size, deadline), _exactly(channel, body_size, deadline)
    try:
        header = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the header of a frame is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolError("the header of a frame is no object")
    return header, body


def receive_reply(channel: socket.socket, question: int, seconds: float) -> tuple[dict, bytes]:
    """The frame that answers the question of this number; late or repeated replies to others are dropped."""
    deadline = time.monotonic() + seconds
    while True:
        header, body = receive(channel, max(0.0, deadline - time.monotonic()))
        if header.get("question") == question:
            return header, body


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    chunks, left = [], size
    while left:
        if deadline is not None:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([channel], [], [], remaining)[0]:
                raise Late("no answer in time")
        try:
            chunk = channel.recv(min(left, 1 << 20))
        except OSError as error:
            raise Closed(f"the other side is gone: {error}") from error
        if not chunk:
            raise Closed("the other side is gone")
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


# Answers


def encode(answer: Any, body: list[bytes]) -> list:
    """A plain answer, an array or a tuple of these, as what a header can hold; its bytes are appended to ``body``.

    Raises:
        TypeError: for an array of anything but truth values, whole and floating-point numbers.
    """
    if isinstance(answer, tuple):
        return ["tuple", [encode(part, body) for part in answer]]
    array = answer.astype(np.float64) if answer.dtype.kind == "f" and answer.dtype.itemsize > 8 else answer
    code = array.dtype.newbyteorder("<").str.lstrip("|<")
    if code not in _DTYPES:
        raise TypeError(f"an array of {array.dtype} cannot be sent; one of {', '.join(_DTYPES)} can")
    body.append(np.ascontiguousarray(array, _DTYPES[code]).tobytes())
    return ["array", code, list(array.shape)]


def decode_plain(trees: list, body: bytes) -> list:
    """Plain answers from a student's process: arrays, and tuples of these. The bytes must match exactly."""
    reader = _Reader(body)
    if not isinstance(trees, list):
        raise ProtocolError("answers are a list")
    answers = [None if tree is None else _plain(tree, reader, 0) for tree in trees]
    reader.end()
    return answers


def _plain(tree: object, reader: _Reader, depth: int) -> Any:
    match tree:
        case ["array", str(code), list(shape)]:
            return reader.array(code, shape)
        case ["tuple", list(parts)] if depth < MAX_DEPTH:
            reader.count(len(parts))
            return tuple(_plain(part, reader, depth + 1) for part in parts)
    raise ProtocolError("an answer is neither an array nor a tuple of arrays")


class _Reader:
    """Cuts the arrays that a header declares out of a body."""

    def __init__(self, body: bytes) -> None:
        self.body, self.position, self.values = body, 0, 0

    def count(self, values: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            raise ProtocolError("too many values")

    def array(self, code: object, shape: object) -> np.ndarray:
        self.count(1)
        if not isinstance(code, str) or code not in _DTYPES:
            raise ProtocolError("an array of no declared type")
        if not isinstance(shape, list) or len(shape) > MAX_AXES:
            raise ProtocolError("an array of no possible shape")
        if not all(type(n) is int and 0 <= n <= MAX_BODY for n in shape):
            raise ProtocolError("an array of no possible shape")
        size = math.prod(shape) * _DTYPES[code].itemsize
        # numpy multiplies the other axes of an empty array as well.
        if size > len(self.body) - self.position or math.prod(n for n in shape if n) > MAX_BODY:
            raise ProtocolError("fewer bytes than the arrays need")
        raw = self.body[self.position : self.position + size]
        self.position += size
        if code == "b1" and raw.translate(None, b"\0\1"):
            raise ProtocolError("a truth value that is neither 0 nor 1")
        # A copy, native and writable, as a function's own answer is.
        return np.frombuffer(raw, _DTYPES[code]).reshape(shape).astype(_DTYPES[code].newbyteorder("="))

    def end(self) -> None:
        if self.position != len(self.body):
            raise ProtocolError("more bytes than the arrays need")
