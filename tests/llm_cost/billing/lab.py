"""A poller at work: real admin APIs over HTTP, a real ledger, and a clock and rests that tests set."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from sqlalchemy import select

from agent_observability.decode import Secret
from agent_observability.demo.anthropic_api import AnthropicAdminApi
from agent_observability.demo.billing import Meter, Spent
from agent_observability.demo.openai_api import OpenAIAdminApi
from agent_observability.ledger import queries
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.schema import SERIES
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.llm_cost import metrics as m
from agent_observability.llm_cost.billing.account import FACT
from agent_observability.llm_cost.billing.poller import FACTS, Poller
from agent_observability.llm_cost.config import AccountConfig, BillingConfig
from agent_observability.llm_cost.usage import Tokens
from agent_observability.metric import Metric
from agent_observability.units import Duration
from tests.ledger.faulty import FaultyLedger

OPENAI_KEY = "sk-admin-of-the-tests"
ANTHROPIC_KEY = "sk-ant-admin-of-the-tests"
GPT, CLAUDE = "gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929"
# Shorter pauses are those between tries within a poll.
_REST_SECONDS = 14.0
_PATIENCE_SECONDS = 20.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def at(text: str) -> float:
    """Unix time of an ISO date or time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def day(text: str) -> int:
    return int(at(text) // 86_400)


@dataclass(slots=True)
class Clock:
    """Stands still until it is set."""

    now: float

    def __call__(self) -> float:
        return self.now

    def set(self, text: str) -> None:
        self.now = at(text)


@contextlib.asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    """The address of a server with these routes."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers every GET alike."""
    async with serving(web.get("/{path:.*}", handler)) as url:
        yield url


@dataclass(slots=True)
class Providers:
    """Both demo APIs on one port, fed by one meter."""

    clock: Clock
    meter: Meter
    openai: OpenAIAdminApi
    anthropic: AnthropicAdminApi
    url: str = ""
    keys: tuple[str, str] = (OPENAI_KEY, ANTHROPIC_KEY)

    def config(self, *, openai: int = 1, anthropic: int = 1) -> BillingConfig:
        """With so many accounts each."""

        def accounts(number: int, key: str, prefix: str) -> list[AccountConfig]:
            names = ["default", "second"][:number]
            url, timeout = self.url + prefix, Duration(5)
            return [AccountConfig(name=name, key=Secret(key), url=url, timeout=timeout) for name in names]

        return BillingConfig(
            openai=accounts(openai, self.keys[0], "/openai"),
            anthropic=accounts(anthropic, self.keys[1], "/anthropic"),
        )

    def use(self, when: str, *, input: int, cost: float = 0.0, model: str = GPT, requests: int = 1) -> None:  # noqa: A002
        """So many tokens in some calls."""
        provider = "openai" if model.startswith("gpt") else "anthropic"
        for number in range(requests):
            tokens = Tokens(input=input // requests + (input % requests if number == 0 else 0))
            pico = round(cost * m.PICO) if number == 0 else 0
            self.meter.add(
                Spent(provider=provider, model=model, timestamp=at(when), tokens=tokens, cost=pico, project="search")
            )


@contextlib.asynccontextmanager
async def providers(now: str, *, page: int | None = None) -> AsyncIterator[Providers]:
    """With nothing used yet; everything is billed as metered, at once."""
    clock = Clock(at(now))
    meter = Meter(ratio=1.0, late=0, restates=False, clock=clock)
    found = Providers(
        clock,
        meter,
        OpenAIAdminApi(meter, OPENAI_KEY, page=page),
        AnthropicAdminApi(meter, ANTHROPIC_KEY, page=page),
    )
    async with serving(*found.openai.routes(), *found.anthropic.routes()) as found.url:
        yield found


@dataclass(slots=True)
class Rests:
    """A poller's pauses: short ones pass at once, those between polls last until they are over."""

    taken: list[float] = field(default_factory=list)
    resting: int = 0
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if seconds < _REST_SECONDS:
            await asyncio.sleep(0)
            return
        self.resting += 1
        over = self._over
        try:
            await over.wait()
        finally:
            self.resting -= 1

    def end(self) -> None:
        """All that rest go on."""
        self._over.set()
        self._over = asyncio.Event()


@dataclass(slots=True)
class Lab:
    """One life of a poller over a ledger."""

    ledger: FaultyLedger
    poller: Poller
    rests: Rests

    async def polled(self) -> None:
        """Every account has been polled and rests."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.rests.resting < len(self.poller.watches):
                await asyncio.sleep(0.005)

    async def poll(self) -> None:
        """Once more."""
        await self.polled()
        self.rests.end()
        await asyncio.sleep(0)
        await self.polled()

    def facts(self) -> dict[str, bytes]:
        return queries.facts(self.ledger.backend, FACT)

    def counted(self, metric: Metric = m.PROVIDER_TOKENS) -> Counter[tuple[str, ...]]:
        """What is committed, by label values."""
        with self.ledger.backend.read() as connection:
            query = select(SERIES.c.labels, SERIES.c.value).where(SERIES.c.metric == metric.name)
            rows = connection.execute(query).all()
        return Counter({tuple(json.loads(labels)): int(value) for labels, value in rows})

    def tokens(self, model: str = GPT, kind: str = "input", account: str = "default") -> int:
        provider = "openai" if model.startswith("gpt") else "anthropic"
        return self.counted()[provider, account, model, kind]

    def gauges(self) -> Mapping[Metric, dict[tuple[str, ...], float]]:
        return {metric: dict(samples) for metric, samples in self.poller.snapshot()}

    def billed(self, window: str, provider: str = "openai", account: str = "default") -> float | None:
        """Dollars, rounded to what a test names."""
        found = self.gauges()[m.BILLED].get((provider, account, window))
        return None if found is None else round(found, 9)

    def problem(self, source: str) -> str:
        """Of the last poll."""
        title, _, kind = source.rpartition("/")
        [watch] = [watch for watch in self.poller.watches if watch.title == title]
        return watch.attempts[kind].problem


@contextlib.asynccontextmanager
async def polling(
    folder: Path, config: BillingConfig, clock: Callable[[], float], *, wait: bool = True
) -> AsyncIterator[Lab]:
    """One life, as abrupt at its end as a killed process; the next one finds the same ledger."""
    ledger = FaultyLedger(SqliteBackend(folder / "ledger.db"), LedgerConfig())
    ledger.keep(LedgerFamilies("counted", (m.PROVIDER_TOKENS, m.PROVIDER_REQUESTS)), FACTS)
    ledger.start()
    rests = Rests()

    async def load() -> dict[str, bytes]:
        return queries.facts(ledger.backend, FACT)

    poller = Poller(config, submit=ledger.submit, load=load, ready=ledger.ready, clock=clock, pause=rests)
    task = asyncio.create_task(poller.run())
    try:
        lab = Lab(ledger, poller, rests)
        if wait:
            await lab.polled()
        yield lab
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await ledger.stop()
