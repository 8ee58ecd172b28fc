"""Minutes of many scrapers beside clients that misbehave: every scrape answered, memory and descriptors bounded."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from pathlib import Path

import aiohttp
import psutil

from tests.support import free_port, running, wait_until

SECONDS = 120
SCRAPERS = 50
RUDE = 40


async def scrape(url: str, deadline: float, took: list[float]) -> None:
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            started = time.monotonic()
            async with session.get(url) as answer:
                body = await answer.read()
                assert answer.status == 200, (answer.status, body)
                assert b"node_load1" in body
            took.append(time.monotonic() - started)
            await asyncio.sleep(0.2)


async def be_rude(port: int, number: int, deadline: float) -> None:
    """Half of a request, a request whose answer is never read, or nothing at all; again as soon as it is cut off."""
    words = (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 200, b"")
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(words[number % 3])
            await asyncio.sleep(min(5, max(0, deadline - time.monotonic())))
            writer.transport.abort()


async def storm(port: int) -> list[float]:
    deadline = time.monotonic() + SECONDS
    took: list[float] = []
    url = f"http://127.0.0.1:{port}/metrics"
    scrapers = [scrape(url, deadline, took) for _ in range(SCRAPERS)]
    await asyncio.gather(*scrapers, *(be_rude(port, number, deadline) for number in range(RUDE)))
    return took


def test_fifty_scrapers_among_rude_clients(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "config.yml"
    # Rude clients may use up the places of scrapes under way, never those of the polite ones.
    config.write_text(f"web:\n  listen: {{host: ['127.0.0.1:{port}']}}\n  max_requests: 200\n  write_timeout: 3s\n")
    command = (sys.executable, "-m", "agent_observability", "run", "host", "--config", config)
    with running(command, tmp_path / "log") as child:
        wait_until(lambda: "listens" in child.output(), 20, what=child.output)
        process = psutil.Process(child.process.pid)
        took = asyncio.run(storm(port))
        memory = process.memory_info().rss / 2**20
        wait_until(lambda: process.num_fds() < 60, 30, what=lambda: f"{process.num_fds()} descriptors are open")
        assert process.num_threads() < 20
    took.sort()
    print(
        f"{len(took)} scrapes in {SECONDS} s, median {statistics.median(took) * 1000:.0f} ms, "
        f"p99 {took[len(took) * 99 // 100] * 1000:.0f} ms, RSS {memory:.0f} MiB"
    )
    assert memory < 120
