"""The ledger: events a second on both engines, restoring counters, bytes per event, and whether age slows it down.

Events as a model's usage has them: five labels, six counters each, sums per day; in batches of 100 from eight sources.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Batch, Event, count
from agent_observability.ledger.config import LedgerConfig
from agent_observability.ledger.families import LedgerFamilies
from agent_observability.ledger.ledger import Ledger
from agent_observability.ledger.postgresql import PostgresqlBackend, parse_url
from agent_observability.ledger.sqlite import SqliteBackend
from agent_observability.metric import Kind, Label, Metric
from tests.ledger.cluster import Cluster, why_not

ROUNDS = 5
EVENTS = 100_000
SMALL, LARGE = 100_000, 5_000_000
SERIES = 100_000
SOURCES = 8

_LABELS = (Label("provider"), Label("model", cap=200), Label("project", cap=1000), Label("feature"), Label("type"))
_METRICS = tuple(Metric(f"bench_{n}_total", Kind.COUNTER, "Bench", _LABELS, scale=10**12) for n in range(6))
_TUPLES = [("openai", f"model-{n % 20}", f"project-{n % 50}", f"feature-{n % 3}", "chat") for n in range(1_000)]
_DAY_MS = 86_400_000
_BEGIN = 1_790_000_000_000


def batches(first: int, events: int) -> Iterator[Batch]:
    """Of 100, one event a millisecond."""
    for start in range(first, first + events, 100):
        yield Batch(tuple(_event(number) for number in range(start, start + 100)), kind="usage")


def _event(number: int) -> Event:
    labels = _TUPLES[number * 7 % len(_TUPLES)]
    timestamp = _BEGIN + number
    counts = tuple(count(metric, labels, 2_500_000 * (number % 997)) for metric in _METRICS)
    data = b'{"input":1234,"output":567,"cached":89,"usd":"0.01234"}'
    return Event(timestamp, f"{number:016x}", "usage", labels, data, counts, timestamp // _DAY_MS, (1234, 567, 12345))


async def fill(ledger: Ledger, first: int, events: int) -> float:
    """Events a second; what sources do before they submit is not counted."""
    waiting = list(batches(first, events))
    gc.collect()
    gc.freeze()
    started = time.perf_counter()

    async def source(own: list[Batch]) -> None:
        for batch in own:
            await ledger.submit(batch)

    await asyncio.gather(*(source(waiting[number::SOURCES]) for number in range(SOURCES)))
    seconds = time.perf_counter() - started
    gc.unfreeze()
    return events / seconds


async def opened(backend: Backend) -> Ledger:
    ledger = Ledger(backend, LedgerConfig(), clock=lambda: _BEGIN / 1000)
    ledger.keep(LedgerFamilies("bench", _METRICS))
    ledger.start()
    await ledger.ready()
    return ledger


async def speed(backend: Backend) -> float:
    """Median of some rounds into one ledger."""
    ledger = await opened(backend)
    rounds = [await fill(ledger, EVENTS * number, EVENTS) for number in range(ROUNDS)]
    await ledger.stop()
    print(f"{backend.name}: {', '.join(f'{one:,.0f}' for one in rounds)} events/s", file=sys.stderr)
    return statistics.median(rounds)


async def aging(folder: Path) -> tuple[float, float]:
    """Speed at 5 million rows in parts of that at 100,000, and bytes per event."""
    file = folder / "aging.db"
    ledger = await opened(SqliteBackend(file))
    position, speeds = 0, {}
    for rows in (SMALL, LARGE):
        while position < rows:
            await fill(ledger, position, EVENTS)
            position += EVENTS
        rounds = []
        for _ in range(ROUNDS):
            rounds.append(await fill(ledger, position, EVENTS))
            position += EVENTS
        speeds[rows] = statistics.median(rounds)
        print(f"at {rows:,} rows: {speeds[rows]:,.0f} events/s", file=sys.stderr)
    await ledger.stop()
    return speeds[LARGE] / speeds[SMALL], file.stat().st_size / position


async def restore(folder: Path) -> float:
    """Seconds until 100,000 counters of an earlier process are ready to be scraped; the median of some starts."""
    label = Label("number", cap=SERIES)
    metric = Metric("restored_total", Kind.COUNTER, "Restored", (label,))

    def start() -> tuple[Ledger, LedgerFamilies]:
        ledger = Ledger(SqliteBackend(folder / "restore.db"), LedgerConfig())
        store = LedgerFamilies("restore", (metric,))
        ledger.keep(store)
        return ledger, store

    ledger, _ = start()
    ledger.start()
    await ledger.ready()
    for first in range(0, SERIES, 10_000):
        await ledger.submit(Batch(counts=[count(metric, (f"{n:06d}",), n + 1) for n in range(first, first + 10_000)]))
    await ledger.stop()
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ledger, store = start()
        ledger.start()
        await ledger.ready()
        rounds.append(time.perf_counter() - started)
        shown = sum(block.text.count(b"\n") for family in store.collect() for block in family.blocks)
        assert shown >= SERIES, shown
        await ledger.stop()
    return statistics.median(rounds)


async def main(folder: Path) -> None:
    sqlite = await speed(SqliteBackend(folder / "speed.db"))
    postgresql = None
    if reason := why_not():
        print(f"PostgreSQL is left out: {reason}", file=sys.stderr)
    else:
        cluster = Cluster(durable=True)
        try:
            postgresql = await speed(PostgresqlBackend(parse_url(cluster.url()), "bench"))
        finally:
            cluster.remove()
    restored = await restore(folder)
    kept, size = await aging(folder)
    print(f"speed kept at {LARGE:,} rows: {kept:.0%}", file=sys.stderr)
    result = {
        "bench": "ledger",
        "sqlite_events_per_s": round(sqlite),
        "postgres_events_per_s": round(postgresql) if postgresql else None,
        "restore_100k_series_s": round(restored, 2),
        "bytes_per_event": round(size, 1),
        "kept_at_5m_rows": round(kept, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(main(Path(name)))
