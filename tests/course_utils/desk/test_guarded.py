"""A guarded call comes back, whatever the called function does, and leaves the process as it was."""

import gc
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest

from course_utils.desk.guarded import FENCE, Guard, TimeUp, left_as_found, warm_up

LIMIT = 0.2


def spin():
    while True:
        pass


def spin_and_catch_exceptions():
    while True:
        try:
            sum(range(1000))
        except Exception:
            pass


def sleep_and_catch_everything():
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass


def print_for_ever():
    while True:
        print("x" * 1000)


def recurse():
    return recurse() + 1


def recurse_and_catch():
    try:
        return recurse_and_catch()
    except Exception:
        return recurse_and_catch()


ENDLESS = [spin, spin_and_catch_exceptions, print_for_ever, recurse_and_catch]


def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join(20)
    assert found, "the guarded call did not come back"
    return found[0]


def outcome(function):
    with Guard(LIMIT) as guard:
        return guard.call(function)


@pytest.mark.parametrize("run", [lambda f: f(), in_thread], ids=["main thread", "other thread"])
@pytest.mark.parametrize("function", ENDLESS, ids=lambda f: f.__name__)
def test_an_endless_call_is_stopped(function, run):
    # Where the stack is full, what hypothesis has the garbage collector call fails, and pytest describes each failure
    # with all that led to it, for minutes.
    gc.disable()
    try:
        begun = time.monotonic()
        assert isinstance(run(lambda: outcome(function)).error, TimeUp)
        assert time.monotonic() - begun < LIMIT + 3
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timer signals")
def test_a_bare_except_does_not_swallow_the_end_of_the_time():
    begun = time.monotonic()
    assert isinstance(outcome(sleep_and_catch_everything).error, TimeUp)
    assert time.monotonic() - begun < LIMIT + 3


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(), KeyboardInterrupt(), GeneratorExit(), MemoryError()], ids=repr
)
def test_what_the_function_raises_is_returned(error):
    def function():
        raise error

    assert outcome(function).error is error


def test_a_value_comes_back_and_recursion_ends():
    assert outcome(lambda: 3).value == 3
    assert isinstance(outcome(recurse).error, RecursionError)


def test_output_is_kept_shortened_and_not_shown(capsys):
    assert outcome(lambda: print("hello")).printed == "hello\n"
    assert outcome(lambda: print("hello", file=sys.stderr)).printed == "hello\n"
    assert len(outcome(lambda: print("x" * 10**6)).printed) == 2000
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("run", [lambda f: f(), in_thread], ids=["main thread", "other thread"])
def test_waiting_for_the_processor_is_not_counted_and_ends_at_the_fence(run):
    """A machine busy with other work looks, from inside a call, like one that sleeps."""

    def wait(times):
        for _ in range(times):
            time.sleep(LIMIT / 2)
        return "done"

    assert run(lambda: outcome(lambda: wait(5))).value == "done"
    assert isinstance(run(lambda: outcome(lambda: wait(3 * FENCE))).error, TimeUp)


def test_a_call_that_is_stopped_inside_torch_leaves_it_as_it_was():
    torch = pytest.importorskip("torch")
    forward, functorch = torch.autograd.forward_ad, torch._C._functorch

    def stopped():  # between the opening of a level and the context that would close it
        functorch._jvp_increment_nesting()
        forward.enter_dual_level()
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        np.random.seed(0)
        spin()

    stream = np.random.get_state()[1].copy()
    with left_as_found():
        assert isinstance(outcome(stopped).error, TimeUp)
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
    assert np.array_equal(np.random.get_state()[1], stream)
    one = torch.ones(2)
    value, slope = torch.func.jvp(lambda x: x**2, (one,), (one,))
    assert torch.equal(slope, 2 * one)


def test_what_torch_loads_at_its_first_use_is_loaded_before_the_time_begins():
    torch = pytest.importorskip("torch")
    used = []

    class Func:
        def vmap(self, function):
            used.append("vmap")
            return lambda x: None

        grad = jvp = staticmethod(lambda *arguments: None)

    def mentions():
        return [torch.func.vmap(one) for one in ()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "func", Func())
        warm_up(lambda x: x + 1)
        warm_up(print)
        assert not used
        warm_up(mentions)
    assert used == ["vmap"]


def test_the_time_is_shared_by_all_calls():
    with Guard(LIMIT) as guard:
        guard.call(spin)
        begun = time.monotonic()
        assert isinstance(guard.call(spin).error, TimeUp)
        assert time.monotonic() - begun < LIMIT


def test_a_real_interrupt_of_the_user_still_interrupts():
    with pytest.raises(KeyboardInterrupt), Guard(LIMIT) as guard:
        guard.call(lambda: signal.raise_signal(signal.SIGINT))


def test_a_real_interrupt_cannot_be_swallowed():
    def swallow():
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException:
            pass

    with pytest.raises(KeyboardInterrupt), Guard(LIMIT) as guard:
        guard.call(swallow)


def test_where_no_thread_can_start_a_call_has_no_limit_and_works(monkeypatch):
    """As in a browser's Python, which has no timer signals either."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.delattr(signal, "setitimer", raising=False)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with Guard(LIMIT) as guard:
        assert guard.call(lambda: 3).value == 3
        assert isinstance(guard.call(recurse).error, RecursionError)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timer signals")
@pytest.mark.parametrize("function", [lambda: 3, spin, sleep_and_catch_everything])
def test_handlers_alarms_warnings_streams_and_tracing_are_as_before(function):
    def handler(number, frame):
        raise AssertionError("the outer alarm went off")

    def tracer(frame, event, value):
        pass

    before_int, before_alarm = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)
    streams = sys.stdout
    before_timer, before_trace = signal.getitimer(signal.ITIMER_REAL), sys.gettrace()
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 100.0)
    filters = list(warnings.filters)
    try:
        sys.settrace(tracer)
        outcome(function)
        assert sys.gettrace() is tracer
        sys.settrace(before_trace)
        assert signal.getsignal(signal.SIGALRM) is handler
        assert signal.getsignal(signal.SIGINT) is before_int
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 90 < left < 100 and interval == 0
        assert sys.stdout is streams
        assert list(warnings.filters) == filters
    finally:
        sys.settrace(before_trace)
        signal.setitimer(signal.ITIMER_REAL, *before_timer)
        signal.signal(signal.SIGALRM, before_alarm)


@pytest.mark.parametrize("run", [lambda f: f(), in_thread], ids=["main thread", "other thread"])
def test_the_end_of_the_time_never_arrives_late(run):
    def work():
        return sum(range(20_000))  # about as long as the time limit

    def many():
        for _ in range(100):
            with Guard(0.001) as guard:
                found = guard.call(work)
            assert isinstance(found.error, TimeUp) or found.value == work()
        time.sleep(0.1)
        return True

    assert run(many)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timer signals")
@pytest.mark.parametrize("number", ["SIGALRM", "SIGINT"])
def test_a_signal_while_the_alarm_is_set_or_put_back_loses_nothing(monkeypatch, number):
    setitimer, timer = signal.setitimer, signal.getitimer(signal.ITIMER_REAL)
    handler = signal.getsignal(signal.SIGALRM)

    def at_once(*args):
        before = setitimer(*args)
        signal.raise_signal(getattr(signal, number))
        return before

    monkeypatch.setattr(signal, "setitimer", at_once)
    if number == "SIGINT":
        with pytest.raises(KeyboardInterrupt):
            outcome(lambda: 3)
    else:
        assert outcome(lambda: 3).value == 3
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert interval == 0 and timer[0] - 10 < left <= timer[0]
    assert signal.getsignal(signal.SIGALRM) is handler


def test_warnings_cost_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert outcome(lambda: warnings.warn("careful", stacklevel=1)).error is None
