"""A collector that tests hold up, let go and break, what they ask a scraper of such ones, and one whole scrape."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

from agent_observability.collector import Collector
from agent_observability.exposition import Block, Format, RenderedFamily, write
from agent_observability.metric import Kind, Label, Metric
from agent_observability.scrape import Scraper
from agent_observability.workers import Workers
from tests.support import wait_until_async

VALUE = Metric("value", Kind.GAUGE, "Value", (Label("collector"),))
LONG, SHORT = 20.0, 0.1


class FakeCollector:
    """A collector that counts its runs, may be held up, and may fail."""

    metrics = (VALUE,)

    def __init__(self, name: str, *, error: Exception | None = None) -> None:
        self.name = name
        self.runs = 0
        self.error = error
        self.thread = ""
        self.entered = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def collect(self) -> Iterable[RenderedFamily]:
        self.runs += 1
        self.thread = threading.current_thread().name
        self.entered.set()
        assert self.open.wait(30)
        if self.error:
            raise self.error
        yield RenderedFamily(VALUE, (Block(f'value{{collector="{self.name}"}} {self.runs}\n'.encode()),))


def scraper_of(*collectors: FakeCollector) -> Scraper:
    return Scraper(collectors, Workers("scrape"))


async def scrape(scraper: Scraper, *names: str, seconds: float = LONG) -> list[str]:
    body = await scraper.scrape(names or scraper.names, seconds, lambda families, _: write(families, Format.TEXT))
    return [line for line in body.decode().splitlines() if not line.startswith("#")]


async def scrape_past_deadline(scraper: Scraper, *late: str) -> list[str]:
    """A scrape whose deadline comes once all but the `late` collectors have ended, however slow the machine is."""
    running = asyncio.ensure_future(scrape(scraper))
    await asyncio.sleep(0)  # lets it start its collectors
    slots = [scraper._slots[name] for name in scraper.names if name not in late]
    await wait_until_async(lambda: all(slot.ended is None for slot in slots), what="the other collectors")
    scraper.hurry(0)
    return await running


def success(scraper: Scraper) -> dict[str, bool]:
    return {status.name: status.success for status in scraper.statuses()}


def scraped(collector: Collector, scraper: str = "the only one") -> list[RenderedFamily]:
    """One whole scrape: collected, and shown to a scraper, which comes so often that it is known to be the only one."""
    families = list(collector.collect())
    for tell in dict.fromkeys(family.on_shown for family in families if family.on_shown):
        tell(scraper)
        tell(scraper)
    return families
