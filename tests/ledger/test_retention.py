"""What is deleted when, by age and by size; and clocks that jump."""

from __future__ import annotations

import time

import pytest

from agent_observability.ledger import queries
from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.config import LedgerConfig, RetentionConfig
from tests.ledger.storage import DAY_MS, NOW, REQUESTS, Storage, batch, event, families, opened
from tests.ledger.test_families import total
from tests.support import wait_until_async


async def test_retention_by_age(storage: Storage) -> None:
    """In steps, while events go on coming; daily sums, digests and facts have ages of their own."""
    now = NOW / 1000
    config = LedgerConfig(retention=RetentionConfig(events=10 * 86_400, daily=20 * 86_400))  # type: ignore[arg-type]
    old = [event(-n - 11 * DAY_MS) for n in range(5_000)]
    day = NOW // DAY_MS
    kept = {"seen": 86_400.0}
    async with opened(storage.backend(), families(), config=config, clock=lambda: now, facts=kept) as ledger:
        await ledger.submit(batch(1))
        await ledger.submit(Batch(tuple(old)))
        await ledger.submit(Batch((event(2, day=day, amounts=(1,)), event(3, day=day - 21, amounts=(1,)))))
        await ledger.submit(Batch(facts={("seen", "a"): b"", ("ever", "a"): b""}, digest=(b"d", NOW + 1000)))
        ledger._writer._next_retention = 0
        await wait_until_async(lambda: ledger.backend.rows()["event"] == 3, 20)
        assert [one.id for one in queries.events(ledger.backend)] == ["e1", "e2", "e3"]
        assert [one.day for one in queries.daily(ledger.backend, kinds=["usage"], first=0, last=day)] == [day]
        now += 86_400 / 2
        await ledger.submit(Batch((event(DAY_MS),)))
        now += 86_400
        ledger._writer._next_retention = 0
        await wait_until_async(lambda: not queries.facts(ledger.backend, "seen"), 20)
        assert queries.facts(ledger.backend, "ever") == {"a": b""}
        assert ledger.backend.rows()["digest"] == 0


async def test_retention_by_size(storage: Storage) -> None:
    """The oldest events go until what is left fits; nothing else does."""
    config = LedgerConfig(retention=RetentionConfig(size=2 * 1024**2))  # type: ignore[arg-type]
    store = families()
    async with opened(storage.backend(), store, config=config) as ledger:
        for first in range(0, 12_000, 1_000):
            events = tuple(event(n)._replace(data=bytes(400)) for n in range(first, first + 1_000))
            await ledger.submit(Batch(events))
            if storage.cluster:
                with storage.cluster.connect() as shell:
                    shell.execute(f"ANALYZE agent_obs_{storage.process}.event")
                    shell.execute("SELECT pg_stat_force_next_flush()")
            ledger._writer._next_retention = 0
        await wait_until_async(lambda: ledger._writer._next_retention > time.monotonic(), 20, what="nothing left to do")
        left = [one.timestamp - NOW for one in queries.events(ledger.backend)]
        assert 1_000 <= len(left) <= 5_000
        assert left == list(range(12_000 - len(left), 12_000))
        assert total(store, "requests_total") == "12000"
        assert ledger.backend.rows()["event"] == len(left)
    if not storage.cluster:
        assert storage.path.stat().st_size < 3 * 1024**2


async def test_an_event_older_than_what_is_kept_is_counted_once(storage: Storage) -> None:
    """Although its key goes at once; a sender that tries again does so within a day."""
    config = LedgerConfig(retention=RetentionConfig(events=10 * 86_400))  # type: ignore[arg-type]
    store = families()
    async with opened(storage.backend(), store, config=config) as ledger:
        await ledger.submit(batch(1))
        ledger._writer._next_retention = 0
        await wait_until_async(lambda: ledger._retention.floor > 0)
        late = event(2)._replace(timestamp=NOW - 20 * DAY_MS)
        assert await ledger.submit(Batch((late,))) == Outcome((True,))
        ledger._writer._next_retention = 0
        await wait_until_async(lambda: ledger.backend.rows()["event"] == 1)
    store = families()
    async with opened(storage.backend(), store, config=config) as ledger:
        assert await ledger.submit(Batch((late,))) == Outcome((False,))
        assert total(store, "requests_total") == "2"


@pytest.mark.parametrize("hours", [-24 * 365, -1, 24 * 365])
async def test_a_clock_that_jumps(storage: Storage, hours: int) -> None:
    """Neither back nor ahead: nothing is lost, nothing counted twice, and events stay for their time."""
    now = NOW / 1000
    store = families(ttl={REQUESTS: 3600})
    async with opened(storage.backend(), store, clock=lambda: now) as ledger:
        await ledger.submit(batch(1, digest=(b"d", NOW + DAY_MS)))
        now += hours * 3600
        ledger._writer._next_retention = 0
        assert await ledger.submit(batch(1, 2)) == Outcome((False, True))
        await ledger.submit(batch(3))
        ledger._writer._next_retention = 0
        await wait_until_async(lambda: ledger._writer._next_retention > 0)
        assert ledger.backend.rows()["event"] == 3
        assert total(store, "requests_total") == "3"
    again = families()
    async with opened(storage.backend(), again, clock=lambda: now) as ledger:
        assert total(again, "requests_total") == "3"
