"""Days, ISO weeks and months as a report's reader means them. Pure.

Days are numbered as in `llm_cost.calendar`: local days since 1970-01-01.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, NamedTuple, get_args

__all__ = ["KINDS", "Kind", "Period", "containing", "date_of", "day_number", "last_full"]

Kind = Literal["daily", "weekly", "monthly"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_EPOCH = dt.date(1970, 1, 1).toordinal()
_HISTORY = {"daily": 14, "weekly": 8, "monthly": 12}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day_number(date: dt.date) -> int:
    """The number of a local date."""
    return date.toordinal() - _EPOCH


def date_of(day: int) -> dt.date:
    """The local date of a day's number."""
    return dt.date.fromordinal(day + _EPOCH)


class Period(NamedTuple):
    """The days `first` to `last`, both included."""

    kind: Kind
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def title(self) -> str:
        """`Friday, 20 November 2026`, `week 47 of 2026, 16 to 22 November`, `November 2026`."""
        first, last = date_of(self.first), date_of(self.last)
        if self.kind == "daily":
            return f"{_DAYS[first.weekday()]}, {_dated(first)} {first.year}"
        if self.kind == "monthly":
            return f"{_MONTHS[first.month - 1]} {first.year}"
        year, week, _ = first.isocalendar()
        begin = str(first.day) if first.month == last.month else _dated(first)
        begin = f"{begin} {first.year}" if first.year != last.year else begin
        end = f"{_dated(last)} {last.year}" if first.year != last.year else _dated(last)
        return f"week {week} of {year}, {begin} to {end}"

    @property
    def short(self) -> str:
        """`Friday`, `week 47`, `November`: enough beside another period close by."""
        first = date_of(self.first)
        if self.kind == "daily":
            return _DAYS[first.weekday()]
        return f"week {first.isocalendar().week}" if self.kind == "weekly" else _MONTHS[first.month - 1]

    def before(self, number: int = 1) -> Period:
        """The period that many before this one."""
        if self.kind == "daily":
            return containing("daily", self.first - number)
        if self.kind == "weekly":
            return containing("weekly", self.first - 7 * number)
        period = self
        for _ in range(number):
            period = containing("monthly", period.first - 1)
        return period

    def history(self) -> tuple[Period, ...]:
        """The last 14 days, 8 weeks or 12 months, this one last."""
        return tuple(self.before(number) for number in range(_HISTORY[self.kind] - 1, -1, -1))


def containing(kind: Kind, day: int) -> Period:
    """The period that a day belongs to."""
    date = date_of(day)
    if kind == "daily":
        return Period(kind, day, day)
    if kind == "weekly":
        return Period(kind, day - date.weekday(), day - date.weekday() + 6)
    first = date.replace(day=1)
    following = (first + dt.timedelta(days=31)).replace(day=1)
    return Period(kind, day_number(first), day_number(following) - 1)


def last_full(kind: Kind, today: int) -> Period:
    """The last period that is over."""
    return containing(kind, containing(kind, today).first - 1)


def _dated(date: dt.date) -> str:
    return f"{date.day} {_MONTHS[date.month - 1]}"
