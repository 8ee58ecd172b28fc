"""Ledgers with known contents, and the configuration of somebody who wants reports on them."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Batch, Event
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.llm_cost.booking import AMOUNTS, KIND
from agent_observability.report.period import day_number
from tests.ledger.storage import families, opened

__all__ = ["CENT", "Units", "Used", "at", "configuration", "fill", "sqlite", "steady"]

CENT = 10**10
"""In pico-dollars."""

_numbers = itertools.count()


class Used(NamedTuple):
    """What one combination of labels used on a day; money in pico-dollars."""

    day: dt.date
    pico: int
    provider: str = "anthropic"
    model: str = "claude-sonnet-4-5"
    project: str = "checkout"
    feature: str = "agent_execution"
    amounts: dict[str, int] = {}  # noqa: RUF012 – never changed

    @property
    def event(self) -> Event:
        amounts = {"requests": 1, "pico_usd": self.pico, **self.amounts}
        labels = (self.provider, self.model, self.project, self.feature)
        return _event(KIND, labels, self.day, tuple(amounts.get(name, 0) for name in AMOUNTS))


class Units(NamedTuple):
    """What a feature has brought about on a day."""

    day: dt.date
    feature: str
    unit: str
    count: int

    @property
    def event(self) -> Event:
        return _event("units", (self.feature, self.unit), self.day, (self.count,))


def _event(kind: str, labels: tuple[str, ...], date: dt.date, amounts: tuple[int, ...]) -> Event:
    day = day_number(date)
    return Event(day * 86_400_000, f"e{next(_numbers)}", kind, labels, b"{}", (), day, amounts)


async def fill(backend: Backend, entries: Iterable[Used | Units]) -> None:
    """Commit them as the exporter would."""
    events = [entry.event for entry in entries]
    newest = max(event.timestamp for event in events)
    async with opened(backend, families(), clock=lambda: newest / 1000) as ledger:
        for start in range(0, len(events), 1_000):
            await ledger.submit(Batch(tuple(events[start : start + 1_000])))


def sqlite(folder: Path) -> SqliteBackend:
    """Where the process that takes usage in keeps its ledger."""
    return SqliteBackend(folder / "intake.db")


def configuration(folder: Path, **sections: Any) -> Path:
    """A configuration file; JSON is YAML."""
    file = folder / "config.yml"
    file.write_text(json.dumps({"ledger": {"directory": str(folder)}, **sections}))
    return file


def steady(first: dt.date, last: dt.date, pico: int = 100 * CENT, **labels: str) -> list[Used]:
    """The same on every day from `first` to `last`."""
    return [Used(first + dt.timedelta(days=day), pico, **labels) for day in range((last - first).days + 1)]


def at(text: str) -> float:
    """Unix time of an ISO 8601 time with a zone."""
    return dt.datetime.fromisoformat(text).timestamp()
