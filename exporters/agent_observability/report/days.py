"""Values per day out of Prometheus, whatever the clocks did on those days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from agent_observability.llm_cost.calendar import Calendar
from agent_observability.report.prometheus import Labels, Prometheus

__all__ = ["ByDay", "Moment", "by_day", "increase_of", "spent_on"]

_DAY = 86_400
_SETTLE, _WINDOW, _MARGIN = 6 * 3600, 5 * 3600, 60
# A gauge whose exporter was away when the day ended still is the day's sum as far as it is known.
_SHORT_WINDOW = 600

ByDay = dict[Labels, dict[int, float]]
"""Values by labels and day."""


class Moment(NamedTuple):
    """A day's value is what `query` answers at `time`."""

    day: int
    time: float
    query: str


async def by_day(prometheus: Prometheus, moments: Iterable[Moment], *labels: str) -> ByDay:
    """The values of all moments. Days that follow each other in 24 hours are asked for together. Raises ApiError."""
    found: ByDay = {}
    for run in _runs(moments):
        if len(run) == 1:
            now = await prometheus.at(run[0].query, run[0].time, *labels)
            answer = {key: {0: value} for key, value in now.items()}
        else:
            answer = await prometheus.each(run[0].query, run[0].time, run[-1].time, _DAY, *labels)
        for key, values in answer.items():
            found.setdefault(key, {}).update((run[0].day + index, value) for index, value in values.items())
    return found


def increase_of(calendar: Calendar, days: Iterable[int], now: float, query: Callable[[str], str]) -> Iterator[Moment]:
    """How much a counter grew on each day; of the present day, so far. `query` is given the range, as `86400s`."""
    for day in days:
        begin, end = calendar.begin_of(day), min(now, calendar.begin_of(day + 1))
        if end - begin >= 1:
            yield Moment(day, end, query(f"{end - begin:.0f}s"))


def spent_on(calendar: Calendar, days: Iterable[int], now: float, query: Callable[[str, str], str]) -> Iterator[Moment]:
    """What was spent on each day by the exporter's own books; `query` is given the gauge and the range.

    Six hours after a day what came late is in. Just after its end, yesterday may still be shown as today.
    """
    for day in days:
        begin, end = calendar.begin_of(day), calendar.begin_of(day + 1)
        if begin == end or begin >= now:
            continue
        time = min(now, end + _SETTLE)
        window = min(_WINDOW, time - end - _MARGIN)
        if window >= _SHORT_WINDOW:
            yield Moment(day, time, query("llm_cost_yesterday_usd", f"{window:.0f}s"))
        else:
            # Not the very end: that instant may be the next day's first.
            time = min(now, end - 1)
            window = min(_SHORT_WINDOW, time - begin - _MARGIN)
            if window > 0:
                yield Moment(day, time, query("llm_cost_today_usd", f"{max(1, window):.0f}s"))


def _runs(moments: Iterable[Moment]) -> Iterator[list[Moment]]:
    run: list[Moment] = []
    for moment in moments:
        if run and (moment.query, moment.time, moment.day) != (run[-1].query, run[-1].time + _DAY, run[-1].day + 1):
            yield run
            run = []
        run.append(moment)
    if run:
        yield run
