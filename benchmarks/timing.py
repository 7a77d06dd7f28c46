"""Times that can be compared, for the other benchmarks."""

import statistics
import time
from collections.abc import Callable


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def side_by_side(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each call; they take turns, so that a busy machine disturbs all of them alike.

    In each turn a first call is not counted: it finds the caches full of what the one before has left.
    """
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            call()
            times[name].append(seconds(call))
    return {name: statistics.median(values) for name, values in times.items()}
