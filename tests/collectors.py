"""A collector that tests hold up, let go and break, and what they ask a scraper of such collectors."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from agent_observability.exposition import Block, Format, RenderedFamily, write
from agent_observability.metric import Kind, Label, Metric
from agent_observability.scrape import Scraper
from agent_observability.workers import Workers

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
        yield RenderedFamily(VALUE, (Block.of(f'value{{collector="{self.name}"}} {self.runs}\n'.encode()),))


def scraper_of(*collectors: FakeCollector) -> Scraper:
    return Scraper(collectors, Workers("scrape"))


async def scrape(scraper: Scraper, *names: str, seconds: float = LONG) -> list[str]:
    families = await scraper.scrape(names or scraper.names, seconds)
    return [line for line in write(families, Format.TEXT).decode().splitlines() if not line.startswith("#")]


def success(scraper: Scraper) -> dict[str, bool]:
    return {status.name: status.success for status in scraper.statuses()}
