"""Batches on their way to the writer: bounded, and each answered once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass

from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.errors import LedgerBusyError, LedgerError, LedgerUnavailableError

__all__ = ["Job", "Queue"]


# Within which another request comes as long as there is much to do.
_STEP_SECONDS = 0.004


@dataclass(slots=True)
class Job:
    """A batch and whoever waits for it; `since` is monotonic."""

    batch: Batch
    future: Future[Outcome]
    since: float

    def answer(self, outcome: Outcome | LedgerError) -> None:
        if isinstance(outcome, LedgerError):
            self.refuse(outcome)
            return
        # Whoever waited may have gone.
        with contextlib.suppress(InvalidStateError):
            self.future.set_result(outcome)

    def refuse(self, error: Exception) -> None:
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(error)


class Queue:
    """`submit` and `poke` may be called from any thread, the rest from the writer's. `capacity` bounds what waits."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._wake = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._size = 0
        self._closed: str | None = "is being opened"
        self._poked = False
        self.stopping = False

    def submit(self, batch: Batch) -> Future[Outcome]:
        """Raises LedgerBusyError for a full queue, LedgerUnavailableError while nothing can be written."""
        job = Job(batch, Future(), time.monotonic())
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
        return job.future

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
        for job in jobs:
            job.refuse(LedgerUnavailableError(f"the ledger {reason}"))

    def stop(self) -> None:
        """Let nothing more in; what waits is still taken."""
        with self._wake:
            self.stopping = True
            self._wake.notify_all()

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
                    self._wake.wait_for(lambda: self.stopping, _STEP_SECONDS)
            self._poked = False
            jobs: list[Job] = []
            size = 0
            while self._jobs and (not jobs or size + self._jobs[0].batch.size <= most):
                jobs.append(self._jobs.popleft())
                size += jobs[-1].batch.size
            self._size -= size
        # Nobody waits any more for what was cancelled, and whoever sent it believes that it never happened.
        return [job for job in jobs if job.future.set_running_or_notify_cancel()]

    def poke(self) -> None:
        """Let `take` return, even with nothing. From any thread; costs next to nothing."""
        with self._wake:
            self._poked = True
            self._wake.notify()

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, or once all is stopping."""
        with self._wake:
            self._wake.wait_for(lambda: self.stopping, seconds)
