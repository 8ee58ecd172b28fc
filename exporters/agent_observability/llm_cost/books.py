"""The books: exact sums of money by days, months and minutes, as of when it was spent. Pure, and shared by threads.

Money is whole pico-dollars. Whoever reads gets the sums themselves; whoever adds copies one that was read before
changing it, so that a scrape stops nobody for longer than it takes to look some dozens of them up.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping

import msgspec

from agent_observability.llm_cost.calendar import Calendar

__all__ = ["HISTORY_DAYS", "KEPT_DAYS", "Books", "Key", "Scope", "Snapshot", "by_scope"]

Key = tuple[str, str, str]
"""Provider, project, feature. How many there are is bounded by those who add."""

Scope = tuple[str, str]
"""What a budget or a band is for: ("total", ""), or "provider", "project" or "feature" and which one."""

HISTORY_DAYS = 63
KEPT_DAYS = 70
"""How many days before the latest one are kept: those that are shown, and some that events may still be late for."""

_DAY_MS, _MINUTE_MS, _HOUR = 86_400_000, 60_000, 60
# Months are numbered by their first days: they are kept as long as any of their days.
_KEPT_MONTHS = KEPT_DAYS + 31


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What was known at `now` of what had been spent by then. Nobody may change what it holds.

    `last_hour`, `today`, `yesterday` and `month_to_date` have the same keys, all that ever spent this month or in the
    month before: one that has spent nothing in a window stands there with 0, so that no gauge ends at midnight.
    `days` are full days before `day`, which is today, at most 63; one that is missing had no money. `begun` is when
    the first money was spent that is known, or the beginning of its day if only that is known.
    """

    now: float
    day: int
    last_hour: Mapping[Key, int]
    today: Mapping[Key, int]
    yesterday: Mapping[Key, int]
    month_to_date: Mapping[Key, int]
    days: Mapping[int, Mapping[Key, int]]
    begun: float | None

    def history(self, days: int) -> list[int]:
        """What was spent on each of the last full days, up to 63, yesterday last."""
        before = range(self.day - min(days, HISTORY_DAYS), self.day)
        return [sum(self.days[day].values()) if day in self.days else 0 for day in before]


class Books:
    """Sums in days and months of `calendar`. Events come in any order, none further in the future than `ahead` seconds.

    What is due later today or tomorrow is left out until its minute has begun. The last hour is 60 minutes by the
    clock, the present one included: money leaves it 60 minutes after the minute began that it was spent in. A snapshot
    is given out again for `fresh` seconds.
    """

    def __init__(self, calendar: Calendar, *, ahead: float = 300.0, fresh: float = 1.0) -> None:
        self._calendar = calendar
        self._fresh = fresh
        self._lock = threading.Lock()
        self._days = _Table(KEPT_DAYS)
        self._months = _Table(_KEPT_MONTHS)
        self._minutes = _Table(_HOUR + math.ceil(ahead / 60) + 1)
        # By providers alone, as ("openai", "", "").
        self._utc_days = _Table(KEPT_DAYS)
        self._begun: float | None = None
        self._loaded = False
        self._latest: Snapshot | None = None

    def add(self, timestamp_ms: int, spent: Mapping[Key, int]) -> None:
        """Book what was spent at a moment, once it is committed."""
        day = self._calendar.day_of(timestamp_ms)
        month, _ = self._calendar.month_of(day)
        with self._lock:
            self._days.add(day, spent)
            self._months.add(month, spent)
            self._minutes.add(timestamp_ms // _MINUTE_MS, spent)
            if not self._calendar.utc:
                for key, pico in spent.items():
                    self._utc_days.add(timestamp_ms // _DAY_MS, {(key[0], "", ""): pico})
            if self._begun is None or timestamp_ms < self._begun * 1_000:
                self._begun = timestamp_ms / 1_000

    def add_day(self, day: int, key: Key, pico: int) -> None:
        """Book what a key spent on a day. For the start."""
        begin = self._calendar.begin_of(day)
        month, _ = self._calendar.month_of(day)
        with self._lock:
            self._days.add(day, {key: pico})
            self._months.add(month, {key: pico})
            self._begun = begin if self._begun is None else min(begin, self._begun)

    def add_utc_day(self, day: int, provider: str, pico: int) -> None:
        """Book what a provider's models cost on a day of UTC, for the start; not needed where local days are those."""
        if not self._calendar.utc:
            with self._lock:
                self._utc_days.add(day, {(provider, "", ""): pico})

    def add_recent(self, timestamp_ms: int, key: Key, pico: int) -> None:
        """Book an event that the days already hold: for the start, those of the last hour and later ones."""
        with self._lock:
            self._minutes.add(timestamp_ms // _MINUTE_MS, {key: pico})

    def loaded(self, begun: float | None = None) -> None:
        """Everything from before the start is booked; `begun` is when the first event was, if that is known."""
        with self._lock:
            self._loaded = True
            self._latest = None
            if begun is not None:
                self._begun = begun

    def snapshot(self, now: float) -> Snapshot | None:
        """What is known at `now` (Unix time); None until everything from before the start is booked."""
        latest = self._latest
        if latest is not None and 0 <= now - latest.now < self._fresh:
            return latest
        today = self._calendar.today(now)
        month, _ = self._calendar.month_of(today)
        month_before, _ = self._calendar.month_of(month - 1)
        minute = math.floor(now / 60)
        full_days = range(today - HISTORY_DAYS, today)
        with self._lock:
            if not self._loaded:
                return None
            in_month, in_month_before = self._months.read((month, month_before))
            in_days, (in_today,) = self._days.read(full_days), self._days.read((today,))
            in_minutes = self._minutes.read(range(minute - _HOUR + 1, minute + 1))
            later = self._minutes.after(minute)
            begun = self._begun
        none = dict.fromkeys((*in_month_before, *in_month), 0)
        self._latest = taken = Snapshot(
            now=now,
            day=today,
            last_hour=none | _sum(in_minutes),
            today=none | _less(in_today, self._of(later, today, today + 1)),
            yesterday=none | in_days[-1],
            month_to_date=none | _less(in_month, self._of(later, month, self._calendar.next_month(today))),
            days={day: sums for day, sums in zip(full_days, in_days, strict=True) if sums},
            begun=begun if begun is not None and begun <= now else None,
        )
        return taken

    def covers(self, day: int) -> bool:
        """Whether all of a day of UTC, and of those after it, was metered: it began a day before that, at least."""
        with self._lock:
            return self._begun is not None and self._begun * 1_000 <= (day - 1) * _DAY_MS

    def metered(self, provider: str, first: int, last: int) -> int:
        """What a provider's models cost on the days of UTC from `first` to `last`, both included."""
        days = range(max(first, last - KEPT_DAYS), last + 1)
        with self._lock:
            found = (self._days if self._calendar.utc else self._utc_days).read(days)
        return sum(pico for sums in found for key, pico in sums.items() if key[0] == provider)

    def _of(self, minutes: Mapping[int, dict[Key, int]], first: int, end: int) -> dict[Key, int]:
        """What was spent in those of some minutes that are on the days from `first` to before `end`."""
        begin, ends = self._calendar.begin_of(first), self._calendar.begin_of(end)
        return _sum(sums for minute, sums in minutes.items() if begin <= minute * 60 < ends)


class _Table:
    """Sums of numbered days or minutes. What lies more than `kept` before the latest is dropped, and not added to."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._first: int | None = None
        self._sums: dict[int, _Sums] = {}

    def add(self, number: int, spent: Mapping[Key, int]) -> None:
        sums = self._sums.get(number) or self._open(number)
        if sums is not None:
            sums.add(spent)

    def read(self, numbers: Iterable[int]) -> list[dict[Key, int]]:
        return [self._sums[number].read() if number in self._sums else {} for number in numbers]

    def after(self, number: int) -> dict[int, dict[Key, int]]:
        return {later: sums.read() for later, sums in self._sums.items() if later > number}

    def _open(self, number: int) -> _Sums | None:
        if self._first is not None and number < self._first:
            return None
        sums = self._sums[number] = _Sums()
        self._first = first = max(self._sums) - self._kept
        for old in [old for old in self._sums if old < first]:
            del self._sums[old]
        return sums


class _Sums:
    """Sums that are copied before they change once somebody has read them."""

    __slots__ = ("_shared", "_sums")

    def __init__(self) -> None:
        self._sums: dict[Key, int] = {}
        self._shared = False

    def add(self, spent: Mapping[Key, int]) -> None:
        if self._shared:
            self._sums = self._sums.copy()
            self._shared = False
        sums = self._sums
        for key, pico in spent.items():
            sums[key] = sums.get(key, 0) + pico

    def read(self) -> dict[Key, int]:
        self._shared = True
        return self._sums


def by_scope(sums: Mapping[Key, int]) -> dict[Scope, int]:
    """What was spent in total and by each provider, project and feature."""
    found = {("total", ""): sum(sums.values())}
    for (provider, project, feature), pico in sums.items():
        for scope in (("provider", provider), ("project", project), ("feature", feature)):
            found[scope] = found.get(scope, 0) + pico
    return found


def _sum(tables: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for sums in tables:
        for key, pico in sums.items():
            found[key] = found.get(key, 0) + pico
    return found


def _less(sums: dict[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    return {key: pico - other.get(key, 0) for key, pico in sums.items()} if other else sums
