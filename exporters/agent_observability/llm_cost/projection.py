"""What this month will have cost at its end: what it cost so far, and a forecast of the days to come. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from agent_observability.llm_cost.books import HISTORY_DAYS, Key, Scope, Snapshot, by_scope
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.forecast import WEEK, Forecast, early, forecast, spread

__all__ = ["Projection", "Projector"]

# Four of five values of a normal distribution lie within this many deviations.
_BAND = 1.2816
# With fewer full days than this, the first one and today tell as much as their share that has been seen.
_FEW_DAYS = 3

_Days = Mapping[int, Mapping[Key, int]]


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars at the month's end; both are empty as long as nothing was ever spent.

    `by_key` adds up to the total. `bands` are (low, high) in total and of each provider, project and feature: four of
    five months end in theirs, whose low end is never below what was spent already. Bands of parts do not add up.
    """

    by_key: Mapping[Key, int]
    bands: Mapping[Scope, tuple[int, int]]


class Projector:
    """Projects in a calendar's months. It remembers what past days sum up to, and may be used by several threads."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._sums: dict[int, tuple[Mapping[Key, int], dict[Scope, int]]] = {}

    def project(self, snapshot: Snapshot) -> Projection:
        """The month's end as it is likely at the time of a snapshot."""
        if snapshot.begun is None:
            return Projection(by_key={}, bands={})
        days = self._full_days(snapshot, snapshot.begun)
        sums = self._by_scope(snapshot.days, days)
        made = self._forecast(snapshot, snapshot.begun, {day: sums[day]["total", ""] for day in days})
        sources = [
            (snapshot.today if day == snapshot.day else snapshot.days.get(day, {}), weight)
            for day, weight in made.weights.items()
        ]
        rest = {
            key: max(0, round(math.fsum(weight * source.get(key, 0) for source, weight in sources)))
            for key in snapshot.month_to_date
        }
        spent, coming = by_scope(snapshot.month_to_date), by_scope(rest)
        series = ([sums[day].get(scope, 0) for day in days] for scope in coming)
        spreads = spread(made, [self._calendar.weekday(day) for day in days], series)
        bands = {}
        for (scope, pico), share in zip(coming.items(), spreads, strict=True):
            # As of a lognormal distribution, which is never below nothing and has a long upper end.
            reach = math.exp(_BAND * math.sqrt(math.log1p(share**2)))
            bands[scope] = spent[scope] + math.floor(pico / reach), spent[scope] + math.ceil(pico * reach)
        return Projection(
            by_key={key: pico + rest[key] for key, pico in snapshot.month_to_date.items()},
            bands=bands,
        )

    def _full_days(self, snapshot: Snapshot, begun: float) -> list[int]:
        """Those after the first one, which may have been half over when it began, without skipped ones."""
        first = max(self._calendar.today(begun) + 1, snapshot.day - HISTORY_DAYS)
        return [day for day in range(first, snapshot.day) if self._calendar.seconds(day)]

    def _forecast(self, snapshot: Snapshot, begun: float, totals: Mapping[int, int]) -> Forecast:
        calendar, today = self._calendar, snapshot.day
        ahead = [(calendar.weekday(today), 1 - calendar.passed(snapshot.now))]
        later = range(today + 1, calendar.next_month(today))
        ahead += [(calendar.weekday(day), 1.0) for day in later if calendar.seconds(day)]
        if len(totals) >= WEEK:
            return forecast([(day, calendar.weekday(day), float(total)) for day, total in totals.items()], ahead)
        shares = dict.fromkeys(totals, 1.0)
        if len(totals) < _FEW_DAYS:
            for day in {calendar.today(begun), today}:
                since, until = max(begun, calendar.begin_of(day)), min(snapshot.now, calendar.begin_of(day + 1))
                shares[day] = (until - since) / calendar.seconds(day)
        return early(shares, ahead)

    def _by_scope(self, sums: _Days, days: list[int]) -> dict[int, dict[Scope, int]]:
        """Past days hardly ever change: one is added up again only if it did."""
        known, found = self._sums, {}
        for day in days:
            of_day = sums.get(day, {})
            before = known.get(day)
            found[day] = before if before is not None and before[0] is of_day else (of_day, by_scope(of_day))
        self._sums = found
        return {day: added for day, (_, added) in found.items()}
