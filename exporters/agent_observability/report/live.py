"""What a report takes from Prometheus whatever the source of its figures: projection, bills, sessions, alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from typing import TypeVar

from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.metrics import PICO
from agent_observability.prometheus_api import ApiError
from agent_observability.report.days import by_day, increase_of
from agent_observability.report.figures import Alerts, Live
from agent_observability.report.period import Period
from agent_observability.report.prometheus import Labels, Prometheus
from agent_observability.report.selector import matchers, selector

__all__ = ["live"]

T = TypeVar("T")

_SEVERITIES = ("critical", "warning", "info")


async def live(prometheus: Prometheus, calendar: Calendar, period: Period, now: float, cluster: str = "") -> Live:
    """What Prometheus knew as `period` ended, and which alerts fire now. Raises nothing: what is missing is noted."""
    end = min(now, calendar.begin_of(period.last + 1) - 1)
    costs, sessions = selector("llm_cost", cluster), selector("cr_state", cluster)
    total = selector("llm_cost", cluster, scope="total")
    firing = f"count by (alertname, severity) (ALERTS{matchers(cluster, alertstate='firing')})"
    problems: dict[str, str] = {}

    async def known(what: str, asked: Awaitable[T]) -> T | None:
        try:
            return await asked
        except ApiError as error:
            problems[what] = str(error)
            return None

    async def money(query: str) -> int | None:
        found = await prometheus.at(f"sum({query})", end)
        return round(next(iter(found.values())) * PICO) if found else None

    async def projection() -> tuple[int | None, ...]:
        queries = (
            f"llm_cost_month_projected_usd{costs}",
            f"llm_cost_month_projected_low_usd{total}",
            f"llm_cost_month_projected_high_usd{total}",
        )
        return tuple(await asyncio.gather(*map(money, queries)))

    async def ended(of: Period) -> dict[str, int] | None:
        def query(window: str) -> str:
            return f"sum by (phase) (increase(vteam_sessions_completed_total{sessions}[{window}]))"

        days = await by_day(prometheus, increase_of(calendar, range(of.first, of.last + 1), now, query), "phase")
        known_days = {day for values in days.values() for day in values}
        if of != period and len(known_days) < of.length:
            return None  # a part of a period would compare well with a whole one
        return {phase: round(sum(values.values())) for (phase,), values in days.items()} or None

    projected, capture, alerts, endings = await asyncio.gather(
        known("projection", projection()),
        known("bills", prometheus.at(f"max by (provider) (llm_cost_capture_ratio{costs})", end, "provider")),
        known("alerts", prometheus.at(firing, now, "alertname", "severity")),
        known("sessions", asyncio.gather(ended(period), ended(period.before()))),
    )
    month, low, high = projected or (None, None, None)
    now_ended, ended_before = endings or (None, None)
    return Live(
        projected=month,
        low=low,
        high=high,
        capture={provider: ratio for (provider,), ratio in capture.items()} if capture else None,
        sessions=now_ended,
        sessions_before=ended_before,
        alerts=None if alerts is None else _sorted(alerts),
        notes=tuple(_notes(problems)),
    )


def _notes(problems: Mapping[str, str]) -> Iterator[str]:
    """One per reason, however much is missing for it."""
    for problem in dict.fromkeys(problems.values()):
        missing = [what for what in ("projection", "bills", "alerts", "sessions") if problems.get(what) == problem]
        yield f"No {', '.join(missing)}: {problem}."


def _sorted(found: Mapping[Labels, float]) -> tuple[Alerts, ...]:
    """The gravest first. What has no such severity is not for people: a dead man's switch always fires."""
    alerts = [
        Alerts(name=name, severity=severity, number=round(number))
        for (name, severity), number in found.items()
        if severity in _SEVERITIES
    ]
    return tuple(sorted(alerts, key=lambda alert: (_SEVERITIES.index(alert.severity), alert.name)))
