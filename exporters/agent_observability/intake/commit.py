"""One transaction for all who take from a request: both or none, and whoever keeps something in memory told of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent_observability.intake.errors import RefusedError
from agent_observability.intake.lane import AT_ONCE
from agent_observability.intake.part import Caller, Part, Taker
from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.errors import LedgerBusyError, LedgerDataError, LedgerUnavailableError
from agent_observability.ledger.ledger import Ledger
from agent_observability.workers import Workers

__all__ = ["PRESSURE_SECONDS", "UNAVAILABLE_SECONDS", "Committed", "Committer", "Delivery"]

log = logging.getLogger(__name__)

PRESSURE_SECONDS = 1
UNAVAILABLE_SECONDS = 5
"""After how long to come again: where there is too much, and where nothing can be stored."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request, decoded. `size` is that of its body; `digest`, with its end, tells it from others."""

    kind: str
    takers: Sequence[Taker[Any]]
    given: Any
    caller: Caller
    digest: tuple[bytes, int] | None
    size: int


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of it: per part which of its events were new; `duplicate` where all was committed before."""

    parts: Sequence[Part]
    stored: Sequence[Sequence[bool]]
    duplicate: bool


class Committer:
    """`patience` is how long a request waits for others that must be stored before it, in seconds."""

    def __init__(self, ledger: Ledger, workers: Workers, patience: float) -> None:
        self._ledger = ledger
        self._workers = workers
        self._patience = patience
        self._taking = asyncio.Lock()

    async def commit(self, delivery: Delivery) -> Committed:
        """Raises RefusedError, and what a taker raises."""
        parts = await self._take(delivery)
        needed = _locks(delivery, parts)
        if not needed:
            return await self._commit(delivery, parts)
        while True:
            async with self._holding(needed):
                parts = await self._take(delivery)
                held, needed = needed, needed | _locks(delivery, parts)
                if needed == held:
                    return await self._commit(delivery, parts)
            # What a part follows from may change before its lock is there: then others may be exclusive, too.

    @contextlib.asynccontextmanager
    async def _holding(self, locks: frozenset[asyncio.Lock]) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._patience):
                    # Everybody in the same order, so that no two wait for each other.
                    for lock in sorted(locks, key=id):
                        await stack.enter_async_context(lock)
            except TimeoutError:
                reason = "others that must be stored before this take too long"
                raise RefusedError(429, "rate_limited", reason, seconds=PRESSURE_SECONDS) from None
            yield

    async def _take(self, delivery: Delivery) -> list[Part]:
        def work() -> list[Part]:
            return [taker.take(delivery.given, delivery.caller, now) for taker in delivery.takers]

        # One at a time, be it here or beside the event loop.
        async with self._taking:
            now = time.time()
            return work() if delivery.size < AT_ONCE else await self._workers.run(work)

    async def _commit(self, delivery: Delivery, parts: Sequence[Part]) -> Committed:
        batch = Batch(
            events=[event for part in parts for event in part.events],
            counts=[count for part in parts for count in part.counts],
            facts={key: data for part in parts for key, data in part.facts.items()},
            digest=delivery.digest,
            kind=delivery.kind,
        )
        try:
            # Of size 1 is what holds nothing.
            outcome = await self._ledger.submit(batch) if batch.size > 1 else Outcome(())
            stored = _split(parts, outcome.stored)
            if not outcome.duplicate:
                async with self._taking:
                    for part, new in zip(parts, stored, strict=True):
                        _tell_stored(part, new)
        except LedgerBusyError as error:
            raise RefusedError(429, "rate_limited", str(error), seconds=PRESSURE_SECONDS) from error
        except LedgerDataError as error:
            raise RefusedError(422, "invalid", str(error)) from error
        except BaseException as error:
            # Also where it is cancelled: nobody here knows whether it is stored.
            for part in parts:
                _tell_failed(part)
            if isinstance(error, LedgerUnavailableError):
                raise RefusedError(503, "unavailable", str(error), seconds=UNAVAILABLE_SECONDS) from error
            raise
        return Committed(parts, stored, outcome.duplicate)


def _locks(delivery: Delivery, parts: Sequence[Part]) -> frozenset[asyncio.Lock]:
    """Those of takers whose parts are exclusive: none, mostly."""
    return frozenset([taker.lock for taker, part in zip(delivery.takers, parts, strict=True) if part.exclusive])


def _split(parts: Sequence[Part], stored: Sequence[bool]) -> list[Sequence[bool]]:
    ends = [0]
    for part in parts:
        ends.append(ends[-1] + len(part.events))
    return [stored[first:last] for first, last in itertools.pairwise(ends)]


def _tell_stored(part: Part, new: Sequence[bool]) -> None:
    """It is committed, whatever is made of that here: neither the sender nor another exporter has to know."""
    try:
        part.stored(new)
    except Exception:
        log.exception("what is stored could not be taken note of")
        _tell_failed(part)


def _tell_failed(part: Part) -> None:
    try:
        part.failed()
    except Exception:
        log.exception("what may be stored could not be taken note of")
