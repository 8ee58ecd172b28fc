"""Which ended sessions are still shown: the newest ones of a time."""

from __future__ import annotations

import bisect
from collections.abc import Iterator

__all__ = ["Recent"]

Change = tuple[str, bool]
"""A uid, and whether it is shown from now on."""


class Recent:
    """Keeps the `most` newest ends of the last `seconds`. Methods yield what changes, to be taken at once."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._ends: list[tuple[float, str]] = []

    def add(self, uid: str, ended: float, now: float) -> Iterator[Change]:
        """A session has ended. One that is too old is not kept."""
        if ended <= now - self._seconds or not self._most:
            return
        entry = (ended, uid)
        at = bisect.bisect_left(self._ends, entry)
        self._ends.insert(at, entry)
        first = len(self._ends) - self._most
        if at >= first:
            yield uid, True
            if first > 0:
                yield self._ends[first - 1][1], False

    def remove(self, uid: str, ended: float) -> Iterator[Change]:
        """A session is gone, or runs again. It need not be known."""
        entry = (ended, uid)
        at = bisect.bisect_left(self._ends, entry)
        if at == len(self._ends) or self._ends[at] != entry:
            return
        first = len(self._ends) - self._most
        del self._ends[at]
        if at >= first:
            yield uid, False
            if first > 0:
                yield self._ends[first - 1][1], True

    def expire(self, now: float) -> Iterator[Change]:
        """Time has passed."""
        old = bisect.bisect_right(self._ends, (now - self._seconds, "\U0010ffff"))
        if not old:
            return
        first = len(self._ends) - self._most
        for at in range(max(first, 0), old):
            yield self._ends[at][1], False
        del self._ends[:old]
