"""One account, polled for as long as the exporter runs: whatever fails, it goes on.

What a poll has found is committed in one batch, with the position after the one in the ledger. A commit whose answer
was lost is sent again and cannot count twice; one that comes after somebody else's is stale, so that what that one has
stored is read, and what follows from the poll is worked out anew.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

from agent_observability.kube.backoff import Backoff
from agent_observability.ledger.batch import Batch, Outcome
from agent_observability.ledger.errors import LedgerDataError, LedgerError, LedgerStaleError
from agent_observability.llm_cost.billing.account import Account, Poll, after, restore
from agent_observability.llm_cost.billing.client import Clock, Pause
from agent_observability.llm_cost.billing.fetch import Api, Attempt, Found, fetch, where
from agent_observability.llm_cost.billing.reports import Day

__all__ = ["Load", "Ready", "Submit", "Watch"]

log = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS = 15.0
# How often providers want to be asked, at most.
_LEAST_SECONDS = 60.0
_JITTER = 0.1
_AGAIN_SECONDS = 0.2
_STALE_TRIES = 3

Submit = Callable[[Batch], Awaitable[Outcome]]
Load = Callable[[], Awaitable[Mapping[str, bytes]]]
Ready = Callable[[], Awaitable[Mapping[str, str]]]


class Watch:
    """Polls one account every `interval` seconds. What others read of it is replaced, never changed.

    `ready` waits for the ledger and tells its positions; `load` tells all facts of the kind `account.FACT`.
    """

    def __init__(
        self,
        provider: str,
        name: str,
        api: Api,
        interval: float,
        *,
        submit: Submit,
        load: Load,
        ready: Ready,
        clock: Clock = time.time,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.account = Account(provider=provider, name=name)
        self.api = api
        self.attempts: Mapping[str, Attempt] = {}
        self.polls = 0
        """How many polls have come to an end, well or not."""
        self._interval = interval
        self._submit = submit
        self._load = load
        self._ready = ready
        self._clock = clock
        self._pause = pause
        self._source = f"billing/{provider}/{name}"
        self._position = ""
        self._whole: Day | None = None
        self._backoff = Backoff(min(_FIRST_RETRY_SECONDS, interval), interval, calm=2 * interval)

    @property
    def title(self) -> str:
        return f"{self.account.provider}/{self.account.name}"

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while not await self._knows():
                await self._pause(self._backoff.failed())
            # A process that starts again and again must not ask as often.
            ago = self._clock() - min(self.account.usage_at, self.account.costs_at)
            if 0 <= ago < _LEAST_SECONDS:
                await self._pause(_LEAST_SECONDS - ago)
            while True:
                await self._pause(await self._poll())
        finally:
            await self.api.client.close()

    async def _knows(self) -> bool:
        """Take over what is in the ledger."""
        try:
            # In this order: facts of later than the position are stale, and facts of before it would count twice.
            positions = await self._ready()
            facts = await self._load()
        except Exception as error:
            log.error("%s: what was read before cannot be loaded: %s", self.title, type(error).__name__)
            return False
        self._position = positions.get(self._source, "")
        self.account, broken = restore(self.account.provider, self.account.name, facts)
        for key in broken:
            log.error("%s: the ledger holds something else than expected in %s", self.title, key)
        return True

    async def _poll(self) -> float:
        """One poll; the seconds until the next."""
        found = await fetch(self.api, self.account, self._whole)
        try:
            recorded = await self._record(found)
        except Exception as error:
            log.error("%s: cannot record: %s", self.title, where(error))
            recorded = False
        if not recorded:
            found.attempts = {
                source: Attempt(one.seconds, one.problem or "cannot be stored")
                for source, one in found.attempts.items()
            }
        self._tell(found.attempts)
        self.polls += 1
        if any(one.problem for one in found.attempts.values()):
            return max(self._backoff.failed(), found.wait)
        self._whole = found.today
        return self._interval * (1 + random.random() * _JITTER)  # noqa: S311 - spreads load

    async def _record(self, found: Found) -> bool:
        """Whether what was found is in the ledger. Waits while that is down."""
        if found.usage is None and found.costs is None:
            return True
        for _ in range(_STALE_TRIES):
            poll = Poll(first=found.first, today=found.today, at=self._clock(), usage=found.usage, costs=found.costs)
            change = after(self.account, poll)
            number = int(self._position.partition(" ")[0] or "0") + 1
            position = f"{number} {secrets.token_hex(4)}"
            batch = Batch(
                counts=change.counts,
                facts=change.facts,
                positions={self._source: position},
                after={self._source: self._position},
                kind="billing",
            )
            if await self._commit(batch, position):
                self._position, self.account = position, change.account
                return True
            log.warning("%s: somebody else has polled in the meantime: all is read again", self.title)
            if not await self._knows():
                return False
        return False

    async def _commit(self, batch: Batch, position: str) -> bool:
        """Whether it is stored; not if somebody else was there before."""
        while True:
            try:
                await self._submit(batch)
            except LedgerStaleError:
                # After a commit whose answer was lost, this is the answer.
                return (await self._ready()).get(self._source) == position
            except LedgerDataError:
                raise
            except LedgerError:
                await self._pause(_AGAIN_SECONDS)
                await self._ready()
            else:
                return True

    def _tell(self, attempts: Mapping[str, Attempt]) -> None:
        for source, one in attempts.items():
            before = self.attempts.get(source, Attempt(0.0)).problem
            # Once for each problem, not for each poll.
            if one.problem and one.problem != before:
                log.warning("%s/%s: %s", self.title, source, one.problem)
            elif before and not one.problem:
                log.info("%s/%s: read again", self.title, source)
        self.attempts = dict(attempts)
