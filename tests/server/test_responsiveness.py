"""A response of 200,000 series is collected, rendered, compressed and sent without holding up the event loop."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from agent_observability.exposition import Format
from agent_observability.service import Selection
from tests.probe import ProbeConfig
from tests.server.site import OPENMETRICS, Site, serving

SERIES = 200_000
LONGEST_STALL_SECONDS = 0.05
ATTEMPTS = 3


class _Heartbeat:
    """Looks at the clock every 2 ms; `longest` is the longest time something in this process kept it from doing so.

    Time in which the machine ran other processes does not count: a stall lasts at most as long as the CPU time
    that this process used meanwhile.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            clock, used = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.002)
            late = time.perf_counter() - clock - 0.002
            self.longest = max(self.longest, min(late, time.process_time() - used))

    def stop(self) -> float:
        self._task.cancel()
        return self.longest


async def _longest_stall(site: Site, headers: dict[str, str]) -> float:
    heartbeat = _Heartbeat()
    # From another thread, so that the client's own work does not count.
    text = await asyncio.to_thread(lambda: asyncio.run(_scrape(site, headers)))
    assert text.count(b"\nprobe_filler_total{") == SERIES
    return heartbeat.stop()


async def _scrape(site: Site, headers: dict[str, str]) -> bytes:
    answer = await site.get("/metrics", **headers)
    return gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip" else answer.body


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Accept": OPENMETRICS, "Accept_Encoding": "gzip"}, id="gzip"),
        pytest.param({}, id="plain"),
    ],
)
async def test_a_large_response_leaves_the_event_loop_free(headers: dict[str, str]) -> None:
    stalls = []
    for _ in range(ATTEMPTS):
        async with serving(ProbeConfig(filler=SERIES)) as site:
            # Both scrapes render every series: the first as born, the second with its value.
            stalls.append(max([await _longest_stall(site, headers) for _ in range(2)]))
        if stalls[-1] < LONGEST_STALL_SECONDS:
            return
    raise AssertionError(f"the event loop stood still for {stalls} s")


async def test_the_body_is_the_same_however_it_travels() -> None:
    async with serving(ProbeConfig(filler=20_000)) as site:
        await site.get("/metrics")
        only = Selection(collect=["jobs"], names={"probe_filler_total"})
        plain = (await site.service.scrape(only, Format.TEXT, gzip=False, seconds=10)).body
        for _ in range(2):  # compressed anew, then from what is kept
            packed = (await site.service.scrape(only, Format.TEXT, gzip=True, seconds=10)).body
            assert gzip.decompress(packed) == plain
