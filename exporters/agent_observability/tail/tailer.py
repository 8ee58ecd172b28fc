"""Follows logs until it is cancelled: every line is counted once, in one commit with the position behind it."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from agent_observability.collector import Collector
from agent_observability.ledger.errors import LedgerDataError, LedgerError
from agent_observability.ledger.ledger import Ledger
from agent_observability.runtime import SourceStatus
from agent_observability.tail.config import TailConfig
from agent_observability.tail.narrowing import Narrowing
from agent_observability.tail.part import Reader, Taken
from agent_observability.tail.proposal import Proposal
from agent_observability.tail.reading import Round
from agent_observability.tail.show import Shown, TailCollector, shown
from agent_observability.tail.state import Patience
from agent_observability.tail.watch import Watch
from agent_observability.workers import Workers

__all__ = ["Tailer"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_AGAIN_SECONDS = 1.0
# A file system that does not answer for so long is shown as a log that cannot be read.
_HANG_SECONDS = 15.0


class _ReaderError(Exception):
    """A reader has raised."""


class Tailer:
    """Reads the logs of `config` for `reader`. `source` names them in metrics and positions.

    `ledger` has to keep the families `TAIL_COUNTED`. All files are touched in one worker thread, and so is the reader:
    its `restore` is called before the first lines, and after each commit that has failed or may have. Threads outlive
    their work: whoever makes one tailer after the other gives them the same `workers`.
    """

    def __init__(
        self,
        source: str,
        config: TailConfig,
        ledger: Ledger,
        reader: Reader,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        patience: Patience | None = None,
        workers: Workers | None = None,
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._reader = reader
        self._steady = steady
        self._interval = float(config.interval)
        self._watch = Watch(source, config, patience=patience or Patience(), clock=clock, steady=steady)
        self._workers = workers or Workers(f"tail-{source}", idle_max=1)
        # Whoever cancels does not wait for a file system that hangs; the next job does.
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        self._shown = Shown()
        self._caught_up = False
        self._unsettled = True
        self._resumed = False
        self._doubt: Proposal | None = None
        self._latest = Round(self._take)
        self._looked = -math.inf
        self._narrowing = Narrowing(source)
        self._said = ""
        self.collector: Collector = TailCollector(source, self._now)

    def not_ready(self) -> str:
        """Why not everything that was there at the start has been counted, or ""."""
        if self._caught_up:
            return ""
        now = self._shown
        return f"{now.lag} bytes of the log are still to be read" if now.statuses else "the log was not looked at yet"

    def sources(self) -> list[SourceStatus]:
        """Each log, and what cannot be read."""
        if problem := self._hangs():
            return [replace(one, healthy=False, detail=problem) for one in self._shown.statuses]
        return list(self._shown.statuses)

    def size(self) -> int:
        """Bytes of the files at the paths, without rotated ones."""
        return self._shown.size

    async def run(self) -> None:
        """Until cancelled. Nothing else ends it."""
        try:
            while True:
                seconds = self._interval
                try:
                    await self._turn()
                    self._said = ""
                except Exception as error:
                    self._unsettled = True
                    # What cannot be stored is read again in smaller parts at once.
                    if not isinstance(error, (LedgerDataError, _ReaderError)):
                        seconds = max(seconds, _AGAIN_SECONDS)
                    self._complain(error)
                await asyncio.sleep(seconds)
        finally:
            self._workers.submit(self._close)

    async def _turn(self) -> None:
        """Read all that there is."""
        if self._resumed and not self._ledger.state.up:
            # Files come and go meanwhile: they are opened, not read.
            await self._work(self._look)
            return
        if self._unsettled:
            await self._settle()
        while (proposal := await self._work(self._round)) is not None:
            await self._commit(proposal)
            if not proposal.more:
                break
        self._caught_up = True

    async def _settle(self) -> None:
        """Fit everything to what the ledger holds, which tells whether a commit without an answer happened."""
        positions = await self._ledger.ready()
        doubt = self._doubt
        stored = await self._work(lambda: self._fit(doubt, positions))
        self._doubt = None
        if doubt is not None and stored:
            _tell(doubt)
        self._unsettled = False

    async def _commit(self, proposal: Proposal) -> None:
        try:
            await self._ledger.submit(proposal.batch(self._source))
        except LedgerDataError:
            self._narrowing.failed(proposal.work.lines)
            raise
        except LedgerError:
            self._doubt = proposal
            raise
        await self._work(lambda: self._watch.accept(proposal))
        _tell(proposal)
        self._narrowing.stored(proposal.work.lines)

    async def _work(self, job: Callable[[], T]) -> T:
        def locked() -> T:
            with self._lock:
                return job()

        self._busy_since = self._steady()
        try:
            return await self._workers.run(locked)
        finally:
            self._busy_since = None

    def _look(self) -> None:
        self._watch.look()
        self._looked = self._steady()
        self._shown = shown(self._watch)

    def _round(self) -> Proposal | None:
        if self._steady() - self._looked >= self._interval / 2:
            self._look()
        self._latest = Round(self._take, most=self._narrowing.most, give_up=self._narrowing.give_up)
        try:
            proposal = self._watch.read(self._latest)
            if proposal is not None:
                proposal.facts = self._ask(self._reader.facts)
        except _ReaderError:
            self._narrowing.failed(self._latest.lines)
            raise
        if proposal is None:
            self._shown = shown(self._watch)
        return proposal

    def _take(self, path: str, lines: Sequence[bytes]) -> Taken:
        return self._ask(lambda: self._reader.take(path, lines))

    @staticmethod
    def _ask(reader: Callable[[], T]) -> T:
        try:
            return reader()
        except Exception as error:
            raise _ReaderError(f"{type(error).__name__}: {error}") from error

    def _fit(self, doubt: Proposal | None, positions: Mapping[str, str]) -> bool:
        self._reader.restore()
        if self._resumed:
            return self._watch.settle(doubt, positions)
        self._watch.resume(positions)
        self._resumed = True
        return False

    def _complain(self, error: Exception) -> None:
        """Once for each reason in a row."""
        said = f"{type(error).__name__}: {error}"
        if said == self._said:
            return
        self._said = said
        if isinstance(error, LedgerError):
            log.warning("%s is not read on for now: %s", self._source, error)
        else:
            log.error("reading %s failed", self._source, exc_info=error)

    def _hangs(self) -> str:
        since = self._busy_since
        if since is None or (seconds := self._steady() - since) < _HANG_SECONDS:
            return ""
        return f"the file system has not answered for {seconds:.0f} s"

    def _now(self) -> Shown:
        hangs = self._hangs()
        return replace(self._shown, problems=(hangs,)) if hangs else self._shown

    def _close(self) -> None:
        with self._lock:
            self._watch.close()


def _tell(proposal: Proposal) -> None:
    for taken in proposal.work.taken:
        taken.committed()
