"""Makes reports as the command does, at a fixed time, and looks into their tables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from agent_observability.config import load
from agent_observability.report.make import make
from agent_observability.report.period import Kind
from agent_observability.report.view import Page
from tests.report.books import CENT, at, configuration

__all__ = ["DOLLAR", "MORNING", "asked", "report", "rows"]

MORNING = "2026-11-21T06:00:00+00:00"
DOLLAR = 100 * CENT


async def report(folder: Path, kind: str, now: str = MORNING, date: str | None = None, **sections: Any) -> Page:
    """A report on the ledger in `folder`."""
    config = load(configuration(folder, **sections))
    day = dt.date.fromisoformat(date) if date else None
    return await make(config, kind, date=day, source="auto", now=at(now), ledgers=folder)  # type: ignore[arg-type]


def rows(page: Page, title: str) -> dict[str, list[str]]:
    """The cells of a table, by name; trends left out."""
    section = next(section for section in page.sections if section.title.startswith(title))
    return {
        row.name: [getattr(cell, "words", cell) or "" for cell in row.cells if not hasattr(cell, "values")]
        for row in section.rows
    }


async def asked(folder: Path, url: str, kind: Kind, source: str = "prometheus", **options: Any) -> Page:
    """A report with what the Prometheus at `url` knows."""
    now, date = options.pop("now", at(MORNING)), options.pop("date", None)
    zone = options.pop("llm_cost", {})
    config = load(configuration(folder, llm_cost=zone, report={"prometheus": url, "prometheus_options": options}))
    return await make(config, kind, date=date, source=source, now=now, ledgers=folder)
