"""Calling a function that may raise, print without end, loop for ever or end the program.

The function runs in this process, because a function of a notebook cannot be sent to another one. What no
guard inside a process can stop: one single call into compiled code that never returns, and ``os._exit``.

Time is the processor's, so that a machine busy with other work takes nothing from a call; a wide fence of wall-clock
time ends what sleeps or waits.
"""

from __future__ import annotations

import ctypes
import io
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

import numpy as np

#: A call may take so many times its processor time by the clock on the wall.
FENCE = 6

#: Seconds between two attempts to stop a call, in case the first was swallowed by an ``except:``.
_AGAIN = 0.05


class TimeUp(BaseException):
    """Stops a call. A BaseException, so that ``except Exception`` in the call does not swallow it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a call: its value or the exception that ended it, and what it printed (shortened)."""

    value: Any
    error: BaseException | None
    printed: str


class _Shortened(io.TextIOBase):
    """Keeps the first characters that are written, so that printing without end needs no memory."""

    def __init__(self, limit: int = 2000) -> None:
        self.text, self.limit = "", limit

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.text) < self.limit:
            self.text += text[: self.limit - len(self.text)]
        return len(text)


class Guard:
    """A context in which :meth:`call` never raises for what the called function does.

    ``seconds`` is the processor time for all calls together, ``fence`` times as much that by the clock on the wall.
    On leaving, signal handlers, a pending alarm of somebody
    else, the filters of warnings and the trace function are as before. A real Ctrl-C still interrupts.
    """

    def __init__(self, seconds: float, fence: float = FENCE) -> None:
        self.left, self.fence = seconds, fence * seconds
        self.interrupted = self._fired = False
        self._state = "outside"  # of a call; "inside"; or "delicate", while alarms are set and put back

    def __enter__(self) -> Guard:
        main = threading.current_thread() is threading.main_thread()
        self._alarm = _SignalAlarm if main and hasattr(signal, "setitimer") else _ThreadAlarm
        self._handlers: dict[int, Any] = {}
        if main:
            self._handle(signal.SIGINT, self._on_interrupt)
        if self._alarm is _SignalAlarm:
            self._handle(signal.SIGALRM, self._on_alarm)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._warnings.__exit__(None, None, None)
        for number, previous in self._handlers.items():
            signal.signal(number, previous)

    def _handle(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        previous = signal.getsignal(number)
        # Ctrl-C that is ignored stays ignored; a handler from outside Python could not be put back.
        if previous is not None and not (number == signal.SIGINT and previous == signal.SIG_IGN):
            self._handlers[number] = previous
            signal.signal(number, handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        if self._state != "delicate":
            raise KeyboardInterrupt

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        alarm = self._alarm_of_call
        if self._state != "inside":
            return
        if isinstance(alarm, _SignalAlarm):  # calls nothing written in Python: where a call recurses there is no room
            spent = alarm.spent
            left = min(alarm.seconds - (alarm.clock() - spent.processor), alarm.fence - (time.monotonic() - spent.wall))
            if left > 0:  # the alarm goes off again when it could be used up
                signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), _AGAIN)
                return
        if self._fired:
            _raise_at_next_line(frame, until=self._frame)
        self._fired = True
        raise TimeUp

    def call(self, function: Callable[[], Any]) -> Outcome:
        """Call ``function()``. The error is :class:`TimeUp` when the time of this guard is used up.

        Raises KeyboardInterrupt when, and only when, the user interrupts.
        """
        value, error, out = None, None, _Shortened()
        trace, streams = sys.gettrace(), (sys.stdout, sys.stderr)
        begun = _Spent(self._alarm.clock)
        self._state, self._frame, self._fired = "delicate", sys._getframe(), False
        alarm = self._alarm(max(self.left, 1e-3), max(self.fence, 1e-3))
        self._alarm_of_call = alarm
        # Twice, because the alarm may still go off between the end of the call and the end of the alarm.
        try:
            try:
                sys.stdout = sys.stderr = out
                alarm.start()
                self._state = "inside"
                value = function()
            except BaseException as caught:
                error = caught
            finally:
                self._state = "delicate"
                if sys.gettrace() is not trace:
                    sys.settrace(trace)
                alarm.stop()
        except TimeUp as late:
            error = late
        finally:
            self._state = "delicate"
            alarm.stop()
            sys.stdout, sys.stderr = streams
            processor, wall = begun()
            self.left, self.fence = self.left - processor, self.fence - wall
            self._state = "outside"
        if self.interrupted:
            raise KeyboardInterrupt
        return Outcome(value if error is None else None, error, out.text)


class _Spent:
    """Seconds of a processor clock, and by the clock on the wall, since it was made."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.processor, self.wall = clock, clock(), time.monotonic()

    def __call__(self) -> tuple[float, float]:
        return self.clock() - self.processor, time.monotonic() - self.wall


class _SignalAlarm:
    """Goes off in the main thread, also inside ``time.sleep``."""

    # Of the thread alone: others of torch or BLAS wait in loops that use up a processor each.
    clock = staticmethod(time.thread_time)

    def __init__(self, seconds: float, fence: float) -> None:
        self.seconds, self.fence = seconds, fence
        self.outer: tuple[float, float] | None = None

    def start(self) -> None:
        self.spent = _Spent(self.clock)
        self.outer = signal.setitimer(signal.ITIMER_REAL, min(self.seconds, self.fence), _AGAIN)

    def stop(self) -> None:
        if self.outer is None:
            return
        (left, interval), self.outer = self.outer, None
        # An alarm that somebody else had set (a test runner, say) goes on where it was.
        left = max(left - self.spent()[1], 1e-3) if left else 0.0
        signal.setitimer(signal.ITIMER_REAL, left, interval)


class _ThreadAlarm:
    """Where there are no timer signals: another thread raises TimeUp in the calling one."""

    clock = staticmethod(time.process_time)  # nobody can read another thread's own

    def __init__(self, seconds: float, fence: float) -> None:
        self.seconds, self.fence, self.done, self.target = seconds, fence, threading.Event(), threading.get_ident()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        try:
            self.thread.start()
        except RuntimeError:  # no thread can start here, as in a browser's Python: the call has no limit
            self.done.set()

    def _watch(self) -> None:
        spent, wait = _Spent(self.clock), min(self.seconds, self.fence)
        while not self.done.wait(wait):
            processor, wall = spent()
            wait = min(self.seconds - processor, self.fence - wall)
            if wait > 0:
                continue
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.target), ctypes.py_object(TimeUp))
            wait = _AGAIN

    def stop(self) -> None:
        if not self.done.is_set():
            self.done.set()
            self.thread.join()
            # What was sent a moment ago is raised here. It is not taken back by sending NULL, because
            # CPython 3.11 then believes for ever that something is pending, and hangs when traced.
            for _ in range(10):
                pass


def _raise_at_next_line(frame: FrameType | None, until: FrameType) -> None:
    """Raise TimeUp also at the next line, which in ``except: pass`` lies outside of the ``try``."""

    def again(frame: FrameType, event: str, value: object) -> Callable:
        if event == "line":
            raise TimeUp
        return again

    while frame is not None and frame is not until:
        frame.f_trace = again
        frame = frame.f_back
    sys.settrace(again)


@contextmanager
def left_as_found() -> Iterator[None]:
    """numpy's global random numbers and torch's modes are afterwards as before, also after a call that was stopped.

    A call that is stopped inside ``torch.func.jvp`` leaves its level of differentiation open, and every later one would
    fail with "Nested forward mode AD is not supported".
    """
    stream, torch = np.random.get_state(), sys.modules.get("torch")
    if torch is not None:
        functorch, forward = torch._C._functorch, torch.autograd.forward_ad
        depth, level = functorch.get_dynamic_layer_stack_depth(), forward._current_level
        gradients, precision = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        yield
    finally:
        np.random.set_state(stream)
        if torch is not None:
            functorch.pop_dynamic_layer_stack_and_undo_to_depth(depth)
            while forward._current_level > level:
                forward.exit_dual_level()
            torch.set_grad_enabled(gradients)
            torch.set_default_dtype(precision)


#: Names by which a function asks for what torch loads at its first use, which takes seconds.
_LAZY = {"func", "jvp", "vjp", "vmap", "jacrev", "jacfwd", "hessian", "functional_call"}


def warm_up(function: object) -> None:
    """Have torch load what ``function`` mentions of ``torch.func``, so that no limit of time counts it."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(function, FunctionType) or not _names(function.__code__) & _LAZY:
        return
    one = torch.ones(1, 1)
    torch.func.vmap(torch.func.grad(lambda x: (x**2).sum()))(one)
    torch.func.jvp(lambda x: x**2, (one,), (one,))


def _names(code: CodeType) -> set[str]:
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return set(code.co_names) | set(code.co_freevars).union(*inner)
