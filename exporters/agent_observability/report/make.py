"""Makes a report: chooses the period and the source of its figures, and says so where one is not to be had."""

from __future__ import annotations

import asyncio
import datetime as dt
import zoneinfo
from pathlib import Path

import msgspec

from agent_observability.config import Config
from agent_observability.errors import AgentObsError, StartError
from agent_observability.ledger.errors import words
from agent_observability.ledger.places import find
from agent_observability.llm_cost.calendar import Calendar
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.prometheus_api import ApiError
from agent_observability.registry import INTAKE
from agent_observability.report.figures import Figures, Live
from agent_observability.report.from_ledger import from_ledger
from agent_observability.report.from_prometheus import from_prometheus
from agent_observability.report.live import live
from agent_observability.report.period import Kind, Period, containing, day_number, last_full
from agent_observability.report.prometheus import connect
from agent_observability.report.view import Page, view

__all__ = ["SOURCES", "make"]

SOURCES = ("auto", "ledger", "prometheus")

# Some dozens of queries, of which few take long.
_ALTOGETHER = 10


async def make(config: Config, kind: Kind, *, date: dt.date | None, source: str, now: float, ledgers: Path) -> Page:
    """The report on the period that `date` belongs to, or on the last full one, as of `now` (Unix time).

    `ledgers` is the folder of ledgers where the configuration names none. Raises StartError where the figures cannot
    be had, and for a period that has not begun.
    """
    section: LlmCostConfig = config.sections["llm_cost"]
    calendar = Calendar(zoneinfo.ZoneInfo(section.time_zone))
    today = calendar.today(now)
    period = last_full(kind, today) if date is None else containing(kind, day_number(date))
    if period.first > today:
        raise StartError(f"--date {date}: {period.title} has not begun")
    figures, problem = None, ""
    if source != "prometheus":
        try:
            figures = await asyncio.to_thread(_from_ledger, config, period, today, section, ledgers)
        except AgentObsError as error:
            if source == "ledger":
                raise
            problem = str(error)
    try:
        figures, found = await _ask(config, calendar, period, now, figures)
    except StartError as error:
        raise StartError(f"{problem}; {error}" if problem else str(error)) from error
    if problem:
        notes = (f"The ledger is not used: {problem}.", *figures.notes)
        figures = msgspec.structs.replace(figures, notes=notes)
    return view(
        period,
        figures,
        found,
        today=today,
        made=dt.datetime.fromtimestamp(now, calendar.zone),
        zone=section.time_zone,
        dashboard_url=config.report.dashboard_url,
    )


def _from_ledger(config: Config, period: Period, today: int, section: LlmCostConfig, ledgers: Path) -> Figures:
    from sqlalchemy.exc import SQLAlchemyError

    [backend] = find(config.ledger, ledgers, [INTAKE]).values()
    try:
        return from_ledger(backend, period, today, section.budgets)
    except Exception as error:
        if not isinstance(error, (SQLAlchemyError, *backend.driver_errors)):
            raise
        raise StartError(f"{backend.name}: {words(error)}") from error


async def _ask(
    config: Config, calendar: Calendar, period: Period, now: float, figures: Figures | None
) -> tuple[Figures, Live]:
    """What Prometheus knows: all of it without `figures`, else what the ledger does not have. Raises StartError."""
    url, options = config.report.prometheus.reveal(), config.report.prometheus_options
    if not url:
        if figures is None:
            raise StartError("neither --prometheus nor report.prometheus says where Prometheus is")
        return figures, Live(notes=("No Prometheus is configured: no projection, bills, alerts, sessions.",))
    limit = _ALTOGETHER * options.timeout
    try:
        async with connect(url, options) as prometheus, asyncio.timeout(limit):
            if figures is None:
                figures = await from_prometheus(prometheus, calendar, period, now, options.cluster)
            return figures, await live(prometheus, calendar, period, now, options.cluster)
    except (ApiError, TimeoutError) as error:
        reason = str(error) or f"Prometheus is not done within {limit:g} s"
        if figures is None:
            raise StartError(reason) from error
        return figures, Live(notes=(f"No projection, bills, alerts, sessions: {reason}.",))
