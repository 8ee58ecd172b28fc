"""What the contract's tests are given: a place for a ledger on either engine, and a ledger opened there."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Batch, Event, count
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.postgresql import PostgresqlBackend, parse_url
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.metric import Kind, Label, Metric
from tests.ledger.cluster import Cluster

PICO = 10**12
REQUESTS = Metric("requests_total", Kind.COUNTER, "Requests", (Label("model", cap=3), Label("ok", ("yes", "no"))))
COST = Metric("cost_usd_total", Kind.COUNTER, "Cost", (Label("model", cap=3),), scale=PICO)
SECONDS = Metric("wait_seconds", Kind.HISTOGRAM, "Wait", (Label("model", cap=3),), buckets=(0.1, 1, 10), scale=10**9)
SOME = (REQUESTS, COST, SECONDS)

DAY_MS = 86_400_000
LEASE = 3.0
"""Seconds, so that no test waits as long as a pod may."""
NOW = 1_790_000_000_000
TODAY = NOW // DAY_MS

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Storage:
    """A place for one ledger. `cluster` is None for SQLite, whose file is `path`."""

    path: Path
    cluster: Cluster | None
    process: str

    def backend(self, host: str = "here", port: int | None = None) -> Backend:
        """As a process on `host` would open it."""
        if self.cluster:
            return PostgresqlBackend(parse_url(self.cluster.url(port)), self.process, host, LEASE)
        return SqliteBackend(self.path, host)


def place(tmp_path: Path, cluster: Cluster | None) -> Storage:
    """A new, empty one."""
    return Storage(tmp_path / "ledger.db", cluster, f"test{next(_numbers)}")


def families(*metrics: Metric, **options: object) -> LedgerFamilies:
    return LedgerFamilies("test", metrics or SOME, **options)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def opened(
    backend: Backend,
    *stores: LedgerFamilies,
    config: LedgerConfig | None = None,
    clock: Callable[[], float] = lambda: NOW / 1000,
    facts: dict[str, float] | None = None,
    wait: bool = True,
) -> AsyncIterator[Ledger]:
    """A running ledger, closed in the end as at a normal exit; for it, it is `NOW`."""
    ledger = Ledger(backend, config or LedgerConfig(), clock=clock)
    for store in stores:
        ledger.keep(store, facts)
    ledger.start()
    try:
        if wait:
            await ledger.ready()
        yield ledger
    finally:
        await ledger.stop()


def event(number: int, *counts: object, model: str = "m", **rest: object) -> Event:
    """An event that counts one request of `model`."""
    fields: dict[str, object] = {"counts": (count(REQUESTS, (model, "yes")), *counts)}
    return Event(NOW + number, f"e{number}", "usage", ("p", model), b"%d" % number, **{**fields, **rest})  # type: ignore[arg-type]


def batch(*numbers: int, **rest: object) -> Batch:
    return Batch(tuple(event(number) for number in numbers), **rest)  # type: ignore[arg-type]
