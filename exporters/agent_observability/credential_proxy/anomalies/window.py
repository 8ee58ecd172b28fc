"""How many of something came within any so many seconds: exact, with few moments kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Generic, TypeVar

__all__ = ["Window", "room"]

Mark = TypeVar("Mark")
# What comes every so many seconds to the moment is not more than so many within: neither by the end of a window, which
# is not part of it, nor by how coarse a float is (0.24 µs today).
_COARSE = 1e-6
# So many are dropped together, which takes no longer than to drop one.
_TOGETHER = 8
# Beside the moments kept, those of this many seconds are counted by the second.
_SPILLED_SECONDS = 60


def room(limit: int) -> int:
    """How many moments are kept at most."""
    return 2 * limit + _TOGETHER


class Window(Generic[Mark]):
    """Moments in their order, each with a mark: the last 2 × `limit` + 1 of them, and a few more.

    `limit` + 1 tell whether there were more than `limit` in time. As many again are kept for what comes late: a moment
    that is up to `seconds` older than the newest still finds all those that it makes too many with. Whenever there is
    no room, what is farthest from the newcomer goes, so that a clock that is set back does no harm.
    """

    __slots__ = ("_limit", "_most", "_oldest", "_seconds", "_spilled", "marks", "newest", "times")

    def __init__(self, limit: int, seconds: float, times: list[float], marks: list[Mark]) -> None:
        self._limit = limit
        self._most = room(limit)
        self._oldest = -1 - limit
        self._seconds = seconds - _COARSE
        self._spilled: dict[int, int] | None = None
        self.times = times
        self.marks = marks
        self.newest = times[-1] if times else 0.0

    def add(self, moment: float, mark: Mark) -> bool:
        """Whether there are more than `limit` within `seconds`, this one among them."""
        if moment < self.newest:
            return self._insert(moment, mark)
        times = self.times
        self.newest = moment
        times.append(moment)
        self.marks.append(mark)
        many = len(times)
        if many > self._most:
            if self._spilled or moment - times[_TOGETHER - 1] < _SPILLED_SECONDS:
                self._spill(times[:_TOGETHER])
            del times[:_TOGETHER], self.marks[:_TOGETHER]
        return many > self._limit and moment - times[self._oldest] < self._seconds

    def span(self, moment: float) -> slice:
        """Of the moments kept, the `limit` + 1 that `moment`, one of them, is too many with; else only itself."""
        at = bisect_right(self.times, moment) - 1
        for start in self._starts(at):
            if self.times[start + self._limit] - self.times[start] < self._seconds:
                return slice(start, start + self._limit + 1)
        return slice(at, at + 1)

    def since(self, moment: float) -> int:
        """How many there were after a moment of the last minute, to the second where there were more than are kept."""
        kept = len(self.times) - bisect_right(self.times, moment)
        if not self._spilled:
            return kept
        return kept + sum(many for second, many in self._spilled.items() if second >= moment)

    def _insert(self, moment: float, mark: Mark) -> bool:
        times = self.times
        at = bisect_right(times, moment)
        times.insert(at, moment)
        self.marks.insert(at, mark)
        if len(times) > self._most:
            gone = 0 if moment - times[0] >= times[-1] - moment else -1
            self._spill(times[gone:][:1])
            del times[gone], self.marks[gone]
            at -= not gone
            self.newest = times[-1]
        return any(times[start + self._limit] - times[start] < self._seconds for start in self._starts(at))

    def _starts(self, at: int) -> range:
        """Where the windows begin that have the moment `at` in them."""
        return range(max(0, at - self._limit), min(at, len(self.times) - 1 - self._limit) + 1)

    def _spill(self, gone: Sequence[float]) -> None:
        """Moments that are not kept. Those for which that is too early, as there are so many, are counted yet."""
        if self._spilled is None:
            self._spilled = {}
        spilled = self._spilled
        early = [int(moment) for moment in gone if self.newest - moment <= _SPILLED_SECONDS]
        for second in early:
            spilled[second] = spilled.get(second, 0) + 1
        if not early or len(spilled) > 2 * _SPILLED_SECONDS:
            kept = {second: many for second, many in spilled.items() if self.newest - second <= _SPILLED_SECONDS}
            self._spilled = kept or None
