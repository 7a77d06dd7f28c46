"""Frames between the grader and the process that runs a student's cells.

A frame is 16 bytes that say how long its header and its body are, a JSON header, and a body: the raw bytes of the
arrays that the header declares, one after the other. Nothing is ever unpickled or evaluated. What comes from a
student's process is read with limits, and anything that is not exactly a frame is a :class:`ProtocolError`.

This module is also copied into the jail: it imports numpy and the standard library only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import select
import socket
import struct
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

_LENGTHS = struct.Struct(">8sII")
_MAGIC = b"course/1"
_DTYPES = {
    np.dtype(code).str.lstrip("|<"): np.dtype(code).newbyteorder("<")
    for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
}

#: Modules that a student's process does not have.
_PRIVATE = ("course_utils.exercises.chapter_", "course_staff", "grader", "__main__")

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


def send(channel: socket.socket, header: dict, body: Iterable[bytes] = (), seconds: float | None = None) -> None:
    """Send one frame.

    Raises:
        Closed: when nobody can receive it.
        Late: when it has not been taken within ``seconds``: whoever does not read would hold up the sender for ever.
    """
    text, raw = json.dumps(header).encode(), b"".join(body)
    try:
        channel.settimeout(None if seconds is None else max(seconds, 1e-3))
        channel.sendall(_LENGTHS.pack(_MAGIC, len(text), len(raw)) + text + raw)
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


# Values


def encode(value: Any, body: list[bytes]) -> list:
    """A value as what a header can hold; the bytes of its arrays are appended to ``body``.

    Numbers, texts, None, numpy scalars and arrays, torch tensors, tuples, lists and dicts of these keep their
    types. A function or class is sent by its name, so it must be a public one of an installed module.

    Raises:
        TypeError: for any other value.
    """
    torch = sys.modules.get("torch")
    if value is None or isinstance(value, bool):
        return ["json", value]
    if isinstance(value, np.ndarray):
        return ["array", *_raw(value, body)]
    if isinstance(value, np.generic):
        return ["scalar", *_raw(np.asarray(value), body)]
    if torch is not None and isinstance(value, torch.Tensor):
        return ["tensor", *_raw(value.detach().cpu().numpy(), body)]
    if type(value) is int:
        return ["int", str(value)]
    if type(value) is float:
        return ["float", value.hex()]
    if type(value) is str:
        return ["json", value]
    if type(value) in (tuple, list):
        return [type(value).__name__, [encode(part, body) for part in value]]
    if type(value) is dict:
        return ["dict", [[encode(key, body), encode(part, body)] for key, part in value.items()]]
    if type(value) is range:
        return ["range", [value.start, value.stop, value.step]]
    if callable(value):
        return ["name", name_of(value)]
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent to a student's function: {value!r:.80}")


def _raw(array: np.ndarray, body: list[bytes]) -> tuple[str, list[int]]:
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    code = array.dtype.newbyteorder("<").str.lstrip("|<")
    if code not in _DTYPES:
        raise TypeError(f"an array of {array.dtype} cannot be sent; one of {', '.join(_DTYPES)} can")
    body.append(np.ascontiguousarray(array, _DTYPES[code]).tobytes())
    return code, list(array.shape)


def name_of(function: Any) -> str:
    """``module:name`` under which another process finds a function or class.

    Raises:
        TypeError: when there is no such name, as for a lambda, or when it belongs to the exercises.
    """
    # numpy's and torch's compiled functions do not know their module.
    names = [(getattr(function, "__module__", None), getattr(function, "__qualname__", None))]
    names += [
        (module, getattr(function, "__name__", None)) for module in ("numpy", "math", "torch") if module in sys.modules
    ]
    for module, name in names:
        if isinstance(module, str) and isinstance(name, str) and not module.startswith(_PRIVATE):
            try:
                if _named(f"{module}:{name}") is function:
                    return f"{module}:{name}"
            except (ImportError, AttributeError, ValueError):
                continue
    raise TypeError(f"{function!r:.80} has no public name by which it can be sent to a student's function")


def _named(name: str) -> Any:
    module, _, path = name.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def decode(tree: list, body: bytes) -> Any:
    """What :func:`encode` was given. Only for what the grader has sent: it imports what is named."""
    reader = _Reader(body)
    value = _value(tree, reader)
    reader.end()
    return value


def _value(tree: list, reader: _Reader) -> Any:
    match tree:
        case ["json", value]:
            return value
        case ["int", text]:
            return int(text)
        case ["float", text]:
            return float.fromhex(text)
        case ["array", code, shape]:
            return reader.array(code, shape)
        case ["scalar", code, []]:
            return reader.array(code, [])[()]
        case ["tensor", code, shape]:
            import torch

            return torch.from_numpy(reader.array(code, shape))
        case ["tuple", parts]:
            return tuple(_value(part, reader) for part in parts)
        case ["list", parts]:
            return [_value(part, reader) for part in parts]
        case ["dict", pairs]:
            return {_value(key, reader): _value(part, reader) for key, part in pairs}
        case ["range", [start, stop, step]]:
            return range(start, stop, step)
        case ["name", name]:
            return _named(name)
    raise ProtocolError("a value of no known kind")


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
