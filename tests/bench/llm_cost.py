"""The LLM cost exporter: priced, deduplicated, durable events a second on both engines, and the latency of single ones.

The exporter is a process of its own; clients are another, which sends bodies that were made before. Nothing may be
lost: the counters are compared with what was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.bench.wire import Wire, request
from tests.ledger.cluster import Cluster, why_not
from tests.support import free_port, running, wait_until

ROUNDS = 5
EVENTS = 100_000
TOGETHER = 100
CONNECTIONS = 32
SENDERS = 64
SINGLES = 10_000
PER_SECOND = 1_000
SCRAPER = {"X-Prometheus-Scrape-Timeout-Seconds": "10", "User-Agent": "bench"}

_PATH = "/api/v1/usage"
_MODELS = (("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-haiku-4-5"), ("openai", "gpt-4o"))


class Exporter:
    """`sent` events were accepted so far."""

    def __init__(self, port: int, intake: int) -> None:
        self._port = port
        self._intake = intake
        self.sent = 0

    def counted(self) -> float:
        """What the counters show."""
        # A scraper's look, for which new series are born.
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/metrics", headers=SCRAPER)
        with urllib.request.urlopen(request) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("llm_requests_total{"))

    async def speed(self) -> float:
        """Events a second in batches."""
        bodies = [
            request(_PATH, json.dumps(events(self.sent + at, TOGETHER)).encode()) for at in range(0, EVENTS, TOGETHER)
        ]

        async def push(wire: Wire, number: int) -> None:
            for body in bodies[number::CONNECTIONS]:
                assert await wire.send(body) == 200

        begun = time.perf_counter()
        await Wire.each(self._intake, CONNECTIONS, push)
        seconds = time.perf_counter() - begun
        self.sent += EVENTS
        return EVENTS / seconds

    async def latency(self) -> float:
        """Milliseconds within which 99 % of single events are answered, at a steady rate and while being scraped.

        Each is due at its own moment, and late from then on, even where it had to wait for a connection.
        """
        bodies = [request(_PATH, json.dumps(events(self.sent + at, 1)).encode()) for at in range(SINGLES)]
        took: list[float] = []
        begun = time.perf_counter() + 0.1

        async def push(wire: Wire, first: int) -> None:
            for number in range(first, SINGLES, SENDERS):
                due = begun + number / PER_SECOND
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                assert await wire.send(bodies[number]) == 200
                took.append(time.perf_counter() - due)

        scraping = asyncio.create_task(self._scrape())
        await Wire.each(self._intake, SENDERS, push)
        scraping.cancel()
        self.sent += SINGLES
        took.sort()
        print(
            f"single events: p50 {took[SINGLES // 2] * 1e3:.1f} ms, p99 {took[SINGLES * 99 // 100] * 1e3:.1f} ms,"
            f" slowest {took[-1] * 1e3:.1f} ms",
            file=sys.stderr,
        )
        return took[SINGLES * 99 // 100] * 1e3

    async def _scrape(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"http://127.0.0.1:{self._port}/metrics", headers=SCRAPER) as answer:
                    await answer.read()
                await asyncio.sleep(1)


def events(first: int, number: int) -> list[dict[str, Any]]:
    """As a gateway tells them: now, with an id each."""
    now = datetime.fromtimestamp(round(time.time(), 3), UTC).isoformat()
    found = []
    for at in range(first, first + number):
        provider, model = _MODELS[at % len(_MODELS)]
        tokens = {"input": 1_000 + at % 977, "cache_read": 400 + at % 83, "output": 200 + at % 61}
        found.append(
            {
                "id": f"call-{at:012d}",
                "timestamp": now,
                "provider": provider,
                "model": model,
                "project": f"project-{at % 20}",
                "feature": "voice_architect",
                "tokens": tokens,
                "duration_seconds": 1.5,
                "time_to_first_token_seconds": 0.3,
            }
        )
    return found


@contextlib.contextmanager
def exporting(folder: Path, ledger: dict[str, str]) -> Iterator[Exporter]:
    """A running exporter."""
    port, intake = free_port(), free_port()
    config = folder / f"{port}.yml"
    document = {
        "web": {"listen": {"llm_cost": [f"127.0.0.1:{port}"]}},
        "intake": {"listen": [f"127.0.0.1:{intake}"]},
        "ledger": ledger,
    }
    config.write_text(yaml.safe_dump(document))
    command = (sys.executable, "-m", "agent_observability", "run", "llm_cost", "--config", str(config))
    with running(command, folder / f"{port}.log") as child:

        def ready() -> bool:
            with contextlib.suppress(OSError):
                return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready").status == 200)
            return False

        wait_until(ready, 30, what=child.output)
        yield Exporter(port, intake)


async def measure(exporter: Exporter) -> float:
    """Median of some rounds."""
    rounds = [await exporter.speed() for _ in range(ROUNDS)]
    print(", ".join(f"{one:,.0f}" for one in rounds), "events/s", file=sys.stderr)
    return statistics.median(rounds)


def main(folder: Path) -> None:
    with exporting(folder, {"directory": str(folder)}) as exporter:
        sqlite = asyncio.run(measure(exporter))
        p99 = asyncio.run(exporter.latency())
        wait_until(lambda: exporter.counted() >= exporter.sent, 10, what="all counters")
        lost = exporter.sent - exporter.counted()
    postgresql = None
    if reason := why_not():
        print(f"PostgreSQL is left out: {reason}", file=sys.stderr)
    else:
        cluster = Cluster(durable=True)
        try:
            with exporting(folder, {"url": cluster.url().reveal()}) as exporter:
                postgresql = asyncio.run(measure(exporter))
                wait_until(lambda: exporter.counted() >= exporter.sent, 10, what="all counters")
                lost += exporter.sent - exporter.counted()
        finally:
            cluster.remove()
    result = {
        "bench": "llm_cost",
        "events_per_s": round(sqlite),
        "postgres_events_per_s": round(postgresql) if postgresql else None,
        "p99_ms_at_1000": round(p99, 1),
        "lost": round(lost),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
