"""Batches on their way to the writer: bounded, and each answered once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.errors import LedgerBusyError, LedgerUnavailableError

__all__ = ["Job", "Queue", "answer", "refuse"]


# Within which another request comes as long as there is much to do.
_STEP_SECONDS = 0.002


@dataclass(slots=True, eq=False)
class Job:
    """A batch and whoever waits for it; `since` is monotonic."""

    batch: Batch
    future: asyncio.Future[Outcome]
    since: float


def answer(jobs: Iterable[Job], results: Iterable[Outcome | Exception]) -> None:
    """Tell those who wait, from any thread: all of one event loop at once, since each call wakes it up."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome], Outcome | Exception]]] = {}
    for job, result in zip(jobs, results, strict=True):
        by_loop.setdefault(job.future.get_loop(), []).append((job.future, result))
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # it has ended, and with it whoever waited
            loop.call_soon_threadsafe(_tell, told)


def refuse(jobs: Sequence[Job], reason: str) -> None:
    """Tell those who wait that nothing of theirs is stored, since the ledger is so."""
    answer(jobs, [LedgerUnavailableError(f"the ledger {reason}") for _ in jobs])


def _tell(told: Iterable[tuple[asyncio.Future[Outcome], Outcome | Exception]]) -> None:
    for future, result in told:
        # Whoever waited may have gone.
        if future.done():
            continue
        if isinstance(result, Outcome):
            future.set_result(result)
        else:
            future.set_exception(result)


class Queue:
    """`submit` and `withdraw` are for an event loop, `poke` for any thread, the rest for the writer's.

    `capacity` bounds what waits.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        lock = threading.Lock()
        self._wake = threading.Condition(lock)
        # Whoever only waits for time to pass is not to be woken up for every batch.
        self._ended = threading.Condition(lock)
        self._jobs: deque[Job] = deque()
        self._size = 0
        self._closed: str | None = "is being opened"
        self._poked = False
        self.stopping = False

    def submit(self, batch: Batch) -> Job:
        """Raises LedgerBusyError for a full queue, LedgerUnavailableError while nothing can be written."""
        job = Job(batch, asyncio.get_running_loop().create_future(), time.monotonic())
        with self._wake:
            if self.stopping:
                raise LedgerUnavailableError("the process is stopping")
            if self._closed is not None:
                raise LedgerUnavailableError(f"the ledger {self._closed}")
            if self._size and self._size + batch.size > self._capacity:
                raise LedgerBusyError(f"{self._size} events and counts wait to be written")
            self._jobs.append(job)
            self._size += batch.size
            self._wake.notify()
        return job

    def withdraw(self, job: Job) -> None:
        """Nobody waits for it any more: where the writer has not begun with it, it never happens."""
        with self._wake, contextlib.suppress(ValueError):
            self._jobs.remove(job)
            self._size -= job.batch.size

    @property
    def drained(self) -> bool:
        """Whether all is stopping and nothing waits any more."""
        return self.stopping and not self._jobs

    def open(self) -> None:
        """Let batches in."""
        with self._wake:
            self._closed = None

    def close(self, reason: str) -> None:
        """Refuse what waits and what comes."""
        with self._wake:
            self._closed = reason
            jobs = list(self._jobs)
            self._jobs.clear()
            self._size = 0
        refuse(jobs, reason)

    def stop(self) -> None:
        """Let nothing more in; what waits is still taken."""
        with self._wake:
            self.stopping = True
            self._wake.notify_all()
            self._ended.notify_all()

    def take(self, most: int, seconds: float, gather: float = 0.0) -> list[Job]:
        """What waits, up to a total size; waits for something, a poke, or the end until `seconds` have passed.

        Once there is something, more is waited for as long as it comes, for `gather` seconds at most.
        """
        with self._wake:
            if not self._jobs and not self.stopping and not self._poked:
                self._wake.wait(seconds)
            if self._jobs and gather:
                until = time.monotonic() + gather
                before = -1
                while before < self._size < most and time.monotonic() < until:
                    before = self._size
                    self._ended.wait_for(lambda: self.stopping, _STEP_SECONDS)
            self._poked = False
            jobs: list[Job] = []
            size = 0
            while self._jobs and (not jobs or size + self._jobs[0].batch.size <= most):
                jobs.append(self._jobs.popleft())
                size += jobs[-1].batch.size
            self._size -= size
        # Nobody waits any more for what was cancelled, and whoever sent it believes that it never happened.
        return [job for job in jobs if not job.future.cancelled()]

    def poke(self) -> None:
        """Let `take` return, even with nothing. From any thread; costs next to nothing."""
        with self._wake:
            self._poked = True
            self._wake.notify()

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, or once all is stopping."""
        with self._wake:
            self._ended.wait_for(lambda: self.stopping, seconds)
