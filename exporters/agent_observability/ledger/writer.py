"""The thread that writes: takes whatever waits, commits it in one transaction, publishes, answers.

A commit whose answer was lost (a connection cut in its middle) is not judged by a guess: the number that every
transaction leaves in the table `writer` tells after the reconnection whether it happened.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DataError, SQLAlchemyError

from agent_observability.ledger.backend import Backend
from agent_observability.ledger.batch import Outcome
from agent_observability.ledger.books import Books, Entry
from agent_observability.ledger.errors import (
    LedgerDataError,
    LedgerError,
    LedgerStandbyError,
    words,
)
from agent_observability.ledger.queue import Job, Queue, answer, refuse
from agent_observability.ledger.reports import Reports
from agent_observability.ledger.retention import STEP, Retention
from agent_observability.ledger.standing import Standing

__all__ = ["Writer"]

log = logging.getLogger(__name__)

# A group is bounded, so that the first of a long queue is not answered last.
_GROUP = 10_000
_TICK_SECONDS = 2.0
# After a group of so many events the next one is gathered for a while: each commit writes every counter that has
# changed, so that fewer and larger ones cost less. So it is, for less long, where several have come together; whoever
# sends alone is not kept waiting.
_MANY = 200
_GATHER_MANY_SECONDS = 0.03
_GATHER_SOME_SECONDS = 0.002
# Between steps of a retention that has more to do.
_PAUSE_SECONDS = 0.05
_RETRY_SECONDS = (0.2, 5.0)
_STANDBY_SECONDS = 1.0
# Without anything to delete, retention looks again after this.
_RETENTION_SECONDS = 60.0
# How long those who sent a group may wait to learn whether its lost commit happened.
_IN_DOUBT_SECONDS = 20.0
# Of the data itself, not of the storage.
_BAD_DATA = (LedgerDataError, DataError, ValueError, TypeError, OverflowError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A group whose commit got no answer."""

    jobs: list[Job]
    number: int
    entry: Entry


class Writer:
    """One ledger's writer. It stops once its queue does and nothing waits there any more."""

    def __init__(
        self,
        backend: Backend,
        books: Books,
        queue: Queue,
        *,
        retention: Retention,
        standing: Standing,
        reports: Reports,
        clock: Callable[[], float],
    ) -> None:
        self._backend = backend
        self._books = books
        self._queue = queue
        self._retention = retention
        self._reports = reports
        self._standing = standing
        self._clock = clock
        self._ledger = ""
        self._number = 0
        self._doubt: _Doubt | None = None
        self._next_retention = 0.0
        self._failing = False
        self.busy_since: float | None = None
        """Monotonic time since when the storage has not answered; None while nothing is asked of it."""
        self.thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def _run(self) -> None:
        delay = _RETRY_SECONDS[0]
        while not self._queue.stopping:
            before = self._number
            try:
                self._open()
                self._write()
                break
            except LedgerStandbyError as error:
                self._down(error)
                delay = _STANDBY_SECONDS
            except Exception as error:
                if not isinstance(error, (SQLAlchemyError, LedgerError, OSError, *self._backend.driver_errors)):
                    log.exception("the ledger's writer failed")
                self._down(error)
                delay = _RETRY_SECONDS[0] if self._number > before + 1 else min(delay * 2, _RETRY_SECONDS[1])
            self._give_up_late()
            self.busy_since = None
            self._queue.sleep(delay)
        self._end()

    def _open(self) -> None:
        self._backend.open()
        saved = self._backend.restore()
        doubt, self._doubt = self._doubt, None
        if doubt and saved.number == doubt.number:
            self._books.committed(doubt.entry, self._now())
            self._answer(doubt.jobs, doubt.entry)
        elif doubt:
            refuse(doubt.jobs, "was cut off before this was stored")
        now = self._now()
        lost = self._ledger not in ("", saved.ledger) and not saved.series and not saved.positions
        with self._backend.transaction(saved.number + 1) as transaction:
            if lost:
                self._books.seed(transaction, now)
            else:
                self._books.load(saved, transaction, now)
        self._ledger, self._number = saved.ledger, saved.number + 1
        self._renew()
        # Before anything old is let in, it must be known what counts as old.
        self._next_retention = 0.0
        self._tidy(STEP, look=True)
        if lost:
            log.critical("%s is new: counters go on from memory, events of the past are gone", self._backend.name)
        self._queue.open()
        self._standing.up()

    def _write(self) -> None:
        """Until told to stop. Raises what the backend raises."""
        checked = time.monotonic()
        more = False
        events = 0
        jobs: list[Job] = []
        while True:
            self.busy_since = None
            gather = _GATHER_MANY_SECONDS if events >= _MANY else _GATHER_SOME_SECONDS if len(jobs) > 1 else 0.0
            jobs = self._queue.take(_GROUP, _PAUSE_SECONDS if more else _TICK_SECONDS, gather)
            events = sum([len(job.batch.events) for job in jobs])
            self.busy_since = time.monotonic()
            if jobs:
                self._process(jobs)
            elif self._queue.drained:
                return
            ticked = time.monotonic() - checked >= _TICK_SECONDS
            if ticked:
                self._renew()
                checked = time.monotonic()
            more = self._tidy(2 * events, look=ticked or not jobs)

    def _process(self, jobs: list[Job]) -> None:
        begun = time.monotonic()
        number = self._number + 1
        entry: Entry | None = None
        try:
            with self._backend.transaction(number) as transaction:
                entry = self._books.write(transaction, [job.batch for job in jobs], self._now(), self._retention.floor)
        except BaseException as error:
            self._books.rolled_back()
            if isinstance(error, _BAD_DATA) or self._backend.bad_data(error):
                self._one_by_one(jobs, error)
                return
            if entry is not None and self._backend.undecided(error):
                self._doubt = _Doubt(jobs, number, entry)
            else:
                # Nothing of it is stored: whoever sent it tries again.
                self._failing = True
                reason = self._standing.down(error)
                self._queue.close(reason)
                refuse(jobs, reason)
            raise
        self._number = number
        self._books.committed(entry, self._now())
        self._reports.committed(time.monotonic() - begun)
        self._standing.leads(begun, self._backend.lease_seconds)
        self._answer(jobs, entry)

    def _one_by_one(self, jobs: list[Job], error: BaseException) -> None:
        """What cannot be stored is refused alone, and does not take its neighbours with it."""
        if len(jobs) > 1:
            for index, job in enumerate(jobs):
                try:
                    self._process([job])
                except BaseException as broken:
                    refuse(jobs[index + 1 :], words(broken))
                    raise
            return
        kind, number = jobs[0].batch.kind, len(jobs[0].batch.events)
        log.error("a batch of %d %s cannot be stored: %s", number, kind, words(error))
        self._reports.rejected(kind, number)
        answer(jobs, [LedgerDataError(f"cannot be stored: {words(error)}")])

    def _tidy(self, most: int, *, look: bool) -> bool:
        """Note births, drop expired series, let retention take a step of up to `most` rows; whether it has more to do.

        Without `look` only retention is asked, and only if it is due: a group has noted births already.
        """
        now = self._now()
        due = time.monotonic() >= self._next_retention
        if not due and not (look and self._books.untidy(now)):
            return False
        number = self._number + 1
        with self._backend.transaction(number) as transaction:
            entry = self._books.tidy(transaction, now)
            more = due and self._retention.step(transaction, now, max(most, STEP))
        self._number = number
        self._books.committed(entry, now)
        if due:
            more = more or self._backend.tidy()
            self._next_retention = time.monotonic() + (0 if more else _RETENTION_SECONDS)
        return more

    def _renew(self) -> None:
        begun = time.monotonic()
        self._backend.renew()
        self._standing.leads(begun, self._backend.lease_seconds)

    def _answer(self, jobs: list[Job], entry: Entry) -> None:
        for job, outcome in zip(jobs, entry.outcomes, strict=True):
            if isinstance(outcome, Outcome):
                self._reports.stored(job.batch.kind, outcome)
        answer(jobs, entry.outcomes)

    def _down(self, error: Exception) -> None:
        was_up = self._standing.state.up
        self._queue.close(self._standing.down(error))
        if was_up or self._failing:
            # Once for each time, not for each try to open it again.
            self._reports.failed()
        self._failing = False
        self._backend.notice(error)
        self._backend.close()
        self._standing.wait(self._backend.lease_seconds)

    def _give_up_late(self) -> None:
        """A group in doubt for too long is answered "try again": its keys will tell whether it is stored."""
        if self._doubt and time.monotonic() - self._doubt.jobs[0].since > _IN_DOUBT_SECONDS:
            doubt, self._doubt = self._doubt, None
            refuse(doubt.jobs, "does not say whether it has stored this")

    def _end(self) -> None:
        if self._standing.state.up:
            try:
                self._backend.resign()
            except Exception as error:
                log.warning("the ledger %s was left without a word: %s", self._backend.name, words(error))
        if self._doubt:
            refuse(self._doubt.jobs, "does not say whether it has stored this")
        self._queue.close("is closed: the process is stopping")
        self._backend.close()
        self._backend.leave()
        self._standing.end()

    def _now(self) -> int:
        return round(self._clock() * 1000)
