"""Runs collectors for a scrape: times each, isolates failures, honours the deadline, and never waits for a stuck one.

All collectors of a scrape run one after the other on a single worker thread, which costs one thread hop. When one of
them holds that thread for longer than `_HANDOVER_SECONDS`, another worker takes over the rest, so a slow collector
delays nobody but itself. One that misses the scrape's deadline is served from its last result with success 0, and
later scrapes do not wait for it again until it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agent_observability.collector import Collector
from agent_observability.exposition import RenderedFamily
from agent_observability.workers import Workers

__all__ = ["CollectorStatus", "Render", "Scraper"]

log = logging.getLogger(__name__)

_HANDOVER_SECONDS = 0.05
_NEVER_RAN = "has not run yet"

Render = Callable[[Sequence[RenderedFamily], Sequence["CollectorStatus"]], bytes]


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """How a collector's last run went: `duration` in seconds, `error` "" after a success, `ran` once it has ended."""

    name: str
    success: bool
    duration: float
    error: str
    ran: bool = True


class _Slot:
    """One collector's state between scrapes. Only during a run it has a `batch`, and `ended`, which will be set.

    `batch`, `ended` and `late` belong to the event loop, the rest to the worker that runs it.
    """

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.families: Sequence[RenderedFamily] = ()
        self.batch: _Batch | None = None
        self.ended: asyncio.Event | None = None
        self.late = False
        self.started = 0.0
        self.duration = 0.0
        self.error = _NEVER_RAN

    def run(self) -> None:
        self.started = time.perf_counter()
        try:
            self.families = tuple(self.collector.collect())
        except Exception as error:
            # Old values next to an error would pass for fresh ones; only a missed deadline keeps them.
            self.families = ()
            text = f"{type(error).__name__}: {error}"
            # A source that stays down would otherwise write a traceback each scrape.
            if text != self.error:
                log.warning("collector %s failed: %s", self.collector.name, text, exc_info=error)
            self.error = text
        else:
            self.error = ""
        self.duration = time.perf_counter() - self.started

    def status(self) -> CollectorStatus:
        if self.late:
            running = time.perf_counter() - self.started
            return CollectorStatus(self.collector.name, False, running, f"still running after {running:.1f} s")
        ran = self.error != _NEVER_RAN
        return CollectorStatus(self.collector.name, not self.error, self.duration, self.error, ran)


class _Batch:
    """Collectors started together, on one thread as long as none of them holds it up.

    Waking the event loop for each collector that ends would cost more than most collectors do. So the worker tells it
    once the queue is empty; before that, a look every `_HANDOVER_SECONDS` finds what has ended. For the same reason the
    worker that ends the last one calls `finish`, which renders the scrape into `body`.
    """

    def __init__(self, slots: Sequence[_Slot], workers: Workers, finish: Callable[[], bytes] | None) -> None:
        self._size = len(slots)
        # Counts runs; unlike a number, a deque needs no lock.
        self._runs: deque[None] = deque()
        self.finish = finish
        self.body: bytes | None = None
        self._loop = asyncio.get_running_loop()
        self._workers = workers
        self._queue = deque(slots)
        self._ended: deque[_Slot] = deque()
        for slot in slots:
            slot.batch = self
            slot.ended = asyncio.Event()
            slot.started = time.perf_counter()
        workers.submit(self._work)
        self._loop.call_later(_HANDOVER_SECONDS, self._look)

    def _work(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                slot = self._queue.popleft()
                slot.run()
                self._runs.append(None)
                if (finish := self.finish) is not None and len(self._runs) == self._size:
                    self._render(finish)
                self._ended.append(slot)
                if not self._queue:
                    self._loop.call_soon_threadsafe(self.settle)

    def _render(self, finish: Callable[[], bytes]) -> None:
        try:
            self.body = finish()
        except Exception:
            # The scrape renders again where it can be answered with the error.
            log.exception("rendering failed")

    def settle(self) -> bool:
        """Take note of what the workers have ended; whether there was any."""
        progress = bool(self._ended)
        while self._ended:
            slot = self._ended.popleft()
            if slot.late:
                log.warning("collector %s ended after %.1f s", slot.collector.name, slot.duration)
            if slot.ended is not None:
                slot.ended.set()
            slot.batch = slot.ended = None
            slot.late = False
        return progress

    def _look(self) -> None:
        """Settle those that ended; while some have not begun, look again, and add a worker if none has ended."""
        progress = self.settle()
        if self._queue:
            if not progress:
                self._workers.submit(self._work)
            self._loop.call_later(_HANDOVER_SECONDS, self._look)


class Scraper:
    """The collectors of one port and their last results."""

    def __init__(self, collectors: Iterable[Collector], workers: Workers) -> None:
        self._workers = workers
        self._slots: dict[str, _Slot] = {}
        self._timeouts: set[asyncio.Timeout] = set()
        self.replace(collectors)

    def replace(self, collectors: Iterable[Collector]) -> None:
        """Swap the collectors; one that stays keeps its last result. Raises ValueError on a name used twice."""
        slots: dict[str, _Slot] = {}
        for collector in collectors:
            if collector.name in slots:
                raise ValueError(f"two collectors are named {collector.name}")
            old = self._slots.get(collector.name)
            slots[collector.name] = old if old and old.collector is collector else _Slot(collector)
        self._slots = slots

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._slots)

    def statuses(self, names: Iterable[str] | None = None) -> list[CollectorStatus]:
        slots = self._slots
        return [slots[name].status() for name in (names if names is not None else slots) if name in slots]

    async def scrape(self, names: Sequence[str], seconds: float, render: Render) -> bytes:
        """What `render`, on a worker, makes of the named collectors: run now or, past `seconds`, their last results.

        Concurrent scrapes share runs: a collector under way is waited for, not started again.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        slots = [self._slots[name] for name in names]
        for other in {slot.batch for slot in slots if slot.batch is not None}:
            other.settle()

        def finish() -> bytes:
            return render([family for slot in slots for family in slot.families], [slot.status() for slot in slots])

        batch = None
        if idle := [slot for slot in slots if slot.ended is None]:
            batch = _Batch(idle, self._workers, finish if len(idle) == len(slots) else None)
        awaited = [(slot, slot.ended) for slot in slots if slot.ended is not None and not slot.late]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline) as timeout:
                self._timeouts.add(timeout)
                try:
                    # The last to begin is usually the last to end: awaited first, it wakes this task once.
                    for _, ended in reversed(awaited):
                        await ended.wait()
                finally:
                    self._timeouts.discard(timeout)
        for slot, ended in awaited:
            if not ended.is_set() and slot.batch is not None:
                slot.batch.settle()
            if not ended.is_set() and not slot.late:
                slot.late = True
                log.warning("collector %s missed the scrape's deadline", slot.collector.name)
        if batch is not None:
            batch.finish = None  # a late collector's end need not be rendered for a scrape that did not wait for it
            if batch.body is not None:
                return batch.body
        return await self._workers.run(finish)

    def hurry(self, seconds: float) -> None:
        """Let scrapes under way end within `seconds`: the process is about to exit."""
        deadline = asyncio.get_running_loop().time() + seconds
        for timeout in self._timeouts:
            if (when := timeout.when()) is not None and when > deadline:
                timeout.reschedule(deadline)
