"""Days and months of a time zone. Pure.

A day is a number: local days since 1970-01-01. It begins when the local date first reaches it and lasts until the
next one begins, so days follow each other without holes and overlaps whatever the clocks do: one is 23 or 25 hours
long where they change, begins at 01:00 where midnight is skipped, is not left again where clocks go back over
midnight, and is empty where a zone crossed the date line and skipped it.
"""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo

__all__ = ["Calendar"]

_DAY = 86_400
_DAY_MS = 86_400_000
_EPOCH = dt.date(1970, 1, 1).toordinal()
_THURSDAY = 3
# The first and last days whose neighbours `datetime` still has in every zone.
_FIRST, _LAST = dt.date(1, 1, 3).toordinal() - _EPOCH, dt.date(9999, 12, 29).toordinal() - _EPOCH
# Days that are asked for lie close together; this many are remembered before they are forgotten all at once.
_KEPT = 2_000
_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})


class Calendar:
    """Days of `zone`. Times are Unix times in seconds, timestamps of events in milliseconds.

    May be used by several threads: what it remembers is replaced as a whole.
    Times outside the years 1 to 9999 raise ValueError.
    """

    def __init__(self, zone: zoneinfo.ZoneInfo) -> None:
        self.zone = zone
        self.utc = zone.key in _UTC
        """Whether local days are known to be UTC days."""
        self._begins: dict[int, int] = {}
        self._months: dict[int, tuple[int, int]] = {}
        self._latest = (0, 0, 0)

    def day_of(self, timestamp_ms: int) -> int:
        """The day that a timestamp belongs to."""
        begin, end, day = self._latest
        if begin <= timestamp_ms < end:
            return day
        return self._find(timestamp_ms)

    def today(self, now: float) -> int:
        """The day that a time belongs to."""
        return self.day_of(math.floor(now * 1_000))

    def begin_of(self, day: int) -> float:
        """When a day begins. A skipped day begins, and ends, when the next one begins."""
        return self._begin(day) / 1_000

    def seconds(self, day: int) -> float:
        """How long a day is: 86,400 but where clocks change, and 0 if it was skipped."""
        return (self._begin(day + 1) - self._begin(day)) / 1_000

    def passed(self, now: float) -> float:
        """Which share of the current day has passed, from 0 to below 1, by real seconds."""
        day = self.today(now)
        # Just before midnight, rounding may have put the time into the next day.
        return max(0.0, now - self.begin_of(day)) / self.seconds(day)

    def month_of(self, day: int) -> tuple[int, int]:
        """The first day of the month that a day is in, and how many days it has by the calendar, skipped ones too."""
        month = self._months.get(day)
        if month is None:
            if len(self._months) >= _KEPT:
                self._months = {}
            date = _date(day)
            first = date.replace(day=1)
            following = (first + dt.timedelta(days=31)).replace(day=1)
            month = self._months[day] = first.toordinal() - _EPOCH, (following - first).days
        return month

    def next_month(self, day: int) -> int:
        """The first day of the month after that of a day."""
        first, days = self.month_of(day)
        return first + days

    def weekday(self, day: int) -> int:
        """0 for Monday to 6 for Sunday."""
        return (day + _THURSDAY) % 7

    def _find(self, timestamp_ms: int) -> int:
        # Offsets from UTC are below a day: the day of UTC is at most one off, but where a day was skipped.
        day = timestamp_ms // _DAY_MS
        while timestamp_ms < (begin := self._begin(day)):
            day -= 1
        while timestamp_ms >= (end := self._begin(day + 1)):
            day, begin = day + 1, end
        self._latest = (begin, end, day)
        return day

    def _begin(self, day: int) -> int:
        """In milliseconds."""
        begin = self._begins.get(day)
        if begin is None:
            if len(self._begins) >= _KEPT:
                self._begins = {}
            begin = self._begins[day] = self._reckon(day) * 1_000
        return begin

    def _reckon(self, day: int) -> int:
        date = _date(day)
        midnight = dt.datetime(date.year, date.month, date.day, tzinfo=self.zone)
        begin = int(midnight.timestamp())
        if self._local(begin) == day and self._local(begin - 1) < day:
            return begin
        # Midnight does not exist. `begin` is no earlier than when the clocks went forward, past this day's midnight.
        late, early = begin, begin - 2 * _DAY
        while late - early > 1:
            middle = (late + early) // 2
            if self._local(middle) < day:
                early = middle
            else:
                late = middle
        return late

    def _local(self, time: int) -> int:
        return dt.datetime.fromtimestamp(time, self.zone).toordinal() - _EPOCH


def _date(day: int) -> dt.date:
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"day {day} since 1970-01-01 is not in the years 1 to 9999")
    return dt.date.fromordinal(day + _EPOCH)
