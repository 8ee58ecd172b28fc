"""Requests of the last 7 days by hour of the day, exact over restarts and for records that come late.

They are counted by the quarter of an hour in which they happened, four of them in one fact per hour of Unix time: the
zones of today are all whole quarters away from UTC, so that a local hour never has a part of a quarter, whichever zone
a later configuration names. Days of 23 and 25 hours need no care for the same reason.
"""

from __future__ import annotations

import bisect
import datetime as dt
import logging
import zoneinfo
from collections.abc import Mapping, Sequence

__all__ = ["HOUR_FACT", "Hours", "Quarters", "by_hour"]

log = logging.getLogger(__name__)

HOUR_FACT = "proxy_hour"
"""Kind of the facts: the key is the hour since the epoch, the value counts of its quarters, separated by spaces.

The ledger has to keep them for more than 7 days; the reader deletes what is older, as far as it knows of it."""

_DAYS = 7
_QUARTERS = _DAYS * 96
_SECONDS = 900
# Times may be a day ahead of the clock.
_AHEAD = 97
_OF_DAY = tuple(f"{hour:02}" for hour in range(24))

Quarters = tuple[int, ...]
"""Four counts."""
_NONE: Quarters = (0, 0, 0, 0)


class Hours:
    """`counts` are quarters by hour since the epoch, replaced as a whole: whoever has got them may keep them."""

    def __init__(self) -> None:
        self.counts: Mapping[int, Quarters] = {}
        # Hours that have changed since the last `facts`.
        self._changed: set[int] = set()

    def add(self, times: Sequence[float], now: float) -> None:
        """Count event times. What is older than 7 days is not counted."""
        ordered = sorted(times)
        added: dict[int, int] = {}
        at = 0
        # What is read together has happened within a few quarters.
        while at < len(ordered):
            quarter = int(ordered[at]) // _SECONDS
            following = bisect.bisect_left(ordered, (quarter + 1) * _SECONDS, at)
            added[quarter] = following - at
            at = following
        begin, end = _span(now)
        counts = dict(self.counts)
        for quarter, number in added.items():
            if begin <= quarter < end:
                hour, part = divmod(quarter, 4)
                quarters = list(counts.get(hour, _NONE))
                quarters[part] += number
                counts[hour] = tuple(quarters)
                self._changed.add(hour)
        # What seems to be ahead may be of a clock that was set back, perhaps not for long.
        for hour in [hour for hour in counts if _is_over(hour, begin)]:
            del counts[hour]
            self._changed.add(hour)
        self.counts = counts

    def facts(self) -> dict[tuple[str, str], bytes | None]:
        """The hours that have changed since the last call; None for those that are over."""
        facts: dict[tuple[str, str], bytes | None] = {}
        for hour in self._changed:
            quarters = self.counts.get(hour)
            facts[HOUR_FACT, str(hour)] = None if quarters is None else " ".join(map(str, quarters)).encode()
        self._changed.clear()
        return facts

    def restore(self, facts: Mapping[str, bytes], now: float) -> None:
        """Go on from what the ledger holds."""
        begin, _ = _span(now)
        self._changed.clear()
        counts: dict[int, Quarters] = {}
        for key, data in facts.items():
            try:
                hour = int(key)
                first, second, third, fourth = map(int, data.split())
            except ValueError:
                log.error("the fact %s of %s is left out: expected an hour and four counts", key[:40], HOUR_FACT)
                continue
            if not _is_over(hour, begin):
                counts[hour] = (first, second, third, fourth)
        self.counts = counts


def by_hour(counts: Mapping[int, Quarters], zone: zoneinfo.ZoneInfo, now: float) -> dict[str, int]:
    """Requests of the 7 days until now by hour of the day in a zone, `00` to `23`; those ahead of the clock are in."""
    begin, end = _span(now)
    sums = dict.fromkeys(_OF_DAY, 0)
    for hour, quarters in counts.items():
        for part, number in enumerate(quarters):
            quarter = hour * 4 + part
            if number and begin <= quarter < end:
                local = dt.datetime.fromtimestamp(quarter * _SECONDS, zone)
                sums[_OF_DAY[local.hour]] += number
    return sums


def _span(now: float) -> tuple[int, int]:
    """The quarters that are of use: first, and the one after the last."""
    latest = int(now) // _SECONDS
    return latest - _QUARTERS + 1, latest + _AHEAD


def _is_over(hour: int, begin: int) -> bool:
    return hour * 4 + 3 < begin
