"""The whole exporter in this process: real HTTP on both ports, a real ledger, and a clock that tests may turn."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp

from agent_observability.config import WebConfig
from agent_observability.intake.config import IntakeConfig
from agent_observability.intake.intake import Intake
from agent_observability.ledger.backend import Backend
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.queries import daily
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.llm_cost.booking import AMOUNTS, KIND
from agent_observability.llm_cost.config import LlmCostConfig
from agent_observability.llm_cost.runtime import LlmCostRuntime
from agent_observability.registry import BY_NAME
from agent_observability.runtime import Context
from agent_observability.server import Server
from agent_observability.service import Service
from agent_observability.webconfig import WebSecurity
from agent_observability.workers import Workers
from tests.support import wait_until_async

__all__ = ["PRICES", "Living", "living"]

PRICES = """
prices:
  - {provider: house, model: house-1, per_million: {input: 2, output: 4}}
"""
"""Two dollars for a million tokens in, four for a million out."""

_SCRAPER = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}


async def _nothing_to_reload() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Living:
    """`url` is where it is scraped, `intake_url` where it is pushed to."""

    service: Service
    server: Server
    intake: Intake
    ledger: Ledger
    session: aiohttp.ClientSession

    @property
    def runtime(self) -> LlmCostRuntime:
        return cast("LlmCostRuntime", self.service.runtime)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.ports[0]}"

    @property
    def intake_url(self) -> str:
        return f"http://127.0.0.1:{self.intake.ports[0]}"

    async def post(self, what: str, items: Any, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        async with self.session.post(f"{self.intake_url}/api/v1/{what}", json=items, headers=headers) as response:
            return response.status, await response.json()

    async def push(self, *items: Mapping[str, Any], what: str = "usage") -> None:
        """All of them are new, and taken."""
        assert await self.post(what, items) == (200, {"accepted": len(items), "duplicates": 0, "rejected": 0})

    async def ready(self) -> None:
        """Wait until the books are read and nobody doubts them."""
        runtime = self.runtime
        await wait_until_async(
            lambda: not self.service.not_ready() and runtime._life and not runtime._changed.is_set(), what="the books"
        )

    async def scrape(self, *families: str) -> list[str]:
        """Lines of these families, or all, as they stand: series may still be shown at 0."""
        if self.runtime.shown is not None:
            # Which would be given out again for a second.
            self.runtime.shown.books._latest = None
        async with self.session.get(f"{self.url}/metrics", headers=_SCRAPER) as response:
            assert response.status == 200
            text = await response.text()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return [line for line in lines if line.startswith(families)] if families else lines

    async def shown(self, *families: str) -> list[str]:
        """Lines of these families once all births are over."""
        async with asyncio.timeout(20):
            await self.scrape()
            while not self._born():
                await self.scrape()
        return await self.scrape(*families)

    def _born(self) -> bool:
        stores = (self.runtime._counted, self.runtime._delays, self.intake.store)
        return all(
            series.shown is None or series.shown == series.values
            for store in stores
            for family in store._families.values()
            for series in family.series.values()
        )

    async def values(self, *families: str) -> dict[str, float]:
        """Samples by name and labels, without those that are 0."""
        pairs = [line.rsplit(" ", 1) for line in await self.shown(*families)]
        return {name: float(value) for name, value in pairs if float(value)}

    def days(self) -> dict[str, int]:
        """What the daily aggregates in the ledger come to."""
        rows = daily(self.ledger.backend, kinds=[KIND])
        return {name: sum(row.amounts[slot] for row in rows) for slot, name in enumerate(AMOUNTS)}


@contextlib.asynccontextmanager
async def living(
    folder: Path,
    *,
    backend: Backend | None = None,
    intake: IntakeConfig | None = None,
    limits: Mapping[str, int] | None = None,
    clock: Callable[[], float] = time.time,
    wait: bool = True,
    **section: Any,
) -> AsyncIterator[Living]:
    """Until the block ends, then stopped as a process stops it. `section` is the exporter's own."""
    ledger = Ledger(backend or SqliteBackend(folder / "ledger.db"), LedgerConfig())
    pushed_to = Intake(intake or IntakeConfig(listen=["127.0.0.1:0"]), ledger)
    context = Context(limits, lambda: ledger, lambda: pushed_to)
    workers = Workers("test")
    config = LlmCostConfig(**{"prices": prices_in(folder), **section})
    service = Service(BY_NAME["llm_cost"], config, workers, context, process_metrics=False)
    server = Server(service, WebConfig(), ["127.0.0.1:0"], workers, _nothing_to_reload)
    cast("LlmCostRuntime", service.runtime).clock = clock
    server.bind()
    pushed_to.bind()
    ledger.start()
    await service.runtime.start()
    await server.start(WebSecurity())
    await pushed_to.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        it = Living(service, server, pushed_to, ledger, session)
        try:
            if wait:
                await it.ready()
            yield it
        finally:
            await pushed_to.stop()
            await server.stop()
            await service.runtime.stop()
            await ledger.stop()


def prices_in(folder: Path, text: str = PRICES) -> Path:
    """A file of prices there, with this text unless it exists."""
    file = folder / "prices.yaml"
    if not file.exists():
        file.write_text(text)
    return file


def total(lines: Iterable[str]) -> float:
    """The sum of some samples."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
