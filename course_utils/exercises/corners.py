"""The corners of an exercise's domain, found from how its inputs are drawn.

What ``cases(rng)`` can draw *is* what the exercise allows: a size from ``rng.integers(1, 6)`` may be 1 and may be 5, a
number from ``rng.uniform(0.1, 2)`` may be each of its ends, an array from ``rng.normal`` may be zero, hold a zero row
or equal rows, signs may all be the same. :func:`corners` plays ``cases`` again with one draw at a time in such a
place, and then with all sizes equal, all at their least, all numbers equal. Ties, boundaries and degenerate shapes are
tried in this way in each exercise, whether or not its author thought of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

#: What all draws of a kind do at once: sizes equal, everything at its lowest or highest, numbers equal.
_TOGETHER = ("equal sizes", "lowest", "highest", "equal numbers")


class _Cornered(np.random.Generator):
    """A generator of which one draw, or all, lands where ``turn`` says; it notes how many places each draw has.

    turn      (number of the draw, number of the place), or one of :data:`_TOGETHER`
    forced    for the latter how many draws it moves: those that come later, when ``cases`` draws anew because it did
              not like what it got, are as usual
    """

    def __init__(self, seed: int, turn: tuple[int, int] | str | None = None, forced: int = 0) -> None:
        super().__init__(np.random.PCG64(seed))
        self.turn, self.forced = turn, forced
        self.places: list[int] = []

    def _draw(self, usual: Any, places: Sequence[Any], together: dict[str, Any]) -> Any:
        number = len(self.places)
        self.places.append(len(places))
        if isinstance(self.turn, str):
            return together.get(self.turn, usual) if number < self.forced else usual
        if self.turn is not None and self.turn[0] == number and self.turn[1] < len(places):
            return places[self.turn[1]]
        return usual

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        usual = super().integers(low, high, size, dtype, endpoint)
        least, most = (0, low) if high is None else (low, high)
        if np.ndim(least) or np.ndim(most):  # bounds of their own for each entry
            return usual
        least, most = int(least), int(most) - (not endpoint)

        def all_of(value: int) -> Any:
            return np.int64(value) if size is None else np.full_like(usual, value)

        together = {"lowest": least, "highest": most, "equal sizes": min(max(2, least), most)}
        places = [all_of(value) for value in dict.fromkeys((least, most))]
        return self._draw(usual, places, {kind: all_of(value) for kind, value in together.items()})

    def uniform(self, low=0.0, high=1.0, size=None):
        usual = super().uniform(low, high, size)
        if np.ndim(low) or np.ndim(high):
            return usual
        inside = [value for value in (0.0, 1.0) if low < value < high]
        places = [self._filled(value, size) for value in (float(low), float(high), *inside)]
        middle = self._filled(min(max(1.0, low), high), size)
        return self._draw(usual, places, {"lowest": places[0], "highest": places[1], "equal numbers": middle})

    def normal(self, loc=0.0, scale=1.0, size=None):
        usual = super().normal(loc, scale, size)
        array = np.asarray(usual)
        ones, zeros = np.ones_like(array), np.zeros_like(array)
        places = [loc + scale * values for values in (zeros, ones, -ones)]
        if array.ndim and len(array) > 1:
            first_zero, equal = array.copy(), array.copy()
            first_zero[0], equal[:] = loc, array[0]
            places += [first_zero, equal]
        places = [place if array.ndim else float(place) for place in places]
        return self._draw(usual, places, {"equal numbers": places[1]})

    def choice(self, a, size=None, replace=True, *args, **kwargs):
        usual = super().choice(a, size, replace, *args, **kwargs)
        if not replace:  # all different, which the ends are not
            return usual
        options = np.arange(a) if np.ndim(a) == 0 else np.asarray(a)
        ends = options if len(options) <= 4 else options[[0, -1]]
        places = [np.full_like(usual, end) if size is not None else end for end in ends]
        return self._draw(usual, places, {"lowest": places[0], "highest": places[-1]})

    def permutation(self, x, axis=0):
        usual = super().permutation(x, axis)
        options = np.arange(x) if np.ndim(x) == 0 else np.asarray(x)
        return self._draw(usual, [options.copy(), np.flip(options, axis).copy()], {})

    @staticmethod
    def _filled(value: float, size: Any) -> Any:
        return float(value) if size is None else np.full(size, float(value))


def corners(cases: Callable[[np.random.Generator], dict[str, Any]], seed: int) -> Iterator[dict[str, Any]]:
    """The cases that ``cases(rng)`` makes with its draws at the ends and ties of what they can give.

    The draws that are not at an end come from ``seed``. Each draw counts by its place in the order in which
    ``cases`` asks; where a draw at its end changes how many follow, those that follow are as usual.
    """
    usual = _Cornered(seed)
    cases(usual)
    turns = [(number, place) for number, count in enumerate(usual.places) for place in range(count)]
    for turn in (*turns, *_TOGETHER):
        yield cases(_Cornered(seed, turn, len(usual.places)))
